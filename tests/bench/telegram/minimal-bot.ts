// The yardstick of the benchmark for Telegram: the least bot that makes the same calls. grammY polls, the history is in
// SQLite with the same pragmas, the answer is streamed from the model's server into one message that is edited at the
// same pace, and there is one tool, a shell. Nothing is checked, limited, formatted, repeated, resumed or stopped, and
// whoever writes may use it.
import { Database } from "bun:sqlite";
import { Bot } from "grammy";

interface Message {
  role: "user" | "assistant";
  content: Block[];
}
type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: { command?: string } }
  | { type: "tool_result"; tool_use_id: string; content: string };
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

const db = new Database(path, { create: true, strict: true });
db.exec(`
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 5000;
PRAGMA cache_size = -4096;
PRAGMA journal_size_limit = 16777216;
PRAGMA temp_store = MEMORY;
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS messages_session ON messages (session, id);
`);
const insert = db.prepare("INSERT INTO messages (session, body) VALUES (?, ?)");
const select = db.prepare<{ body: string }, [string]>("SELECT body FROM messages WHERE session = ? ORDER BY id");

const bot = new Bot(token, { client: { apiRoot } });
const chats = new Map<number, Chat>();
const tools = [
  {
    name: "bash",
    description: "Runs a shell command",
    input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  },
];

function chatOf(id: number): Chat {
  let chat = chats.get(id);
  if (chat === undefined) {
    const messages = select.all(String(id)).map((row) => JSON.parse(row.body) as Message);
    chat = { id, messages, waiting: [], busy: false };
    chats.set(id, chat);
  }
  return chat;
}

function add(chat: Chat, message: Message): void {
  insert.run(String(chat.id), JSON.stringify(message));
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
      const answer = await ask(chat, { place, message });
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

async function run(id: string, command: string): Promise<Block> {
  const child = Bun.spawn(["bash", "-c", command], { stdout: "pipe", stderr: "ignore" });
  const content = await new Response(child.stdout).text();
  await child.exited;
  return { type: "tool_result", tool_use_id: id, content };
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

/** One request; the text is shown as it comes. */
async function ask(chat: Chat, { place, message }: { place: Place; message: number }): Promise<Message> {
  const response = await fetch(`${baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "none" },
    body: JSON.stringify({
      model,
      max_tokens: 8_000,
      stream: true,
      system: "You are an agent.",
      tools,
      messages: chat.messages,
    }),
  });
  const content: Block[] = [];
  let json = "";
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice(6));
      const last = content.at(-1);
      if (event.type === "content_block_start") {
        content.push(event.content_block);
        json = "";
        if (event.content_block.type === "tool_use") show(chat, { place, message });
      } else if (event.delta?.type === "text_delta" && last?.type === "text") {
        last.text += event.delta.text;
        place.text += event.delta.text;
        show(chat, { place, message });
      } else if (event.delta?.type === "input_json_delta") json += event.delta.partial_json;
      else if (event.type === "content_block_stop" && last?.type === "tool_use") last.input = JSON.parse(json);
    }
  }
  return { role: "assistant", content };
}

bot.on("message:text", ({ message }) => {
  const chat = chatOf(message.chat.id);
  chat.waiting.push({ text: message.text, message: message.message_id });
  logged(work(chat));
});
logged(bot.start({ allowed_updates: ["message"] }));
