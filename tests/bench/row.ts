// What a measurement says: one thing, measured of both in one run.
import type { Summary } from "./statistics.ts";

/** A line of the table. */
export interface Row {
  name: string;
  unit: "ms" | "MB" | "files";
  /** What remoteagent is measured against. */
  against: "empty program" | "minimal program" | "minimal bot" | "itself";
  base: Summary;
  ours: Summary;
  /** Ours over the base, at the median and at the 95th percentile; the target holds for both unless it says otherwise. */
  ratio: { median: number; p95: number };
  target?: { ratio: number; of: "median" | "both" };
  met?: boolean;
}

/** A figure that stands for itself, to read the others by. */
export interface Note {
  name: string;
  value: number;
  unit: "ms" | "MB" | "bytes" | "MB a day" | "files a day" | "events";
}

/** What one part of the benchmark found. */
export interface Found {
  rows: Row[];
  notes: Note[];
}

/** A line with its ratios and whether the target is met. */
export function row(line: Omit<Row, "ratio" | "met">): Row {
  const ratio = { median: line.ours.median / line.base.median, p95: line.ours.p95 / line.base.p95 };
  if (line.target === undefined) return { ...line, ratio };
  const worst = line.target.of === "both" ? Math.max(ratio.median, ratio.p95) : ratio.median;
  return { ...line, ratio, met: worst <= line.target.ratio };
}
