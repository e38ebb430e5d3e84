// A Discord in memory: the world, its REST API, its gateway and the people in it, joined.
import { type Clock, systemClock } from "../../../../src/sys/clock.ts";
import { newChannel, viewGuildFor } from "./channels.ts";
import { emitChannel, emitDeleted, emitEmbeds } from "./emissions.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import { intents } from "./intents.ts";
import { createPerson } from "./people.ts";
import { mask, type Permission, usual } from "./permissions.ts";
import type { Person, Ref } from "./person.ts";
import { type GatewayOptions, realGateway } from "./protocol.ts";
import { createRates, type Rates } from "./rates.ts";
import { createRest, type Rest } from "./rest.ts";
import { type MessageView, seeChannel, seeMessage } from "./sight.ts";
import {
  type Bot,
  type Channel,
  type Command,
  channelKinds,
  type Guild,
  type Json,
  type Limits,
  type Message,
  newId,
  type Privileged,
  realLimits,
  token,
  type User,
  type World,
} from "./world.ts";

export interface DiscordOptions {
  /** Time of ids, limits, sessions and interactions; the machine's by default. */
  clock?: Clock;
  /** Time of sockets: heartbeats, frames, identifies. The machine's by default, since clients have timers of their own. */
  wireClock?: Clock;
  /** False leaves out all rate limits. */
  rates?: boolean;
  gateway?: Partial<GatewayOptions>;
  limits?: Partial<Limits>;
}

export interface Discord {
  readonly world: World;
  readonly faults: Faults;
  readonly rest: Rest;
  readonly gateway: Gateway;
  readonly rates: Rates | undefined;
  /** The first bot, made with the platform: all privileged intents granted, one shard. */
  readonly bot: Bot;
  /** Every request that came in, oldest first. */
  readonly calls: Rest["calls"];

  newBot(given: { name: string; token?: string; granted?: Privileged[]; shardsNeeded?: number }): Bot;
  /** Revokes a bot's token: REST answers 401, its connections close with 4004. Gives the new one. */
  revoke(bot?: Bot): string;
  /** The person of this name; the first call makes one. */
  user(name: string, given?: { displayName?: string }): Person;
  /** A guild with the first bot unless `bots` says otherwise; the first person owns it, or somebody else does. */
  guild(name: string, given?: { people?: Person[]; bots?: Bot[]; id?: string }): Guild;
  /** Brings somebody into a guild; bots hear GUILD_CREATE. */
  join(guild: Guild, who: { id: string }): void;
  /** Takes somebody out; a bot hears GUILD_DELETE. */
  leave(guild: Guild, who: { id: string }): void;
  /** An outage: GUILD_DELETE with `unavailable`, and GUILD_CREATE when it is over. */
  outage(guild: Guild, on: boolean): void;
  channel(guild: Guild, name: string, kind?: number): Channel;
  /** Deletes a channel or a thread. */
  removeChannel(channel: Channel): void;
  archive(thread: Channel, given?: { locked?: boolean }): void;
  /** Takes permissions away from somebody in a channel, or from everyone in a guild. */
  deny(where: Channel | Guild, names: Permission[], who?: { id: string }): void;
  /** Gives them. */
  allow(where: Channel | Guild, names: Permission[], who?: { id: string }): void;
  /** The preview of a link comes in: MESSAGE_UPDATE with embeds alone. */
  preview(message: Ref, embed: Json): void;
  /** A moderator deletes; several at once are one MESSAGE_DELETE_BULK. */
  moderate(messages: Ref[]): void;

  /** Messages of a channel as people see them, oldest first; without ephemeral ones. */
  messages(channel: Channel, given?: { deleted?: boolean }): MessageView[];
  message(ref: Ref): MessageView | undefined;
  /** What one person alone sees, oldest first. */
  ephemeral(channel: Channel, who: { id: string }): MessageView[];
  /** Who typed in a channel and when. */
  typing(channel: Channel): { user: string; at: number }[];
  /** Commands of a guild, or the global ones. */
  commands(guild?: Guild, bot?: Bot): Command[];
}

/** A platform without a network; `startDiscordServer` gives it one. */
export function createDiscord(options: DiscordOptions = {}): Discord {
  const clock = options.clock ?? systemClock;
  const world: World = {
    clock,
    limits: { ...realLimits, ...options.limits },
    users: new Map(),
    bots: new Map(),
    guilds: new Map(),
    channels: new Map(),
    places: new Map(),
    files: new Map(),
    nonces: new Map(),
    interactions: new Map(),
    cdnUrl: "https://cdn.discordapp.com",
    gatewayUrl: "wss://gateway.discord.gg",
    lastIdMs: 0,
    lastIdCount: 0,
    emit: (emission) => gateway.emit(emission),
  };
  const faults = createFaults();
  const rates = options.rates === false ? undefined : createRates(clock);
  const gateway = createGateway({
    world,
    faults,
    options: { ...realGateway, ...options.gateway },
    wireClock: options.wireClock,
  });
  const rest = createRest({
    world,
    faults,
    rates,
    gatewayRoute: ({ bot }) => ({
      body: { url: world.gatewayUrl, shards: bot.shardsNeeded, session_start_limit: gateway.limitOf(bot) },
    }),
  });
  const bot = newBot(world, { name: "helper" });
  const people = new Map<string, Person>();
  return {
    world,
    faults,
    rest,
    gateway,
    rates,
    bot,
    calls: rest.calls,
    newBot: (given) => newBot(world, given),
    revoke(revoked = bot) {
      const before = gateway.sessions().filter((one) => one.bot === revoked.id);
      revoked.token = botToken(world, revoked.id);
      for (const { shard } of before) gateway.close(4004, { bot: revoked, shard: shard[0] });
      return revoked.token;
    },
    user(name, { displayName = name } = {}) {
      const known = people.get(name);
      if (known !== undefined) return known;
      const user: User = { id: newId(world), bot: false, name, displayName, directsOpen: true };
      world.users.set(user.id, user);
      const person = createPerson(world, user, () => bot);
      people.set(name, person);
      return person;
    },
    ...building(world, bot),
    ...inspection(world, bot),
  };
}

/** The form of a real one: the id in base64, and two parts that nobody can read. docs.discord.com/developers/reference. */
function botToken(world: World, id: string): string {
  return [Buffer.from(id).toString("base64url"), token(world, 6), token(world, 38)].join(".");
}

function newBot(world: World, given: Parameters<Discord["newBot"]>[0]): Bot {
  const id = newId(world);
  const bot: Bot = {
    id,
    bot: true,
    name: given.name,
    displayName: given.name,
    directsOpen: true,
    token: given.token ?? botToken(world, id),
    granted: new Set(given.granted ?? ["GUILD_MEMBERS", "GUILD_PRESENCES", "MESSAGE_CONTENT"]),
    shardsNeeded: given.shardsNeeded ?? 1,
    commands: new Map(),
    commandsMade: { count: 0, until: 0 },
    identifiesLeft: 0,
    identifiesResetAt: 0,
  };
  world.users.set(bot.id, bot);
  world.bots.set(bot.id, bot);
  return bot;
}

type Building = Pick<
  Discord,
  | "guild"
  | "join"
  | "leave"
  | "outage"
  | "channel"
  | "removeChannel"
  | "archive"
  | "deny"
  | "allow"
  | "preview"
  | "moderate"
>;

function building(world: World, firstBot: Bot): Building {
  const tellGuild = (guild: Guild, only?: Bot) =>
    world.emit({
      event: "GUILD_CREATE",
      intents: intents.GUILDS,
      guild,
      ...(only === undefined ? {} : { only }),
      data: (bot, wanted) =>
        viewGuildFor({ world, bot }, guild, { allMembers: (wanted & intents.GUILD_MEMBERS) !== 0 }),
    });
  const tellGone = (guild: Guild, given: { only?: Bot; unavailable: boolean }) =>
    world.emit({
      event: "GUILD_DELETE",
      intents: intents.GUILDS,
      guild,
      ...(given.only === undefined ? {} : { only: given.only }),
      data: () => ({ id: guild.id, ...(given.unavailable ? { unavailable: true } : {}) }),
    });
  const join = (guild: Guild, { id }: { id: string }) => {
    guild.members.set(id, { nick: undefined, joinedAt: world.clock.now() });
    const bot = world.bots.get(id);
    if (bot !== undefined) tellGuild(guild, bot);
  };
  return {
    join,
    guild(name, { people = [], bots = [firstBot], id = newId(world) } = {}) {
      const guild: Guild = {
        id,
        name,
        owner: people[0]?.id ?? newId(world),
        members: new Map(),
        everyone: usual,
        unavailable: false,
      };
      world.guilds.set(guild.id, guild);
      for (const one of [...people, ...bots]) join(guild, one);
      return guild;
    },
    leave(guild, { id }) {
      const bot = world.bots.get(id);
      guild.members.delete(id);
      if (bot !== undefined) tellGone(guild, { only: bot, unavailable: false });
    },
    outage(guild, on) {
      guild.unavailable = on;
      if (on) tellGone(guild, { unavailable: true });
      else tellGuild(guild);
    },
    channel(guild, name, kind = channelKinds.text) {
      const channel = newChannel(world, { guild, name, kind });
      emitChannel(world, channel, "CHANNEL_CREATE");
      return channel;
    },
    removeChannel(channel) {
      emitChannel(world, channel, channel.parent === undefined ? "CHANNEL_DELETE" : "THREAD_DELETE");
      channel.deleted = true;
      const starter = world.places.get(channel.id);
      if (starter?.thread === channel) starter.thread = undefined;
    },
    archive(thread, { locked = false } = {}) {
      thread.archived = true;
      thread.locked = locked;
      emitChannel(world, thread, "THREAD_UPDATE");
    },
    deny: (where, names, who) => permit(world, where, { names, who, give: false }),
    allow: (where, names, who) => permit(world, where, { names, who, give: true }),
    preview(ref, embed) {
      const message = theMessage(world, ref);
      message.embeds = [...message.embeds, embed];
      emitEmbeds(world, message);
    },
    moderate(refs) {
      const messages = refs.map((ref) => theMessage(world, ref));
      for (const message of messages) message.deleted = true;
      const [first] = messages;
      if (first !== undefined)
        emitDeleted(
          world,
          first.channel,
          messages.map(({ id }) => id),
        );
    },
  };
}

function theMessage(world: World, { id }: Ref): Message {
  const message = world.places.get(id);
  if (message === undefined || message.deleted) throw new Error(`There is no message ${id}`);
  return message;
}

function permit(
  world: World,
  where: Channel | Guild,
  { names, who, give }: { names: Permission[]; who: { id: string } | undefined; give: boolean },
): void {
  const bits = mask(names);
  if ("members" in where) {
    if (who !== undefined) throw new Error("In a guild permissions are everyone's; name a channel for one member's");
    where.everyone = give ? where.everyone | bits : where.everyone & ~bits;
    return;
  }
  const id = who?.id ?? where.guild?.id ?? "";
  const { allow, deny } = where.overwrites.get(id) ?? { allow: 0n, deny: 0n };
  const next = give ? { allow: allow | bits, deny: deny & ~bits } : { allow: allow & ~bits, deny: deny | bits };
  where.overwrites.set(id, next);
  emitChannel(world, where, where.parent === undefined ? "CHANNEL_UPDATE" : "THREAD_UPDATE");
}

type Inspection = Pick<Discord, "messages" | "message" | "ephemeral" | "typing" | "commands">;

function inspection(world: World, firstBot: Bot): Inspection {
  return {
    messages: (channel, given) => seeChannel(world, channel, given),
    message({ id }) {
      const message = world.places.get(id);
      return message === undefined ? undefined : seeMessage(world, message);
    },
    ephemeral: (channel, { id }) =>
      [...channel.messages.values()]
        .filter((message) => message.onlyFor === id && !message.deleted)
        .map((message) => seeMessage(world, message)),
    typing: (channel) => [...channel.typing],
    commands: (guild, bot = firstBot) => structuredClone(bot.commands.get(guild?.id ?? "") ?? []),
  };
}
