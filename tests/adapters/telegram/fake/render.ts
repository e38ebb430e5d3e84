// Messages and chats of the fake Telegram as the JSON that a bot sees.
import {
  type Bot,
  type Chat,
  type Json,
  type Media,
  type Message,
  type StoredFile,
  secondsNow,
  type User,
  userOf,
  type World,
  word,
} from "./world.ts";

export function renderUser(user: User): Json {
  return {
    id: user.id,
    is_bot: user.isBot,
    first_name: user.firstName,
    ...(user.lastName === undefined ? {} : { last_name: user.lastName }),
    ...(user.username === undefined ? {} : { username: user.username }),
    ...(user.languageCode === undefined ? {} : { language_code: user.languageCode }),
  };
}

export function renderChat(world: World, chat: Chat): Json {
  if (chat.kind === "private") {
    const person = userOf(world, chat.person ?? 0);
    const { is_bot: _bot, language_code: _language, ...rest } = renderUser(person);
    return { ...rest, type: "private" };
  }
  return {
    id: chat.id,
    title: chat.title,
    ...(chat.username === undefined ? {} : { username: chat.username }),
    type: chat.kind === "group" ? "group" : "supergroup",
    ...(chat.kind === "forum" ? { is_forum: true } : {}),
    ...(chat.kind === "group" ? { all_members_are_administrators: false } : {}),
  };
}

/** Who seems to write when an administrator hides: the same account in every group. */
const anonymousAdmin = { id: 1_087_968_824, is_bot: true, first_name: "Group", username: "GroupAnonymousBot" };

/** A message as `bot` sees it now. One level of reply, as the API says; `outer: false` leaves it out. */
export function renderMessage(
  world: World,
  message: Message,
  { bot, outer = true }: { bot: Bot; outer?: boolean },
): Json {
  const { chat } = message;
  return {
    message_id: message.id,
    ...(message.thread === undefined ? {} : { message_thread_id: message.thread }),
    from: message.anonymous ? anonymousAdmin : renderUser(userOf(world, message.from)),
    ...(message.anonymous ? { sender_chat: renderChat(world, chat) } : {}),
    chat: renderChat(world, chat),
    date: message.date,
    ...(message.editDate === undefined ? {} : { edit_date: message.editDate }),
    ...(message.forwardedFrom === undefined ? {} : { forward_origin: renderOrigin(world, message.forwardedFrom) }),
    ...(message.isTopic ? { is_topic_message: true } : {}),
    ...(outer ? renderReply(world, message, bot) : {}),
    ...(message.quote === undefined ? {} : { quote: renderQuote(message) }),
    ...(message.mediaGroup === undefined ? {} : { media_group_id: message.mediaGroup }),
    ...(message.media === undefined ? {} : renderMedia(world, message.media, bot)),
    ...renderText(world, message),
    ...message.service,
    ...message.other,
    ...(message.protect ? { has_protected_content: true } : {}),
    ...(message.linkPreview === undefined ? {} : { link_preview_options: message.linkPreview }),
    ...(message.buttons === undefined ? {} : { reply_markup: { inline_keyboard: message.buttons } }),
  };
}

function renderQuote({ chat, replyTo, quote = "" }: Message): Json {
  const position = chat.messages.get(replyTo ?? 0)?.text.indexOf(quote) ?? 0;
  return { text: quote, position: Math.max(0, position), is_manual: true };
}

function renderOrigin(world: World, { from, date }: { from: number; date: number }): Json {
  return { type: "user", sender_user: renderUser(userOf(world, from)), date };
}

/**
 * In a forum each message that answers nothing else answers the service message that opened its topic, so that
 * "is a reply" says nothing there. A deleted original is left out.
 */
function renderReply(world: World, message: Message, bot: Bot): Json {
  const id = message.replyTo ?? (message.isTopic ? message.thread : undefined);
  const original = id === undefined || id === message.id ? undefined : message.chat.messages.get(id);
  if (original === undefined || original.deleted) return {};
  return { reply_to_message: renderMessage(world, original, { bot, outer: false }) };
}

function renderText(world: World, { media, text, entities }: Message): Json {
  const shown = entities.map(({ user, ...rest }) =>
    user === undefined ? rest : { ...rest, user: renderUser(userOf(world, user.id)) },
  );
  const names = media === undefined ? ["text", "entities"] : ["caption", "caption_entities"];
  return {
    ...(text === "" ? {} : { [names[0] ?? ""]: text }),
    ...(shown.length === 0 ? {} : { [names[1] ?? ""]: shown }),
  };
}

/** Sides of the copies that the server makes of a photo, each no larger than the original. */
const photoSides = [90, 320, 800, 1280];

function renderMedia(world: World, media: Media, bot: Bot): Json {
  if (media.kind === "photo") return { photo: photoSizes(world, media, bot) };
  const file = fileFor(world, media, { bot });
  const shown = {
    ...(media.kind === "document" || media.kind === "audio" || media.kind === "video" ? { file_name: file.name } : {}),
    mime_type: file.mime,
    ...(media.kind === "document" ? {} : { duration: file.durationS ?? 1 }),
    ...(media.kind === "video" ? { width: media.width ?? 640, height: media.height ?? 360 } : {}),
    ...renderFile(file),
  };
  return { [media.kind]: shown };
}

export function renderFile(file: StoredFile): Json {
  return { file_id: file.fileId, file_unique_id: file.uniqueId, file_size: file.size };
}

/** Smallest first, the last one with the bytes as they were sent. */
function photoSizes(world: World, media: Media, bot: Bot): Json[] {
  const width = media.width ?? 1280;
  const height = media.height ?? 960;
  const long = Math.max(width, height);
  const sides = [...photoSides.filter((side) => side < Math.min(long, 1280)), Math.min(long, 1280)];
  return sides.map((side, index) => {
    const last = index === sides.length - 1;
    const scaled = {
      width: Math.max(1, Math.round((width * side) / long)),
      height: Math.max(1, Math.round((height * side) / long)),
    };
    const bytes = last ? media.bytes : new TextEncoder().encode(`small copy, ${side} at its longer side`);
    const file = fileFor(world, media, {
      bot,
      variant: { ...scaled, bytes, suffix: "abcdefgh"[index] ?? "z", size: last ? media.size : bytes.length },
    });
    return { ...renderFile(file), ...scaled };
  });
}

interface Variant {
  width: number;
  height: number;
  bytes: Uint8Array;
  suffix: string;
  size: number;
}

const folders: Record<Media["kind"], string> = {
  photo: "photos",
  document: "documents",
  voice: "voice",
  audio: "music",
  video: "videos",
};
const endings: Record<Media["kind"], string> = {
  photo: ".jpg",
  document: "",
  voice: ".oga",
  audio: ".mp3",
  video: ".mp4",
};

/** The file as one bot knows it: its file id is of no use to another bot. */
export function fileFor(world: World, media: Media, { bot, variant }: { bot: Bot; variant?: Variant }): StoredFile {
  const uniqueId = `${media.uniqueId}${variant?.suffix ?? ""}`;
  const known = [...world.files.values()].find((file) => file.bot === bot.id && file.uniqueId === uniqueId);
  if (known !== undefined) return known;
  const ending = /\.[A-Za-z0-9]{1,8}$/.exec(media.name ?? "")?.[0] ?? endings[media.kind];
  const number = world.files.size;
  const file: StoredFile = {
    fileId: `${{ photo: "AgAC", document: "BQAC", voice: "AwAC", audio: "CQAC", video: "BAAC" }[media.kind]}${word(world, 60)}`,
    uniqueId,
    bot: bot.id,
    kind: media.kind,
    name: media.name,
    mime: media.mime,
    size: variant?.size ?? media.size,
    width: variant?.width ?? media.width,
    height: variant?.height ?? media.height,
    durationS: media.durationS,
    path: `${folders[media.kind]}/file_${number}${ending}`,
    bytes: variant?.bytes ?? media.bytes,
  };
  world.files.set(file.fileId, file);
  return file;
}

/** An `Update.my_chat_member` and the like. */
export function renderMemberChange(
  world: World,
  { chat, by, who, from, to }: { chat: Chat; by: number; who: number; from: string; to: string },
): Json {
  const member = (status: string) => ({
    user: renderUser(userOf(world, who)),
    status,
    ...(status === "kicked" ? { until_date: 0 } : {}),
  });
  return {
    chat: renderChat(world, chat),
    from: renderUser(userOf(world, by)),
    date: secondsNow(world),
    old_chat_member: member(from),
    new_chat_member: member(to),
  };
}
