// Files that people sent: asked for by their id, downloaded in as many pieces as it takes, never more than is wanted.
import { type Api, GrammyError } from "grammy";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef } from "../../core/message.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import { type AdapterHandle, PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { connectionHeaders, networkError } from "../network.ts";
import { librarySignal } from "./client.ts";
import { platformError } from "./errors.ts";

interface FetcherParts {
  deps: Pick<AdapterDeps, "fetch" | "clock" | "log">;
  apiRoot: string;
  api(): Api;
  token(): string;
}

const infoSchema = v.looseObject({
  file_path: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_000)),
  file_size: v.fallback(v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), undefined),
});

/** A download under way. */
interface Download {
  url: string;
  shown: string;
  /** As the platform says; what really comes decides. */
  size: number | undefined;
  bytesMax: number;
  signal: AbortSignal;
}

/** Makes the handle's `fetch`. It throws a PlatformError `later` when another try may bring the file. */
export function createFetcher(parts: FetcherParts): AdapterHandle["fetch"] {
  const { apiRoot, api, token } = parts;
  return async (file, { bytesMax, signal }) => {
    const shown = JSON.stringify(excerpt(file.name, 80));
    if ((file.bytes ?? 0) > bytesMax) throw tooLarge(shown, { bytes: file.bytes, bytesMax });
    const info = await askFor(file, { api, shown, signal });
    const size = info.file_size ?? file.bytes;
    if ((size ?? 0) > bytesMax) throw tooLarge(shown, { bytes: size, bytesMax });
    const url = `${apiRoot}/file/bot${token()}/${pathOf(info.file_path, shown)}`;
    return await download(parts, { url, shown, size, bytesMax, signal });
  };
}

function tooLarge(shown: string, { bytes, bytesMax }: { bytes: number | undefined; bytesMax: number }): Failure {
  const size = bytes === undefined ? "" : ` (${byteSize(bytes)})`;
  return new Failure("usage", `Cannot take the file ${shown}${size}: it is larger than ${byteSize(bytesMax)}`);
}

async function askFor(file: FileRef, { api, shown, signal }: { api(): Api; shown: string; signal: AbortSignal }) {
  try {
    return v.parse(infoSchema, await api().getFile(file.ref, librarySignal(signal)));
  } catch (error) {
    if (v.isValiError(error))
      throw new Failure("not-found", `Cannot fetch the file ${shown}: Telegram does not say where it is`);
    if (error instanceof GrammyError && error.error_code === 400) {
      if (/too big/i.test(error.description)) {
        throw new Failure("usage", `Cannot take the file ${shown}: Telegram gives files of up to 20 MB to bots`);
      }
      throw new Failure("not-found", `Cannot fetch the file ${shown}: Telegram has it no more`);
    }
    if (error instanceof Failure) throw error;
    throw platformError(error, "change");
  }
}

/** A path as a part of our address: it may lead nowhere else. */
function pathOf(path: string, shown: string): string {
  if (path.startsWith("/")) {
    throw new Failure("settings", `Cannot fetch the file ${shown}: the Bot API server keeps files to itself`, {
      hint: "Start it without --local",
    });
  }
  const steps = path.split("/");
  if (steps.some((step) => step === "" || step === "." || step === "..")) {
    throw new Failure("not-found", `Cannot fetch the file ${shown}: Telegram named an odd place for it`);
  }
  return steps.map(encodeURIComponent).join("/");
}

async function download(parts: FetcherParts, order: Download): Promise<Uint8Array> {
  const { clock, log } = parts.deps;
  const started = clock.monotonic();
  const got: Got = { pieces: [], bytes: 0 };
  let fruitless = 0;
  while (fruitless < limits.downloadTriesMax && clock.monotonic() - started < limits.downloadMsMax) {
    const before = got.bytes;
    try {
      const whole = await piece(parts, { order, got });
      if (whole) return join(got);
    } catch (error) {
      if (order.signal.aborted || error instanceof Failure || error instanceof PlatformError) throw error;
      log.info("A download broke and goes on", {
        file: order.shown,
        bytes: got.bytes,
        error: networkError(error).message,
      });
    }
    fruitless = got.bytes > before ? 0 : fruitless + 1;
    if (fruitless > 0) await clock.sleep(limits.reconnectMs * 2 ** (fruitless - 1), order.signal);
    order.signal.throwIfAborted();
  }
  throw new PlatformError(`Cannot fetch the file ${order.shown}: the line to Telegram breaks`, { fate: "later" });
}

interface Got {
  pieces: Uint8Array[];
  bytes: number;
}

function join({ pieces, bytes }: Got): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/** One request for what is still missing. @returns whether all is there. */
async function piece({ deps }: FetcherParts, { order, got }: { order: Download; got: Got }): Promise<boolean> {
  const { clock } = deps;
  const abort = new AbortController();
  const stop = () => abort.abort();
  order.signal.addEventListener("abort", stop, { once: true });
  try {
    const watched = <Result>(work: Promise<Result>) => unlessSilent(work, { clock, stop });
    const response = await watched(
      deps.fetch(order.url, {
        headers: { ...connectionHeaders, ...(got.bytes === 0 ? {} : { range: `bytes=${got.bytes}-` }) },
        redirect: "manual",
        signal: abort.signal,
      }),
    );
    const total = startOf(response, { order, got });
    if (total === "all") return true;
    const reader = (response.body ?? new Blob([]).stream()).getReader();
    for (;;) {
      const { done, value } = await watched(reader.read());
      if (done) break;
      got.bytes += value.byteLength;
      // What is said of its size may be wrong: what comes is counted.
      if (got.bytes > order.bytesMax) throw tooLarge(order.shown, { bytes: undefined, bytesMax: order.bytesMax });
      got.pieces.push(value);
    }
    return got.bytes >= (total ?? order.size ?? 0);
  } finally {
    order.signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

/** Looks at the head of an answer. @returns the size of the whole file, where it says so; `all` when nothing is missing. */
function startOf(response: Response, { order, got }: { order: Download; got: Got }): number | "all" | undefined {
  const { status, headers } = response;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (status === 206 && range !== null && Number(range[1]) === got.bytes) {
    return range[2] === "*" ? undefined : Number(range[2]);
  }
  // Nothing lies behind what we have: a size that was said too large.
  if (status === 416 && got.bytes > 0) return "all";
  // It begins anew.
  got.pieces.length = 0;
  got.bytes = 0;
  if (status === 200) {
    const length = headers.get("content-length");
    return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  }
  if (status === 404 || status === 400) {
    throw new Failure("not-found", `Cannot fetch the file ${order.shown}: Telegram has it no more`);
  }
  if (status === 429) {
    const seconds = Number(headers.get("retry-after") ?? 1);
    const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, limits.retryAfterMsMax) : 1_000;
    throw new PlatformError(`Cannot fetch the file ${order.shown}: Telegram asks to wait`, {
      fate: "later",
      retryAfterMs,
    });
  }
  if (status === 401)
    throw new PlatformError("Telegram does not know the bot token", { fate: "later", everywhere: true });
  throw new Error(`the server answered ${status}`);
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
