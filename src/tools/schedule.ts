// Reminders and recurring tasks of this conversation.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { localTimeZone, nextDue, parseMoment, parseSpan } from "../sys/calendar.ts";
import type { Clock } from "../sys/clock.ts";
import { oneLine } from "../workspace/names.ts";
import { defineTool, type ScheduleRequest, type Tool, type ToolContext, textResult } from "./tool.ts";

const schema = v.strictObject({
  action: v.pipe(
    v.picklist(["add", "list", "cancel"], 'The action is "add", "list" or "cancel"'),
    v.description("What to do"),
  ),
  text: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(limits.eventTextCharsMax),
      v.description("For add: what you will be told then, as a task for yourself with all that you need to know"),
    ),
  ),
  in: v.optional(
    v.pipe(v.string(), v.description('For add, once: how long from now, such as "10s", "45m", "1h30m", "2 days"')),
  ),
  at: v.optional(
    v.pipe(v.string(), v.description("For add, once: ISO 8601 with offset, such as 2026-03-01T09:00:00+01:00")),
  ),
  schedule: v.optional(
    v.pipe(v.string(), v.description('For add, again and again: a cron line of five fields, such as "30 9 * * 1-5"')),
  ),
  timezone: v.optional(
    v.pipe(v.string(), v.description("For schedule: an IANA name; the machine's own when left out")),
  ),
  file: v.optional(v.pipe(v.string(), v.description("For cancel: the file that list shows"))),
});
type Input = v.InferOutput<typeof schema>;

/** The tool. `timezone` is the default for recurring ones. */
export function createSchedule({
  clock,
  timezone = localTimeZone(),
}: {
  clock: Pick<Clock, "now">;
  timezone?: string;
}): Tool {
  return defineTool({
    name: "schedule",
    effect: "lasting",
    description:
      "Has you woken up later in this conversation, once or again and again, to remind or to do a task. If there is then nothing to say, answer with [SILENT] alone.",
    schema,
    title,
    async run(input, context) {
      switch (input.action) {
        case "add":
          return await add(requestOf(input, { now: clock.now(), timezone }), context);
        case "list":
          return await list(context);
        case "cancel":
          return await cancel(input, context);
      }
    },
  });
}

function title(input: Input): string {
  const what = input.action === "cancel" ? (input.file ?? "") : (input.text ?? "");
  return oneLine(input.action === "list" ? "list reminders" : `${input.action} reminder: ${what}`, 120);
}

async function add(request: ScheduleRequest, context: ToolContext) {
  const { file, next } = await context.schedule.add(request);
  return textResult(`Scheduled as ${file}, ${request.type === "periodic" ? "first" : "once"} at ${next}`);
}

async function list(context: ToolContext) {
  const events = await context.schedule.list();
  if (events.length === 0) return textResult("(nothing is scheduled in this conversation)");
  return textResult(events.map((event) => `${event.file}  ${event.next}  ${oneLine(event.text, 200)}`).join("\n"));
}

async function cancel({ file }: Input, context: ToolContext) {
  if (file === undefined || file === "")
    throw new Failure("tool", "Cannot cancel: `file` is missing", { hint: "list shows the files" });
  if (await context.schedule.cancel(file)) return textResult(`Cancelled ${file}`);
  throw new Failure("tool", `Cannot cancel ${JSON.stringify(file)}: this conversation has no such event`, {
    hint: "list shows the files",
  });
}

/** The call as a request. @throws Failure `tool` or `usage` that says which field is wrong and how it should be. */
function requestOf(input: Input, { now, timezone }: { now: number; timezone: string }): ScheduleRequest {
  const text = input.text?.trim() ?? "";
  if (text === "") throw new Failure("tool", "Cannot schedule: `text` is empty");
  const given = [input.in, input.at, input.schedule].filter((value) => value !== undefined).length;
  if (given !== 1) throw new Failure("tool", `Cannot schedule: give one of in, at and schedule, not ${given} of them`);
  if (input.schedule !== undefined) {
    const zone = input.timezone ?? timezone;
    const schedule = input.schedule.trim();
    if (nextDue({ schedule, timezone: zone }, now) === undefined) {
      throw new Failure("tool", `Cannot schedule ${JSON.stringify(schedule)}: it is never due`);
    }
    return { type: "periodic", text, schedule, timezone: zone };
  }
  const at = input.in === undefined ? momentOf(input.at ?? "", now) : now + spanOf(input.in);
  const here = new Date(now).toISOString();
  if (at <= now)
    throw new Failure("tool", `Cannot schedule at ${JSON.stringify(input.at)}: it is past`, {
      hint: `It is ${here} now`,
    });
  if (at > latest) throw new Failure("tool", "Cannot schedule: the year is after 9999");
  return { type: "one-shot", text, at: new Date(at).toISOString() };
}

const latest = Date.UTC(9999, 11, 31);

function momentOf(at: string, now: number): number {
  const moment = parseMoment(at);
  if (moment !== undefined) return moment;
  throw new Failure("tool", `Cannot schedule at ${JSON.stringify(at)}: it is not a time in ISO 8601 with offset`, {
    hint: `It is ${new Date(now).toISOString()} now; or use in, such as "10m"`,
  });
}

function spanOf(span: string): number {
  const ms = parseSpan(span);
  if (ms !== undefined) return ms;
  throw new Failure("tool", `Cannot schedule in ${JSON.stringify(span)}: it is not a length of time`, {
    hint: 'Use numbers with s, m, h, d or w, such as "90s" or "1h30m"',
  });
}
