// Runs one turn: opens its sandbox, hands the harness what it needs, stores and shows what happens.
import { setImmediate } from "node:timers/promises";
import type { TurnEvent } from "../../core/event.ts";
import { errorText, type FailureData, failureData } from "../../core/failure.ts";
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { parseModelName } from "../../core/model-name.ts";
import type { Session, TurnInput, TurnRow } from "../../core/session.ts";
import { noUsage } from "../../core/usage.ts";
import type { Harness, Permit, PermitCall, Turn } from "../../harness/harness.ts";
import type { Proof, Sandbox, SandboxRequest } from "../../sandbox/sandbox.ts";
import type { Store } from "../../store/store.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { Hub } from "../hub.ts";
import { createPause, limitTime, type Pause } from "../questions/pause.ts";
import type { PermitTurn } from "../questions/permits.ts";
import type { Branches } from "./branches.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { redactEvent, redactTool } from "./redacting.ts";
import type { TurnServices } from "./services.ts";
import type { Setting } from "./setting.ts";
import { createSpeech } from "./speech.ts";

/** What turns are run with. */
export interface TurnDeps {
  store: Store;
  hub: Hub;
  branches: Branches;
  clock: Clock;
  log: Log;
  redactor: Redactor;
  harness(session: Session): Promise<Harness>;
  openSandbox(request: SandboxRequest): Promise<Sandbox>;
  setting(turn: TurnRow, session: Session): Promise<Setting>;
  /** `provider/name[:level]`. */
  modelOf(session: Session | undefined): string;
  /** Longest time of a turn in milliseconds; none when absent. */
  timeoutMs?: number;
  /** Makes the function that judges a turn's calls. */
  permits(turn: PermitTurn): (call: PermitCall) => Promise<Permit>;
  /** A turn has begun to wait for a person. */
  onWait(): void;
  /** The waiting input that may join this turn and was not taken yet. */
  next(turn: TurnRow, taken: ReadonlySet<InputId>): TurnInput | undefined;
  /** Bytes of a stored attachment. */
  file(turn: TurnRow, stored: string): Promise<Uint8Array>;
  /** True where the requester's own model keys come before the instance's. */
  ownKeys?(row: TurnRow): boolean;
  /** All of a tool's context that is not of the call. */
  services(row: TurnRow, sandbox: Sandbox): TurnServices;
  onMessage(message: { turn: TurnRow; text: string; at: number }): void;
  /** Inside the transaction that stores an event of a turn. */
  onStored?(turn: TurnRow, event: TurnEvent): void;
}

/**
 * Why a turn is ended from outside: by a person, by a newer message of theirs, by shutdown (the next start goes on), by
 * its time limit, or by a shutdown while it waits for an answer (whoever gives it has it go on).
 */
export type Halt = "stop" | "newer" | "interrupt" | "timeout" | "suspend";

/** A turn that runs. */
export interface ActiveTurn {
  readonly row: TurnRow;
  /** What it is doing right now, in a few words. */
  doing(): string;
  /** It waits for a person's answer. */
  waiting(): boolean;
  /** Stores at once what it has taken and done so far. @throws when the store does. */
  flush(): void;
  /** Its last word is said; what is left is tidying up. */
  ended(): boolean;
  /** Kills its trees with proof and ends it. Never rejects. */
  halt(how: Halt): Promise<Proof>;
  readonly done: Promise<void>;
}

const nothingKilled: Proof = { killed: [], survivors: [] };

/** Commands of a turn and of a session are killed by these names. */
const turnScope = (turn: number) => `turn-${turn}`;
export const sessionScope = (session: number) => `session-${session}`;

/** Which turn, and whether an earlier start of it was cut off. */
export interface TurnStart {
  row: TurnRow;
  session: Session;
  resumed: boolean;
}

/** Starts a turn that is stored as running. Never throws; `done` resolves when it is over. */
export function startTurn(deps: TurnDeps, start: TurnStart): ActiveTurn {
  const { row, session } = start;
  const log = deps.log.child({ turn: row.id, session: session.id });
  const abort = new AbortController();
  const recorder = createRecorder(deps, { turn: row, session });
  const pause = createPause(deps.clock, deps.onWait);
  let sandbox: Sandbox | undefined;
  let doing = "starting";
  let halting: Halt | undefined;
  /** Ends when its trees are dead; nobody is told of its end before. */
  let death: Promise<Proof> | undefined;
  const dead = async (): Promise<void> => void (await death);
  /** Whoever cannot look knows nothing of what is left: that is told as something that lives. */
  const kill = async (): Promise<Proof> => {
    try {
      return (await sandbox?.kill(turnScope(row.id))) ?? nothingKilled;
    } catch (error) {
      log.error("Cannot kill what a turn started", { error: errorText(error) });
      return { killed: [], survivors: [{ pid: 0, command: "what the turn started: nobody could look" }] };
    }
  };
  const { timeoutSeconds } = session.options;
  const timeoutMs = timeoutSeconds === undefined ? deps.timeoutMs : timeoutSeconds * 1000;
  /** It is over, whatever part of it may still be hanging somewhere. */
  let left = false;
  let letGo: () => void = () => undefined;
  const abandoned = new Promise<"abandoned">((resolve) => {
    letGo = () => resolve("abandoned");
  });

  /** One event: stored, then shown. A store that fails ends the turn; the work so far stays as it was stored. */
  const record = (event: TurnEvent): void => {
    if (left) throw new Error("The turn was given up");
    // What a shutdown cuts off is said as a whole by the next start: until then it is only what was said so far.
    if (halting === "interrupt" && isBrokenOff(event)) {
      recorder.flush();
      deps.store.turns.setPartial(row.id, event.text);
      return;
    }
    // What it was started for and never took belongs to it all the same: it would start it again, for ever.
    if (event.type === "ended" && halting !== "interrupt")
      for (const taken of untaken(deps, { row, taken: recorder.taken }))
        recorder.record(redactEvent(taken, deps.redactor));
    if (event.type === "ended" && halting === "newer")
      recorder.record({ type: "notice", text: "Stopped: a newer message takes its place." });
    // Shutdown leaves the turn open, so that the next start goes on with it.
    if (event.type === "ended" && halting === "interrupt") {
      recorder.flush();
      recorder.announce(event);
    } else if (event.type === "ended" && halting === "timeout") recorder.record(timedOut(event, timeoutMs ?? 0));
    else recorder.record(event);
    doing = describe(event) ?? doing;
  };

  const work = async (): Promise<void> => {
    const setting = await deps.setting(row, session);
    sandbox = await deps.openSandbox(setting.request);
    // Nobody waits for it any more, and nobody else would close it.
    if (left) return sandbox.close();
    if (abort.signal.aborted) return;
    const harness = await deps.harness(session);
    const system = await setting.system(sandbox);
    const signal = abort.signal;
    const turn = buildTurn(deps, { ...start, setting, system, sandbox, recorder, record, pause, signal });
    const noted = withNotice(record, setting.notice === undefined ? undefined : deps.redactor.exact(setting.notice));
    await consume(harness.run(turn), { record: noted, dead, until: abandoned, redactor: deps.redactor });
  };

  const run = async (): Promise<void> => {
    try {
      // Whatever hangs is left behind once a stop has waited long enough.
      await Promise.race([work(), abandoned]);
      await recorder.settled();
      await dead();
      if (!recorder.ended()) record(endedEvent(halting === undefined ? "failed" : "stopped", missingEnd(halting)));
      await recorder.settled();
    } catch (error) {
      log.error("Turn failed", { error: errorText(error), stack: error instanceof Error ? error.stack : undefined });
      const clean = (event: TurnEvent) => record(redactEvent(event, deps.redactor));
      await dead();
      finishBroken({ recorder, record: clean, error, stopped: halting !== undefined, log });
    } finally {
      left = true;
      // What it said goes out to people first: the rest is tidying up.
      await setImmediate();
      await kill();
      await sandbox?.close().catch((error) => log.warn("Cannot close sandbox", { error: errorText(error) }));
    }
  };
  const halt = async (how: Halt): Promise<Proof> => {
    // Left behind first: nothing that it does now may be stored, the call that waits above all.
    if (how === "suspend") letGo();
    halting ??= how === "suspend" ? "interrupt" : how;
    abort.abort();
    death = kill();
    const proof = await death;
    // A harness or model that hangs is left behind: stop does not depend on it.
    await within(deps.clock, { work: done, ms: limits.haltMs });
    letGo();
    await done;
    return proof;
  };
  const done = run();
  if (timeoutMs !== undefined) void limitTime(deps.clock, { done, timeoutMs, pause, expire: () => halt("timeout") });
  return { row, doing: () => doing, waiting: pause.waiting, flush: recorder.flush, ended: recorder.ended, done, halt };
}

/** Inputs that started a turn and that it did not take, as taken: their text is in the session for whoever goes on. */
function untaken(
  { store, clock }: TurnDeps,
  { row, taken }: { row: TurnRow; taken: ReadonlySet<InputId> },
): TurnEvent[] {
  const left = store.inputs.untaken(row.id).filter(({ id }) => !taken.has(id));
  return left.map(({ id, inbound }) => {
    const text = inbound.kind === "message" || inbound.kind === "edit" ? inbound.text : "";
    const message = { role: "user" as const, content: [{ type: "text" as const, text }], timestamp: clock.now() };
    return { type: "taken", inputs: [id], text, entry: { kind: "message", message } };
  });
}

/** The end of a turn that took too long: it names the limit and how to change it, and guesses no cause. */
function timedOut(event: TurnEvent & { type: "ended" }, timeoutMs: number): TurnEvent {
  const seconds = Math.round(timeoutMs / 1000);
  const error = {
    code: "provider.timeout.final" as const,
    message: `The turn took longer than its limit of ${seconds} seconds and was ended`,
    hint: "/option timeout <seconds> changes it for this session, limits.timeoutSeconds in settings.json for all",
  };
  return { ...event, outcome: "failed", error };
}

/** Tells a notice as soon as it is known whom it is for: a screen follows a turn from the input on that it sent. */
function withNotice(record: (event: TurnEvent) => void, notice: string | undefined): (event: TurnEvent) => void {
  let text = notice;
  return (event) => {
    const due = text !== undefined && (event.type === "taken" || event.type === "ended") ? text : undefined;
    if (due !== undefined) text = undefined;
    if (due !== undefined && event.type === "ended") record({ type: "notice", text: due });
    record(event);
    if (due !== undefined && event.type === "taken") record({ type: "notice", text: due });
  };
}

/** Reads the stream to its end, or until it is given up; then the harness is told that nobody reads any more. */
async function consume(
  stream: AsyncIterable<TurnEvent>,
  parts: {
    record: (event: TurnEvent) => void;
    /** Resolves when nothing of a halted turn lives any more. */
    dead(): Promise<void>;
    until: Promise<"abandoned">;
    redactor: Redactor;
  },
): Promise<void> {
  const { record, dead, until, redactor } = parts;
  const iterator = stream[Symbol.asyncIterator]();
  const speech = createSpeech(redactor);
  let over = false;
  try {
    while (true) {
      const step = await Promise.race([iterator.next(), until]);
      over = step !== "abandoned" && step.done === true;
      if (step === "abandoned" || step.done === true) return;
      if (step.value.type === "ended") await dead();
      for (const event of speech.pass(step.value)) record(event);
    }
  } finally {
    // Not awaited: a harness that hangs would hang this too.
    if (!over) void iterator.return?.().catch(() => undefined);
  }
}

/** The harness' view of the turn. */
function buildTurn(
  deps: TurnDeps,
  parts: TurnStart & {
    setting: Setting;
    system: string;
    sandbox: Sandbox;
    recorder: Recorder;
    record(event: TurnEvent): void;
    pause: Pause;
    signal: AbortSignal;
  },
): Turn {
  const { row, session, resumed, setting, system, sandbox, recorder, record, pause, signal } = parts;
  const services = deps.services(row, sandbox);
  return {
    id: row.id,
    resumed,
    session,
    requester: row.requester,
    ...(deps.ownKeys?.(row) === true ? { keys: { adapter: row.replyTo.adapter, user: row.requester.id } } : {}),
    system,
    model: parseModelName(deps.modelOf(session)),
    history: deps.branches.get(session.id, session.head),
    head: recorder.head,
    startedCalls: resumed ? deps.store.turns.startedCalls(row.id) : new Set(),
    askedCalls: resumed ? deps.store.approvals.calls(row.id) : new Set(),
    permit: deps.permits({ row, session, sandbox, tools: setting.tools, record, join: recorder.join, pause, signal }),
    next() {
      // Whoever stops it decides about what waits.
      const input = signal.aborted ? undefined : deps.next(row, recorder.taken);
      if (input === undefined) return undefined;
      const { note, text } = input;
      const clean = note === undefined ? {} : { note: deps.redactor.exact(note) };
      return { ...input, ...clean, text: deps.redactor.exact(text) };
    },
    file: (stored) => deps.file(row, stored),
    signal,
    tools: setting.tools.map((tool) => redactTool(tool, deps.redactor)),
    toolContext: (call) => ({
      sandbox,
      scope: turnScope(row.id),
      sessionScope: sessionScope(session.id),
      signal: call.signal,
      output: call.output,
      memory: services.memory,
      schedule: services.schedule,
      spill: services.spill,
      async attach(file) {
        const stored = await services.keep(file);
        const caption = file.caption === undefined ? {} : { caption: file.caption };
        await call.emit({ type: "file", stored, name: file.name, bytes: file.bytes.byteLength, ...caption });
      },
    }),
  };
}

/** An answer of a model that was ended before its end. */
function isBrokenOff(event: TurnEvent): event is TurnEvent & { type: "message" } {
  if (event.type !== "message" || event.entry?.kind !== "message") return false;
  const { message } = event.entry;
  return message.role === "assistant" && message.stopReason === "aborted";
}

/** The last word of a turn whose harness gave none. */
function endedEvent(outcome: "failed" | "stopped", error?: FailureData): TurnEvent {
  return { type: "ended", outcome, usage: noUsage, ...(error === undefined ? {} : { error }) };
}

function missingEnd(halting: string | undefined): FailureData | undefined {
  return halting === undefined ? failureData(new Error("The harness ended without a last word")) : undefined;
}

/** Ends a turn that broke; when even that cannot be stored, people are told and the next start goes on. */
function finishBroken(parts: {
  recorder: Recorder;
  record: (event: TurnEvent) => void;
  error: unknown;
  stopped: boolean;
  log: Log;
}): void {
  const { recorder, record, error, stopped, log } = parts;
  if (recorder.ended()) return;
  const event = endedEvent(stopped ? "stopped" : "failed", stopped ? undefined : failureData(error));
  try {
    record(event);
    recorder.flush();
  } catch (storing) {
    log.error("Cannot store the end of a turn", { error: errorText(storing) });
    recorder.announce(event);
  }
}

/** A few words for `/status`. */
function describe(event: TurnEvent): string | undefined {
  switch (event.type) {
    case "started":
      return "thinking";
    case "text":
      return "answering";
    case "thinking":
      return "thinking";
    case "tool":
      return event.step === "start" ? event.title : event.step === "end" ? "thinking" : undefined;
    case "ask":
      return "waiting for an answer";
    default:
      return undefined;
  }
}
