// The ways in which a text can be read: as it stands, and with its escapes undone. A secret hides in any of them.
import { Buffer } from "node:buffer";

/** A text as UTF-8, one byte a character, and where in the original each byte came from. */
export interface Reading {
  bytes: string;
  /** Original range of each byte, in UTF-16 units; absent when byte and character are the same. */
  starts?: Int32Array;
  ends?: Int32Array;
  /** Escapes that stand for no byte, in order: start and end of each in the original. */
  dropped: readonly number[];
  /** From this byte on, what follows may still change how this is read. */
  openAt: number;
}

/** JSON in a URL in JSON: deeper nesting is not undone. */
const levelsMax = 3;

/** Longest unfinished escape that is looked for at the end: a title or link of a terminal is the longest. */
const openCharsMax = 1100;

/** What is seen by nobody and would part a value: format characters, variation selectors, NUL, and CR of CRLF. */
const invisible = /[\0\r\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;

/** Colours and other control sequences (ECMA-48); `]` begins a title or a link, whose text is read as well. */
const control = String.raw`\x1b\[[0-?]{0,64}[ -/]{0,4}[@-~]|\x1b[()][0-9A-Z]|\x1b[=>78cDEHM]`;
const title = String.raw`\x1b\][^\x07\x1b]{0,1024}(?:\x07|\x1b\\)`;
const sign = [
  String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`,
  String.raw`\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,6}\}|\\U[0-9a-fA-F]{8}`,
  String.raw`(?:\\x|%)[0-9a-fA-F]{2}|\\[0-3]?[0-7]{1,2}`,
  // Before anything else a backslash says nothing, as in a shell and in JavaScript; before an escape it is itself.
  String.raw`\\(?!%[0-9a-fA-F]{2}|&[#a-z])[\s\S]`,
  "&#[0-9]{1,8};?|&#[xX][0-9a-fA-F]{1,8};?|&[a-zA-Z]{2,6};",
].join("|");
const escapes = new RegExp(`${control}|${title}|${sign}`, "g");
const escapesInTitles = new RegExp(`${control}|${sign}`, "g");

/** The beginning of any of these at the end of a text. */
const open =
  /(?:\x1b(?:\[[0-?]{0,64}[ -/]{0,4}|\][^\x07\x1b]{0,1024}\x1b?|[()])?|\\(?:u(?:[dD][89abAB][0-9a-fA-F]{2}\\?u?)?[0-9a-fA-F]{0,3}|u\{[0-9a-fA-F]{0,6}|U[0-9a-fA-F]{0,7}|x[0-9a-fA-F]?|[0-3]?[0-7]{0,2})?|%[0-9a-fA-F]?|&(?:#[xX]?[0-9a-fA-F]{0,8}|[a-zA-Z]{0,6}))$/;

const letters: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  e: "\u001b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Names that HTML has for what stands in passwords and addresses. */
const names: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  ast: "*",
  bsol: "\\",
  colon: ":",
  comma: ",",
  commat: "@",
  dollar: "$",
  equals: "=",
  excl: "!",
  gt: ">",
  lowbar: "_",
  lt: "<",
  num: "#",
  percnt: "%",
  period: ".",
  plus: "+",
  quest: "?",
  quot: '"',
  semi: ";",
  sol: "/",
};

/** Every reading of a text, beginning with the text as it stands. Takes time in proportion to its length. */
export function readings(text: string): Reading[] {
  const first = plain(text);
  const found = [first];
  // The text of a title is outside of the line that it interrupts: one reading leaves it out, one has it.
  for (const form of [escapes, escapesInTitles]) {
    let last: Reading | undefined = first;
    for (let level = 0; level < levelsMax && last !== undefined; level++) {
      last = unescaped(last, form);
      if (last !== undefined) found.push(last);
    }
    // Without a title both are the same.
    if (!found.some(({ bytes }) => bytes.includes("\u001b]"))) break;
  }
  return found;
}

/** Where in the original the byte at `index` begins; behind the last byte, infinity or the end. */
export function startOf({ starts }: Reading, index: number): number {
  return starts === undefined ? index : (starts[index] ?? Number.POSITIVE_INFINITY);
}

/** Where in the original the byte at `index` ends. */
export function endOf({ ends }: Reading, index: number): number {
  return ends === undefined ? index + 1 : (ends[index] ?? 0);
}

/** The text in UTF-8 without what is invisible. */
function plain(text: string): Reading {
  if (!/[^\u0001-\u000c\u000e-\u007f]/.test(text)) return { bytes: text, dropped: [], openAt: openIn(text) };
  // Half of a character at the end waits for the other half.
  const openFrom = /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
  const builder = createBuilder(Buffer.byteLength(text));
  let at = 0;
  for (const { index, 0: gone } of text.matchAll(invisible)) {
    addText(builder, text, { from: at, to: index });
    at = index + gone.length;
  }
  addText(builder, text, { from: at, to: text.length });
  return finish(builder, openFrom);
}

/** The reading one level deeper; undefined when it holds no escape and so is the same. */
function unescaped(reading: Reading, form: RegExp): Reading | undefined {
  const { bytes } = reading;
  let builder: Builder | undefined;
  let at = 0;
  for (const match of bytes.matchAll(form)) {
    const meant = meaning(match[0]);
    if (meant === undefined) continue;
    builder ??= createBuilder(bytes.length);
    copy(builder, reading, { from: at, to: match.index });
    at = match.index + match[0].length;
    const range = { start: startOf(reading, match.index), end: endOf(reading, at - 1) };
    for (let index = 0; index < meant.length; index++) add(builder, range);
    builder.parts.push(meant);
    if (meant === "") builder.dropped.push(range.start, range.end);
  }
  if (builder === undefined) return undefined;
  copy(builder, reading, { from: at, to: bytes.length });
  return finish(builder, startOf(reading, reading.openAt));
}

/** What an escape stands for, in bytes; empty for what is only control; undefined when it is none. */
function meaning(sign: string): string | undefined {
  const second = sign.charAt(1);
  switch (sign.charAt(0)) {
    case "%":
      return byte(sign.slice(1), 16);
    case "&":
      if (second !== "#") return names[sign.slice(1, -1).toLowerCase()];
      return /[xX]/.test(sign.charAt(2)) ? character(sign.slice(3), 16) : character(sign.slice(2), 10);
    case "\\":
      // Cut off or followed by other than digits.
      if (sign.length === 2) break;
      if (second === "x") return byte(sign.slice(2), 16);
      if (second === "U") return character(sign.slice(2), 16);
      if (second === "u") return sign.length === 12 ? pair(sign) : character(sign.replace(/^..\{?/, ""), 16);
      return byte(sign.slice(1), 8);
    default:
      return "";
  }
  return second >= "0" && second <= "7" ? byte(second, 8) : visible(letters[second] ?? second);
}

function byte(digits: string, base: 8 | 16): string {
  const found = Number.parseInt(digits, base);
  return found === 0 || found === 0x0d ? "" : String.fromCharCode(found);
}

function character(digits: string, base: 10 | 16): string | undefined {
  const code = Number.parseInt(digits, base);
  return code > 0x10ffff ? undefined : utf8(String.fromCodePoint(code));
}

function pair(sign: string): string {
  return utf8(String.fromCharCode(Number.parseInt(sign.slice(2, 6), 16), Number.parseInt(sign.slice(8), 16)));
}

function utf8(text: string): string {
  return Buffer.from(visible(text)).toString("latin1");
}

function visible(text: string): string {
  return text.replace(invisible, "");
}

/** A reading that is being put together. */
interface Builder {
  parts: string[];
  starts: Int32Array;
  ends: Int32Array;
  dropped: number[];
  length: number;
}

function createBuilder(lengthMax: number): Builder {
  return { parts: [], starts: new Int32Array(lengthMax), ends: new Int32Array(lengthMax), dropped: [], length: 0 };
}

function add(builder: Builder, { start, end }: { start: number; end: number }): void {
  builder.starts[builder.length] = start;
  builder.ends[builder.length++] = end;
}

function copy(builder: Builder, reading: Reading, { from, to }: { from: number; to: number }): void {
  if (from === to) return;
  builder.parts.push(reading.bytes.slice(from, to));
  for (let index = from; index < to; index++)
    add(builder, { start: startOf(reading, index), end: endOf(reading, index) });
}

function addText(builder: Builder, text: string, { from, to }: { from: number; to: number }): void {
  if (from === to) return;
  builder.parts.push(Buffer.from(text.slice(from, to)).toString("latin1"));
  for (let index = from; index < to; ) {
    const code = text.codePointAt(index) ?? 0;
    const range = { start: index, end: index + (code > 0xffff ? 2 : 1) };
    for (let left = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; left > 0; left--) add(builder, range);
    index = range.end;
  }
}

function finish(builder: Builder, openFrom: number): Reading {
  const bytes = builder.parts.join("");
  const starts = builder.starts.subarray(0, builder.length);
  const ends = builder.ends.subarray(0, builder.length);
  // An escape that is cut off above may be the rest of one that begins before it here.
  return { bytes, starts, ends, dropped: builder.dropped, openAt: openIn(bytes.slice(0, indexAt(starts, openFrom))) };
}

/** The first byte that begins at `origin` or behind it. */
export function indexAt(starts: Int32Array, origin: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) < origin) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where an escape begins that the end of the text cuts off, or one that ends in such a one; else the length. */
function openIn(bytes: string): number {
  let at = bytes.length;
  for (let level = 0; level < levelsMax; level++) {
    const from = Math.max(0, at - openCharsMax);
    const found = open.exec(bytes.slice(from, at));
    if (found === null) break;
    at = from + found.index;
  }
  return at;
}
