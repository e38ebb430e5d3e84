// What a Bot API method gets, and what all sending methods have in common.
import { assertMayWrite, assertOpen, chatOf, replyOf, threadOf } from "./chats.ts";
import { flag, markup } from "./params.ts";
import type { Bot, Chat, Json, Message, Upload, World } from "./world.ts";

export interface Call {
  world: World;
  bot: Bot;
  params: Json;
  files: Record<string, Upload>;
}

export type Method = (call: Call) => unknown;

/** Everything of a sending call that is not its content. */
export function envelope({ world, bot, params }: Call): { chat: Chat; parts: Partial<Message> & { from: number } } {
  const chat = chatOf(world, bot, params.chat_id);
  assertMayWrite(world, bot, chat);
  const thread = threadOf(chat, params.message_thread_id);
  const { buttons, other } = markup(params.reply_markup);
  const reply = replyOf(chat, params);
  assertOpen(chat, thread, bot.id);
  const parts = {
    from: bot.id,
    thread,
    ...reply,
    buttons,
    markup: other,
    silent: flag(params.disable_notification),
    protect: flag(params.protect_content),
  };
  return { chat, parts };
}
