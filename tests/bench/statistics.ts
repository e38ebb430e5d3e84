// What is made of many measurements of one thing.

/** Milliseconds, or another unit that the row names. */
export interface Summary {
  median: number;
  p95: number;
  count: number;
}

/** Median and 95th percentile (nearest rank). */
export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { median: at(0.5), p95: at(0.95), count: sorted.length };
}
