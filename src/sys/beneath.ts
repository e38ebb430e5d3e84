// Files below a folder that somebody else may write to: opened without leaving it, whatever the links say.
import { constants, type Dirent, lstatSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../core/failure.ts";
import { codeOf } from "./errno.ts";

/** How a file below a folder is opened. */
export interface BeneathOptions {
  /** `read`: must exist. `append`: made when absent. `create`: must not exist. */
  for: "read" | "append" | "create";
  /** Makes the folders on the way, 0700. */
  folders?: boolean;
}

const flags = {
  read: constants.O_RDONLY,
  append: constants.O_RDWR | constants.O_CREAT | constants.O_APPEND,
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
} as const;
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** A pipe in the file's place must not make the opener wait for its other end. */
const neverFollow = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder that is held open, and the path by which its entries are reached. */
interface Held {
  handle: FileHandle;
  path: string;
}

/**
 * Opens the regular file `path` (relative, `/` between parts) below `root`. Neither the root itself nor any
 * part of the path may be a symbolic link: each folder is opened from the one before, so that swapping one for a link in
 * between reaches nothing outside. New files are 0600.
 * @throws Failure `state` for a path that leaves `root`, a link, or what is no regular file; the system's error else.
 */
export async function openBeneath(root: string, path: string, options: BeneathOptions): Promise<FileHandle> {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) throw refused(path, "it names no file");
  const folder = await descend(root, { parts, path, make: options.folders === true });
  try {
    return await openFile(folder, { name, path, flags: flags[options.for] | neverFollow });
  } finally {
    await folder.handle.close();
  }
}

/**
 * What is in the folder `path` below `root`; nothing when there is none.
 * @throws Failure `state` for a path that leaves `root` and for a link on the way; the system's error else.
 */
export async function listBeneath(root: string, path: string): Promise<Dirent[]> {
  let folder: Held;
  try {
    folder = await descend(root, { parts: partsOf(path), path, make: false });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  try {
    return await readdir(folder.path, { withFileTypes: true });
  } finally {
    await folder.handle.close();
  }
}

/**
 * Removes the file `path` below `root`, if it is still the one that `file` has open.
 * @throws Failure `state` for a path that leaves `root` and for a link on the way; the system's error else.
 */
export async function removeBeneath(root: string, { path, file }: { path: string; file: FileHandle }): Promise<void> {
  const parts = partsOf(path);
  const name = parts.pop();
  if (name === undefined) throw refused(path, "it names no file");
  const folder = await descend(root, { parts, path, make: false });
  try {
    const target = join(folder.path, name);
    await sameAs(target, { handle: file, path });
    await unlink(target);
  } finally {
    await folder.handle.close();
  }
}

/** Reads at most `bytesMax` bytes of a file below `root`; `undefined` when there is none. */
export async function readBeneath(
  root: string,
  { path, bytesMax }: { path: string; bytesMax: number },
): Promise<{ bytes: Uint8Array; size: number } | undefined> {
  if (isAbsent(join(root, ...partsOf(path)))) return undefined;
  let file: FileHandle;
  try {
    file = await openBeneath(root, path, { for: "read" });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(Math.min(size, bytesMax));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { bytes: bytes.subarray(0, filled), size };
  } finally {
    await file.close();
  }
}

/** Most files that are looked for are not there, and one call tells; what is there is opened step by step. */
function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false; // Opening it will say what is wrong.
  }
}

/** True for the error of a path that does not exist. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function partsOf(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || path.includes("\0") || parts.includes("..")) throw refused(path, "it leaves its folder");
  return parts;
}

/** Opens the folder at the end of `parts`, each from the one before. */
async function descend(
  root: string,
  { parts, path, make }: { parts: string[]; path: string; make: boolean },
): Promise<Held> {
  let folder = await holdRoot(root);
  for (const part of parts) {
    try {
      const next = await enter(folder, { part, path, make });
      await folder.handle.close();
      folder = next;
    } catch (error) {
      await folder.handle.close();
      throw error;
    }
  }
  return folder;
}

async function holdRoot(root: string): Promise<Held> {
  try {
    return await hold(root, folderFlags);
  } catch (error) {
    throw await explained(error, { target: root, path: root });
  }
}

async function hold(path: string, how: number): Promise<Held> {
  const handle = await open(path, how);
  // Linux reaches entries through the open folder itself; elsewhere its path and the check below must do.
  return { handle, path: process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path };
}

async function enter(folder: Held, { part, path, make }: { part: string; path: string; make: boolean }): Promise<Held> {
  const target = join(folder.path, part);
  if (make) {
    await mkdir(target, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
  }
  try {
    const held = await hold(target, folderFlags);
    await sameAs(target, { handle: held.handle, path });
    return held;
  } catch (error) {
    throw await explained(error, { target, path });
  }
}

async function openFile(folder: Held, { name, path, flags }: { name: string; path: string; flags: number }) {
  const target = join(folder.path, name);
  let handle: FileHandle;
  try {
    handle = await open(target, flags, 0o600);
  } catch (error) {
    throw await explained(error, { target, path });
  }
  try {
    if (!(await handle.stat()).isFile()) throw refused(path, "it is not a regular file");
    await sameAs(target, { handle, path });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What was opened must be what stands there, link or not: the check for systems that open by path. */
async function sameAs(target: string, { handle, path }: { handle: FileHandle; path: string }): Promise<void> {
  const [opened, standing] = await Promise.all([handle.stat(), lstat(target)]);
  if (opened.ino !== standing.ino || opened.dev !== standing.dev)
    throw refused(path, "it was changed while it was opened");
}

/** ELOOP and ENOTDIR mean a link when one stands there; a taken name is a taken name. */
async function explained(error: unknown, { target, path }: { target: string; path: string }): Promise<unknown> {
  if (codeOf(error) === "EEXIST") return error;
  const link = await lstat(target).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  return link ? refused(path, "a symbolic link is in its way") : error;
}

function refused(path: string, state: string): Failure {
  return new Failure("state", `Cannot open ${JSON.stringify(path)}: ${state}`);
}
