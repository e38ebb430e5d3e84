// /stop: out of band, before anything is stored; it answers only when everything is dead.
import { errorText } from "../core/failure.ts";
import type { InputId } from "../core/ids.ts";
import type { Inbound, Receipt } from "../core/message.ts";
import { excerpt } from "../core/words.ts";
import type { ProcessInfo, Proof } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { Queue } from "./queue.ts";
import type { SessionBook } from "./sessions.ts";
import type { ActiveTurn } from "./turn.ts";

/** What a stop works with. */
export interface StopDeps {
  store: Store;
  queue: Queue;
  book: SessionBook;
  clock: Clock;
  log: Log;
  killBackground(session: number): Promise<Proof>;
  /** Waiting inputs that were removed. */
  onGone(inputs: InputId[]): void;
}

/** How many killed processes are named. */
const namedMax = 5;

/** True for `/stop`, `/stop all` and the bare word. */
export function isStop(inbound: Inbound): { all: boolean } | undefined {
  if (inbound.kind === "command") return inbound.name === "stop" ? { all: inbound.args.trim() === "all" } : undefined;
  // What a schedule says is work, never an order to the program.
  if (inbound.kind !== "message" || inbound.event !== undefined) return undefined;
  const word = /^\/?stop(\s+all)?$/i.exec(inbound.text.trim());
  return word === null || !inbound.addressed ? undefined : { all: word[1] !== undefined };
}

/** Stops what runs where `inbound` was written. Works although the disk is full or the harness hangs. */
export async function stopHere(deps: StopDeps, { inbound, all }: { inbound: Inbound; all: boolean }): Promise<Receipt> {
  // Sent again after a lost answer, it must not stop what began meanwhile.
  if (bestEffort(deps, () => deps.store.inputs.has(inbound)) === true) return answer("Stopped before.");
  const session = bestEffort(deps, () => deps.book.find(inbound)?.id) ?? runningHere(deps, inbound)?.row.session;
  if (session === undefined) return answer("Nothing is running.");
  const turn = deps.queue.active(session);
  const gone = bestEffort(deps, () => deps.store.inputs.drop(session)) ?? [];
  const removed = gone.length;
  deps.onGone(gone);
  const proofs = [
    turn === undefined ? undefined : await turn.halt("stop"),
    all ? await deps.killBackground(session) : undefined,
  ];
  bestEffort(deps, () => deps.store.inputs.add(inbound, { state: "done", session, at: deps.clock.now() }));
  const killed = proofs.flatMap((proof) => proof?.killed ?? []);
  const survivors = proofs.flatMap((proof) => proof?.survivors ?? []);
  if (turn === undefined && removed === 0 && killed.length === 0 && survivors.length === 0)
    return answer("Nothing is running.");
  return answer(stopText({ stopped: turn !== undefined, killed, survivors, removed }));
}

/** What was stopped, in words that claim no more than was seen. */
function stopText(facts: {
  stopped: boolean;
  killed: ProcessInfo[];
  survivors: ProcessInfo[];
  removed: number;
}): string {
  const lines: string[] = [];
  if (facts.survivors.length > 0) {
    lines.push(`Not everything could be stopped. Still alive: ${names(facts.survivors)}.`);
  } else {
    lines.push(facts.stopped ? "Stopped." : "Nothing was running.");
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

function runningHere({ queue }: StopDeps, inbound: Inbound): ActiveTurn | undefined {
  return queue
    .running()
    .find(
      ({ row }) =>
        row.replyTo.adapter === inbound.adapter &&
        row.replyTo.conversation.id === inbound.conversation.id &&
        row.replyTo.thread === inbound.thread,
    );
}

/** Stop goes on without the store. */
function bestEffort<Result>({ log }: StopDeps, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    log.warn("Stop goes on without the store", { error: errorText(error) });
    return undefined;
  }
}

function answer(markdown: string): Receipt {
  return { state: "done", ok: true, answer: { markdown } };
}
