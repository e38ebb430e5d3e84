// What a session used in all: summed up in short goes, and remembered for the turns that are over.
import { setImmediate } from "node:timers/promises";
import type { TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Store } from "../../store/store.ts";
import type { Used } from "./item.ts";

interface Sum extends Used {
  /** The turns up to this one are in it. */
  last: TurnId;
}

/** The sums of sessions. Only full goes are remembered: the newest turns may still change. */
export function createSums(store: Pick<Store, "timeline">) {
  const kept = new Map<number, Sum>();
  const remember = (session: number, sum: Sum): void => {
    kept.delete(session);
    kept.set(session, sum);
    for (const oldest of kept.keys()) {
      if (kept.size <= limits.viewSumsKeptMax) break;
      kept.delete(oldest);
    }
  };
  return async (session: number): Promise<Used> => {
    let sum: Sum = kept.get(session) ?? { turns: 0, tokens: 0, costUsd: 0, last: 0 };
    for (;;) {
      const { turns, last, usage } = store.timeline.usage(session, { after: sum.last, limit: limits.viewSumTurns });
      const tokens = usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
      sum = {
        turns: sum.turns + turns,
        tokens: sum.tokens + tokens,
        costUsd: sum.costUsd + usage.costUsd,
        last: Math.max(sum.last, last),
      };
      if (turns < limits.viewSumTurns) return { turns: sum.turns, tokens: sum.tokens, costUsd: sum.costUsd };
      remember(session, sum);
      // A session with a hundred thousand turns must not hold everybody up.
      await setImmediate();
    }
  };
}
