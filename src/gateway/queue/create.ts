// Stores the next turn of a session: for what waits first and lacks nothing, with everything that may share it.
import type { InputId, SessionId, TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Input, QueueMode, Session, TurnRow } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import { replyTarget } from "../target.ts";
import type { TurnDeps } from "../turns/turn.ts";
import type { Begun } from "./begun.ts";
import { readyInputs } from "./ready.ts";

/** What turns are made with. */
export interface CreateDeps {
  store: Store;
  clock: Clock;
  /** Begins to fetch what an input lacks, if nobody does so far; the session is woken when it is there. */
  fetch(input: Input): void;
  /** Inside the transaction that stores an event of a turn. */
  onStored?: TurnDeps["onStored"];
  begun: Begun;
  /** Has a session looked at again at a time (Unix milliseconds). */
  later: { at(session: SessionId, at: number): void };
}

/** How a session takes what is said while a turn runs. */
export function modeOf(session: Session | undefined): QueueMode {
  return session?.options.queue ?? "steer";
}

/** In the caller's transaction: the next turn of a session; none when nothing may begin now. */
export function createTurn(deps: CreateDeps, id: SessionId): { row: TurnRow; session: Session } | undefined {
  const { store, clock, begun, later } = deps;
  const session = store.sessions.get(id);
  if (session === undefined) return undefined;
  if (!closeLeft(deps, id)) return undefined;
  const waiting = store.inputs.waiting(id, limits.missedHeldMax);
  const ready = readyInputs(waiting, { mode: modeOf(session), now: clock.now() });
  const [first] = ready.inputs ?? [];
  for (const input of ready.missing) deps.fetch(input);
  if (ready.inputs === undefined && ready.at !== undefined) later.at(id, ready.at);
  if (ready.inputs === undefined || first === undefined) return undefined;
  const row = store.turns.create({
    session: id,
    agent: session.agent,
    requester: first.inbound.sender,
    replyTo: replyTarget(first.inbound),
    at: clock.now(),
  });
  begun.add(row);
  for (const input of ready.inputs) store.inputs.assign(input.id, row.id);
  giveContext(store, { row, before: first.id });
  return { row, session };
}

/** What was said in a room beside the agent goes to the turn that is asked there next. */
function giveContext({ inputs }: Store, { row, before }: { row: TurnRow; before: InputId }): void {
  const { adapter, conversation, thread } = row.replyTo;
  if (conversation.kind !== "shared") return;
  inputs.give(row.id, { adapter, conversation: conversation.id, before, ...(thread === undefined ? {} : { thread }) });
}

/**
 * One turn at a time: what is still open in a session lost its end to a store that failed, such as a full disk, and is
 * ended now. @returns false when one begins in this very moment, or waits for an answer: what came later waits behind it.
 */
function closeLeft(deps: CreateDeps, session: SessionId): boolean {
  const { begun } = deps;
  const { turns, approvals } = deps.store;
  const left = turns.openIn(session);
  if (left.some((turn) => begun.has(turn) || approvals.openOfTurn(turn) > 0)) return false;
  for (const lost of left) closeLost(deps, lost);
  return true;
}

/** Ends a turn whose end could not be stored when it came; runs in the caller's transaction. */
export function closeLost(
  { store, clock, onStored }: Pick<TurnDeps, "store" | "clock" | "onStored">,
  turn: TurnId,
): void {
  const row = store.turns.get(turn);
  if (row === undefined) return;
  const at = clock.now();
  const error = { code: "turn.interrupted" as const, message: "The end of this turn could not be stored" };
  store.turns.end(turn, { outcome: "failed", at, error, usage: row.usage });
  const event = { type: "ended" as const, outcome: "failed" as const, error, usage: row.usage };
  store.turns.append(turn, { event, at });
  onStored?.(row, event);
  store.approvals.voidTurn(turn, at);
  store.inputs.finish(turn);
  store.inputs.unassign(turn);
}
