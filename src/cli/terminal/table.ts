// A markdown table → lines: columns share the width; where it does not suffice, rows become "name: value" lines.
import type { Inline, Node } from "../../adapters/markdown.ts";
import { columnWidths } from "./columns.ts";
import { dim, type Line, lineWidth, type Span, type Style, span, wrap } from "./style.ts";

type Table = Extract<Node, { type: "table" }>;

interface TableOptions {
  width: number;
  cell(children: readonly Inline[], style?: Style): Span[];
}

const columnMin = 5;
const gap = 3;

/** The lines of a table, at most `width` cells wide. */
export function renderTable(table: Table, options: TableOptions): Line[] {
  const header = table.header.map((cell) => options.cell(cell, { bold: true }));
  const rows = table.rows.map((row) => row.map((cell) => options.cell(cell)));
  const widths = widthsOf([header, ...rows], options.width);
  if (widths === null) return stacked(header, rows, options.width);
  const ruler: Line = widths.flatMap((cells, index) => [
    ...(index === 0 ? [] : [span("─┼─", dim)]),
    span("─".repeat(cells), dim),
  ]);
  const draw = (row: Span[][]) => rowLines(row, { widths, align: table.align });
  return [...draw(header), ruler, ...rows.flatMap(draw)];
}

/** Widths that fit, taking from the widest column first; null when even narrow columns do not fit. */
function widthsOf(rows: Span[][][], total: number): number[] | null {
  const count = rows[0]?.length ?? 0;
  const room = total - gap * (count - 1);
  const natural = Array.from({ length: count }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, ...cellWidths(row[column])), 1),
  );
  if (room < natural.reduce((sum, cells) => sum + Math.min(cells, columnMin), 0)) return null;
  return columnWidths(natural, { room, min: 1 });
}

function cellWidths(cell: Span[] | undefined): number[] {
  return wrap(cell ?? [], Number.MAX_SAFE_INTEGER).map(lineWidth);
}

function rowLines(row: Span[][], options: { widths: number[]; align: Table["align"] }): Line[] {
  const cells = options.widths.map((cells, column) => wrap(row[column] ?? [], cells));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, index) =>
    options.widths.flatMap((width, column) => {
      const line = cells[column]?.[index] ?? [];
      const free = Math.max(0, width - lineWidth(line));
      const align = options.align[column];
      const before = align === "right" ? free : align === "center" ? Math.floor(free / 2) : 0;
      const last = column === options.widths.length - 1;
      return [
        ...(column === 0 ? [] : [span(" │ ", dim)]),
        span(" ".repeat(before)),
        ...line,
        span(last ? "" : " ".repeat(free - before)),
      ];
    }),
  );
}

function stacked(header: Span[][], rows: Span[][][], width: number): Line[] {
  const lines = rows.flatMap((row, index) => [
    ...(index === 0 ? [] : [[span("─", dim)]]),
    ...row.flatMap((cell, column) => wrap([...(header[column] ?? []), span(": ", { bold: true }), ...cell], width)),
  ]);
  return lines.length > 0 ? lines : header.flatMap((cell) => wrap(cell, width));
}
