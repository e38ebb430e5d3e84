// Telegram's updates as inbounds: pure, never throws, and nobody but the update's own sender comes out of it.
import { limits } from "../../core/limits.ts";
import type { Address, Inbound, Sender } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import { filesOf, gist, nameOf, originName, wordsOf } from "./content.ts";
import { quoted, readMarked, type Self } from "./entities.ts";
import { type Callback, type Chat, type Message, parseUpdate, type ReactionChange, type User } from "./updates.ts";

/** What reading an update needs to know. */
export interface Facts {
  /** Name of the adapter in settings. */
  adapter: string;
  self: Self;
  groups: "all" | "none" | readonly string[];
  /** Names of the chat commands. */
  commands: ReadonlySet<string>;
  /** Albums of which one message addressed the bot: the others are meant for it too. */
  albums: { has(album: string): boolean };
  now: number;
}

/** What an update means. */
export type Reading =
  | { kind: "inbound"; inbounds: Inbound[]; album?: string }
  /** A button: its answer goes to `callback`; without inbounds there is nothing to do but that. */
  | { kind: "button"; callback: string; inbounds: Inbound[] }
  /** A group got another id. */
  | { kind: "moved"; from: string; to: string }
  /** The bot was let in, blocked or removed. */
  | { kind: "member"; conversation: string; title: string; status: string; by: string }
  | { kind: "ignored"; reason: string; malformed?: true };

const ignored = (reason: string): Reading => ({ kind: "ignored", reason });

/** Reads one update. */
export function readUpdate(raw: unknown, facts: Facts): Reading {
  const update = parseUpdate(raw);
  if ("problem" in update) return { kind: "ignored", reason: update.problem, malformed: true };
  switch (update.kind) {
    case "message":
      return readMessage(update.body, facts);
    case "edited_message":
      return readEdit(update.body, facts, update.id);
    case "callback_query":
      return readCallback(update.body, facts);
    case "message_reaction":
      return readReaction(update.body, facts, update.id);
    case "my_chat_member": {
      const { chat, from, new_chat_member: member } = update.body;
      const title = chat.title ?? nameOf(from);
      return { kind: "member", conversation: String(chat.id), title, status: member.status, by: String(from.id) };
    }
  }
}

function readMessage(message: Message, facts: Facts): Reading {
  if (message.migrate_to_chat_id !== undefined) {
    return { kind: "moved", from: String(message.chat.id), to: String(message.migrate_to_chat_id) };
  }
  const sender = personOf(message);
  if (typeof sender === "string") return ignored(sender);
  const place = placeOf(message, facts);
  if (typeof place === "string") return ignored(place);
  const read = readText(message, facts);
  if (read === undefined) return ignored("it tells of a change in the chat, or holds nothing that is known");
  if (read.command?.other === true) return ignored("the command is for another bot");
  const album = message.media_group_id;
  const direct = place.conversation.kind === "direct";
  const answersUs = message.reply_to_message?.from?.id === facts.self.id && !isTopicRoot(message);
  const meant = read.mentioned || answersUs || read.command?.ours === true;
  const addressed = direct || meant || (album !== undefined && facts.albums.has(album));
  const replyTo = replyOf(message);
  const cut = (message.text?.length ?? 0) >= limits.splitCharsMin;
  const inbound: Inbound = {
    ...place,
    kind: "message",
    id: String(message.message_id),
    sender,
    sentAt: timeOf(message.date, facts),
    text: read.text,
    addressed,
    ...(read.files.length === 0 ? {} : { files: read.files }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(replyTo === undefined ? {} : quoteOf(message)),
    ...(album !== undefined || cut ? { joinMs: limits.splitJoinMs } : {}),
  };
  return { kind: "inbound", inbounds: [inbound], ...(album !== undefined && meant ? { album } : {}) };
}

function readEdit(message: Message, facts: Facts, update: number): Reading {
  const sender = personOf(message);
  if (typeof sender === "string") return ignored(sender);
  const place = placeOf(message, facts);
  if (typeof place === "string") return ignored(place);
  if (message.location !== undefined) return ignored("a live location moved");
  const read = readText(message, facts);
  if (read === undefined) return ignored("what was edited holds nothing that is known");
  const seconds = message.edit_date ?? message.date ?? 0;
  const id = String(message.message_id);
  const inbound: Inbound = {
    ...place,
    kind: "edit",
    id,
    target: id,
    // Edits within one second have one date; the update's number keeps them apart.
    revision: seconds * 1000 + (update % 1000),
    sender,
    sentAt: timeOf(seconds, facts),
    text: read.text,
  };
  return { kind: "inbound", inbounds: [inbound] };
}

function readCallback({ id, from, data, message }: Callback, facts: Facts): Reading {
  const nothing: Reading = { kind: "button", callback: id, inbounds: [] };
  const pressed = /^(\d{1,15}):(\d{1,4})$/.exec(data ?? "");
  if (pressed === null || message === undefined || from.is_bot) return nothing;
  const place = placeOf({ ...message, from }, facts);
  if (typeof place === "string") return nothing;
  const inbound: Inbound = {
    ...place,
    kind: "action",
    id,
    sender: senderOf(from),
    sentAt: facts.now,
    answer: { as: "note", deadlineMs: limits.buttonAnswerMs },
    delivery: pressed[1] ?? "",
    value: pressed[2] ?? "",
  };
  return { kind: "button", callback: id, inbounds: [inbound] };
}

function readReaction(change: ReactionChange, facts: Facts, update: number): Reading {
  const { user, chat, message_id: target, date } = change;
  if (user === undefined || user.is_bot || change.actor_chat !== undefined) return ignored("nobody reacted by name");
  const place = placeOf({ chat, from: user }, facts);
  if (typeof place === "string") return ignored(place);
  const before = new Set((change.old_reaction ?? []).map(emojiOf));
  const after = new Set((change.new_reaction ?? []).map(emojiOf));
  const changes = [
    ...[...before].filter((emoji) => !after.has(emoji)).map((emoji) => ({ emoji, added: false })),
    ...[...after].filter((emoji) => !before.has(emoji)).map((emoji) => ({ emoji, added: true })),
  ].slice(0, limits.marksMax);
  const inbounds = changes.map(
    ({ emoji, added }, index): Inbound => ({
      ...place,
      kind: "reaction",
      id: `${update}-${index}`,
      sender: senderOf(user),
      sentAt: timeOf(date, facts),
      target: String(target),
      emoji,
      added,
    }),
  );
  return inbounds.length === 0 ? ignored("no reaction changed") : { kind: "inbound", inbounds };
}

function emojiOf({ type, emoji, custom_emoji_id: custom }: { type: string; emoji?: string; custom_emoji_id?: string }) {
  return (emoji ?? (custom === undefined ? type : `custom:${custom}`)).slice(0, 100);
}

/** The person who wrote, or why it was none. */
function personOf(message: Pick<Message, "from" | "sender_chat" | "is_automatic_forward">): Sender | string {
  if (message.is_automatic_forward === true) return "a channel posted it";
  // Anonymous admins and channels write through a bot of Telegram's own: nobody stands behind them that could be known.
  if (message.sender_chat !== undefined) return "it was written in the name of a chat, not of a person";
  if (message.from === undefined) return "nobody wrote it";
  if (message.from.is_bot) return "a bot wrote it";
  return senderOf(message.from);
}

function senderOf(user: User): Sender {
  return { id: String(user.id), name: nameOf(user) };
}

/** Where it was written, or why not here. */
function placeOf(
  message: { chat: Chat; from?: User; message_thread_id?: number; is_topic_message?: boolean },
  facts: Facts,
): Address | string {
  const { chat, from } = message;
  const id = String(chat.id);
  const thread = message.is_topic_message === true ? message.message_thread_id : undefined;
  const inTopic = thread === undefined ? {} : { thread: String(thread) };
  if (chat.type === "private") {
    // A private chat has the person's own id: whatever says otherwise is not to be believed.
    if (from?.id !== chat.id) return "the private chat is not the sender's";
    return { adapter: facts.adapter, conversation: { id, kind: "direct" }, ...inTopic };
  }
  if (chat.type !== "group" && chat.type !== "supergroup") return "it stands in a channel";
  if (facts.groups !== "all" && !facts.groups.includes(id)) return "the bot does not listen in this group";
  return { adapter: facts.adapter, conversation: { id, kind: "shared" }, ...inTopic };
}

/** In a topic, every message that answers nothing answers the message that made the topic. */
function isTopicRoot(message: Message): boolean {
  const reply = message.reply_to_message;
  if (reply === undefined) return false;
  return (
    reply.forum_topic_created !== undefined ||
    (message.is_topic_message === true && reply.message_id === message.message_thread_id)
  );
}

function replyOf(message: Message): string | undefined {
  const reply = message.reply_to_message;
  return reply === undefined || isTopicRoot(message) ? undefined : String(reply.message_id);
}

/** Date in seconds as milliseconds; one that cannot be is now. */
function timeOf(seconds: number | undefined, { now }: Facts): number {
  const at = (seconds ?? 0) * 1000;
  return at > 0 && at <= now + limits.clockSkewMs ? at : now;
}

/** The text as the agent reads it, with its files; undefined when there is neither. */
function readText(message: Message, facts: Facts) {
  const isCaption = message.text === undefined;
  const raw = message.text ?? message.caption ?? "";
  const marked = readMarked(raw, (isCaption ? message.caption_entities : message.entities) ?? [], facts.self);
  const files = filesOf(message, message.message_id);
  const words = wordsOf(message);
  if (raw === "" && files.length === 0 && words.length === 0) return undefined;
  const { forward_origin: origin } = message;
  // What somebody else once wrote is passed on as such, and is no order to the program.
  if (origin !== undefined) {
    const text = [`[Forwarded from ${originName(origin)}]`, marked.text, ...words].filter((part) => part !== "");
    return { text: text.join("\n"), files, mentioned: marked.mentioned };
  }
  const command = readCommand(marked.text, facts);
  const own = [command?.text ?? marked.text, ...words].filter((part) => part !== "").join("\n");
  // A command stands at the beginning; whoever only calls the bot by its name has said just that.
  const chosen = command === undefined ? chosenOf(message) : undefined;
  const text = own === "" && files.length === 0 && chosen === undefined ? raw.trim() : own;
  return {
    text: chosen === undefined ? text : `${chosen}\n\n${text}`.trimEnd(),
    files,
    mentioned: marked.mentioned,
    ...(command === undefined ? {} : { command }),
  };
}

/** `/name@bot args`: for whom it is, and its text without the address. */
function readCommand(text: string, facts: Facts): { text: string; ours: boolean; other: boolean } | undefined {
  const found = /^\/([a-z][\w-]{0,40})(?:@(\w{1,40}))?(?=\s|$)/i.exec(text);
  if (found === null) return undefined;
  const [whole, given = "", bot] = found;
  const rest = text.slice(whole.length);
  const mine = bot !== undefined && bot.toLowerCase() === facts.self.username.toLowerCase();
  // Telegram's names of commands have no dashes; what has an underscore there has a dash here.
  const dashed = given.toLowerCase().replaceAll("_", "-");
  const name = facts.commands.has(dashed) ? dashed : given;
  // Several bots may be in a group: a command for nobody in particular is ours only where waiting would do harm.
  const ours = mine || (bot === undefined && name === "stop");
  const other = bot !== undefined && !mine;
  return { text: `/${name}${rest}`, ours, other };
}

/** What the sender chose of another message, or brought along from another chat, as a quote above the text. */
function chosenOf({ quote, external_reply: external }: Message): string | undefined {
  if (external !== undefined) {
    const from = external.origin === undefined ? "another chat" : originName(external.origin);
    return quoted(`${from} wrote: ${head(quote?.text ?? "")}`);
  }
  return quote?.is_manual === true ? quoted(head(quote.text)) : undefined;
}

/** The message that is answered, for a gateway that does not have it. */
function quoteOf({ reply_to_message: reply }: Message): { quote?: { sender: string; text: string } } {
  if (reply === undefined) return {};
  const sender = reply.sender_chat?.title ?? (reply.from === undefined ? "somebody" : nameOf(reply.from));
  return { quote: { sender: excerpt(sender, 100), text: head(gist(reply)) } };
}

function head(text: string): string {
  const start = text.slice(0, limits.quoteCharsMax).toWellFormed();
  return text.length > start.length ? `${start}…` : start;
}
