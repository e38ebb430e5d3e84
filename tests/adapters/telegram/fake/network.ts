// A `fetch` straight into the pure platform, without sockets: for simulations with a clock of their own.
import { readParams } from "./body.ts";
import { rangeOf } from "./downloads.ts";
import type { Outcome } from "./faults.ts";
import type { Platform } from "./platform.ts";
import { Refusal } from "./refusal.ts";

/** Waits so many ms of the simulated time; resolves early, or not at all, when the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * A fetch whose host is `apiRoot`: calls, long polls, downloads and faults as over HTTP. A connection that ends rejects
 * with a TypeError whose `code` is ECONNRESET, one that is silent stays pending until its signal is aborted.
 */
export function createNetwork(platform: Platform, { apiRoot, sleep }: { apiRoot: string; sleep: Sleep }): typeof fetch {
  const run = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const path = url.href.startsWith(apiRoot)
      ? url.pathname.slice(new URL(apiRoot).pathname.replace(/\/$/, "").length)
      : "";
    const download = /^\/file\/bot([^/]+)\/(.+)$/.exec(path);
    if (download !== null)
      return fetchFile(platform, { token: download[1] ?? "", path: download[2] ?? "", request, sleep });
    const [, token = "", method = ""] = /^\/bot([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const body = {
      bytes: new Uint8Array(await request.arrayBuffer()),
      type: request.headers.get("content-type") ?? "",
    };
    try {
      const { params, files } = await readParams(url, body);
      return await exchanged(
        platform,
        { token: decodeURIComponent(token), method, params, files },
        { sleep, signal: request.signal },
      );
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return Response.json({ ok: false, error_code: error.code, description: error.message }, { status: error.code });
    }
  };
  return Object.assign(run, { preconnect() {} });
}

function reset(): TypeError {
  return Object.assign(new TypeError("The socket connection was closed unexpectedly"), { code: "ECONNRESET" });
}

/** Settles with the response, or rejects when the connection ends or the caller gives up. */
function exchanged(
  platform: Platform,
  request: Parameters<Platform["poll"]>[0],
  { sleep, signal }: { sleep: Sleep; signal: AbortSignal },
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const over = new AbortController();
  const perform = (outcome: Outcome) => {
    over.abort();
    if (outcome.kind === "answer") {
      const { answer } = outcome;
      resolve(Response.json(answer, { status: answer.ok ? 200 : answer.error_code }));
    } else if (outcome.kind === "raw") {
      resolve(new Response(outcome.body, { status: outcome.status, headers: { "content-type": outcome.type } }));
    } else if (outcome.kind === "part") {
      resolve(
        new Response(broken(new TextEncoder().encode(outcome.body), outcome.ending, signal), {
          status: outcome.status,
        }),
      );
    } else if (outcome.kind === "closed") reject(reset());
  };
  const poll = platform.poll(request, (outcome) => {
    if (outcome.delayMs === 0) perform(outcome);
    else void sleep(outcome.delayMs, signal).then(() => perform(outcome));
  });
  if (poll.waitMs > 0) {
    void sleep(poll.waitMs, over.signal).then(() => {
      if (!over.signal.aborted) poll.expire();
    });
  }
  const giveUp = () => {
    over.abort();
    poll.abandon();
    reject(signal.reason);
  };
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp, { once: true });
  return promise;
}

/** A body that ends in an error, or never. */
function broken(start: Uint8Array, ending: "close" | "silence", signal: AbortSignal): ReadableStream {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(start);
      if (ending === "close") controller.error(reset());
      else signal.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
  });
}

async function fetchFile(
  platform: Platform,
  { token, path, request, sleep }: { token: string; path: string; request: Request; sleep: Sleep },
): Promise<Response> {
  const params = { path };
  platform.requests.push({ at: platform.world.now(), bot: token, method: "file", params });
  const file = platform.file(token, path);
  const fault = platform.faults.next({ method: "file", params });
  const { signal } = request;
  if (fault?.kind === "drop" || fault?.kind === "lose") throw reset();
  if (fault?.kind === "hang") {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  }
  if (fault?.kind === "delay") await sleep(fault.ms, signal);
  if (fault?.kind === "html") return new Response("<html></html>", { status: fault.status });
  if (fault?.kind === "flood")
    return new Response("", { status: 429, headers: { "retry-after": String(fault.retryAfterS) } });
  if (fault?.kind === "unauthorized")
    return Response.json({ ok: false, error_code: 401, description: "Unauthorized" }, { status: 401 });
  if (file === undefined)
    return Response.json({ ok: false, error_code: 404, description: "Not Found" }, { status: 404 });
  const range = rangeOf(request.headers.get("range") ?? undefined, file.bytes.length);
  if (range === "none") return new Response("", { status: 416 });
  const wanted = file.bytes.subarray(range?.start, range?.end);
  const status = range === undefined ? 200 : 206;
  const headers: Record<string, string> =
    range === undefined ? {} : { "content-range": `bytes ${range.start}-${range.end - 1}/${file.bytes.length}` };
  if (fault?.kind === "cut" || fault?.kind === "stall") {
    const start = wanted.subarray(0, fault.bytes ?? wanted.length >> 1);
    return new Response(broken(start, fault.kind === "cut" ? "close" : "silence", signal), { status, headers });
  }
  const bytes = new Uint8Array(wanted.length + (fault?.kind === "swell" ? fault.bytes : 0));
  bytes.set(wanted);
  return new Response(bytes, { status, headers });
}
