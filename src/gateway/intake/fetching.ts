// Files that come in: fetched after the acknowledgement and before the turn, each kept or given up with a reason.
import { errorText, Failure } from "../../core/failure.ts";
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef, Inbound } from "../../core/message.ts";
import type { Input } from "../../core/session.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import { codeOf } from "../../sys/errno.ts";
import type { Log } from "../../sys/log.ts";
import { PlatformError } from "../handle.ts";
import { filesMissing } from "../queue/ready.ts";

/** What files are fetched with. */
export interface FetchingDeps {
  store: Store;
  clock: Clock;
  log: Log;
  /** The adapter's own way. @throws PlatformError `later` while the adapter is away, Failure or another fate for good. */
  fetchFile(adapter: string, file: FileRef, options: { bytesMax: number; signal: AbortSignal }): Promise<Uint8Array>;
  /** Why so many bytes more have no room, in one clause; undefined when they have. */
  room(inbound: Inbound, bytes: number): Promise<string | undefined>;
  /** Stores bytes as an attachment of a conversation. */
  keepFile(inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef>;
  /** All files of an input are there or given up. */
  onFetched(input: Input): void;
  /** Tells the person what could not be fetched, in the caller's transaction. */
  tell(inbound: Inbound, text: string): void;
}

export type Fetching = ReturnType<typeof createFetching>;

/** The fetcher. What it was at when the program ended is fetched again when the session is next looked at. */
export function createFetching(deps: FetchingDeps) {
  const { store, log } = deps;
  const underWay = new Map<InputId, AbortController>();
  const turns: (() => void)[] = [];
  let busy = 0;

  const slot = async (): Promise<void> => {
    if (busy >= limits.fetchesParallelMax) await new Promise<void>((resolve) => turns.push(resolve));
    else busy += 1;
  };
  const free = (): void => {
    const next = turns.shift();
    if (next === undefined) busy -= 1;
    else next();
  };

  const run = async (id: InputId, signal: AbortSignal): Promise<void> => {
    await slot();
    // For all files and tries of one message: whoever sent it is not kept waiting any longer.
    const until = deps.clock.monotonic() + limits.fileFetchMs;
    try {
      while (!signal.aborted) {
        const input = store.inputs.get(id);
        if (input === undefined || !isWanted(input)) return;
        const index = nextFile(input.inbound);
        if (index === undefined) return;
        const file = await fetchOne(deps, { inbound: input.inbound, index, until, signal });
        // Cut off by the end of the program: it stays as it is and is fetched at the next start.
        if (signal.aborted) return;
        store.transaction(() => keepResult(deps, { id, index, file }));
      }
    } finally {
      free();
    }
  };

  return {
    /** Begins to fetch what an input lacks; returns at once. */
    begin(input: Input): void {
      if (underWay.has(input.id) || !isWanted(input) || !filesMissing(input.inbound)) return;
      const abort = new AbortController();
      underWay.set(input.id, abort);
      void run(input.id, abort.signal)
        .catch(async (error) => {
          // A full disk: not again at once, for each try fetches the file anew.
          log.error("Cannot fetch files", { input: input.id, error: errorText(error) });
          await deps.clock.sleep(limits.fileRetryCapMs, abort.signal);
        })
        .then(() => {
          underWay.delete(input.id);
          if (!abort.signal.aborted) deps.onFetched(input);
        })
        .catch((error) => log.error("Cannot go on after files were fetched", { error: errorText(error) }));
    },
    /** Nobody waits for it any more. */
    drop(inputs: readonly InputId[]): void {
      for (const id of inputs) underWay.get(id)?.abort();
    },
    close(): void {
      for (const abort of underWay.values()) abort.abort();
    },
  };
}

/** What is removed is not fetched; what waits for a word may be, once it is released. */
function isWanted({ state }: Input): boolean {
  return state === "waiting";
}

function nextFile(inbound: Inbound): number | undefined {
  if (inbound.kind !== "message") return undefined;
  const index = (inbound.files ?? []).findIndex(({ stored, problem }) => stored === undefined && problem === undefined);
  return index === -1 ? undefined : index;
}

const diskCodes = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EBUSY"]);
const tooLate = "it did not arrive in time";

/** The file as it was kept, or with the reason why it was not. */
async function fetchOne(
  deps: FetchingDeps,
  { inbound, index, until, signal }: { inbound: Inbound; index: number; until: number; signal: AbortSignal },
): Promise<FileRef> {
  const file = inbound.kind === "message" ? inbound.files?.[index] : undefined;
  if (file === undefined) throw new Error("The file to fetch is not there");
  const bytesMax = limits.inboundFileBytesMax;
  const tooLarge = { ...file, problem: `it is larger than ${byteSize(bytesMax)}` };
  if ((file.bytes ?? 0) > bytesMax) return tooLarge;
  if (index >= limits.inboundFilesMax) return { ...file, problem: `a message has at most ${limits.inboundFilesMax}` };
  for (let attempt = 1; ; attempt++) {
    try {
      const full = await deps.room(inbound, file.bytes ?? 0);
      if (full !== undefined) return { ...file, problem: full };
      const bytes = await timed(deps, { inbound, file, until, signal });
      if (bytes.byteLength > bytesMax) return tooLarge;
      // Not every platform says beforehand how large a file is.
      const problem = file.bytes === bytes.byteLength ? undefined : await deps.room(inbound, bytes.byteLength);
      if (problem !== undefined) return { ...file, problem };
      const kept = await keepInTime(deps, { inbound, name: file.name, bytes, until, signal });
      return { ...file, ...kept };
    } catch (error) {
      const last = attempt >= limits.fileTriesMax || signal.aborted;
      if (last || !mayComeLater(error)) {
        deps.log.warn("Cannot fetch a file", { adapter: inbound.adapter, attempt, error: errorText(error) });
        return { ...file, problem: reasonOf(error) };
      }
      await deps.clock.sleep(waitMs(attempt), signal);
    }
  }
}

function waitMs(attempt: number): number {
  return Math.min(limits.fileRetryMs * 2 ** (attempt - 1), limits.fileRetryCapMs);
}

/** Keeps what was fetched. A full disk may have room in a minute: it is tried again while there is time. */
async function keepInTime(
  { clock, log, keepFile }: FetchingDeps,
  parts: { inbound: Inbound; name: string; bytes: Uint8Array; until: number; signal: AbortSignal },
): Promise<FileRef> {
  const { inbound, name, bytes, until, signal } = parts;
  for (let attempt = 1; ; attempt++) {
    try {
      return await keepFile(inbound, { name, bytes });
    } catch (error) {
      const inTime = clock.monotonic() + waitMs(attempt) <= until;
      if (!inTime || signal.aborted || !isOfDisk(error)) throw error;
      log.warn("Cannot keep a file yet", { adapter: inbound.adapter, attempt, error: errorText(error) });
      await clock.sleep(waitMs(attempt), signal);
      if (signal.aborted) throw error;
    }
  }
}

/** What the disk refuses, and may take later. */
function isOfDisk(error: unknown): boolean {
  const code = codeOf(error instanceof Failure ? error.cause : error);
  return (error instanceof Failure && error.code === "store") || (code !== undefined && diskCodes.has(code));
}

/** One try, bounded also when the adapter ignores the signal. */
async function timed(
  { clock, fetchFile }: FetchingDeps,
  { inbound, file, until, signal }: { inbound: Inbound; file: FileRef; until: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const leftMs = until - clock.monotonic();
  if (leftMs <= 0) throw new Failure("not-found", tooLate);
  const patience = new AbortController();
  const stop = () => patience.abort();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const bytes = fetchFile(inbound.adapter, file, {
      bytesMax: limits.inboundFileBytesMax,
      signal: patience.signal,
    });
    const late = clock.sleep(leftMs, patience.signal).then(() => {
      throw new Failure("not-found", tooLate);
    });
    // Whichever loses may still fail when nobody looks any more.
    bytes.catch(() => undefined);
    late.catch(() => undefined);
    return await Promise.race([bytes, late]);
  } finally {
    patience.abort();
    signal.removeEventListener("abort", stop);
  }
}

function mayComeLater(error: unknown): boolean {
  return error instanceof PlatformError && (error.fate === "later" || error.fate === "unknown");
}

/** What sentences about one file begin with: `Cannot take the file "a.png" (30 MB): `. */
const aboutFile = /^Cannot [a-z ]{1,30}"(?:[^"\\]|\\.){0,300}"[^":]{0,40}: /;

/** One clause for the person and the model: the sentence that it becomes part of names the file. */
function reasonOf(error: unknown): string {
  if (isOfDisk(error)) return "it could not be written to the disk";
  if (error instanceof Failure) return excerpt(error.message.replace(aboutFile, "").replace(/\.$/, ""), 200);
  return "it could not be fetched";
}

/** Inside the transaction: the input is told what became of one of its files. */
function keepResult(
  { store, tell }: FetchingDeps,
  { id, index, file }: { id: InputId; index: number; file: FileRef },
): void {
  const input = store.inputs.get(id);
  if (input?.inbound.kind !== "message") return;
  const files = (input.inbound.files ?? []).map((known, n) => (n === index ? file : known));
  store.inputs.replaceBody(id, { ...input.inbound, files });
  if (file.problem === undefined) return;
  tell(input.inbound, `Cannot take the file ${JSON.stringify(excerpt(file.name, 80))}: ${file.problem}.`);
}
