// Bot API methods about the bot itself, its updates and its chats.
import { assertAccess, chatOf, put } from "./chats.ts";
import type { Call, Method } from "./method.ts";
import { flag, number, object, text } from "./params.ts";
import { bad, Refusal, tooMany } from "./refusal.ts";
import { renderChat, renderMessage, renderUser } from "./render.ts";
import { integer, takeUpdates, updateKinds } from "./updates.ts";
import { type Chat, isAdmin, isIn, type Json, userOf, type World } from "./world.ts";

function getMe({ bot }: Call): Json {
  return {
    ...renderUser(bot),
    can_join_groups: true,
    can_read_all_group_messages: bot.canReadAll,
    supports_guest_queries: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

export const webhookConflict =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

function getUpdates({ world, bot, params }: Call): Json[] {
  if (bot.webhook !== "") throw new Refusal(409, webhookConflict);
  return takeUpdates(world, bot, params);
}

function setWebhook({ bot, params }: Call): boolean {
  const url = text(params.url);
  if (url !== "" && !url.startsWith("https://")) throw bad("bad webhook: An HTTPS URL must be provided for webhook");
  bot.webhook = url;
  return dropPending({ bot, params });
}

function deleteWebhook({ bot, params }: Call): boolean {
  bot.webhook = "";
  return dropPending({ bot, params });
}

function dropPending({ bot, params }: Pick<Call, "bot" | "params">): boolean {
  if (flag(params.drop_pending_updates)) bot.queue = [];
  if (Array.isArray(params.allowed_updates)) {
    const names = params.allowed_updates.map(String).filter((name) => updateKinds.includes(name));
    bot.allowedUpdates = names.length === 0 ? undefined : names;
  }
  return true;
}

function getWebhookInfo({ bot }: Call): Json {
  return {
    url: bot.webhook,
    has_custom_certificate: false,
    pending_update_count: bot.queue.length,
    ...(bot.allowedUpdates === undefined ? {} : { allowed_updates: bot.allowedUpdates }),
  };
}

const scopes = [
  "default",
  "all_private_chats",
  "all_group_chats",
  "all_chat_administrators",
  "chat",
  "chat_administrators",
  "chat_member",
];

/** Commands are kept apart by scope and language. */
function commandsKey({ world, bot, params }: Call): string {
  const scope = object(params.scope) ?? { type: "default" };
  const type = text(scope.type);
  if (!scopes.includes(type)) throw bad("can't parse BotCommandScope: Unsupported type specified");
  const language = text(params.language_code);
  if (language !== "" && !/^[a-z]{2}$/.test(language)) throw bad("invalid language code specified");
  const chat = type.startsWith("chat") ? chatOf(world, bot, scope.chat_id).id : "";
  return [type, chat, type === "chat_member" ? text(scope.user_id) : "", language].join("|");
}

function setMyCommands(call: Call): boolean {
  const { bot, params } = call;
  if (!Array.isArray(params.commands)) throw bad("can't parse commands: expected an Array of BotCommand");
  if (params.commands.length > 100) throw bad("BOT_COMMANDS_TOO_MUCH");
  const commands = params.commands.map((one) => {
    const command = text(object(one)?.command).replace(/^\//, "");
    const description = text(object(one)?.description);
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw bad("BOT_COMMAND_INVALID");
    if (description.length < 1 || description.length > 256) throw bad("BOT_COMMAND_DESCRIPTION_INVALID");
    return { command, description };
  });
  const key = commandsKey(call);
  if (commands.length === 0) bot.commands.delete(key);
  else bot.commands.set(key, commands);
  return true;
}

function memberOf(world: World, chat: Chat, id: number): Json {
  const status = chat.members.get(id) ?? "left";
  const more: Record<string, Json> = {
    creator: { is_anonymous: false },
    administrator: {
      can_be_edited: false,
      is_anonymous: false,
      can_manage_chat: true,
      can_delete_messages: true,
      can_pin_messages: true,
      can_manage_topics: true,
    },
    kicked: { until_date: 0 },
    restricted: { is_member: true, can_send_messages: false, until_date: 0 },
  };
  return { user: renderUser(userOf(world, id)), status, ...more[status] };
}

function known({ world, bot, params }: Call): Chat {
  const chat = chatOf(world, bot, params.chat_id);
  if (chat.kind !== "private") assertAccess(world, bot, chat);
  return chat;
}

function getChat(call: Call): Json {
  const chat = known(call);
  return {
    ...renderChat(call.world, chat),
    accent_color_id: 0,
    max_reaction_count: 11,
    accepted_gift_types: {
      unlimited_gifts: false,
      limited_gifts: false,
      unique_gifts: false,
      premium_subscription: false,
      gifts_from_channels: false,
    },
    ...(chat.kind === "private" ? {} : { permissions: { can_send_messages: !chat.readOnly } }),
  };
}

function getChatMember(call: Call): Json {
  const chat = known(call);
  const id = number(call.params, "user_id");
  if (call.world.users.get(id) === undefined && id !== call.bot.id) throw bad("PARTICIPANT_ID_INVALID");
  if (chat.kind === "private") return { user: renderUser(userOf(call.world, id)), status: "member" };
  return memberOf(call.world, chat, id);
}

function getChatAdministrators(call: Call): Json[] {
  const chat = known(call);
  if (chat.kind === "private") throw bad("there are no administrators in the private chat");
  return [...chat.members.keys()].filter((id) => isAdmin(chat, id)).map((id) => memberOf(call.world, chat, id));
}

function getChatMemberCount(call: Call): number {
  const chat = known(call);
  return chat.kind === "private" ? 2 : [...chat.members.keys()].filter((id) => isIn(chat, id)).length;
}

function leaveChat(call: Call): boolean {
  const chat = known(call);
  if (chat.kind === "private") throw bad("chat member status can't be changed in private chats");
  chat.members.set(call.bot.id, "left");
  return true;
}

function createForumTopic(call: Call): Json {
  const { world, bot, params } = call;
  const chat = known(call);
  if (chat.kind !== "forum") throw bad("the chat is not a forum");
  if (!isAdmin(chat, bot.id)) throw bad("not enough rights to create a topic");
  const name = text(params.name);
  if (name.length < 1 || name.length > 128) throw bad("TOPIC_TITLE_EMPTY");
  const opening = openTopic(world, chat, { name, by: bot.id });
  renderMessage(world, opening, { bot });
  return { message_thread_id: opening.id, name, icon_color: 7322096 };
}

/** A topic is named by the service message that opened it. */
export function openTopic(world: World, chat: Chat, { name, by }: { name: string; by: number }) {
  const service = { forum_topic_created: { name, icon_color: 7322096 } };
  const opening = put(world, chat, { from: by, service });
  opening.thread = opening.id;
  opening.isTopic = true;
  chat.topics.set(opening.id, { id: opening.id, name, closed: false });
  return opening;
}

function topicChange(call: Call, change: (topic: { name: string; closed: boolean }) => void): boolean {
  const chat = known(call);
  const topic = chat.topics.get(integer(call.params.message_thread_id) ?? 0);
  if (topic === undefined) throw bad("message thread not found");
  if (!isAdmin(chat, call.bot.id)) throw bad("not enough rights to edit a topic");
  change(topic);
  return true;
}

/** "The method will return error 429 in the first 10 minutes after the bot is launched." */
function closeInstance(): never {
  throw tooMany(600);
}

export const botMethods: Record<string, Method> = {
  getMe,
  getUpdates,
  setWebhook,
  deleteWebhook,
  getWebhookInfo,
  logOut: ({ bot }) => {
    bot.loggedOut = true;
    return true;
  },
  close: closeInstance,
  setMyCommands,
  getMyCommands: (call) => call.bot.commands.get(commandsKey(call)) ?? [],
  deleteMyCommands: (call) => {
    call.bot.commands.delete(commandsKey(call));
    return true;
  },
  getChat,
  getChatMember,
  getChatAdministrators,
  getChatMemberCount,
  leaveChat,
  createForumTopic,
  editForumTopic: (call) =>
    topicChange(call, (topic) => {
      const name = text(call.params.name);
      if (name !== "") topic.name = name;
    }),
  closeForumTopic: (call) =>
    topicChange(call, (topic) => {
      topic.closed = true;
    }),
  reopenForumTopic: (call) =>
    topicChange(call, (topic) => {
      topic.closed = false;
    }),
};
