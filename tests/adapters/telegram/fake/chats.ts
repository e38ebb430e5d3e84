// Which chat a request means, whether the bot may write there, and how a message gets into it.

import { flag, object, text } from "./params.ts";
import { bad, forbidden, Refusal } from "./refusal.ts";
import { integer } from "./updates.ts";
import {
  type Bot,
  type Chat,
  isAdmin,
  isGroup,
  isIn,
  type Json,
  labels,
  type Message,
  messageIn,
  secondsNow,
  userOf,
  type World,
} from "./world.ts";

/** The chat of `chat_id`, as this bot may know it. */
export function chatOf(world: World, bot: Bot, value: unknown): Chat {
  const name = text(value);
  if (name === "") throw bad("chat_id is empty");
  const found = name.startsWith("@") ? byName(world, name.slice(1)) : byId(world, bot, integer(value) ?? 0);
  if (found === undefined) throw bad("chat not found");
  return found;
}

function byName(world: World, name: string): Chat | undefined {
  return [...world.chats.values()].find(({ username }) => username?.toLowerCase() === name.toLowerCase());
}

/** A person whom the bot met in a group but who never wrote to it is known, but cold. */
function byId(world: World, bot: Bot, id: number): Chat | undefined {
  const own = world.chats.get(privateKey(bot.id, id));
  if (own !== undefined) {
    const met = [...world.chats.values()].some(
      (chat) => isGroup(chat) && chat.members.has(bot.id) && chat.members.has(id),
    );
    return own.started || met || own.blocked ? own : undefined;
  }
  const group = world.chats.get(String(id));
  return group?.members.has(bot.id) === true ? group : undefined;
}

export function privateKey(bot: number, person: number): string {
  return `${bot}:${person}`;
}

/** Throws the refusal that a bot gets which may not write here. */
export function assertMayWrite(world: World, bot: Bot, chat: Chat): void {
  assertAccess(world, bot, chat);
  if (chat.readOnly && isGroup(chat) && !isAdmin(chat, bot.id)) {
    throw bad("not enough rights to send text messages to the chat");
  }
  if (chat.members.get(bot.id) === "restricted") throw bad("not enough rights to send text messages to the chat");
}

export function assertAccess(world: World, bot: Bot, chat: Chat): void {
  if (chat.migratedTo !== undefined) {
    throw new Refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", {
      migrate_to_chat_id: chat.migratedTo,
    });
  }
  if (chat.kind === "private") {
    if (userOf(world, chat.person ?? 0).deactivated) throw forbidden("user is deactivated");
    if (chat.blocked) throw forbidden("bot was blocked by the user");
    if (!chat.started) throw forbidden("bot can't initiate conversation with a user");
    return;
  }
  const name = chat.kind === "group" ? "group" : "supergroup";
  if (chat.members.get(bot.id) === "kicked") throw forbidden(`bot was kicked from the ${name} chat`);
  if (!isIn(chat, bot.id)) throw forbidden(`bot is not a member of the ${name} chat`);
}

/**
 * The thread that a message of a bot goes to. The "General" topic is no thread: id 1 is refused
 * (tdlib/telegram-bot-api/issues/798), save for chat actions, which want it.
 */
export function threadOf(chat: Chat, value: unknown, { general = false } = {}): number | undefined {
  const id = integer(value);
  if (id === undefined || id === 0) return undefined;
  if (chat.kind !== "forum") throw bad("message thread not found");
  if (id === 1 && general) return undefined;
  const topic = chat.topics.get(id);
  if (topic === undefined) throw bad("message thread not found");
  return id;
}

/** Refuses a message into a closed topic, save from administrators. */
export function assertOpen(chat: Chat, thread: number | undefined, user: number): void {
  if (thread !== undefined && chat.topics.get(thread)?.closed === true && !isAdmin(chat, user))
    throw bad("TOPIC_CLOSED");
}

/** What `reply_parameters`, or the old `reply_to_message_id`, asks for. */
export function replyOf(chat: Chat, params: Json): { replyTo?: number; quote?: string } {
  const given = object(params.reply_parameters) ?? {
    message_id: params.reply_to_message_id,
    allow_sending_without_reply: params.allow_sending_without_reply,
  };
  const id = integer(given.message_id);
  if (id === undefined || id === 0) return {};
  if (given.chat_id !== undefined && integer(given.chat_id) !== chat.id) throw bad("message to be replied not found");
  const original = messageIn(chat, id);
  if (original === undefined) {
    if (flag(given.allow_sending_without_reply)) return {};
    throw bad("message to be replied not found");
  }
  const quote = text(given.quote);
  if (quote !== "" && !original.text.includes(quote)) throw bad("QUOTE_TEXT_INVALID");
  return { replyTo: id, ...(quote === "" ? {} : { quote }) };
}

/** Puts a new message into a chat. In a supergroup a reply opens a thread under the first message. */
export function put(world: World, chat: Chat, parts: Partial<Message> & { from: number }): Message {
  const at = world.now();
  const message: Message = {
    id: chat.nextMessageId,
    chat,
    date: secondsNow(world),
    text: "",
    entities: [],
    isTopic: parts.thread !== undefined && chat.kind === "forum",
    silent: false,
    anonymous: false,
    protect: false,
    deleted: false,
    edits: 0,
    forms: [],
    reactions: new Map(),
    pinned: false,
    ...parts,
  };
  const original = parts.replyTo === undefined ? undefined : chat.messages.get(parts.replyTo);
  if (original !== undefined && message.thread === undefined) {
    if (chat.kind === "supergroup") message.thread = original.thread ?? original.id;
    if (chat.kind === "forum" && original.isTopic) {
      message.thread = original.thread;
      message.isTopic = true;
    }
  }
  message.forms.push({ text: message.text, at, buttons: labels(message.buttons) });
  chat.nextMessageId += 1;
  chat.messages.set(message.id, message);
  // A message of the bot ends what it was seen to type, and its draft.
  if (!world.users.has(parts.from)) chat.drafts.clear();
  return message;
}

/** Notes a new form of a message, for those who look at its history. */
export function noteEdit(world: World, message: Message): void {
  message.edits += 1;
  message.forms.push({ text: message.text, at: world.now(), buttons: labels(message.buttons) });
}
