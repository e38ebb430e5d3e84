// What the fake Slack holds: apps, people, conversations, messages, files, views. Plain data; the other files act on it.
import type { Clock } from "../../../../src/sys/clock.ts";
import { Refusal } from "./refusal.ts";

/** A JSON object as it goes over the wire. */
export type Json = Record<string, unknown>;

export interface User {
  id: string;
  name: string;
  realName: string;
  isBot: boolean;
  deleted: boolean;
  /** Only of bot users. */
  botId?: string;
  appId?: string;
}

/** An installed app with its bot user. */
export interface App {
  id: string;
  name: string;
  botId: string;
  user: User;
  botToken: string;
  appToken: string;
  scopes: Set<string>;
  appScopes: Set<string>;
  /** Event subscriptions, by the names of the Events API (`message.im`, `app_mention`). */
  events: Set<string>;
  /** Slash commands with their slash. */
  commands: Set<string>;
  /** The agent or assistant view is on: people may start assistant threads. */
  assistant: boolean;
  /** The Home tab is on. */
  home: boolean;
  /** The messages tab is on and people may write there; without it nobody can write to the app directly. */
  messagesTab: boolean;
}

export type ChannelKind = "public" | "private" | "im" | "mpim";

export interface Channel {
  id: string;
  kind: ChannelKind;
  name: string;
  creator: string;
  createdAt: number;
  members: Set<string>;
  archived: boolean;
  topic: string;
  purpose: string;
  /** By ts, in order of sending. Deleted ones stay, marked. */
  messages: Map<string, Message>;
  /** Microseconds of the last ts that was given. */
  lastMicros: number;
  /** What assistant threads show, by thread ts. */
  assistants: Map<string, AssistantThread>;
}

export interface AssistantThread {
  user: string;
  context: Json;
  title?: string;
  status: string;
  statuses: { at: number; status: string; loadingMessages?: string[] }[];
  prompts?: { title?: string; prompts: Json[] };
}

export interface Message {
  ts: string;
  channel: Channel;
  user: string;
  botId?: string;
  appId?: string;
  subtype?: string;
  /** Shown in place of the bot's name. */
  username?: string;
  text: string;
  blocks?: Json[];
  attachments?: Json[];
  metadata?: { event_type: string; event_payload: Json };
  threadTs?: string;
  /** A reply that the channel shows as well. */
  broadcast: boolean;
  /** Ids of files. */
  files: string[];
  edited?: { user: string; ts: string };
  deleted: boolean;
  /** Deleted, but its thread still stands. */
  tombstone: boolean;
  /** Emoji name to users, in the order of reacting. */
  reactions: Map<string, string[]>;
  /** Set as long as it is being streamed. */
  streaming: boolean;
  /** What the sender asked for and nobody else sees. */
  flags: { unfurlLinks?: boolean; unfurlMedia?: boolean; mrkdwn?: boolean };
  /** Every text that the message had, oldest first, with the time at which it was put. */
  forms: { text: string; at: number }[];
}

export interface StoredFile {
  id: string;
  name: string;
  title: string;
  mimetype: string;
  filetype: string;
  /** As announced; equals the length of `bytes` once those are there. */
  size: number;
  bytes: Uint8Array | undefined;
  user: string;
  app?: string;
  createdAt: number;
  /** The secret part of the upload address. */
  ticket?: string;
  complete: boolean;
  deleted: boolean;
  altText?: string;
  snippetType?: string;
  shares: { channel: string; ts: string; threadTs?: string }[];
}

export interface Ephemeral {
  ts: string;
  channel: Channel;
  /** Who alone sees it. */
  user: string;
  app: string;
  text: string;
  blocks?: Json[];
  threadTs?: string;
  deleted: boolean;
}

export interface View {
  id: string;
  app: string;
  user: string;
  type: "modal" | "home";
  /** As it was given, with blocks. */
  content: Json;
  hash: string;
  rootId: string;
  previousId?: string;
  open: boolean;
  /** Typed in so far, as `state.values`. */
  values: Json;
}

export interface Trigger {
  app: string;
  user: string;
  at: number;
  used: boolean;
}

/** An address that may be posted to after an interaction. */
export interface ResponseUrl {
  app: string;
  channel: Channel;
  user: string;
  at: number;
  uses: number;
  /** What `replace_original` and `delete_original` mean. */
  original?: Message | Ephemeral;
}

export interface World {
  clock: Pick<Clock, "now" | "sleep">;
  /** From 0 to 1, as `Math.random`. */
  random: () => number;
  team: { id: string; name: string; domain: string };
  /** Where files and response addresses lie; set by the server. */
  origin: string;
  users: Map<string, User>;
  apps: Map<string, App>;
  tokens: Map<string, { app: App; kind: "bot" | "app"; state: "live" | "revoked" | "inactive" }>;
  channels: Map<string, Channel>;
  files: Map<string, StoredFile>;
  ephemerals: Ephemeral[];
  views: Map<string, View>;
  triggers: Map<string, Trigger>;
  responseUrls: Map<string, ResponseUrl>;
  /** Hands an envelope to an app's sockets. */
  deliver: (app: App, envelope: Outgoing) => void;
  /** After so many minutes a message cannot be edited; undefined is a workspace without such a rule. */
  editWindowMinutes: number | undefined;
  /** Files show up in their channel so many ms after the call that shares them. */
  shareDelayMs: number;
  nextSerial: number;
}

/** An envelope before a socket has taken it. `answered` gets what came with the acknowledgement. */
export interface Outgoing {
  type: "events_api" | "interactive" | "slash_commands";
  payload: Json;
  acceptsPayload: boolean;
  answered?: (payload: Json | undefined) => void;
  /** Nobody acknowledged; what the person is shown. */
  failed?: () => void;
}

/** A number that was never handed out before in this world. */
export function serial(world: World): number {
  const taken = world.nextSerial;
  world.nextSerial += 1;
  return taken;
}

/** `prefix`, and letters and digits that no other id has. */
export function newId(world: World, prefix: string): string {
  const tail = serial(world).toString(36).toUpperCase().padStart(4, "0");
  return `${prefix}0${word(world, 5).toUpperCase()}${tail}`;
}

/** A word of letters and digits, from the world's randomness. */
export function word(world: World, length: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length }, () => letters[Math.floor(world.random() * letters.length)] ?? "A").join("");
}

/**
 * A ts that no other message of the channel has: seconds and microseconds, growing.
 * Source: docs.slack.dev/messaging/retrieving-messages ("ts" is unique per channel).
 */
export function newTs(world: World, channel: Channel): string {
  channel.lastMicros = Math.max(channel.lastMicros + 1, Math.floor(world.clock.now()) * 1000);
  return tsOf(channel.lastMicros);
}

/** A ts for things that lie in no channel. */
export function nowTs(world: World): string {
  return tsOf(Math.floor(world.clock.now()) * 1000 + (serial(world) % 1000));
}

function tsOf(micros: number): string {
  return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`;
}

export function secondsNow(world: World): number {
  return Math.floor(world.clock.now() / 1000);
}

export function userOf(world: World, id: string): User {
  const found = world.users.get(id);
  if (found === undefined) throw new Error(`The fake Slack knows no user "${id}"`);
  return found;
}

/** A message that is there and was not deleted; tombstones are there. */
export function messageIn(channel: Channel, ts: string): Message | undefined {
  const found = channel.messages.get(ts);
  return found === undefined || (found.deleted && !found.tombstone) ? undefined : found;
}

/** Replies of a thread, oldest first, without the parent. */
export function repliesOf(channel: Channel, ts: string): Message[] {
  return [...channel.messages.values()].filter((one) => one.threadTs === ts && one.ts !== ts && !one.deleted);
}

/** The app whose bot user this is. */
export function appOfUser(world: World, user: string): App | undefined {
  return [...world.apps.values()].find((app) => app.user.id === user);
}

/** The direct conversation of a person with an app's bot; made when it is not there yet. */
export function directChannel(world: World, app: App, user: string): Channel {
  const known = [...world.channels.values()].find(
    ({ kind, members }) => kind === "im" && members.has(app.user.id) && members.has(user),
  );
  return known ?? newChannel(world, { kind: "im", name: "", members: [user, app.user.id] });
}

export function newChannel(
  world: World,
  { kind, name, members }: { kind: ChannelKind; name: string; members: string[] },
): Channel {
  const prefix = kind === "im" ? "D" : "C";
  const channel: Channel = {
    id: newId(world, prefix),
    kind,
    name,
    creator: members[0] ?? "",
    createdAt: world.clock.now(),
    members: new Set(members),
    archived: false,
    topic: "",
    purpose: "",
    messages: new Map(),
    lastMicros: 0,
    assistants: new Map(),
  };
  world.channels.set(channel.id, channel);
  return channel;
}

/** A user by id for a method; `user_not_found` as in docs.slack.dev/reference/methods/users.info. */
export function knownUser(world: World, id: string): User {
  const found = world.users.get(id);
  if (found === undefined) throw new Refusal("user_not_found");
  return found;
}
