// What a bot is told: its queue of updates, with the offsets of getUpdates, and who may see which message.
import { bad } from "./refusal.ts";
import { renderMessage } from "./render.ts";
import { type Bot, type Chat, isAdmin, isIn, type Json, type Message, type World } from "./world.ts";

/** "Incoming updates are stored on the server until the bot receives them, but not longer than 24 hours." */
const keptMs = 24 * 60 * 60 * 1000;
const batchMax = 100;

/** Kinds that a bot gets only when it names them: core.telegram.org/bots/api#getupdates. */
const onlyWhenNamed = ["chat_member", "message_reaction", "message_reaction_count"];

export const updateKinds = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "business_connection",
  "business_message",
  "edited_business_message",
  "deleted_business_messages",
  "guest_message",
  "stopped_message_generation",
  "message_reaction",
  "message_reaction_count",
  "inline_query",
  "chosen_inline_result",
  "callback_query",
  "shipping_query",
  "pre_checkout_query",
  "purchased_paid_media",
  "poll",
  "poll_answer",
  "my_chat_member",
  "chat_member",
  "chat_join_request",
  "chat_boost",
  "removed_chat_boost",
  "managed_bot",
  "subscription",
];

/** Puts an update into a bot's queue, unless it asked not to be told. */
export function tell(world: World, bot: Bot, content: { kind: string; body: Json }): void {
  const { kind, body } = content;
  const wanted = bot.allowedUpdates === undefined ? !onlyWhenNamed.includes(kind) : bot.allowedUpdates.includes(kind);
  if (!wanted) return;
  const update = { update_id: bot.nextUpdateId, [kind]: structuredClone(body) };
  bot.nextUpdateId += 1;
  bot.queue.push({ update, at: world.now(), delivered: 0 });
  for (const wake of world.woken) wake(bot.id);
}

/** Tells every bot that may see it of a message. */
export function tellMessage(world: World, message: Message, kind: "message" | "edited_message" = "message"): void {
  for (const bot of world.bots.values()) {
    if (sees(world, bot, message)) tell(world, bot, { kind, body: renderMessage(world, message, { bot }) });
  }
}

/**
 * Privacy mode: core.telegram.org/bots/features#privacy-mode. Without the right to read all, a bot in a group is told of
 * commands for it, replies to it, and service messages. A mention alone does not reach it, whatever BotFather's text says
 * (telegraf/telegraf/issues/545, HKUDS/nanobot/issues/449, n3d1117/chatgpt-telegram-bot/pull/39), unless the world is
 * made with `mentionsReach`. Bots never see what bots say.
 */
export function sees(world: World, bot: Bot, message: Message): boolean {
  const { chat } = message;
  if (message.from === bot.id || (world.users.get(message.from) === undefined && message.service === undefined))
    return false;
  if (chat.kind === "private") return chat.bot === bot.id && !chat.blocked;
  if (!isIn(chat, bot.id)) return false;
  if (bot.canReadAll || message.service !== undefined || isAdmin(chat, bot.id)) return true;
  const original = message.replyTo === undefined ? undefined : chat.messages.get(message.replyTo);
  if (original?.from === bot.id) return true;
  return message.entities.some(({ type, offset, length, user }) => {
    const marked = message.text.slice(offset, offset + length).toLowerCase();
    if (type === "mention") return world.mentionsReach && marked === `@${bot.username.toLowerCase()}`;
    if (type === "text_mention") return world.mentionsReach && user?.id === bot.id;
    if (type !== "bot_command") return false;
    const [, addressee] = marked.split("@");
    return addressee === undefined ? spokeLast(world, chat, bot) : addressee === bot.username.toLowerCase();
  });
}

/** A command for nobody in particular goes to the bot that spoke last; before any has spoken, to all. */
function spokeLast(world: World, chat: Chat, bot: Bot): boolean {
  const last = [...chat.messages.values()].findLast(
    ({ from, service }) => service === undefined && !world.users.has(from),
  );
  return last === undefined || last.from === bot.id;
}

/** Offsets, the limit, and what is kept of `allowed_updates`: core.telegram.org/bots/api#getupdates. */
export function takeUpdates(world: World, bot: Bot, params: Json): Json[] {
  const offset = integer(params.offset) ?? 0;
  const limit = Math.min(Math.max(integer(params.limit) ?? batchMax, 1), batchMax);
  if (params.allowed_updates !== undefined) bot.allowedUpdates = allowed(params.allowed_updates);
  bot.queue = bot.queue.filter(({ at }) => world.now() - at < keptMs);
  if (offset > 0) bot.queue = bot.queue.filter(({ update }) => update.update_id >= offset);
  if (offset < 0) bot.queue = bot.queue.slice(offset);
  return bot.queue.slice(0, limit).map((one) => {
    one.delivered += 1;
    return structuredClone(one.update);
  });
}

function allowed(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) throw bad("can't parse allowed_updates: expected an Array of String");
  const names = value.map(String).filter((name) => updateKinds.includes(name));
  return names.length === 0 ? undefined : names;
}

export function integer(value: unknown): number | undefined {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  return typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : undefined;
}
