// How much room the files of conversations may take: by conversation and day, and all of them together.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../core/limits.ts";
import { byteSize } from "../core/words.ts";
import { isMissing } from "../sys/beneath.ts";
import { codeOf } from "../sys/errno.ts";

/** What a quota works with. Sizes are bytes. */
export interface QuotaDeps {
  /** The folder below which conversations are, as `<adapter>/<conversation>/attachments`. */
  channels: string;
  /** In one conversation within 24 hours. */
  dayBytesMax: number;
  /** In all conversations. */
  bytesMax: number;
  clock: { now(): number };
}

/** The quota. It counts what lies in the folders, so that whatever is removed there makes room. */
export function createQuota({ channels, dayBytesMax, bytesMax, clock }: QuotaDeps) {
  let counted: { at: number; bytes: number } | undefined;
  const total = async (): Promise<number> => {
    const now = clock.now();
    if (counted === undefined || Math.abs(now - counted.at) > limits.quotaLookMs)
      counted = { at: now, bytes: await attachmentBytes(channels) };
    return counted.bytes;
  };
  return {
    /** Why a file of so many bytes has no room in `attachments`, in one clause; undefined when it has. */
    async problem(attachments: string, bytes: number): Promise<string | undefined> {
      const today = await folderBytes(attachments, clock.now() - 86_400_000);
      if (today + bytes > dayBytesMax)
        return `this conversation may take ${byteSize(dayBytesMax)} of files in 24 hours, and has ${byteSize(today)}`;
      // What was removed a moment ago makes room at once.
      if ((await total()) + bytes > bytesMax) counted = undefined;
      const all = await total();
      if (all + bytes <= bytesMax) return undefined;
      return `all conversations together may keep ${byteSize(bytesMax)} of files, and have ${byteSize(all)}`;
    },
    /** One more file was kept. */
    kept(bytes: number): void {
      if (counted !== undefined) counted.bytes += bytes;
    },
  };
}

/** What the files of all conversations take together. */
export async function attachmentBytes(channels: string): Promise<number> {
  let bytes = 0;
  for (const adapter of await folders(channels))
    for (const conversation of await folders(adapter)) bytes += await folderBytes(join(conversation, "attachments"), 0);
  return bytes;
}

async function folders(path: string): Promise<string[]> {
  const found = await entries(path);
  return found.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
}

/** Files that were kept since a moment, by the time that their names begin with; everything for 0. No link is followed. */
async function folderBytes(folder: string, since: number): Promise<number> {
  let bytes = 0;
  for (const entry of await entries(folder)) {
    if (!entry.isFile() || Number(/^(\d{1,15})_/.exec(entry.name)?.[1] ?? 0) < since) continue;
    bytes += await sizeOf(join(folder, entry.name));
  }
  return bytes;
}

async function entries(path: string) {
  try {
    // An agent may have put a link there.
    if (!(await lstat(path)).isDirectory()) return [];
    return (await readdir(path, { withFileTypes: true })).slice(0, limits.quotaFilesMax);
  } catch (error) {
    // A new conversation has none yet, and its agent may move or lock what it has.
    const code = codeOf(error);
    if (isMissing(error) || code === "ENOTDIR" || code === "EACCES") return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
