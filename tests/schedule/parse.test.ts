// Event files as people and agents write them, and which of their runs are due.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { firstDue, judge } from "../../src/schedule/due.ts";
import { type EventSpec, parseEvent } from "../../src/schedule/parse.ts";
import { formatMoment, nextDue, parseMoment, parseSpan } from "../../src/sys/calendar.ts";

const parse = (fields: unknown) =>
  parseEvent(typeof fields === "string" ? fields : JSON.stringify(fields), { timezone: "Europe/Vienna" });
const base = { type: "immediate", text: "hi", platform: "terminal", conversationId: "main" };
const minute = 60_000;

function spec(fields: Record<string, unknown>): EventSpec {
  const read = parse({ ...base, ...fields });
  if ("problems" in read) throw new Error(read.problems.join());
  return read.spec;
}

describe("an event file", () => {
  test("says when, where and what", () => {
    expect(spec({})).toEqual({
      time: { type: "immediate" },
      text: "hi",
      target: { platform: "terminal", conversation: "main" },
      catchUp: "latest",
      session: "fresh",
    });
    expect(
      spec({
        type: "one-shot",
        at: "2026-03-01T09:00:00+01:00",
        conversationKind: "shared",
        userId: "u1",
        threadTs: "1.2",
        session: "inherit",
      }),
    ).toEqual({
      time: { type: "one-shot", at: Date.UTC(2026, 2, 1, 8) },
      text: "hi",
      target: { platform: "terminal", conversation: "main", kind: "shared" },
      thread: "1.2",
      user: "u1",
      catchUp: "latest",
      session: "inherit",
    });
    expect(spec({ type: "periodic", schedule: " 0 9 * * 1-5 " })).toMatchObject({
      time: { type: "periodic", schedule: "0 9 * * 1-5", timezone: "Europe/Vienna" },
      catchUp: "skip",
    });
  });

  test.each([
    [
      { platform: undefined, conversationId: undefined, channelId: "slack-acme/C1" },
      { platform: "slack-acme", conversation: "C1" },
    ],
    [
      { platform: undefined, conversationId: undefined, channelId: "tg/-100/7" },
      { platform: "tg", conversation: "-100/7" },
    ],
    [{ platform: undefined, conversationId: undefined, channelId: "C1" }, { conversation: "C1" }],
    [
      { conversationId: undefined, channelId: "a/b" },
      { platform: "terminal", conversation: "a/b" },
    ],
    [{ platform: undefined }, { conversation: "main" }],
  ])("has an address in either form: %j", (fields, target) => {
    expect(spec(fields).target).toEqual(target);
  });

  test("may begin with a byte order mark", () => {
    expect(parse(`\uFEFF${JSON.stringify(base)}`)).toHaveProperty("spec");
  });

  test.each([
    ["{", /^It is not JSON: /],
    ["", /^It is not JSON: /],
    ["[]", "It is not a JSON object"],
    ["null", "It is not a JSON object"],
    [{ ...base, type: "sometimes" }, '"type" is none of immediate, one-shot, periodic'],
    [{ ...base, type: undefined }, '"type" is missing'],
    [{ ...base, text: " " }, '"text" is empty'],
    [{ ...base, text: 7 }, '"text" is no text'],
    [
      { ...base, text: "x".repeat(limits.eventTextCharsMax + 1) },
      `"text" is longer than ${limits.eventTextCharsMax} characters`,
    ],
    [{ ...base, timezon: "UTC" }, '"timezon" is not a field of events'],
    [{ ...base, conversationId: undefined }, 'One of "conversationId" and "channelId" is needed, and none is there'],
    [{ ...base, channelId: "a/b" }, 'One of "conversationId" and "channelId" is needed, and both are there'],
    [{ ...base, conversationId: undefined, platform: undefined, channelId: "a/" }, '"channelId" names no conversation'],
    [{ ...base, at: "2026-01-01T00:00:00Z" }, '"at" is for one-shot events, and this is immediate'],
    [{ ...base, type: "one-shot" }, '"at" is missing'],
    [
      { ...base, type: "one-shot", at: "2026-01-01T00:00:00" },
      /^"at" is "2026-01-01T00:00:00", which is no time in ISO 8601 with offset/,
    ],
    [{ ...base, type: "periodic" }, '"schedule" is missing'],
    [
      { ...base, type: "periodic", schedule: "* * * * * *" },
      '"schedule" is "* * * * * *", which is no cron line of five fields',
    ],
    [
      { ...base, type: "periodic", schedule: "61 * * * *" },
      '"schedule" is "61 * * * *", which is no cron line of five fields',
    ],
    [{ ...base, type: "periodic", schedule: "0 0 30 2 *" }, '"schedule" is "0 0 30 2 *", which is never due'],
    [{ ...base, timezone: "Mars/Base" }, '"timezone" is "Mars/Base", which is no IANA time zone'],
    [{ ...base, catchUp: "maybe" }, '"catchUp" is none of latest, all, skip'],
  ])("that is wrong says how: %j", (fields, problem) => {
    const read = parse(fields);
    expect(read).toEqual({ problems: [typeof problem === "string" ? problem : expect.stringMatching(problem)] });
  });

  test("says everything that is wrong at once", () => {
    expect(parse({ type: "one-shot", schedule: "x" })).toEqual({ problems: ['"text" is missing'] });
    expect(parse({ ...base, type: "one-shot", schedule: "x", conversationId: undefined })).toEqual({
      problems: [
        '"at" is missing',
        '"schedule" is for periodic events, and this is one-shot',
        'One of "conversationId" and "channelId" is needed, and none is there',
      ],
    });
  });
});

describe("what is due", () => {
  const now = Date.UTC(2026, 2, 1, 12);
  const hourly = (catchUp: string) => spec({ type: "periodic", schedule: "0 * * * *", timezone: "UTC", catchUp });
  const once = (catchUp?: string) =>
    spec({ type: "one-shot", at: "2026-03-01T00:00:00Z", ...(catchUp === undefined ? {} : { catchUp }) });
  const hours = (count: number) => count * 60 * minute;

  test("first", () => {
    expect(firstDue(spec({}), { now, writtenAt: now - 5.5 })).toBe(now - 6);
    expect(firstDue(spec({}), { now, writtenAt: now + hours(1) })).toBe(now);
    expect(firstDue(once(), { now, writtenAt: now })).toBe(Date.UTC(2026, 2, 1));
    expect(firstDue(hourly("skip"), { now, writtenAt: 0 })).toBe(now + hours(1));
  });

  test.each([
    ["skip", minute, true],
    ["skip", hours(1), false],
    ["latest", hours(23), true],
    ["latest", hours(25), false],
    ["all", hours(10_000), true],
    [undefined, hours(23), true],
  ])("once, catchUp %s, %d ms late", (catchUp, late, runs) => {
    const dueAt = now - late;
    expect(judge(once(catchUp), { dueAt, now })).toEqual(
      runs ? { runs: [dueAt], nextAt: null } : { runs: [], nextAt: null, missedMs: late },
    );
  });

  test("again and again, after a time away", () => {
    const away = now - hours(5);
    const at = now + 10 * minute;
    const nextAt = now + hours(1);
    expect(judge(hourly("skip"), { dueAt: away, now: at })).toEqual({ runs: [], nextAt, missedMs: 10 * minute });
    expect(judge(hourly("skip"), { dueAt: away, now })).toEqual({ runs: [now], nextAt });
    expect(judge(hourly("latest"), { dueAt: away, now: at })).toEqual({ runs: [now], nextAt });
    expect(judge(hourly("all"), { dueAt: away, now: at }).runs).toEqual(
      [5, 4, 3, 2, 1, 0].map((count) => now - hours(count)),
    );
  });

  test("makes up for a bounded number, and quickly after a year away", () => {
    const everyMinute = spec({ type: "periodic", schedule: "* * * * *", timezone: "UTC", catchUp: "all" });
    const verdict = judge(everyMinute, { dueAt: now - 365 * hours(24), now });
    expect(verdict.runs).toHaveLength(limits.eventCatchUpMax);
    expect(verdict.runs.at(-1)).toBe(now);
    expect(verdict.nextAt).toBe(now + minute);
  });
});

describe("the calendar", () => {
  const iso = (ms: number | undefined) => new Date(ms ?? 0).toISOString();

  test("runs once where a clock change skips or repeats the hour", () => {
    const gap = { schedule: "30 2 * * *", timezone: "Europe/Vienna" };
    const first = nextDue(gap, Date.UTC(2026, 2, 28, 12));
    expect(iso(first)).toBe("2026-03-29T01:00:00.000Z");
    expect(iso(nextDue(gap, first ?? 0))).toBe("2026-03-30T00:30:00.000Z");
    const fold = { schedule: "30 2 * * *", timezone: "Europe/Vienna" };
    const once = nextDue(fold, Date.UTC(2026, 9, 24, 12));
    expect(iso(once)).toBe("2026-10-25T00:30:00.000Z");
    expect(iso(nextDue(fold, once ?? 0))).toBe("2026-10-26T01:30:00.000Z");
  });

  test.each([
    ["2026-03-01T09:00:00+01:00", "2026-03-01T08:00:00.000Z"],
    ["2026-03-01t09:00z", "2026-03-01T09:00:00.000Z"],
    ["2026-03-01 09:00:00.5-0330", "2026-03-01T12:30:00.500Z"],
    ["2026-02-29T09:00:00Z", undefined],
    ["2026-03-01T25:00:00Z", undefined],
    ["2026-03-01T09:00:00", undefined],
    ["2026-03-01", undefined],
    ["now", undefined],
  ])("reads the moment %s", (text, moment) => {
    const read = parseMoment(text);
    expect(read === undefined ? undefined : iso(read)).toBe(moment);
  });

  test.each([
    ["10s", 10_000],
    ["1.5 hours", 5_400_000],
    ["1h30m", 5_400_000],
    ["2 days 1 min", 172_860_000],
    ["1W", 604_800_000],
    ["", undefined],
    ["5", undefined],
    ["0m", undefined],
    ["5 monkeys", undefined],
    ["-5m", undefined],
    ["5m and more", undefined],
  ])("reads the span %j", (text, ms) => {
    expect(parseSpan(text)).toBe(ms);
  });

  test("shows a moment with its offset", () => {
    expect(formatMoment(Date.UTC(2026, 6, 1, 22, 5, 6), "Europe/Vienna")).toBe("2026-07-02 00:05:06+02:00");
    expect(formatMoment(Date.UTC(2026, 6, 1), "UTC")).toBe("2026-07-01 00:00:00+00:00");
  });
});
