// After a start: tells interrupted turns, goes on with those that may, offers the rest.

import type { TurnEvent } from "../../core/event.ts";
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Session, TurnRow } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Hub } from "../hub.ts";
import { closeLost } from "../queue/create.ts";
import type { Queue } from "../queue/queue.ts";
import type { TurnDeps } from "./turn.ts";

interface ResumeDeps extends Pick<TurnDeps, "onStored"> {
  store: Store;
  hub: Hub;
  clock: Clock;
}

/** What was found and decided. */
export interface Resumed {
  resumed: TurnRow[];
  offered: TurnRow[];
  crashLoop: boolean;
}

/**
 * Marks what the last process left running, and goes on: each turn at most twice by itself, none
 * after five short lives in a row. A turn that is given up takes the inputs that started it along,
 * so that a poison input is not tried for ever. Sessions with waiting inputs are woken.
 */
export function resumeTurns(deps: ResumeDeps & { queue: Queue }, crashLoop: boolean): Resumed {
  const { store, queue } = deps;
  store.turns.markInterrupted();
  // What was answered while nobody was here goes on; what is still open waits for its answer.
  const answered = store.turns.inState("waiting").filter((row) => store.approvals.openOfTurn(row.id) === 0);
  for (const row of answered) if (crashLoop) store.turns.setState(row.id, "interrupted");
  const resumed: TurnRow[] = [];
  const offered: TurnRow[] = [];
  const interrupted = store.turns.inState("interrupted");
  for (const found of interrupted) {
    const session = store.sessions.get(found.session);
    if (session === undefined) continue;
    // One turn at a time: an older open one of the same session lost its end to a store that failed.
    if (interrupted.some((other) => other.session === found.session && other.id > found.id)) {
      store.transaction(() => closeLost(deps, found.id));
      continue;
    }
    if (isStopped(store, found.id)) {
      close(deps, { row: found, session, event: { type: "ended", outcome: "stopped", usage: found.usage } });
      continue;
    }
    if (crashLoop || found.attempts > limits.resumesMax) {
      offer(deps, { row: found, session, crashLoop });
      offered.push(found);
      continue;
    }
    // The attempt is counted and told before anything runs: a crash from here on counts too.
    store.transaction(() => {
      store.turns.restart(found.id);
      tell(deps, { row: found, session, text: "I was interrupted by a restart and go on from there." });
    });
    const row = store.turns.get(found.id);
    if (row === undefined) continue;
    queue.resume(row, session);
    resumed.push(row);
  }
  queue.open();
  for (const row of crashLoop ? [] : answered) {
    const session = store.sessions.get(row.session);
    if (session !== undefined) queue.goOn(row, session);
  }
  if (!crashLoop) wakeWaiting(deps);
  return { resumed, offered, crashLoop };
}

/** Starts what waits in every session. */
export function wakeWaiting({ store, queue }: { store: Store; queue: Queue }): void {
  for (const session of store.inputs.sessionsWaiting()) queue.wake(session);
}

/** Gives a turn up and says how to go on. */
function offer(
  deps: ResumeDeps,
  { row, session, crashLoop }: { row: TurnRow; session: Session; crashLoop: boolean },
): void {
  const why = crashLoop
    ? `The program ended ${limits.startsShortMax} times shortly after its start, so nothing goes on by itself`
    : `This was interrupted ${row.attempts} times and does not go on by itself`;
  const error = {
    code: "turn.interrupted" as const,
    message: why,
    hint: `Write "go on" in ${publicId(session.id)} to try again`,
  };
  close(deps, { row, session, event: { type: "ended", outcome: "failed", error, usage: row.usage } });
}

/** True when a stop took away everything that the turn was for, and the program ended before the turn did. */
function isStopped({ inputs }: Store, turn: TurnRow["id"]): boolean {
  const all = inputs.ofTurn(turn, limits.waitingMax);
  return all.length > 0 && all.every(({ state }) => state === "removed");
}

/** Ends a turn that does not run, with what it was started for. */
function close(
  { store, hub, clock, onStored }: ResumeDeps,
  { row, session, event }: { row: TurnRow; session: Session; event: TurnEvent & { type: "ended" } },
): void {
  const at = clock.now();
  const { outcome, error, usage } = event;
  const n = store.transaction(() => {
    store.inputs.giveUp(row.id);
    store.inputs.unassign(row.id);
    store.approvals.voidTurn(row.id, at);
    store.inputs.finish(row.id);
    store.turns.end(row.id, { outcome, at, usage, ...(error === undefined ? {} : { error }) });
    const number = store.turns.append(row.id, { event, at });
    onStored?.(row, event);
    return number;
  });
  hub.publish({ n, turn: row.id, session: session.id, event });
}

/** One sentence in the turn's own stream. */
function tell(
  { store, hub, clock, onStored }: ResumeDeps,
  { row, session, text }: { row: TurnRow; session: Session; text: string },
): void {
  const event = { type: "notice" as const, text };
  const n = store.turns.append(row.id, { event, at: clock.now() });
  onStored?.(row, event);
  hub.publish({ n, turn: row.id, session: session.id, event });
}
