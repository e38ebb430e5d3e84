// Whether a message arrived of which nobody knows: by the nonce that its metadata bear.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { PlatformError } from "../../gateway/handle.ts";
import type { Client } from "./client.ts";
import { messageSchema, type SlackMessage, stampOf } from "./payloads.ts";

const eventType = "remoteagent_delivery";

/** What our messages bear, unseen by people. Source: docs.slack.dev/messaging/message-metadata. */
export function metadataOf(nonce: string) {
  return { event_type: eventType, event_payload: { nonce } };
}

const pageSchema = v.looseObject({
  messages: v.array(v.unknown()),
  response_metadata: v.fallback(v.optional(v.looseObject({ next_cursor: v.fallback(v.string(), "") })), undefined),
});

/** One page of a conversation or thread. */
export interface Page {
  messages: SlackMessage[];
  next: string;
}

/** Reads a page of history; what in it is no message is left out. */
export async function readPage(
  client: Client,
  where: { channel: string; thread?: string | undefined; [argument: string]: unknown },
): Promise<Page> {
  const { thread, ...args } = where;
  const answer =
    thread === undefined
      ? await client.call("conversations.history", args)
      : await client.call("conversations.replies", { ...args, ts: thread });
  const page = v.safeParse(pageSchema, answer);
  if (!page.success) throw new PlatformError("Slack answered with something else than history", { fate: "later" });
  const messages = page.output.messages.flatMap((one) => {
    const read = v.safeParse(messageSchema, one);
    return read.success ? [read.output] : [];
  });
  return { messages, next: page.output.response_metadata?.next_cursor ?? "" };
}

/**
 * The ts of what was sent with this nonce. A stream bears none: one that was begun and is still empty is taken for ours,
 * so that it does not stand there for ever.
 * @throws PlatformError `unknown` when it cannot be known
 */
export async function findSent(
  client: Client,
  {
    target,
    nonce,
    since,
    bot,
    isOpen,
  }: { target: ReplyTarget; nonce: string; since: number; bot: string | undefined; isOpen(ref: string): boolean },
): Promise<string | undefined> {
  // What one person sees is in no history.
  if (target.onlyFor !== undefined)
    throw new PlatformError("Slack keeps no history of private answers", { fate: "unknown" });
  const oldest = stampOf(since - limits.clockSkewMs);
  const where = {
    channel: target.conversation.id,
    thread: target.thread,
    oldest,
    include_all_metadata: true,
    limit: limits.gapPageMessages,
  };
  let begun: string | undefined;
  let cursor = "";
  for (let pages = 0; pages < limits.findPagesMax; pages += 1) {
    const { messages, next } = await readPage(client, { ...where, ...(cursor === "" ? {} : { cursor }) });
    for (const message of messages) {
      if (isOurs(message, nonce)) return message.ts;
      const mine = bot !== undefined && message.bot_id === bot && message.metadata === undefined;
      if (mine && target.thread !== undefined && (message.text ?? "").trim() === "" && !isOpen(message.ts))
        begun ??= message.ts;
    }
    if (next === "") return begun;
    cursor = next;
  }
  throw new PlatformError("Too much was said since to look through it", { fate: "unknown" });
}

function isOurs({ metadata }: SlackMessage, nonce: string): boolean {
  return metadata?.event_type === eventType && metadata.event_payload?.nonce === nonce;
}
