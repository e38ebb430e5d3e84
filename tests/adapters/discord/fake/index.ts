// The fake Discord: all that tests need of it, by one name each.

/**
 * `createDiscord()` makes a platform in memory with one bot. Guilds, channels and people are made by its methods; people
 * act (`discord.user("ann").say(channel, "hi")`), bots hear of it by the gateway and answer by REST, and tests look at
 * what people see (`discord.messages(channel)`). `startDiscordServer(discord)` puts it on loopback: REST at `api`, the
 * gateway at the address that REST names, attachments at their own. `discord.faults.add(…)` breaks what can break.
 *
 * Rules follow docs.discord.com/developers; where that is silent, the comment at the place says what was chosen.
 */
export { createDiscord, type Discord, type DiscordOptions } from "./discord.ts";
export type { DispatchFault, FaultRule, Faults, RequestFault, SocketFault } from "./faults.ts";
export type { Gateway, SessionView } from "./gateway.ts";
export type { Permission } from "./permissions.ts";
export type { Person, PersonFile, SayOptions } from "./person.ts";
export { closes, type GatewayOptions, type Line, type Wire } from "./protocol.ts";
export { type DiscordServer, startDiscordServer } from "./server.ts";
export type { InteractionView, MessageView } from "./sight.ts";
export { type Bot, type Channel, channelKinds, type Guild, type Json, newId, shardOf, timeOf } from "./world.ts";
