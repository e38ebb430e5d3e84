// One turn at a time per session, many sessions at once; what waits is a query, never memory alone.
import { errorText } from "../core/failure.ts";
import type { SessionId, TurnId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { FileRef, Inbound } from "../core/message.ts";
import type { Input, ReplyTarget, Session, TurnInput, TurnRow } from "../core/session.ts";
import type { Proof } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import { type Clock, within } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { ActiveTurn, TurnStart } from "./turn.ts";

/** What the queue works with. */
export interface QueueDeps {
  store: Store;
  clock: Clock;
  log: Log;
  start(turn: TurnStart): ActiveTurn;
  turnsParallelMax: number;
}

export type Queue = ReturnType<typeof createQueue>;

/** The queue over all sessions. */
export function createQueue(deps: QueueDeps) {
  const { store, clock, log } = deps;
  const active = new Map<SessionId, ActiveTurn>();
  const ready = new Set<SessionId>();
  const idle: (() => void)[] = [];
  /** Closed until what the last process left is judged, and again at the end. */
  let open = false;

  /** Runs a stored turn, and afterwards whatever waits behind it. */
  const run = (row: TurnRow, session: Session, { resumed = false } = {}): void => {
    const turn = deps.start({ row, session, resumed });
    active.set(session.id, turn);
    void turn.done.then(() => {
      active.delete(session.id);
      if (active.size === 0) for (const resolve of idle.splice(0)) resolve();
      wake(session.id);
      for (const other of ready) {
        if (active.size >= deps.turnsParallelMax) break;
        wake(other);
      }
    });
  };

  /** What {@link Queue.begin} does. */
  const begin = (id: SessionId): (() => void) | undefined => {
    ready.delete(id);
    if (!open || active.has(id)) return undefined;
    if (active.size >= deps.turnsParallelMax) {
      ready.add(id);
      return undefined;
    }
    const begun = store.transaction(() => create(id));
    return begun === undefined ? undefined : () => guarded(id, () => run(begun.row, begun.session));
  };

  /** A full disk: the input is stored and waits; the next input or start tries again. */
  const guarded = (session: SessionId, work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.error("Cannot start a turn", { session, error: errorText(error) });
    }
  };

  /** Starts the next turn of a session when it has something to do and nothing runs. */
  const wake = (id: SessionId): void => guarded(id, () => begin(id)?.());

  /** Stores a new turn for what waits first, with everything that may share it. */
  const create = (id: SessionId): { row: TurnRow; session: Session } | undefined => {
    const [first, ...rest] = store.inputs.waiting(id, limits.waitingMax);
    const session = store.sessions.get(id);
    if (first === undefined || session === undefined) return undefined;
    // One turn at a time: what is still open here lost its end to a store that failed, such as a full disk.
    for (const lost of store.turns.openIn(id)) closeLost(store, { turn: lost, at: clock.now() });
    const row = store.turns.create({
      session: id,
      agent: session.agent,
      requester: first.inbound.sender,
      replyTo: replyTarget(first.inbound),
      at: clock.now(),
    });
    for (const input of [first, ...rest]) if (mayJoin(input.inbound, row)) store.inputs.assign(input.id, row.id);
    return { row, session };
  };

  /** An orderly cut-off is no attempt that failed; without the note it counts as one, and that is all. */
  const pause = (turn: TurnId): void => {
    try {
      store.turns.pause(turn);
    } catch (error) {
      log.warn("Cannot note that a turn was cut off", { turn, error: errorText(error) });
    }
  };

  return {
    wake,
    /** From now on turns start. */
    open(): void {
      open = true;
    },
    /**
     * Stores the next turn of a session, when it has something to do and nothing runs, in the caller's transaction.
     * @returns what starts it; to be called once that is committed.
     */
    begin,
    /** The waiting input that may join a running turn: same requester, same reply target. */
    next(row: TurnRow): TurnInput | undefined {
      const found = store.inputs.waiting(row.session, limits.waitingMax).find((input) => mayJoin(input.inbound, row));
      return found === undefined ? undefined : turnInput(found);
    },
    active: (id: SessionId): ActiveTurn | undefined => active.get(id),
    running: (): ActiveTurn[] => [...active.values()],
    /** Starts a turn again that the last process left open. */
    resume(row: TurnRow, session: Session): void {
      run(row, session, { resumed: true });
    },
    /** Ends the wait of a `close` that is under way. */
    hurry(): void {
      for (const goOn of idle.splice(0)) goOn();
    },
    /** Takes nothing new; waits for running turns up to `drainMs`; the rest is cut off and goes on at the next start. */
    async close(drainMs: number): Promise<{ drained: TurnId[]; interrupted: TurnId[]; proof: Proof }> {
      open = false;
      const before = [...active.values()];
      if (active.size > 0 && drainMs > 0) {
        await within(clock, { work: new Promise<void>((resolve) => idle.push(resolve)), ms: drainMs });
      }
      const left = [...active.values()];
      const proofs = await Promise.all(left.map((turn) => turn.halt("interrupt")));
      const interrupted = left.map((turn) => turn.row.id);
      for (const turn of interrupted) pause(turn);
      return {
        drained: before.map((turn) => turn.row.id).filter((id) => !interrupted.includes(id)),
        interrupted,
        proof: {
          killed: proofs.flatMap((proof) => proof.killed),
          survivors: proofs.flatMap((proof) => proof.survivors),
        },
      };
    },
  };
}

/** Ends a turn whose end could not be stored when it came; runs in the caller's transaction. */
export function closeLost(store: Store, { turn, at }: { turn: TurnId; at: number }): void {
  const row = store.turns.get(turn);
  if (row === undefined) return;
  const error = { code: "turn.interrupted" as const, message: "The end of this turn could not be stored" };
  store.turns.end(turn, { outcome: "failed", at, error, usage: row.usage });
  store.turns.append(turn, { event: { type: "ended", outcome: "failed", error, usage: row.usage }, at });
  store.inputs.finish(turn);
  store.inputs.unassign(turn);
}

/** Inputs share a turn only when requester and reply target are equal. */
function mayJoin(inbound: Inbound, row: TurnRow): boolean {
  const target = replyTarget(inbound);
  return (
    inbound.sender.id === row.requester.id &&
    target.adapter === row.replyTo.adapter &&
    target.conversation.id === row.replyTo.conversation.id &&
    target.thread === row.replyTo.thread
  );
}

/** Where the answer to an inbound goes. */
export function replyTarget(inbound: Inbound): ReplyTarget {
  return {
    adapter: inbound.adapter,
    conversation: inbound.conversation,
    ...(inbound.thread === undefined ? {} : { thread: inbound.thread }),
    ...(inbound.kind === "message" ? { replyTo: inbound.id } : {}),
  };
}

/** A stored input as a harness takes it. */
function turnInput(input: Input): TurnInput {
  const { inbound } = input;
  const files: FileRef[] = inbound.kind === "message" ? (inbound.files ?? []) : [];
  const text = inbound.kind === "message" || inbound.kind === "edit" ? inbound.text : "";
  const event = inbound.kind === "message" && inbound.event !== undefined;
  return {
    id: input.id,
    text,
    sender: inbound.sender,
    sentAt: inbound.sentAt,
    files,
    kind: inbound.kind === "edit" ? "correction" : event ? "event" : "message",
  };
}
