// Between gateway and program: what belongs to one channel in its order, each until it is taken, never too much of it.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { pauseMs } from "./shards.ts";

/** What is to be done about one event. Discord brings it once: what fails is tried again from here. */
export interface Job {
  /** Channel whose order it keeps. */
  lane: string;
  /** It waits only a moment for those before it. */
  urgent?: boolean;
  run(): Promise<void>;
}

export type Lanes = ReturnType<typeof createLanes>;

/** @param signal ends the tries when the adapter closes. */
export function createLanes({ clock, log, signal }: { clock: Clock; log: Log; signal: AbortSignal }) {
  const tails = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  let waiting = 0;

  const attempt = async (job: Job): Promise<void> => {
    for (let count = 1; !signal.aborted; count += 1) {
      try {
        return await job.run();
      } catch (error) {
        // A store that cannot take it now will later; what fails for another reason would fail for ever.
        const hopeless = !(error instanceof Failure && error.code === "store") && count >= limits.receiveTriesMax;
        if (hopeless) return log.error("An event was skipped", { channel: job.lane, error: errorText(error) });
        log.warn("An event could not be taken and is tried again", {
          channel: job.lane,
          count,
          error: errorText(error),
        });
        await clock.sleep(pauseMs(clock, count), signal);
      }
    }
  };

  return {
    /** @returns false when too much waits already: nothing is kept of it then. */
    push(job: Job): boolean {
      if (waiting >= limits.socketPendingMax * (job.urgent === true ? 2 : 1)) return false;
      waiting += 1;
      const before = tails.get(job.lane) ?? Promise.resolve();
      const ready = job.urgent === true ? within(clock, { work: before, ms: limits.receiveSlowMs }) : before;
      const work = ready
        .then(() => attempt(job))
        .finally(() => {
          waiting -= 1;
          running.delete(work);
        });
      running.add(work);
      // What was said after a stop is not meant by it: it comes in when the stop has acted.
      const tail = job.urgent === true ? Promise.all([before, work]) : work;
      tails.set(job.lane, tail);
      void tail.then(() => {
        if (tails.get(job.lane) === tail) tails.delete(job.lane);
      });
      return true;
    },
    waiting: () => waiting,
    /** Resolves when nothing is being taken any more. */
    async settled(): Promise<void> {
      await Promise.all(running);
    },
  };
}
