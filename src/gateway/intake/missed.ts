// Tells what was sent while nobody was here to read it from what only comes from a clock that is wrong.
import { limits } from "../../core/limits.ts";
import type { Inbound } from "../../core/message.ts";
import type { Facts } from "../../store/facts.ts";
import type { Clock } from "../../sys/clock.ts";
import type { AdapterTraits } from "../handle.ts";

/** What lateness is judged with. */
export interface LatenessDeps {
  clock: Clock;
  facts: Pick<Facts, "get" | "set">;
}

/** Messages in a row of one adapter that were late by about the same time. */
interface Streak {
  least: number;
  most: number;
  count: number;
  since: number;
}

/**
 * Judges how late an inbound is. The platform's clock and ours may differ: the difference is learned for each adapter
 * and kept. A message can only arrive after it was sent, so one that is "less late than possible" lowers it at once. A
 * larger one is believed when several messages over some minutes are late by the same time: what was missed arrives at
 * once although it was sent at different times, so its lateness varies; that of a wrong clock stays.
 */
export function createLateness({ clock, facts }: LatenessDeps) {
  const streaks = new Map<string, Streak>();
  const keyOf = (adapter: string) => `clock-${adapter}`;
  const learn = (adapter: string, ms: number): void => {
    facts.set(keyOf(adapter), String(Math.round(ms)));
    streaks.delete(adapter);
  };
  const follow = (adapter: string, late: number): void => {
    const at = clock.monotonic();
    const streak = streaks.get(adapter);
    const least = Math.min(streak?.least ?? late, late);
    const most = Math.max(streak?.most ?? late, late);
    if (streak === undefined || most - least > limits.skewSpreadMs) {
      streaks.set(adapter, { least: late, most: late, count: 1, since: at });
      return;
    }
    const next = { least, most, count: streak.count + 1, since: streak.since };
    streaks.set(adapter, next);
    if (next.count >= limits.skewCount && at - next.since >= limits.skewSpanMs) learn(adapter, least);
  };
  return {
    /** Milliseconds by which an inbound was missed; none when it comes in time. */
    of(inbound: Inbound, traits: AdapterTraits): number | undefined {
      // What a schedule or a terminal says is said now.
      if (traits.live || (inbound.kind === "message" && inbound.event !== undefined)) return undefined;
      const late = clock.now() - inbound.sentAt;
      const skew = Number(facts.get(keyOf(inbound.adapter)) ?? 0);
      // A date far in the future says more of the message than of the clocks.
      if (late < skew - limits.skewSpreadMs && late > -limits.missedAskMs) learn(inbound.adapter, late);
      const missed = late - Math.min(skew, late);
      if (missed <= limits.missedMs) {
        streaks.delete(inbound.adapter);
        return undefined;
      }
      follow(inbound.adapter, late);
      return missed;
    },
  };
}
