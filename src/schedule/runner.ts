// Events on their way to the gateway: folder → store → claimed run → Inbound. One pass at a time.
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Address, Message, Receipt, Sender } from "../core/message.ts";
import type { ScheduleRow, Schedules } from "../store/schedules.ts";
import { localTimeZone, nextDue } from "../sys/calendar.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { joinSignals } from "../sys/signals.ts";
import type { ToolContext } from "../tools/tool.ts";
import { createDesk } from "./desk.ts";
import { firstDue, judge, type Verdict } from "./due.ts";
import { type EventSpec, type EventTarget, parseEvent } from "./parse.ts";
import { type EventFile, openEventsFolder } from "./watch.ts";

/** What the scheduler works with. */
export interface SchedulerDeps {
  /** The workspace's events/ folder. */
  eventsDir: string;
  store: Schedules;
  clock: Clock;
  log: Log;
  /** Zone of periodic events that name none; the machine's own when left out. */
  timezone?: string;
  /** The gateway. An event whose id it has seen is a duplicate and does not run again. */
  receive(event: Message): Promise<Receipt>;
  /** Which conversation a file means, or one sentence why there is none. */
  resolve(target: EventTarget): Pick<Address, "adapter" | "conversation"> | { problem: string };
}

/** Runs what stands in the events folder. */
export interface Scheduler {
  /** Looks at the folder for the first time, hands over what is due, and goes on by itself. */
  start(): Promise<void>;
  /** What the schedule tool does, for one conversation and whoever asks. */
  of(address: Address, requester: Sender): ToolContext["schedule"];
  /** Resolves when the passes that are under way now are over: a scheduler that hangs never does. */
  settled(): Promise<void>;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/** A scheduler over the folder; nothing happens before `start`. */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  const { clock, log } = deps;
  const timezone = deps.timezone ?? localTimeZone();
  const folder = openEventsFolder(deps.eventsDir, { log });
  const pass = createPass({ ...deps, timezone, folder });
  const stop = new AbortController();
  let waking = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  /** One pass after the other: the folder and the rows are never judged twice at once. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const next = running.then(work);
    running = next.catch(() => undefined);
    return next;
  };
  const guarded = async (): Promise<number> => {
    try {
      return await inTurn(pass);
    } catch (error) {
      log.error("Cannot look after events", { error: errorText(error) });
      return limits.eventWakeMs;
    }
  };
  const loop = async (firstMs: number): Promise<void> => {
    let waitMs = firstMs;
    while (!stop.signal.aborted) {
      const awake = new AbortController();
      await clock.sleep(waitMs, joinSignals([stop.signal, waking.signal], awake.signal));
      awake.abort();
      if (waking.signal.aborted) {
        waking = new AbortController();
        // One save is several happenings.
        await clock.sleep(limits.eventDebounceMs, stop.signal);
      }
      if (!stop.signal.aborted) waitMs = await guarded();
    }
  };
  let looping: Promise<void> | undefined;
  let watcher: { close(): void } | undefined;
  return {
    async start() {
      watcher = folder.watch(() => waking.abort());
      const waitMs = await guarded();
      looping = loop(waitMs);
    },
    of: (address, requester) =>
      createDesk({
        ...deps,
        timezone,
        folder,
        address,
        requester,
        refresh: () => inTurn(pass.scan),
        wake: () => waking.abort(),
      }),
    async settled() {
      await running;
    },
    async close() {
      watcher?.close();
      stop.abort();
      await looping;
      await running;
    },
  };
}

/** One look at folder and clock; resolves with the milliseconds until the next one is needed. `scan` is its first half. */
interface Pass {
  (): Promise<number>;
  scan(): Promise<void>;
}

interface PassDeps extends SchedulerDeps {
  timezone: string;
  folder: ReturnType<typeof openEventsFolder>;
}

function createPass(deps: PassDeps): Pass {
  const { store, clock, folder, log } = deps;
  // A file that cannot be read may still be on its way to the disk: judged when it has stayed so for a while.
  const doubtful = new Map<string, { hash: string; since: number }>();

  const take = async (found: EventFile): Promise<void> => {
    const parsed = found.problem === undefined ? parseEvent(found.text, deps) : { problems: [found.problem] };
    const problems = "problems" in parsed ? parsed.problems : unresolved(deps.resolve(parsed.spec.target));
    if (problems.length > 0) return await doubt(found, problems);
    doubtful.delete(found.file);
    if (!("spec" in parsed)) return;
    const nextAt = firstDue(parsed.spec, { now: clock.now(), writtenAt: found.writtenAt });
    store.put({ file: found.file, hash: found.hash, spec: parsed.spec, nextAt });
    log.info("Scheduled an event", { file: found.file, nextAt });
  };

  const doubt = async ({ file, hash }: EventFile, problems: string[]): Promise<void> => {
    const before = doubtful.get(file);
    if (before?.hash !== hash) {
      doubtful.set(file, { hash, since: clock.monotonic() });
    } else if (clock.monotonic() - before.since >= limits.eventSettleMs) {
      doubtful.delete(file);
      log.warn("Cannot use an event file", { file, problems });
      await folder.setAside(file, { as: "invalid", reason: problems.join("\n") });
      store.remove(file);
    }
  };

  const scan = async (): Promise<void> => {
    const rows = new Map(store.all().map((row) => [row.file, row]));
    const files = await folder.list();
    for (const found of files) {
      const row = rows.get(found.file);
      rows.delete(found.file);
      if (row?.hash === found.hash) doubtful.delete(found.file);
      else await attempt(log, { file: found.file, work: () => take(found) });
    }
    for (const file of rows.keys()) {
      store.remove(file);
      log.info("Cancelled an event: its file is gone", { file });
    }
    const there = new Set(files.map((found) => found.file));
    for (const file of doubtful.keys()) if (!there.has(file)) doubtful.delete(file);
  };

  const pass = async (): Promise<number> => {
    await scan();
    for (const row of store.all()) await attempt(log, { file: row.file, work: () => attend(deps, row) });
    const now = clock.now();
    const waits = store
      .all()
      .map(({ nextAt }) => (nextAt !== null && nextAt > now ? nextAt - now : limits.eventWakeMs));
    return Math.min(limits.eventWakeMs, ...waits, ...(doubtful.size > 0 ? [limits.eventSettleMs] : []));
  };
  return Object.assign(pass, { scan });
}

function unresolved(found: ReturnType<SchedulerDeps["resolve"]>): string[] {
  return "problem" in found ? [found.problem] : [];
}

/** One broken event does not keep the others waiting; it is tried again at the next look. */
async function attempt(log: Log, { file, work }: { file: string; work: () => Promise<void> }): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error("Cannot look after an event", { file, error: errorText(error) });
  }
}

/** Hands over what was claimed before, then what is due now. */
async function attend(deps: PassDeps, row: ScheduleRow): Promise<void> {
  const { store, clock } = deps;
  const spec = row.spec as EventSpec;
  if (row.claimedAt !== null) {
    const over = await handOver(deps, { row, spec, due: row.claimedAt, nextAt: row.nextAt });
    if (!over) return;
  }
  if (row.nextAt === null) return spec.time.type === "periodic" ? undefined : await finish(deps, row);
  const now = clock.now();
  const dueAt = soonest(spec, { nextAt: row.nextAt, now });
  if (dueAt > now) {
    if (dueAt !== row.nextAt) store.move(row.file, dueAt);
    return;
  }
  const verdict = judge(spec, { dueAt, now });
  if (verdict.runs.length === 0) return await skip(deps, { row, spec, dueAt, verdict });
  for (const [index, due] of verdict.runs.entries()) {
    const nextAt = verdict.runs[index + 1] ?? verdict.nextAt;
    if (!store.claim({ file: row.file, hash: row.hash, due, nextAt })) return;
    if (!(await handOver(deps, { row, spec, due, nextAt }))) return;
  }
  if (verdict.nextAt === null) await finish(deps, row);
}

/** Nothing is run, for what was due is too long ago. */
async function skip(
  deps: PassDeps,
  { row, spec, dueAt, verdict }: { row: ScheduleRow; spec: EventSpec; dueAt: number; verdict: Verdict },
): Promise<void> {
  const { file } = row;
  if (verdict.missedMs !== undefined) {
    deps.log.warn("Missed an event", { file, lateMs: verdict.missedMs, catchUp: spec.catchUp });
  }
  if (spec.time.type === "periodic") return deps.store.move(file, verdict.nextAt);
  await miss(deps, row, `It was due at ${new Date(dueAt).toISOString()}, and remoteagent did not run then`);
}

/** After a clock that was wrong for a while, what was planned by it would be due much too late. */
function soonest({ time }: EventSpec, { nextAt, now }: { nextAt: number; now: number }): number {
  return time.type === "periodic" && nextAt > now ? Math.min(nextAt, nextDue(time, now) ?? nextAt) : nextAt;
}

/** A run that is claimed, and when the event is due after it. */
interface Claimed {
  row: ScheduleRow;
  spec: EventSpec;
  due: number;
  nextAt: number | null;
}

/** True when the run is over: the gateway has it, or it was too late for it. Else it stays claimed and is tried again. */
async function handOver(deps: PassDeps, { row, spec, due, nextAt }: Claimed): Promise<boolean> {
  const { store, clock, log } = deps;
  const refusal = await tryOnce(deps, { file: row.file, spec, due });
  if (refusal === undefined) {
    store.release(row.file);
    return true;
  }
  const now = clock.now();
  const lateMs = now - due;
  log.warn("An event was not taken", { file: row.file, reason: refusal, lateMs });
  const periodic = spec.time.type === "periodic";
  const patienceMs = periodic && nextAt !== null ? Math.max(0, nextAt - due) : limits.eventCatchUpMs;
  if (lateMs <= patienceMs) return false;
  if (!periodic) {
    await miss(deps, row, `It was not taken for ${Math.round(lateMs / 3_600_000)} hours. ${refusal}`);
    return false;
  }
  store.release(row.file);
  return true;
}

/** Why it was not taken, if it was not. */
async function tryOnce(
  deps: PassDeps,
  { file, spec, due }: { file: string; spec: EventSpec; due: number },
): Promise<string | undefined> {
  const address = deps.resolve(spec.target);
  if ("problem" in address) return address.problem;
  try {
    const receipt = await deps.receive({
      ...address,
      ...(spec.thread === undefined ? {} : { thread: spec.thread }),
      kind: "message",
      // The same run has the same id whenever it is handed over: the gateway takes it once.
      id: `event:${file}:${due}`,
      // A file that names nobody was put there by the machine's own user.
      sender: spec.user === undefined ? { id: "event", name: "event", own: true } : { id: spec.user, name: spec.user },
      sentAt: due,
      text: spec.text,
      addressed: true,
      event: file,
      ...(spec.session === "fresh" ? { fresh: true } : {}),
    });
    return receipt.state === "refused" ? receipt.reason : undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** A file that has had its time goes; one that was changed meanwhile is a new event. */
async function finish({ folder, store }: PassDeps, { file, hash }: ScheduleRow): Promise<void> {
  await folder.remove(file, hash);
  store.remove(file);
}

async function miss({ folder, store }: PassDeps, { file }: ScheduleRow, reason: string): Promise<void> {
  await folder.setAside(file, { as: "missed", reason });
  store.remove(file);
}
