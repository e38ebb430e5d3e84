// The way to Discord's API: one request with a deadline, its answer read whole and bounded, no address in an error.
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import { connectionHeaders, NetworkError, networkError, readText } from "../network.ts";

/** What the client library hands over. Its types are those of another fetch. */
interface CallInit {
  method?: string;
  headers?: unknown;
  body?: unknown;
}

/**
 * What the client library makes its requests with. It gives a request up only while it waits for the head of an answer;
 * here the whole answer has a deadline, and what comes back is JSON or nothing. @throws (the function) NetworkError.
 */
export function createTransport({ fetch: network, clock }: { fetch: typeof fetch; clock: Pick<Clock, "sleep"> }) {
  return async (url: string, init: CallInit = {}): Promise<Response> => {
    const abort = new AbortController();
    const over = new AbortController();
    const plain = init.body === undefined || init.body === null || typeof init.body === "string";
    void clock.sleep(plain ? limits.platformCallMs : limits.platformUploadMs, over.signal).then(() => {
      if (!over.signal.aborted) abort.abort();
    });
    try {
      const response = await network(url, {
        method: init.method ?? "GET",
        headers: { ...(init.headers as Record<string, string>), ...connectionHeaders },
        body: (init.body ?? null) as RequestInit["body"],
        // An answer from elsewhere is none, and it would get the token.
        redirect: "manual",
        signal: abort.signal,
      });
      return answerOf(response, await readText(response, limits.platformAnswerBytesMax));
    } catch (error) {
      if (abort.signal.aborted) throw new NetworkError("no answer came in time", false);
      throw networkError(error);
    } finally {
      over.abort();
    }
  };
}

/** The answer with its body read; a page of a proxy in between becomes an error of the same status. */
function answerOf({ status, headers }: Response, text: string): Response {
  const kept = new Headers();
  for (const [name, value] of headers) if (/^(?:x-ratelimit-|retry-after$|date$)/.test(name)) kept.set(name, value);
  if (status === 204) return new Response(null, { status, headers: kept });
  if (status >= 200 && status < 300) {
    if (!isJson(text)) throw new NetworkError("the answer was cut off or is not of Discord's API", false);
  } else if (status < 400) throw new NetworkError(`the server answered ${status}`, false);
  // A page in place of Discord's word refuses nothing for good: that was something on the way. Too large stays too large.
  else if (status < 500 && status !== 413 && status !== 429 && !isJson(text))
    throw new NetworkError(`the server answered ${status}`, true);
  kept.set("content-type", "application/json");
  return new Response(isJson(text) ? text : JSON.stringify({ code: 0, message: `the server answered ${status}` }), {
    status,
    headers: kept,
  });
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
