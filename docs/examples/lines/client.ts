// One request to the platform; every failure says whether it may have happened.
import { networkError, readText } from "../../../src/adapters/network.ts";
import { PlatformError } from "../../../src/gateway/handle.ts";

/** Longest answer that is read, in bytes. */
const answerBytesMax = 1_000_000;

export interface Request {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  signal?: AbortSignal;
}

export type Client = (request: Request) => Promise<unknown>;

/** `token` is asked for at each request. Errors name neither it nor the address. */
export function createClient(url: string, deps: { fetch: typeof fetch; token(): string }): Client {
  return async ({ method, path, body, signal }) => {
    let response: Response;
    let text: string;
    try {
      response = await deps.fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${deps.token()}`, "content-type": "application/json" },
        redirect: "error",
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      text = await readText(response, answerBytesMax);
    } catch (error) {
      const failure = networkError(error);
      // What was sent may have arrived although no answer came.
      const fate = failure.unsent ? "later" : "unknown";
      throw new PlatformError(`The platform cannot be reached: ${failure.message}`, { fate, everywhere: true });
    }
    if (response.ok) return text === "" ? undefined : JSON.parse(text);
    const words = `The platform answered ${response.status}`;
    if (response.status === 404) throw new PlatformError(words, { fate: "gone" });
    if (response.status === 401)
      throw new PlatformError(`${words}: its token is wrong`, { fate: "later", everywhere: true });
    if (response.status === 429) {
      const seconds = Number(response.headers.get("retry-after") ?? 1);
      throw new PlatformError(words, { fate: "later", retryAfterMs: seconds * 1_000, everywhere: true });
    }
    throw new PlatformError(words, { fate: response.status >= 500 ? "unknown" : "refused" });
  };
}
