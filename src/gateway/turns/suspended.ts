// A turn that waits for an answer after a restart: nothing of it runs, and a stop ends it all the same.
import type { SessionId } from "../../core/ids.ts";
import type { TurnRow } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Hub } from "../hub.ts";
import type { TurnDeps } from "./turn.ts";

/** What a suspended turn is ended with; `onStored` stores what people read of it. */
export interface SuspendedDeps extends Pick<TurnDeps, "onStored"> {
  store: Store;
  hub: Hub;
  clock: Pick<Clock, "now">;
}

/**
 * Ends those turns of a session that wait and do not run in this process which `may` be, in the caller's transaction.
 * @returns what tells of it once that is committed; undefined when there was none.
 */
export function stopSuspended(
  { store, hub, clock, onStored }: SuspendedDeps,
  { session, may }: { session: SessionId; may(row: TurnRow): boolean },
): (() => void) | undefined {
  const at = clock.now();
  const ended = store.turns.openIn(session).flatMap((id) => {
    const row = store.turns.get(id);
    if (row?.state !== "waiting" || !may(row)) return [];
    const event = { type: "ended" as const, outcome: "stopped" as const, usage: row.usage };
    store.approvals.voidTurn(id, at);
    store.turns.end(id, { outcome: "stopped", at, usage: row.usage });
    store.inputs.finish(id);
    const n = store.turns.append(id, { event, at });
    onStored?.(row, event);
    return [{ n, turn: id, event }];
  });
  if (ended.length === 0) return undefined;
  return () => {
    for (const { n, turn, event } of ended) hub.publish({ n, turn, session, event });
  };
}
