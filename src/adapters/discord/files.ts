// Files that people sent: fetched from Discord's own hosts alone, by a new address when the old one has expired.
import * as v from "valibot";
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef } from "../../core/message.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import { type AdapterHandle, PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { connectionHeaders, networkError } from "../network.ts";
import type { Client } from "./client.ts";
import { parseMessage } from "./dispatches.ts";
import { platformError, statusOf } from "./errors.ts";
import { snowflakeSchema } from "./snowflake.ts";

const refSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ channel: snowflakeSchema, message: snowflakeSchema, id: snowflakeSchema, url: v.string() }),
);
type Ref = v.InferOutput<typeof refSchema>;

/** Where Discord keeps files: docs.discord.com/developers/reference#signed-attachment-cdn-urls. */
const hosts = new Set(["cdn.discordapp.com", "media.discordapp.net"]);

interface FetcherParts {
  deps: Pick<AdapterDeps, "fetch" | "clock" | "log">;
  client: Pick<Client, "call">;
  apiUrl: string;
}

/** One download. */
interface Order {
  shown: string;
  bytesMax: number;
  signal: AbortSignal;
}

/** The address is not valid any more. */
class Expired extends Error {}

/** Makes the handle's `fetch`. It throws a PlatformError `later` when another try may bring the file. */
export function createFetcher(parts: FetcherParts): AdapterHandle["fetch"] {
  return async (file: FileRef, { bytesMax, signal }) => {
    const order = { shown: JSON.stringify(excerpt(file.name, 80)), bytesMax, signal };
    if ((file.bytes ?? 0) > bytesMax) throw tooLarge(order);
    const ref = v.safeParse(refSchema, file.ref);
    if (!ref.success) throw gone(order);
    try {
      return await download(parts, { url: ref.output.url, order });
    } catch (error) {
      if (!(error instanceof Expired)) throw error;
    }
    try {
      return await download(parts, { url: await freshAddress(parts, { ref: ref.output, order }), order });
    } catch (error) {
      throw error instanceof Expired ? gone(order) : error;
    }
  };
}

function tooLarge({ shown, bytesMax }: Order): Failure {
  return new Failure("usage", `Cannot take the file ${shown}: it is larger than ${byteSize(bytesMax)}`);
}

function gone({ shown }: Order): Failure {
  return new Failure("not-found", `Cannot fetch the file ${shown}: Discord has it no more`);
}

/** The address of a file as its message tells it now: addresses end after a day. */
async function freshAddress({ client }: FetcherParts, { ref, order }: { ref: Ref; order: Order }): Promise<string> {
  let raw: unknown;
  try {
    raw = await client.call({ method: "GET", route: `/channels/${ref.channel}/messages/${ref.message}` });
  } catch (error) {
    const status = statusOf(error);
    throw status === 404 || status === 403 ? gone(order) : platformError(error, "change");
  }
  const message = parseMessage(raw);
  const all = [message, ...(message.message_snapshots ?? []).map((one) => one.message)];
  const found = all.flatMap(({ attachments = [] }) => attachments).find(({ id }) => id === ref.id);
  if (found === undefined) throw gone(order);
  return found.url;
}

async function download(parts: FetcherParts, { url, order }: { url: string; order: Order }): Promise<Uint8Array> {
  const { clock, log } = parts.deps;
  if (!isOurs(url, parts.apiUrl)) {
    throw new Failure("not-found", `Cannot fetch the file ${order.shown}: it is not kept by Discord`);
  }
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(parts, { url, order });
    } catch (error) {
      const known = error instanceof Failure || error instanceof PlatformError || error instanceof Expired;
      if (known || order.signal.aborted) throw error;
      if (tries >= limits.downloadTriesMax)
        throw new PlatformError(`Cannot fetch the file ${order.shown}: the line to Discord breaks`, { fate: "later" });
      log.info("A download broke and is tried again", { file: order.shown, error: networkError(error).message });
      await clock.sleep(limits.reconnectMs * 2 ** (tries - 1), order.signal);
      order.signal.throwIfAborted();
    }
  }
}

/** Discord's own hosts, or that of another API in settings. */
function isOurs(url: string, apiUrl: string): boolean {
  const address = URL.parse(url);
  if (address === null || address.username !== "" || address.password !== "") return false;
  if (address.origin === new URL(apiUrl).origin) return true;
  return address.protocol === "https:" && address.port === "" && hosts.has(address.hostname);
}

/** One request. It ends when nothing comes for too long. */
async function once({ deps }: FetcherParts, { url, order }: { url: string; order: Order }): Promise<Uint8Array> {
  const { clock } = deps;
  const abort = new AbortController();
  const stop = () => abort.abort();
  order.signal.addEventListener("abort", stop, { once: true });
  let heard = clock.monotonic();
  const watch = async () => {
    while (!abort.signal.aborted) {
      const left = heard + limits.downloadStallMs - clock.monotonic();
      if (left <= 0) return stop();
      await clock.sleep(left, abort.signal);
    }
  };
  void watch();
  try {
    const response = await deps.fetch(url, { headers: connectionHeaders, redirect: "manual", signal: abort.signal });
    checkHead(response, order);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body ?? []) {
      heard = clock.monotonic();
      bytes += piece.byteLength;
      // What is said of its size may be wrong: what comes is counted.
      if (bytes > order.bytesMax) throw tooLarge(order);
      pieces.push(piece);
    }
    const length = Number(response.headers.get("content-length") ?? bytes);
    if (bytes < length) throw new Error("the file was cut off");
    return join(pieces, bytes);
  } finally {
    order.signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

function checkHead({ status, headers }: Response, order: Order): void {
  if (status === 200) {
    if (Number(headers.get("content-length") ?? 0) > order.bytesMax) throw tooLarge(order);
    return;
  }
  if (status === 404 || status === 403 || status === 410) throw new Expired(errorText(status));
  if (status === 429) {
    const seconds = Number(headers.get("retry-after") ?? 1);
    const retryAfterMs = Number.isFinite(seconds)
      ? Math.min(seconds * 1000, limits.retryAfterMsMax)
      : limits.reconnectMs;
    throw new PlatformError(`Cannot fetch the file ${order.shown}: Discord asks to wait`, {
      fate: "later",
      retryAfterMs,
    });
  }
  throw new Error(`the server answered ${status}`);
}

function join(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
