// Hand-written stand-ins for what a harness works with: a scripted model, a store in memory, tools.
import * as v from "valibot";
import type { TurnEvent } from "../../src/core/event.ts";
import { Failure, type FailureCode } from "../../src/core/failure.ts";
import type { TurnInput } from "../../src/core/session.ts";
import type { AssistantMessage, Entry, EntryBody, JsonObject, TranscriptMessage } from "../../src/core/transcript.ts";
import type { Harness, Turn } from "../../src/harness/harness.ts";
import type { ModelEvent, ModelInfo, ModelRequest, Models } from "../../src/models/model.ts";
import type { Clock } from "../../src/sys/clock.ts";
import { systemClock } from "../../src/sys/clock.ts";
import type { Log, LogFields } from "../../src/sys/log.ts";
import { defineTool, type Tool, textResult } from "../../src/tools/tool.ts";
import { sessionRow } from "../rows.ts";

/** Waits that are over at once, so that no test sleeps; a wait for ever stays one. */
export const quickClock: Clock = {
  ...systemClock,
  sleep: (_ms, signal) => systemClock.sleep(1, signal),
};

export interface FakeLog extends Log {
  lines: { level: string; message: string; fields?: LogFields }[];
}

export function fakeLog(): FakeLog {
  const lines: FakeLog["lines"] = [];
  const write = (level: string) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, ...(fields === undefined ? {} : { fields }) });
  };
  const log: FakeLog = {
    lines,
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  return log;
}

/** What the fake model does with one request. */
export type Step = (request: ModelRequest) => AsyncIterable<ModelEvent> | Iterable<ModelEvent>;

export interface FakeModels extends Models {
  requests: ModelRequest[];
}

export const fakeInfo: ModelInfo = {
  provider: "fake",
  name: "one",
  label: "Fake One",
  contextWindow: 100_000,
  outputMax: 8_000,
  images: true,
  levels: ["off"],
  price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
};

/** A model that follows `steps`, one a request; a request after the last one is a failed test. */
export function scriptedModels(steps: Step[], info: Partial<ModelInfo> = {}): FakeModels {
  const requests: ModelRequest[] = [];
  return {
    requests,
    info: async () => ({ ...fakeInfo, ...info }),
    async *stream(request) {
      const step = steps[requests.length];
      requests.push({ ...request, messages: structuredClone(request.messages) as TranscriptMessage[] });
      if (step === undefined) throw new Error(`Request ${requests.length} was not expected`);
      yield* step(request);
    },
    available: async () => [fakeInfo],
    fallback: async () => ({ provider: "fake", name: "one" }),
  };
}

export interface FakeCall {
  id: string;
  name: string;
  arguments: JsonObject;
}

/** An assistant's message as a model library returns it. */
export function assistant(
  text: string,
  calls: FakeCall[] = [],
  more: Partial<AssistantMessage> & { tokens?: number } = {},
): AssistantMessage {
  const { tokens = 100, ...rest } = more;
  return {
    role: "assistant",
    content: [
      ...(text === "" ? [] : [{ type: "text" as const, text }]),
      ...calls.map((call) => ({ type: "toolCall" as const, ...call })),
    ],
    api: "fake",
    provider: "fake",
    model: "one",
    usage: {
      input: tokens - 1,
      output: 1,
      cacheRead: 0,
      cacheWrite: 0,
      totalTokens: tokens,
      cost: { input: 0.001, output: 0, cacheRead: 0, cacheWrite: 0, total: 0.001 },
    },
    stopReason: calls.length > 0 ? "toolUse" : "stop",
    timestamp: 1,
    ...rest,
  };
}

/** Answers with `text` in words, and `calls`. */
export function answers(text: string, calls: FakeCall[] = [], more: Parameters<typeof assistant>[2] = {}): Step {
  return function* () {
    for (const word of text.split(/(?<= )/)) if (word !== "") yield { type: "text", delta: word };
    yield { type: "done", message: assistant(text, calls, more) };
  };
}

/** Fails with `code`, after `text` if any. */
export function fails(code: FailureCode, text = ""): Step {
  return function* () {
    if (text !== "") yield { type: "text", delta: text };
    yield {
      type: "failed",
      message: assistant(text, [], { stopReason: "error", errorMessage: "raw: secret-from-provider", tokens: 0 }),
      failure: { code, message: "The model refused" },
      aborted: false,
    };
  };
}

/** Says `text` and then waits until the request is aborted, as a good library ends. */
export function hangs(text: string, onHang: () => void = () => undefined): Step {
  return async function* ({ signal }) {
    yield { type: "text", delta: text };
    onHang();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    yield {
      type: "failed",
      message: assistant(text, [{ id: "half", name: "note", arguments: {} }], { stopReason: "aborted" }),
      failure: { code: "turn.interrupted", message: "Stopped" },
      aborted: true,
    };
  };
}

/** What a gateway keeps of a session: entries, events, waiting inputs, calls that were started. */
export class FakeStore {
  entries: Entry[] = [];
  events: TurnEvent[] = [];
  waiting: TurnInput[] = [];
  files = new Map<string, Uint8Array>();
  private nextId = 1;

  /** Stores one entry as the newest. */
  add(body: EntryBody, at = 1): Entry {
    const entry: Entry = {
      id: this.nextId,
      parent: this.nextId > 1 ? this.nextId - 1 : null,
      session: 1,
      turn: 1,
      at,
      body,
    };
    this.nextId += 1;
    this.entries.push(entry);
    return entry;
  }

  message(message: TranscriptMessage): Entry {
    return this.add({ kind: "message", message });
  }

  say(text: string, more: Partial<TurnInput> = {}): void {
    const id = 1 + this.waiting.length + this.events.filter((event) => event.type === "taken").length;
    const sentAt = Date.UTC(2026, 0, 31, 8, 5, 0);
    this.waiting.push({ id, text, sender: { id: "7", name: "Ann" }, sentAt, files: [], kind: "message", ...more });
  }

  /** What the gateway does with an event, before it asks for the next one. */
  store(event: TurnEvent): void {
    this.events.push(event);
    if ("entry" in event && event.entry !== undefined) this.add(event.entry);
    if (event.type === "taken") this.waiting = this.waiting.filter((input) => !event.inputs.includes(input.id));
  }

  /** The branch as the store gives it: from the newest compaction's first kept entry on. */
  branch(): Entry[] {
    const body = this.entries.findLast((entry) => entry.body.kind === "compaction")?.body;
    const from = body?.kind === "compaction" ? (body.keepFrom ?? 0) : 0;
    return this.entries.filter((entry) => entry.id >= from);
  }

  startedCalls(): Set<string> {
    const started = new Set<string>();
    for (const event of this.events) {
      if (event.type === "tool" && event.step === "start") started.add(event.call);
      if (event.type === "tool" && event.step === "end") started.delete(event.call);
    }
    return started;
  }

  turn(more: Partial<Turn> = {}): Turn {
    return {
      id: 1,
      resumed: false,
      session: sessionRow(),
      requester: { id: "7", name: "Ann" },
      system: "You are a test.",
      model: { provider: "fake", name: "one" },
      history: this.branch(),
      head: () => this.entries.at(-1)?.id ?? null,
      startedCalls: this.startedCalls(),
      askedCalls: new Set(),
      permit: async () => ({ allowed: true }),
      next: () => this.waiting[0],
      file: async (stored) => {
        const bytes = this.files.get(stored);
        if (bytes === undefined)
          throw new Failure("not-found", `Cannot read ${JSON.stringify(stored)}: there is no such file`);
        return bytes;
      },
      signal: new AbortController().signal,
      tools: [],
      toolContext: (call) => fakeToolContext(call),
      ...more,
    };
  }
}

function fakeToolContext(call: Parameters<Turn["toolContext"]>[0]): ReturnType<Turn["toolContext"]> {
  const none = () => {
    throw new Error("Not part of this test");
  };
  return {
    sandbox: new Proxy({} as ReturnType<Turn["toolContext"]>["sandbox"], { get: none }),
    scope: "turn-1",
    sessionScope: "session-1",
    signal: call.signal,
    output: call.output,
    attach: async (file) =>
      call.emit({ type: "file", stored: "attachments/x", name: file.name, bytes: file.bytes.length }),
    spill: async () => "spilled",
    memory: { read: async () => "", append: async () => undefined, replace: async () => undefined },
    schedule: { add: async () => none(), list: async () => [], cancel: async () => false },
  };
}

/** Runs a turn to its end and stores each event before it asks for the next. */
export async function runToEnd(
  harness: Harness,
  store: FakeStore,
  options: { turn?: Partial<Turn>; on?: (event: TurnEvent) => void } = {},
): Promise<TurnEvent[]> {
  const seen: TurnEvent[] = [];
  for await (const event of harness.run(store.turn(options.turn))) {
    store.store(event);
    seen.push(event);
    options.on?.(event);
  }
  return seen;
}

/** A tool that notes each of its starts in `starts` and answers with its text. */
export function noteTool(starts: string[]): Tool {
  return defineTool({
    name: "note",
    description: "Notes a text",
    schema: v.object({ text: v.string() }),
    title: (input) => `note ${input.text}`,
    async run(input) {
      starts.push(input.text);
      return textResult(`noted ${input.text}`);
    },
  });
}

/** A tool made for one test. */
export function tool(name: string, run: Tool["run"]): Tool {
  return defineTool({ name, description: name, schema: v.object({}), title: () => name, run });
}

/** The type of each event, tool events with their step and call. */
export function shape(events: readonly TurnEvent[]): string[] {
  return events.map((event) => {
    if (event.type === "tool") return `tool ${event.step} ${event.call}`;
    if (event.type === "ended") return `ended ${event.outcome}`;
    return event.type;
  });
}
