// What the fake Telegram holds: bots, people, chats, messages, files. Plain data; the other files act on it.
import type { Entity } from "./entities.ts";

/** A JSON object as it goes over the wire. */
export type Json = Record<string, unknown>;

/** What a Bot API method answers. `error_code` is the HTTP status as well. */
export type Answer =
  | { ok: true; result: unknown; description?: string }
  | {
      ok: false;
      error_code: number;
      description: string;
      parameters?: { retry_after?: number; migrate_to_chat_id?: number };
    };

/** A file that came with a request, by its field name. */
export interface Upload {
  name: string;
  type: string;
  bytes: Uint8Array;
}

export interface User {
  id: number;
  isBot: boolean;
  firstName: string;
  lastName?: string;
  username?: string;
  languageCode?: string;
  /** A deleted account: bots get 403 "user is deactivated". */
  deactivated: boolean;
}

export interface Bot extends User {
  isBot: true;
  username: string;
  token: string;
  canReadAll: boolean;
  webhook: string;
  /** Remembered from the last call that named it; undefined means the default set. */
  allowedUpdates: string[] | undefined;
  queue: { update: Json & { update_id: number }; at: number; delivered: number }[];
  nextUpdateId: number;
  /** Key is scope and language, value is the list as it was set. */
  commands: Map<string, { command: string; description: string }[]>;
  /** Calls of logOut leave the token unusable, as for ten minutes with the real one. */
  loggedOut: boolean;
}

export type ChatKind = "private" | "group" | "supergroup" | "forum";
export type MemberStatus = "creator" | "administrator" | "member" | "restricted" | "left" | "kicked";

export interface Topic {
  id: number;
  name: string;
  closed: boolean;
}

export interface Chat {
  /** Unique in the world. Two bots have two private chats with one person, and both chats have the person's id. */
  key: string;
  id: number;
  kind: ChatKind;
  title?: string;
  username?: string;
  /** Only in private chats. */
  person?: number;
  bot?: number;
  members: Map<number, MemberStatus>;
  /** By id, in order of sending. Deleted ones stay, marked. */
  messages: Map<number, Message>;
  nextMessageId: number;
  topics: Map<number, Topic>;
  /** Set when a group became a supergroup. */
  migratedTo?: number;
  /** Private chats: the person pressed start or wrote, so that the bot may write. */
  started: boolean;
  /** Private chats: the person blocked the bot. */
  blocked: boolean;
  /** Members that are no administrators may not write. */
  readOnly: boolean;
  actions: { at: number; bot: number; action: string; thread?: number }[];
  drafts: Map<number, { text: string; at: number; thread?: number; stoppable: boolean; forms: string[] }>;
}

export interface StoredFile {
  /** Bots have different ids of one file; this is the one of the bot that saw it. */
  fileId: string;
  uniqueId: string;
  bot: number;
  kind: "photo" | "document" | "voice" | "audio" | "video" | "thumbnail";
  name?: string;
  mime?: string;
  size: number;
  width?: number;
  height?: number;
  durationS?: number;
  path: string;
  bytes: Uint8Array;
  /** Until when the path of the last getFile works, in ms; without a getFile there is none. */
  linkedUntil?: number;
}

/** A file within a message, before it is given a file id for a particular bot. */
export interface Media {
  kind: "photo" | "document" | "voice" | "audio" | "video";
  uniqueId: string;
  name?: string;
  mime?: string;
  /** Bytes as the platform says; larger than `bytes` for a file that is only claimed to be large. */
  size: number;
  bytes: Uint8Array;
  width?: number;
  height?: number;
  durationS?: number;
}

export interface Button {
  text: string;
  callback_data?: string;
  url?: string;
  [other: string]: unknown;
}

export interface Message {
  id: number;
  chat: Chat;
  from: number;
  date: number;
  editDate?: number;
  /** Text, or the caption of a media message. */
  text: string;
  entities: Entity[];
  media?: Media;
  mediaGroup?: string;
  replyTo?: number;
  quote?: string;
  thread?: number;
  isTopic: boolean;
  buttons?: Button[][];
  /** A keyboard that is not inline, force_reply and the like, as it was sent. */
  markup?: Json;
  silent: boolean;
  protect: boolean;
  linkPreview?: Json;
  forwardedFrom?: { from: number; date: number };
  /** Fields of a service message, such as `new_chat_members`. */
  service?: Json;
  /** Fields of a content that the fake does not know by itself, such as `sticker`. */
  other?: Json;
  /** Written by an administrator in the group's name: bots see neither name nor id. */
  anonymous: boolean;
  deleted: boolean;
  edits: number;
  /** Every text that the message had, oldest first, with the time at which it was put. */
  forms: { text: string; at: number; buttons: string[][] }[];
  reactions: Map<number, string[]>;
  pinned: boolean;
}

export interface CallbackQuery {
  id: string;
  bot: number;
  from: number;
  chat: Chat;
  message: number;
  data: string;
  at: number;
  answer?: { text?: string; alert: boolean; url?: string; at: number };
}

/** A message in a group that one person alone sees. It has no message id. */
export interface Ephemeral {
  id: number;
  chat: Chat;
  receiver: number;
  message: Message;
}

export interface World {
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 to 1, as `Math.random`. */
  random: () => number;
  users: Map<number, User>;
  /** By token. */
  bots: Map<string, Bot>;
  /** By key. */
  chats: Map<string, Chat>;
  /** By file id. */
  files: Map<string, StoredFile>;
  callbacks: Map<string, CallbackQuery>;
  /** Whether a bot in privacy mode is told of messages that name it. */
  mentionsReach: boolean;
  /** After this many ms an unanswered button press can no longer be answered. */
  callbackLifetimeMs: number;
  ephemerals: Ephemeral[];
  nextSerial: number;
  /** Told the id of each bot whose queue grew. */
  woken: Set<(bot: number) => void>;
}

/** Unix time in seconds, as in all dates of the API. */
export function secondsNow(world: World): number {
  return Math.floor(world.now() / 1000);
}

/** A number that was never handed out before in this world. */
export function serial(world: World): number {
  const taken = world.nextSerial;
  world.nextSerial += 1;
  return taken;
}

/** A word of letters and digits, from the world's randomness. */
export function word(world: World, length: number): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length }, () => letters[Math.floor(world.random() * letters.length)] ?? "A").join("");
}

export function botById(world: World, id: number): Bot | undefined {
  return [...world.bots.values()].find((bot) => bot.id === id);
}

/** The user or bot with this id; everything that holds an id got it from here. */
export function userOf(world: World, id: number): User {
  const found = world.users.get(id) ?? botById(world, id);
  if (found === undefined) throw new Error(`The fake Telegram knows no user ${id}`);
  return found;
}

export function isGroup(chat: Chat): boolean {
  return chat.kind !== "private";
}

export function isAdmin(chat: Chat, user: number): boolean {
  const status = chat.members.get(user);
  return status === "creator" || status === "administrator";
}

export function isIn(chat: Chat, user: number): boolean {
  const status = chat.members.get(user);
  return status !== undefined && status !== "left" && status !== "kicked";
}

/** A message that is there and was not deleted. */
export function messageIn(chat: Chat, id: number): Message | undefined {
  const found = chat.messages.get(id);
  return found === undefined || found.deleted ? undefined : found;
}

/** Names of the buttons, row by row. */
export function labels(buttons: Button[][] | undefined): string[][] {
  return (buttons ?? []).map((row) => row.map(({ text }) => text));
}
