// The HTML parse mode, as strict as the server's: same tags, same refusals, offsets in bytes.
import type { Entity, Marked } from "./entities.ts";
import { bad } from "./refusal.ts";

/** Tags of https://core.telegram.org/bots/api#html-style and what they become. */
const tags: Record<string, string> = {
  a: "text_link",
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  span: "spoiler",
  "tg-spoiler": "spoiler",
  "tg-emoji": "custom_emoji",
  "tg-time": "date_time",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
};

interface Open {
  tag: string;
  argument: string;
  offset: number;
}

interface Reader {
  html: string;
  at: number;
  out: string;
  open: Open[];
  entities: Entity[];
}

/** Plain text and entities of `html`. Throws the server's own "can't parse entities: …". */
export function parseHtml(html: string): Marked {
  const reader: Reader = { html, at: 0, out: "", open: [], entities: [] };
  while (reader.at < html.length) {
    const unit = html[reader.at];
    if (unit === "&") readReference(reader);
    else if (unit !== "<") {
      reader.out += unit;
      reader.at += 1;
    } else if (html[reader.at + 1] === "/") readEnd(reader);
    else readStart(reader);
  }
  const unclosed = reader.open.at(-1);
  if (unclosed !== undefined) throw unparsed(`Can't find end tag corresponding to start tag "${unclosed.tag}"`);
  return { text: reader.out, entities: joined(reader.entities) };
}

function unparsed(what: string) {
  return bad(`can't parse entities: ${what}`);
}

/** The server counts bytes of UTF-8. */
function bytes({ html }: Reader, at: number): number {
  return new TextEncoder().encode(html.slice(0, at)).length;
}

const named: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/** What a reference at the start of `text` stands for; the semicolon may be missing, any other name stays as it is. */
function referenceAt(text: string): { value: string; length: number } | undefined {
  const match = /^&(?:#(?:x([0-9a-f]+)|(\d+))|([a-z]+));?/i.exec(text);
  if (match === null) return undefined;
  const [whole, hex, decimal, name] = match;
  if (name !== undefined) {
    const value = named[name];
    return value === undefined ? undefined : { value, length: whole.length };
  }
  const code = hex === undefined ? Number.parseInt(decimal ?? "", 10) : Number.parseInt(hex, 16);
  if (!(code > 0 && code < 0x10ffff)) return undefined;
  if (code >= 0xd800 && code <= 0xdfff) {
    throw unparsed(
      "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
    );
  }
  return { value: String.fromCodePoint(code), length: whole.length };
}

function readReference(reader: Reader): void {
  const found = referenceAt(reader.html.slice(reader.at, reader.at + 20));
  reader.out += found?.value ?? "&";
  reader.at += found?.length ?? 1;
}

function skipSpace(reader: Reader): void {
  while (/\s/.test(reader.html[reader.at] ?? "")) reader.at += 1;
}

function readStart(reader: Reader): void {
  const begin = reader.at;
  const place = `at byte offset ${bytes(reader, begin)}`;
  const name = /^[^\s>]*/.exec(reader.html.slice(begin + 1))?.[0] ?? "";
  reader.at = begin + 1 + name.length;
  if (reader.at >= reader.html.length) throw unparsed(`Unclosed start tag ${place}`);
  const tag = name.toLowerCase();
  if (!Object.hasOwn(tags, tag)) throw unparsed(`Unsupported start tag "${tag}" ${place}`);
  let argument = "";
  for (;;) {
    skipSpace(reader);
    if (reader.html[reader.at] === ">") break;
    const { name: attribute, value } = readAttribute(reader, tag, place);
    argument = argumentOf(tag, attribute, value) ?? argument;
  }
  if (tag === "span" && argument !== "spoiler") throw unparsed(`Tag "span" must have class "tg-spoiler" ${place}`);
  if (tag === "tg-emoji" && !/^\d+$/.test(argument)) throw unparsed("Invalid custom emoji identifier specified");
  reader.at += 1;
  reader.open.push({ tag, argument, offset: reader.out.length });
}

function readAttribute(reader: Reader, tag: string, place: string): { name: string; value: string } {
  const name = /^[^\s=>]*/.exec(reader.html.slice(reader.at))?.[0] ?? "";
  reader.at += name.length;
  if (name === "") {
    const what = reader.at >= reader.html.length ? "Unclosed start tag" : "Empty attribute name in the tag";
    throw unparsed(`${what} "${tag}" ${place}`);
  }
  skipSpace(reader);
  if (reader.at >= reader.html.length) throw unparsed(`Unclosed start tag "${tag}" ${place}`);
  if (reader.html[reader.at] !== "=") return { name, value: "" };
  reader.at += 1;
  skipSpace(reader);
  if (reader.at >= reader.html.length) throw unparsed(`Unclosed start tag "${tag}" ${place}`);
  const quote = reader.html[reader.at] ?? "";
  const value = quote === '"' || quote === "'" ? readQuoted(reader, quote) : readToken(reader);
  if (reader.at >= reader.html.length) throw unparsed(`Unclosed start tag ${place}`);
  return { name, value };
}

function readQuoted(reader: Reader, quote: string): string {
  let value = "";
  reader.at += 1;
  while (reader.at < reader.html.length && reader.html[reader.at] !== quote) {
    const unit = reader.html[reader.at] ?? "";
    const found = unit === "&" ? referenceAt(reader.html.slice(reader.at, reader.at + 20)) : undefined;
    value += found?.value ?? unit;
    reader.at += found?.length ?? 1;
  }
  reader.at += 1;
  return value;
}

function readToken(reader: Reader): string {
  const value = /^[a-z0-9.-]*/i.exec(reader.html.slice(reader.at))?.[0] ?? "";
  const begin = reader.at;
  reader.at += value.length;
  if (!/[\s>]/.test(reader.html[reader.at] ?? "")) {
    throw unparsed(`Unexpected end of name token at byte offset ${bytes(reader, begin)}`);
  }
  return value.toLowerCase();
}

/** The one value of a tag that means something, or undefined when this attribute is none of it. */
function argumentOf(tag: string, attribute: string, value: string): string | undefined {
  if (tag === "a" && attribute === "href") return value;
  if (tag === "code" && attribute === "class" && value.startsWith("language-")) return value.slice(9);
  if (tag === "span" && attribute === "class" && value.startsWith("tg-")) return value.slice(3);
  if (tag === "tg-emoji" && attribute === "emoji-id") return value;
  if (tag === "blockquote" && attribute === "expandable") return "expandable";
  return undefined;
}

function readEnd(reader: Reader): void {
  const begin = reader.at;
  const place = `at byte offset ${bytes(reader, begin)}`;
  const open = reader.open.pop();
  if (open === undefined) throw unparsed(`Unexpected end tag ${place}`);
  const name = /^[^\s>]*/.exec(reader.html.slice(begin + 2))?.[0] ?? "";
  reader.at = begin + 2 + name.length;
  skipSpace(reader);
  if (reader.html[reader.at] !== ">") throw unparsed(`Unclosed end tag ${place}`);
  reader.at += 1;
  if (name !== "" && name !== open.tag) {
    throw unparsed(`Unmatched end tag ${place}, expected "</${open.tag}>", found "</${name}>"`);
  }
  const length = reader.out.length - open.offset;
  if (length > 0) close(reader, open, length);
}

function close(reader: Reader, { tag, argument, offset }: Open, length: number): void {
  const type = tags[tag] ?? "";
  if (tag === "a") {
    const target = checkedLink(argument === "" ? reader.out.slice(offset) : argument);
    // A link that the server does not like becomes plain text, without a word.
    if (target !== undefined) reader.entities.push({ ...target, offset, length });
    return;
  }
  if (tag === "code" && argument !== "") {
    reader.entities.push({ type, offset, length, language: argument });
    return;
  }
  if (tag === "tg-emoji") reader.entities.push({ type, offset, length, custom_emoji_id: argument });
  else if (argument === "expandable") reader.entities.push({ type: "expandable_blockquote", offset, length });
  else if (tag !== "tg-time") reader.entities.push({ type, offset, length });
}

/** What a link in text leads to, if the server accepts it. */
export function checkedLink(target: string): { type: string; url?: string; user?: { id: number } } | undefined {
  const user = /^tg:\/\/user\/?\?id=(\d+)$/.exec(target)?.[1];
  if (user !== undefined) return { type: "text_mention", user: { id: Number(user) } };
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(target) ? target : `http://${target}`;
  if (!/^(?:https?|tg|ton|tonsite):/i.test(whole) || !URL.canParse(whole)) return undefined;
  const { protocol, hostname, href } = new URL(whole);
  return protocol.startsWith("http") && !hostname.includes(".") ? undefined : { type: "text_link", url: href };
}

/** `<pre><code class="language-x">` is one block with a language; `language` counts nowhere else. */
function joined(entities: Entity[]): Entity[] {
  const at = (one: Entity) => `${one.offset} ${one.length}`;
  const coded = new Map(entities.filter(({ language }) => language !== undefined).map((one) => [at(one), one]));
  const blocks = new Set(entities.filter(({ type }) => type === "pre").map(at));
  const closed = entities.filter(({ type }) => type === "pre" || type === "code");
  const inside = (one: Entity) =>
    closed.some((code) => one.offset >= code.offset && one.offset + one.length <= code.offset + code.length);
  return entities.flatMap((one) => {
    // Nothing is marked up inside code.
    if (one.type !== "pre" && one.type !== "code" && inside(one)) return [];
    if (one.type === "pre") {
      const language = coded.get(at(one))?.language;
      return [language === undefined ? one : { ...one, language }];
    }
    if (one.type !== "code") return [one];
    if (blocks.has(at(one))) return [];
    const { language: _unused, ...plain } = one;
    return [plain];
  });
}
