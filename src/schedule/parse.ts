// An event file's text → what is to happen when, or the reasons why it cannot be read. Pure.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { isTimeZone, nextDue, parseMoment } from "../sys/calendar.ts";

const id = (name: string) =>
  v.optional(
    v.pipe(
      v.string(`"${name}" is no text`),
      v.minLength(1, `"${name}" is empty`),
      v.maxLength(200, `"${name}" is too long`),
    ),
  );

const choice = <const Options extends readonly string[]>(name: string, options: Options) =>
  v.picklist(options, `"${name}" is none of ${options.join(", ")}`);

/** The file as people and agents write it (MA-110, MA-111). A mistyped field is an error, not something left out. */
const form = v.strictObject({
  type: choice("type", ["immediate", "one-shot", "periodic"]),
  text: v.pipe(
    v.string('"text" is no text'),
    v.trim(),
    v.minLength(1, '"text" is empty'),
    v.maxLength(limits.eventTextCharsMax, `"text" is longer than ${limits.eventTextCharsMax} characters`),
  ),
  platform: id("platform"),
  conversationId: id("conversationId"),
  channelId: id("channelId"),
  conversationKind: v.optional(choice("conversationKind", ["shared", "direct"])),
  at: v.optional(v.string('"at" is no text')),
  schedule: v.optional(v.string('"schedule" is no text')),
  timezone: v.optional(v.string('"timezone" is no text')),
  catchUp: v.optional(choice("catchUp", ["latest", "all", "skip"])),
  session: v.optional(choice("session", ["fresh", "inherit"]), "fresh"),
  userId: id("userId"),
  threadTs: id("threadTs"),
  /** Of older files; sessions are found by the conversation here. */
  sessionKey: id("sessionKey"),
});
type Form = v.InferOutput<typeof form>;

/** When an event is due. Times are Unix milliseconds. */
export type EventTime =
  | { type: "immediate" }
  | { type: "one-shot"; at: number }
  | { type: "periodic"; schedule: string; timezone: string };

/** Where it goes, as the file says it: the adapter's or the platform's name may be missing. */
export interface EventTarget {
  platform?: string;
  conversation: string;
  kind?: "direct" | "shared";
}

/** What a file asks for. Plain JSON. */
export interface EventSpec {
  time: EventTime;
  text: string;
  target: EventTarget;
  thread?: string;
  /** The user whose rights the run has. */
  user?: string;
  catchUp: "latest" | "all" | "skip";
  session: "fresh" | "inherit";
}

/**
 * Reads an event file. `timezone` is used for a periodic one that names none.
 * Returns every reason why it cannot be used, as sentences.
 */
export function parseEvent(
  text: string,
  { timezone }: { timezone: string },
): { spec: EventSpec } | { problems: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return { problems: [`It is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return { problems: ["It is not a JSON object"] };
  const read = v.safeParse(form, json);
  if (!read.success) return { problems: read.issues.map(problemOf) };
  const fields = read.output;
  const problems: string[] = [];
  const time = timeOf(fields, { timezone, problems });
  const target = targetOf(fields, problems);
  if (time === undefined || target === undefined || problems.length > 0) return { problems };
  return {
    spec: {
      time,
      text: fields.text,
      target,
      ...(fields.threadTs === undefined ? {} : { thread: fields.threadTs }),
      ...(fields.userId === undefined ? {} : { user: fields.userId }),
      catchUp: fields.catchUp ?? (time.type === "periodic" ? "skip" : "latest"),
      session: fields.session,
    },
  };
}

/** Unknown and missing fields have no message of their own. */
function problemOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== "strict_object") return issue.message;
  const name = JSON.stringify(v.getDotPath(issue) ?? "");
  return issue.expected === "never" ? `${name} is not a field of events` : `${name} is missing`;
}

function timeOf(fields: Form, { timezone, problems }: { timezone: string; problems: string[] }): EventTime | undefined {
  const only = (name: "at" | "schedule", type: string) => {
    if (fields[name] !== undefined && fields.type !== type)
      problems.push(`"${name}" is for ${type} events, and this is ${fields.type}`);
    if (fields[name] === undefined && fields.type === type) problems.push(`"${name}" is missing`);
  };
  only("at", "one-shot");
  only("schedule", "periodic");
  if (fields.timezone !== undefined && !isTimeZone(fields.timezone)) {
    problems.push(`"timezone" is ${JSON.stringify(fields.timezone)}, which is no IANA time zone`);
  }
  if (problems.length > 0) return undefined;
  if (fields.type === "immediate") return { type: "immediate" };
  if (fields.type === "one-shot") return onceAt(fields.at ?? "", problems);
  const time = {
    type: "periodic" as const,
    schedule: fields.schedule?.trim() ?? "",
    timezone: fields.timezone ?? timezone,
  };
  try {
    // From the beginning of time on, so that what the file means does not depend on when it is read.
    if (nextDue(time, 0) !== undefined) return time;
    problems.push(`"schedule" is ${JSON.stringify(time.schedule)}, which is never due`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    problems.push(`"schedule" is ${JSON.stringify(time.schedule)}, which is no cron line of five fields`);
  }
  return undefined;
}

function onceAt(text: string, problems: string[]): EventTime | undefined {
  const at = parseMoment(text);
  if (at !== undefined) return { type: "one-shot", at };
  problems.push(
    `"at" is ${JSON.stringify(text)}, which is no time in ISO 8601 with offset, such as 2026-03-01T09:00:00+01:00`,
  );
  return undefined;
}

/** Both forms: `platform` with `conversationId`, or `channelId` as `adapter/conversation`; `channelId` alone is a conversation's id. */
function targetOf(fields: Form, problems: string[]): EventTarget | undefined {
  const { platform, conversationId, channelId, conversationKind } = fields;
  if ((conversationId === undefined) === (channelId === undefined)) {
    problems.push(
      `One of "conversationId" and "channelId" is needed, and ${channelId === undefined ? "none is" : "both are"} there`,
    );
    return undefined;
  }
  const kind = conversationKind === undefined ? {} : { kind: conversationKind };
  const slash = channelId === undefined || platform !== undefined ? -1 : channelId.indexOf("/");
  const own = slash > 0 ? channelId?.slice(0, slash) : platform;
  const conversation = slash > 0 ? channelId?.slice(slash + 1) : (channelId ?? conversationId);
  if (conversation === undefined || conversation === "") {
    problems.push(`"channelId" names no conversation`);
    return undefined;
  }
  return { ...(own === undefined ? {} : { platform: own }), conversation, ...kind };
}
