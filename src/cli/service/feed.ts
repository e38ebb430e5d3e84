// What the service manager hears of a running program: how it is, and that its main loop makes progress.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { StatusReport } from "../../core/status.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Notify } from "../../sys/notify.ts";

/** What is fed from. */
export interface Feed {
  notify: Notify;
  clock: Clock;
  log: Log;
  /** Resolves when everything has moved that must move for work to be done (see `App.pulse`). */
  pulse(): Promise<void>;
  status(): Pick<StatusReport, "model" | "turns" | "waiting">;
}

/** Signs of life within one watchdog time, so that a late one is no death. */
const signsPerWatchdog = 3;

/**
 * Feeds the watchdog until `signal` aborts. A sign follows only on a pulse that came back: while the loop, the store or
 * the scheduler hangs, there is none, and the service manager starts the program anew. A pulse that fails is none either.
 */
export async function feed({ notify, clock, log, pulse, status }: Feed, signal: AbortSignal): Promise<void> {
  if (!notify.present) return;
  const everyMs = Math.min(limits.serviceStatusMs, (notify.watchdogMs ?? Number.POSITIVE_INFINITY) / signsPerWatchdog);
  let failing = false;
  let said = "";
  while (!signal.aborted) {
    try {
      await pulse();
      if (signal.aborted) return;
      if (notify.watchdogMs !== undefined) notify.watchdog();
      failing = false;
      const words = statusWords(status());
      if (words !== said) notify.status(words);
      said = words;
    } catch (error) {
      // Once, however often it fails: the log may be what is broken.
      if (!failing && !signal.aborted) log.error("The program makes no progress", { error: errorText(error) });
      failing = true;
    }
    await clock.sleep(everyMs, signal);
  }
}

/** One line for `systemctl status`. */
export function statusWords({ model, turns, waiting }: Pick<StatusReport, "model" | "turns" | "waiting">): string {
  const running = turns.length === 0 ? "idle" : turns.length === 1 ? "1 turn runs" : `${turns.length} turns run`;
  const queued = waiting === 0 ? "" : waiting === 1 ? ", 1 message waits" : `, ${waiting} messages wait`;
  return `${model}: ${running}${queued}`;
}
