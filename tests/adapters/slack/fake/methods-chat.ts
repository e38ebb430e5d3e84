// chat.postMessage, update, delete and postEphemeral.
import { checkedBlocks } from "./blocks.ts";
import { change, post, remove, tooLong } from "./messages.ts";
import { type Call, channelOf, type Method, ownChannel, writableChannel } from "./method.ts";
import { flag, lengthOf, list, needed, object, text } from "./params.ts";
import { Refusal, refused } from "./refusal.ts";
import { renderMessage } from "./render.ts";
import { type Channel, type Json, type Message, messageIn, newTs } from "./world.ts";

/** docs.slack.dev/reference/methods/chat.update: `msg_too_long`, "cannot exceed 4,000 characters". */
const updateCharsMax = 4000;
/** docs.slack.dev/reference/methods/chat.postMessage, `markdown_text`. */
const markdownCharsMax = 12_000;
/** docs.slack.dev/reference/methods/chat.postMessage: `too_many_attachments`. */
const attachmentsMax = 100;
/** docs.slack.dev/reference/methods/chat.postMessage: `metadata_too_large`. */
const metadataBytesMax = 16_384;

type Content = Pick<Message, "text"> & Partial<Pick<Message, "blocks" | "attachments" | "metadata">>;

/** Text, blocks, attachments and metadata of a call, checked. */
export function contentOf({ world, params }: Call): Content {
  const markdown = text(params.markdown_text);
  const blocks = params.blocks === undefined || params.blocks === "" ? undefined : checkedBlocks(world, params.blocks);
  const attachments = list(params.attachments);
  if (markdown !== "" && (blocks !== undefined || text(params.text) !== ""))
    throw new Refusal("markdown_text_conflict");
  if (lengthOf(markdown) > markdownCharsMax) throw new Refusal("msg_too_long");
  if ((attachments?.length ?? 0) > attachmentsMax) throw new Refusal("too_many_attachments");
  const content = { text: markdown === "" ? text(params.text) : markdown, blocks, attachments };
  if (content.text === "" && (blocks?.length ?? 0) === 0 && (attachments?.length ?? 0) === 0)
    throw new Refusal("no_text");
  return { ...content, ...metadataOf(params) };
}

/** docs.slack.dev/messaging/message-metadata: an `event_type` and an object, nothing else. */
export function metadataOf(params: Json): Pick<Message, "metadata"> {
  if (params.metadata === undefined || params.metadata === "") return {};
  const metadata = object(params.metadata);
  const type = text(metadata?.event_type);
  const payload = object(metadata?.event_payload);
  if (metadata === undefined || type === "" || payload === undefined) throw new Refusal("invalid_metadata_format");
  if (Buffer.byteLength(JSON.stringify(metadata)) > metadataBytesMax) throw new Refusal("metadata_too_large");
  return { metadata: { event_type: type, event_payload: payload } };
}

/**
 * The parent that `thread_ts` means. A reply's ts leads to its parent; the documentation advises against it. A parent
 * that is gone is no error: the message comes up in the channel, and only the missing `thread_ts` of the answer says so
 * (observed, github.com/slack-go/slack/issues/1571).
 */
export function threadOf(channel: Channel, params: Json): string | undefined {
  const ts = text(params.thread_ts);
  if (ts === "") return undefined;
  if (!/^\d+\.\d{6}$/.test(ts)) throw refused("invalid_arguments", [`invalid thread_ts: ${ts}`]);
  const parent = messageIn(channel, ts);
  return parent?.threadTs ?? parent?.ts;
}

/** Who writes: the bot's user, or, with another name, a `bot_message` without a user. */
function author({ app, params }: Call): Pick<Message, "user" | "botId" | "appId"> & Partial<Message> {
  const username = text(params.username);
  const shown = username !== "" && app.scopes.has("chat:write.customize");
  return {
    user: app.user.id,
    botId: app.botId,
    appId: app.id,
    ...(shown ? { username, subtype: "bot_message" } : {}),
  };
}

function postMessage(call: Call): Json {
  const { world, params } = call;
  const channel = writableChannel(call);
  const content = contentOf(call);
  const threadTs = threadOf(channel, params);
  const optional = (name: string) => (params[name] === undefined ? undefined : flag(params[name]));
  const message = post(world, channel, {
    ...author(call),
    ...content,
    threadTs,
    broadcast: threadTs !== undefined && flag(params.reply_broadcast),
    flags: {
      unfurlLinks: optional("unfurl_links"),
      unfurlMedia: optional("unfurl_media"),
      mrkdwn: optional("mrkdwn"),
    },
  });
  const shown = renderMessage(world, message, { metadata: true });
  return { channel: channel.id, ts: message.ts, message: shown, ...warningFor(content) };
}

/** Text over 40,000 characters is cut, and the answer says so; docs.slack.dev/changelog/2018-truncating-really-long-messages. */
function warningFor(content: Content): Json {
  const warning = "message_truncated";
  return tooLong(content.text) ? { warning, response_metadata: { warnings: [warning] } } : {};
}

function update(call: Call): Json {
  const { world, app, params } = call;
  const channel = ownChannel(call);
  const message = messageIn(channel, needed(params, "ts"));
  if (message === undefined || message.tombstone) throw new Refusal("message_not_found");
  if (message.appId !== app.id) throw new Refusal("cant_update_message");
  if (channel.archived) throw new Refusal("is_inactive");
  if (message.streaming) throw new Refusal("streaming_state_conflict");
  const minutes = world.editWindowMinutes;
  if (minutes !== undefined && world.clock.now() - Number(message.ts) * 1000 > minutes * 60_000)
    throw new Refusal("edit_window_closed");
  const content = contentOf(call);
  if (lengthOf(content.text) > updateCharsMax && text(params.markdown_text) === "") throw new Refusal("msg_too_long");
  if (flag(params.reply_broadcast) && message.threadTs !== undefined) message.broadcast = true;
  change(world, message, { by: app.user.id, ...content });
  return {
    channel: channel.id,
    ts: message.ts,
    text: message.text,
    message: renderMessage(world, message, { metadata: true }),
  };
}

function erase({ world, app, params }: Call): Json {
  const channel = ownChannel({ world, app, params });
  const message = messageIn(channel, needed(params, "ts"));
  if (message === undefined || message.tombstone) throw new Refusal("message_not_found");
  if (message.appId !== app.id) throw new Refusal("cant_delete_message");
  remove(world, message);
  return { channel: channel.id, ts: message.ts };
}

function postEphemeral(call: Call): Json {
  const { world, app, params } = call;
  const channel = channelOf(call);
  if (channel.archived) throw new Refusal("is_archived");
  const user = needed(params, "user");
  if (!channel.members.has(app.user.id)) throw new Refusal("not_in_channel");
  if (!channel.members.has(user)) throw new Refusal("user_not_in_channel");
  const { text: said, blocks } = contentOf(call);
  const ts = newTs(world, channel);
  const threadTs = threadOf(channel, params);
  world.ephemerals.push({ ts, channel, user, app: app.id, text: said, blocks, threadTs, deleted: false });
  return { message_ts: ts };
}

export const chatMethods: Record<string, Method> = {
  "chat.postMessage": { scopes: ["chat:write"], tier: 0, posts: true, run: postMessage },
  "chat.update": { scopes: ["chat:write"], tier: 3, run: update },
  "chat.delete": { scopes: ["chat:write"], tier: 3, run: erase },
  "chat.postEphemeral": { scopes: ["chat:write"], tier: 4, run: postEphemeral },
};
