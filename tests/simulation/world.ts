// What outlives every crash of the program: the platform, its people, the disk, the commands that run, and the record.

import type { Receipt } from "../../src/core/message.ts";
import type { Person } from "../adapters/telegram/fake/people.ts";
import { createPlatform, type Platform } from "../adapters/telegram/fake/platform.ts";
import type { Bot, Chat, Message } from "../adapters/telegram/fake/world.ts";
import type { Chance } from "./chance.ts";
import type { Engine } from "./database.ts";
import type { Time } from "./time.ts";
import type { Outage } from "./wire.ts";

export const adapterName = "tg";

/** What is decided once for a whole run. */
export interface Traits {
  /** What becomes of strangers' messages. */
  unknownSender: "strict" | "request_approval" | "public";
  /** Nothing isolates commands, so that members' calls need somebody's word. */
  open: boolean;
  latencyMs: number;
  rates: boolean;
  /** What was sent can be looked for, instead of markers. */
  finds: boolean;
  /** The group is none of the large ones so far. */
  small: boolean;
}

/** One thing that a person sent, as far as the checks need it. */
export interface Sent {
  /** Where and by what number the platform knows it. */
  chat: number;
  id: number;
  sender: number;
  /** The number that the message's text has. */
  number: number;
  /** It is for the agent by its place or by its words. */
  addressed: boolean;
  /** It is a chat command. */
  command: boolean;
  /** Unix milliseconds of the platform. */
  at: number;
  /** Its update on the platform; none when the bot is not told. */
  queued: Bot["queue"][number] | undefined;
  /** When the program confirmed that update, so that the platform forgot it. */
  confirmedAt?: number;
}

/** What the program said became of something that came in. */
export interface Received {
  kind: string;
  conversation: string;
  id: string;
  receipt: Receipt;
}

/** A command of a turn, as the machine knows it. */
export interface Process {
  turn: number;
  alive: boolean;
  starts: number;
}

/** Something that must never happen did. `rule` is the invariant's name. */
export interface Violation {
  rule: string;
  text: string;
}

/** How searches fail; probabilities. `never`: it will never be known. */
export interface Search {
  later: number;
  never: number;
}

export const noTrouble: Search = { later: 0, never: 0 };

export type World = ReturnType<typeof createWorld>;

/** A world in which nothing has happened so far. */
export function createWorld({
  time,
  chance,
  engine,
  traits,
}: {
  time: Time;
  chance: Chance;
  engine: Engine;
  traits: Traits;
}) {
  const lines: string[] = [];
  const violations: Violation[] = [];
  const platformChance = chance.fork();
  const platform: Platform = createPlatform({ now: time.true, random: platformChance.next, rates: traits.rates });
  const bot: Bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const people = createPeople(platform, bot, traits.small ? "group" : "supergroup");
  const processes = new Map<string, Process>();
  /** Turns that are being killed, until all of theirs is dead. */
  const halting = new Set<number>();
  const files = new Map<string, Uint8Array>();
  let outage: Outage | undefined;
  let full = false;
  let search: Search = noTrouble;
  let numbers = 0;
  return {
    time,
    engine,
    platform,
    bot,
    traits,
    processes,
    halting,
    files,
    lines,
    violations,
    sent: [] as Sent[],
    received: [] as Received[],
    /** What a delivery became over there, by its nonce. */
    arrived: new Map<string, Message>(),
    /** Numbers of messages that were edited. */
    edited: new Set<number>(),
    /** Texts that a harness was given, by who wrote them. */
    taken: [] as { turn: number; sender: string; text: string }[],
    counts: { actions: 0, kills: 0, inside: 0, lives: 0, faults: 0, turns: 0, calls: 0 },
    ...people,
    get group(): Chat {
      return people.groupNow();
    },
    note(line: string): void {
      lines.push(`${(time.passed() / 1000).toFixed(3)} ${line}`);
    },
    violate(rule: string, text: string): void {
      violations.push({ rule, text });
      lines.push(`${(time.passed() / 1000).toFixed(3)} VIOLATION ${rule}: ${text}`);
    },
    /** The next number for a message's text. */
    number: (): number => {
      numbers += 1;
      return numbers;
    },
    outage: (): Outage | undefined => outage,
    setOutage(now: Outage | undefined): void {
      outage = now;
    },
    search: (): Search => search,
    setSearch(now: Search): void {
      search = now;
    },
    full: (): boolean => full,
    setFull(now: boolean): void {
      full = now;
    },
  };
}

/** Who is there: an owner, two members, two strangers; a private chat each, a group and a forum with two topics. */
function createPeople(platform: Platform, bot: Bot, kind: "group" | "supergroup") {
  const person = (firstName: string): Person => platform.newPerson({ firstName });
  const owner = person("Ann");
  const members = [person("Ben"), person("Cat")];
  const strangers = [person("Sid"), person("Tom")];
  const known = [owner, ...members];
  const everybody = [...known, ...strangers];
  const ids = [...known, strangers[0] ?? owner, bot].map(({ id }) => ({ id }));
  let group = platform.newGroup({ title: "Team", kind, members: ids });
  const groups = [group];
  const forum = platform.newGroup({ title: "Forum", kind: "forum", members: ids });
  const topics = ["One", "Two"].map((name) => platform.newTopic(forum, owner, name));
  const privates = new Map<number, Chat>(everybody.map((one) => [one.id, platform.privateChat(bot, one)]));
  return {
    owner,
    known,
    strangers,
    groupNow: () => group,
    /** The group becomes a supergroup, and has another id from then on. */
    grow(): void {
      if (group.kind !== "group") return;
      group = platform.migrate(group);
      groups.push(group);
    },
    /** The id that a chat has now. */
    now: (chat: number): number => groups.find(({ id }) => id === chat)?.migratedTo ?? chat,
    forum,
    topics,
    privateOf(one: Person): Chat {
      const chat = privates.get(one.id);
      if (chat === undefined) throw new Error("Everybody has a private chat");
      return chat;
    },
    chats: (): Chat[] => [...privates.values(), ...groups, forum],
  };
}
