// The table for people, and the part of the document that holds it.
import type { Found, Note, Row, Target } from "./row.ts";
import type { Summary } from "./statistics.ts";

/** What a run was made on, and what it found. */
export interface Report extends Found {
  at: string;
  machine: string;
  version: string;
  quick: boolean;
}

const columns = ["", "base", "p95", "ours", "p95", "ratio", "p95", "target", ""];

/** The table as aligned text. */
export function textTable({ rows, notes }: Found): string {
  const lines = [columns, ...rows.map(cells)];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join("  "),
  );
  return [...text, "", ...notes.map(noteLine)].join("\n");
}

/** The same as Markdown, with what it was made on. */
export function markdownTable({ rows, notes, at, machine, version }: Report): string {
  const line = (found: readonly string[]) => `| ${found.join(" | ")} |`;
  const head = ["", "beside", "its median", "its p95", "median", "p95", "ratio", "ratio p95", "target", "met"];
  const body = rows.map((one) => {
    const [name = "", ...rest] = cells(one);
    return line([name, one.against, ...rest]);
  });
  return [
    `Measured ${at.slice(0, 10)} with ${version} on ${machine}.`,
    "",
    line(head),
    `|${head.map((_, index) => (index < 2 ? " --- |" : " ---: |")).join("")}`,
    ...body,
    "",
    ...notes.map((note) => `- ${noteLine(note)}`),
  ].join("\n");
}

const marks = { begin: "<!-- figures -->", end: "<!-- /figures -->" };

/** `document` with its figures replaced. @throws Error when it has no place for them. */
export function withFigures(document: string, figures: string): string {
  const from = document.indexOf(marks.begin);
  const to = document.indexOf(marks.end);
  if (from < 0 || to < from) throw new Error(`Cannot write the figures: "${marks.begin}" and its end are missing`);
  return `${document.slice(0, from)}${marks.begin}\n${figures}\n${document.slice(to)}`;
}

function cells(row: Row): string[] {
  const { base, ours, ratio, unit, target, met } = row;
  const p95 = (summary: Summary) => (summary.count > 1 ? number(summary.p95) : "");
  const many = base.count > 1;
  return [
    `${row.name} (${unit})`,
    number(base.median),
    p95(base),
    number(ours.median),
    p95(ours),
    // Where the base is nothing there is no ratio.
    Number.isFinite(ratio.median) ? `${ratio.median.toFixed(2)}×` : "",
    many ? `${ratio.p95.toFixed(2)}×` : "",
    target === undefined ? "" : limit(target),
    met === undefined ? "" : met ? "yes" : "no",
  ];
}

function limit(target: Target): string {
  if ("more" in target) return `+${target.more}`;
  if ("p95" in target) return `p95 ${target.p95}`;
  return "most" in target ? String(target.most) : `${target.ratio}×`;
}

function noteLine({ name, value, unit }: Note): string {
  return `${name}: ${unit === "bytes" ? Math.round(value) : number(value)} ${unit}`;
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
