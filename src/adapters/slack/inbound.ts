// Slack's events as inbounds: pure, never throws, and nobody but the event's own sender comes out of it.
import { limits } from "../../core/limits.ts";
import type { Address, FileRef, Inbound, Sender } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import {
  botsIn,
  filesIn,
  type MessageEvent,
  microsOf,
  millisOf,
  parseEvent,
  type ReactionEvent,
  type SlackFile,
  type SlackMessage,
  sharesIn,
} from "./payloads.ts";
import { idsIn, type Names, readText } from "./text.ts";

/** Our own bot in its workspace. */
export interface Self {
  /** Its user id. */
  user: string;
  bot: string;
  team: string;
  name: string;
}

/** What reading needs to know. */
export interface Facts {
  /** Name of the adapter in settings. */
  adapter: string;
  self: Self;
  names: Names;
  /** The first message of a thread, where it is known. */
  parent?(channel: string, thread: string): { sender: string; text: string } | undefined;
  now: number;
}

/** What an event means. */
export type Reading =
  | { kind: "inbound"; inbound: Inbound }
  /** Somebody opened the home page. */
  | { kind: "home"; user: string }
  /** Somebody opened an empty assistant thread. */
  | { kind: "assistant"; user: string; channel: string; thread: string }
  | { kind: "ignored"; reason: string; malformed?: true };

const ignored = (reason: string): Reading => ({ kind: "ignored", reason });

/** Subtypes that are messages of people. */
const spoken = new Set(["file_share", "thread_broadcast", "me_message"]);
/** Slack's own voice. */
const slackbot = "USLACKBOT";

/** Reads the payload of an `events_api` envelope. */
export function readEvent(payload: unknown, facts: Facts): Reading {
  const parsed = parseEvent(payload);
  if ("problem" in parsed) return { kind: "ignored", reason: parsed.problem, malformed: true };
  if (isForAnother(payload, facts)) {
    return {
      kind: "ignored",
      reason: "it is for the app in another workspace, which takes the same socket",
      malformed: true,
    };
  }
  if ("other" in parsed) return ignored(`events "${excerpt(parsed.other, 60)}" are not asked for`);
  const { event } = parsed;
  switch (event.type) {
    case "app_home_opened":
      return event.tab === "messages" ? ignored("the messages tab was opened") : { kind: "home", user: event.user };
    case "assistant_thread_started": {
      const { user_id: user, channel_id: channel, thread_ts: thread } = event.assistant_thread;
      return { kind: "assistant", user, channel, thread };
    }
    case "reaction_added":
    case "reaction_removed":
      return readReaction(event, facts);
    default:
      if (event.subtype === "message_changed") return readChange(event, facts);
      if (event.subtype === "message_deleted") return readDelete(event, facts);
      return readMessage(event, facts);
  }
}

/** An app that is installed in several workspaces gets the events of all of them. Source: docs.slack.dev/apis/events-api. */
function isForAnother(payload: unknown, { self }: Facts): boolean {
  const bots = botsIn(payload);
  return bots.length > 0 && !bots.includes(self.user);
}

/** A message of a conversation's history: what a live event of it would have said. */
export function readHistory(message: SlackMessage, at: { channel: string; shared: boolean }, facts: Facts): Reading {
  const { channel, shared } = at;
  return readMessage({ ...message, type: "message", channel, channel_type: shared ? "channel" : "im" }, facts);
}

/** Ids whose names the payload needs, found without understanding it. */
export function namesNeeded(payload: unknown): { users: string[]; channels: string[] } {
  const parsed = parseEvent(payload);
  if (!("event" in parsed)) return { users: [], channels: [] };
  const { event } = parsed;
  if (event.type === "reaction_added" || event.type === "reaction_removed")
    return { users: [event.user], channels: [] };
  if (event.type !== "message" && event.type !== "app_mention") return { users: [], channels: [] };
  const message: SlackMessage = event.message ?? event;
  const found = idsIn(message.text ?? "");
  return {
    users: [...new Set([...(message.user === undefined ? [] : [message.user]), ...found.users])],
    channels: found.channels,
  };
}

function readMessage(event: MessageEvent, facts: Facts): Reading {
  const sender = personOf(event, facts);
  if (typeof sender === "string") return ignored(sender);
  if (event.hidden === true) return ignored("it is hidden");
  if (event.subtype !== undefined && !spoken.has(event.subtype)) {
    return ignored(`messages of kind "${excerpt(event.subtype, 60)}" tell of a change in the conversation`);
  }
  const place = placeOf(event, facts);
  const read = contentOf(event, facts);
  if (read.text === "" && read.files.length === 0) return ignored("it holds nothing that is known");
  const quote = place.thread === undefined ? undefined : parentOf(event, facts);
  const inbound: Inbound = {
    ...place,
    kind: "message",
    // A mention comes as two events with one ts: the same id lets it count once.
    id: event.ts,
    sender,
    sentAt: timeOf(event.ts, facts),
    text: read.text,
    addressed: place.conversation.kind === "direct" || read.mentioned,
    ...(read.files.length === 0 ? {} : { files: read.files }),
    ...(quote === undefined ? {} : { quote }),
  };
  return { kind: "inbound", inbound };
}

/** An edit by its author. Link previews, replies below it and our own changes come in the same form and are none. */
function readChange(event: MessageEvent, facts: Facts): Reading {
  const { message, previous_message: before } = event;
  if (message === undefined) return ignored("a change tells of no message");
  if (message.subtype === "tombstone") return readDelete({ ...event, deleted_ts: message.ts }, facts);
  const sender = personOf(message, facts);
  if (typeof sender === "string") return ignored(sender);
  const { edited } = message;
  if (edited === undefined || edited.ts === before?.edited?.ts) return ignored("what changed is not what was said");
  if (before !== undefined && before.text === message.text) return ignored("what changed is not what was said");
  const read = contentOf(message, facts);
  const inbound: Inbound = {
    ...placeOf({ ...message, channel: event.channel, channel_type: event.channel_type }, facts),
    kind: "edit",
    id: message.ts,
    target: message.ts,
    revision: microsOf(edited.ts),
    sender,
    sentAt: timeOf(edited.ts, facts),
    text: read.text,
  };
  return { kind: "inbound", inbound };
}

function readDelete(event: MessageEvent, facts: Facts): Reading {
  const { deleted_ts: target, previous_message: before } = event;
  if (target === undefined || before === undefined) return ignored("a removal does not tell of what");
  const sender = personOf(before, facts);
  if (typeof sender === "string") return ignored(sender);
  const inbound: Inbound = {
    ...placeOf({ ...before, ts: target, channel: event.channel, channel_type: event.channel_type }, facts),
    kind: "delete",
    id: target,
    target,
    sender,
    sentAt: timeOf(event.ts, facts),
  };
  return { kind: "inbound", inbound };
}

function readReaction({ type, user, reaction, item, event_ts: at }: ReactionEvent, facts: Facts): Reading {
  if (item.type !== "message" || item.channel === undefined || item.ts === undefined) {
    return ignored("the reaction is not to a message");
  }
  const sender = personOf({ user }, facts);
  if (typeof sender === "string") return ignored(sender);
  const inbound: Inbound = {
    ...placeOf({ ts: item.ts, channel: item.channel }, facts),
    kind: "reaction",
    id: `${at}-${user}`,
    sender,
    sentAt: timeOf(at, facts),
    target: item.ts,
    emoji: reaction.slice(0, 100),
    added: type === "reaction_added",
  };
  return { kind: "inbound", inbound };
}

/** The person who wrote, or why it was none. */
function personOf(
  {
    user,
    bot_id: bot,
    subtype,
  }: { user?: string | undefined; bot_id?: string | undefined; subtype?: string | undefined },
  { self, names }: Facts,
): Sender | string {
  if (user === self.user || (bot !== undefined && bot === self.bot)) return "it is our own";
  if (bot !== undefined || subtype === "bot_message") return "a bot wrote it";
  if (user === undefined || user === slackbot) return "no person wrote it";
  return { id: user, name: names.user(user) ?? user };
}

/** Where it was written. A thread bears the id of the message below which it stands. */
export function placeOf(
  at: { ts: string; thread_ts?: string | undefined; channel: string; channel_type?: string | undefined },
  { adapter }: Pick<Facts, "adapter">,
): Address {
  const { ts, thread_ts: thread, channel } = at;
  const conversation = { id: channel, kind: isDirect(at) ? "direct" : "shared" } as const;
  return { adapter, conversation, ...(thread === undefined || thread === ts ? {} : { thread }) };
}

function isDirect({ channel, channel_type: type }: { channel: string; channel_type?: string | undefined }): boolean {
  return type === undefined ? channel.startsWith("D") : type === "im";
}

function contentOf(message: SlackMessage, { self, names }: Facts) {
  const read = readText(message.text ?? "", { names, self: self.user });
  const shares = sharesIn(message.attachments).map(({ author, text }) => {
    const words = readText(text, { names, self: self.user }).text;
    return `[Forwarded from ${excerpt(author, 100)}]\n${words}`;
  });
  const all = filesIn(message.files).slice(0, limits.inboundFilesMax);
  const outside = all.filter(({ mode }) => mode === "external").map(linkOf);
  const text = [read.text, ...shares, ...outside].filter((part) => part !== "").join("\n");
  const files = all.filter(({ mode }) => mode !== "external" && mode !== "tombstone").map(refOf);
  // Whoever only calls the bot by its name has said just that.
  const called = text === "" && read.mentioned && files.length === 0 ? `@${self.name}` : text;
  return { text: called, files, mentioned: read.mentioned };
}

function refOf({ id, name, title, mimetype, size, mode }: SlackFile): FileRef {
  const given = [name, title].find((one) => (one ?? "").trim() !== "");
  return {
    name: (given ?? id).slice(0, 255),
    ref: id,
    ...(mimetype === undefined ? {} : { mime: mimetype }),
    ...(size === undefined ? {} : { bytes: size }),
    ...(mode === "hidden_by_limit" ? { problem: "the workspace's plan hides it" } : {}),
  };
}

/** A file that lies with somebody else. */
function linkOf({ title, name, url_private: url }: SlackFile): string {
  return `[File elsewhere: ${excerpt(title ?? name ?? "a file", 100)} ${url ?? ""}]`.replace(" ]", "]");
}

/** The message above the thread, for a gateway that does not have it. */
function parentOf(event: MessageEvent, facts: Facts): { sender: string; text: string } | undefined {
  const { channel, thread_ts: thread = "", root } = event;
  const known = facts.parent?.(channel, thread);
  if (known !== undefined) return known;
  if (root === undefined || root.ts !== thread) return undefined;
  return quoteOf(root, facts);
}

/** What is quoted of a message. */
export function quoteOf(message: SlackMessage, { self, names }: Pick<Facts, "self" | "names">) {
  const { text } = readText(message.text ?? "", { names, self: self.user });
  const head = text.slice(0, limits.quoteCharsMax).toWellFormed();
  const sender =
    message.user === undefined ? "somebody" : message.user === self.user ? self.name : names.user(message.user);
  return {
    sender: excerpt(sender ?? message.user ?? "somebody", 100),
    text: text.length > head.length ? `${head}…` : head,
  };
}

/** A ts in milliseconds; one that cannot be is now. */
function timeOf(stamp: string, { now }: Facts): number {
  const at = millisOf(stamp);
  return at > 0 && at <= now + limits.clockSkewMs ? at : now;
}
