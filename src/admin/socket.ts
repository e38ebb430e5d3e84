// What the instance answers on its control socket: status, stop, handover, admin requests, chat.
// Only this user reaches the socket (mode 0600 in a 0700 folder), and no browser can: there is no
// Host, Origin or token to check. Every body is parsed all the same.
import * as v from "valibot";
import { Failure, type FailureCode, failureData } from "../core/failure.ts";
import { protocolHeader, protocolVersion } from "../core/frame.ts";
import { limits } from "../core/limits.ts";
import type { StatusReport, StopReport } from "../core/status.ts";
import type { AdminCaller, AdminRequest, AdminResponse } from "./resource.ts";

export interface SocketDeps {
  status(): StatusReport;
  /** Starts the stop and answers when it is done, before the process ends. */
  requestStop(reason: "stop" | "handover", drainMs: number): Promise<StopReport>;
  admin(request: AdminRequest, caller: AdminCaller): Promise<AdminResponse>;
  /** Everything at and below `/v1/chat`. */
  chat(request: Request): Promise<Response>;
  /** Called with what a route threw that is no `Failure`. */
  onError(route: string, error: unknown): void;
}

const drainMs = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(limits.drainMsMax)),
  limits.drainMs,
);
const stopBody = v.strictObject({ drainMs });
const adminBody = v.strictObject({
  id: v.pipe(v.string(), v.maxLength(200)),
  command: v.pipe(v.string(), v.nonEmpty(), v.maxLength(limits.adminTextCharsMax)),
  args: v.record(v.string(), v.unknown()),
});

interface Route {
  method: "GET" | "POST";
  /** Answered whatever the caller's version: what a newer program needs to end an older instance. */
  anyVersion: boolean;
  answer(request: Request, deps: SocketDeps): Promise<Response>;
}

const routes: Record<string, Route> = {
  "/v1/status": {
    method: "GET",
    anyVersion: true,
    answer: async (_request, deps) => json(200, deps.status()),
  },
  "/v1/stop": {
    method: "POST",
    anyVersion: true,
    answer: async (request, deps) => {
      const body = await parseBody(request, stopBody);
      return json(200, await deps.requestStop("stop", body.drainMs));
    },
  },
  "/v1/handover": {
    method: "POST",
    anyVersion: true,
    answer: async (request, deps) => {
      const body = await parseBody(request, stopBody);
      const { alone, pid } = deps.status();
      if (!alone)
        throw new Failure("already-running", `Cannot hand over: process ${pid} is no terminal chat`, {
          hint: "remoteagent restart replaces it",
        });
      return json(200, await deps.requestStop("handover", body.drainMs));
    },
  },
  "/v1/admin": {
    method: "POST",
    anyVersion: false,
    answer: async (request, deps) => json(200, await deps.admin(await parseBody(request, adminBody), { kind: "host" })),
  },
};
const chatRoute: Route = { method: "POST", anyVersion: false, answer: (request, deps) => deps.chat(request) };

/** Makes the socket's one function. It answers every request and never rejects. */
export function createSocket(deps: SocketDeps): (request: Request) => Promise<Response> {
  return async (request) => {
    // A Host header may be nonsense; the path is what counts.
    const path = URL.parse(request.url)?.pathname ?? "";
    try {
      const route = path === "/v1/chat" || /^\/v1\/chat\/[^/]+$/.test(path) ? chatRoute : routes[path];
      if (route === undefined) return problem(404, new Failure("not-found", `Nothing is at ${JSON.stringify(path)}`));
      if (request.method !== route.method) {
        const wrong = new Failure("usage", `Cannot ${request.method} ${path}: only ${route.method} is answered`);
        return problem(405, wrong, { allow: route.method });
      }
      if (!route.anyVersion) checkVersion(request.headers.get(protocolHeader));
      return await route.answer(request, deps);
    } catch (error) {
      if (!(error instanceof Failure)) deps.onError(path, error);
      return problem(statusOf(error), error);
    }
  };
}

/** @throws Failure naming the side to restart. A caller that names no version (curl) is taken as it is. */
function checkVersion(header: string | null): void {
  if (header === null || header === String(protocolVersion)) return;
  const theirs = Number(header);
  const newer = Number.isInteger(theirs) && theirs > protocolVersion;
  throw new VersionMismatch(
    `Cannot talk to this program: it speaks protocol ${JSON.stringify(header)}, the running instance ${protocolVersion}`,
    newer
      ? "The running instance is the older one: remoteagent restart"
      : "The calling program is the older one: close it and start the one that is installed now",
  );
}

class VersionMismatch extends Failure {
  constructor(message: string, hint: string) {
    super("usage", message, { hint });
  }
}

class TooLarge extends Failure {
  constructor() {
    super("usage", `Cannot read the request: it has more than ${limits.adminBodyBytesMax} bytes`);
  }
}

const statusCodes: Partial<Record<FailureCode, number>> = {
  usage: 400,
  forbidden: 403,
  "not-found": 404,
  "already-running": 409,
};

function statusOf(error: unknown): number {
  if (error instanceof VersionMismatch) return 409;
  if (error instanceof TooLarge) return 413;
  return (error instanceof Failure ? statusCodes[error.code] : undefined) ?? 500;
}

/** A JSON body by its schema; an empty one counts as `{}`. @throws Failure `usage`. */
async function parseBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const body = await readBody(request);
  let value: unknown;
  try {
    value = body === "" ? {} : JSON.parse(body);
  } catch (cause) {
    throw new Failure("usage", "Cannot read the request: it is not JSON", { cause });
  }
  // The library takes a list for an object without keys.
  if (Array.isArray(value)) throw new Failure("usage", "Cannot read the request: it is a list, not an object");
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Failure("usage", `Cannot read the request: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
}

async function readBody(request: Request): Promise<string> {
  if (request.body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of request.body) {
      bytes += chunk.byteLength;
      if (bytes > limits.adminBodyBytesMax) throw new TooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("usage", "Cannot read the request: it is not UTF-8 text, or it broke off", { cause: error });
  }
}

function problem(status: number, error: unknown, headers: Record<string, string> = {}): Response {
  return json(status, { error: failureData(error) }, headers);
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(value, { status, headers: { [protocolHeader]: String(protocolVersion), ...headers } });
}
