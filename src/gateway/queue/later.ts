// Sessions that are looked at again when some time has passed.
import type { SessionId } from "../../core/ids.ts";
import type { Clock } from "../../sys/clock.ts";

/** Plans looks at sessions; `look` is called once for each. */
export function createLater(clock: Pick<Clock, "now" | "sleep">, look: (session: SessionId) => void) {
  const planned = new Map<SessionId, { at: number; abort: AbortController }>();
  return {
    /** Looks at a session at a time (Unix milliseconds); an earlier look that is planned stays. */
    at(id: SessionId, at: number): void {
      const before = planned.get(id);
      if (before !== undefined && before.at <= at) return;
      before?.abort.abort();
      const abort = new AbortController();
      planned.set(id, { at, abort });
      void clock.sleep(Math.max(1, at - clock.now()), abort.signal).then(() => {
        if (abort.signal.aborted) return;
        planned.delete(id);
        look(id);
      });
    },
    /** Forgets all of them. */
    close(): void {
      for (const { abort } of planned.values()) abort.abort();
      planned.clear();
    },
  };
}
