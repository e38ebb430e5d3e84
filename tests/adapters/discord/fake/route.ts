// What a route of the fake REST API gets, and what many routes look up.
import { may } from "./permissions.ts";
import { invalidForm, refuse } from "./refusal.ts";
import type { Bot, Channel, Guild, Json, Message, User, World } from "./world.ts";

export interface Upload {
  name: string;
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** One request after the path was matched. `bot` is undefined only for routes that need no token. */
export interface Call {
  world: World;
  bot: Bot;
  /** The variable parts of the path, in order. */
  parts: string[];
  query: URLSearchParams;
  body: unknown;
  /** By number, from `files[n]`. */
  files: Map<number, Upload>;
}

/** What a route answers: JSON, or undefined for 204. `status` 200 unless said. */
export interface Reply {
  status?: number;
  body?: unknown;
}

export type Run = (call: Call) => Reply;

export function part(call: Call, index: number): string {
  return call.parts[index] ?? "";
}

/** A snowflake of the path. 50035 for what is not one. */
export function snowflake(call: Call, { index, name }: { index: number; name: string }): string {
  const value = part(call, index);
  if (!/^\d{1,20}$/.test(value)) {
    throw invalidForm(name, { code: "NUMBER_TYPE_COERCE", message: `Value "${value}" is not snowflake.` });
  }
  return value;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text or a number as a text; anything else is empty. */
export function plain(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** The JSON body as an object. */
export function bodyObject(call: Call): Json {
  if (isObject(call.body)) return call.body;
  throw invalidForm("", { code: "DICT_TYPE_CONVERT", message: "Only dictionaries may be used in a DictType" });
}

/** The channel of the path, if the bot can see it. */
export function channelOf(call: Call): Channel {
  return channelFor(call, snowflake(call, { index: 0, name: "channel_id" }));
}

export function channelFor({ world, bot }: Pick<Call, "world" | "bot">, id: string): Channel {
  const channel = world.channels.get(id);
  if (channel === undefined || channel.deleted) throw refuse("unknownChannel");
  if (channel.guild === undefined) {
    if (!(channel.recipients?.some((one) => one.id === bot.id) ?? false)) throw refuse("missingAccess");
    return channel;
  }
  if (!may(channel, bot, "VIEW_CHANNEL")) throw refuse("missingAccess");
  return channel;
}

/** The message of the path in this channel; ephemeral ones are not there. */
export function messageOf(call: Call, channel: Channel): Message {
  const message = channel.messages.get(snowflake(call, { index: 1, name: "message_id" }));
  if (message === undefined || message.deleted || message.onlyFor !== undefined) throw refuse("unknownMessage");
  return message;
}

/** The guild at this place of the path, if the bot is in it. */
export function guildOf(call: Call, index = 0): Guild {
  const guild = call.world.guilds.get(snowflake(call, { index, name: "guild_id" }));
  if (guild === undefined) throw refuse("unknownGuild");
  if (!guild.members.has(call.bot.id)) throw refuse("missingAccess");
  return guild;
}

export function userOf(world: World, id: string): User {
  const user = world.users.get(id);
  if (user === undefined) throw refuse("unknownUser");
  return user;
}
