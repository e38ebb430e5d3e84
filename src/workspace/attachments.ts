// Files that came in, and output that was cut off: kept below a conversation's folder, never over another file.
import type { FileHandle } from "node:fs/promises";
import { join, parse } from "node:path";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { isMissing, openBeneath, removeBeneath } from "../sys/beneath.ts";
import { codeOf } from "../sys/errno.ts";
import { fileName } from "./names.ts";

/** Names that are tried when one is taken. */
const namesMax = 100;
/** Replacing what is not UTF-8 makes a command's output up to three times as long. */
const outputFileBytesMax = limits.outputBytesMax * 3;

/** Bytes at once, or as they come. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** A file to keep. */
export interface Keep {
  /** As somebody outside gave it. */
  name: string;
  /** Below the conversation's folder; made when absent. */
  folder: string;
  content: Content;
  /** Unix milliseconds, the beginning of its name. */
  at: number;
  /** More than this is refused, and nothing of it is kept. */
  bytesMax: number;
}

/**
 * Stores a file in `folder` below `root` as `<ms>_<safe name>` and returns its path and size. The
 * bytes are on disk when it resolves; nothing is left when it fails.
 * @throws Failure `tool` when it is larger than `bytesMax`, `state` when a link is in its way; the
 *   system's error when it cannot be written.
 */
export async function keepFile(root: string, keep: Keep): Promise<{ path: string; bytes: number }> {
  const { file, path } = await createFree(root, keep);
  try {
    const bytes = await writeAll(file, keep);
    await file.sync();
    return { path: join(root, path), bytes };
  } catch (error) {
    await discard(root, { path, file });
    throw error;
  } finally {
    await file.close();
  }
}

/** Removes what was begun. Moved or replaced meanwhile, it is the agent's and stays. */
async function discard(root: string, begun: { path: string; file: FileHandle }): Promise<void> {
  try {
    await removeBeneath(root, begun);
  } catch (error) {
    if (!(error instanceof Failure || isMissing(error))) throw error;
  }
}

/** Stores what came with a message in the conversation at `root` (MA-140), at most `limits.attachBytesMax`. */
export function keepAttachment(root: string, file: { name: string; content: Content; at: number }) {
  return keepFile(root, { ...file, folder: "attachments", bytesMax: limits.attachBytesMax });
}

/** Stores output that was too long to show in the conversation at `root`, at most `limits.outputBytesMax`. */
export function keepOutput(root: string, file: { name: string; content: Content; at: number }) {
  return keepFile(root, { ...file, folder: "scratch/output", bytesMax: outputFileBytesMax });
}

/** The first name that is free: `x.txt`, `x-2.txt`, … */
async function createFree(root: string, { name, folder, at }: Keep): Promise<{ file: FileHandle; path: string }> {
  const { name: stem, ext } = parse(fileName(name));
  for (let count = 1; count <= namesMax; count++) {
    const path = `${folder}/${at}_${stem}${count === 1 ? "" : `-${count}`}${ext}`;
    try {
      return { file: await openBeneath(root, path, { for: "create", folders: true }), path };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  throw new Failure("state", `Cannot store ${JSON.stringify(fileName(name))}: too many files have this name`);
}

async function writeAll(file: FileHandle, { content, name, bytesMax }: Keep): Promise<number> {
  let bytes = 0;
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      throw new Failure("tool", `Cannot store ${JSON.stringify(fileName(name))}: it is larger than ${bytesMax} bytes`);
    }
    await file.writeFile(chunk);
  }
  return bytes;
}
