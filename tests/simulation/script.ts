// The scripted harness: does what the messages say, and remembers outside of the store what it really did.
import type { TurnEvent } from "../../src/core/event.ts";
import { failureData } from "../../src/core/failure.ts";
import type { Entry, EntryBody } from "../../src/core/transcript.ts";
import { noUsage } from "../../src/core/usage.ts";
import type { Harness, Turn } from "../../src/harness/harness.ts";
import type { Clock } from "../../src/sys/clock.ts";

/** What a message may ask for; a message says `#12 call slow file`. */
export const steps = ["say", "call", "pause", "slow", "file", "fail", "hang", "deaf", "silent", "long"] as const;
export type Step = (typeof steps)[number];

/** The outside, which no crash of the program undoes. */
export interface Outside {
  dead(): boolean;
  /** An input was handed to a harness. */
  took(turn: number, sender: string, text: string): void;
  /** A command starts; it runs until {@link Outside.done} or until it is killed. */
  start(call: string, turn: Turn): void;
  done(call: string): void;
  /** Keeps a file. @returns its place. */
  keep(name: string): string;
}

export interface ScriptDeps {
  clock: Clock;
  outside: Outside;
  /** From 0 to 1. */
  next(): number;
  /** Starts a call again whose fate is unknown: what must never happen. */
  careless?: boolean;
}

/** Words by which the answer of a turn is found again; only there do they stand. */
export const answerMark = (turn: number) => `ans${turn}x`;
export const beginMark = (turn: number) => `beg${turn}x`;

const filler = "This is what I found out about it, in as many words as it takes to be longer than any excerpt of it is";
const long = `${`${filler}. `.repeat(12)}\n\n`;

/** What was asked for: its number and its steps. */
interface Order {
  number: string;
  steps: Step[];
}

/** Makes the harness of one life. */
export function createScript(deps: ScriptDeps): Harness {
  return { name: "scripted", run: (turn) => guarded(perform(deps, turn)) };
}

/** What breaks underneath ends the turn; the stream itself never throws. */
async function* guarded(stream: AsyncGenerator<TurnEvent>): AsyncGenerator<TurnEvent> {
  try {
    yield* stream;
  } catch (error) {
    yield { type: "ended", outcome: "failed", error: failureData(error), usage: noUsage };
  }
}

async function* perform(deps: ScriptDeps, turn: Turn): AsyncGenerator<TurnEvent> {
  const { clock, outside } = deps;
  const before = ownEntries(turn);
  const orders = before.texts.map(orderOf);
  yield { type: "started", resumed: turn.resumed };
  if (before.answered) {
    yield { type: "ended", outcome: "done", usage: noUsage };
    return;
  }
  for (let done = 0; ; done += 1) {
    for (let input = turn.next(); input !== undefined; input = turn.next()) {
      outside.took(turn.id, input.sender.id, input.text);
      orders.push(orderOf(input.text));
      yield { type: "taken", inputs: [input.id], text: input.text, entry: said(clock, input.text) };
    }
    const order = orders[done];
    if (order === undefined) break;
    for (const [n, step] of order.steps.entries()) {
      if (turn.signal.aborted) break;
      const call = `t${turn.id}o${done}s${n}`;
      yield* follow(deps, { turn, step, call, ended: before.ended });
    }
    if (turn.signal.aborted) {
      yield { type: "ended", outcome: "stopped", usage: noUsage };
      return;
    }
  }
  const wanted = new Set(orders.flatMap((order) => order.steps));
  if (wanted.has("fail")) {
    const error = { code: "internal" as const, message: "The model answered nonsense" };
    yield { type: "ended", outcome: "failed", error, usage: noUsage };
    return;
  }
  if (!wanted.has("silent")) yield* answer(deps, { turn, orders, isLong: wanted.has("long") });
  yield { type: "ended", outcome: "done", usage: noUsage };
}

/** The last words: formed in pieces, then told as a whole. */
async function* answer(
  { clock, next }: ScriptDeps,
  { turn, orders, isLong }: { turn: Turn; orders: readonly Order[]; isLong: boolean },
): AsyncGenerator<TurnEvent> {
  const numbers = orders.map(({ number }) => `no${number}`).join(", ");
  const text = `${filler}: ${numbers}. ${beginMark(turn.id)}\n\n${isLong ? long.repeat(4) : ""}Done, ${answerMark(turn.id)}`;
  const piece = Math.ceil(text.length / 3);
  for (let at = 0; at < text.length; at += piece) {
    yield { type: "text", delta: text.slice(at, at + piece) };
    if (next() < 0.5) await clock.sleep(next() * 2_000, turn.signal);
  }
  yield { type: "message", text, entry: told(clock, text) };
}

async function* follow(
  deps: ScriptDeps,
  { turn, step, call, ended }: { turn: Turn; step: Step; call: string; ended: ReadonlySet<string> },
): AsyncGenerator<TurnEvent> {
  const { clock, next } = deps;
  switch (step) {
    case "say":
      yield { type: "message", text: `I look at it (${call}).` };
      return;
    case "call":
      yield* makeCall(deps, { turn, call, ended });
      return;
    case "pause":
      await clock.sleep(next() * 3_000, turn.signal);
      return;
    case "slow":
      await clock.sleep(20_000 + next() * 40_000, turn.signal);
      return;
    case "file":
      yield* sendFile(deps, { turn, call, ended });
      return;
    case "hang":
      if (!turn.signal.aborted)
        await new Promise<void>((resolve) => {
          turn.signal.addEventListener("abort", () => resolve(), { once: true });
        });
      return;
    case "deaf":
      await new Promise<void>(() => undefined);
      return;
    default:
  }
}

/** A call of the tool that hands a file to the chat; it needs no grant. */
async function* sendFile(
  { clock, outside }: ScriptDeps,
  { turn, call, ended }: { turn: Turn; call: string; ended: ReadonlySet<string> },
): AsyncGenerator<TurnEvent> {
  if (ended.has(call)) return;
  const about = { call, name: "attach", title: "attach" };
  const end = { ...about, type: "tool" as const, step: "end" as const, ms: 0, entry: result(clock, call) };
  if (turn.startedCalls.has(call)) {
    yield { ...end, ok: false, text: "Interrupted, outcome unknown" };
    return;
  }
  const name = `${call}.txt`;
  yield { ...about, type: "tool", step: "start", input: { name } };
  yield { type: "file", stored: outside.keep(name), name, bytes: 4 };
  yield { ...end, ok: true, text: "sent" };
}

async function* makeCall(
  { clock, outside, next, careless }: ScriptDeps,
  { turn, call, ended }: { turn: Turn; call: string; ended: ReadonlySet<string> },
): AsyncGenerator<TurnEvent> {
  if (ended.has(call)) return;
  const name = "bash";
  const end = (ok: boolean, text: string): TurnEvent => ({
    type: "tool",
    step: "end",
    call,
    name,
    ok,
    ms: 1,
    text,
    entry: result(clock, call),
  });
  if (turn.startedCalls.has(call) && careless !== true) {
    yield end(false, "Interrupted, outcome unknown");
    return;
  }
  const input = { command: `echo ${call}` };
  const permit = await turn.permit({ id: call, name, input });
  if (!permit.allowed) {
    yield end(false, permit.reason);
    return;
  }
  if (turn.signal.aborted) {
    yield end(false, "Not started: the turn was stopped");
    return;
  }
  yield { type: "tool", step: "start", call, name, title: `$ echo ${call}`, input };
  if (turn.signal.aborted) {
    yield end(false, "Not started: the turn was stopped");
    return;
  }
  if (outside.dead()) return;
  outside.start(call, turn);
  await clock.sleep(next() * 8_000, turn.signal);
  if (!turn.signal.aborted) outside.done(call);
  yield end(!turn.signal.aborted, "fine");
}

function orderOf(text: string): Order {
  const found = /#(\d+)((?: [a-z]+)*)/.exec(text);
  const words = (found?.[2] ?? "").split(" ");
  return { number: found?.[1] ?? "0", steps: words.filter((word): word is Step => steps.includes(word as Step)) };
}

/** What an earlier start of this turn stored. */
function ownEntries({ history, id }: Turn): { texts: string[]; ended: Set<string>; answered: boolean } {
  const found = { texts: [] as string[], ended: new Set<string>(), answered: false };
  for (const { turn, body } of history) if (turn === id) note(found, body);
  return found;
}

function note(found: ReturnType<typeof ownEntries>, body: Entry["body"]): void {
  if (body.kind !== "message") return;
  const { message } = body;
  if (message.role === "user") {
    const [part] = message.content;
    found.texts.push(part?.type === "text" ? part.text : "");
  } else if (message.role === "toolResult") found.ended.add(message.toolCallId);
  else found.answered = true;
}

function said({ now }: Clock, text: string): EntryBody {
  return { kind: "message", message: { role: "user", content: [{ type: "text", text }], timestamp: now() } };
}

function result({ now }: Clock, call: string): EntryBody {
  const message = {
    role: "toolResult" as const,
    toolCallId: call,
    toolName: "bash",
    content: [{ type: "text" as const, text: "fine" }],
    isError: false,
    timestamp: now(),
  };
  return { kind: "message", message };
}

function told({ now }: Clock, text: string): EntryBody {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost };
  const from = { api: "none", provider: "demo", model: "offline", usage, stopReason: "stop" as const };
  return {
    kind: "message",
    message: { role: "assistant", content: [{ type: "text", text }], timestamp: now(), ...from },
  };
}
