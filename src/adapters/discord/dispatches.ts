// The form of what Discord's gateway and API tell, as far as we read it: what decides is strict, all else may be odd.
// Forms: docs.discord.com/developers/events/gateway-events and docs.discord.com/developers/resources/message.
import * as v from "valibot";
import { snowflakeSchema } from "./snowflake.ts";

/** A member that is dropped when it is not as documented: one odd field must not cost the message. */
function soft<Schema extends v.GenericSchema>(schema: Schema) {
  return v.fallback(v.optional(schema), undefined);
}

/** Lists keep those of their members that are as documented. */
function softList<Schema extends v.GenericSchema>(schema: Schema) {
  return soft(
    v.pipe(
      v.array(v.unknown()),
      v.transform((items) =>
        items.flatMap((item) => {
          const parsed = v.safeParse(schema, item);
          return parsed.success ? [parsed.output] : [];
        }),
      ),
    ),
  );
}

const text = soft(v.string());
const count = soft(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const id = snowflakeSchema;
/** The server, absent in a direct chat: one that is odd must not make a room of many look like one. */
const guild = v.optional(id);
const kind = v.pipe(v.number(), v.integer());

const userSchema = v.looseObject({ id, username: text, global_name: text, bot: soft(v.boolean()) });
/** A person or a bot. */
export type User = v.InferOutput<typeof userSchema>;

const memberSchema = v.looseObject({ nick: text, user: soft(userSchema) });

const attachmentSchema = v.looseObject({
  id,
  filename: text,
  size: count,
  url: v.pipe(v.string(), v.maxLength(4_000)),
  content_type: text,
  duration_secs: soft(v.number()),
});

/** What a message shows; a forwarded one has the same. */
const contentEntries = {
  content: text,
  attachments: softList(attachmentSchema),
  sticker_items: softList(v.looseObject({ name: text })),
  poll: soft(
    v.looseObject({
      question: soft(v.looseObject({ text })),
      answers: softList(v.looseObject({ poll_media: soft(v.looseObject({ text })) })),
    }),
  ),
  embeds: softList(v.looseObject({ title: text, description: text })),
  components: soft(v.array(v.unknown())),
  flags: count,
  mentions: softList(v.looseObject({ ...userSchema.entries, member: soft(memberSchema) })),
};
const contentSchema = v.looseObject(contentEntries);
export type Content = v.InferOutput<typeof contentSchema>;

const messageSchema = v.looseObject({
  ...contentEntries,
  id,
  channel_id: id,
  guild_id: guild,
  type: kind,
  author: userSchema,
  member: soft(memberSchema),
  // Whoever writes through a webhook is no person: that it is there says enough.
  webhook_id: v.optional(v.fallback(v.string(), "unknown")),
  timestamp: text,
  edited_timestamp: text,
  nonce: soft(v.union([v.string(), v.number()])),
  mention_roles: softList(id),
  message_reference: soft(v.looseObject({ type: soft(kind), message_id: soft(id), channel_id: soft(id) })),
  referenced_message: soft(v.looseObject({ ...contentEntries, id, author: soft(userSchema) })),
  message_snapshots: softList(v.looseObject({ message: contentSchema })),
});
/** A message, as the gateway or the API gives it. */
export type Message = v.InferOutput<typeof messageSchema>;

const editedSchema = v.looseObject({ ...messageSchema.entries, author: soft(userSchema), type: soft(kind) });
/** A message that changed; Discord may tell a part of it only. */
export type Edited = v.InferOutput<typeof editedSchema>;

const deleteSchema = v.looseObject({ id, channel_id: id, guild_id: guild });
const bulkSchema = v.looseObject({
  ids: v.pipe(v.array(id), v.maxLength(1_000)),
  channel_id: id,
  guild_id: guild,
});
const reactionSchema = v.looseObject({
  user_id: id,
  channel_id: id,
  message_id: id,
  guild_id: guild,
  member: soft(memberSchema),
  emoji: v.looseObject({ id: soft(id), name: text }),
});
/** Somebody's reaction to a message, set or taken back. */
export type Reaction = v.InferOutput<typeof reactionSchema>;

/** A channel or thread, in all the places where one is told. */
export const channelSchema = v.looseObject({
  id,
  type: kind,
  name: text,
  parent_id: soft(id),
  guild_id: soft(id),
  last_message_id: soft(id),
});
export type Channel = v.InferOutput<typeof channelSchema>;

const roleSchema = v.looseObject({ id, name: text, tags: soft(v.looseObject({ bot_id: soft(id) })) });
export const guildSchema = v.looseObject({
  id,
  name: text,
  unavailable: soft(v.boolean()),
  channels: softList(channelSchema),
  threads: softList(channelSchema),
  roles: softList(roleSchema),
});
export type Guild = v.InferOutput<typeof guildSchema>;

const syncSchema = v.looseObject({ guild_id: id, threads: softList(channelSchema) });
const goneSchema = v.looseObject({ id });

type Option = { name: string; value?: string | number | boolean | undefined; focused?: boolean | undefined };
const optionSchema: v.GenericSchema<unknown, Option> = v.looseObject({
  name: v.string(),
  value: soft(v.union([v.string(), v.number(), v.boolean()])),
  focused: soft(v.boolean()),
});

/** One interaction: docs.discord.com/developers/interactions/receiving-and-responding. */
const interactionSchema = v.looseObject({
  id,
  application_id: id,
  type: kind,
  token: v.pipe(v.string(), v.nonEmpty(), v.maxLength(1_000), v.regex(/^[\w.~-]+$/)),
  channel_id: soft(id),
  channel: soft(channelSchema),
  guild_id: guild,
  member: soft(memberSchema),
  user: soft(userSchema),
  message: soft(v.looseObject({ id, flags: count })),
  data: soft(
    v.looseObject({
      name: text,
      type: soft(kind),
      options: softList(optionSchema),
      custom_id: text,
      values: softList(v.string()),
      components: soft(v.array(v.unknown())),
    }),
  ),
});
export type Interaction = v.InferOutput<typeof interactionSchema>;

/** The events that are read, and the form of each. */
const bodySchemas = {
  MESSAGE_CREATE: messageSchema,
  MESSAGE_UPDATE: editedSchema,
  MESSAGE_DELETE: deleteSchema,
  MESSAGE_DELETE_BULK: bulkSchema,
  MESSAGE_REACTION_ADD: reactionSchema,
  MESSAGE_REACTION_REMOVE: reactionSchema,
  INTERACTION_CREATE: interactionSchema,
  GUILD_CREATE: guildSchema,
  GUILD_DELETE: goneSchema,
  GUILD_ROLE_CREATE: v.looseObject({ guild_id: id, role: roleSchema }),
  GUILD_ROLE_UPDATE: v.looseObject({ guild_id: id, role: roleSchema }),
  CHANNEL_CREATE: channelSchema,
  CHANNEL_UPDATE: channelSchema,
  CHANNEL_DELETE: channelSchema,
  THREAD_CREATE: channelSchema,
  THREAD_UPDATE: channelSchema,
  THREAD_DELETE: goneSchema,
  THREAD_LIST_SYNC: syncSchema,
} as const;

/** One event that we read. */
export type Dispatch = {
  [Name in keyof typeof bodySchemas]: { name: Name; body: v.InferOutput<(typeof bodySchemas)[Name]> };
}[keyof typeof bodySchemas];

/** Reads one event; undefined for a kind that is not read, or what is wrong with it. Never throws. */
export function parseDispatch(name: string, raw: unknown): Dispatch | { problem: string } | undefined {
  if (!Object.hasOwn(bodySchemas, name)) return undefined;
  const known = name as keyof typeof bodySchemas;
  const parsed = v.safeParse(bodySchemas[known], raw);
  if (parsed.success) return { name: known, body: parsed.output } as Dispatch;
  const where = parsed.issues[0].path?.map(({ key }) => String(key)).join(".") ?? "all of it";
  return { problem: `${name} is malformed: ${where}` };
}

/** A message as the API answers with it. @throws ValiError for anything else. */
export function parseMessage(raw: unknown): Message {
  return v.parse(messageSchema, raw);
}
