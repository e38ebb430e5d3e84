// What requests to platforms have in common: failures without addresses in them, and answers of bounded length.
import process from "node:process";

/** A call that brought no answer of the platform. Its text never holds the address, in which a token may stand. */
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
 * which some servers refuse.)
 */
export const connectionHeaders: Readonly<Record<string, string>> =
  process.versions.deno === undefined ? { connection: "keep-alive" } : { connection: "close" };

/** A response's text, at most so many bytes of it. @throws NetworkError when it is longer. */
export async function readText(response: Response, bytesMax: number): Promise<string> {
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
