// Which runs of an event are due, which were missed, and when it is due next. Pure.
import { limits } from "../core/limits.ts";
import { lastDues, nextDue } from "../sys/calendar.ts";
import type { EventSpec } from "./parse.ts";

/** What is to be done with an event now. Times are Unix milliseconds. */
export interface Verdict {
  /** Runs to hand over, oldest first. */
  runs: number[];
  /** When it is due after that; null for never. */
  nextAt: number | null;
  /** How late the newest of the runs is that are left out, if any is. */
  missedMs?: number;
}

/** When a newly read event is due first; null for never. `writtenAt` is the file's own time. */
export function firstDue({ time }: EventSpec, { now, writtenAt }: { now: number; writtenAt: number }): number | null {
  if (time.type === "one-shot") return time.at;
  if (time.type === "immediate") return Math.floor(Math.min(now, writtenAt));
  return nextDue(time, now) ?? null;
}

/** Judges an event that is due at `dueAt` (in the past or now). A run up to `limits.eventLateMs` late is on time. */
export function judge(spec: EventSpec, { dueAt, now }: { dueAt: number; now: number }): Verdict {
  const { time, catchUp } = spec;
  if (time.type !== "periodic") {
    const late = now - dueAt;
    const allowedMs = { skip: limits.eventLateMs, latest: limits.eventCatchUpMs, all: Number.POSITIVE_INFINITY }[
      catchUp
    ];
    return late <= allowedMs ? { runs: [dueAt], nextAt: null } : { runs: [], nextAt: null, missedMs: late };
  }
  const past = lastDues(time, { now, max: limits.eventCatchUpMax }).filter(
    (at) => at >= Math.max(dueAt, now - limits.eventCatchUpMs),
  );
  const nextAt = nextDue(time, now) ?? null;
  const newest = past.at(-1);
  if (newest === undefined) return { runs: [], nextAt };
  if (catchUp === "all") return { runs: past, nextAt };
  if (catchUp === "latest" || now - newest <= limits.eventLateMs) return { runs: [newest], nextAt };
  return { runs: [], nextAt, missedMs: now - newest };
}
