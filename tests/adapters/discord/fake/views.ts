// The fake Discord's objects as JSON, the way REST and gateway show them.
import { permissionsIn } from "./permissions.ts";
import {
  type Channel,
  channelKinds,
  type Guild,
  type Interaction,
  isThread,
  type Json,
  type Message,
  type StoredFile,
  stamp,
  type User,
  type World,
} from "./world.ts";

export function viewUser(user: User): Json {
  return {
    id: user.id,
    username: user.name,
    discriminator: user.bot ? "0001" : "0",
    global_name: user.bot ? null : user.displayName,
    avatar: null,
    public_flags: 0,
    ...(user.bot ? { bot: true } : {}),
  };
}

export function viewMember(guild: Guild, user: User): Json {
  const member = guild.members.get(user.id);
  return {
    nick: member?.nick ?? null,
    avatar: null,
    roles: [],
    joined_at: stamp(member?.joinedAt ?? 0),
    deaf: false,
    mute: false,
    flags: 0,
    pending: false,
    premium_since: null,
    communication_disabled_until: null,
  };
}

export function viewChannel(channel: Channel): Json {
  const last = [...channel.messages.keys()].at(-1) ?? null;
  if (channel.kind === channelKinds.direct) {
    const other = channel.recipients?.filter(({ bot }) => !bot) ?? [];
    return { id: channel.id, type: channel.kind, flags: 0, last_message_id: last, recipients: other.map(viewUser) };
  }
  const shared = { id: channel.id, type: channel.kind, name: channel.name, guild_id: channel.guild?.id, flags: 0 };
  if (isThread(channel)) {
    return {
      ...shared,
      parent_id: channel.parent?.id,
      owner_id: channel.owner,
      last_message_id: last,
      message_count: channel.messages.size,
      total_message_sent: channel.messages.size,
      member_count: 1,
      rate_limit_per_user: 0,
      thread_metadata: {
        archived: channel.archived,
        auto_archive_duration: 4320,
        archive_timestamp: stamp(channel.createdAt),
        locked: channel.locked,
        create_timestamp: stamp(channel.createdAt),
      },
    };
  }
  return {
    ...shared,
    position: 0,
    parent_id: null,
    topic: null,
    nsfw: false,
    rate_limit_per_user: 0,
    last_message_id: last,
    permission_overwrites: [...channel.overwrites].map(([id, { allow, deny }]) => ({
      id,
      type: id === channel.guild?.id ? 0 : 1,
      allow: String(allow),
      deny: String(deny),
    })),
  };
}

export function viewGuild(guild: Guild): Json {
  return {
    id: guild.id,
    name: guild.name,
    owner_id: guild.owner,
    icon: null,
    description: null,
    region: "deprecated",
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    premium_tier: 0,
    preferred_locale: "en-US",
    features: [],
    emojis: [],
    stickers: [],
    system_channel_id: null,
    roles: [
      {
        id: guild.id,
        name: "@everyone",
        permissions: String(guild.everyone),
        position: 0,
        color: 0,
        hoist: false,
        managed: false,
        mentionable: false,
        flags: 0,
      },
    ],
  };
}

/** An attachment's address is signed and ends: docs.discord.com/developers/reference#signed-attachment-cdn-urls. */
export function viewFile(world: World, file: StoredFile): Json {
  const until = Math.floor((world.clock.now() + world.limits.linkMs) / 1000).toString(16);
  const path = `attachments/${file.channel}/${file.id}/${encodeURIComponent(file.name)}`;
  const signed = `${path}?ex=${until}&is=${until}&hm=${signature(path, until)}&`;
  return {
    id: file.id,
    filename: file.name,
    size: file.bytes.length,
    url: `${world.cdnUrl}/${signed}`,
    proxy_url: `${world.cdnUrl}/${signed}`,
    ...(file.type === undefined ? {} : { content_type: file.type }),
    ...(file.description === undefined ? {} : { description: file.description }),
  };
}

/** What stands for the signature of an address. */
export function signature(path: string, until: string): string {
  let sum = 7;
  for (const char of `${path} ${until}`) sum = (Math.imul(sum, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum.toString(16).padStart(8, "0").repeat(8);
}

/** A message as REST gives it: without guild and member. `depth` 1 shows the message that it answers. */
export function viewMessage(world: World, message: Message, { depth = 1 } = {}): Json {
  const mentioned = message.mentions.flatMap((id) => world.users.get(id) ?? []);
  const { replyTo } = message;
  const referenced = replyTo === undefined ? undefined : world.places.get(replyTo.id);
  return {
    id: message.id,
    channel_id: message.channel.id,
    type: message.kind,
    author: viewUser(message.author),
    content: message.text,
    timestamp: stamp(message.at),
    edited_timestamp: message.editedAt === undefined ? null : stamp(message.editedAt),
    tts: message.tts,
    mention_everyone: message.mentionsEveryone,
    mentions: mentioned.map(viewUser),
    mention_roles: [],
    attachments: message.files.map((file) => viewFile(world, file)),
    embeds: (message.flags & 4) === 0 ? structuredClone(message.embeds) : [],
    components: structuredClone(message.components),
    pinned: false,
    flags: message.flags,
    ...reactionsOf(message),
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
    ...(message.thread === undefined ? {} : { thread: viewChannel(message.thread) }),
    ...(message.author.bot && message.interaction === undefined ? {} : interactionOf(message.interaction)),
    ...(replyTo === undefined
      ? {}
      : {
          message_reference: {
            type: 0,
            message_id: replyTo.id,
            channel_id: replyTo.channel,
            ...(message.channel.guild === undefined ? {} : { guild_id: message.channel.guild.id }),
          },
        }),
    // Null when what it answers was deleted: resources/message#message-object.
    ...(replyTo === undefined || depth === 0
      ? {}
      : {
          referenced_message:
            referenced === undefined || referenced.deleted ? null : viewMessage(world, referenced, { depth: 0 }),
        }),
  };
}

function reactionsOf(message: Message): Json {
  if (message.reactions.size === 0) return {};
  const reactions = [...message.reactions].map(([name, users]) => ({
    emoji: viewEmoji(name),
    count: users.size,
    count_details: { burst: 0, normal: users.size },
    me: users.has(message.author.id),
    me_burst: false,
    burst_colors: [],
  }));
  return { reactions };
}

function interactionOf(interaction: Interaction | undefined): Json {
  if (interaction === undefined) return {};
  const metadata = { id: interaction.id, type: interaction.kind, user: viewUser(interaction.user) };
  return { application_id: interaction.bot.id, webhook_id: interaction.bot.id, interaction_metadata: metadata };
}

export function viewEmoji(emoji: string): Json {
  const own = /^(\w+):(\d+)$/.exec(emoji);
  return own === null ? { id: null, name: emoji } : { id: own[2], name: own[1] };
}

/** A message as the gateway gives it: with guild, member, members of those mentioned, and the kind of channel. */
export function viewDispatched(world: World, message: Message): Json {
  const { guild } = message.channel;
  const view = { ...viewMessage(world, message), channel_type: message.channel.kind };
  if (guild === undefined) return view;
  const mentions = message.mentions
    .flatMap((id) => world.users.get(id) ?? [])
    .map((user) => ({ ...viewUser(user), member: viewMember(guild, user) }));
  return { ...view, guild_id: guild.id, member: viewMember(guild, message.author), mentions };
}

export function viewInteraction(world: World, interaction: Interaction): Json {
  const { channel, user, bot } = interaction;
  const { guild } = channel;
  const person =
    guild === undefined
      ? { user: viewUser(user) }
      : {
          guild_id: guild.id,
          guild: { id: guild.id, locale: "en-US", features: [] },
          guild_locale: "en-US",
          member: {
            ...viewMember(guild, user),
            user: viewUser(user),
            permissions: String(permissionsIn(channel, user)),
          },
        };
  return {
    id: interaction.id,
    application_id: bot.id,
    type: interaction.kind,
    token: interaction.token,
    version: 1,
    locale: "en-US",
    channel_id: channel.id,
    channel: viewChannel(channel),
    app_permissions: String(permissionsIn(channel, bot)),
    entitlements: [],
    authorizing_integration_owners: { 0: guild?.id ?? "0" },
    context: guild === undefined ? 1 : 0,
    attachment_size_limit: world.limits.fileBytesMax,
    data: interaction.data,
    ...person,
    ...(interaction.message === undefined ? {} : { message: viewMessage(world, interaction.message) }),
  };
}
