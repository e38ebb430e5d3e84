// Files replaced as a whole: after a crash there is the old one or the new one, never a part of it.
import { randomBytes } from "node:crypto";
import { chmodSync, constants, lstatSync, mkdirSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure } from "../core/failure.ts";

/**
 * Replaces the file at `path` by `data`, on the disk when the promise resolves. A symbolic link is replaced, not followed.
 * `mode` is the new file's. @throws the system's error; the old file is then untouched and nothing is left behind.
 */
export async function writeAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600 }: { mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomBytes(6).toString("hex")}.tmp`);
  const file = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    try {
      await file.writeFile(data);
      // The mode given to open is narrowed by the umask.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(ignoreMissing);
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a folder's entries durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/**
 * Makes the folder `path` (and those above it) with `mode`; an existing one keeps its mode.
 * @throws Failure `state` when something else is there or it cannot be made.
 */
export function makeDir(path: string, mode = 0o700): void {
  const cannot = `Cannot make folder ${JSON.stringify(path)}`;
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory()) return;
    if (there !== undefined && !there.isSymbolicLink())
      throw Object.assign(new Error("a file is there"), { code: "EEXIST" });
    // What mkdir returns is undefined when the folder had been there, behind a link for example.
    if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure("state", `${cannot}: ${folderReasons[code] ?? code}`, { cause: error });
  }
}

const folderReasons: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file is there",
  ENAMETOOLONG: "the name is too long",
};
