// The running instance as the command line sees it: answering, deaf but holding the lock, or not there.
import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { Failure, type FailureData } from "../core/failure.ts";
import { protocolHeader, protocolVersion } from "../core/frame.ts";
import { limits } from "../core/limits.ts";
import type { StatusReport } from "../core/status.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import { type Holder, readHolder } from "../sys/lock.ts";
import { unixRequest } from "../sys/unix-client.ts";

/** The two files by which an instance is found. */
export interface Doors {
  socket: string;
  lock: string;
}

export type Found =
  | { state: "none" }
  | { state: "up"; status: StatusReport }
  /** The lock is held and the socket does not answer: starting, ending, or hanging. */
  | { state: "deaf"; holder: Holder };

/** Looks for the instance. The lock decides whether there is one, never a process id. */
export async function findInstance(doors: Doors, { timeoutMs = limits.answerMs } = {}): Promise<Found> {
  try {
    return { state: "up", status: (await call(doors, "/v1/status", { timeoutMs })) as StatusReport };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "not-running") throw error;
  }
  const holder = readHolder(doors.lock);
  return holder === undefined ? { state: "none" } : { state: "deaf", holder };
}

/** One request to the instance's socket; its JSON answer. @throws Failure: what the instance answered, or `not-running`. */
export async function call(
  { socket }: Doors,
  path: string,
  options: { json?: unknown; timeoutMs: number; signal?: AbortSignal },
): Promise<unknown> {
  const headers = { [protocolHeader]: String(protocolVersion) };
  const response = await unixRequest(socket, path, { ...options, headers });
  const answer = parseAnswer(await response.text());
  if (response.status === 200) return answer;
  const { error } = (answer ?? {}) as { error?: Partial<FailureData> };
  throw new Failure(error?.code ?? "internal", error?.message ?? `The instance answered ${response.status}`, {
    hint: error?.hint,
  });
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure("internal", "Cannot understand the running instance: its answer is no JSON", {
      hint: "Restart it: remoteagent restart",
      detail: text.slice(0, limits.logFieldCharsMax),
      cause,
    });
  }
}

/** Waits until `ready` gives something, at most `ms`; undefined when it did not. */
export async function waitFor<Result>(
  ready: () => Result | undefined | Promise<Result | undefined>,
  { ms, clock = systemClock }: { ms: number; clock?: Clock },
): Promise<Result | undefined> {
  const deadline = clock.monotonic() + ms;
  for (;;) {
    const result = await ready();
    if (result !== undefined) return result;
    if (clock.monotonic() >= deadline) return undefined;
    await clock.sleep(limits.lookMs);
  }
}

/** Waits until nobody holds the lock: the proof that an instance has ended. False when somebody still does. */
export async function waitFree(doors: Doors, ms: number): Promise<boolean> {
  return (await waitFor(() => (readHolder(doors.lock) === undefined ? true : undefined), { ms })) ?? false;
}

/** The refusal to start a second instance. */
export function alreadyRunning(holder: { pid: number; version?: string } | undefined): Failure {
  const who = holder === undefined ? "another process" : `process ${holder.pid}`;
  return new Failure("already-running", `RemoteAgent is already running: ${who} has this state folder`, {
    hint: "remoteagent status shows it, remoteagent restart replaces it",
  });
}

/** The answer of verbs that need a running instance. */
export function notRunning(): Failure {
  return new Failure("not-running", "RemoteAgent is not running", { hint: "Start it: remoteagent start" });
}

/**
 * Signals the process that holds the lock, after a look whether it really does: its number may have been
 * given to another process since it was read.
 * @returns false when it holds the lock no more.
 */
export function signalHolder(doors: Doors, holder: Holder, signal: "SIGTERM" | "SIGKILL"): boolean {
  const now = readHolder(doors.lock);
  if (now === undefined || now.pid !== holder.pid || now.startedAt !== holder.startedAt) return false;
  if (!hasOpen(holder.pid, doors.lock))
    throw new Failure("state", `Cannot stop process ${holder.pid}: it does not hold the lock it is named in`, {
      hint: `Find who does with: fuser ${doors.lock}`,
    });
  try {
    process.kill(holder.pid, signal);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ESRCH") return false;
    throw new Failure("forbidden", `Cannot stop process ${holder.pid}: it belongs to another user`, { cause: error });
  }
}

/** True when the process has the file open; also where the system does not tell. */
function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // No /proc here (macOS), a process that has just ended, or one of another user: kill() will tell.
    if (code === "ENOENT" || code === "EACCES" || code === "EPERM") return true;
    throw error;
  }
  const wanted = realpathSync(path);
  return names.some((name) => linkOf(`${folder}/${name}`) === wanted);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    // Descriptors come and go while one looks.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
