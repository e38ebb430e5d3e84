// Which conversation's turn it is: many at a time on each platform, each with one call, in turns.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import type { AdapterHandle } from "../handle.ts";
import { backoffMs, type SendingDeps, settleUnknown } from "./fates.ts";
import { createLane, type Lane, type LaneDeps, next } from "./lane.ts";
import { perform, type Verdict } from "./sending.ts";

/** One attached platform, and how it does. Times are monotonic. */
interface Door {
  handle: AdapterHandle | undefined;
  notBefore: number;
  failures: number;
  inFlight: number;
  ready: Lane[];
  timer: AbortController | undefined;
}

/** The lanes of all platforms. In memory is only what is under way. */
export function createTraffic(deps: SendingDeps) {
  const { store, clock, log } = deps;
  const { deliveries } = store;
  const laneDeps = laneDepsOf(deps);
  const doors = new Map<string, Door>();
  const lanes = new Map<string, Lane>();
  let closed = false;
  let quiet: (() => void) | undefined;

  const doorOf = (adapter: string): Door => {
    const known = doors.get(adapter);
    if (known !== undefined) return known;
    const door = { handle: undefined, notBefore: 0, failures: 0, inFlight: 0, ready: [], timer: undefined };
    doors.set(adapter, door);
    return door;
  };
  const keyOf = (adapter: string, conversation: string) => JSON.stringify([adapter, conversation]);
  const laneOf = (adapter: string, conversation: string): Lane => {
    const key = keyOf(adapter, conversation);
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const lane = createLane(adapter, conversation);
    lanes.set(key, lane);
    return lane;
  };
  const forget = (lane: Lane) => {
    const key = keyOf(lane.adapter, lane.conversation);
    if (lane.forming.size === 0 && lanes.get(key) === lane) lanes.delete(key);
    const { heir } = lane;
    lane.heir = undefined;
    if (heir !== undefined) {
      heir.before = undefined;
      queue(heir);
    }
  };

  /** Puts a lane where its turn comes. */
  const queue = (lane: Lane): void => {
    lane.timer?.abort();
    lane.timer = undefined;
    if (closed || lane.busy || lane.queued || lane.before?.busy === true) return;
    const door = doorOf(lane.adapter);
    if (door.handle === undefined) {
      forget(lane);
      return;
    }
    lane.queued = true;
    door.ready.push(lane);
    pump(door);
  };

  /** As many conversations at a time as the bound allows, each with one call, in turns. */
  const pump = (door: Door): void => {
    while (!closed && door.handle !== undefined && door.ready.length > 0) {
      if (door.inFlight >= limits.deliveriesParallelMax) return;
      const left = door.notBefore - clock.monotonic();
      if (left > 0) {
        door.timer ??= after(left, () => {
          door.timer = undefined;
          pump(door);
        });
        return;
      }
      const lane = door.ready.shift();
      if (lane === undefined) return;
      lane.queued = false;
      if (lane.before?.busy === true) continue;
      step(door, { lane, handle: door.handle });
    }
    if (idle()) quiet?.();
  };
  const idle = () => [...doors.values()].every(({ ready, inFlight }) => ready.length === 0 && inFlight === 0);

  /** The next thing of one conversation: a call, or a wait, or nothing any more. */
  const step = (door: Door, { lane, handle }: { lane: Lane; handle: AdapterHandle }): void => {
    try {
      const found = next(laneDeps, { lane, handle });
      if ("waitMs" in found) {
        if (found.waitMs === undefined) forget(lane);
        else lane.timer = after(found.waitMs, () => queue(lane));
        return;
      }
      lane.busy = true;
      door.inFlight += 1;
      const { action } = found;
      const editAgainMs =
        action.type === "form" ? editAgain(handle, { lanes: lanes.values(), now: clock.monotonic() }) : 0;
      void perform(deps, { lane, handle, action, away: door.failures > 0, editAgainMs })
        .then(
          (verdict) => {
            lane.failures = 0;
            judge(door, verdict);
          },
          (error) => troubled(lane, error),
        )
        .then(() => {
          lane.busy = false;
          door.inFlight -= 1;
          queue(lane);
          pump(door);
        });
    } catch (error) {
      troubled(lane, error);
      lane.timer = after(lane.notBefore - clock.monotonic(), () => queue(lane));
    }
  };

  /** A full disk: what is stored waits, and so does what could not be. */
  const troubled = (lane: Lane, error: unknown): void => {
    log.error("Cannot store what became of a delivery", { adapter: lane.adapter, error: errorText(error) });
    lane.notBefore = clock.monotonic() + backoffMs(clock, lane.failures);
    lane.failures += 1;
  };

  /** A whole platform that does not work is left alone for a while, however many messages wait for it. */
  const judge = (door: Door, verdict: Verdict | undefined): void => {
    if (verdict === undefined) {
      door.failures = 0;
      return;
    }
    const asked = Math.min(verdict.retryAfterMs ?? 0, limits.deliveryWaitMsMax);
    const until = clock.monotonic() + Math.max(asked, backoffMs(clock, door.failures));
    // Many calls of one moment fail together: they are one failure.
    if (clock.monotonic() >= door.notBefore) door.failures += 1;
    door.notBefore = Math.max(door.notBefore, until);
  };

  const after = (ms: number, work: () => void): AbortController => {
    const timer = new AbortController();
    void clock.sleep(Math.max(0, ms), timer.signal).then(() => {
      if (!timer.signal.aborted) work();
    });
    return timer;
  };

  return {
    laneDeps,
    queue,
    laneOf,
    handleOf: (adapter: string) => doors.get(adapter)?.handle,
    /** True while a platform, or a conversation of it, wants quiet, or is not there. */
    mute(adapter: string, conversation: string): boolean {
      const door = doors.get(adapter);
      const lane = lanes.get(keyOf(adapter, conversation));
      const now = clock.monotonic();
      return closed || door?.handle === undefined || now < door.notBefore || now < (lane?.notBefore ?? 0);
    },
    /** From now on messages go out there. */
    attach(handle: AdapterHandle): void {
      const door = doorOf(handle.name);
      Object.assign(door, { handle, notBefore: 0, failures: 0 });
      for (const place of deliveries.places(handle.name)) queue(laneOf(handle.name, place));
      for (const lane of lanes.values()) if (lane.adapter === handle.name) queue(lane);
    },
    /** The rows of a conversation bear another id now: what is under way there goes on as before, with what is new. */
    moved(adapter: string, { from, to }: { from: string; to: string }): void {
      const lane = lanes.get(keyOf(adapter, from));
      lanes.delete(keyOf(adapter, from));
      const there = lanes.get(keyOf(adapter, to));
      if (lane !== undefined && there === undefined) {
        lane.conversation = to;
        lanes.set(keyOf(adapter, to), lane);
      } else if (lane !== undefined) {
        // Its last call ends by itself, and it finds nothing more to do.
        lane.heir = there;
        if (there !== undefined) there.before = lane;
        for (const [id, forming] of lane.forming) there?.forming.set(id, forming);
        lane.forming.clear();
      }
      if (lane !== undefined) queue(lane);
      const now = laneOf(adapter, to);
      for (const forming of now.forming.values()) forming.row = deliveries.get(forming.row.id) ?? forming.row;
      queue(now);
    },
    /** Messages wait from now on; a call that is under way has its answer stored. */
    detach(adapter: string): void {
      const door = doorOf(adapter);
      door.handle = undefined;
      door.timer?.abort();
      door.timer = undefined;
      for (const lane of door.ready.splice(0)) {
        lane.queued = false;
        forget(lane);
      }
    },
    /** Lanes in memory; none when nothing is under way. */
    size: () => lanes.size,
    /** What is just going out has a moment; the rest is in the store for the next start. */
    async close(): Promise<void> {
      const over = new Promise<void>((resolve) => {
        quiet = resolve;
      });
      if (!idle()) await within(clock, { work: over, ms: limits.deliveryCloseMs });
      closed = true;
      for (const { timer } of doors.values()) timer?.abort();
      for (const { timer } of lanes.values()) timer?.abort();
    },
  };
}

/** How long until the next edit of an answer that forms: all that go on just now share what the platform takes. */
function editAgain(
  { name, traits: { editEveryMs, editsPerMinute } }: AdapterHandle,
  { lanes, now }: { lanes: Iterable<Lane>; now: number },
): number {
  if (editsPerMinute === undefined) return editEveryMs;
  // The one that is edited now is dirty no more.
  let active = 1;
  for (const { adapter, forming } of lanes) {
    if (adapter !== name) continue;
    for (const { dirty, nextAt, quiet } of forming.values()) if (!quiet && (dirty || nextAt > now)) active += 1;
  }
  return Math.max(editEveryMs, Math.ceil((active * 60_000) / editsPerMinute));
}

/** What a lane decides with. */
function laneDepsOf(deps: SendingDeps): LaneDeps {
  const { deliveries, transaction } = deps.store;
  return {
    ...deps,
    deliveries,
    transaction,
    settleUnknown: (row) => settleUnknown(deps, row),
    settleBroken(row, error) {
      deps.log.error("Cannot render a message", { delivery: row.id, error: errorText(error) });
      deliveries.settle(row.id, { fate: "failed", error: "Its text could not be brought into the platform's form" });
    },
  };
}
