// The vault's key on the disk: a file for its owner alone, replaced so that a crash leaves one that fits.
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { Failure } from "../core/failure.ts";
import { keyBytes } from "./seal.ts";

/** The key file and the one that takes its place in a rotation. Each call is one step on the disk. */
export interface KeyFiles {
  /** Where the key is, for messages. */
  readonly path: string;
  /** What stands in it; undefined when there is none. @throws Failure `state` when it cannot be used. */
  read(which: "key" | "next"): Uint8Array | undefined;
  /** Makes it with new random bytes, on the disk when this returns; replaces an older one. */
  make(which: "key" | "next"): Uint8Array;
  /** The next one is the key from now on. */
  promote(): void;
  remove(which: "key" | "next"): void;
}

const head = "remoteagent-key-1:";
const fileBytesMax = 256;

/** The key files at `path`. */
export function openKeyFiles(path: string): KeyFiles {
  const pathOf = (which: "key" | "next") => (which === "key" ? path : `${path}.next`);
  return {
    path,
    read: (which) => readKey(pathOf(which)),
    make(which) {
      const bytes = randomBytes(keyBytes);
      const temporary = `${pathOf(which)}.tmp`;
      rmSync(temporary, { force: true });
      const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        writeFileSync(fd, `${head}${bytes.toString("base64url")}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, pathOf(which));
      syncFolder(dirname(path));
      return bytes;
    },
    promote() {
      renameSync(pathOf("next"), pathOf("key"));
      syncFolder(dirname(path));
    },
    remove(which) {
      rmSync(pathOf(which), { force: true });
      syncFolder(dirname(path));
    },
  };
}

function readKey(path: string): Uint8Array | undefined {
  const cannot = (reason: string, hint: string, cause?: unknown) =>
    new Failure("state", `Cannot use the vault's key ${JSON.stringify(path)}: ${reason}`, { hint, cause });
  let fd: number;
  try {
    // A link could lead to a file of somebody else's; a pipe must not stop the program.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw cannot(code === "ELOOP" ? "it is a link" : "it cannot be read", "It must be a file of this user", error);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw cannot("it is not a file", "It must be a file of this user");
    const own = process.getuid?.();
    if (own !== undefined && stats.uid !== own && stats.uid !== 0)
      throw cannot("it belongs to another user", "It must be a file of this user");
    if ((stats.mode & 0o077) !== 0)
      throw cannot("others can read it", `chmod 600 ${path}; if somebody may have copied it: remoteagent vault rotate`);
    const bytes = Buffer.alloc(fileBytesMax);
    const text = bytes.toString("utf8", 0, readSync(fd, bytes, 0, fileBytesMax, 0)).trim();
    const key = Buffer.from(text.startsWith(head) ? text.slice(head.length) : "", "base64url");
    if (key.byteLength === keyBytes) return key;
    throw cannot("it is no key of remoteagent", "Put the right one back from a backup");
  } finally {
    closeSync(fd);
  }
}

/** Makes a folder's entries durable. */
function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
