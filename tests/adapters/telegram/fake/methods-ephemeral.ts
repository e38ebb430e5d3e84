// Messages in a group that one person alone sees (Bot API 10.2): sending, changing and removing them.
import { assertAccess, chatOf, noteEdit, put } from "./chats.ts";
import type { Call, Method } from "./method.ts";
import { marked, markup, number, object, text } from "./params.ts";
import { bad } from "./refusal.ts";
import { renderMessage, renderUser } from "./render.ts";
import { integer } from "./updates.ts";
import { type Chat, type Ephemeral, isAdmin, isIn, type Json, type Message, serial, userOf } from "./world.ts";

/** The answer to a button press may be ephemeral so long. */
const afterPressMs = 15_000;

/** Puts a message of a bot into the chat, before all or, with `ephemeral_message_parameters`, before one person. */
export function post(call: Call, chat: Chat, parts: Partial<Message> & { from: number }): Json {
  const { world, bot, params } = call;
  const wanted = object(params.ephemeral_message_parameters);
  if (wanted === undefined) return renderMessage(world, put(world, chat, parts), { bot });
  const receiver = integer(wanted.receiver_user_id) ?? 0;
  assertMayWhisper(call, chat, { receiver, query: text(wanted.callback_query_id) });
  const message = put(world, chat, parts);
  // It is in nobody's history: the number it took is given back.
  chat.messages.delete(message.id);
  chat.nextMessageId = message.id;
  message.id = 0;
  const one: Ephemeral = { id: serial(world), chat, receiver, message };
  world.ephemerals.push(one);
  return {
    ...renderMessage(world, message, { bot }),
    receiver_user: renderUser(userOf(world, receiver)),
    ephemeral_message_id: one.id,
  };
}

/**
 * core.telegram.org/bots/features#ephemeral-messages: an administrator may write to any member at any time, another bot
 * only after that person pressed a button, within 15 s. The wording of these refusals is ours; the rules are not.
 */
function assertMayWhisper(
  { world, bot }: Call,
  chat: Chat,
  { receiver, query }: { receiver: number; query: string },
): void {
  if (chat.kind === "private") throw bad("ephemeral messages can be sent only in groups and supergroups");
  if (!isIn(chat, receiver) || !world.users.has(receiver)) throw bad("USER_NOT_PARTICIPANT");
  if (isAdmin(chat, bot.id)) return;
  const press = world.callbacks.get(query);
  const fresh = press !== undefined && world.now() - press.at <= afterPressMs;
  if (!fresh || press.bot !== bot.id || press.from !== receiver || press.chat !== chat) throw bad("QUERY_ID_INVALID");
}

function theEphemeral({ world, bot, params }: Call): Ephemeral {
  const chat = chatOf(world, bot, params.chat_id);
  assertAccess(world, bot, chat);
  const id = number(params, "ephemeral_message_id");
  const receiver = number(params, "receiver_user_id");
  const found = world.ephemerals.find((one) => one.id === id && one.chat === chat && one.receiver === receiver);
  if (found === undefined || found.message.from !== bot.id || found.message.deleted)
    throw bad("message to edit not found");
  return found;
}

function editEphemeralMessageText(call: Call): boolean {
  const content = marked(call.params, { what: "text" });
  const { buttons } = markup(call.params.reply_markup);
  const { message } = theEphemeral(call);
  Object.assign(message, content, { buttons });
  noteEdit(call.world, message);
  return true;
}

function editEphemeralMessageReplyMarkup(call: Call): boolean {
  const { buttons } = markup(call.params.reply_markup);
  const { message } = theEphemeral(call);
  message.buttons = buttons;
  noteEdit(call.world, message);
  return true;
}

function deleteEphemeralMessage(call: Call): boolean {
  theEphemeral(call).message.deleted = true;
  return true;
}

export const ephemeralMethods: Record<string, Method> = {
  editEphemeralMessageText,
  editEphemeralMessageReplyMarkup,
  deleteEphemeralMessage,
};
