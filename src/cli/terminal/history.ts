// What was typed before: kept in a file of the owner's alone, walked with the arrows, searched with ctrl-r.
import { appendFile, chmod, mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { limits } from "../../core/limits.ts";

/**
 * Loads the history at `path`: one JSON string a line, oldest first; lines that are none are left out. A
 * missing or unreadable file is an empty history. The file is shortened when it has grown to twice its bound.
 */
export async function openHistory(path: string): Promise<History> {
  const lines = await readLines(path);
  const entries = lines.flatMap((line) => parseEntry(line)).slice(-limits.historyEntriesMax);
  let works = true;
  if (lines.length > limits.historyEntriesMax * 2) works = await rewrite(path, entries);
  return new History(entries, works ? (entry) => append(path, entry) : null);
}

/** The entries and the place in them. `keep` stores one more; it tells whether it could. */
export class History {
  #entries: string[];
  #keep: ((entry: string) => Promise<boolean>) | null;
  /** Index of the entry shown; the length of the list stands for what is being typed. */
  #at: number;
  #draft = "";
  #prefix = "";
  #writing: Promise<void> = Promise.resolve();

  constructor(entries: readonly string[] = [], keep: ((entry: string) => Promise<boolean>) | null = null) {
    this.#entries = [...entries];
    this.#keep = keep;
    this.#at = this.#entries.length;
  }

  /** Adds what was sent. Repetitions are kept once; a line that begins with a space is not kept at all. */
  add(entry: string): void {
    this.leave();
    if (entry.trim() === "" || entry.startsWith(" ") || entry === this.#entries.at(-1)) return;
    this.#entries.push(entry);
    if (this.#entries.length > limits.historyEntriesMax) this.#entries.shift();
    this.leave();
    const keep = this.#keep;
    if (keep === null || entry.length > limits.historyEntryCharsMax) return;
    this.#writing = this.#writing.then(async () => {
      // A disk that takes nothing is no reason to disturb the conversation: from here on in memory only.
      if (!(await keep(entry))) this.#keep = null;
    });
  }

  /** Resolves when all that was added is stored. */
  flush(): Promise<void> {
    return this.#writing;
  }

  /** The next older entry that begins with `prefix`, which stays the same while one walks; `text` is what stands now. */
  older(text: string, prefix: string): string | undefined {
    if (this.#at === this.#entries.length) {
      this.#draft = text;
      this.#prefix = prefix;
    }
    for (let at = this.#at - 1; at >= 0; at -= 1) {
      const entry = this.#entries[at];
      if (entry?.startsWith(this.#prefix) && entry !== text) {
        this.#at = at;
        return entry;
      }
    }
    return undefined;
  }

  /** The next newer one, at last what was being typed; undefined when nothing is newer. */
  newer(): string | undefined {
    if (this.#at === this.#entries.length) return undefined;
    for (let at = this.#at + 1; at < this.#entries.length; at += 1) {
      const entry = this.#entries[at];
      if (entry?.startsWith(this.#prefix)) {
        this.#at = at;
        return entry;
      }
    }
    const draft = this.#draft;
    this.leave();
    return draft;
  }

  /** Ends the walk. */
  leave(): void {
    this.#at = this.#entries.length;
    this.#draft = "";
    this.#prefix = "";
  }

  /** The `nth` different newest entry that contains `query`; 0 is the newest. */
  find(query: string, nth: number): string | undefined {
    const seen = new Set<string>();
    for (const entry of this.#entries.toReversed()) {
      if (!entry.includes(query) || seen.has(entry)) continue;
      if (seen.size === nth) return entry;
      seen.add(entry);
    }
    return undefined;
  }
}

async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error) return "";
    throw error;
  });
  return text.split("\n").filter((line) => line !== "");
}

function parseEntry(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? [value] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

async function append(path: string, entry: string): Promise<boolean> {
  return works(async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await appendFile(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    await chmod(path, 0o600);
  });
}

async function rewrite(path: string, entries: readonly string[]): Promise<boolean> {
  const next = `${path}.${process.pid}.new`;
  const done = await works(async () => {
    const file = await open(next, "wx", 0o600);
    try {
      await file.writeFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    } finally {
      await file.close();
    }
    await rename(next, path);
  });
  if (!done) await works(() => unlink(next));
  return done;
}

/** True when `step` succeeded; a refusal of the file system is a false. */
async function works(step: () => Promise<unknown>): Promise<boolean> {
  return step().then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error) return false;
      throw error;
    },
  );
}
