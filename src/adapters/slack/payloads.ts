// Slack's payloads as far as they are read: what is unknown passes by, what is malformed is said. Source: docs.slack.dev/reference.
import * as v from "valibot";

const id = v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9]{1,40}$/));
/** Seconds and microseconds; names a message within its conversation. */
const ts = v.pipe(v.string(), v.regex(/^\d{1,12}\.\d{1,6}$/));
const text = v.string();
/** What is of another form than it should be is not there. */
const maybe = <Schema extends v.GenericSchema>(schema: Schema) => v.fallback(v.optional(schema), undefined);

export const fileSchema = v.looseObject({
  id,
  name: maybe(v.nullable(text)),
  title: maybe(v.nullable(text)),
  mimetype: maybe(text),
  size: maybe(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  mode: maybe(text),
  file_access: maybe(text),
  url_private: maybe(text),
  url_private_download: maybe(text),
});
export type SlackFile = v.InferOutput<typeof fileSchema>;

const attachmentSchema = v.looseObject({
  is_share: maybe(v.boolean()),
  is_msg_unfurl: maybe(v.boolean()),
  author_name: maybe(text),
  text: maybe(text),
});

const body = {
  user: maybe(id),
  bot_id: maybe(text),
  subtype: maybe(text),
  hidden: maybe(v.boolean()),
  text: maybe(text),
  ts,
  thread_ts: maybe(ts),
  edited: maybe(v.looseObject({ user: maybe(id), ts })),
  files: maybe(v.array(v.unknown())),
  attachments: maybe(v.array(v.unknown())),
  reply_count: maybe(v.number()),
  metadata: maybe(v.looseObject({ event_type: maybe(text), event_payload: maybe(v.record(v.string(), v.unknown())) })),
};
/** A message as history shows it. */
export const messageSchema = v.looseObject(body);
export type SlackMessage = v.InferOutput<typeof messageSchema>;

const messageEvent = v.looseObject({
  ...body,
  type: v.picklist(["message", "app_mention"]),
  channel: id,
  channel_type: maybe(text),
  deleted_ts: maybe(ts),
  message: maybe(messageSchema),
  previous_message: maybe(messageSchema),
  root: maybe(messageSchema),
});
export type MessageEvent = v.InferOutput<typeof messageEvent>;

const reactionEvent = v.looseObject({
  type: v.picklist(["reaction_added", "reaction_removed"]),
  user: id,
  reaction: v.pipe(text, v.nonEmpty()),
  item: v.looseObject({ type: text, channel: maybe(id), ts: maybe(ts) }),
  event_ts: ts,
});
export type ReactionEvent = v.InferOutput<typeof reactionEvent>;

const homeEvent = v.looseObject({ type: v.literal("app_home_opened"), user: id, tab: maybe(text) });
const assistantEvent = v.looseObject({
  type: v.literal("assistant_thread_started"),
  assistant_thread: v.looseObject({ user_id: id, channel_id: id, thread_ts: ts }),
});
const eventSchema = v.variant("type", [messageEvent, reactionEvent, homeEvent, assistantEvent]);
export type SlackEvent = v.InferOutput<typeof eventSchema>;

const callbackSchema = v.looseObject({
  event_id: maybe(v.pipe(text, v.nonEmpty())),
  event: v.looseObject({ type: text }),
});

const authorizedSchema = v.looseObject({
  authorizations: v.array(v.looseObject({ user_id: id, is_bot: v.boolean() })),
});

/** The bots as which an event may be seen; none when that is not told, or people are among them. */
export function botsIn(payload: unknown): string[] {
  const read = v.safeParse(authorizedSchema, payload);
  if (!read.success || read.output.authorizations.some((one) => !one.is_bot)) return [];
  return read.output.authorizations.map(({ user_id: user }) => user);
}

const known = new Set(["message", "app_mention", "reaction_added", "reaction_removed", "app_home_opened"]);

/** An event of the Events API, with what makes a repetition known. */
export function parseEvent(payload: unknown): { event: SlackEvent } | { other: string } | { problem: string } {
  const callback = v.safeParse(callbackSchema, payload);
  if (!callback.success) return { problem: "it is no event" };
  const { type } = callback.output.event;
  if (!known.has(type) && type !== "assistant_thread_started") return { other: type };
  const event = v.safeParse(eventSchema, callback.output.event);
  return event.success ? { event: event.output } : { problem: `an event "${type}" has another form than it should` };
}

/** Files of a message that can be read as such. */
export function filesIn(files: readonly unknown[] | undefined): SlackFile[] {
  return (files ?? []).flatMap((one) => {
    const read = v.safeParse(fileSchema, one);
    return read.success ? [read.output] : [];
  });
}

/** Messages of others that a message passes on. */
export function sharesIn(attachments: readonly unknown[] | undefined): { author: string; text: string }[] {
  return (attachments ?? []).flatMap((one) => {
    const read = v.safeParse(attachmentSchema, one);
    if (!read.success || read.output.is_share !== true) return [];
    return [{ author: read.output.author_name ?? "somebody", text: read.output.text ?? "" }];
  });
}

export const slashSchema = v.looseObject({
  command: v.pipe(text, v.regex(/^\/\S{1,40}$/)),
  text: v.fallback(text, ""),
  user_id: id,
  user_name: maybe(text),
  channel_id: id,
  channel_name: maybe(text),
  trigger_id: v.pipe(text, v.nonEmpty(), v.maxLength(200)),
  response_url: maybe(text),
});

const actionSchema = v.looseObject({
  action_id: v.pipe(text, v.nonEmpty(), v.maxLength(255)),
  block_id: maybe(text),
  action_ts: maybe(text),
  value: maybe(text),
  selected_option: maybe(v.nullable(v.looseObject({ value: text }))),
});

const userSchema = v.looseObject({ id, name: maybe(text), username: maybe(text) });
export const actionsSchema = v.looseObject({
  type: v.literal("block_actions"),
  user: userSchema,
  trigger_id: maybe(text),
  response_url: maybe(text),
  channel: maybe(v.looseObject({ id, name: maybe(text) })),
  container: maybe(v.looseObject({ type: maybe(text), message_ts: maybe(ts), is_ephemeral: maybe(v.boolean()) })),
  message: maybe(v.looseObject({ ts, thread_ts: maybe(ts) })),
  view: maybe(v.looseObject({ type: maybe(text) })),
  actions: v.pipe(v.array(actionSchema), v.minLength(1)),
});

export const submissionSchema = v.looseObject({
  type: v.literal("view_submission"),
  user: userSchema,
  view: v.looseObject({
    id,
    callback_id: v.fallback(text, ""),
    private_metadata: v.fallback(text, ""),
    hash: maybe(text),
    state: v.fallback(v.looseObject({ values: v.unknown() }), { values: {} }),
  }),
});

/** An envelope of Socket Mode. Source: docs.slack.dev/apis/events-api/using-socket-mode. */
export const envelopeSchema = v.looseObject({
  envelope_id: v.pipe(text, v.nonEmpty(), v.maxLength(200)),
  type: text,
  payload: v.unknown(),
});
export type Envelope = v.InferOutput<typeof envelopeSchema>;

/** The same happening has the same key, however often it is sent. */
export function keyOf(envelope: Envelope): string {
  const callback = v.safeParse(callbackSchema, envelope.payload);
  return callback.success ? (callback.output.event_id ?? envelope.envelope_id) : envelope.envelope_id;
}

const userInfoSchema = v.looseObject({
  user: v.looseObject({
    name: v.fallback(text, ""),
    real_name: maybe(text),
    is_bot: maybe(v.boolean()),
    profile: maybe(v.looseObject({ display_name: maybe(text), real_name: maybe(text) })),
  }),
});

/** What users.info says: the name that people see, and the one to mention them by. */
export function userOf(answer: unknown): { name: string; handle: string } | undefined {
  const read = v.safeParse(userInfoSchema, answer);
  if (!read.success) return undefined;
  const { name: handle, real_name: real, profile } = read.output.user;
  const shown = [profile?.display_name, profile?.real_name, real, handle].find((one) => (one ?? "").trim() !== "");
  return shown === undefined ? undefined : { name: shown, handle };
}

const channelInfoSchema = v.looseObject({ channel: v.looseObject({ name: v.pipe(text, v.nonEmpty()) }) });

/** The name that conversations.info tells, without its `#`. */
export function channelOf(answer: unknown): string | undefined {
  const read = v.safeParse(channelInfoSchema, answer);
  return read.success ? read.output.channel.name : undefined;
}

/** A ts as whole microseconds, which a number holds exactly. */
export function microsOf(stamp: string): number {
  const [seconds = "0", micros = ""] = stamp.split(".");
  return Number(seconds) * 1_000_000 + Number(micros.padEnd(6, "0"));
}

/** A ts as Unix milliseconds. */
export function millisOf(stamp: string): number {
  return Math.floor(microsOf(stamp) / 1000);
}

/** Unix milliseconds as a ts. */
export function stampOf(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  return `${Math.floor(whole / 1000)}.${String((whole % 1000) * 1000).padStart(6, "0")}`;
}
