// `run`: the instance in the foreground, told to systemd, ended by a signal or over its socket.
import { systemEnvironment } from "../config/load.ts";
import { limits } from "../core/limits.ts";
import { systemClock } from "../sys/clock.ts";
import { createNotify, type Notify } from "../sys/notify.ts";
import { guardAgainstCrashes } from "./crash.ts";
import { type Embodied, embody } from "./embody.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import { type LaunchArgs, launchArgs, loadLaunchConfig } from "./places.ts";
import { feed, statusWords } from "./service/feed.ts";
import { verb } from "./verb.ts";

export const run = verb({
  name: "run",
  summary: "Run in the foreground, for systemd and containers",
  args: {
    ...launchArgs,
    background: { type: "boolean", description: "Log to the file alone, as start does" },
  },
  notes: [
    "SIGTERM and SIGINT let running turns finish, a second one ends them at once.",
    "Exit code: 0 after a stop, 78 when another start would end the same way (wrong settings, a newer or damaged",
    "database, an unsafe state folder, already running), 1 for everything else",
  ].join("\n"),
  run: (args, io) => runForeground(args, io),
});

/** Runs until it is stopped, and gives the exit code. @throws Failure when it cannot start. */
export async function runForeground(args: LaunchArgs & { background?: boolean }, io: Io): Promise<number> {
  const env = systemEnvironment();
  const notify = createNotify({
    socket: env.NOTIFY_SOCKET,
    watchdogUsec: env.WATCHDOG_USEC,
    watchdogPid: env.WATCHDOG_PID,
  });
  const config = await loadLaunchConfig(args);
  const foreground = args.background !== true;
  // Begun only once somebody listens to signals: from the lock on, an end is an orderly one.
  const starting = Promise.resolve().then(() => embody(config, { alone: false, foreground }));
  const release = listen(starting, notify);
  const over = new AbortController();
  try {
    const { app, log, ended } = await starting;
    notify.ready(statusWords(app.status()));
    void feed({ notify, clock: systemClock, log, pulse: app.pulse, status: app.status }, over.signal);
    log.info("ready", { pid: process.pid, version: app.status().version, model: app.status().model });
    if (foreground && io.interactive) io.err("RemoteAgent runs here; Ctrl-C stops it\n");
    await ended;
  } finally {
    over.abort();
    release();
  }
  return exit.done;
}

/**
 * Signals, and what nobody caught, from the first moment on: whoever asks for the end while it starts gets a stop right
 * after the start. @returns the function that lets go of them all.
 */
function listen(starting: Promise<Embodied>, notify: Notify): () => void {
  let signals = 0;
  let log: Embodied["log"] | undefined;
  // A start that fails is told by whoever waits for it.
  const started = starting.catch(() => undefined);
  void started.then((embodied) => {
    log = embodied?.log;
  });
  const guard = guardAgainstCrashes({ log: () => log });
  const end = async (drainMs: number) => {
    notify.stopping(drainMs > 0 ? "Lets running turns finish" : "Ends");
    try {
      await (await started)?.app.stop({ drainMs, reason: "stop" });
    } catch (error) {
      guard.crash("stop failed", error);
    }
  };
  const onSignal = (signal: NodeJS.Signals) => {
    signals += 1;
    log?.info("signal", { signal, times: signals });
    // The third one is for those who have no more patience: the store survives any end.
    if (signals > 2) process.exit(exit.failed);
    void end(signals === 1 ? limits.drainMs : 0);
  };
  const names = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const name of names) process.on(name, onSignal);
  return () => {
    for (const name of names) process.off(name, onSignal);
    guard.release();
  };
}
