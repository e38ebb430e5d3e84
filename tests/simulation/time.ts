// Time that passes only when it is told to: timers in their order, a wall clock that can be wrong, and when all is quiet.
import { setImmediate } from "node:timers";
import type { Clock } from "../../src/sys/clock.ts";
import type { Chance } from "./chance.ts";

/** Where all runs begin. */
export const beginning = Date.UTC(2026, 0, 1, 12);

/** Rounds of the event loop after which something is stuck for ever in one moment. */
const roundsMax = 20_000;

interface Timer {
  at: number;
  order: number;
  /** Taken out as soon as it is not wanted any more. */
  fire: (() => void) | undefined;
}

export type Time = ReturnType<typeof createTime>;

/** A time of its own. Times are in milliseconds. */
export function createTime() {
  const timers: Timer[] = [];
  let now = 0;
  let order = 0;
  let moved = 0;
  let reading = 0;
  let active = 0;

  const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const push = (timer: Timer): void => {
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = timers[up] as Timer;
      if (before(parent, timer)) break;
      timers[at] = parent;
      at = up;
    }
    timers[at] = timer;
  };
  const pop = (): Timer | undefined => {
    const top = timers[0];
    const last = timers.pop();
    if (top === undefined || last === undefined || timers.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && before(timers[child + 1] as Timer, timers[child] as Timer)) child += 1;
      if (before(last, timers[child] as Timer)) break;
      timers[at] = timers[child] as Timer;
      at = child;
    }
    timers[at] = last;
    return top;
  };
  const after = (ms: number, fire: () => void): Timer => {
    order += 1;
    const timer: Timer = { at: now + Math.max(0, ms), order, fire };
    push(timer);
    return timer;
  };
  const next = (): Timer | undefined => {
    while (timers[0] !== undefined && timers[0].fire === undefined) pop();
    return timers[0];
  };

  return {
    /** Milliseconds since the beginning. */
    passed: (): number => now,
    /** The true time, in Unix milliseconds: what a platform goes by. */
    true: (): number => beginning + Math.floor(now),
    /** By how much the program's wall clock is wrong now. */
    skew: (): number => moved,
    /** The program's wall clock is set. */
    jump(ms: number): void {
      moved += ms;
    },
    after,
    /** Something happens: the moment is not over. */
    touch(): void {
      active += 1;
    },
    /** A body is being read, by the runtime's own means; the moment is not over before that is. */
    async read<Result>(work: () => Promise<Result>): Promise<Result> {
      reading += 1;
      try {
        return await work();
      } finally {
        reading -= 1;
        active += 1;
      }
    },
    /** Resolves when everything that can happen at this moment has happened. */
    async quiet(): Promise<void> {
      for (let round = 0; round < roundsMax; round += 1) {
        const before = active;
        await new Promise<void>((resolve) => void setImmediate(resolve));
        if (active === before && reading === 0) return;
      }
      throw new Error("A moment does not end");
    },
    /** The next timer's moment, if there is one. */
    nextAt: (): number | undefined => next()?.at,
    /** Goes to the next timer, at most to `until`, and fires it. @returns false when there is none by then. */
    step(until: number): boolean {
      const timer = next();
      if (timer === undefined || timer.at > until) {
        now = Math.max(now, until);
        return false;
      }
      pop();
      now = Math.max(now, timer.at);
      active += 1;
      timer.fire?.();
      return true;
    },
    /** The clock that one life of the program has; after its death nobody wakes up any more. */
    clockOf(life: { dead(): boolean }, chance: Chance): Clock {
      return {
        now: () => beginning + Math.floor(now) + moved,
        monotonic: () => now,
        random: (count) => chance.bytes(count),
        sleep(ms, signal) {
          active += 1;
          return new Promise<void>((resolve) => {
            if (life.dead()) return;
            if (signal?.aborted === true || ms <= 0) {
              resolve();
              return;
            }
            const leave = () => {
              timer.fire = undefined;
              active += 1;
              if (!life.dead()) resolve();
            };
            const timer = after(ms, () => {
              signal?.removeEventListener("abort", leave);
              if (!life.dead()) resolve();
            });
            signal?.addEventListener("abort", leave, { once: true });
          });
        },
      };
    },
  };
}
