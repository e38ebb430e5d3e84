// Puts messages into the fake Discord and changes them: shared by routes, interactions and people.
import { emitChannel, emitMessage } from "./emissions.ts";
import { components, contentMax, embeds, flags, text } from "./forms.ts";
import { bits, may, permissionsIn } from "./permissions.ts";
import { invalidForm, refuse } from "./refusal.ts";
import { type Call, isObject, plain, type Upload } from "./route.ts";
import {
  type Channel,
  type Content,
  isThread,
  type Json,
  type Message,
  newId,
  type StoredFile,
  type User,
  type World,
} from "./world.ts";

export interface Draft extends Partial<Content> {
  author: User;
  kind?: number;
  flags?: number;
  nonce?: string | number;
  replyTo?: { id: string; channel: string };
  mentions?: string[];
  mentionsEveryone?: boolean;
  onlyFor?: string;
  interaction?: Message["interaction"];
  tts?: boolean;
  /** Given when it is fixed before: the first message of a thread has the thread's. */
  id?: string;
}

/** Adds the message and tells of it. */
export function put(world: World, channel: Channel, draft: Draft): Message {
  const content: Content = {
    text: draft.text ?? "",
    embeds: draft.embeds ?? [],
    components: draft.components ?? [],
    files: draft.files ?? [],
  };
  const now = world.clock.now();
  const message: Message = {
    id: draft.id ?? newId(world),
    channel,
    author: draft.author,
    kind: draft.kind ?? 0,
    flags: draft.flags ?? 0,
    nonce: draft.nonce,
    at: now,
    editedAt: undefined,
    deleted: false,
    onlyFor: draft.onlyFor,
    replyTo: draft.replyTo,
    mentions: draft.mentions ?? [],
    mentionsEveryone: draft.mentionsEveryone ?? false,
    reactions: new Map(),
    thread: undefined,
    interaction: draft.interaction,
    forms: [{ ...content, at: now }],
    tts: draft.tts ?? false,
    ...content,
  };
  channel.messages.set(message.id, message);
  world.places.set(message.id, message);
  // Whoever writes into an archived thread opens it again: topics/threads#active-and-archived-threads.
  if (channel.archived) {
    channel.archived = false;
    emitChannel(world, channel, "THREAD_UPDATE");
  }
  emitMessage(world, message, "MESSAGE_CREATE");
  return message;
}

/** Replaces what a message shows, keeps the old form, tells of it. */
export function change(world: World, message: Message, content: Partial<Content> & { flags?: number }): void {
  Object.assign(message, content);
  message.editedAt = world.clock.now();
  const { text, embeds, components, files } = message;
  message.forms.push({ text, embeds, components, files, at: message.editedAt });
  emitMessage(world, message, "MESSAGE_UPDATE");
}

/** Everyone who is named in a text and may be pinged. */
export function namedIn(world: World, channel: Channel, text: string): string[] {
  const ids = [...text.matchAll(/<@!?(\d+)>/g)].map(([, id]) => id ?? "");
  const here = (id: string) =>
    channel.guild?.members.has(id) ?? channel.recipients?.some((one) => one.id === id) ?? false;
  return [...new Set(ids)].filter((id) => world.users.has(id) && here(id));
}

/** `allowed_mentions`: docs.discord.com/developers/resources/message#allowed-mentions-object. */
function mentionsOf(
  { world, bot }: Call,
  { channel, text, body, replied }: { channel: Channel; text: string; body: Json; replied: Message | undefined },
): { mentions: string[]; mentionsEveryone: boolean } {
  const allowed = isObject(body.allowed_mentions) ? body.allowed_mentions : undefined;
  const parse = Array.isArray(allowed?.parse) ? allowed.parse : undefined;
  const users = Array.isArray(allowed?.users) ? (allowed.users as unknown[]) : undefined;
  if (parse?.includes("users") === true && users !== undefined && users.length > 0)
    throw invalidForm("allowed_mentions", {
      code: "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
      message: 'parse:["users"] and users: [ids...] are mutually exclusive.',
    });
  const named = namedIn(world, channel, text).filter(
    (id) => allowed === undefined || parse?.includes("users") === true || users?.includes(id) === true,
  );
  const pings = replied !== undefined && (allowed === undefined || allowed.replied_user === true);
  const mentions = pings && replied.author.id !== bot.id ? [replied.author.id, ...named] : named;
  const everyone =
    /@(?:everyone|here)\b/.test(text) &&
    (allowed === undefined || parse?.includes("everyone") === true) &&
    (permissionsIn(channel, bot) & bits.MENTION_EVERYONE) !== 0n;
  return { mentions: [...new Set(mentions)], mentionsEveryone: everyone };
}

/** The files that a request brings, in the order of `attachments` if it names them. */
function filesOf(call: Call, channel: Channel, { body, kept }: { body: Json; kept: StoredFile[] }): StoredFile[] {
  const { world, files } = call;
  if (files.size + kept.length > 10)
    throw invalidForm("attachments", { code: "BASE_TYPE_MAX_LENGTH", message: "Must be 10 or fewer in length." });
  for (const { bytes } of files.values()) if (bytes.length > world.limits.fileBytesMax) throw refuse("tooLarge");
  const described = (Array.isArray(body.attachments) ? (body.attachments as unknown[]) : []).filter(isObject);
  const fresh = [...files].map(([number, upload]) => {
    const about = described.find(({ id }) => String(id) === String(number));
    return storeFile(world, channel, {
      ...upload,
      name: typeof about?.filename === "string" ? about.filename : upload.name,
      description: typeof about?.description === "string" ? about.description : undefined,
    });
  });
  return [...kept, ...fresh];
}

export function storeFile(world: World, channel: Channel, upload: Upload & { description?: string }): StoredFile {
  const file: StoredFile = {
    id: newId(world),
    // Names lose what an address does not like: resources/message#attachment-object, `title`.
    name: upload.name.replaceAll(/\s+/g, "_").replaceAll(/[^\w.-]/g, "") || "unknown",
    type: upload.type === "" ? undefined : upload.type,
    bytes: upload.bytes,
    channel: channel.id,
    description: upload.description,
  };
  world.files.set(file.id, file);
  return file;
}

/** What a body says a new message shows. 50006 for nothing. */
export function read(call: Call, channel: Channel, body: Json): Draft {
  const content = text(body.content, "content", { max: contentMax, optional: true }).trim();
  const shown = { embeds: embeds(body.embeds), components: components(body.components) };
  const files = filesOf(call, channel, { body, kept: [] });
  if (content === "" && shown.embeds.length === 0 && files.length === 0 && shown.components.length === 0)
    throw refuse("empty");
  const allowed = flags.suppressEmbeds | flags.suppressNotifications | flags.ephemeral;
  const given = Number(body.flags ?? 0) & allowed;
  const replied = undefined;
  const mentioned = mentionsOf(call, { channel, text: content, body, replied });
  return { author: call.bot, text: content, ...shown, files, flags: given, tts: body.tts === true, ...mentioned };
}

/** The message that a body answers, if it names one; and the pings that come of it. */
export function replied(call: Call, channel: Channel, { body, draft }: { body: Json; draft: Draft }): Draft {
  const reference = isObject(body.message_reference) ? body.message_reference : undefined;
  if (reference?.message_id === undefined) return draft;
  if (!may(channel, call.bot, "READ_MESSAGE_HISTORY")) throw refuse("replyWithoutHistory");
  const found = channel.messages.get(plain(reference.message_id));
  if (found === undefined || found.deleted || found.onlyFor !== undefined) {
    if (reference.fail_if_not_exists === false) return draft;
    throw invalidForm("message_reference", { code: "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", message: "Unknown message" });
  }
  if (found.kind === 18 || found.kind === 21)
    throw invalidForm("message_reference", {
      code: "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
      message: "Cannot reply to a system message",
    });
  const mentioned = mentionsOf(call, { channel, text: draft.text ?? "", body, replied: found });
  return { ...draft, ...mentioned, kind: 19, replyTo: { id: found.id, channel: channel.id } };
}

/** Applies a PATCH body: fields that are left out stay as they are. `admit` may refuse a body that is right in itself. */
export function edit(call: Call, { message, body, admit }: { message: Message; body: Json; admit?: () => void }): void {
  const next: Content = {
    text:
      body.content === undefined
        ? message.text
        : text(body.content, "content", { max: contentMax, optional: true }).trim(),
    embeds: body.embeds === undefined ? message.embeds : embeds(body.embeds),
    components: body.components === undefined ? message.components : components(body.components),
    files: message.files,
  };
  if (body.attachments !== undefined || call.files.size > 0) {
    const named = Array.isArray(body.attachments) ? (body.attachments as unknown[]).filter(isObject) : undefined;
    const kept = message.files.filter(({ id }) => named?.some((one) => String(one.id) === id) ?? true);
    next.files = filesOf(call, message.channel, { body, kept });
  }
  if (next.text === "" && next.embeds.length === 0 && next.files.length === 0 && next.components.length === 0)
    throw refuse("empty");
  admit?.();
  const settable = flags.suppressEmbeds;
  const given =
    body.flags === undefined || body.flags === null ? message.flags & settable : Number(body.flags) & settable;
  const { mentions } = mentionsOf(call, { channel: message.channel, text: next.text, body, replied: undefined });
  message.mentions = mentions;
  change(call.world, message, { ...next, flags: (message.flags & ~settable & ~flags.loading) | given });
}

export function isClosedTo(channel: Channel): boolean {
  return channel.guild === undefined
    ? (channel.recipients?.some((user) => !user.bot && !user.directsOpen) ?? false)
    : isThread(channel) && channel.locked;
}
