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
    await haltBySignal(doors, found.holder, { ...options, why: "does not answer" });
    return undefined;
  }
  const { report, refusal } = await askToStop(doors, options);
  // It answers just before its end: the last files are closed, then the lock is free.
  if (refusal === undefined && (await waitFree(doors, limits.holderGraceMs))) return report;
  const holder = readHolder(doors.lock);
  const why = refusal === undefined ? "does not end" : `does not stop when asked (${refusal})`;
  if (holder !== undefined) await haltBySignal(doors, holder, { ...options, why });
  return report;
}

/** Neither report nor refusal: it went away, or never answered. */
async function askToStop(
  doors: Doors,
  { drainMs, io }: HaltOptions,
): Promise<{ report?: StopReport; refusal?: string }> {
  const done = new AbortController();
  const progress = showProgress(doors, { io, signal: done.signal });
  try {
    const timeoutMs = drainMs + limits.proofMs + limits.holderGraceMs;
    return { report: (await call(doors, "/v1/stop", { json: { drainMs }, timeoutMs })) as StopReport };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Whatever is wrong with its socket, the lock tells which process it is.
    return error.code === "not-running" ? {} : { refusal: error.message };
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

async function haltBySignal(
  doors: Doors,
  holder: Holder,
  { drainMs, io, why }: HaltOptions & { why: string },
): Promise<void> {
  io.err(`Process ${holder.pid} ${cleanLine(why)}, asking it by signal\n`);
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
  const took = report.ms < 1000 ? `${Math.round(report.ms)} ms` : ago(report.ms, "");
  return [`Stopped process ${pid} after ${took}`, ...reportLines(report)].join("\n");
}

/** What a stop observed, as lines: nothing is added to what the report names, and an older instance may leave out parts. */
export function reportLines(report: Partial<StopReport>): string[] {
  const turns = (ids: StopReport["drained"]) => ids.map((id) => `T${id}`).join(", ");
  const processes = (list: StopReport["killed"]) =>
    list.map((one) => `\n  ${one.pid} ${cleanLine(one.command)}`.trimEnd()).join("");
  const { drained = [], interrupted = [], killed = [], survivors = [] } = report;
  const lines: string[] = [];
  if (drained.length > 0) lines.push(`Finished before: ${turns(drained)}`);
  if (interrupted.length > 0) lines.push(`Cut off, to go on at the next start: ${turns(interrupted)}`);
  if (killed.length > 0) lines.push(`Killed:${processes(killed)}`);
  if (survivors.length > 0) lines.push(`Still alive in spite of SIGKILL:${processes(survivors)}`);
  return lines;
}
