// Starts the instance in the background, for `start` and `restart`, and waits until it answers or has ended.
import { statSync } from "node:fs";
import { systemEnvironment } from "../config/load.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { StatusReport } from "../core/status.ts";
import { makeDir } from "../sys/atomic.ts";
import { freeBytes } from "../sys/disk.ts";
import { readHolder } from "../sys/lock.ts";
import { type Child, spawnDetached } from "../sys/spawn.ts";
import { alreadyRunning, call, findInstance, waitFor, waitFree } from "./instance.ts";
import type { Io } from "./io.ts";
import { isSince, lastLines, readable, readEnd } from "./log-lines.ts";
import { type LaunchArgs, launchArguments, loadLaunchConfig, type Places, placesIn } from "./places.ts";
import { selfCommand } from "./self.ts";
import { clean } from "./terminal/text.ts";

/** An instance that answers. */
export interface Launched {
  pid: number;
  report: StatusReport;
}

/**
 * Starts the instance and waits until it is ready.
 * @throws Failure `already-running`, `settings`, or what the started process said when it ended.
 */
export async function launch(args: LaunchArgs, io: Io): Promise<Launched> {
  const config = await loadLaunchConfig(args);
  const places = placesIn(config.stateDir);
  await takeOver(places, io);
  makeDir(places.logs);
  const since = Date.now();
  const offset = statSync(places.console, { throwIfNoEntry: false })?.size ?? 0;
  const argv = [...selfCommand(), "run", "--background", ...launchArguments(args, config)];
  const child = await spawnDetached(argv, { env: systemEnvironment(), logPath: places.console });
  const ended = new AbortController();
  const exited = child.exited.finally(() => ended.abort());
  const report = await Promise.race([ready(places, { child, signal: ended.signal }), exited.then(() => undefined)]);
  if (report !== undefined) return { pid: child.pid, report };
  if (ended.signal.aborted) throw await notStarted(places, { offset, since });
  throw new Failure("internal", `Cannot tell whether it started: process ${child.pid} does not answer yet`, {
    hint: "See what it does: remoteagent logs",
  });
}

/** Makes way: a terminal chat that runs alone hands over, anything else stays. */
async function takeOver(places: Places, io: Io): Promise<void> {
  const found = await findInstance(places);
  if (found.state === "none") return;
  if (found.state === "deaf") throw alreadyRunning(found.holder);
  if (!found.status.alone) throw alreadyRunning(found.status);
  io.err(`Taking over from the terminal chat, process ${found.status.pid}\n`);
  await call(places, "/v1/handover", {
    json: { drainMs: limits.drainMs },
    timeoutMs: limits.drainMs + limits.proofMs + limits.holderGraceMs,
  });
  if (!(await waitFree(places, limits.holderGraceMs))) throw alreadyRunning(found.status);
}

async function ready(
  places: Places,
  { child, signal }: { child: Child; signal: AbortSignal },
): Promise<StatusReport | undefined> {
  const look = async () => {
    if (signal.aborted) return null;
    const found = await findInstance(places).catch((error: unknown) => {
      // Between taking the lock and writing who has it, the holder is nobody in particular.
      if (error instanceof Failure) return undefined;
      throw error;
    });
    return found?.state === "up" && found.status.pid === child.pid ? found.status : undefined;
  };
  return (await waitFor(look, { ms: limits.readyMs })) ?? undefined;
}

/** The reason why the started process ended: what it said itself, and the end of the log. */
async function notStarted(places: Places, { offset, since }: { offset: number; since: number }): Promise<Failure> {
  const holder = readHolder(places.lock);
  if (holder !== undefined) return alreadyRunning(holder);
  const said = clean(readEnd(places.console, offset) ?? "")
    .split("\n")
    .filter((line) => line !== "");
  const logged = lastLines(places.log, limits.tailLinesMax).filter((line) => isSince(line, since));
  if (said.length === 0 && logged.length === 0 && (await freeBytes(places.stateDir)) < limits.lastWordBytes)
    return new Failure("state", `Cannot start in ${JSON.stringify(places.stateDir)}: the disk is full`, {
      hint: "Free some space and try again",
    });
  const [message = "Cannot start: the process ended without a word", ...hint] = said.slice(-limits.tailLinesMax);
  const lines = [
    ...hint,
    ...(logged.length === 0 ? [] : ["The end of the log:", ...logged.map((line) => clean(readable(line)))]),
  ];
  return new Failure("internal", message, lines.length === 0 ? {} : { hint: lines.join("\n") });
}
