// The MarkdownV2 parse mode: every special character must be escaped or paired.
import type { Entity, Marked } from "./entities.ts";
import { checkedLink } from "./html.ts";
import { bad } from "./refusal.ts";

const reserved = "_*[]()~`>#+-=|{}.!";
const pairs: { mark: string; type: string }[] = [
  { mark: "||", type: "spoiler" },
  { mark: "__", type: "underline" },
  { mark: "*", type: "bold" },
  { mark: "_", type: "italic" },
  { mark: "~", type: "strikethrough" },
];

interface Open {
  mark: string;
  type: string;
  offset: number;
  begin: number;
}

interface Reader {
  source: string;
  at: number;
  out: string;
  open: Open[];
  entities: Entity[];
}

/** Plain text and entities of `source`. Throws the server's "can't parse entities: …". */
export function parseMarkdownV2(source: string): Marked {
  const reader: Reader = { source, at: 0, out: "", open: [], entities: [] };
  while (reader.at < source.length) step(reader);
  const unclosed = reader.open.at(-1);
  if (unclosed !== undefined) throw unended(reader, unclosed.type, unclosed.begin);
  return { text: reader.out, entities: reader.entities };
}

function bytes({ source }: Reader, at: number): number {
  return new TextEncoder().encode(source.slice(0, at)).length;
}

function unended(reader: Reader, type: string, begin: number) {
  const name = type.charAt(0).toUpperCase() + type.slice(1);
  return bad(`can't parse entities: Can't find end of ${name} entity at byte offset ${bytes(reader, begin)}`);
}

function step(reader: Reader): void {
  const rest = reader.source.slice(reader.at);
  const unit = rest[0] ?? "";
  if (unit === "\\" && /[\x01-\x7e]/.test(rest[1] ?? "")) {
    reader.out += rest[1];
    reader.at += 2;
  } else if (unit === "`") readCode(reader, rest.startsWith("```") ? "```" : "`");
  else if (unit === ">" && (reader.out === "" || reader.out.endsWith("\n"))) readQuote(reader);
  else if (unit === "[" || rest.startsWith("![")) readLink(reader);
  else if (unit === "]" && reader.open.at(-1)?.mark === "[") closeLink(reader);
  else {
    const pair = pairs.find(({ mark }) => rest.startsWith(mark));
    if (pair !== undefined) toggle(reader, pair);
    else if (reserved.includes(unit)) {
      throw bad(`can't parse entities: Character '${unit}' is reserved and must be escaped with the preceding '\\'`);
    } else {
      reader.out += unit;
      reader.at += 1;
    }
  }
}

function toggle(reader: Reader, { mark, type }: { mark: string; type: string }): void {
  const last = reader.open.at(-1);
  if (last?.mark === mark) {
    reader.open.pop();
    mark1(reader, { type, offset: last.offset });
  } else reader.open.push({ mark, type, offset: reader.out.length, begin: reader.at });
  reader.at += mark.length;
}

function mark1(reader: Reader, { type, offset, ...more }: Omit<Entity, "length">): void {
  const length = reader.out.length - offset;
  if (length > 0) reader.entities.push({ type, offset, length, ...more });
}

function readCode(reader: Reader, mark: string): void {
  const begin = reader.at;
  const offset = reader.out.length;
  const type = mark === "`" ? "code" : "pre";
  reader.at += mark.length;
  const language = mark === "`" ? "" : (/^([^\s`]+)\n/.exec(reader.source.slice(reader.at))?.[1] ?? "");
  if (mark === "```") reader.at += language === "" ? Number(reader.source[reader.at] === "\n") : language.length + 1;
  while (!reader.source.startsWith(mark, reader.at)) {
    if (reader.at >= reader.source.length) throw unended(reader, type === "pre" ? "PreCode" : "Code", begin);
    if (reader.source[reader.at] === "\\") reader.at += 1;
    reader.out += reader.source[reader.at] ?? "";
    reader.at += 1;
  }
  reader.at += mark.length;
  mark1(reader, { type, offset, ...(language === "" ? {} : { language }) });
}

/** Lines that begin with ">" belong to one quotation. */
function readQuote(reader: Reader): void {
  const end = /^(?:>[^\n]*(?:\n|$))+/.exec(reader.source.slice(reader.at))?.[0] ?? ">";
  const inner = parseMarkdownV2(end.replaceAll(/^>/gm, "").replace(/\n$/, ""));
  const offset = reader.out.length;
  reader.out += inner.text;
  reader.entities.push({ type: "blockquote", offset, length: inner.text.length });
  reader.entities.push(...inner.entities.map((one) => ({ ...one, offset: one.offset + offset })));
  if (end.endsWith("\n")) reader.out += "\n";
  reader.at += end.length;
}

function readLink(reader: Reader): void {
  reader.open.push({ mark: "[", type: "textUrl", offset: reader.out.length, begin: reader.at });
  reader.at += reader.source[reader.at] === "!" ? 2 : 1;
}

function closeLink(reader: Reader): void {
  const open = reader.open.pop();
  const target = /^\]\(((?:\\.|[^)\\])*)\)/.exec(reader.source.slice(reader.at));
  if (open === undefined || target === null) {
    throw bad(`can't parse entities: Can't find end of a URL at byte offset ${bytes(reader, reader.at)}`);
  }
  reader.at += target[0].length;
  const link = checkedLink((target[1] ?? "").replaceAll(/\\(.)/g, "$1"));
  if (link !== undefined) mark1(reader, { ...link, offset: open.offset });
}
