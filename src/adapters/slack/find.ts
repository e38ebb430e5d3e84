// Whether a message arrived of which nobody knows: by the nonce that its metadata bear.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { PlatformError } from "../../gateway/handle.ts";
import type { Client } from "./client.ts";
import { readBody } from "./format.ts";
import { messageSchema, microsOf, millisOf, type SlackMessage, stampOf } from "./payloads.ts";

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

/** In a thread, which Slack tells from its beginning on, this much is looked through: clocks may be wrong by as much. */
const threadBackMs = 24 * 60 * 60_000;

/** What is looked for. */
interface Sought {
  target: ReplyTarget;
  nonce: string;
  /** What it said; a file says nothing. */
  body: string | undefined;
  /** When it may have been sent first, by our own clock. */
  since: number;
  /** Our own bot's id, once it is known. */
  bot: string | undefined;
  isOpen(message: { channel: string; ts: string }): boolean;
}

/**
 * The ts of what was sent with this nonce. A stream bears none: one that was begun and is still empty is taken for the
 * marker that is looked for, so that it does not stand there for ever. Our clock may differ from Slack's: at the top,
 * where the newest come first, a whole page is always looked at.
 * @throws PlatformError `unknown` when it cannot be known
 */
export async function findSent(client: Client, sought: Sought): Promise<string | undefined> {
  const { target, nonce, body, since } = sought;
  // What one person sees is in no history.
  if (target.onlyFor !== undefined)
    throw new PlatformError("Slack keeps no history of private answers", { fate: "unknown" });
  if (body === undefined) throw new PlatformError("A file bears no mark in Slack", { fate: "unknown" });
  const { thread } = target;
  const where = {
    channel: target.conversation.id,
    thread,
    oldest: thread === undefined ? undefined : stampOf(since - threadBackMs),
    include_all_metadata: true,
    limit: limits.gapPageMessages,
  };
  const isMarker = readBody(body).stream !== undefined;
  const enoughAt = microsOf(stampOf(since - limits.clockSkewMs));
  let begun: string | undefined;
  let cursor = "";
  for (let pages = 0; pages < limits.findPagesMax; pages += 1) {
    const { messages, next } = await readPage(client, { ...where, ...(cursor === "" ? {} : { cursor }) });
    for (const message of messages) {
      if (isOurs(message, nonce)) return message.ts;
      if (isMarker && thread !== undefined && isBegun(message, sought)) begun ??= message.ts;
    }
    const enough = thread === undefined && messages.some(({ ts }) => microsOf(ts) < enoughAt);
    if (next === "" || enough) return begun;
    cursor = next;
  }
  throw new PlatformError("Too much was said since to look through it", { fate: "unknown" });
}

/** A stream of ours that says nothing, and that nobody writes to; a file without words looks the same but for its file. */
function isBegun({ ts, text, bot_id, metadata, files }: SlackMessage, { bot, since, target, isOpen }: Sought): boolean {
  const mine = bot !== undefined && bot_id === bot && metadata === undefined && (files ?? []).length === 0;
  return (
    mine &&
    (text ?? "").trim() === "" &&
    millisOf(ts) >= since - limits.clockSkewMs &&
    !isOpen({ channel: target.conversation.id, ts })
  );
}

function isOurs({ metadata }: SlackMessage, nonce: string): boolean {
  return metadata?.event_type === eventType && metadata.event_payload?.nonce === nonce;
}
