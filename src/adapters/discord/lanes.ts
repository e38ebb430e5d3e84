// Between gateway and program: what belongs to one channel in its order, each until it is taken, never too much of it.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { isPassing, reasonOf, retryAfterOf } from "./errors.ts";
import { pauseMs } from "./shards.ts";

/** Tries while Discord's API is away: about half an hour. What is behind it would have no answer either. */
const awayTriesMax = 45;

/** What is to be done about one event. Discord brings it once: what fails is tried again from here. */
export interface Job {
  /** Channel whose order it keeps. */
  lane: string;
  /** It waits only a moment for those before it. */
  urgent?: boolean;
  run(): Promise<void>;
}

export type Lanes = ReturnType<typeof createLanes>;

interface LanesDeps {
  clock: Clock;
  log: Log;
  /** Ends the tries when the adapter closes. */
  signal: AbortSignal;
  /** There is room again after something found none: what that was is to be fetched. Never throws. */
  onRoom(): void;
}

export function createLanes({ clock, log, signal, onRoom }: LanesDeps) {
  const tails = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  let waiting = 0;
  let full = false;

  const attempt = async (job: Job): Promise<void> => {
    for (let count = 1; !signal.aborted; count += 1) {
      try {
        return await job.run();
      } catch (error) {
        // A store that cannot take it now will later; what fails for a reason of its own would fail for ever.
        const away = isPassing(error);
        const triesMax = away ? awayTriesMax : limits.receiveTriesMax;
        const said = { channel: job.lane, count, error: away ? reasonOf(error) : errorText(error) };
        if (!(error instanceof Failure && error.code === "store") && count >= triesMax)
          return log.error("An event was skipped", said);
        log[away ? "info" : "warn"]("An event could not be taken and is tried again", said);
        await clock.sleep(Math.max(pauseMs(clock, count), retryAfterOf(error) ?? 0), signal);
      }
    }
  };

  const leave = () => {
    waiting -= 1;
    if (!full || waiting > limits.socketPendingMax / 2) return;
    full = false;
    onRoom();
  };

  return {
    /**
     * @returns false when too much waits already: nothing is kept of it then, nor of what comes until half of that is
     * done, lest it seem that all before it was taken.
     */
    push(job: Job): boolean {
      const max = limits.socketPendingMax * (job.urgent === true ? 2 : 1);
      if (waiting >= max || (full && job.urgent !== true)) {
        if (!full) log.error("Too many events wait; what comes now is fetched later", { waiting });
        full = true;
        return false;
      }
      waiting += 1;
      const before = tails.get(job.lane) ?? Promise.resolve();
      const ready = job.urgent === true ? within(clock, { work: before, ms: limits.receiveSlowMs }) : before;
      const work = ready
        .then(() => attempt(job))
        .finally(() => {
          running.delete(work);
          leave();
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
