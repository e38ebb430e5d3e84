// Files that people sent: asked for by their id, downloaded with the bot's token from Slack's own hosts, never more than is wanted.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import { type AdapterHandle, PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { connectionHeaders, networkError } from "../network.ts";
import type { Client } from "./client.ts";
import { isCode, platformError, reasonOf, scopeProblem } from "./errors.ts";
import { fileSchema, type SlackFile } from "./payloads.ts";

/** Redirects that are followed. */
const redirectsMax = 3;

interface FetcherParts extends Pick<AdapterDeps, "fetch" | "clock"> {
  client: Client & { token(): string };
  apiUrl: string;
}

/** An address to which the token may go: Slack's own hosts, or the host of the API that settings name. */
export function isSlackAddress(url: string, apiUrl: string): boolean {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== "" || parsed.password !== "") return false;
  if (parsed.origin === new URL(apiUrl).origin) return true;
  return (
    parsed.protocol === "https:" && parsed.port === "" && /(?:^|\.)slack(?:-edge|-files)?\.com$/.test(parsed.hostname)
  );
}

/** Makes the handle's `fetch`. It throws a PlatformError `later` when another try may bring the file. */
export function createFetcher(parts: FetcherParts): AdapterHandle["fetch"] {
  return async (file, { bytesMax, signal }) => {
    const shown = JSON.stringify(excerpt(file.name, 80));
    if ((file.bytes ?? 0) > bytesMax) throw tooLarge(shown, { bytes: file.bytes, bytesMax });
    const info = await askFor(parts, { id: file.ref, shown, signal });
    if ((info.size ?? 0) > bytesMax) throw tooLarge(shown, { bytes: info.size, bytesMax });
    const url = info.url_private_download ?? info.url_private;
    if (url === undefined) throw gone(shown, "Slack gives no address of it");
    const isPage = /html/i.test(info.mimetype ?? "");
    return await download(parts, { url, shown, isPage, size: info.size, bytesMax, signal });
  };
}

function tooLarge(shown: string, { bytes, bytesMax }: { bytes: number | undefined; bytesMax: number }): Failure {
  const size = bytes === undefined ? "" : ` (${byteSize(bytes)})`;
  return new Failure("usage", `Cannot take the file ${shown}${size}: it is larger than ${byteSize(bytesMax)}`);
}

function gone(shown: string, why: string): Failure {
  return new Failure("not-found", `Cannot fetch the file ${shown}: ${why}`);
}

async function askFor(
  { client }: FetcherParts,
  { id, shown, signal }: { id: string; shown: string; signal: AbortSignal },
): Promise<SlackFile> {
  try {
    const { file } = await client.call("files.info", { file: id }, { signal });
    const read = v.safeParse(fileSchema, file);
    if (!read.success || read.output.mode === "tombstone") throw gone(shown, "Slack has it no more");
    return read.output;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const scope = scopeProblem(error);
    if (scope !== undefined) throw new Failure("settings", scope);
    if (isCode(error, "file_not_found") || isCode(error, "file_deleted")) throw gone(shown, "Slack has it no more");
    const failed = platformError(error, "change");
    throw failed.fate === "refused" ? gone(shown, reasonOf(error)) : failed;
  }
}

interface Download {
  url: string;
  shown: string;
  /** The file itself is a page, so that a page is no sign of a refused token. */
  isPage: boolean;
  size: number | undefined;
  bytesMax: number;
  signal: AbortSignal;
}

async function download(parts: FetcherParts, order: Download): Promise<Uint8Array> {
  const { clock } = parts;
  let problem = "";
  for (let tries = 0; tries < limits.downloadTriesMax; tries += 1) {
    if (tries > 0) await clock.sleep(limits.reconnectMs * 2 ** (tries - 1), order.signal);
    order.signal.throwIfAborted();
    try {
      return await attempt(parts, order);
    } catch (error) {
      if (order.signal.aborted || error instanceof Failure || error instanceof PlatformError) throw error;
      problem = networkError(error).message;
    }
  }
  throw new PlatformError(`Cannot fetch the file ${order.shown}: ${problem}`, { fate: "later" });
}

async function attempt(parts: FetcherParts, order: Download): Promise<Uint8Array> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  order.signal.addEventListener("abort", stop, { once: true });
  try {
    const response = await follow(parts, order, abort);
    const type = response.headers.get("content-type") ?? "";
    // Whoever has no right to a file gets the page to sign in, with status 200.
    if (/text\/html/i.test(type) && !order.isPage) {
      throw new Failure("settings", `Cannot fetch the file ${order.shown}: Slack shows a sign-in page instead`, {
        hint: "The scope files:read is missing, or the app was not reinstalled since it was added",
      });
    }
    return await collect(parts, { response, order, stop });
  } finally {
    order.signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

/** Follows redirects to Slack's own hosts alone: the token goes along. */
async function follow(
  { client, apiUrl, fetch, clock }: FetcherParts,
  { url, shown }: Download,
  abort: AbortController,
): Promise<Response> {
  let at = url;
  for (let steps = 0; steps <= redirectsMax; steps += 1) {
    if (!isSlackAddress(at, apiUrl)) throw gone(shown, "Slack named an address elsewhere");
    const headers = { ...connectionHeaders, authorization: `Bearer ${client.token()}` };
    const response = await unlessSilent(fetch(at, { headers, redirect: "manual", signal: abort.signal }), {
      clock,
      stop: () => abort.abort(),
    });
    const { status } = response;
    if (status === 200) return response;
    const next = response.headers.get("location");
    if (status >= 300 && status < 400 && next !== null && URL.canParse(next, at)) {
      at = new URL(next, at).href;
      continue;
    }
    if (status === 429) {
      const seconds = Number(response.headers.get("retry-after") ?? 1);
      const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, limits.retryAfterMsMax) : 1_000;
      throw new PlatformError(`Cannot fetch the file ${shown}: Slack asks to wait`, { fate: "later", retryAfterMs });
    }
    if (status >= 500) throw new Error(`the server answered ${status}`);
    throw gone(shown, status === 404 ? "Slack has it no more" : `Slack answered ${status}`);
  }
  throw gone(shown, "Slack sends it from place to place");
}

async function collect(
  { clock }: FetcherParts,
  { response, order, stop }: { response: Response; order: Download; stop(): void },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  for (;;) {
    const { done, value } = await unlessSilent(reader.read(), { clock, stop });
    if (done) break;
    bytes += value.byteLength;
    // What is said of its size may be wrong: what comes is counted.
    if (bytes > order.bytesMax) throw tooLarge(order.shown, { bytes: undefined, bytesMax: order.bytesMax });
    pieces.push(value);
  }
  if (bytes < (order.size ?? 0)) throw new Error("the file was cut off");
  return new Uint8Array(Buffer.concat(pieces));
}

/** The result of `work`, unless nothing comes for too long: then `stop` is called, and it throws. */
async function unlessSilent<Result>(
  work: Promise<Result>,
  { clock, stop }: { clock: AdapterDeps["clock"]; stop(): void },
): Promise<Result> {
  const over = new AbortController();
  const silent = clock.sleep(limits.downloadStallMs, over.signal).then((): Promise<Result> => {
    if (over.signal.aborted) return work;
    stop();
    return Promise.reject(new Error("nothing came for a while"));
  });
  try {
    return await Promise.race([work, silent]);
  } finally {
    over.abort();
  }
}
