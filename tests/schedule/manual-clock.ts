// A clock that is moved by hand: sleepers wake in order when their time has come.
import type { Clock } from "../../src/sys/clock.ts";

interface Sleeper {
  at: number;
  wake(): void;
}

/** A clock and its hand. */
export interface ManualClock extends Clock {
  /** Goes on by `ms` and wakes whoever is due. */
  advance(ms: number): void;
  /** The wall clock is set; time that was slept does not change. */
  jump(to: number): void;
  /** How many sleep. */
  sleeping(): number;
}

export function createManualClock(start: number): ManualClock {
  let wall = start;
  let passed = 0;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => wall,
    monotonic: () => passed,
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    sleep(ms, signal) {
      return new Promise((resolve) => {
        const sleeper: Sleeper = {
          at: passed + ms,
          wake() {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        if (signal?.aborted) return resolve();
        signal?.addEventListener("abort", () => sleeper.wake(), { once: true });
        sleepers.add(sleeper);
      });
    },
    advance(ms) {
      wall += ms;
      passed += ms;
      for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) if (sleeper.at <= passed) sleeper.wake();
    },
    jump(to) {
      wall = to;
    },
    sleeping: () => sleepers.size,
  };
}
