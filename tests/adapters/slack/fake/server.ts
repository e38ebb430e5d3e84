// The fake Slack on loopback: Web API, uploads, downloads, response addresses, Socket Mode, and broken connections.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Fault } from "./faults.ts";
import { download, receiveUpload } from "./methods-files.ts";
import { type Answer, noteCall, type Slack } from "./platform.ts";
import { Refusal } from "./refusal.ts";
import { respond } from "./responses.ts";
import { accept } from "./websocket.ts";
import type { Json } from "./world.ts";

/** A little above the largest upload that a test would make. */
const bodyBytesMax = 64 * 1024 * 1024;

export interface SlackServer extends AsyncDisposable {
  /** For `slackApiUrl`: ends in `/api/`. */
  readonly apiUrl: string;
  readonly url: string;
  readonly port: number;
  /** TCP connections that are open now. */
  sockets(): number;
  /** Ends every connection and waits until the port is free. */
  close(): Promise<void>;
}

/** A request that has been read. */
interface Asked {
  method: string;
  params: Json;
  token: string | undefined;
  bytes: Uint8Array;
}

/** The only parameter of a body that is no JSON; docs.slack.dev/apis/web-api, `invalid_json`. */
const malformed = "not JSON";

/** What goes back, before a fault changes it. */
type Reply = Answer | { status: number; headers: Record<string, string>; body: Uint8Array | string };

/**
 * Listens on 127.0.0.1; `port` 0 takes a free one. `pingMs` is how often sockets are pinged, by the machine's clock.
 * With `lingers` a socket whose close frame came stays open until the client ends it, as with the real platform, which
 * makes the official client wait for seconds. The addresses that the fake gives out (uploads, files, responses, sockets) lead here from then on.
 */
export async function startSlackServer(
  slack: Slack,
  { port = 0, pingMs = 10_000, lingers = false } = {},
): Promise<SlackServer> {
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const server = createServer((request, response) => {
    serve(slack, { request, response, later }).catch((error: unknown) => {
      // A client that went away in the middle of its request; nobody is left to be answered.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  const open = new Set<{ destroy: () => void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    connect(slack, { request, socket, pingMs, lingers });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  const url = `http://127.0.0.1:${taken}`;
  slack.world.origin = url;
  const close = async () => {
    for (const timer of timers) clearTimeout(timer);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { apiUrl: `${url}/api/`, url, port: taken, sockets: () => open.size, close, [Symbol.asyncDispose]: close };
}

/** A websocket is being opened: the ticket is used up even when a fault spoils the handshake. */
function connect(
  slack: Slack,
  { request, socket, pingMs, lingers }: { request: IncomingMessage; socket: Duplex; pingMs: number; lingers: boolean },
): void {
  const url = new URL(request.url ?? "/", slack.world.origin);
  const app = slack.sockets.redeem(url.searchParams.get("ticket") ?? "");
  const params = Object.fromEntries(url.searchParams);
  noteCall(slack, { at: slack.world.clock.now(), method: "socket", params, app: app?.id });
  const fault = slack.faults.next({ method: "socket", params });
  if (fault?.kind === "hang") return;
  if (fault?.kind === "drop") {
    socket.destroy();
    return;
  }
  const status = fault?.kind === "status" ? fault.status : app === undefined ? 404 : undefined;
  if (status !== undefined || app === undefined) {
    socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    return;
  }
  let onText: (text: string) => void = () => {};
  let onGone: () => void = () => {};
  const wire = accept(request, socket, { onText: (text) => onText(text), onGone: () => onGone(), lingers });
  if (fault?.kind === "mute") wire.mute();
  const link = slack.sockets.attach(app, wire);
  const pings = setInterval(() => wire.ping(`Ping from ${link.id}`), pingMs);
  onText = (text) => link.receive(text);
  onGone = () => {
    clearInterval(pings);
    link.gone();
  };
}

async function serve(
  slack: Slack,
  { request, response, later }: { request: IncomingMessage; response: ServerResponse; later: Later },
): Promise<void> {
  const url = new URL(request.url ?? "/", slack.world.origin);
  const bytes = await readAll(request);
  const params = await paramsOf(url, { bytes, type: request.headers["content-type"] ?? "" });
  if (params[malformed] === true) {
    send(response, { status: 200, headers: {}, body: { ok: false, error: "invalid_json" } });
    return;
  }
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const called = /^\/api\/([\w.]+)$/.exec(url.pathname)?.[1];
  const method = called ?? placeOf(url.pathname);
  const json = request.headers["content-type"]?.startsWith("application/json") === true;
  // docs.slack.dev/apis/web-api: a token may stand in a form, never in a JSON body.
  const token = bearer ?? (json || typeof params.token !== "string" ? undefined : params.token);
  const { token: _, ...rest } = params;
  const asked: Asked = { method, params: rest, token, bytes };
  const call: Slack["calls"][number] = {
    at: slack.world.clock.now(),
    method,
    params: rest,
    app: slack.world.tokens.get(token ?? "")?.app.id,
  };
  noteCall(slack, call);
  const act = (): Reply => {
    const reply =
      called === undefined ? otherReply(slack, url.pathname, asked) : slack.call(called, { token, params: rest });
    if (!(reply.body instanceof Uint8Array) && typeof reply.body !== "string") call.answer = reply.body;
    return reply;
  };
  perform(slack.faults.next({ method, params: rest }), { act, response, later });
}

type Later = (ms: number, run: () => void) => void;

/** Names for faults and the journal of what is no method. */
function placeOf(path: string): string {
  if (path.startsWith("/upload/")) return "upload";
  if (path.startsWith("/files-pri/")) return "download";
  return path.startsWith("/actions/") ? "response_url" : "unknown";
}

function otherReply(slack: Slack, path: string, { token, bytes, params }: Asked): Reply {
  const { world } = slack;
  const ticket = /^\/upload\/v1\/(\w+)$/.exec(path)?.[1];
  if (ticket !== undefined) {
    const file = receiveUpload(world, { ticket, bytes: (params.uploaded as Uint8Array | undefined) ?? bytes });
    // "Slack will return HTTP 200 if the upload is successful; a non-200 response indicates a failure."
    return file === undefined ? plain(400, "Bad request") : plain(200, `OK - ${file.size}`);
  }
  const id = /^\/files-pri\/T\w+-(F\w+)\/(?:download\/)?[^/]+$/.exec(path)?.[1];
  if (id !== undefined) {
    const file = download(world, { token: token ?? "", id });
    if (file?.bytes === undefined)
      return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: signIn };
    return { status: 200, headers: { "content-type": file.mimetype }, body: file.bytes };
  }
  if (!path.startsWith("/actions/")) return plain(404, "Not found");
  try {
    return { status: 200, headers: {}, body: { ...respond(world, path, params), ok: true } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, headers: {}, body: { ok: false, error: error.code, ...error.extra } };
  }
}

const signIn = "<!DOCTYPE html><html><head><title>Sign in to Fake | Slack</title></head><body>Sign in</body></html>";

function plain(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain" }, body };
}

/** Lets the platform act, or not, and puts the outcome on the connection. */
function perform(
  fault: Fault | undefined,
  { act, response, later }: { act: () => Reply; response: ServerResponse; later: Later },
): void {
  switch (fault?.kind) {
    case "drop":
      response.destroy();
      break;
    case "lose":
      act();
      response.destroy();
      break;
    case "hang":
      if (fault.acts === true) act();
      break;
    case "limit":
      send(response, {
        status: 429,
        headers: { "retry-after": String(fault.retryAfterS) },
        body: { ok: false, error: "ratelimited" },
      });
      break;
    case "error":
      send(response, { status: 200, headers: {}, body: { ok: false, error: fault.error, ...fault.extra } });
      break;
    case "status":
    case "html": {
      if (fault.acts === true) act();
      const status = fault.kind === "html" ? 200 : fault.status;
      send(response, { status, headers: { "content-type": "text/html" }, body: `<html><h1>${status}</h1></html>` });
      break;
    }
    case "cut":
      cut(response, act(), fault.bytes);
      break;
    case "delay": {
      const reply = act();
      later(fault.ms, () => send(response, reply));
      break;
    }
    default:
      send(response, act());
  }
}

function bodyOf(reply: Reply): Uint8Array {
  const { body } = reply;
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function headersOf(reply: Reply, length: number): Record<string, string | number> {
  return { "content-type": "application/json; charset=utf-8", ...reply.headers, "content-length": length };
}

function send(response: ServerResponse, reply: Reply): void {
  const body = bodyOf(reply);
  response.writeHead(reply.status, headersOf(reply, body.length));
  response.end(body);
}

/** The length of the whole, and less than that. */
function cut(response: ServerResponse, reply: Reply, bytes: number | undefined): void {
  const body = bodyOf(reply);
  response.writeHead(reply.status, headersOf(reply, body.length));
  response.write(body.subarray(0, bytes ?? body.length >> 1), () => response.destroy());
}

/** The whole body of a request, up to a limit; more ends the connection. */
async function readAll(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > bodyBytesMax) throw new Error("The body is too large for the fake Slack");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Query, form, multipart or JSON. A file of a multipart body is `uploaded`. */
async function paramsOf(url: URL, { bytes, type }: { bytes: Uint8Array<ArrayBuffer>; type: string }): Promise<Json> {
  const params: Json = Object.fromEntries(url.searchParams);
  if (bytes.length === 0) return params;
  if (type.startsWith("application/json")) return { ...params, ...parsed(bytes) };
  if (!/^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(type)) return params;
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => undefined);
  for (const [name, value] of form ?? []) {
    if (typeof value === "string") params[name] = value;
    else params.uploaded = new Uint8Array(await value.arrayBuffer());
  }
  return params;
}

function parsed(bytes: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Json) : {};
  } catch {
    return { [malformed]: true };
  }
}
