// The way to the Bot API: one call with a deadline and a bounded answer, and no error that could hold the token.
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import { connectionHeaders, NetworkError, networkError, readText } from "../network.ts";

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
