// Signs of life in the store: by them the next start knows whether this one lived.
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Starts } from "../store/starts.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** Notes now and then that the program lives; `onLived` is called once, when this was no short life. */
export async function keepAlive(
  { clock, log, starts, onLived }: { clock: Clock; log: Log; starts: Starts; onLived: () => void },
  { start, signal }: { start: number; signal: AbortSignal },
): Promise<void> {
  for (let waitMs: number = limits.startLifeMs; ; waitMs = limits.aliveEveryMs) {
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    try {
      starts.alive(start, clock.now());
      if (waitMs === limits.startLifeMs) onLived();
    } catch (error) {
      log.warn("Cannot note a sign of life", { error: errorText(error) });
    }
  }
}
