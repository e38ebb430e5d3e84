// The table for people, and the part of the document that holds it.
import type { Found, Note, Row, Target } from "./row.ts";
import type { Summary } from "./statistics.ts";

/** What a run was made on, and what it found. */
export interface Report extends Found {
  at: string;
  machine: string;
  version: string;
  /** The short hash of the commit that was measured. */
  commit: string;
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

const head = ["", "beside", "its median", "its p95", "median", "p95", "ratio", "ratio p95", "target", "met", "of"];

/** A line of the document's table, and what it is known by. */
interface Line {
  key: string;
  text: string;
}

/** The rows as lines of a Markdown table; the last cell names the commit that was measured. */
function markdownRows({ rows, commit }: Report): Line[] {
  return rows.map((one) => {
    const [name = "", ...rest] = cells(one);
    return { key: `${name}|${one.against}`, text: `| ${[name, one.against, ...rest, commit].join(" | ")} |` };
  });
}

const marks = { begin: "<!-- figures -->", end: "<!-- /figures -->" };

/**
 * `document` with the figures of a run. What was not measured this time keeps its line, which says what it is of; after a
 * whole run (`whole`) nothing else stays. @throws Error when the document has no place for figures.
 */
export function withFigures(document: string, { report, whole }: { report: Report; whole: boolean }): string {
  const from = document.indexOf(marks.begin);
  const to = document.indexOf(marks.end);
  if (from < 0 || to < from) throw new Error(`Cannot write the figures: "${marks.begin}" and its end are missing`);
  const before = whole ? "" : document.slice(from, to);
  const known = before.split("\n").flatMap((text): Line[] => {
    const [, name = "", against = "", ...rest] = text.split("|").map((cell) => cell.trim());
    return rest.length === head.length - 1 && name !== "" && against !== "---"
      ? [{ key: `${name}|${against}`, text }]
      : [];
  });
  const notes = before.split("\n").flatMap((text): Line[] => {
    const key = /^- (.*):/.exec(text)?.[1];
    return key === undefined ? [] : [{ key, text }];
  });
  const figures = [
    `Measured until ${report.at.slice(0, 10)}, last with ${report.version} on ${report.machine}.`,
    "",
    `| ${head.join(" | ")} |`,
    `|${head.map((_, index) => (index < 2 || index === head.length - 1 ? " --- |" : " ---: |")).join("")}`,
    ...merged(known, markdownRows(report)),
    "",
    ...merged(
      notes,
      report.notes.map((note) => ({ key: note.name, text: `- ${noteLine(note)}` })),
    ),
  ].join("\n");
  return `${document.slice(0, from)}${marks.begin}\n${figures}\n${document.slice(to)}`;
}

/** Lines in their place, with those of now instead of the older ones; new ones come last. */
function merged(known: readonly Line[], fresh: readonly Line[]): string[] {
  const now = new Map(fresh.map(({ key, text }) => [key, text]));
  const kept = known.map(({ key, text }) => now.get(key) ?? text);
  const names = new Set(known.map(({ key }) => key));
  return [...kept, ...fresh.filter(({ key }) => !names.has(key)).map(({ text }) => text)];
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
