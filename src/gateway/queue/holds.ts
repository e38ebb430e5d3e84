// Sessions that are being stopped: nothing begins there until it is stored what the stop removes.
import type { SessionId } from "../../core/ids.ts";

/** Holds on sessions; several on one count as one. `wake` is called when the last one of a session is let go. */
export function createHolds(wake: (session: SessionId) => void) {
  const held = new Map<SessionId, number>();
  const waiting = new Map<SessionId, () => void>();
  return {
    has: (session: SessionId): boolean => held.has(session),
    /** Has the newest `work` done when the session is let go, before anything else of it. @returns false when it is not held. */
    after(session: SessionId, work: () => void): boolean {
      if (held.has(session)) waiting.set(session, work);
      return held.has(session);
    },
    /** @returns what lets the session go on; to be called once. */
    hold(session: SessionId): () => void {
      held.set(session, (held.get(session) ?? 0) + 1);
      return () => {
        const others = (held.get(session) ?? 1) - 1;
        if (others > 0) held.set(session, others);
        else {
          held.delete(session);
          const work = waiting.get(session);
          waiting.delete(session);
          work?.();
          wake(session);
        }
      };
    },
  };
}
