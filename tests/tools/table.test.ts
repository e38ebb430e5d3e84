// What holds for every tool, and the small ones: memory and schedule.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { systemClock } from "../../src/sys/clock.ts";
import { createTools } from "../../src/tools/index.ts";
import { memory } from "../../src/tools/memory.ts";
import { createSchedule } from "../../src/tools/schedule.ts";
import { failing } from "../failing.ts";
import { type Bench, createBench, textOf } from "./fake-sandbox.ts";

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.close());

describe("every tool", () => {
  for (const tool of createTools({ clock: systemClock })) {
    test(`${tool.name} is an object of described fields for the model, and refuses unknown ones`, () => {
      const schema = toJsonSchema(tool.schema);
      expect(schema).toMatchObject({ type: "object", additionalProperties: false });
      for (const [name, field] of Object.entries(schema.properties ?? {})) {
        expect({ name, field }).toMatchObject({ name, field: { description: expect.stringMatching(/./) } });
      }
      expect(v.safeParse(tool.schema, { surprise: 1 }).success).toBe(false);
      expect(v.safeParse(tool.schema, "text").success).toBe(false);
      expect(tool.description.length).toBeGreaterThan(20);
    });
  }

  test("has a name of its own", () => {
    expect(createTools({ clock: systemClock }).map((tool) => tool.name)).toEqual([
      "bash",
      "read",
      "write",
      "edit",
      "attach",
      "memory",
      "schedule",
    ]);
  });
});

describe("memory", () => {
  test("appends and reads", async () => {
    expect(textOf(await memory.run({ action: "read", scope: "workspace" }, bench.context))).toBe(
      "(nothing is remembered yet)",
    );
    await memory.run({ action: "append", scope: "workspace", text: " likes tea " }, bench.context);
    expect(textOf(await memory.run({ action: "read", scope: "workspace" }, bench.context))).toBe("likes tea\n");
    expect(
      (await failing(memory.run({ action: "append", scope: "workspace", text: "  " }, bench.context))).message,
    ).toContain("`text` is empty");
  });
});

describe("schedule", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  const schedule = createSchedule({ clock: { now: () => now }, timezone: "Europe/Vienna" });
  const add = (input: Record<string, unknown>) => schedule.run({ action: "add", text: "tea", ...input }, bench.context);

  test.each([
    [{ in: "10s" }, { type: "one-shot", text: "tea", at: "2026-03-01T12:00:10.000Z" }],
    [{ in: "1h30m" }, { type: "one-shot", text: "tea", at: "2026-03-01T13:30:00.000Z" }],
    [{ at: "2026-03-02T09:00+01:00" }, { type: "one-shot", text: "tea", at: "2026-03-02T08:00:00.000Z" }],
    [
      { schedule: "0 9 * * 1-5" },
      { type: "periodic", text: "tea", schedule: "0 9 * * 1-5", timezone: "Europe/Vienna" },
    ],
    [
      { schedule: "0 9 * * *", timezone: "Asia/Tokyo" },
      { type: "periodic", text: "tea", schedule: "0 9 * * *", timezone: "Asia/Tokyo" },
    ],
  ])("adds %j", async (input, request) => {
    expect((await add(input)).ok).toBe(true);
    expect(bench.scheduled as unknown[]).toEqual([request]);
  });

  test.each([
    [{}, "give one of in, at and schedule, not 0 of them"],
    [{ in: "1m", at: "2027-01-01T00:00:00Z" }, "not 2 of them"],
    [{ in: "soon" }, "it is not a length of time"],
    [{ in: "0s" }, "it is not a length of time"],
    [{ in: "99999999999w" }, "it is not a length of time"],
    [{ in: "9999999w" }, "the year is after 9999"],
    [{ at: "tomorrow" }, "it is not a time in ISO 8601 with offset"],
    [{ at: "2026-03-02T09:00:00" }, "it is not a time in ISO 8601 with offset"],
    [{ at: "2026-02-30T09:00:00Z" }, "it is not a time in ISO 8601 with offset"],
    [{ at: "2026-03-01T11:59:59Z" }, "it is past"],
    [{ schedule: "* * * * * *" }, "it is not a cron line of five fields"],
    [{ schedule: "0 0 30 2 *" }, "it is never due"],
    [{ schedule: "0 9 * * *", timezone: "Mars/Base" }, "it is not known"],
    [{ in: "1m", text: " " }, "`text` is empty"],
  ])("refuses %j", async (input, reason) => {
    expect((await failing(add(input))).message).toContain(reason);
    expect(bench.scheduled).toEqual([]);
  });

  test("lists and cancels", async () => {
    expect(textOf(await schedule.run({ action: "list" }, bench.context))).toBe(
      "(nothing is scheduled in this conversation)",
    );
    await add({ in: "5m" });
    expect(textOf(await schedule.run({ action: "list" }, bench.context))).toBe("event-1.json  soon  tea");
    expect(textOf(await schedule.run({ action: "cancel", file: "event-1.json" }, bench.context))).toBe(
      "Cancelled event-1.json",
    );
    expect((await failing(schedule.run({ action: "cancel", file: "other" }, bench.context))).message).toContain(
      "has no such event",
    );
    expect((await failing(schedule.run({ action: "cancel" }, bench.context))).message).toContain("`file` is missing");
  });
});
