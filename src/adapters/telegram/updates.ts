// The form of Telegram's updates, as far as we read them: what decides is strict, all else may be missing or odd.
import * as v from "valibot";

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

/** A member that counts although it is not as documented: that it is there says enough. */
function noticed<Schema extends v.GenericSchema>(schema: Schema, instead: v.InferOutput<Schema>) {
  return v.optional(v.fallback(schema, instead));
}

const integer = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(integer, v.minValue(0));
const idSchema = v.pipe(
  integer,
  v.check((id) => id !== 0),
);
const text = soft(v.string());
const anything = soft(v.looseObject({}));

const userSchema = v.looseObject({
  id: v.pipe(integer, v.minValue(1)),
  is_bot: v.boolean(),
  first_name: text,
  last_name: text,
  username: text,
});

const chatSchema = v.looseObject({ id: idSchema, type: v.string(), title: text, username: text });

const entitySchema = v.looseObject({
  type: v.string(),
  offset: count,
  length: count,
  url: text,
  language: text,
  user: soft(userSchema),
});

const fileEntries = { file_id: v.pipe(v.string(), v.nonEmpty()), file_size: soft(count) };
const fileSchema = v.looseObject({ ...fileEntries, file_name: text, mime_type: text });
const photoSchema = v.looseObject({ ...fileEntries, width: soft(count), height: soft(count) });

const originSchema = v.looseObject({
  type: v.string(),
  sender_user: soft(userSchema),
  sender_user_name: text,
  sender_chat: soft(chatSchema),
  chat: soft(chatSchema),
});

const quoteSchema = v.looseObject({ text: v.string(), is_manual: soft(v.boolean()) });

/** What a message may carry. A message that is replied to has the same, so that it can be quoted. */
const contentEntries = {
  text,
  entities: softList(entitySchema),
  caption: text,
  caption_entities: softList(entitySchema),
  photo: softList(photoSchema),
  document: soft(fileSchema),
  animation: soft(fileSchema),
  voice: soft(fileSchema),
  audio: soft(v.looseObject({ ...fileSchema.entries, title: text, performer: text })),
  video: soft(fileSchema),
  video_note: soft(v.looseObject(fileEntries)),
  sticker: soft(v.looseObject({ emoji: text, set_name: text })),
  location: soft(v.looseObject({ latitude: v.number(), longitude: v.number(), live_period: soft(count) })),
  venue: soft(v.looseObject({ title: text, address: text })),
  contact: soft(v.looseObject({ phone_number: text, first_name: text, last_name: text })),
  poll: soft(v.looseObject({ question: text, options: softList(v.looseObject({ text: v.string() })) })),
  dice: soft(v.looseObject({ emoji: text, value: soft(integer) })),
  checklist: soft(
    v.looseObject({
      title: text,
      tasks: softList(v.looseObject({ text: v.string(), completion_date: soft(integer) })),
    }),
  ),
  story: anything,
  game: anything,
  invoice: anything,
  paid_media: anything,
  giveaway: anything,
};

const contentSchema = v.looseObject(contentEntries);

/** The content of a message. */
export type Content = v.InferOutput<typeof contentSchema>;

const messageSchema = v.looseObject({
  ...contentEntries,
  message_id: idSchema,
  message_thread_id: soft(idSchema),
  is_topic_message: soft(v.boolean()),
  from: soft(userSchema),
  // Whoever writes in the name of a chat is no person, and what is passed on is no order.
  sender_chat: noticed(chatSchema, { id: 1, type: "unknown" }),
  forward_origin: noticed(originSchema, { type: "unknown" }),
  chat: chatSchema,
  date: soft(count),
  edit_date: soft(count),
  media_group_id: text,
  is_automatic_forward: soft(v.boolean()),
  reply_to_message: soft(
    v.looseObject({
      ...contentEntries,
      message_id: idSchema,
      from: soft(userSchema),
      sender_chat: soft(chatSchema),
      forum_topic_created: anything,
    }),
  ),
  external_reply: soft(v.looseObject({ origin: soft(originSchema) })),
  quote: soft(quoteSchema),
  migrate_to_chat_id: soft(idSchema),
});

/** A message. */
export type Message = v.InferOutput<typeof messageSchema>;
/** An entity of a text: offsets count UTF-16 units and may lie. */
export type Entity = v.InferOutput<typeof entitySchema>;
/** A person or a bot. */
export type User = v.InferOutput<typeof userSchema>;
/** Where a forwarded message comes from. */
export type Origin = v.InferOutput<typeof originSchema>;
/** A chat. */
export type Chat = v.InferOutput<typeof chatSchema>;

const callbackSchema = v.looseObject({
  id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(100)),
  from: userSchema,
  data: text,
  message: soft(
    v.looseObject({
      message_id: idSchema,
      chat: chatSchema,
      message_thread_id: soft(idSchema),
      is_topic_message: soft(v.boolean()),
    }),
  ),
});

/** A pressed button. */
export type Callback = v.InferOutput<typeof callbackSchema>;

const reactionTypeSchema = v.looseObject({ type: v.string(), emoji: text, custom_emoji_id: text });

const reactionSchema = v.looseObject({
  chat: chatSchema,
  message_id: idSchema,
  user: soft(userSchema),
  actor_chat: noticed(chatSchema, { id: 1, type: "unknown" }),
  date: soft(count),
  old_reaction: softList(reactionTypeSchema),
  new_reaction: softList(reactionTypeSchema),
});

/** Changed reactions of one person to one message. */
export type ReactionChange = v.InferOutput<typeof reactionSchema>;

const memberSchema = v.looseObject({
  chat: chatSchema,
  from: userSchema,
  new_chat_member: v.looseObject({ status: v.string() }),
});

/** The kinds of updates that we ask for, and the form of each. */
const bodySchemas = {
  message: messageSchema,
  edited_message: messageSchema,
  callback_query: callbackSchema,
  message_reaction: reactionSchema,
  my_chat_member: memberSchema,
} as const;

/** Named at each poll: reactions are left out otherwise. */
export const updateKinds = Object.keys(bodySchemas) as (keyof typeof bodySchemas)[];

/** One update that we read. */
export type Update = {
  [Kind in keyof typeof bodySchemas]: { id: number; kind: Kind; body: v.InferOutput<(typeof bodySchemas)[Kind]> };
}[keyof typeof bodySchemas];

/** The number of an update, by which it is confirmed; undefined when it has none. */
export function updateId(raw: unknown): number | undefined {
  const parsed = v.safeParse(v.looseObject({ update_id: count }), raw);
  return parsed.success ? parsed.output.update_id : undefined;
}

/** Reads one update, or says why it is none that we could use. Never throws. */
export function parseUpdate(raw: unknown): Update | { problem: string } {
  const id = updateId(raw);
  if (id === undefined) return { problem: "it has no number" };
  const update = raw as Record<string, unknown>;
  const kind = updateKinds.find((known) => update[known] !== undefined);
  if (kind === undefined) return { problem: "its kind is unknown" };
  const parsed = v.safeParse(bodySchemas[kind], update[kind]);
  if (!parsed.success) {
    const where = parsed.issues[0].path?.map(({ key }) => String(key)).join(".") ?? "all of it";
    return { problem: `${kind} is malformed: ${where}` };
  }
  return { id, kind, body: parsed.output } as Update;
}
