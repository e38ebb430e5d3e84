// Text as a terminal takes it: what may not reach it is removed here, and what remains is measured in cells.
import { eastAsianWidth } from "get-east-asian-width";

/** Longest grapheme that is drawn, in UTF-16 units; stacked marks beyond it are cut. */
const graphemeUnitsMax = 32;

// CSI, OSC and other string sequences with their bodies, so that colours of a tool leave no rubbish behind.
const [esc, bell] = ["\u001b", "\u0007"];
const csi = `(?:${esc}\\[|\u009b)[0-?]*[ -/]*[@-~]?`;
const string = `(?:${esc}[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^${bell}${esc}\u009c\n]*(?:${bell}|${esc}\\\\|\u009c)?`;
const sequence = new RegExp(`${csi}|${string}|${esc}[ -/]*[0-~]?`, "g");
const control = /(?![\n\t])\p{Cc}/gu;
/** Embeddings, overrides and isolates: they reorder what follows, so they are made visible. */
const bidiControl = /[\u202a-\u202e\u2066-\u2069]/g;
/** Invisible characters that terminals disagree about: marks, soft hyphen, word joiner, annotations. */
const invisible = /[\u00ad\u061c\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb]/g;
/** Tag characters outside of a flag emoji. */
const tags = /(?<!\u{1f3f4}[\u{e0020}-\u{e007f}]*)[\u{e0000}-\u{e007f}]/gu;
const harmless = /^[\n\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff]*$/;

/** `text` without terminal sequences and control characters, line ends as `\n`; tabs and marks stay. */
export function strip(text: string): string {
  if (harmless.test(text)) return text;
  return text
    .toWellFormed()
    .replace(sequence, "")
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(control, "");
}

/**
 * `text` with nothing in it that moves a cursor, changes a terminal's state or reorders a line: as
 * {@link strip}, and a tab becomes spaces up to the next of every 4 columns of its line.
 */
export function clean(text: string): string {
  if (harmless.test(text)) return text;
  const bare = strip(text).replace(bidiControl, "\ufffd").replace(invisible, "").replace(tags, "");
  return bare.includes("\t") ? expandTabs(bare) : bare;
}

/** {@link clean} on one line: line ends become spaces. */
export function cleanLine(text: string): string {
  return clean(text).replace(/\n+/g, " ");
}

function expandTabs(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      let column = 0;
      return line.replace(/\t|[^\t]+/g, (part) => {
        const out = part === "\t" ? " ".repeat(4 - (column % 4)) : part;
        column += width(out);
        return out;
      });
    })
    .join("\n");
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Printable ASCII: one cell a character. */
const ascii = /^[\x20-\x7e]*$/;

/** The user-perceived characters of `text`. */
export function graphemes(text: string): string[] {
  if (ascii.test(text)) return text.split("");
  return Array.from(segmenter.segment(text), ({ segment }) =>
    segment.length > graphemeUnitsMax ? segment.slice(0, graphemeUnitsMax).toWellFormed() : segment,
  );
}

const noCells = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff]$/u;
const emoji = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator})/u;

/** Cells that one grapheme takes: 0, 1 or 2; a cluster of several letters takes as many as they do. */
export function graphemeWidth(grapheme: string): number {
  if (grapheme.length === 1 && ascii.test(grapheme)) return 1;
  if (emoji.test(grapheme)) return /^[0-9#*]\ufe0f\u20e3$/.test(grapheme) || grapheme.length > 1 ? 2 : 1;
  let cells = 0;
  for (const character of grapheme) {
    if (!noCells.test(character)) cells += eastAsianWidth(character.codePointAt(0) ?? 0);
  }
  return cells;
}

/** Cells that `text` takes on one line. */
export function width(text: string): number {
  if (ascii.test(text)) return text.length;
  let cells = 0;
  for (const grapheme of graphemes(text)) cells += graphemeWidth(grapheme);
  return cells;
}

/** `text`, one line, cut to `cells` with an ellipsis where something is missing. */
export function fit(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  let out = "";
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const add = graphemeWidth(grapheme);
    if (used + add > cells - 1) break;
    out += grapheme;
    used += add;
  }
  return cells < 1 ? "" : `${out}…`;
}
