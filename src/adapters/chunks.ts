// Long markdown in pieces that the lexer takes quickly: each is whole markdown of its own, cut where it hurts least.
import { limits } from "../core/limits.ts";

/** A piece of the source. */
export interface Chunk {
  source: string;
  /** What stood between this piece and the one before when both are one code block, else null. */
  joint: "\n" | "" | null;
  /** The piece begins with the head of the table that the piece before ended in: its rows go on. */
  headRepeated: boolean;
}

/** An open code block: its mark, and the line that opens it again. */
interface Fence {
  mark: string;
  line: string;
}

/** Longest table head that is repeated, in UTF-16 units. */
const tableHeadCharsMax = 1024;

/**
 * The start of `text` from `at` on that the lexer may get at once. Its regular expressions need memory and time for
 * every line of a block, so the lines are bounded too.
 */
export function windowOf(text: string, at: number, { chars = limits.markdownChunkChars } = {}): string {
  const end = Math.min(at + chars, text.length);
  let to = at;
  for (let lines = 0; lines < limits.markdownChunkLines && to < end; lines++) {
    const line = text.indexOf("\n", to);
    if (line < 0 || line >= end) return text.slice(at, end);
    to = line + 1;
  }
  return text.slice(at, to);
}

/**
 * Takes a text apart from its start, at most `chars` units and a number of lines of it at a time. Code blocks are closed and opened
 * again, the head of a table is repeated; all words of the text come out in order. The work is linear.
 */
export class Chunks {
  readonly #text: string;
  readonly #chars: number;
  #at = 0;
  #fence: Fence | null = null;
  /** Head and ruler of the table that the next line belongs to. */
  #table: string | null = null;
  /** What the next piece begins with. */
  #prefix = "";
  #joint: Chunk["joint"] = null;

  constructor(text: string, { chars = limits.markdownChunkChars }: { chars?: number } = {}) {
    this.#text = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    this.#chars = chars;
  }

  /** The next piece, or null at the end. */
  next(): Chunk | null {
    if (this.#at >= this.#text.length) return null;
    const window = windowOf(this.#text, this.#at, { chars: this.#chars });
    const reopened = this.#fence !== null;
    const [prefix, joint, headRepeated] = [this.#prefix, this.#joint, this.#table !== null];
    const last = this.#at + window.length >= this.#text.length;
    const lines = linesOf(window, { fence: this.#fence, table: this.#table });
    const cut = last ? { at: window.length, fence: null, table: null } : cutOf(window, lines);
    let body = window.slice(0, cut.at);
    if (reopened) body = unindentClose(body, lines);
    else if (this.#at > 0 && prefix === "") body = body.replace(/^[ \t]+(?=\S)/, "");
    this.#at += cut.at;
    this.#fence = cut.fence;
    this.#table = cut.table;
    this.#prefix = cut.fence?.line ?? cut.table ?? "";
    this.#joint = cut.fence === null ? null : body.endsWith("\n") ? "\n" : "";
    const close = cut.fence === null ? "" : `${body.endsWith("\n") ? "" : "\n"}${cut.fence.mark}\n`;
    return { source: prefix + body + close, joint, headRepeated };
  }

  /** What was not taken yet, as markdown. */
  get rest(): string {
    return this.#at >= this.#text.length ? "" : this.#prefix + this.#text.slice(this.#at);
  }
}

/** The last `chars` units of `text` or less, from the start of a line on; a code block that is open there is opened. */
export function lastChunk(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const from = text.length - chars;
  const line = text.indexOf("\n", from);
  const at = line >= 0 && line < text.length - chars / 2 ? line + 1 : safeCut(text, from);
  const before = text.slice(Math.max(0, at - limits.formingScanChars), at);
  let fence: Fence | null = null;
  for (const match of before.matchAll(/^[ \t]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(?:`{3}|~{3})[^\n]*$/gm)) {
    fence = after(match[0], fence);
  }
  return (fence?.line ?? "") + text.slice(at);
}

/** A line of a window: where it starts, what is open before it, and how well a cut before it suits (0 is best). */
interface Line {
  at: number;
  rank: number;
  fence: Fence | null;
  table: string | null;
  /** The indentation of a line that closes a code block, in units. */
  closes?: number;
}

function linesOf(window: string, start: { fence: Fence | null; table: string | null }): Line[] {
  let { fence, table } = start;
  const lines: Line[] = [];
  let before = "";
  for (let at = 0; at < window.length; ) {
    const end = window.indexOf("\n", at);
    const to = end < 0 ? window.length : end;
    const line = window.slice(at, to);
    if (line.trim() === "") table = null;
    const next = after(line, fence);
    const closes = fence !== null && next === null ? line.length - line.trimStart().length : undefined;
    lines.push({ at, rank: rankOf(line, { before, inside: fence !== null }), fence, table, closes });
    if (fence === null && /^[\s|:-]*-[\s|:-]*$/.test(line) && before.includes("|")) {
      const head = `${before}\n${line}\n`;
      table = head.length <= tableHeadCharsMax ? head : null;
    }
    fence = next;
    before = line;
    at = to + 1;
  }
  return lines;
}

function rankOf(line: string, { before, inside }: { before: string; inside: boolean }): number {
  if (inside) return 3;
  // What makes a heading or the head of a table of the line before stays with it.
  if (before.trim() !== "" && /^[\s|:=-]*[=-][\s|:=-]*$/.test(line)) return 3;
  const item = /^(?:[-*+>]|\d{1,9}[.)])(?:\s|$)/.test(line);
  if (/^#{1,6} /.test(line) || (before.trim() === "" && /^\S/.test(line) && !item)) return 0;
  return item ? 1 : 2;
}

/** The code block that is open after `line`. */
function after(line: string, fence: Fence | null): Fence | null {
  const match = /^[ \t]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}|~{3,})([^\n]*)$/.exec(line);
  const mark = match?.[1] ?? "";
  const info = match?.[2]?.trim() ?? "";
  if (match === null) return fence;
  if (fence !== null) return mark.startsWith(fence.mark) && info === "" ? null : fence;
  if (mark.startsWith("`") && info.includes("`")) return null;
  return { mark, line: `${mark}${info.length > 100 ? "" : info}\n` };
}

function cutOf(window: string, lines: Line[]): { at: number; fence: Fence | null; table: string | null } {
  // The last line is not complete: the window ends in it.
  const usable = lines.filter((line) => line.at > 0);
  const late = usable.filter((line) => line.at >= window.length / 2);
  const best = late.reduce<Line | undefined>(
    (found, line) => (found === undefined || line.rank <= found.rank ? line : found),
    undefined,
  );
  const chosen = best ?? usable.findLast((line) => line.at >= window.length / 8);
  if (chosen !== undefined) return { at: chosen.at, fence: chosen.fence, table: chosen.table };
  const open = lines.at(-1);
  const space = window.lastIndexOf(" ");
  const at = space > window.length / 2 ? space + 1 : safeCut(window, window.length - 1);
  return { at, fence: open?.fence ?? null, table: null };
}

/** What goes on with the character before it. */
const attached = /^(?:\p{M}|\p{Emoji_Modifier}|\u200d)/u;

/** A place at or up to a hundred units before `at` where no pair, mark or joined character is torn. */
function safeCut(text: string, at: number): number {
  for (let place = at; place > Math.max(0, at - 100); place -= 1) {
    const torn = isLow(text, place) || attached.test(text.slice(place, place + 2)) || text[place - 1] === "\u200d";
    if (!torn) return place;
  }
  return isLow(text, at) ? at - 1 : at;
}

function isLow(text: string, place: number): boolean {
  const code = text.charCodeAt(place);
  return code >= 0xdc00 && code < 0xe000;
}

/** In a code block that was opened again at the margin, the line that closes it may not be indented. */
function unindentClose(body: string, lines: Line[]): string {
  const line = lines.find((one) => one.closes !== undefined);
  if (line === undefined || line.at >= body.length) return body;
  return body.slice(0, line.at) + body.slice(line.at + (line.closes ?? 0));
}
