// The yardstick of the benchmark for Telegram: the least bot that makes the same calls. grammY polls, the history is in
// SQLite with the same pragmas, the answer is streamed from the model's server into one message that is edited at the
// same pace, and there is one tool, a shell. Nothing is checked, limited, formatted, repeated, resumed or stopped, and
// whoever writes may use it.
import { Bot } from "grammy";
import { ask, type Block, type Message, openHistory, run } from "../yardstick.ts";

interface Chat {
  id: number;
  messages: Message[];
  waiting: { text: string; message: number }[];
  busy: boolean;
}
/** The message in which an answer forms. */
interface Place {
  sent: Promise<number> | undefined;
  edit: Promise<void> | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  text: string;
  shown: string;
  over: boolean;
}

const [path = "minimal.db", baseUrl = "", model = "", apiRoot = "", token = ""] = process.argv.slice(2);
const firstEditMs = 400;
const editMs = 1_000;

const history = openHistory(path);
const bot = new Bot(token, { client: { apiRoot } });
const chats = new Map<number, Chat>();

function chatOf(id: number): Chat {
  let chat = chats.get(id);
  if (chat === undefined) {
    chat = { id, messages: history.of(String(id)), waiting: [], busy: false };
    chats.set(id, chat);
  }
  return chat;
}

function add(chat: Chat, message: Message): void {
  history.add(String(chat.id), message);
  chat.messages.push(message);
}

function logged(work: Promise<unknown>): void {
  work.catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
}

/** Answers everything that waits in a chat, one turn after the other. */
async function work(chat: Chat): Promise<void> {
  if (chat.busy) return;
  chat.busy = true;
  while (chat.waiting.length > 0) {
    const inputs = chat.waiting.splice(0);
    add(chat, { role: "user", content: inputs.map(({ text }) => ({ type: "text", text })) });
    const place: Place = { sent: undefined, edit: undefined, timer: undefined, text: "", shown: "", over: false };
    const message = inputs.at(-1)?.message ?? 0;
    logged(bot.api.setMessageReaction(chat.id, message, [{ type: "emoji", emoji: "👀" }]));
    logged(bot.api.sendChatAction(chat.id, "typing"));
    for (;;) {
      const answer = await ask({ baseUrl, model, messages: chat.messages }, (text = "") => {
        place.text += text;
        show(chat, { place, message });
      });
      add(chat, answer);
      const results: Block[] = [];
      for (const part of answer.content) {
        if (part.type === "tool_use") results.push(await run(part.id, part.input.command ?? ""));
      }
      if (results.length === 0) break;
      add(chat, { role: "user", content: results });
    }
    await finish(chat, place);
  }
  chat.busy = false;
}

/** The answer gets its message at its first word; later words are put there at the pace that Telegram bears. */
function show(chat: Chat, { place, message }: { place: Place; message: number }): void {
  place.sent ??= bot.api
    .sendMessage(chat.id, "…", {
      reply_parameters: { message_id: message, allow_sending_without_reply: true },
      link_preview_options: { is_disabled: true },
      disable_notification: true,
      reply_markup: { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] },
    })
    .then((sent) => {
      later(chat, { place, ms: firstEditMs });
      return sent.message_id;
    });
}

function later(chat: Chat, { place, ms }: { place: Place; ms: number }): void {
  if (place.over) return;
  place.timer = setTimeout(() => {
    place.edit = edit(chat, place);
    logged(place.edit);
    later(chat, { place, ms: editMs });
  }, ms);
}

async function edit(chat: Chat, place: Place): Promise<void> {
  const sent = await place.sent;
  if (sent === undefined || place.text === place.shown) return;
  place.shown = place.text;
  await bot.api.editMessageText(chat.id, sent, place.text, {
    link_preview_options: { is_disabled: true },
    reply_markup: { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] },
  });
}

async function finish(chat: Chat, place: Place): Promise<void> {
  place.over = true;
  clearTimeout(place.timer);
  await place.edit;
  const sent = await place.sent;
  if (sent === undefined) return;
  await bot.api.editMessageText(chat.id, sent, place.text, { link_preview_options: { is_disabled: true } });
}

bot.on("message:text", ({ message }) => {
  const chat = chatOf(message.chat.id);
  chat.waiting.push({ text: message.text, message: message.message_id });
  logged(work(chat));
});
logged(bot.start({ allowed_updates: ["message"] }));
