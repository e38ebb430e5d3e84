// This process becomes the instance, for `run` and for a chat that works alone: lock, log, then the app.
import type { App } from "../app/options.ts";
import type { Config } from "../config/load.ts";
import { programVersion } from "../core/build.ts";
import { systemClock } from "../sys/clock.ts";
import { acquireLock } from "../sys/lock.ts";
import type { Log } from "../sys/log.ts";
import { alreadyRunning } from "./instance.ts";
import { openLog } from "./open-log.ts";
import { placesIn } from "./places.ts";

/** The running app. `ended` resolves when it is closed, the log is written and the lock is free. */
export interface Embodied {
  app: App;
  log: Log;
  ended: Promise<void>;
}

/**
 * Takes the lock and starts the app in this process.
 * @throws Failure `already-running` naming the holder, or why a part cannot start; then nothing stays behind.
 */
export async function embody(
  config: Config,
  { alone, foreground }: { alone: boolean; foreground: boolean },
): Promise<Embodied> {
  const places = placesIn(config.stateDir);
  const facts = { pid: process.pid, startedAt: systemClock.now(), alone, version: programVersion };
  const lock = acquireLock(places.lock, facts);
  if (!lock.held) throw alreadyRunning(lock.holder);
  let close = (): void => lock.release();
  try {
    const opened = openLog(config, { places, foreground });
    close = () => {
      opened.close();
      lock.release();
    };
    const { log } = opened;
    for (const { path, value, message } of config.problems) log.warn(`${path}: ${message}`, { value });
    // Loaded only now: what is refused is refused quickly.
    const { startApp } = await import("../app.ts");
    const app = await startApp({ config, alone, version: programVersion, log, clock: systemClock });
    return { app, log, ended: app.closed.finally(close) };
  } catch (error) {
    close();
    throw error;
  }
}
