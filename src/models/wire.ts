// What one request did on the wire: status, waiting time, broken body. Failures are judged by this, not by texts.

/** What was seen. Providers whose client takes no `fetch` (Google, Bedrock) leave it empty. */
export interface Evidence {
  /** Status of the last response. */
  status?: number;
  /** What the server asked us to wait, in milliseconds. */
  retryAfterMs?: number;
  /** The connection was refused, reset, or its body ended with an error. */
  broken: boolean;
  /** The answer grew beyond the bound and was cut. */
  tooLong: boolean;
}

/** Client libraries refuse to start without a key; this one is taken off the request again. */
export const noKey = "remoteagent-no-key";

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Bun ends a silent request after five minutes of its own accord; other runtimes ignore the property. */
const unhurried = { timeout: false };

/**
 * A `fetch` for one request that notes what happens. `onBytes` is called for every sign of life. It says who we
 * are, and takes off what the client libraries add on their own: their platform report and, for a server
 * without keys, the placeholder key.
 */
export function watchedFetch(options: {
  fetch: Fetch;
  evidence: Evidence;
  userAgent: string;
  keyless: boolean;
  bytesMax: number;
  now(): number;
  onBytes(): void;
}): Fetch {
  const { evidence } = options;
  return async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    for (const name of Array.from(headers.keys())) if (name.startsWith("x-stainless-")) headers.delete(name);
    headers.set("user-agent", options.userAgent);
    for (const name of ["authorization", "x-api-key"]) {
      if (options.keyless && headers.get(name)?.endsWith(noKey)) headers.delete(name);
    }
    let response: Response;
    try {
      response = await options.fetch(input, { ...init, headers, ...unhurried });
    } catch (error) {
      evidence.broken = true;
      throw error;
    }
    options.onBytes();
    evidence.status = response.status;
    const wait = retryAfter(response.headers, options.now());
    if (wait !== undefined) evidence.retryAfterMs = wait;
    if (response.body === null) return response;
    const { status, statusText } = response;
    return new Response(watchedBody(response.body, options), { status, statusText, headers: response.headers });
  };
}

/** `retry-after-ms`, or `retry-after` as seconds or date (RFC 9110, 10.2.3), as milliseconds from `now`. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const exact = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers.get("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function watchedBody(
  body: ReadableStream<Uint8Array>,
  options: { evidence: Evidence; bytesMax: number; onBytes(): void },
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        options.onBytes();
        if (done) return controller.close();
        bytes += value.byteLength;
        if (bytes > options.bytesMax) {
          options.evidence.tooLong = true;
          await reader.cancel();
          return controller.error(new Error(`answer is longer than ${options.bytesMax} bytes`));
        }
        controller.enqueue(value);
      } catch (error) {
        options.evidence.broken = true;
        controller.error(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
