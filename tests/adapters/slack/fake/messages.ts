// Messages come, change and go in the fake Slack, whoever wrote them; apps are told.
import { richText } from "./blocks.ts";
import { tellChanged, tellDeleted, tellMention, tellMessage } from "./events.ts";
import { lengthOf } from "./params.ts";
import { renderMessage } from "./render.ts";
import { type Channel, type Json, type Message, newTs, nowTs, repliesOf, type World } from "./world.ts";

/** docs.slack.dev/changelog/2018-truncating-really-long-messages */
const textCharsMax = 40_000;

/** Puts a message into a channel and tells the apps there. Text that is too long is cut, as the real one does. */
export function post(world: World, channel: Channel, given: Partial<Message> & { user: string }): Message {
  const message = place(world, channel, given);
  tellMessage(world, message);
  return message;
}

/** Puts a message into a channel; nobody is told. */
export function place(world: World, channel: Channel, given: Partial<Message> & { user: string }): Message {
  const ts = newTs(world, channel);
  const text = escaped(cut(given.text ?? ""));
  const message: Message = {
    broadcast: false,
    files: [],
    deleted: false,
    tombstone: false,
    reactions: new Map(),
    streaming: false,
    flags: {},
    ...given,
    ts,
    channel,
    text,
    blocks: given.blocks ?? (text === "" ? undefined : richText(world, text)),
    forms: [{ text, at: world.clock.now() }],
  };
  channel.messages.set(ts, message);
  // "The status is cleared when the app sends a reply"; docs.slack.dev/reference/methods/assistant.threads.setStatus.
  const assistant = message.botId === undefined ? undefined : channel.assistants.get(message.threadTs ?? ts);
  if (assistant !== undefined) assistant.status = "";
  return message;
}

/** Whether a text is so long that it is cut. */
export function tooLong(text: string): boolean {
  return text.length > textCharsMax && lengthOf(text) > textCharsMax;
}

function cut(text: string): string {
  return tooLong(text) ? [...text].slice(0, textCharsMax).join("") : text;
}

/**
 * Text as Slack keeps it: `&`, `<` and `>` that are no part of `<@U1>`, `<#C1>`, `<!here>` or a link become entities
 * (docs.slack.dev/messaging/formatting-message-text#escaping).
 */
export function escaped(text: string): string {
  return text
    .split(/(<(?:[@#!]|https?:|mailto:|tel:)[^<>]*>)/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replaceAll(/&(?!(?:amp|lt|gt);)/g, "&amp;")
            .replaceAll("<", "&lt;")
            .replaceAll(">", "&gt;"),
    )
    .join("");
}

/** Addresses that a person types come in pointed brackets; the same page. */
export function typed(text: string): string {
  return escaped(text)
    .split(/(<[^<>]*>)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/https?:\/\/[^\s<>]+/g, "<$&>")))
    .join("");
}

/**
 * Gives a message other content. Without `blocks` a new text takes the place of the old blocks, and only such a change
 * shows as `edited`; attachments and metadata that are not named stay (docs.slack.dev/reference/methods/chat.update).
 */
export function change(
  world: World,
  message: Message,
  { by, ...content }: Partial<Pick<Message, "text" | "blocks" | "attachments" | "metadata" | "files">> & { by: string },
): void {
  const previous = renderMessage(world, message);
  const before = message.text;
  Object.assign(message, Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined)));
  message.text = escaped(cut(message.text));
  if (content.text !== undefined && content.blocks === undefined) {
    message.blocks = richText(world, message.text);
    message.edited = { user: by, ts: nowTs(world) };
  }
  message.forms.push({ text: message.text, at: world.clock.now() });
  tellChanged(world, message, previous);
  tellMention(world, message, before);
}

/** The same message once more as `message_changed`, without an edit: what a link preview does. */
export function refresh(world: World, message: Message, attachments: Json[]): void {
  const previous = renderMessage(world, message);
  message.attachments = attachments;
  tellChanged(world, message, previous);
}

/** Deletes. A parent whose thread has replies stays as a tombstone, which apps hear of as a change. */
export function remove(world: World, message: Message): void {
  const previous = renderMessage(world, message);
  const hasReplies = repliesOf(message.channel, message.ts).length > 0;
  message.deleted = true;
  message.streaming = false;
  message.tombstone = hasReplies;
  if (hasReplies) tellChanged(world, message, previous);
  else tellDeleted(world, message, previous);
}
