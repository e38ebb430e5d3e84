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
import { findPlaces, type LaunchArgs, launchArguments, loadLaunchConfig, type Places } from "./places.ts";
import { selfCommand } from "./self.ts";
import { type Service, serviceOf } from "./service/control.ts";
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
  const places = findPlaces(args);
  const service = serviceOf(places.stateDir);
  if (service !== undefined) {
    await checkSettings(args, service);
    await takeOver(places, io);
    return await launchService(service, { args, places });
  }
  const config = await loadLaunchConfig(args);
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

/**
 * Refuses wrong settings before anything is stopped or started. Of another user's service root does not read them: a
 * state folder is its owner's alone. @throws Failure `state` or `settings`.
 */
export async function checkSettings(args: LaunchArgs, service: Service | undefined): Promise<void> {
  const owner = statSync(findPlaces(args).stateDir, { throwIfNoEntry: false })?.uid ?? 0;
  const anothers = service?.unit.scope === "system" && process.getuid?.() === 0 && owner !== 0;
  if (!anothers) await loadLaunchConfig(args);
}

/**
 * What a service starts with stands in its unit and in the settings.
 * @throws Failure `usage` for options that would have to be in either.
 */
export function refuseOtherWays(
  { unit }: Service,
  { args, places }: { args: LaunchArgs; places: Pick<Places, "settings"> },
): void {
  const { workspace, model, sandbox, isolation } = args;
  const given = Object.entries({ workspace, model, sandbox, isolation }).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new Failure("usage", `Cannot start with another ${given[0]}: ${unit.name} starts it as its unit says`, {
    hint: `Write it into ${places.settings}, or stop the service and use: remoteagent run`,
  });
}

/** Our unit owns the state folder, so the service manager starts it, and knows of it from then on. */
async function launchService(
  service: Service,
  { args, places }: { args: LaunchArgs; places: Places },
): Promise<Launched> {
  refuseOtherWays(service, { args, places });
  await service.start();
  const report = await waitFor(
    async () => {
      const found = await findInstance(places);
      return found.state === "up" ? found.status : undefined;
    },
    { ms: limits.readyMs },
  );
  if (report !== undefined) return { pid: report.pid, report };
  throw new Failure("internal", `Cannot tell whether it started: ${service.unit.name} does not answer`, {
    hint: "See what it does: remoteagent service status",
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
