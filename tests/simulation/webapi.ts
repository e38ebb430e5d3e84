// Slack's Web API on the simulated line: one request of whatever kind, read, carried out and spoiled by a fault.
import type { Fault } from "../adapters/slack/fake/faults.ts";
import type { Message, Slack } from "../adapters/slack/fake/index.ts";
import { download, receiveUpload } from "../adapters/slack/fake/methods-files.ts";
import { Refusal } from "../adapters/slack/fake/refusal.ts";
import { respond } from "../adapters/slack/fake/responses.ts";
import type { Json } from "../adapters/slack/fake/world.ts";
import type { Asked, Outcome } from "./exchange.ts";
import { watchStopped } from "./machine.ts";
import type { Common } from "./world.ts";

/** Everything that a message shows, in one text. */
export function wordsOf({ text, blocks }: Pick<Message, "text" | "blocks">): string {
  if (blocks === undefined || blocks.length === 0) return text;
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) walk(one);
    else if (typeof value === "object" && value !== null)
      for (const [name, inner] of Object.entries(value)) {
        if (name === "text" && typeof inner === "string") found.push(inner);
        else if (typeof inner === "object") walk(inner);
      }
  };
  walk(blocks);
  return found.join("\n");
}

interface Reply {
  status: number;
  headers: { [name: string]: string };
  body: Json | string | Uint8Array;
}

/** One request of whatever kind, under the faults: as the fake's own server does it on a real line. */
export function answer({ common, slack }: { common: Common; slack: Slack }, asked: Asked): Outcome {
  const { url, headers } = asked;
  const called = /^\/api\/([\w.]+)$/.exec(url.pathname)?.[1];
  const method = called ?? placeOf(url.pathname);
  const params = paramsOf(asked);
  const token = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "")?.[1];
  const act = (): Reply => {
    const reply = called === undefined ? other(slack, { asked, token, params }) : slack.call(called, { token, params });
    if ((reply.body as Json).ok === true) told(common, params);
    return reply;
  };
  const text = typeof params.text === "string" ? ` ${JSON.stringify(params.text.slice(0, 120))}` : "";
  const note = `${method} ${plain(params.channel)}/${plain(params.thread_ts)}/${plain(params.ts)}${text}`;
  const quiet = method === "reactions.add" || method === "users.info" || method === "assistant.threads.setStatus";
  return { ...under(slack.faults.next({ method, params }), act), ...(quiet ? {} : { note }) };
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** People read it now. */
function told(common: Common, { channel, blocks, text }: Json): void {
  if (common.halting.size === 0) return;
  const words = wordsOf({
    text: plain(text),
    blocks: typeof blocks === "string" ? (JSON.parse(blocks) as Json[]) : [],
  });
  watchStopped(common, { chat: channel, text: words });
}

function placeOf(path: string): string {
  if (path.startsWith("/upload/")) return "upload";
  if (path.startsWith("/files-pri/")) return "download";
  return path.startsWith("/actions/") ? "response_url" : "unknown";
}

function paramsOf({ url, body, headers }: Asked): Json {
  const params: Json = Object.fromEntries(url.searchParams);
  if (typeof body !== "string") return params;
  if (headers.get("content-type")?.startsWith("application/json") === true)
    return { ...params, ...(JSON.parse(body) as Json) };
  return { ...params, ...Object.fromEntries(new URLSearchParams(body)) };
}

function other(
  { world }: Slack,
  { asked, token, params }: { asked: Asked; token: string | undefined; params: Json },
): Reply {
  const { pathname } = asked.url;
  const ticket = /^\/upload\/v1\/(\w+)$/.exec(pathname)?.[1];
  if (ticket !== undefined) {
    const bytes = asked.body instanceof Uint8Array ? asked.body : new Uint8Array();
    const taken = receiveUpload(world, { ticket, bytes });
    return { status: taken === undefined ? 400 : 200, headers: {}, body: "OK" };
  }
  const id = /^\/files-pri\/T\w+-(F\w+)\//.exec(pathname)?.[1];
  if (id !== undefined) {
    const file = download(world, { token: token ?? "", id });
    return { status: 200, headers: { "content-type": file?.mimetype ?? "text/html" }, body: file?.bytes ?? "<html>" };
  }
  try {
    return { status: 200, headers: {}, body: { ...respond(world, pathname, params), ok: true } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: error.status, headers: {}, body: { ok: false, error: error.code } };
  }
}

function under(fault: Fault | undefined, act: () => Reply): Outcome {
  switch (fault?.kind) {
    case "drop":
      return { kind: "closed", delayMs: 0 };
    case "lose":
      act();
      return { kind: "closed", delayMs: 0 };
    case "hang":
      if (fault.acts === true) act();
      return { kind: "silent", delayMs: 0 };
    case "limit": {
      const headers = { "retry-after": String(fault.retryAfterS) };
      return sent({ status: 429, headers, body: { ok: false, error: "ratelimited" } });
    }
    case "status":
      if (fault.acts === true) act();
      return sent({ status: fault.status, headers: {}, body: "<html>" });
    case "cut": {
      const { status, headers, body } = sent(act());
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      return { kind: "cut", delayMs: 0, status, headers, body: bytes.subarray(0, bytes.length >> 1) };
    }
    case "delay":
      return { ...sent(act()), delayMs: fault.ms };
    default:
      return sent(act());
  }
}

function sent({ status, headers, body }: Reply): Extract<Outcome, { kind: "answer" }> {
  const plain = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return { kind: "answer", delayMs: 0, status, headers, body: plain };
}
