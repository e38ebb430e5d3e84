// Between poll and gateway: each conversation in order, nothing confirmed before it is taken, no update in the way for ever.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { updateId } from "./updates.ts";

/** What is to be done about one update. */
export interface Job {
  /** Jobs of one lane run one after the other; a job without a lane runs at once. */
  lane?: string;
  /** It waits only a moment for those before it. */
  urgent?: boolean;
  /** When it throws, the update is not confirmed and comes again. */
  run(): Promise<void>;
}

export interface IntakeDeps {
  clock: Clock;
  log: Log;
  /** What an update asks for; undefined when nothing. Whatever it throws is the update's fault: it is skipped. */
  read(raw: unknown): Job | undefined;
}

/** What came of a batch. */
export interface Taken {
  /** Everything before this number is taken; undefined as long as nothing came. */
  offset: number | undefined;
  /** Something could not be taken: a pause helps before it is fetched again. */
  failed: boolean;
  /** Something is still being taken. */
  busy: boolean;
}

/** The intake of one bot. */
export function createIntake({ clock, log, read }: IntakeDeps) {
  /** Numbers that came and are not confirmed, in the order of their coming. */
  let order: number[] = [];
  let next: number | undefined;
  const done = new Set<number>();
  const running = new Map<number, Promise<boolean>>();
  const tries = new Map<number, number>();
  const lanes = new Map<string, Promise<boolean>>();
  let skipped = 0;
  let failed = false;
  /** Everything before this number was confirmed once. */
  let confirmedTo = 0;

  const skip = (id: number | undefined, reason: string) => {
    skipped += 1;
    log.error("An update was skipped", { update: id, reason, skipped });
  };

  const attempt = async (id: number, job: Job): Promise<boolean> => {
    try {
      await job.run();
    } catch (error) {
      const count = (tries.get(id) ?? 0) + 1;
      tries.set(id, count);
      // A store that cannot take it now will later; what fails for another reason would fail for ever.
      const hopeless = !(error instanceof Failure && error.code === "store") && count >= limits.receiveTriesMax;
      if (!hopeless) {
        failed = true;
        log.warn("An update could not be taken and comes again", { update: id, count, error: errorText(error) });
        return false;
      }
      skip(id, errorText(error));
    }
    tries.delete(id);
    done.add(id);
    return true;
  };

  const start = (id: number, job: Job) => {
    const { lane } = job;
    if (job.urgent === true) return startUrgent(id, job);
    const before = lane === undefined ? undefined : lanes.get(lane);
    // After one that failed, the later ones of its lane wait for their turn to come again.
    const work = before === undefined ? attempt(id, job) : before.then((ok) => (ok ? attempt(id, job) : false));
    running.set(id, work);
    if (lane !== undefined) lanes.set(lane, work);
    void work.then(() => {
      running.delete(id);
      if (lane !== undefined && lanes.get(lane) === work) lanes.delete(lane);
    });
  };

  /** What was said before it should be stored when it acts; what hangs must not keep it from acting. */
  const startUrgent = (id: number, job: Job) => {
    const { lane } = job;
    const before = lane === undefined ? undefined : lanes.get(lane);
    const ready = before === undefined ? undefined : within(clock, { work: before, ms: limits.receiveSlowMs });
    const work = ready === undefined ? attempt(id, job) : ready.then(() => attempt(id, job));
    running.set(id, work);
    // What was said after a stop is not meant by it: it comes in when the stop has acted.
    const both = Promise.all([before ?? true, work]).then((oks) => oks.every(Boolean));
    if (lane !== undefined) lanes.set(lane, both);
    void work.then(() => running.delete(id));
    void both.then(() => {
      if (lane !== undefined && lanes.get(lane) === both) lanes.delete(lane);
    });
  };

  const begin = (raw: unknown) => {
    const id = updateId(raw);
    if (id === undefined) return skip(undefined, "it has no number");
    if (!order.includes(id)) order.push(id);
    if (done.has(id) || running.has(id)) return;
    let job: Job | undefined;
    try {
      job = read(raw);
    } catch (error) {
      skip(id, errorText(error));
    }
    if (job === undefined) done.add(id);
    else start(id, job);
  };

  /** What was given again although it was confirmed, and could not be taken, may not come another time. */
  const forget = (batch: readonly unknown[]) => {
    const given = new Set(batch.map(updateId));
    order = order.filter((id) => id >= confirmedTo || done.has(id) || running.has(id) || given.has(id));
  };

  const confirmed = () => {
    // By number, whatever the order in which they came: all before the offset is gone over there.
    const open = order.filter((id) => !done.has(id));
    if (open.length > 0) next = Math.min(...open);
    else if (order.length > 0) next = Math.max(...order) + 1;
    const to = next ?? 0;
    for (const id of order) if (id < to) done.delete(id);
    order = order.filter((id) => id >= to);
    confirmedTo = Math.max(confirmedTo, next ?? 0);
    return next;
  };

  return {
    /** Takes what a poll brought. Resolves when all of it is taken, or a while later while something takes long. */
    async take(batch: readonly unknown[]): Promise<Taken> {
      failed = false;
      for (const raw of batch) begin(raw);
      forget(batch);
      if (running.size > 0) {
        await within(clock, { work: Promise.all(running.values()), ms: limits.receiveSlowMs });
      }
      return { offset: confirmed(), failed, busy: running.size > 0 };
    },
    /** Resolves when nothing is being taken any more, with the number before which everything is. */
    async settled(): Promise<number | undefined> {
      await Promise.all(running.values());
      return confirmed();
    },
  };
}
