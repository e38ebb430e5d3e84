// The fake REST API: finds the route of a request, counts it, carries it out under a fault.
import { applicationRoutes } from "./applications.ts";
import { channelRoutes } from "./channels.ts";
import type { Faults, RequestFault } from "./faults.ts";
import { interactionRoutes } from "./interactions.ts";
import { messageRoutes } from "./messages.ts";
import { isLimited, type Rates, refusal } from "./rates.ts";
import { bodyOf, Refusal, refuse } from "./refusal.ts";
import { isObject, type Reply, type Run, type Upload } from "./route.ts";
import type { Bot, World } from "./world.ts";

/** A request as a client sends it, after its body was read. */
export interface Request {
  method: string;
  /** With `/api/v10` in front. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  /** JSON, or undefined for none; `badBody` when it could not be read. */
  body: unknown;
  badBody: boolean;
  files: Map<number, Upload>;
  /** Of the whole body, in bytes. */
  size: number;
}

/** What goes over the wire. `delayMs` is waited first. */
export type Outcome = { delayMs: number } & (
  | { kind: "answer"; status: number; headers: Record<string, string>; body: string | Uint8Array }
  | { kind: "cut"; status: number; headers: Record<string, string>; body: Uint8Array; whole: number }
  | { kind: "closed" }
  | { kind: "silent" }
);

/** One line of the journal. `status` is what the platform did, even when no answer went out. */
export interface Journal {
  at: number;
  method: string;
  /** `POST /channels/:id/messages`; the plain path when there is no such route. */
  route: string;
  path: string;
  bot: string | undefined;
  body: unknown;
  files: string[];
  fault: string | undefined;
  status: number | undefined;
  code: number | undefined;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

const journalKept = 100_000;

interface Deps {
  world: World;
  faults: Faults;
  rates: Rates | undefined;
  gatewayRoute: Run;
}

/** Routes that have the interaction's token in the path and need no other. */
const tokenInPath = /^\/(?:interactions\/[^/]+\/[^/]+\/callback|webhooks\/[^/]+\/[^/]+)/;

export function createRest({ world, faults, rates, gatewayRoute }: Deps) {
  const calls: Journal[] = [];
  const table = compiled({
    ...messageRoutes,
    ...channelRoutes,
    ...applicationRoutes,
    ...interactionRoutes,
    "GET /gateway": () => ({ body: { url: world.gatewayUrl } }),
    "GET /gateway/bot": gatewayRoute,
  });

  const perform = (request: Request, found: Found, line: Journal): Answer => {
    const bot = botOf(world, request);
    line.bot = bot?.id;
    const banned = rates?.bannedS(bot?.id ?? "nobody") ?? 0;
    if (banned > 0) return page(429, { "retry-after": String(banned) });
    let headers: Record<string, string> = {};
    try {
      const open = tokenInPath.test(found.path);
      if (bot === undefined && !open) throw refuse("unauthorized");
      if (found.run === undefined) throw refuse(found.known ? "methodNotAllowed" : "notFound");
      const major = found.route.startsWith("/webhooks") ? found.parts.slice(0, 2).join("/") : (found.parts[0] ?? "");
      const taken = rates?.take({ route: found.route, major, bot: bot?.id ?? "", token: !open }) ?? headers;
      if (isLimited(taken)) {
        rates?.invalid(bot?.id ?? "nobody");
        return json(taken.status, taken);
      }
      headers = taken;
      const fault = found.fault;
      if (fault?.kind === "limited") {
        // A shared limit is not the bot's doing and does not count: topics/rate-limits#invalid-request-limit.
        if (fault.scope !== "shared") rates?.invalid(bot?.id ?? "nobody");
        return limited(fault, headers);
      }
      if (request.size > world.limits.requestBytesMax) throw refuse("tooLarge");
      if (request.badBody) throw refuse("invalidJson");
      // Only routes of the open kind run without a bot, and they take it from the interaction.
      const call = {
        world,
        bot: bot as Bot,
        parts: found.parts,
        query: request.query,
        body: request.body,
        files: request.files,
      };
      const reply: Reply = found.run(call);
      return json(reply.status ?? 200, { body: reply.body, headers });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      line.code = error.code;
      if (error.status === 401 || error.status === 403 || error.status === 429) rates?.invalid(bot?.id ?? "nobody");
      const { waitMs } = error;
      const wait: Record<string, string> =
        waitMs === undefined ? {} : { "retry-after": String(Math.ceil(waitMs / 1000)), "x-ratelimit-scope": "user" };
      return json(error.status, { body: bodyOf(error), headers: { ...headers, ...wait } });
    }
  };

  const begin = (asked: Pick<Journal, "method" | "route" | "path" | "body" | "files">): Journal => {
    const line: Journal = {
      ...asked,
      at: world.clock.now(),
      bot: undefined,
      fault: undefined,
      status: undefined,
      code: undefined,
    };
    calls.push(line);
    if (calls.length > journalKept) calls.shift();
    return line;
  };
  const end = (line: Journal, act: (fault: RequestFault | undefined) => Answer): Outcome => {
    const { route, path, body } = line;
    const fault = faults.ofRequest({ route, path, body: isObject(body) ? body : {} });
    line.fault = fault?.kind;
    return underFault(fault, () => {
      const answer = act(fault);
      line.status = answer.status;
      return answer;
    });
  };

  return {
    /** Every request that came in, oldest first, faulty ones too. */
    calls,
    exchange(request: Request): Outcome {
      const found = find(table, request);
      const line = begin({
        method: request.method,
        route: found.route,
        path: found.path,
        body: structuredClone(request.body),
        files: [...request.files.values()].map(({ name }) => name),
      });
      return end(line, (fault) => perform(request, { ...found, fault }, line));
    },
    /** A fetch of an attachment, in the journal as `GET /attachments`. */
    download(path: string, act: () => Answer): Outcome {
      const line = begin({ method: "GET", route: "GET /attachments", path, body: undefined, files: [] });
      return end(line, (fault) =>
        fault?.kind === "limited" ? page(429, { "retry-after": String(Math.ceil(fault.retryAfterS)) }) : act(),
      );
    },
  };
}

export type Rest = ReturnType<typeof createRest>;

interface Found {
  route: string;
  path: string;
  parts: string[];
  run: Run | undefined;
  /** Whether the path exists for another method. */
  known: boolean;
  fault?: RequestFault;
}

interface Compiled {
  method: string;
  route: string;
  pattern: RegExp;
  run: Run;
}

/** Fixed paths come before those with variables: `/users/@me` before `/users/:id`. */
function compiled(routes: Record<string, Run>): Compiled[] {
  return Object.entries(routes)
    .map(([route, run]) => {
      const [method = "", path = ""] = route.split(" ");
      return { method, route, pattern: new RegExp(`^${path.replaceAll(/:\w+/g, "([^/]+)")}$`), run };
    })
    .sort((a, b) => a.route.split(":").length - b.route.split(":").length);
}

function find(table: Compiled[], { method, path }: Request): Found {
  const version = /^\/api\/v10(\/.*)$/.exec(path);
  const inner = version?.[1] ?? "";
  const fitting = table.filter(({ pattern }) => pattern.test(inner));
  const one = fitting.find((route) => route.method === method);
  const parts = (one?.pattern.exec(inner) ?? []).slice(1);
  return {
    route: one?.route ?? `${method} ${path}`,
    path: version === null ? path : inner,
    parts,
    run: one?.run,
    known: fitting.length > 0,
  };
}

function botOf(world: World, { authorization }: Request): Bot | undefined {
  const token = /^Bot (\S+)$/.exec(authorization ?? "")?.[1];
  return token === undefined ? undefined : [...world.bots.values()].find((bot) => bot.token === token);
}

function json(status: number, { body, headers = {} }: { body: unknown; headers?: Record<string, string> }): Answer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const type: Record<string, string> = text === "" ? {} : { "content-type": "application/json" };
  return { status, headers: { ...type, ...headers }, body: text };
}

/** A page of Cloudflare's, which stands before Discord. */
function page(status: number, headers: Record<string, string> = {}): Answer {
  const body = `<!doctype html>\n<html><head><title>discord.com | ${status}</title></head>\n<body><h1>Error ${status}</h1><p>Cloudflare Ray ID: 0000000000000000</p></body></html>\n`;
  return { status, headers: { "content-type": "text/html; charset=UTF-8", ...headers }, body };
}

function limited(fault: Extract<RequestFault, { kind: "limited" }>, headers: Record<string, string>): Answer {
  const refused = refusal({ waitMs: fault.retryAfterS * 1000, scope: fault.scope, headers });
  return json(429, refused);
}

function underFault(fault: RequestFault | undefined, act: () => Answer): Outcome {
  switch (fault?.kind) {
    case "reset":
      if (fault.acts === true) act();
      return { kind: "closed", delayMs: 0 };
    case "hang":
      if (fault.acts === true) act();
      return { kind: "silent", delayMs: 0 };
    case "delay":
      return { kind: "answer", delayMs: fault.ms, ...act() };
    case "error": {
      if (fault.acts === true) act();
      const body = { message: fault.message ?? `${fault.status}: Internal Server Error`, code: fault.code ?? 0 };
      return { kind: "answer", delayMs: 0, ...json(fault.status, { body }) };
    }
    case "html":
      if (fault.acts === true) act();
      return { kind: "answer", delayMs: 0, ...page(fault.status) };
    case "cut": {
      const { status, headers, body } = act();
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const start = bytes.subarray(0, fault.bytes ?? bytes.length >> 1);
      return { kind: "cut", delayMs: 0, status, headers, body: start, whole: bytes.length };
    }
    default:
      return { kind: "answer", delayMs: 0, ...act() };
  }
}
