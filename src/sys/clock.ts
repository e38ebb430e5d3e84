// Time and chance as ports: the real ones here, hand-driven ones in tests.
import { randomBytes } from "node:crypto";

/** Wall clock, timers and randomness. */
export interface Clock {
  /** Unix milliseconds; may jump. */
  now(): number;
  /** Milliseconds that only grow; for durations. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (never rejects). Long waits do not overflow. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** `count` random bytes. */
  random(count: number): Uint8Array;
}

/** Longest wait that one `setTimeout` takes: 2^31−1 ms, 24.8 days. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's own clock and randomness. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: (count) => randomBytes(count),
  async sleep(ms, signal) {
    let left = ms;
    while (left > 0 && !signal?.aborted) {
      const step = Math.min(left, timerMsMax);
      left -= step;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, step);
        signal?.addEventListener("abort", done, { once: true });
      });
    }
  },
};

/** Waits for `work`, at most `ms` milliseconds; no timer stays behind. @returns whether it was over in time. */
export async function within(
  clock: Pick<Clock, "sleep">,
  { work, ms }: { work: Promise<unknown>; ms: number },
): Promise<boolean> {
  const patience = new AbortController();
  try {
    return await Promise.race([work.then(() => true), clock.sleep(ms, patience.signal).then(() => false)]);
  } finally {
    patience.abort();
  }
}
