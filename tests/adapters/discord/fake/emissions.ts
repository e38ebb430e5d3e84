// Events of the fake Discord: what the gateway tells, to whom, and what the Message Content intent hides.
import { intents } from "./intents.ts";
import { viewChannel, viewDispatched, viewEmoji, viewMember, viewUser } from "./views.ts";
import type { Bot, Channel, Json, Message, User, World } from "./world.ts";

/**
 * Without the Message Content intent four fields come empty, save for direct messages, for messages that mention the
 * bot and for its own: docs.discord.com/developers/events/gateway#message-content-intent.
 */
export function veil(view: Json, { bot, wanted, message }: { bot: Bot; wanted: number; message: Message }): Json {
  const open =
    (wanted & intents.MESSAGE_CONTENT) !== 0 ||
    message.channel.guild === undefined ||
    message.author.id === bot.id ||
    message.mentions.includes(bot.id);
  const referenced = view.referenced_message as Json | null | undefined;
  const about = message.replyTo === undefined ? undefined : referenced;
  const inner =
    about === undefined || about === null
      ? {}
      : { referenced_message: (wanted & intents.MESSAGE_CONTENT) !== 0 ? about : veiledReference(about, message, bot) };
  const shown = { ...view, ...inner };
  return open ? shown : { ...shown, content: "", embeds: [], attachments: [], components: [] };
}

function veiledReference(view: Json, message: Message, bot: Bot): Json {
  const author = view.author as Json;
  const mentions = view.mentions as Json[];
  const open = message.channel.guild === undefined || author.id === bot.id || mentions.some(({ id }) => id === bot.id);
  return open ? view : { ...view, content: "", embeds: [], attachments: [], components: [] };
}

function messageIntent(channel: Channel): number {
  return channel.guild === undefined ? intents.DIRECT_MESSAGES : intents.GUILD_MESSAGES;
}

export function emitMessage(world: World, message: Message, event: "MESSAGE_CREATE" | "MESSAGE_UPDATE"): void {
  // What one person alone sees is not on the gateway; its application has the answer of the request.
  if (message.onlyFor !== undefined) return;
  world.emit({
    event,
    intents: messageIntent(message.channel),
    guild: message.channel.guild,
    channel: message.channel,
    data: (bot, wanted) => {
      const view = viewDispatched(world, message);
      // The nonce is echoed when the message is made: resources/message#create-message.
      if (event === "MESSAGE_UPDATE") delete view.nonce;
      return veil(view, { bot, wanted, message });
    },
  });
}

/** Discord resolves links after the message was sent, and then sends an update with little but the embeds. */
export function emitEmbeds(world: World, message: Message): void {
  const { channel } = message;
  world.emit({
    event: "MESSAGE_UPDATE",
    intents: messageIntent(channel),
    guild: channel.guild,
    channel,
    data: (bot, wanted) =>
      veil(
        { id: message.id, channel_id: channel.id, ...guildId(channel), embeds: structuredClone(message.embeds) },
        { bot, wanted, message },
      ),
  });
}

export function emitDeleted(world: World, channel: Channel, ids: string[]): void {
  const what = ids.length === 1 ? { id: ids[0] } : { ids };
  world.emit({
    event: ids.length === 1 ? "MESSAGE_DELETE" : "MESSAGE_DELETE_BULK",
    intents: messageIntent(channel),
    guild: channel.guild,
    channel,
    data: () => ({ ...what, channel_id: channel.id, ...guildId(channel) }),
  });
}

export function emitReaction(
  world: World,
  message: Message,
  { user, emoji, added }: { user: User; emoji: string; added: boolean },
): void {
  const { channel } = message;
  const { guild } = channel;
  const member = guild === undefined || !added ? {} : { member: { ...viewMember(guild, user), user: viewUser(user) } };
  world.emit({
    event: added ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE",
    intents: guild === undefined ? intents.DIRECT_MESSAGE_REACTIONS : intents.GUILD_MESSAGE_REACTIONS,
    guild,
    channel,
    data: () => ({
      user_id: user.id,
      channel_id: channel.id,
      message_id: message.id,
      ...guildId(channel),
      ...member,
      ...(added ? { message_author_id: message.author.id } : {}),
      emoji: viewEmoji(emoji),
      burst: false,
      type: 0,
    }),
  });
}

export function emitTyping(world: World, channel: Channel, user: User): void {
  const { guild } = channel;
  const member = guild === undefined ? {} : { member: { ...viewMember(guild, user), user: viewUser(user) } };
  world.emit({
    event: "TYPING_START",
    intents: guild === undefined ? intents.DIRECT_MESSAGE_TYPING : intents.GUILD_MESSAGE_TYPING,
    guild,
    channel,
    data: () => ({
      channel_id: channel.id,
      user_id: user.id,
      timestamp: Math.floor(world.clock.now() / 1000),
      ...guildId(channel),
      ...member,
    }),
  });
}

export type ChannelEvent =
  | "CHANNEL_CREATE"
  | "CHANNEL_UPDATE"
  | "CHANNEL_DELETE"
  | "THREAD_CREATE"
  | "THREAD_UPDATE"
  | "THREAD_DELETE";

export function emitChannel(world: World, channel: Channel, event: ChannelEvent): void {
  world.emit({
    event,
    intents: intents.GUILDS,
    guild: channel.guild,
    channel,
    data: () => {
      if (event === "THREAD_DELETE") {
        return { id: channel.id, ...guildId(channel), parent_id: channel.parent?.id, type: channel.kind };
      }
      return { ...viewChannel(channel), ...(event === "THREAD_CREATE" ? { newly_created: true } : {}) };
    },
  });
}

function guildId(channel: Channel): Json {
  return channel.guild === undefined ? {} : { guild_id: channel.guild.id };
}
