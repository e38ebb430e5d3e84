// One instance per state folder: an flock that ends with its process, however that dies. The file stays for ever.
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import { flock } from "#ffi";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { codeOf } from "./errno.ts";

/** Who holds the lock, as it says of itself. `startedAt` is Unix milliseconds. */
export interface Holder {
  pid: number;
  startedAt: number;
  /** True for a terminal chat that runs the agent by itself. */
  alone: boolean;
  version: string;
}

export type Lock = { held: true; release(): void } | { held: false; holder?: Holder };

/**
 * Takes the lock at `path` for this process and writes `facts` into it, or says who has it. Never waits for a holder.
 * `holder` is absent when the holder does not say who it is.
 * @throws Failure `state` when the file cannot be opened or the file system has no locks.
 */
export function acquireLock(path: string, facts: Holder): Lock {
  for (let attempt = 0; attempt < limits.lockAttemptsMax; attempt++) {
    const fd = open(path, constants.O_RDWR | constants.O_CREAT);
    let keep = false;
    try {
      if (tryLock(path, fd, "exclusive")) {
        // Whoever removed or replaced the file in between left us with a lock on nothing.
        if (!isAt(path, fd)) continue;
        writeFacts(path, fd, facts);
        keep = true;
        return { held: true, release: releaser(fd) };
      }
      // A reader holds a shared lock for some microseconds; only an exclusive one refuses a shared one.
      if (!tryLock(path, fd, "shared")) {
        const holder = readFacts(path);
        // A holder that has no facts yet, or those of a dead one before it, is just about to write its own.
        const known = holder !== undefined && isAlive(holder.pid);
        if (known || attempt >= limits.lockReadsMax)
          return { held: false, ...(holder === undefined ? {} : { holder }) };
      }
    } finally {
      if (!keep) closeSync(fd);
    }
    pause();
  }
  throw new Failure("state", `Cannot take lock ${JSON.stringify(path)}: it changes hands all the time`);
}

/**
 * Who holds the lock at `path` now; undefined when nobody does. Decided by the lock, never by a process id.
 * @throws Failure `state` when it is held by somebody who does not say who, or the file cannot be read.
 */
export function readHolder(path: string): Holder | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw lockFailure(path, error);
  }
  let holder: Holder | undefined;
  try {
    for (let attempt = 0; attempt < limits.lockReadsMax; attempt++) {
      if (tryLock(path, fd, "shared")) return undefined;
      holder = readFacts(path);
      // Facts of a dead process are those of an earlier holder: the new one is just about to write its own.
      if (holder !== undefined && isAlive(holder.pid)) return holder;
      pause();
    }
  } finally {
    closeSync(fd);
  }
  // Seen from another pid namespace the holder looks dead for ever.
  if (holder !== undefined) return holder;
  throw new Failure("state", `Cannot tell who holds lock ${JSON.stringify(path)}: its holder wrote no facts`, {
    hint: `Find it with: fuser ${path}`,
  });
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    throw lockFailure(path, error);
  }
}

function tryLock(path: string, fd: number, kind: "exclusive" | "shared"): boolean {
  try {
    return flock(fd, kind);
  } catch (error) {
    throw lockFailure(path, error);
  }
}

function lockFailure(path: string, error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  const full = codeOf(error) === "ENOSPC";
  const state = full ? "the disk is full" : (codeOf(error) ?? detail);
  return new Failure("state", `Cannot use lock ${JSON.stringify(path)}: ${state}`, {
    hint: full
      ? "Free some space and try again"
      : "The state folder must be on a local disk and writable: choose one with --state-dir",
    cause: error,
    detail,
  });
}

function isAt(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

/** Written in one call and only then shortened, so that a reader sees old or new facts and never half of them. */
function writeFacts(path: string, fd: number, facts: Holder): void {
  const bytes = Buffer.from(`${JSON.stringify(facts)}\n`);
  try {
    writeSync(fd, bytes, 0, bytes.byteLength, 0);
    ftruncateSync(fd, bytes.byteLength);
  } catch (error) {
    throw lockFailure(path, error);
  }
}

function readFacts(path: string): Holder | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw lockFailure(path, error);
  }
  try {
    const bytes = Buffer.alloc(limits.lockFactsBytesMax);
    const length = readSync(fd, bytes, 0, bytes.byteLength, 0);
    return parseFacts(bytes.toString("utf8", 0, length).split("\n", 1)[0] ?? "");
  } finally {
    closeSync(fd);
  }
}

function parseFacts(line: string): Holder | undefined {
  let facts: unknown;
  try {
    facts = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof facts !== "object" || facts === null) return undefined;
  const { pid, startedAt, alone, version } = facts as Record<string, unknown>;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  if (typeof startedAt !== "number" || typeof alone !== "boolean" || typeof version !== "string") return undefined;
  return { pid, startedAt, alone, version };
}

function releaser(fd: number): () => void {
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    // Closing the last descriptor gives the lock back.
    closeSync(fd);
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return codeOf(error) === "EPERM";
  }
}

/** A short wait of random length, so that two who meet do not meet again. */
function pause(): void {
  const ms = 1 + Math.floor(Math.random() * limits.lockPauseMs);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
