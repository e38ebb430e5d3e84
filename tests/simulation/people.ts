// Who is there in a run on Telegram, and where: an owner, two members, two strangers, and their chats.
import type { Person } from "../adapters/telegram/fake/people.ts";
import { createPlatform, type Platform } from "../adapters/telegram/fake/platform.ts";
import type { Bot, Chat, Message } from "../adapters/telegram/fake/world.ts";
import type { Chance } from "./chance.ts";
import type { Common, Sent } from "./world.ts";

/** An update of the platform, and when the program confirmed it, so that the platform forgot it. */
interface Update {
  queued: Bot["queue"][number] | undefined;
  confirmedAt?: number;
}

export type TelegramWorld = ReturnType<typeof createTelegramWorld>;

/** A platform with its people, in which nothing has happened so far. */
export function createTelegramWorld(common: Common, chance: Chance) {
  const { time, traits } = common;
  const platformChance = chance.fork();
  const platform: Platform = createPlatform({ now: time.true, random: platformChance.next, rates: traits.rates });
  const bot: Bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const people = createPeople(platform, bot, traits.small ? "group" : "supergroup");
  return {
    ...common,
    platform,
    bot,
    /** What became of the update of each thing that was sent. */
    updates: new Map<Sent, Update>(),
    /** What a delivery became over there, by its nonce. */
    arrived: new Map<string, Message>(),
    ...people,
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
    /** The group, by the id that it has now. */
    group: (): Chat => group,
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
