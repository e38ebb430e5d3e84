// One turn at a time per session, many sessions at once; what waits is a query, never memory alone.
import { errorText } from "../../core/failure.ts";
import type { InputId, SessionId, TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Input, Session, TurnInput, TurnRow } from "../../core/session.ts";
import type { Proof } from "../../sandbox/sandbox.ts";
import { within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { mayJoin } from "../target.ts";
import type { ActiveTurn, TurnStart } from "../turns/turn.ts";
import { createBegun } from "./begun.ts";
import { type CreateDeps, createTurn, modeOf } from "./create.ts";
import { createHolds } from "./holds.ts";
import { createLater } from "./later.ts";
import { turnInput } from "./note.ts";
import { filesMissing, joinUntil } from "./ready.ts";

/** What the queue works with. */
export interface QueueDeps extends Omit<CreateDeps, "begun" | "later"> {
  log: Log;
  start(turn: TurnStart): ActiveTurn;
  turnsParallelMax: number;
}

export type Queue = ReturnType<typeof createQueue>;

/** The queue over all sessions. */
export function createQueue(deps: QueueDeps) {
  const { store, clock } = deps;
  const active = new Map<SessionId, ActiveTurn>();
  const ready = new Set<SessionId>();
  const idle: (() => void)[] = [];
  const later = createLater(clock, (id) => wake(id));
  /** Sessions whose people were told that something waits behind a turn, until nothing does. */
  const told = new Set<SessionId>();
  /** What a turn was offered and has not taken yet: it stays the same until then. */
  const offered = new Map<TurnId, InputId>();
  const holds = createHolds((id) => wake(id));
  /** Closed until what the last process left is judged, and again at the end. */
  let open = false;
  const begun = createBegun(store);
  const { cannotStart, guarded } = createGuard({ ...deps, later, isOpen: () => open });
  /** Sessions that are looked at in the next shared commit. */
  const waking = new Set<SessionId>();
  /** As many turns run, or will in a moment, as may. Mostly there is room, whatever of them does not count after all. */
  const isFull = (): boolean => {
    const free = deps.turnsParallelMax - waking.size;
    return begun.countMost() + active.size >= free && begun.count() + busyCount(active) >= free;
  };
  const fill = (): void => {
    for (const other of ready) if (!isFull()) wake(other);
  };

  /** Runs a stored turn, and afterwards whatever waits behind it. */
  const run = (row: TurnRow, session: Session, { resumed = false } = {}): void => {
    begun.delete(row.id);
    const turn = deps.start({ row, session, resumed });
    active.set(session.id, turn);
    void turn.done.then(() => {
      active.delete(session.id);
      offered.delete(row.id);
      if (active.size === 0) for (const resolve of idle.splice(0)) resolve();
      wake(session.id);
      fill();
    });
  };

  /** Whether a session has something to do and may do it now; when only others are in the way, it is ready. */
  const mayBegin = (id: SessionId): boolean => {
    ready.delete(id);
    if (!open || active.has(id) || holds.has(id)) return false;
    if (isFull()) {
      ready.add(id);
      return false;
    }
    told.delete(id);
    // Most turns leave nothing behind, nor an end that could not be stored: no transaction is begun for that.
    return store.inputs.waitingCount(id) > 0 || store.turns.openIn(id).length > 0;
  };

  const begin = (id: SessionId): (() => void) | undefined => {
    if (!mayBegin(id)) return undefined;
    const made = store.transaction(() => createTurn({ ...deps, begun, later }, id));
    return made === undefined ? undefined : () => guarded(id, () => run(made.row, made.session));
  };

  /**
   * Starts the next turn of a session when it has something to do and nothing runs. Stored at the end of this tick: where
   * many turns end in one moment, those behind them share a commit.
   */
  const wake = (id: SessionId): void =>
    guarded(id, () => {
      if (waking.has(id) || !mayBegin(id)) return;
      waking.add(id);
      const look = () => {
        waking.delete(id);
        return begin(id);
      };
      const lose = (error: unknown) => {
        waking.delete(id);
        cannotStart(id, error);
      };
      store.grouped(look, (start) => start?.()).catch(lose);
    });

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
    /** The waiting input that may join a running turn: its own, or, where messages steer, one of the same requester and place. */
    next(row: TurnRow, taken: ReadonlySet<InputId>): TurnInput | undefined {
      // Asked after each answer, when mostly nothing waits; an index tells that.
      if (store.inputs.waitingCount(row.session) === 0) return undefined;
      const steers = modeOf(store.sessions.get(row.session)) === "steer";
      const may = (input: Input) =>
        input.turn === row.id || (mayJoin(input.inbound, row) && (steers || input.inbound.kind === "edit"));
      const now = clock.now();
      const lacks = (input: Input) =>
        filesMissing(input.inbound) || (input.turn !== row.id && joinUntil(input, now) > now);
      const waiting = store.inputs
        .waiting(row.session, limits.missedHeldMax)
        .filter((input) => !taken.has(input.id) && may(input));
      const before = offered.get(row.id);
      for (const input of waiting) if (filesMissing(input.inbound)) deps.fetch(input);
      const found = waiting.find(({ id }) => id === before) ?? waiting.find((input) => !lacks(input));
      if (found === undefined) return undefined;
      offered.set(row.id, found.id);
      return turnInput(found, { store, row, now });
    },
    /** A turn has read it, although it waits until that is stored. */
    isOffered: (id: InputId): boolean => [...offered.values()].includes(id),
    /** What a new input meets: nothing that concerns it, a turn that it steers or ends, or one that it waits for. */
    meets(input: Input): "nothing" | "steers" | "ends" | "waits" {
      if (input.session === null) return "nothing";
      const turn = active.get(input.session);
      const row = turn === undefined ? begun.in(input.session) : turn.ended() ? undefined : turn.row;
      if (row === undefined || input.turn === row.id) return "nothing";
      const mode = modeOf(store.sessions.get(row.session));
      if (!mayJoin(input.inbound, row)) return "waits";
      return mode === "steer" ? "steers" : mode === "interrupt" ? "ends" : "waits";
    },
    /** True once in a burst of inputs that wait behind one turn. */
    tellOnce(id: SessionId): boolean {
      if (told.has(id)) return false;
      told.add(id);
      return true;
    },
    /** A newer input ends the turn of its session; it is the next one. */
    supersede(id: SessionId): void {
      void active.get(id)?.halt("newer");
    },
    hold: holds.hold,
    active: (id: SessionId): ActiveTurn | undefined => active.get(id),
    running: (): ActiveTurn[] => [...active.values()],
    /** Starts a turn again that the last process left open. */
    resume(row: TurnRow, session: Session): void {
      run(row, session, { resumed: true });
    },
    /** A turn that waited for an answer has it, and goes on: this is no attempt that failed. */
    goOn(row: TurnRow, session: Session): void {
      const start = () =>
        guarded(session.id, () => {
          // A stop that was under way has ended it.
          if (!open || active.has(session.id) || store.turns.get(row.id)?.state !== "waiting") return;
          store.turns.setState(row.id, "running");
          run(row, session, { resumed: true });
        });
      if (!holds.after(session.id, start)) start();
    },
    /** A turn waits for a person now: another may have its place. */
    freed: fill,
    /** Ends the wait of a `close` that is under way. */
    hurry(): void {
      for (const goOn of idle.splice(0)) goOn();
    },
    /** Takes nothing new; waits for running turns up to `drainMs`; the rest is cut off and goes on at the next start. */
    async close(drainMs: number): Promise<{ drained: TurnId[]; interrupted: TurnId[]; proof: Proof }> {
      open = false;
      later.close();
      // Turns that are just being stored run in a moment, or not at all; then the store may close.
      await store
        .grouped(() => undefined)
        .catch((error) => deps.log.debug("A store that fails is closed", { error: errorText(error) }));
      // Nobody waits for those that wait for an answer: whoever gives it has them go on.
      const suspended = [...active.values()].filter((turn) => turn.waiting());
      await Promise.all(suspended.map((turn) => turn.halt("suspend")));
      const before = [...active.values()];
      if (active.size > 0 && drainMs > 0) {
        await within(clock, { work: new Promise<void>((resolve) => idle.push(resolve)), ms: drainMs });
      }
      const left = [...active.values()];
      const proofs = await Promise.all(left.map((turn) => turn.halt("interrupt")));
      // One that came to its end meanwhile, by itself or by a stop, stays ended.
      const interrupted = left.map((turn) => turn.row.id).filter((turn) => pause(deps, turn));
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

/** A full disk: the input is stored and waits, and is looked at again after a while. */
function createGuard({
  clock,
  log,
  later,
  isOpen,
}: Pick<QueueDeps, "clock" | "log"> & { later: CreateDeps["later"]; isOpen(): boolean }) {
  const cannotStart = (session: SessionId, error: unknown): void => {
    log.error("Cannot start a turn", { session, error: errorText(error) });
    if (isOpen()) later.at(session, clock.now() + limits.startRetryMs);
  };
  const guarded = (session: SessionId, work: () => void): void => {
    try {
      work();
    } catch (error) {
      cannotStart(session, error);
    }
  };
  return { cannotStart, guarded };
}

/**
 * An orderly cut-off is no attempt that failed; without the note it counts as one, and that is all.
 * @returns false for a turn that has ended.
 */
function pause({ store, log }: Pick<QueueDeps, "store" | "log">, turn: TurnId): boolean {
  try {
    return store.turns.pause(turn);
  } catch (error) {
    log.warn("Cannot note that a turn was cut off", { turn, error: errorText(error) });
    return true;
  }
}

/** Turns that do something: one that waits for a person takes nobody's place. */
function busyCount(active: ReadonlyMap<SessionId, ActiveTurn>): number {
  return [...active.values()].filter((turn) => !turn.waiting()).length;
}
