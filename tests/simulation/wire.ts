// The line between one life of the program and the platform: what is lost on it, and what it takes in time.
import { readParams } from "../adapters/telegram/fake/body.ts";
import type { Outcome } from "../adapters/telegram/fake/faults.ts";
import type { Platform, Request } from "../adapters/telegram/fake/platform.ts";
import type { Json } from "../adapters/telegram/fake/world.ts";
import type { Chance } from "./chance.ts";
import type { Time } from "./time.ts";

export const apiRoot = "http://telegram.test";

/** How the line is while it does not work: connections are refused, break, or are silent. */
export type Outage = "refused" | "broken" | "silent";

export interface WireDeps {
  platform: Platform;
  time: Time;
  chance: Chance;
  /** How the line is now. */
  outage(): Outage | undefined;
  /** Milliseconds that an answer takes at most. */
  latencyMs: number;
  life: { dead(): boolean; tick(what: "asked" | "acted"): void };
  /** It was carried out over there, whatever comes back. */
  acted(method: string, params: Json): void;
  /** Every call, as it reached the platform or not, and what came back. */
  note(method: string, params: Json, outcome: string): void;
}

/** What the adapter's transport reads of a response; streams of the runtime would cost most of a run's time. */
interface Answered {
  status: number;
  headers: Headers;
  body: readonly Uint8Array[] | ReadableStream<Uint8Array>;
}

const never = new Promise<never>(() => undefined);
const encoder = new TextEncoder();
const noHeaders = new Headers();

/** A `fetch` straight into the platform. After its program's death nothing more goes out, and nothing comes back. */
export function createWire(deps: WireDeps): typeof fetch {
  const { time, life, note } = deps;
  const ask = async (input: string, init: RequestInit): Promise<Answered> => {
    if (life.dead()) return never;
    time.touch();
    const url = new URL(input);
    const [, token = "", method = ""] = /^\/bot([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
    const file = /^\/file\/bot([^/]+)\/(.+)$/.exec(url.pathname);
    const signal = init.signal ?? new AbortController().signal;
    const request = await time.read(() => readRequest(url, init));
    if (life.dead()) return never;
    life.tick("asked");
    if (life.dead()) return never;
    const outage = deps.outage();
    if (outage !== undefined) {
      note(method, request.params ?? {}, outage);
      return lost(outage, signal);
    }
    if (file !== null) return download(deps, { token: file[1] ?? "", path: file[2] ?? "", signal });
    return exchange(deps, { ...request, token, method }, signal);
  };
  return Object.assign((input: unknown, init: RequestInit = {}) => ask(String(input), init) as unknown, {
    preconnect() {},
  }) as typeof fetch;
}

async function readRequest(url: URL, { body, headers }: RequestInit): Promise<Pick<Request, "params" | "files">> {
  const type = new Headers(headers).get("content-type") ?? "";
  if (typeof body === "string") return { params: parsed(body) };
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  return readParams(url, { bytes, type });
}

function parsed(text: string): Json {
  return text === "" ? {} : (JSON.parse(text) as Json);
}

/** A call that does not reach the platform, or whose answer does not come back. */
function lost(how: Outage, signal: AbortSignal): Promise<never> {
  if (how === "silent") return aborted(signal);
  return Promise.reject(broke(how === "refused" ? "ECONNREFUSED" : "ECONNRESET"));
}

function broke(code: string): TypeError {
  return Object.assign(new TypeError("The connection failed"), { code });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function exchange(deps: WireDeps, request: Request, signal: AbortSignal): Promise<Answered> {
  const { platform, time, life, chance, note, latencyMs } = deps;
  const { method, params = {} } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  let settled = false;
  const arrive = (outcome: Outcome): void => {
    time.touch();
    if (life.dead() || settled) return;
    const outage = deps.outage();
    // An open poll of a line that went silent hears nothing more.
    if (outage !== undefined && outage !== "refused") {
      note(method, params, `${describe(outcome)}, lost`);
      if (outage === "broken") reject(broke("ECONNRESET"));
      return;
    }
    settled = true;
    if (outcome.kind === "closed") reject(broke("ECONNRESET"));
    else if (outcome.kind === "silent") settled = false;
    else resolve(answered(outcome, signal));
  };
  const poll = platform.poll(request, (outcome) => {
    if (life.dead()) return;
    time.touch();
    note(method, params, describe(outcome));
    if (outcome.acted) {
      deps.acted(method, params);
      life.tick("acted");
    }
    const delay = outcome.delayMs + (latencyMs === 0 ? 0 : chance.below(latencyMs));
    if (delay === 0) arrive(outcome);
    else time.after(delay, () => arrive(outcome));
  });
  const timer = poll.waitMs > 0 ? time.after(poll.waitMs, () => poll.expire()) : undefined;
  signal.addEventListener(
    "abort",
    () => {
      if (life.dead()) return;
      time.touch();
      settled = true;
      if (timer !== undefined) timer.fire = undefined;
      poll.abandon();
      reject(signal.reason);
    },
    { once: true },
  );
  return promise;
}

function describe(outcome: Outcome): string {
  const { kind } = outcome;
  if (kind === "answer") {
    const { answer } = outcome;
    if (!answer.ok) return `${answer.error_code} ${answer.description}`;
    return Array.isArray(answer.result) ? `ok ${answer.result.length}` : "ok";
  }
  return kind === "raw" ? `status ${outcome.status}` : kind;
}

function answered(outcome: Exclude<Outcome, { kind: "closed" | "silent" }>, signal: AbortSignal): Answered {
  if (outcome.kind === "answer") {
    const { answer } = outcome;
    return jsonAnswer(answer.ok ? 200 : answer.error_code, answer);
  }
  if (outcome.kind === "raw")
    return { status: outcome.status, headers: noHeaders, body: [encoder.encode(outcome.body)] };
  const { status, body, ending } = outcome;
  return { status, headers: noHeaders, body: broken(encoder.encode(body), ending, signal) };
}

function jsonAnswer(status: number, answer: unknown): Answered {
  return { status, headers: noHeaders, body: [encoder.encode(JSON.stringify(answer))] };
}

/** A body that breaks off, or goes silent. */
function broken(start: Uint8Array, ending: "close" | "silence", signal: AbortSignal): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(start);
      if (ending === "close") controller.error(broke("ECONNRESET"));
      else signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
  });
}

async function download(
  { platform, note }: WireDeps,
  { token, path, signal }: { token: string; path: string; signal: AbortSignal },
): Promise<Answered> {
  const fault = platform.faults.next({ method: "file", params: { path } });
  note("file", { path }, fault?.kind ?? "ok");
  if (fault?.kind === "drop" || fault?.kind === "lose") throw broke("ECONNRESET");
  if (fault?.kind === "hang") return aborted(signal);
  const file = platform.file(token, path);
  if (file === undefined) return jsonAnswer(404, { ok: false, error_code: 404, description: "Not Found" });
  if (fault?.kind === "cut") {
    const half = file.bytes.subarray(0, file.bytes.length >> 1);
    return { status: 200, headers: noHeaders, body: broken(half, "close", signal) };
  }
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(file.bytes);
      controller.close();
    },
  });
  return { status: 200, headers: noHeaders, body };
}
