// Has the instance run with the settings as they are now, and waits until a bot of theirs is connected.
import { statSync } from "node:fs";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { StatusReport } from "../../core/status.ts";
import { systemClock } from "../../sys/clock.ts";
import { exit } from "../exit.ts";
import { alreadyRunning, findInstance, notRunning } from "../instance.ts";
import type { Io } from "../io.ts";
import type { Places } from "../places.ts";
import type { Talk } from "./prompt.ts";

/** How one goes on by hand. */
export type Way = "runs" | "start" | "restart";

/** What is missing for the instance to run with these settings. @throws Failure `already-running` when it is deaf. */
export async function missingStep(places: Places, ...names: readonly string[]): Promise<Way> {
  const found = await findInstance(places);
  if (found.state === "deaf") throw alreadyRunning(found.holder);
  if (found.state === "none" || found.status.alone) return "start";
  const { adapters, startedAt } = found.status;
  // Settings are read once, at the start.
  const old = (statSync(places.settings, { throwIfNoEntry: false })?.mtimeMs ?? 0) > startedAt;
  const known = names.every((adapter) => adapters.some(({ name }) => name === adapter));
  return old || !known ? "restart" : "runs";
}

/** Starts or restarts it, through the service manager where a unit of ours owns the state folder. @throws Failure */
export async function bringUp(way: Way, { places, io }: { places: Places; io: Io }): Promise<void> {
  if (way === "runs") return;
  const flags = [`--state-dir=${places.stateDir}`];
  const { run } = way === "start" ? (await import("../start.ts")).start : (await import("../restart.ts")).restart;
  if ((await run(flags, io)) !== exit.done) throw notRunning();
}

/** Installs the service, which starts it. @throws Failure */
export async function installService({ places, io }: { places: Places; io: Io }): Promise<void> {
  const { service } = await import("../service.ts");
  const code = await service.run(["install", `--state-dir=${places.stateDir}`], io);
  if (code !== exit.done) throw notRunning();
}

/** True where a service could be installed and none is there yet. */
export async function mayInstall({ stateDir }: Places): Promise<boolean> {
  const [{ systemHost }, { serviceOf }] = await Promise.all([
    import("../service/host.ts"),
    import("../service/control.ts"),
  ]);
  return systemHost().booted && serviceOf(stateDir) === undefined;
}

/** Waits until the bot is connected. @throws Failure with the instance's own reason when it is not. */
export async function waitConnected(
  talk: Talk,
  { places, adapter }: { places: Places; adapter: string },
): Promise<void> {
  const seen = await watch(talk, {
    ms: limits.setupConnectMs,
    text: () => "Connecting …",
    async look() {
      const one = await lineOf(places, adapter);
      return one?.state === "connecting" ? undefined : one;
    },
  });
  if (seen?.state === "connected") return;
  throw new Failure("internal", `Cannot connect ${JSON.stringify(adapter)}: ${seen?.reason ?? "it does not say why"}`, {
    hint: "remoteagent status and remoteagent doctor show how it is; remoteagent setup goes on from here",
  });
}

/** How the running instance says that a bot is. @throws Failure `not-running`. */
async function lineOf(places: Places, adapter: string): Promise<StatusReport["adapters"][number] | undefined> {
  const found = await findInstance(places);
  if (found.state !== "up") throw notRunning();
  return found.status.adapters.find(({ name }) => name === adapter);
}

/** What is waited for, in milliseconds. `text` is shown meanwhile. */
interface Watch<Seen> {
  ms: number;
  everyMs?: number;
  text(leftMs: number): string;
  look(): Promise<Seen | undefined>;
}

/** Looks again and again until there is something to see; undefined when there was not in time. */
export async function watch<Seen>(
  talk: Talk,
  { ms, everyMs = limits.setupLookMs, text, look }: Watch<Seen>,
): Promise<Seen | undefined> {
  const end = systemClock.monotonic() + ms;
  try {
    return await talk.during(async (signal) => {
      for (;;) {
        const seen = await look();
        const leftMs = end - systemClock.monotonic();
        if (seen !== undefined || leftMs <= 0 || signal.aborted) return seen;
        talk.progress(text(leftMs));
        await systemClock.sleep(everyMs, signal);
      }
    });
  } finally {
    talk.progress(undefined);
  }
}
