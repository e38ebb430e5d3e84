// What the fake Discord holds: applications, people, guilds, channels, messages, files. Plain data; other files act on it.
import type { Clock } from "../../../../src/sys/clock.ts";

/** A JSON object as it goes over the wire. */
export type Json = Record<string, unknown>;

export interface User {
  id: string;
  bot: boolean;
  name: string;
  displayName: string;
  /** False: nobody may send direct messages to this person, bots get 50007. */
  directsOpen: boolean;
}

/** Intents that the developer portal must grant: docs.discord.com/developers/events/gateway#privileged-intents. */
export type Privileged = "GUILD_MEMBERS" | "GUILD_PRESENCES" | "MESSAGE_CONTENT";

/** An application with its bot; both have one id, as all new applications have. */
export interface Bot extends User {
  bot: true;
  token: string;
  granted: Set<Privileged>;
  /** More than one makes an unsharded identify end with 4011, which Discord asks for above 2,500 guilds. */
  shardsNeeded: number;
  /** Commands by guild id, `""` for the global ones. */
  commands: Map<string, Command[]>;
  /** Commands made in a day that ends at `until`, for 30034. */
  commandsMade: { count: number; until: number };
  identifiesLeft: number;
  identifiesResetAt: number;
}

export interface Command extends Json {
  id: string;
  name: string;
  type: number;
  options?: CommandOption[];
}

export interface CommandOption extends Json {
  name: string;
  type: number;
  required?: boolean;
  autocomplete?: boolean;
  choices?: { name: string; value: string | number }[];
  options?: CommandOption[];
}

export interface Overwrite {
  allow: bigint;
  deny: bigint;
}

export interface Guild {
  id: string;
  name: string;
  owner: string;
  /** Users by id with their nicknames. */
  members: Map<string, { nick: string | undefined; joinedAt: number }>;
  /** What @everyone may. */
  everyone: bigint;
  /** An outage: bots see it as unavailable. */
  unavailable: boolean;
}

/** docs.discord.com/developers/resources/channel#channel-object-channel-types */
export const channelKinds = { text: 0, direct: 1, voice: 2, category: 4, announcement: 5, publicThread: 11 } as const;

export interface Channel {
  id: string;
  kind: number;
  name: string;
  guild: Guild | undefined;
  /** The channel of a thread. */
  parent: Channel | undefined;
  owner: string | undefined;
  archived: boolean;
  locked: boolean;
  deleted: boolean;
  /** The two of a direct channel. */
  recipients: [User, User] | undefined;
  overwrites: Map<string, Overwrite>;
  messages: Map<string, Message>;
  /** When each user last typed. */
  typing: { user: string; at: number }[];
  createdAt: number;
}

export interface StoredFile {
  id: string;
  name: string;
  type: string | undefined;
  bytes: Uint8Array<ArrayBuffer>;
  channel: string;
  description: string | undefined;
}

/** What a message shows; edits replace it and keep the old one in `forms`. */
export interface Content {
  text: string;
  embeds: Json[];
  components: Json[];
  files: StoredFile[];
}

export interface Message extends Content {
  id: string;
  channel: Channel;
  author: User;
  kind: number;
  flags: number;
  nonce: string | number | undefined;
  at: number;
  editedAt: number | undefined;
  deleted: boolean;
  /** Whom an ephemeral message is shown to. */
  onlyFor: string | undefined;
  replyTo: { id: string; channel: string } | undefined;
  /** Ids of people that are pinged. */
  mentions: string[];
  mentionsEveryone: boolean;
  /** User ids by emoji, in the order of the first reaction. */
  reactions: Map<string, Set<string>>;
  thread: Channel | undefined;
  interaction: Interaction | undefined;
  /** Every form that it had, oldest first. */
  forms: (Content & { at: number })[];
  tts: boolean;
}

/** docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-interaction-type */
export const interactionKinds = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const;

export interface Interaction {
  id: string;
  token: string;
  kind: number;
  bot: Bot;
  user: User;
  channel: Channel;
  /** The message whose button was pressed. */
  message: Message | undefined;
  data: Json;
  at: number;
  /** The type of the callback that answered it. */
  answered: number | undefined;
  /** Whether a deferred answer was ephemeral. */
  original: Message | undefined;
  followups: Message[];
  modal: Json | undefined;
  choices: Json[] | undefined;
}

/** One event for the gateway. */
export interface Emission {
  event: string;
  /** Any of these intents lets it through; undefined needs none. */
  intents: number | undefined;
  guild: Guild | undefined;
  /** Only for bots that can view it. */
  channel?: Channel;
  /** Only for this bot. */
  only?: Bot;
  /** The data as this session gets it; undefined for none. */
  data: (bot: Bot, intents: number) => Json | undefined;
}

export interface World {
  clock: Clock;
  limits: Limits;
  /** By id, bots too. */
  users: Map<string, User>;
  bots: Map<string, Bot>;
  guilds: Map<string, Guild>;
  channels: Map<string, Channel>;
  /** Where each message stands, by its id. */
  places: Map<string, Message>;
  files: Map<string, StoredFile>;
  /** The last message of each author and nonce. */
  nonces: Map<string, Message>;
  interactions: Map<string, Interaction>;
  /** Where attachments can be fetched, without a slash at the end. */
  cdnUrl: string;
  /** Where the gateway listens, and where sessions go on. */
  gatewayUrl: string;
  lastIdMs: number;
  lastIdCount: number;
  emit(emission: Emission): void;
}

/** Numbers that Discord does not fix for good, or that tests make smaller. */
export interface Limits {
  /** How long a nonce is remembered, in ms. The documentation says "the past few minutes". */
  nonceMs: number;
  /** How soon an interaction must be answered, in ms. */
  answerMs: number;
  /** How long the token of an interaction lives, in ms. */
  interactionMs: number;
  /** Largest file, in bytes. */
  fileBytesMax: number;
  /** Largest request, in bytes. */
  requestBytesMax: number;
  /** Edits of messages older than an hour, per channel and time. Not documented; bots report about three in 20 s. */
  oldEditsMax: number;
  /** The time for those, in ms. */
  oldEditsMs: number;
  /** How long a signed attachment address works, in ms. */
  linkMs: number;
}

/** Discord's numbers: docs.discord.com/developers, each named where it is used. */
export const realLimits: Limits = {
  nonceMs: 3 * 60_000,
  answerMs: 3000,
  interactionMs: 15 * 60_000,
  fileBytesMax: 10 * 1024 * 1024,
  requestBytesMax: 25 * 1024 * 1024,
  oldEditsMax: 3,
  oldEditsMs: 20_000,
  linkMs: 24 * 60 * 60_000,
};

/** Milliseconds since 1970 at which a snowflake's time begins: docs.discord.com/developers/reference#snowflakes. */
const epoch = 1_420_070_400_000n;

/** A new id that carries the time; two in one millisecond differ in the count. */
export function newId(world: World, at = world.clock.now()): string {
  const ms = Math.max(at, world.lastIdMs);
  world.lastIdCount = ms === world.lastIdMs ? world.lastIdCount + 1 : 0;
  world.lastIdMs = ms;
  return String(
    ((BigInt(ms) - epoch) << 22n) | BigInt(world.lastIdCount & 0xfff) | (BigInt(world.lastIdCount >> 12) << 12n),
  );
}

/** Milliseconds since 1970 of a snowflake. */
export function timeOf(id: string): number {
  return Number((BigInt(id) >> 22n) + epoch);
}

/** Which shard a guild belongs to; direct messages belong to shard 0. */
export function shardOf(guild: Guild | undefined, shards: number): number {
  return guild === undefined ? 0 : Number((BigInt(guild.id) >> 22n) % BigInt(shards));
}

/** An ISO 8601 time as Discord writes it. */
export function stamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

export function isThread(channel: Channel): boolean {
  return channel.parent !== undefined;
}

export function botIn(world: World, channel: Channel): Bot[] {
  return [...world.bots.values()].filter((bot) =>
    channel.guild === undefined
      ? (channel.recipients?.some(({ id }) => id === bot.id) ?? false)
      : channel.guild.members.has(bot.id),
  );
}

export function botOfToken(world: World, token: string): Bot | undefined {
  return [...world.bots.values()].find((bot) => bot.token === token);
}

/** A secret of the fake's own form, from the clock's randomness. */
export function token(world: World, length: number): string {
  return Buffer.from(world.clock.random(length)).toString("base64url").slice(0, length);
}
