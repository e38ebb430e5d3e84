// Messages come, change and go in the fake Slack, whoever wrote them; apps are told.
import { richText } from "./blocks.ts";
import { tellChanged, tellDeleted, tellMention, tellMessage } from "./events.ts";
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
  const text = cut(given.text ?? "");
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
  return message;
}

function cut(text: string): string {
  return text.length > textCharsMax ? text.slice(0, textCharsMax) : text;
}

/** Gives a message other content. `edited` is set for a change of text alone, as with the real one. */
export function change(
  world: World,
  message: Message,
  { by, ...content }: Partial<Pick<Message, "text" | "blocks" | "attachments" | "metadata" | "files">> & { by: string },
): void {
  const previous = renderMessage(world, message, { metadata: true });
  const before = message.text;
  Object.assign(message, content);
  message.text = cut(message.text);
  if (content.text !== undefined && content.blocks === undefined) message.blocks = richText(world, message.text);
  if (content.text !== undefined || content.blocks !== undefined) message.edited = { user: by, ts: nowTs(world) };
  message.forms.push({ text: message.text, at: world.clock.now() });
  tellChanged(world, message, previous);
  tellMention(world, message, before);
}

/** The same message once more as `message_changed`, without an edit: what a link preview does. */
export function refresh(world: World, message: Message, attachments: Json[]): void {
  const previous = renderMessage(world, message, { metadata: true });
  message.attachments = attachments;
  tellChanged(world, message, previous);
}

/** Deletes. A parent whose thread has replies stays as a tombstone, which apps hear of as a change. */
export function remove(world: World, message: Message): void {
  const previous = renderMessage(world, message, { metadata: true });
  const hasReplies = repliesOf(message.channel, message.ts).length > 0;
  message.deleted = true;
  message.streaming = false;
  message.tombstone = hasReplies;
  if (hasReplies) tellChanged(world, message, previous);
  else tellDeleted(world, message, previous);
}
