// The limits of the real Web API, for tests that ask for them.
import { limited } from "./refusal.ts";

/** docs.slack.dev/apis/web-api/rate-limits: calls per minute, for each method, app and workspace. */
const perMinute: Record<number, number> = { 1: 1, 2: 20, 3: 50, 4: 100 };

/** "Sporadic bursts are welcome": so many calls above the number still pass. */
const burst = 2;

/** Posting: one a second in a channel, short bursts allowed; the same page. */
const postMs = 1000;
const postBurst = 3;

export interface Rates {
  /** Counts one call, or throws the 429. `channel` is given for calls that post. */
  count(call: { app: string; method: string; tier: number; channel?: string }): void;
}

/** `now` in ms. Keeps the times of the last minute only. */
export function createRates(now: () => number): Rates {
  const times = new Map<string, number[]>();
  const take = (key: string, { spanMs, max }: { spanMs: number; max: number }): void => {
    const at = now();
    const recent = (times.get(key) ?? []).filter((time) => at - time < spanMs);
    if (recent.length >= max) throw limited(Math.max(1, Math.ceil(((recent[0] ?? at) + spanMs - at) / 1000)));
    times.set(key, [...recent, at]);
  };
  return {
    count({ app, method, tier, channel }) {
      const max = perMinute[tier];
      if (max !== undefined) take(`${app} ${method}`, { spanMs: 60_000, max: max + burst });
      if (channel !== undefined) take(`${app} in ${channel}`, { spanMs: postMs * postBurst, max: postBurst });
    },
  };
}
