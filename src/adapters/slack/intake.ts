// Between socket and gateway: each conversation in order, nothing acknowledged before it is taken, each happening once at a time.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";

/** What is to be done about one happening. */
export interface Job {
  /** The same happening, sent again. */
  key: string;
  /** Jobs of one lane run one after the other; a job without a lane runs at once. */
  lane?: string;
  /** It waits only a moment for those before it. */
  urgent?: boolean;
  /** When it throws, the happening was not taken. */
  run(): Promise<void>;
}

export type Intake = ReturnType<typeof createIntake>;

export function createIntake({ clock, log }: { clock: Clock; log: Log }) {
  const running = new Map<string, Promise<boolean>>();
  const lanes = new Map<string, Promise<void>>();

  const attempt = async ({ key, run }: Job): Promise<boolean> => {
    try {
      await run();
      return true;
    } catch (error) {
      log.warn("A happening could not be taken and comes again", { key, error: errorText(error) });
      return false;
    }
  };
  /** Puts `work` at the end of a lane. */
  const follow = (lane: string, work: Promise<unknown>) => {
    const end = Promise.all([lanes.get(lane), work]).then(() => undefined);
    lanes.set(lane, end);
    void end.then(() => {
      if (lanes.get(lane) === end) lanes.delete(lane);
    });
  };
  const begin = async (job: Job): Promise<boolean> => {
    const before = job.lane === undefined ? undefined : lanes.get(job.lane);
    if (before !== undefined) {
      if (job.urgent === true) await within(clock, { work: before, ms: limits.receiveSlowMs });
      else await before;
    }
    return await attempt(job);
  };

  return {
    /** @returns whether it was taken, and may be acknowledged. The same again joins the one that runs. */
    take(job: Job): Promise<boolean> {
      const known = running.get(job.key);
      if (known !== undefined) return known;
      if (running.size >= limits.socketPendingMax) {
        log.warn("Too much waits to be taken; this comes again", { key: job.key });
        return Promise.resolve(false);
      }
      const work = begin(job).finally(() => running.delete(job.key));
      running.set(job.key, work);
      if (job.lane !== undefined) follow(job.lane, work);
      return work;
    },
    /** What comes in a lane from now on waits for `work`, but no longer than a bound. */
    hold(lane: string, work: Promise<unknown>): void {
      follow(lane, within(clock, { work: work.catch(() => undefined), ms: limits.gapWaitMs }));
    },
    async settled(): Promise<void> {
      await Promise.all(running.values());
    },
  };
}
