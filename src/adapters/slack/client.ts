// The way to the Web API: one call with a deadline and a bounded answer, once; no error holds a token.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { AdapterDeps } from "../adapter.ts";
import { connectionHeaders, NetworkError, networkError, readText } from "../network.ts";
import type { SlackSettings } from "./config.ts";

/** Slack answered, and said no. Source of the form: docs.slack.dev/apis/web-api/#responses. */
export class SlackRefusal extends Error {
  override name = "SlackRefusal";
  readonly method: string;
  /** Slack's own word: `channel_not_found`. */
  readonly code: string;
  readonly status: number;
  /** The scope that is missing, when that is why. */
  readonly needed: string | undefined;
  readonly retryAfterMs: number | undefined;
  constructor(
    method: string,
    answer: {
      code: string;
      status: number;
      needed?: string | undefined;
      retryAfterMs?: number | undefined;
      detail?: string | undefined;
    },
  ) {
    super(answer.detail === undefined ? answer.code : `${answer.code} (${answer.detail})`);
    this.method = method;
    this.code = answer.code;
    this.status = answer.status;
    this.needed = answer.needed;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** What Slack answers beside `ok`. */
export type Answer = Readonly<Record<string, unknown>>;

/** Arguments of a method; what is undefined is left out. */
export type Arguments = Readonly<Record<string, unknown>>;

/** Calls methods with one of the two tokens. */
export interface Client {
  /** @throws SlackRefusal, NetworkError, or Failure `settings` when the token is not there. */
  call(method: string, args?: Arguments, options?: { signal?: AbortSignal }): Promise<Answer>;
}

export interface ClientDeps extends Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock"> {
  /** Each answered call; `scopes` are those that the token has, where Slack tells them. */
  onAnswer?(answer: { scopes: readonly string[] | undefined; refusal?: SlackRefusal }): void;
}

/** The two clients of an app: of its bot, and of the app itself, which may open sockets. */
export function createClients(
  settings: SlackSettings,
  deps: ClientDeps,
): { bot: Client & { token(): string }; app: Client } {
  const token = (of: "botToken" | "appToken"): string => {
    const found = deps.secret(settings[of]).trim();
    const prefix = of === "botToken" ? "xoxb-" : "xapp-";
    // It becomes a part of a header.
    if (found.startsWith(prefix) && /^[\w-]{6,400}$/.test(found)) return found;
    throw new Failure("settings", `Cannot use the ${of} of ${JSON.stringify(deps.name)}: it has not the form of one`, {
      hint: `Slack's begins with ${prefix}; api.slack.com/apps shows it`,
    });
  };
  const client = (of: "botToken" | "appToken"): Client => ({
    call: (method, args = {}, options = {}) =>
      callMethod({ settings, deps, token: token(of) }, { method, args, ...options }),
  });
  return { bot: { ...client("botToken"), token: () => token("botToken") }, app: client("appToken") };
}

/** Methods that read take their arguments in the address's own form alone; all of them take it. */
async function callMethod(
  { settings, deps, token }: { settings: SlackSettings; deps: ClientDeps; token: string },
  { method, args, signal }: { method: string; args: Arguments; signal?: AbortSignal },
): Promise<Answer> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(args)) {
    if (value !== undefined) body.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  const url = `${settings.apiUrl.replace(/\/+$/, "")}/${method}`;
  const { status, headers, text } = await request(deps, {
    url,
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: body.toString(),
    ...(signal === undefined ? {} : { signal }),
  });
  const scopes = headers
    .get("x-oauth-scopes")
    ?.split(/\s*,\s*/)
    .filter((one) => one !== "");
  const answer = parseAnswer(text);
  if (answer?.ok === true && status === 200) {
    deps.onAnswer?.({ scopes });
    return answer;
  }
  // Slack says no in JSON. A page is of something in between, which has refused, or may have acted or not.
  if (answer === undefined && status < 400) throw new NetworkError("the answer was cut off or is not of Slack", false);
  if (answer === undefined && status < 500 && status !== 429)
    throw new NetworkError(`something before Slack answered with status ${status}`, true);
  const refusal = refusalOf(method, { status, headers, answer });
  deps.onAnswer?.({ scopes, refusal });
  throw refusal;
}

function refusalOf(
  method: string,
  { status, headers, answer }: { status: number; headers: Headers; answer: Answer | undefined },
) {
  const { error, needed, response_metadata: metadata } = answer ?? {};
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const asked = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds) * 1000, limits.retryAfterMsMax) : undefined;
  const code = typeof error === "string" ? error : status === 429 ? "ratelimited" : `status ${status}`;
  return new SlackRefusal(method, {
    code: code.slice(0, 100),
    status,
    needed: typeof needed === "string" ? needed.slice(0, 200) : undefined,
    retryAfterMs: asked ?? (status === 429 || code === "ratelimited" ? 1_000 : undefined),
    detail: detailOf(metadata),
  });
}

/** What Slack says of an argument or a block that it does not take. */
function detailOf(metadata: unknown): string | undefined {
  if (typeof metadata !== "object" || metadata === null || !("messages" in metadata)) return undefined;
  const [first] = Array.isArray(metadata.messages) ? (metadata.messages as unknown[]) : [];
  return typeof first === "string" ? first.replace(/^\[ERROR\] /, "").slice(0, limits.platformTextCharsMax) : undefined;
}

function parseAnswer(text: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null && "ok" in answer ? answer : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** One request. */
export interface Request {
  url: string;
  method: "GET" | "POST";
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array<ArrayBuffer>;
  signal?: AbortSignal;
}

/**
 * Sends one request and reads its answer, within the time that such a request has. It follows no redirect: an address
 * elsewhere must not get the token.
 * @throws NetworkError
 */
export async function request(
  { fetch, clock }: { fetch: typeof globalThis.fetch; clock: Pick<Clock, "sleep"> },
  { url, method, headers = {}, body, signal }: Request,
): Promise<{ status: number; headers: Headers; text: string }> {
  const abort = new AbortController();
  const over = new AbortController();
  const stop = () => abort.abort();
  const deadlineMs = typeof body === "string" || body === undefined ? limits.platformCallMs : limits.platformUploadMs;
  void clock.sleep(deadlineMs, over.signal).then(() => {
    if (!over.signal.aborted) stop();
  });
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted === true) stop();
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...connectionHeaders },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: abort.signal,
    });
    const text = await readText(response, limits.platformAnswerBytesMax);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (abort.signal.aborted) throw new NetworkError("no answer came in time", false);
    throw networkError(error);
  } finally {
    over.abort();
    signal?.removeEventListener("abort", stop);
  }
}
