// Answers "request guild members" of the fake gateway: docs.discord.com/developers/events/gateway-events#request-guild-members.
import { viewMember, viewUser } from "./views.ts";
import type { Bot, Json, World } from "./world.ts";

/** Members by id or by the beginning of their names, 100 at most. Undefined when the bot is not in the guild. */
export function memberChunk(world: World, bot: Bot, d: Json): Json | undefined {
  const guild = world.guilds.get(String(d.guild_id));
  if (guild === undefined || !guild.members.has(bot.id)) return undefined;
  const ids = [d.user_ids ?? []].flat().map(String);
  const query = typeof d.query === "string" ? d.query.toLowerCase() : undefined;
  const limit = Math.min(100, Number(d.limit ?? 100) || 100);
  const found = [...guild.members.keys()]
    .flatMap((id) => world.users.get(id) ?? [])
    .filter((user) => ids.includes(user.id) || (query !== undefined && user.name.toLowerCase().startsWith(query)))
    .slice(0, limit);
  return {
    guild_id: guild.id,
    members: found.map((user) => ({ ...viewMember(guild, user), user: viewUser(user) })),
    chunk_index: 0,
    chunk_count: 1,
    not_found: ids.filter((id) => !guild.members.has(id)),
    ...(d.nonce === undefined ? {} : { nonce: d.nonce }),
  };
}
