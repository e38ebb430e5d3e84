// What the tests of the models hand in: a clock driven by hand, a log that remembers, servers on loopback.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { UserMessage } from "../../src/core/transcript.ts";
import type { ModelEvent, ModelRequest } from "../../src/models/model.ts";
import { createModels, type ModelsDeps } from "../../src/models/models.ts";
import type { Clock } from "../../src/sys/clock.ts";
import type { Log, LogFields } from "../../src/sys/log.ts";

/** Sleeps up to a minute pass at once and are noted; longer ones wait for {@link FakeClock.advance}. */
export class FakeClock implements Clock {
  readonly slept: number[] = [];
  #now = Date.parse("2026-03-01T12:00:00Z");
  #sleepers = new Set<{ at: number; wake: () => void }>();
  now = () => this.#now;
  monotonic = () => this.#now;
  /** The middle of the range: no jitter. */
  random = (count: number) => new Uint8Array(count).fill(128, 0, 1);
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (ms <= 60_000) {
      this.slept.push(ms);
      this.#now += ms;
      // One turn of the event loop, as a real timer would give.
      return new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise<void>((resolve) => {
      const sleeper = { at: this.#now + ms, wake: () => resolve() };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at > this.#now) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** Keeps every line. */
export class FakeLog implements Log {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];
  trace = this.#at("trace");
  debug = this.#at("debug");
  info = this.#at("info");
  warn = this.#at("warn");
  error = this.#at("error");
  child = () => this;
  text(): string {
    return JSON.stringify(this.lines);
  }
  #at(level: string) {
    return (message: string, fields: LogFields = {}) => {
      this.lines.push({ level, message, fields });
    };
  }
}

/** Models with fakes for whatever `deps` leaves out. */
export function testModels(deps: Partial<ModelsDeps> = {}) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const models = createModels({ settings: {}, environment: () => undefined, version: "1.2.3", clock, log, ...deps });
  return { models, clock, log };
}

export function user(text: string): UserMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp: 1 };
}

/** A request to `model` (`provider/name`) with one message, unless `parts` says otherwise. */
export function ask(model: string, parts: Partial<ModelRequest> & { text?: string } = {}): ModelRequest {
  const slash = model.indexOf("/");
  const { text = "hello", ...rest } = parts;
  return {
    model: { provider: model.slice(0, slash), name: model.slice(slash + 1) },
    system: "You are a test.",
    messages: [user(text)],
    tools: [bashTool],
    cacheKey: "S001",
    signal: new AbortController().signal,
    ...rest,
  };
}

export const bashTool = {
  name: "bash",
  description: "Runs a command",
  parameters: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
};

/** All events of a stream, the answer's text, and its end. */
export async function collect(stream: AsyncIterable<ModelEvent>) {
  const events: ModelEvent[] = [];
  for await (const event of stream) events.push(event);
  const end = events.at(-1);
  const text = events.map((event) => (event.type === "text" ? event.delta : "")).join("");
  const thinking = events.map((event) => (event.type === "thinking" ? event.delta : "")).join("");
  const retries = events.filter((event) => event.type === "retry");
  const ends = events.filter((event) => event.type === "done" || event.type === "failed").length;
  return { events, end, text, thinking, retries, ends };
}

/** The end as a success. */
export function done(end: ModelEvent | undefined) {
  if (end?.type !== "done") throw new Error(`expected done, got ${JSON.stringify(end)}`);
  return end.message;
}

/** The end as a failure. */
export function failed(end: ModelEvent | undefined) {
  if (end?.type !== "failed") throw new Error(`expected failed, got ${JSON.stringify(end)}`);
  return end;
}

export interface RawServer {
  url: string;
  requests: { headers: IncomingMessage["headers"]; body: string }[];
  /** Resolves when `count` requests have come in. */
  seen(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A server that answers as `handler` says, byte for byte. */
export async function rawServer(
  handler: (response: ServerResponse, request: RawServer["requests"][number]) => unknown,
): Promise<RawServer> {
  const requests: RawServer["requests"] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    incoming.on("end", () => {
      const request = { headers: incoming.headers, body };
      requests.push(request);
      for (const waiter of waiting) if (requests.length >= waiter.count) waiter.resolve();
      handler(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    seen: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Anthropic's stream as text: `events` in server-sent form. */
export function anthropicSse(...events: Record<string, unknown>[]): string {
  return events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

export const anthropicStart = {
  type: "message_start",
  message: { id: "msg_1", model: "claude-sonnet-4-5", usage: { input_tokens: 10, output_tokens: 1 } },
};

/** A whole Anthropic answer of one text. */
export function anthropicText(text: string): string {
  return anthropicSse(
    anthropicStart,
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  );
}
