// A table that a phone can show: aligned columns for a monospaced block.
import { eastAsianWidth } from "get-east-asian-width";
import type { Inline, Node } from "./markdown.ts";
import { inlineText } from "./tree.ts";

type Table = Extract<Node, { type: "table" }>;

/** Cells of a monospaced line that a phone held upright shows without breaking it. */
const cellsMax = 36;
/** UTF-16 units of one cell: invisible characters have no width, but count. */
const unitsMax = 4 * cellsMax;
const gap = " │ ";

/** True when the table fits a phone's width, and has nothing in it that a monospaced block would hide. */
export function isNarrow(table: Table): boolean {
  const rows = [table.header, ...table.rows];
  if (rows.some((row) => row.some(isRich))) return false;
  const widths = widthsOf(rows.map((row) => row.map(cellText)));
  return widths !== null && widths.reduce((sum, cells) => sum + cells, gap.length * (widths.length - 1)) <= cellsMax;
}

/** The lines of a narrow table, joined. */
export function drawTable(table: Table): string {
  const header = table.header.map(cellText);
  const rows = table.rows.map((row) => row.map(cellText));
  const widths = widthsOf([header, ...rows]) ?? [];
  const draw = (row: string[]) =>
    widths
      .map((cells, column) => pad(row[column] ?? "", { cells, align: table.align[column] ?? "left" }))
      .join(gap)
      .trimEnd();
  return [draw(header), widths.map((cells) => "─".repeat(cells)).join("─┼─"), ...rows.map(draw)].join("\n");
}

function isRich(cell: readonly Inline[]): boolean {
  return cell.some((child) => {
    if (child.type === "link" || child.type === "break") return true;
    return "children" in child && isRich(child.children);
  });
}

function cellText(cell: readonly Inline[]): string {
  return inlineText(cell).replace(/\s+/g, " ").trim();
}

/** The width of each column, or null when a cell is longer than it looks. */
function widthsOf(rows: string[][]): number[] | null {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) {
      if (text.length > unitsMax) return null;
      widths[column] = Math.max(widths[column] ?? 1, width(text));
    }
  }
  return widths;
}

function pad(text: string, { cells, align }: { cells: number; align: "left" | "center" | "right" }): string {
  const free = Math.max(0, cells - width(text));
  const before = align === "right" ? free : align === "center" ? Math.floor(free / 2) : 0;
  return `${" ".repeat(before)}${text}${" ".repeat(free - before)}`;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const emoji = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator})/u;
const invisible = /^[\p{M}\p{Cf}\p{Cc}]/u;

/** Cells that `text` takes on one line. */
export function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) {
    if (emoji.test(segment)) cells += 2;
    else if (!invisible.test(segment)) cells += eastAsianWidth(segment.codePointAt(0) ?? 0);
  }
  return cells;
}
