// When something is due: cron lines, time zones and moments, read strictly.
import { Cron } from "croner";
import { Failure } from "../core/failure.ts";

/** A 5-field cron line and the IANA zone whose wall clock it follows. */
export interface Recurrence {
  schedule: string;
  timezone: string;
}

/**
 * The next moment after `after` (Unix milliseconds) at which a cron line is due, or `undefined` when it
 * never is (30 February). A wall time that a clock change skips is due once, right after the gap; one that
 * comes twice is due once.
 * @throws Failure `usage` when the line or the zone is wrong.
 */
export function nextDue(recurrence: Recurrence, after: number): number | undefined {
  return cron(recurrence).nextRun(new Date(after))?.getTime();
}

/** The newest moments at which a cron line was due, up to and with `now`, oldest first. @throws like {@link nextDue}. */
export function lastDues(recurrence: Recurrence, { now, max }: { now: number; max: number }): number[] {
  const runs = cron(recurrence).previousRuns(max, new Date(now + 1));
  // The library counts in whole seconds; a run of this second may be still to come.
  return runs
    .map((run) => run.getTime())
    .filter((at) => at <= now)
    .reverse();
}

function cron({ schedule, timezone }: Recurrence): Cron {
  if (!isTimeZone(timezone)) {
    throw new Failure("usage", `Cannot use time zone ${JSON.stringify(timezone)}: it is not known`, {
      hint: 'Use an IANA name such as "Europe/Berlin" or "UTC"',
    });
  }
  try {
    return new Cron(schedule, { timezone, mode: "5-part", paused: true });
  } catch (error) {
    throw new Failure(
      "usage",
      `Cannot use schedule ${JSON.stringify(schedule)}: it is not a cron line of five fields`,
      {
        hint: 'Minute, hour, day of month, month, day of week: "30 9 * * 1-5" is half past nine from Monday to Friday',
        cause: error,
      },
    );
  }
}

/** True for an IANA time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The zone of this machine's wall clock. */
export function localTimeZone(): string {
  return new Intl.DateTimeFormat("en").resolvedOptions().timeZone;
}

const moment = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|z|[+-]\d{2}:?\d{2})$/;

/** Reads ISO 8601 with an offset (`2026-03-01T09:00:00+01:00`) as Unix milliseconds; `undefined` for anything else. */
export function parseMoment(text: string): number | undefined {
  const [, day, minute, second = ":00", offset = ""] = moment.exec(text.trim()) ?? [];
  if (day === undefined) return undefined;
  const zone = /^[zZ]$/.test(offset) ? "Z" : offset.replace(/^(...):?(..)$/, "$1:$2");
  const ms = Date.parse(`${day}T${minute}${second}${zone}`);
  // The 31st of June would be taken as the 1st of July.
  const given = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) || Number.isNaN(given) || new Date(given).toISOString().slice(0, 10) !== day ? undefined : ms;
}

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads `10s`, `5 min`, `1h30m`, `2 days` as milliseconds; `undefined` for anything else. */
export function parseSpan(text: string): number | undefined {
  const part = /(\d+(?:\.\d+)?)\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])\s*/giy;
  const trimmed = text.trim();
  let ms = 0;
  while (part.lastIndex < trimmed.length) {
    const found = part.exec(trimmed);
    if (found === null) return undefined;
    ms += Number(found[1]) * (units[(found[2] ?? "").charAt(0).toLowerCase()] ?? 0) * 1000;
  }
  return ms > 0 && Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined;
}

/** A moment as people read it in `timezone`: `2026-03-01 09:00:00+01:00`. */
export function formatMoment(ms: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "longOffset",
  }).formatToParts(ms);
  const of = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  const offset = of("timeZoneName").replace("GMT", "");
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")}${offset === "" ? "+00:00" : offset}`;
}
