// /stop: out of band, before anything is stored; it answers only when everything is dead.
import { atLeast, type Role } from "../../access/roles.ts";
import { errorText } from "../../core/failure.ts";
import { type InputId, parsePublicId, publicId, type SessionId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { type Inbound, isSamePerson, type Outgoing, type Receipt } from "../../core/message.ts";
import type { Input, TurnRow } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import type { Proof } from "../../sandbox/sandbox.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { AdapterTraits } from "../handle.ts";
import type { Answering } from "../intake/answering.ts";
import type { Queue } from "../queue/queue.ts";
import type { SessionBook } from "../sessions.ts";
import { answerOf, idle, type Stopped } from "./stopped.ts";
import { type SuspendedDeps, stopSuspended } from "./suspended.ts";
import type { ActiveTurn } from "./turn.ts";

/** What a stop works with. */
export interface StopDeps extends SuspendedDeps {
  queue: Queue;
  book: SessionBook;
  clock: Clock;
  log: Log;
  answering: Answering;
  /** Says something although it cannot be stored, as well as it goes. Never throws. */
  sayUnstored(inbound: Inbound, outgoing: Outgoing): void;
  killBackground(session: number): Promise<Proof>;
  /** Waiting inputs that were removed. */
  onGone(inputs: InputId[]): void;
}

/** What is to be stopped: `session` as somebody wrote it, with `all` also background commands. */
export interface StopRequest {
  all: boolean;
  session?: string;
}

/** One stop, and how it came. `missed`: it was sent while nobody was here, so that it concerns what was sent before it. */
export interface StopCall extends StopRequest {
  inbound: Inbound;
  traits: AdapterTraits;
  missed: boolean;
  /** Of whoever says it, in that place. */
  role: Role;
}

/** What `/stop`, `/stop all`, `/stop S001` and the bare words want; nothing for anything else. */
export function isStop(inbound: Inbound): StopRequest | undefined {
  if (inbound.kind === "command") return inbound.name === "stop" ? request(inbound.args) : undefined;
  // What a schedule says is work, never an order to the program.
  if (inbound.kind !== "message" || inbound.event !== undefined || !inbound.addressed) return undefined;
  const word = /^(\/?)stop(?:\s+(all|s[0-9]{1,9}))?$/i.exec(inbound.text.trim());
  return word === null ? undefined : request(word[2] ?? "");
}

function request(args: string): StopRequest {
  const word = args.trim().toLowerCase();
  return { all: word === "all", ...(parsePublicId(word) === undefined ? {} : { session: word }) };
}

/** Stops what runs where `inbound` was written. Works although the disk is full or the harness hangs. */
export async function stopHere(deps: StopDeps, call: StopCall): Promise<Receipt> {
  const { inbound, traits } = call;
  // Sent again after a lost answer, it must not stop what began meanwhile.
  if (bestEffort(deps, () => deps.store.inputs.has(inbound)) === true) return done({ markdown: "Stopped before." });
  const found = whatRuns(deps, call);
  const stopped = typeof found === "number" ? await stopSession(deps, call, found) : undefined;
  try {
    const answer = found === "several" ? chooseOne(deps, inbound) : idle;
    // What is removed, the stop itself and what is said of it are true together, or not at all.
    const settled = bestEffort(deps, () => settle(deps, call, { stopped, answer }));
    if (settled === undefined) {
      // With a store that is full the answer goes out as it is.
      const said = stopped === undefined ? answer : answerOf(stopped, { suspended: false, removed: undefined });
      if (!traits.live) deps.sayUnstored(inbound, said);
      return done(said);
    }
    settled.after();
    return done(settled.said);
  } finally {
    stopped?.release();
  }
}

/** In one transaction: what waited is removed, what is suspended ends, the stop is noted, and its answer is on its way. */
function settle(
  deps: StopDeps,
  call: StopCall,
  { stopped, answer }: { stopped: Stopped | undefined; answer: Outgoing },
): { said: Outgoing; after(): void } {
  const { store, clock } = deps;
  const { inbound, traits } = call;
  return store.transaction(() => {
    const session = stopped?.session ?? null;
    const { fresh } = store.inputs.add(inbound, { state: "done", session, at: clock.now() });
    // The very same came twice at once, and the other one was faster.
    if (!fresh) return { said: { markdown: "Stopped before." }, after: () => undefined };
    const gone = stopped?.waiting.filter((id) => store.inputs.remove(id)) ?? [];
    const tell =
      stopped?.mayBeSuspended === true ? stopSuspended(deps, { ...stopped, may: mayEndOf(call) }) : undefined;
    const said =
      stopped === undefined ? answer : answerOf(stopped, { suspended: tell !== undefined, removed: gone.length });
    deps.answering.reply(inbound, traits, said);
    return {
      said,
      after() {
        tell?.();
        if (gone.length > 0) deps.onGone(gone);
      },
    };
  });
}

/**
 * The session that a stop means: the one that it names or is written in, else the only one that runs in the
 * conversation, else the only one that runs there for whoever says it.
 */
function whatRuns(
  deps: StopDeps,
  { inbound, session: wanted, role, traits }: StopCall,
): SessionId | "several" | undefined {
  const here = runningHere(deps, inbound);
  if (wanted !== undefined) {
    const id = parsePublicId(wanted);
    const turn = id === undefined ? undefined : deps.queue.active(id);
    return turn !== undefined && (role === "owner" || here.includes(turn)) ? id : undefined;
  }
  const bound = bestEffort(deps, () => deps.book.find(inbound)?.id);
  if (
    bound !== undefined &&
    (deps.queue.active(bound) !== undefined || inbound.root !== undefined || here.length === 0)
  )
    return bound;
  // Below a message nobody means what runs elsewhere in the conversation.
  if (inbound.thread !== undefined && traits.threads === "message") return bound;
  const own = here.filter(({ row }) => isSamePerson(row.requester, inbound.sender));
  const [only, more] = here.length === 1 ? here : own;
  if (only !== undefined && more === undefined) return only.row.session;
  return here.length === 0 ? undefined : "several";
}

function chooseOne(deps: StopDeps, inbound: Inbound): Outgoing {
  const choices = runningHere(deps, inbound)
    .slice(0, limits.choicesMax)
    .map(({ row }) => ({
      value: `/stop ${publicId(row.session)}`,
      label: `${publicId(row.session)} ${excerpt(deps.store.sessions.get(row.session)?.title ?? "", 30)}`.trim(),
    }));
  return {
    markdown: "Several turns run here. Which one? `/stop S001`, or answer one of its messages with `/stop`.",
    choices,
  };
}

/** Ends what runs in a session. Nothing begins there until it is released. */
async function stopSession(deps: StopDeps, call: StopCall, session: SessionId): Promise<Stopped> {
  const runs = stoppable(deps, call, session);
  const foreign = runs !== undefined && !mayEnd(call, runs.row);
  const turn = foreign ? undefined : runs;
  const release = deps.queue.hold(session);
  // What it has just taken waits no more.
  bestEffort(deps, () => turn?.flush());
  const waiting = bestEffort(deps, () => waitingFor(deps, call, session)) ?? [];
  const proofs = [
    turn === undefined ? undefined : await turn.halt("stop"),
    call.all && atLeast(call.role, "member") ? await killQuietly(deps, session) : undefined,
  ];
  return {
    session,
    ended: turn !== undefined,
    foreign,
    killed: proofs.flatMap((proof) => proof?.killed ?? []),
    survivors: proofs.flatMap((proof) => proof?.survivors ?? []),
    waiting,
    mayBeSuspended: runs === undefined,
    release,
  };
}

/** Whoever cannot look knows nothing of what is left: that is told as something that lives. */
async function killQuietly({ killBackground, log }: StopDeps, session: SessionId): Promise<Proof> {
  try {
    return await killBackground(session);
  } catch (error) {
    log.error("Cannot kill the background commands of a session", { session, error: errorText(error) });
    return { killed: [], survivors: [{ pid: 0, command: "background commands: nobody could look" }] };
  }
}

/** Guests end what is for themselves; everybody else whatever runs where they may write. */
function mayEnd({ inbound, role }: StopCall, { requester, replyTo }: TurnRow): boolean {
  return atLeast(role, "member") || (isSamePerson(requester, inbound.sender) && replyTo.adapter === inbound.adapter);
}

const mayEndOf = (call: StopCall) => (row: TurnRow) => mayEnd(call, row);

/** The turn that runs, unless the stop is older than what it works on: both times are the platform's. */
function stoppable({ queue, store, ...deps }: StopDeps, call: StopCall, session: SessionId): ActiveTurn | undefined {
  const turn = queue.active(session);
  if (turn === undefined || !call.missed) return turn;
  const inputs = bestEffort(deps, () => store.inputs.ofTurn(turn.row.id, limits.waitingMax)) ?? [];
  return inputs.every(({ inbound }) => inbound.sentAt <= call.inbound.sentAt) ? turn : undefined;
}

/** What waits and is to be removed: everybody's for whoever decides for all, else the caller's own, as `/queue clear` does. */
function waitingFor({ store }: StopDeps, { inbound, role, missed }: StopCall, session: SessionId): InputId[] {
  const all = atLeast(role, "admin");
  const isOwn = ({ inbound: { adapter, sender } }: Input) =>
    adapter === inbound.adapter && isSamePerson(sender, inbound.sender);
  const waiting = [
    ...store.inputs.waiting(session, limits.missedHeldMax),
    ...(missed ? store.inputs.held(session, limits.missedHeldMax) : []),
  ];
  return waiting
    .filter((input) => (all || isOwn(input)) && (!missed || input.inbound.sentAt <= inbound.sentAt))
    .map(({ id }) => id);
}

/** The turns that run in the conversation, or in the thread of it that the stop is written in. */
function runningHere({ queue }: StopDeps, { adapter, conversation, thread, root }: Inbound): ActiveTurn[] {
  return queue
    .running()
    .filter(
      ({ row: { replyTo } }) =>
        replyTo.adapter === adapter &&
        replyTo.conversation.id === conversation.id &&
        replyTo.thread === thread &&
        (root === undefined || replyTo.root === root),
    );
}

/** Stop goes on without the store. */
function bestEffort<Result>({ log }: Pick<StopDeps, "log">, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    log.warn("Stop goes on without the store", { error: errorText(error) });
    return undefined;
  }
}

function done(answer: Outgoing): Receipt {
  return { state: "done", ok: true, answer };
}
