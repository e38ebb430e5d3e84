// HTTP to the engine: one request a connection, answers parsed, and every way it can go wrong said in one sentence.
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import * as v from "valibot";
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Endpoint } from "./endpoint.ts";

/** One request. */
export interface EngineRequest {
  method?: "GET" | "POST" | "DELETE";
  /** Without the version: `/containers/json`. */
  path: string;
  query?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Longest wait for the whole answer. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** An answer that is not a success; the engine's own sentence is `said`. */
export interface EngineAnswer {
  status: number;
  body: unknown;
  /** What the engine says of a failure, on one line; empty for a success. */
  said: string;
}

/** Talks to one engine. Holds no connection between requests. */
export interface EngineClient {
  readonly endpoint: Endpoint;
  /** What the engine says of itself; asked for once. @throws Failure `sandbox` when it is none, or of a wrong version. */
  about(): Promise<About>;
  /** @throws Failure `sandbox` when the engine does not answer, or answers with something else than JSON. */
  call(request: EngineRequest): Promise<EngineAnswer>;
  /** Takes the connection over for a command's streams. @throws Failure `sandbox` with what the engine says against it. */
  hijack(request: EngineRequest): Promise<{ socket: Duplex; head: Uint8Array }>;
  /** The lines of a long answer, each parsed as it comes. Ends when the engine ends it, or with `signal`. `action` is for its refusal. */
  lines(request: EngineRequest & { signal: AbortSignal; action: string }): AsyncIterable<unknown>;
}

/** An engine that can be used. */
export interface About {
  /** The API version that is spoken with it: `1.41`. */
  api: string;
  podman: boolean;
  /** For people: `Docker 20.10.24`, `Podman 4.3.1`. */
  shown: string;
}

/** `GET /version`, as both engines answer it. */
const versionSchema = v.object({
  ApiVersion: v.pipe(v.string(), v.regex(/^1\.\d{1,3}$/)),
  MinAPIVersion: v.optional(v.pipe(v.string(), v.regex(/^1\.\d{1,3}$/))),
  Version: v.optional(v.string(), ""),
  Components: v.optional(v.array(v.object({ Name: v.string() })), []),
});

/** The oldest that has what is used here, and the one that was tried (Engine API version history). */
const oldestMinor = 40;
const triedMinor = 41;

/** Makes a client; nothing is sent before it is used. */
export function createClient(endpoint: Endpoint): EngineClient {
  let about: Promise<About> | undefined;
  const client: EngineClient = {
    endpoint,
    about: () => {
      about ??= ask(endpoint).catch((error: unknown) => {
        about = undefined;
        throw error;
      });
      return about;
    },
    call: async (request) => callEngine(endpoint, { ...request, path: await versioned(client, request) }),
    hijack: async (request) => hijackEngine(endpoint, { ...request, path: await versioned(client, request) }),
    async *lines(request) {
      yield* linesOf(endpoint, { ...request, path: await versioned(client, request) });
    },
  };
  return client;
}

async function versioned(client: EngineClient, { path, query }: EngineRequest): Promise<string> {
  const { api } = await client.about();
  const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
  return `/v${api}${path}${search}`;
}

async function ask(endpoint: Endpoint): Promise<About> {
  const { status, body } = await callEngine(endpoint, { path: "/version" });
  const parsed = v.safeParse(versionSchema, body);
  if (status !== 200 || !parsed.success) throw noEngine(endpoint, "what answers there is no container engine");
  const minor = (version: string) => Number(version.slice(2));
  const newest = minor(parsed.output.ApiVersion);
  if (newest < oldestMinor) {
    throw noEngine(
      endpoint,
      `it speaks API ${parsed.output.ApiVersion}, and 1.${oldestMinor} or later is needed`,
      "Update Docker to 19.03 or later, or Podman to 4 or later",
    );
  }
  const oldest = minor(parsed.output.MinAPIVersion ?? "1.0");
  const api = `1.${Math.max(Math.min(triedMinor, newest), oldest)}`;
  const podman = parsed.output.Components.some(({ Name }) => /podman/i.test(Name));
  return { api, podman, shown: `${podman ? "Podman" : "Docker"} ${parsed.output.Version}`.trim() };
}

function noEngine(endpoint: Endpoint, reason: string, hint?: string): Failure {
  return new Failure(
    "sandbox",
    `Cannot use the engine at ${endpoint.shown} (${endpoint.chosenBy}): ${reason}`,
    hint === undefined ? {} : { hint },
  );
}

function send(endpoint: Endpoint, { method, path, body, signal }: EngineRequest, headers = {}): ClientRequest {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const { tls } = endpoint;
  const options: RequestOptions & https.RequestOptions = {
    ...endpoint.address,
    method: method ?? (body === undefined ? "GET" : "POST"),
    path,
    headers: {
      host: "engine",
      ...(text === undefined
        ? { "content-length": 0 }
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...headers,
    },
    agent: false,
    ...(signal === undefined ? {} : { signal }),
    ...(tls === undefined ? {} : { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify }),
  };
  const request = tls === undefined ? http.request(options) : https.request(options);
  request.end(text);
  return request;
}

function callEngine(endpoint: Endpoint, request: EngineRequest): Promise<EngineAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? limits.engineCallMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(asFailure(endpoint, { error, late: timeout.aborted }));
    const sent = send(endpoint, { ...request, signal });
    sent.on("error", fail);
    sent.on("response", (response) => {
      readAnswer(response, limits.engineAnswerBytesMax).then((text) => {
        const body = parse(text);
        const status = response.statusCode ?? 0;
        if (body === undefined && text.trim() !== "") {
          const what = /^\s*</.test(text) ? "HTML" : "something else than JSON";
          reject(noEngine(endpoint, `it answers with ${what}`, "Another program listens there: look at DOCKER_HOST"));
        } else resolve({ status, body, said: status < 400 ? "" : saidIn(body, status) });
      }, fail);
    });
  });
}

function hijackEngine(endpoint: Endpoint, request: EngineRequest): Promise<{ socket: Duplex; head: Uint8Array }> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), request.timeoutMs ?? limits.engineCallMs);
  return new Promise<{ socket: Duplex; head: Uint8Array }>((resolve, reject) => {
    const sent = send(endpoint, request, { connection: "Upgrade", upgrade: "tcp" });
    timeout.signal.addEventListener("abort", () => sent.destroy(new Error("no answer")));
    sent.on("error", (error) => reject(asFailure(endpoint, { error, late: timeout.signal.aborted })));
    sent.on("upgrade", (_response, socket: Duplex, head: Uint8Array) => {
      socket.on("error", () => undefined);
      resolve({ socket, head });
    });
    sent.on("response", (response) => {
      readAnswer(response, limits.engineAnswerBytesMax).then(
        (text) => {
          const said = saidIn(parse(text), response.statusCode ?? 0);
          reject(new Failure("sandbox", `Cannot start a command: ${said}`));
        },
        (error: unknown) => reject(asFailure(endpoint, { error, late: false })),
      );
    });
  }).finally(() => clearTimeout(timer));
}

async function* linesOf(endpoint: Endpoint, request: EngineRequest & { action: string }): AsyncIterable<unknown> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = send(endpoint, request);
    sent.on("response", resolve);
    sent.on("error", (error) => reject(asFailure(endpoint, { error, late: false })));
  });
  const status = response.statusCode ?? 0;
  if (status >= 400) {
    const said = saidIn(parse(await readAnswer(response, limits.engineAnswerBytesMax)), status);
    throw new Failure("sandbox", `Cannot ${request.action}: ${said}`);
  }
  let rest = "";
  try {
    for await (const chunk of response) {
      rest += String(chunk);
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > limits.engineAnswerBytesMax) return;
      for (const line of lines) if (line.trim() !== "") yield parse(line);
    }
  } catch (error) {
    if (request.signal?.aborted !== true) throw asFailure(endpoint, { error, late: false });
  } finally {
    response.destroy();
  }
}

async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = chunk as Uint8Array;
    size += bytes.byteLength;
    if (size > bytesMax) {
      response.destroy();
      throw new Error(`The answer is larger than ${bytesMax} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return text.trim() === "" ? null : JSON.parse(text);
  } catch {
    return undefined; // What is no JSON is no answer of an engine; the caller says so.
  }
}

const messageSchema = v.object({ message: v.string() });

function saidIn(body: unknown, status: number): string {
  const parsed = v.safeParse(messageSchema, body);
  const text = parsed.success ? parsed.output.message : `the engine answers ${status}`;
  return text.replaceAll(/\s+/g, " ").trim().slice(0, limits.engineSaidCharsMax);
}

/** A connection that failed, by what the system says of it. */
function asFailure(endpoint: Endpoint, { error, late }: { error: unknown; late: boolean }): Failure {
  if (error instanceof Failure) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const detail = errorText(error);
  const at = `Cannot reach the engine at ${endpoint.shown} (${endpoint.chosenBy})`;
  if (late) return new Failure("sandbox", `${at}: it does not answer`, { detail });
  if (code === "EACCES" || code === "EPERM") {
    return new Failure("sandbox", `${at}: no permission for its socket`, {
      hint: 'Docker: "sudo usermod -aG docker $USER", then log in again (this makes you as good as root); or use rootless Podman',
      detail,
    });
  }
  return new Failure("sandbox", `${at}: nobody answers there`, {
    hint: 'Start it: "systemctl start docker", or "systemctl --user start podman.socket"',
    detail,
  });
}
