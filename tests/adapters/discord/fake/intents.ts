// Gateway intents: which events a session asked for, and which need a grant.
import type { Bot, Privileged } from "./world.ts";

/** docs.discord.com/developers/events/gateway#list-of-intents */
export const intents = {
  GUILDS: 1 << 0,
  GUILD_MEMBERS: 1 << 1,
  GUILD_PRESENCES: 1 << 8,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
} as const;

const known = [...Array.from({ length: 17 }, (_, bit) => bit), 20, 21, 24, 25].reduce(
  (sum, bit) => sum | (1 << bit),
  0,
);

export function areKnown(wanted: number): boolean {
  return Number.isInteger(wanted) && wanted >= 0 && wanted < 2 ** 31 && (wanted & ~known) === 0;
}

/** The privileged ones of these that the bot was not granted. */
export function ungranted(bot: Bot, wanted: number): Privileged[] {
  const privileged: Privileged[] = ["GUILD_MEMBERS", "GUILD_PRESENCES", "MESSAGE_CONTENT"];
  return privileged.filter((name) => (wanted & intents[name]) !== 0 && !bot.granted.has(name));
}

/**
 * The application's public flags. An app that is not verified has the "limited" ones:
 * docs.discord.com/developers/resources/application#application-object-application-flags.
 */
export function flagsOf(bot: Bot): number {
  const bit: Record<Privileged, number> = { GUILD_PRESENCES: 13, GUILD_MEMBERS: 15, MESSAGE_CONTENT: 19 };
  return [...bot.granted].reduce((sum, name) => sum | (1 << bit[name]), 0);
}
