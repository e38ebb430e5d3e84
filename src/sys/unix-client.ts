// HTTP over a unix socket, from the command line to the running instance.
import { statSync } from "node:fs";
import type { Agent, IncomingMessage } from "node:http";
import { TextDecoder } from "node:util";
import { unixFetch } from "#unix-fetch";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";

export interface UnixRequest {
  /** GET, or POST when there is `json`. */
  method?: string;
  /** Sent as the body. */
  json?: unknown;
  /** Sent beside the client's own. */
  headers?: Record<string, string>;
  /** Longest wait for the answer's head, and for each part of its body, in milliseconds. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** An answer; its body is consumed once, by one of the three. */
export interface UnixResponse {
  status: number;
  /** @throws Failure `not-running` when the other side goes away, `internal` beyond `limits.frameBytesMax`. */
  text(): Promise<string>;
  json(): Promise<unknown>;
  body: AsyncIterable<Uint8Array>;
}

export interface UnixClient {
  /** @throws Failure `not-running` when nobody listens or the other side goes away; `signal`'s reason when aborted. */
  request(path: string, options?: UnixRequest): Promise<UnixResponse>;
  /** The lines of a streamed answer, without their ends; empty ones are left out. @throws as `request`, and Failure of the status when it is not 200. */
  lines(path: string, options?: UnixRequest): AsyncIterable<string>;
  /** Ends idle connections. */
  close(): void;
}

/** A client for the socket at `socketPath` that keeps its connections. */
export function createUnixClient(socketPath: string): UnixClient {
  let agent: Agent | undefined;
  const request = (path: string, options: UnixRequest = {}) =>
    send(socketPath, path, {
      ...options,
      agentOf: (http) => (agent ??= new http.Agent({ keepAlive: true, maxSockets: limits.clientSocketsMax })),
    });
  return {
    request,
    async *lines(path, options = {}) {
      const response = await request(path, options);
      if (response.status !== 200) throw refused(path, response.status, await response.text());
      yield* linesOf(response.body);
    },
    close: () => agent?.destroy(),
  };
}

/** One request on a connection of its own. @throws as {@link UnixClient.request}. */
export async function unixRequest(
  socketPath: string,
  path: string,
  options: UnixRequest = {},
): Promise<Pick<UnixResponse, "status" | "text" | "json">> {
  if (unixFetch === undefined) return send(socketPath, path, { ...options, agentOf: () => false });
  options.signal?.throwIfAborted();
  checkThere(socketPath);
  const { method, headers, data } = headOf(options);
  const { signal, stop } = deadline(options);
  const failure = (error: unknown) =>
    options.signal?.aborted !== true && signal.aborted
      ? signal.reason
      : clientFailure(socketPath, error, options.signal);
  try {
    const request = { path, method, headers, signal, ...(data === undefined ? {} : { body: data }) };
    const response = await unixFetch(socketPath, request);
    const text = response.body === null ? "" : await textOf(response.body, limits.frameBytesMax);
    return { status: response.status, text: async () => text, json: async () => JSON.parse(text) as unknown };
  } catch (error) {
    throw failure(error);
  } finally {
    stop();
  }
}

/** The caller's signal, and the caller's patience for the whole answer. */
function deadline({ signal, timeoutMs }: UnixRequest): { signal: AbortSignal; stop: () => void } {
  const late = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => late.abort(timedOut(timeoutMs)), timeoutMs);
  const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  return { signal: both, stop: () => clearTimeout(timer) };
}

/** Method, headers and body of a request. */
function headOf({ method, json, headers }: UnixRequest) {
  const data = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const all: Record<string, string> = { ...headers, host: "localhost" };
  if (data !== undefined) {
    all["content-type"] = "application/json";
    all["content-length"] = String(data.byteLength);
  }
  return { method: method ?? (data === undefined ? "GET" : "POST"), headers: all, data };
}

async function send(
  socketPath: string,
  path: string,
  options: UnixRequest & { agentOf(http: typeof import("node:http")): Agent | false },
): Promise<UnixResponse> {
  const { timeoutMs, signal, agentOf } = options;
  signal?.throwIfAborted();
  checkThere(socketPath);
  const http = await import("node:http");
  const agent = agentOf(http);
  signal?.throwIfAborted();
  const { method, headers, data } = headOf(options);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = http.request({ socketPath, path, method, headers, agent, ...(signal ? { signal } : {}) });
    if (timeoutMs !== undefined) outgoing.setTimeout(timeoutMs, () => outgoing.destroy(timedOut(timeoutMs)));
    outgoing.once("response", resolve);
    outgoing.on("error", (error) => reject(clientFailure(socketPath, error, signal)));
    outgoing.end(data);
  });
  const body = bodyOf(response, { socketPath, timeoutMs, signal });
  const text = () => textOf(body, limits.frameBytesMax);
  return { status: response.statusCode ?? 0, body, text, json: async () => JSON.parse(await text()) as unknown };
}

/** Without a socket nobody listens: known at once, while loading the HTTP client takes longer than all the rest. */
function checkThere(socketPath: string): void {
  try {
    statSync(socketPath);
  } catch (error) {
    throw clientFailure(socketPath, error);
  }
}

async function* bodyOf(
  response: IncomingMessage,
  { socketPath, timeoutMs, signal }: { socketPath: string; timeoutMs?: number; signal?: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const abort = () => response.destroy(signal?.reason instanceof Error ? signal.reason : new Error("Aborted"));
  signal?.addEventListener("abort", abort, { once: true });
  if (timeoutMs !== undefined) response.setTimeout(timeoutMs, () => response.destroy(timedOut(timeoutMs)));
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
    signal?.throwIfAborted();
    if (!response.complete) throw Object.assign(new Error("Connection ended early"), { code: "ECONNRESET" });
  } catch (error) {
    throw clientFailure(socketPath, error, signal);
  } finally {
    signal?.removeEventListener("abort", abort);
    // A reader that leaves early must not hold the connection.
    response.destroy();
  }
}

/** What the system says when nobody listens, and when whoever listened went away. */
const goneCodes = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTSOCK", "UND_ERR_SOCKET"]);

function clientFailure(socketPath: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof Failure) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  const message = error instanceof Error ? error.message : String(error);
  const detail = `${socketPath}: ${message}`;
  if (goneCodes.has(code) || /socket hang up|aborted|closed/i.test(message)) {
    const gone = code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK";
    return new Failure("not-running", gone ? "RemoteAgent is not running" : "RemoteAgent went away", {
      cause: error,
      detail,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new Failure("forbidden", `Cannot open socket ${JSON.stringify(socketPath)}: it belongs to another user`, {
      cause: error,
      detail,
    });
  }
  return new Failure("internal", `Cannot talk to the running instance: ${code === "" ? message : code}`, {
    cause: error,
    detail,
  });
}

function timedOut(ms: number): Failure {
  return new Failure("not-running", `The running instance did not answer within ${ms / 1000} s`, {
    hint: "See what it does: remoteagent logs",
  });
}

function refused(path: string, status: number, text: string): Failure {
  const code = status === 404 ? "not-found" : status === 403 ? "forbidden" : "internal";
  return new Failure(code, `The running instance refused ${JSON.stringify(path)}: status ${status}`, {
    detail: text.slice(0, limits.logFieldCharsMax),
  });
}

async function textOf(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Failure("internal", `Answer is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Splits a stream of UTF-8 into lines, without their ends; characters may be split over chunks, empty lines are left out.
 * @throws Failure `internal` for a line longer than `charsMax`.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  { charsMax = limits.frameBytesMax }: { charsMax?: number } = {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  // Parts of one line are joined once: adding to a string chunk by chunk and searching it again would be quadratic.
  let parts: string[] = [];
  let chars = 0;
  const take = (part: string) => {
    chars += part.length;
    if (chars > charsMax) throw new Failure("internal", `Line is longer than ${charsMax} characters`);
    parts.push(part);
  };
  const line = () => {
    const whole = parts.join("");
    parts = [];
    chars = 0;
    return whole.endsWith("\r") ? whole.slice(0, -1) : whole;
  };
  for await (const chunk of chunks) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    take(first);
    for (const other of others) {
      const whole = line();
      if (whole !== "") yield whole;
      take(other);
    }
  }
  take(decoder.decode());
  const last = line();
  if (last !== "") yield last;
}
