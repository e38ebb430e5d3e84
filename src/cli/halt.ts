// Ends the running instance, for `stop` and `restart`: asks first, signals when nobody answers, and believes only
// the freed lock.
import { Failure } from "../core/failure.ts";
import { publicId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { StatusReport, StopReport } from "../core/status.ts";
import { ago } from "../core/words.ts";
import { systemClock } from "../sys/clock.ts";
import { type Holder, readHolder } from "../sys/lock.ts";
import { call, type Doors, type Found, signalHolder, waitFree } from "./instance.ts";
import type { Io } from "./io.ts";
import { cleanLine, fit } from "./terminal/text.ts";

export interface HaltOptions {
  drainMs: number;
  io: Io;
}

/**
 * Ends the instance that was found, with its progress on stderr.
 * @returns what it did; undefined when it had to be signalled and could not tell.
 * @throws Failure when it still holds the lock after SIGKILL, or belongs to somebody else.
 */
export async function halt(
  doors: Doors,
  found: Exclude<Found, { state: "none" }>,
  options: HaltOptions,
): Promise<StopReport | undefined> {
  if (found.state === "deaf") {
    await haltBySignal(doors, found.holder, options);
    return undefined;
  }
  const report = await askToStop(doors, options);
  // It answers just before its end: the last files are closed, then the lock is free.
  if (await waitFree(doors, limits.holderGraceMs)) return report;
  const holder = readHolder(doors.lock);
  if (holder !== undefined) await haltBySignal(doors, holder, options);
  return report;
}

/** Undefined: it went away, or never answered. */
async function askToStop(doors: Doors, { drainMs, io }: HaltOptions): Promise<StopReport | undefined> {
  const done = new AbortController();
  const progress = showProgress(doors, { io, signal: done.signal });
  try {
    const timeoutMs = drainMs + limits.proofMs + limits.holderGraceMs;
    return (await call(doors, "/v1/stop", { json: { drainMs }, timeoutMs })) as StopReport;
  } catch (error) {
    if (error instanceof Failure && error.code === "not-running") return undefined;
    throw error;
  } finally {
    done.abort();
    await progress;
  }
}

/** One line on stderr whenever what is waited for has changed. */
async function showProgress(doors: Doors, { io, signal }: { io: Io; signal: AbortSignal }): Promise<void> {
  let last = "";
  await systemClock.sleep(limits.progressMs, signal);
  while (!signal.aborted) {
    const text = await waitedFor(doors, signal);
    if (text !== "" && text !== last && !signal.aborted) io.err(`${fit(text, io.columns)}\n`);
    last = text;
    await systemClock.sleep(limits.progressMs, signal);
  }
}

async function waitedFor(doors: Doors, signal: AbortSignal): Promise<string> {
  try {
    const { turns } = (await call(doors, "/v1/status", { timeoutMs: limits.answerMs, signal })) as StatusReport;
    const names = turns.map((turn) => `T${turn.turn} in ${publicId(turn.session)} (${cleanLine(turn.doing)})`);
    return names.length === 0 ? "" : `Waiting for ${names.join(", ")}`;
  } catch {
    // Progress is a courtesy: whether it stopped is told by the request that asked it to.
    return "";
  }
}

async function haltBySignal(doors: Doors, holder: Holder, { drainMs, io }: HaltOptions): Promise<void> {
  io.err(`Process ${holder.pid} does not answer, asking it by signal\n`);
  signalHolder(doors, holder, "SIGTERM");
  if (await waitFree(doors, drainMs + limits.holderGraceMs)) return;
  io.err(`Process ${holder.pid} does not end, killing it\n`);
  signalHolder(doors, holder, "SIGKILL");
  if (await waitFree(doors, limits.holderGraceMs)) return;
  throw new Failure("internal", `Cannot stop process ${holder.pid}: it still holds the lock after SIGKILL`, {
    hint: `See what it waits for: cat /proc/${holder.pid}/stack`,
  });
}

/** What a stop did, as lines for people. */
export function stopText(pid: number, report: StopReport | undefined): string {
  if (report === undefined)
    return `Stopped process ${pid} by signal; unfinished turns go on at the next start, see remoteagent logs`;
  const turns = (ids: number[]) => ids.map((id) => `T${id}`).join(", ");
  const processes = (list: StopReport["killed"]) =>
    list.map(({ pid, command }) => `  ${pid} ${cleanLine(command)}`).join("\n");
  const took = report.ms < 1000 ? `${Math.round(report.ms)} ms` : ago(report.ms, "");
  const lines = [`Stopped process ${pid} after ${took}`];
  if (report.drained.length > 0) lines.push(`Finished before: ${turns(report.drained)}`);
  if (report.interrupted.length > 0) lines.push(`Cut off, to go on at the next start: ${turns(report.interrupted)}`);
  if (report.killed.length > 0) lines.push(`Killed with it:\n${processes(report.killed)}`);
  if (report.survivors.length > 0) lines.push(`Still alive in spite of SIGKILL:\n${processes(report.survivors)}`);
  return lines.join("\n");
}
