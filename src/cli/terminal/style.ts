// Styled text and its last step: spans become one row with escape sequences, all of them written here.
import { clean, graphemes, graphemeWidth, width } from "./text.ts";

/** How a span looks. Colours are the sixteen of the terminal's own theme. */
export interface Style {
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  inverse?: boolean;
  color?: "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
  /** An address for OSC 8; see {@link linkable}. */
  link?: string;
}

export interface Span {
  text: string;
  style: Style;
}

/** One row of the screen before it is written. */
export type Line = readonly Span[];

/** One row as it is written; `cells` is its width. */
export interface Row {
  text: string;
  cells: number;
}

/** What the terminal takes. */
export interface Look {
  color: boolean;
  links: boolean;
}

export const plain: Style = {};
export const dim: Style = { dim: true };

/** A span of `text`. */
export function span(text: string, style: Style = plain): Span {
  return { text, style };
}

const colors = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;

function codes(style: Style): string {
  const list: number[] = [];
  if (style.bold) list.push(1);
  if (style.dim) list.push(2);
  if (style.italic) list.push(3);
  if (style.underline) list.push(4);
  if (style.inverse) list.push(7);
  if (style.strike) list.push(9);
  if (style.color) list.push(colors[style.color]);
  return list.join(";");
}

/** True for an address that may become an OSC 8 link: a known scheme, printable ASCII, of sane length. */
export function linkable(url: string): boolean {
  return url.length <= 2_000 && /^(?:https?:\/\/|mailto:)[\x21-\x7e]+$/.test(url);
}

/**
 * A row ready to be written. Every span passes {@link clean} here once more, whoever made it, so this is
 * the one gate between foreign text and the terminal.
 */
export function toRow(line: Line, look: Look): Row {
  let text = "";
  let cells = 0;
  for (const part of line) {
    const body = clean(part.text).replaceAll("\n", " ");
    cells += width(body);
    const code = look.color ? codes(part.style) : "";
    const inner = code === "" ? body : `\x1b[${code}m${body}\x1b[0m`;
    const link = part.style.link;
    text += look.links && link !== undefined && linkable(link) ? `\x1b]8;;${link}\x1b\\${inner}\x1b]8;;\x1b\\` : inner;
  }
  return { text, cells };
}

/** Cells of a line. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, part) => sum + width(part.text), 0);
}

interface Word {
  spans: Span[];
  cells: number;
  space: boolean;
}

/** Scripts that wrap between any two characters, with the closing punctuation that stays with the one before. */
const eachBreaks =
  "[\\u2e80-\\u9fff\\uac00-\\ud7a3\\uf900-\\ufaff\\uff00-\\uff60\\u{20000}-\\u{3fffd}][\\p{M}、。，．：；！？）」』】〉》]*";
const pieces = new RegExp(`\\n| +|${eachBreaks}|(?:(?!${eachBreaks})[^ \\n])+`, "gu");
const breaksAfter = new RegExp(`^${eachBreaks}$`, "u");

/** Cuts spans at spaces, line ends and between ideographs; `\n` is a word of its own. */
function words(spans: readonly Span[]): (Word | "break")[] {
  const out: (Word | "break")[] = [];
  let open: Word | null = null;
  for (const { text, style } of spans) {
    for (const part of text.match(pieces) ?? []) {
      if (part === "\n") {
        out.push("break");
        open = null;
        continue;
      }
      const space = part.startsWith(" ");
      const single = !space && breaksAfter.test(part);
      if (open === null || open.space !== space || single) {
        open = { spans: [], cells: 0, space };
        out.push(open);
      }
      open.spans.push({ text: part, style });
      open.cells += width(part);
      if (single) open = null;
    }
  }
  return out;
}

/**
 * Wraps spans to lines of at most `cells`, at spaces where it can, else between graphemes. Spans must be
 * clean. Spaces at a wrap are dropped; `\n` starts a new line. At least one line comes back.
 */
export function wrap(spans: readonly Span[], cells: number): Span[][] {
  const room = Math.max(1, cells);
  const lines: Span[][] = [];
  let line: Span[] = [];
  let used = 0;
  let gap: Word | null = null;
  const end = () => {
    lines.push(line);
    line = [];
    used = 0;
    gap = null;
  };
  for (const word of words(spans)) {
    if (word === "break") {
      end();
      continue;
    }
    if (word.space) {
      // Leading spaces of a line are kept only where it is the first of its kind (indented text).
      if (used > 0 || lines.length === 0) gap = word;
      continue;
    }
    const before: Word | null = gap;
    const needed = word.cells + (before?.cells ?? 0);
    if (used + needed <= room) {
      if (before !== null) line.push(...before.spans);
      line.push(...word.spans);
      used += needed;
    } else {
      if (used > 0) end();
      for (const piece of hardCut(word.spans, room)) {
        if (used > 0) end();
        line = piece.spans;
        used = piece.cells;
      }
    }
    gap = null;
  }
  lines.push(line);
  return lines;
}

/** Cuts spans between graphemes into pieces of at most `cells`. Keeps spaces. */
export function hardCut(spans: readonly Span[], cells: number): { spans: Span[]; cells: number }[] {
  const cuts: { spans: Span[]; cells: number }[] = [{ spans: [], cells: 0 }];
  for (const { text, style } of spans) {
    let part = "";
    for (const grapheme of graphemes(text)) {
      const add = graphemeWidth(grapheme);
      const piece = cuts.at(-1) ?? { spans: [], cells: 0 };
      if (piece.cells + add > cells && piece.cells > 0) {
        if (part !== "") piece.spans.push({ text: part, style });
        part = "";
        cuts.push({ spans: [], cells: add });
      } else {
        piece.cells += add;
      }
      part += grapheme;
    }
    if (part !== "") cuts.at(-1)?.spans.push({ text: part, style });
  }
  return cuts;
}
