// Makes the state folder and refuses an unsafe one, before anything in it is read or written.
import { accessSync, constants, statSync } from "node:fs";
import process from "node:process";
import { Failure } from "../core/failure.ts";
import { makeDir } from "../sys/atomic.ts";

/**
 * Makes the state folder at `path` (0700) when it is absent, and checks it.
 * @throws Failure `state` when it is no folder, belongs to another user, is writable by others, or cannot be written.
 */
export function prepareStateDirectory(path: string): void {
  const cannot = `Cannot use state folder ${JSON.stringify(path)}`;
  try {
    makeDir(path, 0o700);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const reason = error.message.slice(error.message.lastIndexOf(": ") + 2);
    throw new Failure("state", `${cannot}: ${reason}`, { hint: "Choose another one with --state-dir", cause: error });
  }
  checkStateDirectory(path);
}

/** The check alone, for those who only read. @throws as {@link prepareStateDirectory}; a missing folder is `state` too. */
export function checkStateDirectory(path: string): void {
  const cannot = `Cannot use state folder ${JSON.stringify(path)}`;
  const fail = (reason: string, hint: string) => new Failure("state", `${cannot}: ${reason}`, { hint });
  // Links are followed: the folder that they lead to is the one that counts.
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw fail("it is missing", "Choose another one with --state-dir");
  if (!stats.isDirectory()) throw fail("it is not a folder", "Move it away, or choose another one with --state-dir");
  // Windows has no user ids; there the check says nothing.
  const uid = process.getuid?.() ?? stats.uid;
  if (stats.uid !== uid) {
    throw fail("it belongs to another user", `Run as that user, or take it over: chown -R $(id -un) '${path}'`);
  }
  if ((stats.mode & 0o022) !== 0) throw fail("other users may write to it", `Mend it with: chmod 0700 '${path}'`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const readOnly = (error as NodeJS.ErrnoException).code === "EROFS";
    throw fail(readOnly ? "its file system is read-only" : "it is read-only", `Mend it with: chmod 0700 '${path}'`);
  }
}
