// Who may do what in a channel of the fake Discord.
import { refuse } from "./refusal.ts";
import { type Channel, isThread, type User } from "./world.ts";

/** docs.discord.com/developers/topics/permissions#permissions-bitwise-permission-flags */
export const bits = {
  ADMINISTRATOR: 1n << 3n,
  ADD_REACTIONS: 1n << 6n,
  VIEW_CHANNEL: 1n << 10n,
  SEND_MESSAGES: 1n << 11n,
  MANAGE_MESSAGES: 1n << 13n,
  EMBED_LINKS: 1n << 14n,
  ATTACH_FILES: 1n << 15n,
  READ_MESSAGE_HISTORY: 1n << 16n,
  MENTION_EVERYONE: 1n << 17n,
  USE_APPLICATION_COMMANDS: 1n << 31n,
  MANAGE_THREADS: 1n << 34n,
  CREATE_PUBLIC_THREADS: 1n << 35n,
  SEND_MESSAGES_IN_THREADS: 1n << 38n,
} as const;

export type Permission = keyof typeof bits;

/** What a new guild gives to everyone. */
export const usual: bigint = mask([
  "ADD_REACTIONS",
  "VIEW_CHANNEL",
  "SEND_MESSAGES",
  "EMBED_LINKS",
  "ATTACH_FILES",
  "READ_MESSAGE_HISTORY",
  "USE_APPLICATION_COMMANDS",
  "CREATE_PUBLIC_THREADS",
  "SEND_MESSAGES_IN_THREADS",
]);

export function mask(names: readonly Permission[]): bigint {
  return names.reduce((sum, name) => sum | bits[name], 0n);
}

/**
 * The permissions of a user in a channel, by docs.discord.com/developers/topics/permissions#permission-overwrites: the
 * guild's, then @everyone's overwrite, then the member's own. A thread has those of its channel.
 */
export function permissionsIn(channel: Channel, user: User): bigint {
  const { guild } = channel;
  if (guild === undefined) return usual;
  if (!guild.members.has(user.id)) return 0n;
  if (guild.owner === user.id || (guild.everyone & bits.ADMINISTRATOR) !== 0n)
    return mask(Object.keys(bits) as Permission[]);
  const place = channel.parent ?? channel;
  let all = guild.everyone;
  for (const id of [guild.id, user.id]) {
    const overwrite = place.overwrites.get(id);
    if (overwrite !== undefined) all = (all & ~overwrite.deny) | overwrite.allow;
  }
  // "Implicit permissions": without the view nothing else holds.
  return (all & bits.VIEW_CHANNEL) === 0n ? 0n : all;
}

export function may(channel: Channel, user: User, ...names: Permission[]): boolean {
  const wanted = mask(names);
  return (permissionsIn(channel, user) & wanted) === wanted;
}

/** 50001 without the view, 50013 without the rest. */
export function assertMay(channel: Channel, user: User, ...names: Permission[]): void {
  if (!may(channel, user, "VIEW_CHANNEL")) throw refuse("missingAccess");
  if (!may(channel, user, ...names)) throw refuse("missingPermissions");
}

/** Threads have a permission of their own for writing. */
export function writing(channel: Channel): Permission {
  return isThread(channel) ? "SEND_MESSAGES_IN_THREADS" : "SEND_MESSAGES";
}
