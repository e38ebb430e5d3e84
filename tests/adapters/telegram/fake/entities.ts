// Text of the fake Bot API: which parts the server marks by itself, and how it tidies text up.
import { bad } from "./refusal.ts";

/** Offsets and lengths are UTF-16 units, as in the API. */
export interface Entity {
  type: string;
  offset: number;
  length: number;
  url?: string;
  user?: { id: number };
  language?: string;
  custom_emoji_id?: string;
}

export interface Marked {
  text: string;
  entities: Entity[];
}

export const textUnitsMax = 4096;
export const captionUnitsMax = 1024;
/** The real server keeps the first hundred and drops the rest without a word. */
const entitiesMax = 100;

const found: { type: string; pattern: RegExp }[] = [
  {
    type: "url",
    pattern:
      /(?<![\w@/.])(?:https?:\/\/[^\s<>"]+[^\s<>".,!?;:)\]}']|(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|me)\b(?:\/[^\s<>"]*[^\s<>".,!?;:)])?)/gi,
  },
  { type: "email", pattern: /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { type: "bot_command", pattern: /(?<![\w/<>])\/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{2,31})?(?![\w/])/g },
  { type: "mention", pattern: /(?<![\w@/])@[A-Za-z]\w{2,31}\b(?!@)/g },
  { type: "hashtag", pattern: /(?<![\p{L}\p{N}_#])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*/gu },
  { type: "cashtag", pattern: /(?<![\w$])\$[A-Z]{1,8}\b/g },
];

/** Marks what the server finds by itself (links, addresses, commands, @names, #tags), save inside code and links. */
export function withFound({ text, entities }: Marked): Marked {
  const closed = entities.filter(({ type }) => ["code", "pre", "text_link", "text_mention"].includes(type));
  const taken: Entity[] = [...closed];
  const added: Entity[] = [];
  for (const { type, pattern } of found) {
    for (const match of text.matchAll(pattern)) {
      const one: Entity = { type, offset: match.index, length: match[0].length };
      if (taken.some((other) => overlaps(one, other))) continue;
      taken.push(one);
      added.push(one);
    }
  }
  return { text, entities: inOrder([...entities, ...added]).slice(0, entitiesMax) };
}

function overlaps(a: Entity, b: Entity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

/** By place, the longer first. */
function inOrder(entities: Entity[]): Entity[] {
  return entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length);
}

/** As the server stores text: no carriage returns, no control characters, no white space around it. */
export function tidied({ text, entities }: Marked): Marked {
  const kept: string[] = [];
  const places: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    places.push(kept.length);
    const unit = text[at] ?? "";
    if (unit !== "\r") kept.push(/[\x00-\x08\x0b-\x1f]/.test(unit) ? " " : unit);
  }
  places.push(kept.length);
  const clean = kept.join("");
  const start = clean.length - clean.trimStart().length;
  const end = Math.max(start, clean.trimEnd().length);
  const place = (at: number) => Math.min(Math.max(places[at] ?? clean.length, start), end) - start;
  const moved = entities.map((one) => {
    const offset = place(one.offset);
    return { ...one, offset, length: place(one.offset + one.length) - offset };
  });
  return { text: clean.slice(start, end), entities: inOrder(moved.filter(({ length }) => length > 0)) };
}

/** Half a surrogate pair cannot be written in UTF-8, so the server refuses the request. */
export function assertWellFormed(text: string): void {
  if (!text.isWellFormed()) throw bad("strings must be encoded in UTF-8");
}

/** Explicit `entities` of a request, checked as the server does. */
export function checkedEntities(value: unknown, text: string): Entity[] {
  if (!Array.isArray(value)) throw bad("can't parse entities JSON object");
  return value.map((one: unknown) => {
    if (typeof one !== "object" || one === null) throw bad("can't parse MessageEntity: expected an Object");
    const { type, offset, length, ...rest } = one as Entity;
    if (typeof type !== "string") throw bad('can\'t parse MessageEntity: field "type" must be of type String');
    if (!Number.isInteger(offset) || !Number.isInteger(length)) {
      throw bad('can\'t parse MessageEntity: field "offset" must be of type Number');
    }
    if (offset < 0 || length <= 0 || offset + length > text.length) {
      throw bad("entity has invalid bounds");
    }
    return { type, offset, length, ...rest };
  });
}
