// /stop: out of band, before anything is stored; it answers only when everything is dead.
import { atLeast, type Role } from "../../access/roles.ts";
import { errorText } from "../../core/failure.ts";
import { type InputId, parsePublicId, publicId, type SessionId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { type Inbound, isSamePerson, type Outgoing, type Receipt } from "../../core/message.ts";
import type { Input, TurnRow } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import type { ProcessInfo, Proof } from "../../sandbox/sandbox.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { AdapterTraits } from "../handle.ts";
import type { Answering } from "../intake/answering.ts";
import type { Queue } from "../queue/queue.ts";
import type { SessionBook } from "../sessions.ts";
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

/** How many killed processes are named. */
const namedMax = 5;

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
  const answer =
    found === "several" ? chooseOne(deps, inbound) : found === undefined ? idle : await stopSession(deps, call, found);
  // With a store that is full the answer goes out as it is.
  const stored = bestEffort(deps, () =>
    deps.store.transaction(() => {
      const session = typeof found === "number" ? found : null;
      deps.store.inputs.add(inbound, { state: "done", session, at: deps.clock.now() });
      deps.answering.reply(inbound, traits, answer);
      return true;
    }),
  );
  if (stored !== true && !traits.live) deps.sayUnstored(inbound, answer);
  return done(answer);
}

const idle: Outgoing = { markdown: "Nothing is running." };

/**
 * The session that a stop means: the one that it names or is written in, else the only one that runs in the
 * conversation, else the only one that runs there for whoever says it.
 */
function whatRuns(deps: StopDeps, { inbound, session: wanted, role }: StopCall): SessionId | "several" | undefined {
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

async function stopSession(deps: StopDeps, call: StopCall, session: SessionId): Promise<Outgoing> {
  const runs = stoppable(deps, call, session);
  const foreign = runs !== undefined && !mayEnd(call, runs.row);
  const turn = foreign ? undefined : runs;
  // What it has just taken waits no more.
  bestEffort(deps, () => turn?.flush());
  const gone = bestEffort(deps, () => dropWaiting(deps, call, session)) ?? [];
  const removed = gone.length;
  deps.onGone(gone);
  const may = (row: TurnRow) => mayEnd(call, row);
  const suspended = runs === undefined && bestEffort(deps, () => stopSuspended(deps, { session, may })) === true;
  // What waited behind it and is not to be removed.
  if (suspended) deps.queue.wake(session);
  const proofs = [
    turn === undefined ? undefined : await turn.halt("stop"),
    call.all && atLeast(call.role, "member") ? await deps.killBackground(session) : undefined,
  ];
  const killed = proofs.flatMap((proof) => proof?.killed ?? []);
  const survivors = proofs.flatMap((proof) => proof?.survivors ?? []);
  if (runs === undefined && !suspended && removed === 0 && killed.length === 0 && survivors.length === 0) return idle;
  return { markdown: stopText({ stopped: turn !== undefined || suspended, foreign, killed, survivors, removed }) };
}

/** Guests end what is for themselves; everybody else whatever runs where they may write. */
function mayEnd({ inbound, role }: StopCall, { requester, replyTo }: TurnRow): boolean {
  return atLeast(role, "member") || (isSamePerson(requester, inbound.sender) && replyTo.adapter === inbound.adapter);
}

/** The turn that runs, unless the stop is older than what it works on: both times are the platform's. */
function stoppable({ queue, store, ...deps }: StopDeps, call: StopCall, session: SessionId): ActiveTurn | undefined {
  const turn = queue.active(session);
  if (turn === undefined || !call.missed) return turn;
  const inputs = bestEffort(deps, () => store.inputs.ofTurn(turn.row.id, limits.waitingMax)) ?? [];
  return inputs.every(({ inbound }) => inbound.sentAt <= call.inbound.sentAt) ? turn : undefined;
}

/** Removes what waits: everybody's for whoever decides for all, else the caller's own, as `/queue clear` does. */
function dropWaiting({ store }: StopDeps, call: StopCall, session: SessionId): InputId[] {
  const { inbound, role } = call;
  const all = atLeast(role, "admin");
  if (!call.missed) return store.inputs.drop(session, all ? undefined : inbound);
  const isOwn = ({ inbound: { adapter, sender } }: Input) =>
    all || (adapter === inbound.adapter && isSamePerson(sender, inbound.sender));
  const waiting = [
    ...store.inputs.waiting(session, limits.missedHeldMax),
    ...store.inputs.held(session, limits.missedHeldMax),
  ];
  const before = waiting.filter((input) => input.inbound.sentAt <= inbound.sentAt && isOwn(input));
  for (const { id } of before) store.inputs.set(id, "removed");
  return before.map(({ id }) => id);
}

/** What was stopped, in words that claim no more than was seen. */
function stopText(facts: {
  stopped: boolean;
  foreign: boolean;
  killed: ProcessInfo[];
  survivors: ProcessInfo[];
  removed: number;
}): string {
  const lines: string[] = [];
  if (facts.survivors.length > 0) {
    lines.push(`Not everything could be stopped. Still alive: ${names(facts.survivors)}.`);
  } else {
    const ended = facts.stopped ? "Stopped." : "Nothing was running.";
    lines.push(facts.foreign ? "What runs here is somebody else's, and guests end only their own." : ended);
  }
  if (facts.killed.length > 0) lines.push(`Killed: ${names(facts.killed)}.`);
  if (facts.removed > 0)
    lines.push(`${facts.removed} waiting message${facts.removed === 1 ? " was" : "s were"} removed.`);
  return lines.join(" ");
}

function names(processes: ProcessInfo[]): string {
  const shown = processes.slice(0, namedMax).map((found) => `\`${excerpt(found.command, 60)}\` (${found.pid})`);
  return `${shown.join(", ")}${processes.length > namedMax ? ` and ${processes.length - namedMax} more` : ""}`;
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
