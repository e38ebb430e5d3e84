// Routes of the fake REST API about users, guilds, channels and threads.
import { emitChannel, emitMessage } from "./emissions.ts";
import { flags, required, text } from "./forms.ts";
import { flagsOf } from "./intents.ts";
import { assertMay, may } from "./permissions.ts";
import { put } from "./posting.ts";
import { invalidForm, refuse } from "./refusal.ts";
import { bodyObject, type Call, channelOf, guildOf, messageOf, plain, type Run, snowflake, userOf } from "./route.ts";
import { viewChannel, viewGuild, viewMember, viewUser } from "./views.ts";
import {
  type Bot,
  type Channel,
  channelKinds,
  type Guild,
  isThread,
  type Json,
  type Message,
  newId,
  type User,
  type World,
} from "./world.ts";

export function newChannel(world: World, given: Partial<Channel> & { kind: number; name: string }): Channel {
  const channel: Channel = {
    id: newId(world),
    guild: undefined,
    parent: undefined,
    owner: undefined,
    archived: false,
    locked: false,
    deleted: false,
    recipients: undefined,
    overwrites: new Map(),
    messages: new Map(),
    typing: [],
    createdAt: world.clock.now(),
    ...given,
  };
  world.channels.set(channel.id, channel);
  return channel;
}

/** The one direct channel of a bot and a person. */
export function directChannel(world: World, bot: Bot, user: User): Channel {
  const known = [...world.channels.values()].find(
    ({ recipients }) => recipients?.includes(bot) === true && recipients.includes(user),
  );
  return known ?? newChannel(world, { kind: channelKinds.direct, name: "", recipients: [bot, user] });
}

/** A thread; one that is made from a message has the message's id: topics/threads#public--private-threads. */
export function newThread(
  world: World,
  { channel, name, by, from }: { channel: Channel; name: string; by: User; from?: Message },
): Channel {
  const thread = newChannel(world, {
    kind: channelKinds.publicThread,
    name,
    guild: channel.guild,
    parent: channel,
    owner: by.id,
    ...(from === undefined ? {} : { id: from.id }),
  });
  emitChannel(world, thread, "THREAD_CREATE");
  if (from === undefined) {
    put(world, channel, { author: by, kind: 18, text: name, replyTo: { id: thread.id, channel: thread.id } });
    return thread;
  }
  from.thread = thread;
  from.flags |= flags.hasThread;
  // The starter stands in the thread as a reference; its id is a new one.
  put(world, thread, { author: by, kind: 21, replyTo: { id: from.id, channel: channel.id } });
  emitMessage(world, from, "MESSAGE_UPDATE");
  return thread;
}

const me: Run = ({ bot }) => ({
  body: { ...viewUser(bot), verified: true, mfa_enabled: false, email: null, flags: 0, locale: "en-US" },
});

function viewApplication(bot: Bot): Json {
  return {
    id: bot.id,
    name: bot.name,
    icon: null,
    description: "",
    bot_public: true,
    bot_require_code_grant: false,
    verify_key: "0".repeat(64),
    flags: flagsOf(bot),
    bot: viewUser(bot),
    owner: { id: "1", username: "owner", discriminator: "0", global_name: null, avatar: null },
    team: null,
  };
}

const openDirect: Run = (call) => {
  const { recipient_id: id } = bodyObject(call);
  if (id === undefined || id === null) required("recipient_id");
  if (!/^\d{1,20}$/.test(plain(id)))
    throw invalidForm("recipient_id", {
      code: "NUMBER_TYPE_COERCE",
      message: `Value "${plain(id)}" is not snowflake.`,
    });
  const user = userOf(call.world, plain(id));
  // Bots cannot write to bots, themselves included.
  if (user.bot) throw refuse("closedDirect");
  return { body: viewChannel(directChannel(call.world, call.bot, user)) };
};

const startFromMessage: Run = (call) => {
  const channel = channelOf(call);
  if (channel.guild === undefined || isThread(channel)) throw refuse("wrongChannelKind");
  const message = messageOf(call, channel);
  const name = threadName(bodyObject(call));
  assertMay(channel, call.bot, "CREATE_PUBLIC_THREADS", "READ_MESSAGE_HISTORY");
  if (message.thread !== undefined) throw refuse("threadExists");
  const thread = newThread(call.world, { channel, name, by: call.bot, from: message });
  return { status: 201, body: viewChannel(thread) };
};

const startAlone: Run = (call) => {
  const channel = channelOf(call);
  if (channel.guild === undefined || isThread(channel)) throw refuse("wrongChannelKind");
  const body = bodyObject(call);
  const name = threadName(body);
  assertMay(channel, call.bot, "CREATE_PUBLIC_THREADS");
  // A private thread is the documented default; the fake has public ones only, and says so.
  if (body.type !== channelKinds.publicThread)
    throw invalidForm("type", { code: "BASE_TYPE_CHOICES", message: "Value must be one of (11,)." });
  const thread = newThread(call.world, { channel, name, by: call.bot });
  return { status: 201, body: viewChannel(thread) };
};

function threadName(body: Json): string {
  const durations = [60, 1440, 4320, 10_080];
  if (body.auto_archive_duration !== undefined && !durations.includes(Number(body.auto_archive_duration)))
    throw invalidForm("auto_archive_duration", {
      code: "BASE_TYPE_CHOICES",
      message: "Value must be one of (60, 1440, 4320, 10080).",
    });
  return text(body.name, "name", { max: 100 });
}

function channelsIn(world: World, guild: Guild, { threads }: { threads: boolean }): Channel[] {
  return [...world.channels.values()].filter(
    (channel) => channel.guild === guild && !channel.deleted && isThread(channel) === threads,
  );
}

const search: Run = (call) => {
  const guild = guildOf(call);
  const query = call.query.get("query") ?? "";
  const limit = Number(call.query.get("limit") ?? 1);
  if (query === "") required("query");
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw invalidForm("limit", { code: "NUMBER_TYPE_MAX", message: "int value should be less than or equal to 1000." });
  // Names and nicknames that begin with it: resources/guild#search-guild-members.
  const begins = (word: string | undefined) => word?.toLowerCase().startsWith(query.toLowerCase()) ?? false;
  const found = [...guild.members].flatMap(([id, { nick }]) => {
    const user = call.world.users.get(id);
    return user !== undefined && (begins(user.name) || begins(nick) || begins(user.displayName)) ? [user] : [];
  });
  return { body: found.slice(0, limit).map((user) => ({ ...viewMember(guild, user), user: viewUser(user) })) };
};

/** A guild in full, as GUILD_CREATE has it: channels and threads that the bot can see, members as far as allowed. */
export function viewGuildFor(
  { world, bot }: Pick<Call, "world" | "bot">,
  guild: Guild,
  { allMembers }: { allMembers: boolean },
): Json {
  const seen = (channel: Channel) => may(channel, bot, "VIEW_CHANNEL");
  const shown = (channel: Channel) => {
    const { guild_id: _, ...view } = viewChannel(channel);
    return view;
  };
  const members = [...guild.members.keys()].flatMap((id) => {
    const user = world.users.get(id);
    return user !== undefined && (allMembers || id === bot.id)
      ? [{ ...viewMember(guild, user), user: viewUser(user) }]
      : [];
  });
  return {
    ...viewGuild(guild),
    joined_at: viewMember(guild, bot).joined_at,
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    members,
    channels: channelsIn(world, guild, { threads: false }).filter(seen).map(shown),
    threads: channelsIn(world, guild, { threads: true })
      .filter((thread) => seen(thread) && !thread.archived)
      .map(shown),
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

export const channelRoutes: Record<string, Run> = {
  "GET /users/@me": me,
  // docs.discord.com/developers/resources/user#get-current-user-guilds
  "GET /users/@me/guilds": ({ world, bot }) => ({
    body: [...world.guilds.values()]
      .filter((guild) => guild.members.has(bot.id))
      .map(({ id, name, owner, everyone }) => ({
        id,
        name,
        icon: null,
        banner: null,
        owner: owner === bot.id,
        permissions: String(everyone),
        features: [],
      })),
  }),
  "GET /users/:id": (call) => ({ body: viewUser(userOf(call.world, snowflake(call, { index: 0, name: "user_id" }))) }),
  "POST /users/@me/channels": openDirect,
  "GET /applications/@me": ({ bot }) => ({ body: viewApplication(bot) }),
  "GET /oauth2/applications/@me": ({ bot }) => ({ body: viewApplication(bot) }),
  "GET /channels/:id": (call) => ({ body: viewChannel(channelOf(call)) }),
  "POST /channels/:id/messages/:id/threads": startFromMessage,
  "POST /channels/:id/threads": startAlone,
  "GET /guilds/:id": (call) => ({ body: viewGuild(guildOf(call)) }),
  "GET /guilds/:id/channels": (call) => {
    const guild = guildOf(call);
    const channels = channelsIn(call.world, guild, { threads: false });
    return { body: channels.map((channel) => viewChannel(channel)) };
  },
  "GET /guilds/:id/members/search": search,
  "GET /guilds/:id/members/:id": (call) => {
    const guild = guildOf(call);
    const user = userOf(call.world, snowflake(call, { index: 1, name: "user_id" }));
    if (!guild.members.has(user.id)) throw refuse("unknownMember");
    return { body: { ...viewMember(guild, user), user: viewUser(user) } };
  },
};
