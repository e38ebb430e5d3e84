// Bot API methods that send, change and remove text messages, and what people see of a bot at work.
import { assertAccess, assertMayWrite, chatOf, noteEdit, put, threadOf } from "./chats.ts";
import { type Call, envelope, type Method } from "./method.ts";
import { post } from "./methods-ephemeral.ts";
import { flag, marked, markup, number, object, text } from "./params.ts";
import { bad } from "./refusal.ts";
import { renderMessage } from "./render.ts";
import { integer } from "./updates.ts";
import { type Button, isAdmin, type Json, type Message, messageIn } from "./world.ts";

/** A bot may delete in its chats for two days. */
const deletableS = 48 * 60 * 60;

function sendMessage(call: Call): Json {
  const { params } = call;
  const content = marked(params, { what: "text" });
  const { chat, parts } = envelope(call);
  return post(call, chat, { ...parts, ...content, linkPreview: object(params.link_preview_options) });
}

/** The message that an editing call names, if the bot may edit it. */
function editable({ world, bot, params }: Call): Message {
  const chat = chatOf(world, bot, params.chat_id);
  assertAccess(world, bot, chat);
  const message = messageIn(chat, number(params, "message_id"));
  if (message === undefined) throw bad("message to edit not found");
  if (message.from !== bot.id || message.markup !== undefined || message.service !== undefined)
    throw bad("message can't be edited");
  return message;
}

const unchanged =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

/** An edit without a keyboard takes the old one away. */
function change(
  { world, bot }: Call,
  message: Message,
  to: { text?: string; entities?: Message["entities"]; buttons?: Button[][]; linkPreview?: Json },
): Json {
  const now = {
    text: message.text,
    entities: message.entities,
    linkPreview: message.linkPreview,
    ...to,
    buttons: to.buttons,
  };
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  const isSame =
    same(now.text, message.text) && same(now.entities, message.entities) && same(now.buttons, message.buttons);
  if (isSame && same(now.linkPreview, message.linkPreview)) throw bad(unchanged);
  Object.assign(message, now);
  // A change of the keyboard alone leaves no "edited" mark.
  if (to.text !== undefined) message.editDate = Math.floor(world.now() / 1000);
  noteEdit(world, message);
  return renderMessage(world, message, { bot });
}

function editMessageText(call: Call): unknown {
  if (text(call.params.inline_message_id) !== "") throw bad("MESSAGE_ID_INVALID");
  const content = marked(call.params, { what: "text" });
  const { buttons } = markup(call.params.reply_markup);
  const message = editable(call);
  if (message.media !== undefined) throw bad("there is no text in the message to edit");
  return change(call, message, { ...content, buttons, linkPreview: object(call.params.link_preview_options) });
}

function editMessageCaption(call: Call): unknown {
  const content = marked(call.params, { what: "caption", empty: true });
  const { buttons } = markup(call.params.reply_markup);
  const message = editable(call);
  if (message.media === undefined) throw bad("there is no caption in the message to edit");
  return change(call, message, { ...content, buttons });
}

function editMessageReplyMarkup(call: Call): unknown {
  const { buttons } = markup(call.params.reply_markup);
  return change(call, editable(call), { buttons });
}

function removed({ world, bot, params }: Call, id: number): boolean {
  const chat = chatOf(world, bot, params.chat_id);
  assertAccess(world, bot, chat);
  const message = messageIn(chat, id);
  if (message === undefined) return false;
  const foreign = message.from !== bot.id && chat.kind !== "private" && !isAdmin(chat, bot.id);
  const old = world.now() / 1000 - message.date > deletableS && !isAdmin(chat, bot.id);
  if (foreign || old) throw bad(old ? "message can't be deleted for everyone" : "message can't be deleted");
  message.deleted = true;
  return true;
}

function deleteMessage(call: Call): boolean {
  if (!removed(call, number(call.params, "message_id"))) throw bad("message to delete not found");
  return true;
}

/** Ids that are not there are passed over. */
function deleteMessages(call: Call): boolean {
  const ids = call.params.message_ids;
  if (!Array.isArray(ids) || ids.length === 0) throw bad("message identifiers are not specified");
  if (ids.length > 100) throw bad("too many message identifiers specified");
  for (const id of ids) removed(call, integer(id) ?? 0);
  return true;
}

const chatActions = [
  "typing",
  "upload_photo",
  "record_video",
  "upload_video",
  "record_voice",
  "upload_voice",
  "upload_document",
  "choose_sticker",
  "find_location",
  "record_video_note",
  "upload_video_note",
];
const actionsKept = 10_000;

function sendChatAction({ world, bot, params }: Call): boolean {
  const chat = chatOf(world, bot, params.chat_id);
  assertMayWrite(world, bot, chat);
  const thread = threadOf(chat, params.message_thread_id, { general: true });
  const action = text(params.action);
  if (!chatActions.includes(action)) throw bad("wrong parameter action in request");
  chat.actions.push({ at: world.now(), bot: bot.id, action, thread });
  if (chat.actions.length > actionsKept) chat.actions.shift();
  return true;
}

/** core.telegram.org/bots/api#sendmessagedraft: private chats only; the same id is the same draft, growing. */
function sendMessageDraft({ world, bot, params }: Call): boolean {
  const chat = chatOf(world, bot, params.chat_id);
  assertMayWrite(world, bot, chat);
  if (chat.kind !== "private") throw bad("PEER_ID_INVALID");
  const id = number(params, "draft_id");
  if (id === 0) throw bad("invalid draft_id specified");
  const content = marked(params, { what: "text", empty: true });
  const known = chat.drafts.get(id);
  const forms = [...(known?.forms ?? []), content.text];
  chat.drafts.clear();
  chat.drafts.set(id, { text: content.text, at: world.now(), stoppable: flag(params.can_stop), forms });
  return true;
}

function answerCallbackQuery({ world, bot, params }: Call): boolean {
  const query = world.callbacks.get(text(params.callback_query_id));
  const late = query !== undefined && world.now() - query.at > world.callbackLifetimeMs;
  if (query === undefined || query.bot !== bot.id || late || query.answer !== undefined) {
    throw bad("query is too old and response timeout expired or query ID is invalid");
  }
  const shown = text(params.text);
  if (shown.length > 200) throw bad("MESSAGE_TOO_LONG");
  query.answer = { alert: flag(params.show_alert), at: world.now(), ...(shown === "" ? {} : { text: shown }) };
  return true;
}

/** The emoji of core.telegram.org/bots/api#reactiontypeemoji. */
export const reactionEmoji =
  "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡".split(
    " ",
  );

function setMessageReaction({ world, bot, params }: Call): boolean {
  const chat = chatOf(world, bot, params.chat_id);
  assertAccess(world, bot, chat);
  const message = messageIn(chat, number(params, "message_id"));
  if (message === undefined) throw bad("message to react not found");
  const given = Array.isArray(params.reaction) ? params.reaction : [];
  if (given.length > 1) throw bad("REACTIONS_TOO_MANY");
  const emoji = given.map((one) => text(object(one)?.emoji).replaceAll("\u{fe0f}", ""));
  if (emoji.some((one) => !reactionEmoji.includes(one))) throw bad("REACTION_INVALID");
  if (emoji.length === 0) message.reactions.delete(bot.id);
  else message.reactions.set(bot.id, emoji);
  return true;
}

function forwardMessage(call: Call): Json {
  const { world, bot, params } = call;
  const { chat, parts } = envelope(call);
  const source = messageIn(chatOf(world, bot, params.from_chat_id), number(params, "message_id"));
  if (source === undefined) throw bad("message to forward not found");
  if (source.protect || source.service !== undefined) throw bad("message can't be forwarded");
  const { text, entities, media } = source;
  const forwardedFrom = source.forwardedFrom ?? { from: source.from, date: source.date };
  return renderMessage(world, put(world, chat, { ...parts, text, entities, media, forwardedFrom }), { bot });
}

function pin(call: Call, pinned: boolean): boolean {
  const { world, bot, params } = call;
  const chat = chatOf(world, bot, params.chat_id);
  assertAccess(world, bot, chat);
  if (chat.kind !== "private" && !isAdmin(chat, bot.id))
    throw bad("not enough rights to manage pinned messages in the chat");
  const message = messageIn(chat, number(params, "message_id"));
  if (message === undefined) throw bad(pinned ? "message to pin not found" : "message to unpin not found");
  message.pinned = pinned;
  return true;
}

export const messageMethods: Record<string, Method> = {
  sendMessage,
  editMessageText,
  editMessageCaption,
  editMessageReplyMarkup,
  deleteMessage,
  deleteMessages,
  sendChatAction,
  sendMessageDraft,
  answerCallbackQuery,
  setMessageReaction,
  forwardMessage,
  pinChatMessage: (call) => pin(call, true),
  unpinChatMessage: (call) => pin(call, false),
};
