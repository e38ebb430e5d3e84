// Between poll and gateway: each conversation in order, nothing confirmed before it is taken, no update in the way for ever.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Behind } from "../../core/succession.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { updateId } from "./updates.ts";

/** What is to be done about one update. */
export interface Job {
  /** Jobs of one lane run one after the other; a job without a lane runs at once. */
  lane?: string;
  /** It waits only a moment for those before it. */
  urgent?: boolean;
  /** It is begun as soon as it cannot overtake those before it any more, and waits for more by itself where it must. */
  follows?: boolean;
  /** When it throws, the update is not confirmed and comes again. */
  run(behind: Behind): Promise<void>;
}

/** What is under way in a lane. */
interface Lane extends Pick<Behind, "succession" | "before"> {
  /** Resolves when none of it can be overtaken any more. */
  placedAll: Promise<unknown>;
  /** How many jobs are not over. */
  open: number;
}

function nothingBefore(): Behind {
  return { succession: { broken: false }, before: Promise.resolve(), placed: () => undefined };
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
  const lanes = new Map<string, Lane>();
  let skipped = 0;
  let failed = false;
  /** Everything before this number was confirmed once. */
  let confirmedTo = 0;

  const skip = (id: number | undefined, reason: string) => {
    skipped += 1;
    log.error("An update was skipped", { update: id, reason, skipped });
  };

  const attempt = async (id: number, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
    } catch (error) {
      // A store that cannot take it now will later; what fails for another reason would fail for ever.
      const hopeful = error instanceof Failure && error.code === "store";
      const count = (tries.get(id) ?? 0) + (hopeful ? 0 : 1);
      tries.set(id, count);
      if (hopeful || count < limits.receiveTriesMax) {
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
    const work =
      job.lane === undefined ? attempt(id, () => job.run(nothingBefore())) : inLane(id, { ...job, lane: job.lane });
    running.set(id, work);
    void work.then(() => running.delete(id));
  };

  /** Begins a job behind those of its lane: as soon as they are over, or, when it follows, as soon as none is overtaken. */
  const inLane = (id: number, { lane, run, follows = false, urgent = false }: Job & { lane: string }) => {
    const row: Lane = lanes.get(lane) ?? { ...nothingBefore(), placedAll: Promise.resolve(), open: 0 };
    lanes.set(lane, row);
    const { succession, before } = row;
    const placed = Promise.withResolvers<void>();
    const go = () => attempt(id, () => run({ succession, before, placed: placed.resolve }));
    // After one that failed, the later ones of its lane wait for their turn to come again; a stop does not.
    const inTurn = () => (succession.broken ? false : go());
    const work =
      row.open === 0
        ? go()
        : urgent
          ? within(clock, { work: before, ms: limits.receiveSlowMs }).then(go)
          : (follows ? row.placedAll : before).then(inTurn);
    row.open += 1;
    const over = work.then((ok) => {
      if (!ok) succession.broken = true;
      row.open -= 1;
      if (row.open === 0) lanes.delete(lane);
    });
    row.before = Promise.all([before, over]).then(() => undefined);
    // What was said after a stop is not meant by it: it comes in when the stop has acted.
    row.placedAll = urgent ? row.before : Promise.race([placed.promise, over]);
    return work;
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
