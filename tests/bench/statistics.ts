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

/** The straight line through values at 0, 1, 2 …: how much it rises from one to the next, and its standard error. */
export function slopeOf(values: readonly number[]): { slope: number; error: number } {
  const count = values.length;
  const middle = (count - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const spread = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  const slope = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) / spread;
  const left = values.reduce((sum, value, index) => sum + (value - mean - slope * (index - middle)) ** 2, 0);
  return { slope, error: Math.sqrt(left / (count - 2) / spread) };
}
