// chat.startStream, appendStream and stopStream: a message that grows.
// Source: docs.slack.dev/reference/methods/chat.startStream, chat.appendStream, chat.stopStream.
import { checkedBlocks, richText } from "./blocks.ts";
import { tellChanged } from "./events.ts";
import { escaped, post } from "./messages.ts";
import { type Call, type Method, ownChannel, writableChannel } from "./method.ts";
import { metadataOf, threadOf } from "./methods-chat.ts";
import { lengthOf, list, needed, text } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { renderMessage } from "./render.ts";
import { type Json, type Message, messageIn } from "./world.ts";

const markdownCharsMax = 12_000;

/** New text of a call: `markdown_text`, or chunks of which text alone is kept. */
function piece({ params }: Call): string {
  const markdown = text(params.markdown_text);
  const chunks = list(params.chunks) ?? [];
  for (const { type } of chunks) {
    if (!["markdown_text", "task_update", "plan_update", "blocks"].includes(text(type)))
      throw new Refusal("invalid_chunks");
  }
  const chunked = chunks.filter(({ type }) => type === "markdown_text").map((one) => text(one.text));
  for (const one of [markdown, ...chunked]) if (lengthOf(one) > markdownCharsMax) throw new Refusal("msg_too_long");
  return markdown + chunked.join("");
}

function start(call: Call): Json {
  const { world, app, params } = call;
  const channel = writableChannel(call);
  needed(params, "thread_ts");
  const threadTs = threadOf(channel, params);
  // Nothing is known of streams whose thread is gone; a refusal is what a program can hear.
  if (threadTs === undefined) throw new Refusal("thread_not_found");
  if (channel.kind !== "im") {
    if (text(params.recipient_team_id) === "") throw new Refusal("missing_recipient_team_id");
    if (text(params.recipient_user_id) === "") throw new Refusal("missing_recipient_user_id");
  }
  const message = post(world, channel, {
    user: app.user.id,
    botId: app.botId,
    appId: app.id,
    text: piece(call),
    threadTs,
    streaming: true,
  });
  return { channel: channel.id, ts: message.ts };
}

function streamed(call: Call): Message {
  const channel = ownChannel(call);
  const message = messageIn(channel, needed(call.params, "ts"));
  if (message === undefined) throw new Refusal("message_not_found");
  if (message.appId !== call.app.id) throw new Refusal("message_not_owned_by_app");
  if (!message.streaming) throw new Refusal("message_not_in_streaming_state");
  return message;
}

/** Nobody is told of each piece; the text that stands at the end comes as one change. */
function append(call: Call): Json {
  const { world, params } = call;
  const message = streamed(call);
  const more = piece(call);
  if (more === "" && list(params.chunks) === undefined) throw new Refusal("no_text");
  grow(call, message, more);
  message.forms.push({ text: message.text, at: world.clock.now() });
  return { channel: message.channel.id, ts: message.ts };
}

function grow({ world }: Call, message: Message, more: string): void {
  message.text += escaped(more);
  message.blocks = message.text === "" ? undefined : richText(world, message.text);
}

function stop(call: Call): Json {
  const { world, params } = call;
  const message = streamed(call);
  const blocks = params.blocks === undefined || params.blocks === "" ? [] : checkedBlocks(world, params.blocks);
  const metadata = metadataOf(params);
  const more = piece(call);
  const previous = renderMessage(world, message);
  grow(call, message, more);
  message.blocks = [...(message.blocks ?? []), ...blocks];
  Object.assign(message, metadata);
  message.streaming = false;
  message.forms.push({ text: message.text, at: world.clock.now() });
  tellChanged(world, message, previous);
  return {
    channel: message.channel.id,
    ts: message.ts,
    message: renderMessage(world, message, { metadata: true }),
  };
}

export const streamMethods: Record<string, Method> = {
  "chat.startStream": { scopes: ["chat:write"], tier: 2, run: start },
  "chat.appendStream": { scopes: ["chat:write"], tier: 4, run: append },
  "chat.stopStream": { scopes: ["chat:write"], tier: 2, run: stop },
};
