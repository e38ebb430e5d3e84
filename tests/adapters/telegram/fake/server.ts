// The fake Bot API over HTTP on loopback, around the pure platform: long polls, uploads, downloads, broken sockets.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readAll, readParams } from "./body.ts";
import { sendFile } from "./downloads.ts";
import type { Outcome } from "./faults.ts";
import type { Platform } from "./platform.ts";
import { Refusal } from "./refusal.ts";
import type { Answer } from "./world.ts";

export interface FakeServer {
  /** For `apiRoot`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Sockets that are open now. */
  sockets(): number;
  /** Ends every connection and waits until the port is free. */
  close(): Promise<void>;
}

interface Context {
  platform: Platform;
  later: (ms: number, run: () => void) => () => void;
}

/** Listens on 127.0.0.1; `port` 0 takes a free one. Requests are noted in `platform.requests`. */
export async function startServer(platform: Platform, { port = 0 } = {}): Promise<FakeServer> {
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later: Context["later"] = (ms, run) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
    return () => {
      clearTimeout(timer);
      timers.delete(timer);
    };
  };
  const server = createServer((request, response) => {
    answer(request, response, { platform, later }).catch((error: unknown) => {
      // A client that went away in the middle of its request; nobody is left to be answered.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  const open = new Set<{ destroy: () => void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    sockets: () => open.size,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { platform } = context;
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const download = /^\/file\/bot([^/]+)\/(.+)$/.exec(url.pathname);
  if (download !== null) {
    const [token, path] = [decodeURIComponent(download[1] ?? ""), decodeURIComponent(download[2] ?? "")];
    const params = { path, range: request.headers.range };
    platform.requests.push({ at: platform.world.now(), bot: token, method: "file", params });
    const line = { request, response, later: context.later };
    sendFile(platform.file(token, path), line, platform.faults.next({ method: "file", params }));
    return;
  }
  const called = /^\/bot([^/]+)\/(?:test\/)?([^/]+)$/.exec(url.pathname);
  if (called === null) {
    send(response, { ok: false, error_code: 404, description: "Not Found" });
    return;
  }
  const [token, method] = [decodeURIComponent(called[1] ?? ""), called[2] ?? ""];
  try {
    const body = { bytes: await readAll(request), type: request.headers["content-type"] ?? "" };
    const { params, files } = await readParams(url, body);
    carry(platform, { token, method, params, files }, { response, later: context.later });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    send(response, { ok: false, error_code: error.code, description: error.message });
  }
}

/** Puts a request to the platform and its outcome on the socket, now or when the poll ends. */
function carry(
  platform: Platform,
  request: Parameters<Platform["poll"]>[0],
  { response, later }: { response: ServerResponse; later: Context["later"] },
): void {
  let forget = () => {};
  const poll = platform.poll(request, (outcome) => {
    forget();
    if (outcome.delayMs === 0) perform(response, outcome);
    else later(outcome.delayMs, () => perform(response, outcome));
  });
  if (poll.waitMs === 0) return;
  forget = later(poll.waitMs, () => poll.expire());
  response.on("close", () => {
    forget();
    poll.abandon();
  });
}

function perform(response: ServerResponse, outcome: Outcome): void {
  switch (outcome.kind) {
    case "answer":
      send(response, outcome.answer);
      break;
    case "raw":
      response.writeHead(outcome.status, { "content-type": outcome.type }).end(outcome.body);
      break;
    case "part":
      response.writeHead(outcome.status, { "content-type": "application/json", "content-length": outcome.whole });
      response.write(outcome.body, () => {
        if (outcome.ending === "close") response.destroy();
      });
      break;
    case "closed":
      response.destroy();
      break;
    case "silent":
      break;
  }
}

function send(response: ServerResponse, answer: Answer): void {
  const status = answer.ok ? 200 : answer.error_code;
  const body = JSON.stringify(answer);
  const wait = answer.ok ? undefined : answer.parameters?.retry_after;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...(wait === undefined ? {} : { "retry-after": String(wait) }),
  });
  response.end(body);
}
