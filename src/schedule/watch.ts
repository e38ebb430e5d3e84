// The events/ folder: what stands in it, what changes in it, and how a file leaves it.
import { createHash } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { writeAtomic } from "../sys/atomic.ts";
import { isMissing, readBeneath } from "../sys/beneath.ts";
import type { Log } from "../sys/log.ts";

/** One event file as it stands. */
export interface EventFile {
  file: string;
  hash: string;
  text: string;
  /** When it was written, Unix milliseconds. */
  writtenAt: number;
  /** Why it was not read, when it was not. */
  problem?: string;
}

/** The folder. */
export interface EventsFolder {
  /** The files, sorted by name. What is unchanged since the last call is not read again. */
  list(): Promise<EventFile[]>;
  /** Writes a new file as a whole. */
  write(file: string, text: string): Promise<void>;
  /** Removes a file if it is still the one with this hash. */
  remove(file: string, hash: string): Promise<void>;
  /** Renames a file to `<file>.<as>` and puts the reason beside it, in `<file>.<as>.txt`. */
  setAside(file: string, { as, reason }: { as: "invalid" | "missed"; reason: string }): Promise<void>;
  /** Calls `changed` when something happened in the folder. A hint: it may be called too often, or never. */
  watch(changed: () => void): { close(): void };
}

/** The folder at `path`; made when it is absent. */
export function openEventsFolder(path: string, { log }: { log: Log }): EventsFolder {
  let known = new Map<string, { mark: string; found: EventFile }>();
  const names = async (): Promise<string[]> => {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const all = (await readdir(path)).filter((name) => name.endsWith(".json") && !name.startsWith(".")).sort();
    if (all.length > limits.eventFilesMax) {
      log.warn("Too many event files: the last ones are not looked at", {
        files: all.length,
        max: limits.eventFilesMax,
      });
    }
    return all.slice(0, limits.eventFilesMax);
  };
  return {
    async list() {
      const next: typeof known = new Map();
      for (const file of await names()) {
        const entry = await look(path, { file, before: known.get(file) });
        if (entry !== undefined) next.set(file, entry);
      }
      known = next;
      return [...next.values()].map((entry) => entry.found);
    },
    write: (file, text) => writeAtomic(join(path, file), text),
    async remove(file, hash) {
      const now = await look(path, { file });
      if (now?.found.hash === hash) await rm(join(path, file), { force: true });
    },
    async setAside(file, { as, reason }) {
      const target = join(path, `${file}.${as}`);
      await rename(join(path, file), target);
      await writeAtomic(`${target}.txt`, `${reason}\n`);
    },
    watch(changed) {
      let watcher: FSWatcher | undefined;
      try {
        watcher = watch(path, { persistent: false }, changed);
        watcher.on("error", (error) => log.warn("Lost sight of the events folder", { error: errorText(error) }));
      } catch (error) {
        // Without it (no more inotify watches, a network file system) the slow look finds everything.
        log.warn("Cannot watch the events folder", { error: errorText(error) });
      }
      return { close: () => watcher?.close() };
    },
  };
}

interface Looked {
  mark: string;
  found: EventFile;
}

/** Reads a file unless it is the one of `before`; `undefined` when it is gone. */
async function look(folder: string, { file, before }: { file: string; before?: Looked }): Promise<Looked | undefined> {
  const failed = (problem: string): Looked => ({
    mark: "",
    found: { file, hash: `problem:${problem}`, text: "", writtenAt: 0, problem },
  });
  try {
    const stat = await lstat(join(folder, file));
    const mark = `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    if (before?.mark === mark) return before;
    if (stat.size > limits.eventBytesMax) return failed(`It is larger than ${limits.eventBytesMax} bytes`);
    const read = await readBeneath(folder, { path: file, bytesMax: limits.eventBytesMax });
    if (read === undefined) return undefined;
    const text = new TextDecoder().decode(read.bytes);
    // With its time: the same alarm written again is another alarm.
    const hash = createHash("sha256")
      .update(read.bytes)
      .update(` ${Math.floor(stat.mtimeMs)}`)
      .digest("hex");
    return { mark, found: { file, hash, text, writtenAt: stat.mtimeMs } };
  } catch (error) {
    if (isMissing(error)) return undefined;
    return failed(errorText(error));
  }
}
