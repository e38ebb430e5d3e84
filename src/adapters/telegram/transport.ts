// The way to the Bot API: one call with a deadline and a bounded answer, and no error that could hold the token.
import process from "node:process";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";

/** A call that brought no answer of the Bot API. Its text never holds the address, in which the token stands. */
export class NetworkError extends Error {
  override name = "NetworkError";
  /** The connection was never made, so nothing can have happened. */
  readonly unsent: boolean;
  constructor(message: string, unsent: boolean) {
    super(message);
    this.unsent = unsent;
  }
}

/** What the runtimes say when no connection was made. */
const unsentCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"]);

/** A failed request as a {@link NetworkError}; the causes are looked at and left behind. */
export function networkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  let unsent = false;
  let word = "";
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth += 1) {
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === "string" && /^[A-Za-z_]{2,40}$/.test(code)) word ||= code;
    unsent ||= (typeof code === "string" && unsentCodes.has(code)) || /client error \(Connect\)/.test(cause.message);
    cause = cause.cause;
  }
  const what = words[word] ?? (word === "" ? "the connection failed" : `the connection failed (${word})`);
  return new NetworkError(what, unsent);
}

const words: Record<string, string> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection broke",
  ENOTFOUND: "the name of the server is not known",
  EAI_AGAIN: "the name of the server is not known at the moment",
};

/**
 * Headers of each request. Deno repeats a request that is lost on a connection which was used before, so that a message
 * might be there twice: it gets a connection for each. (A body as a stream is not repeated, but goes out in chunks,
 * which a Bot API server of one's own refuses.)
 */
export const connectionHeaders: Readonly<Record<string, string>> =
  process.versions.deno === undefined ? { connection: "keep-alive" } : { connection: "close" };

interface CallInit {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: unknown;
}

/** How long a call may take, by its method. */
function deadlineMs(url: string, body: unknown): number {
  if (url.endsWith("/getUpdates")) return limits.pollMs + limits.pollMarginMs;
  return typeof body === "string" ? limits.platformCallMs : limits.platformUploadMs;
}

/**
 * A `fetch` for the client library. Answers of any status are handed over as the Bot API's JSON; what is no such
 * answer is made one when its status says enough, and is a {@link NetworkError} else.
 */
export function createTransport({ fetch: network, clock }: { fetch: typeof fetch; clock: Pick<Clock, "sleep"> }) {
  return async (url: string, init: CallInit = {}): Promise<{ json(): Promise<unknown> }> => {
    const abort = new AbortController();
    const over = new AbortController();
    void clock.sleep(deadlineMs(url, init.body), over.signal).then(() => {
      if (!over.signal.aborted) abort.abort();
    });
    const unfollow = follow(init.signal, () => abort.abort());
    try {
      const response = await network(url, {
        method: "POST",
        headers: { ...init.headers, ...connectionHeaders },
        body: await bodyOf(init.body),
        // An answer from elsewhere is none, and the address holds the token.
        redirect: "manual",
        signal: abort.signal,
      });
      const text = await readText(response, limits.platformAnswerBytesMax);
      const answer = parseAnswer(response.status, text);
      return { json: () => Promise.resolve(answer) };
    } catch (error) {
      if (abort.signal.aborted) throw new NetworkError("no answer came in time", false);
      throw networkError(error);
    } finally {
      over.abort();
      unfollow();
    }
  };
}

/** The library's signals are not always those of the runtime. */
function follow(signal: unknown, onAbort: () => void): () => void {
  const followed = signal as AbortSignal | undefined | null;
  if (followed === undefined || followed === null) return () => undefined;
  if (followed.aborted) onAbort();
  followed.addEventListener("abort", onAbort);
  return () => followed.removeEventListener("abort", onAbort);
}

/** A body of known length. The library makes uploads as a stream of pieces. */
async function bodyOf(body: unknown): Promise<string | Blob | null> {
  if (typeof body === "string") return body;
  if (body === undefined || body === null) return null;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of body as AsyncIterable<Uint8Array<ArrayBuffer>>) pieces.push(piece);
  return new Blob(pieces);
}

/** A response's text, at most so many bytes of it. @throws NetworkError when it is longer. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw new NetworkError(`the answer is longer than ${bytesMax} bytes`, false);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** The Bot API's answer; one made from the status where a proxy or a broken server spoke instead. */
function parseAnswer(status: number, text: string): unknown {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null && "ok" in answer) {
      if (answer.ok === true && "result" in answer) return answer;
      if (answer.ok === false) return refusal(status, answer as Record<string, unknown>);
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (status >= 400) return { ok: false, error_code: status, description: `the server answered ${status}` };
  throw new NetworkError("the answer was cut off or is not of the Bot API", false);
}

/** A refusal whose members are what they should be. */
function refusal(status: number, answer: { error_code?: unknown; description?: unknown; parameters?: unknown }) {
  const { error_code: code, description, parameters } = answer;
  return {
    ok: false,
    error_code: typeof code === "number" ? code : status,
    description: typeof description === "string" ? description : "no reason was given",
    ...(typeof parameters === "object" && parameters !== null ? { parameters } : {}),
  };
}
