// What a measurement says: one thing, measured of both in one run.
import type { Summary } from "./statistics.ts";

/** A line of the table. */
export interface Row {
  name: string;
  unit: "ms" | "MB" | "files" | "MB a day" | "files a day" | "thousand a day";
  /** What remoteagent is measured against; its noise is twice the standard error of a slope. */
  against:
    | "empty program"
    | "minimal program"
    | "minimal bot"
    | "itself"
    | "terminal"
    | "no adapter"
    | "its noise"
    | "docker exec";
  base: Summary;
  ours: Summary;
  /** Ours over the base, at the median and at the 95th percentile; the target holds for both unless it says otherwise. */
  ratio: { median: number; p95: number };
  target?: Target;
  met?: boolean;
}

/** The most that a line may show: as a ratio, as what ours has more than the base, or as ours alone, in its unit, at the median or at the 95th percentile. */
export type Target = { ratio: number; of: "median" | "both" } | { more: number } | { most: number } | { p95: number };

/** A figure that stands for itself, to read the others by. */
export interface Note {
  name: string;
  value: number;
  unit: "ms" | "MB" | "bytes" | "MB a day" | "files a day" | "events" | "minutes" | "a second";
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
  return { ...line, ratio, met: isMet(line.target, { ...line, ratio }) };
}

function isMet(target: Target, { base, ours, ratio }: Pick<Row, "base" | "ours" | "ratio">): boolean {
  if ("more" in target) return ours.median - base.median <= target.more;
  if ("most" in target) return ours.median <= target.most;
  if ("p95" in target) return ours.p95 <= target.p95;
  const worst = target.of === "both" ? Math.max(ratio.median, ratio.p95) : ratio.median;
  return worst <= target.ratio;
}
