// What the fake Slack holds, as JSON of the Web API and of events: users, conversations, messages, files.
import type { App, Channel, Json, Message, StoredFile, User, World } from "./world.ts";
import { repliesOf } from "./world.ts";

/** docs.slack.dev/reference/objects/user-object */
export function renderUser(world: World, user: User): Json {
  return {
    id: user.id,
    team_id: world.team.id,
    name: user.name,
    deleted: user.deleted,
    real_name: user.realName,
    tz: "Etc/UTC",
    tz_offset: 0,
    profile: {
      real_name: user.realName,
      display_name: user.isBot ? "" : user.name,
      ...(user.isBot ? { bot_id: user.botId, api_app_id: user.appId } : {}),
    },
    is_bot: user.isBot,
    is_app_user: false,
    is_admin: false,
    is_owner: false,
    is_restricted: false,
    is_ultra_restricted: false,
    updated: 0,
  };
}

/** docs.slack.dev/reference/objects/conversation-object */
export function renderChannel(world: World, channel: Channel, app: App): Json {
  const created = Math.floor(channel.createdAt / 1000);
  const shared = {
    id: channel.id,
    created,
    is_archived: channel.archived,
    is_im: channel.kind === "im",
    is_mpim: channel.kind === "mpim",
    is_org_shared: false,
    context_team_id: world.team.id,
    updated: created * 1000,
  };
  if (channel.kind === "im") {
    const user = [...channel.members].find((one) => one !== app.user.id) ?? "";
    return { ...shared, user, is_open: true, latest: undefined };
  }
  return {
    ...shared,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: channel.kind === "public",
    is_group: channel.kind === "private",
    is_private: channel.kind !== "public",
    is_general: false,
    is_member: channel.members.has(app.user.id),
    creator: channel.creator,
    topic: { value: channel.topic, creator: "", last_set: 0 },
    purpose: { value: channel.purpose, creator: "", last_set: 0 },
    num_members: channel.members.size,
  };
}

/** A message as history and events show it; `metadata` only when it was asked for. */
export function renderMessage(world: World, message: Message, { metadata = false } = {}): Json {
  const { channel } = message;
  if (message.tombstone) {
    return {
      type: "message",
      subtype: "tombstone",
      text: "This message was deleted.",
      user: "USLACKBOT",
      hidden: true,
      ts: message.ts,
      ...threadFields(message),
    };
  }
  const app = message.appId === undefined ? undefined : world.apps.get(message.appId);
  const files = message.files.flatMap((id) => world.files.get(id) ?? []);
  return {
    type: "message",
    ...subtypeOf(message),
    ...(message.subtype === "bot_message" ? { username: message.username } : { user: message.user }),
    ...(message.botId === undefined ? {} : { bot_id: message.botId, app_id: message.appId }),
    ...(app === undefined ? {} : { bot_profile: renderBot(world, app) }),
    ts: message.ts,
    text: message.text,
    team: world.team.id,
    ...(message.blocks === undefined ? {} : { blocks: message.blocks }),
    ...(message.attachments === undefined ? {} : { attachments: message.attachments }),
    ...(files.length === 0
      ? {}
      : { files: files.map((file) => renderFile(world, file)), upload: message.botId === undefined }),
    ...(message.edited === undefined ? {} : { edited: message.edited }),
    ...(metadata && message.metadata !== undefined ? { metadata: message.metadata } : {}),
    ...(message.streaming ? { streaming_state: "in_progress" } : {}),
    ...threadFields(message),
    ...reactionFields(message),
    ...(message.broadcast && message.threadTs !== undefined ? { root: rootOf(world, channel, message.threadTs) } : {}),
  };
}

/** A broadcast has a subtype of its own, in history too; docs.slack.dev/reference/events/message/thread_broadcast. */
function subtypeOf({ subtype, broadcast }: Message): Json {
  const shown = subtype ?? (broadcast ? "thread_broadcast" : undefined);
  return shown === undefined ? {} : { subtype: shown };
}

function rootOf(world: World, channel: Channel, ts: string): Json | undefined {
  const root = channel.messages.get(ts);
  return root === undefined ? undefined : renderMessage(world, root);
}

/** `thread_ts` on replies and on parents of replies; docs.slack.dev/messaging/retrieving-messages#pulling_threads */
function threadFields(message: Message): Json {
  const { channel, ts, threadTs } = message;
  if (threadTs !== undefined && threadTs !== ts) {
    return { thread_ts: threadTs, parent_user_id: channel.messages.get(threadTs)?.user };
  }
  const replies = repliesOf(channel, ts);
  if (replies.length === 0) return threadTs === undefined ? {} : { thread_ts: threadTs };
  const users = [...new Set(replies.map(({ user }) => user))];
  return {
    thread_ts: ts,
    reply_count: replies.length,
    reply_users_count: users.length,
    reply_users: users,
    latest_reply: replies.at(-1)?.ts,
    is_locked: false,
    subscribed: false,
  };
}

function reactionFields({ reactions }: Message): Json {
  const shown = renderReactions(reactions);
  return shown.length === 0 ? {} : { reactions: shown };
}

export function renderReactions(reactions: Message["reactions"]): Json[] {
  return [...reactions].map(([name, users]) => ({ name, users: [...users], count: users.length }));
}

/** docs.slack.dev/reference/methods/bots.info */
export function renderBot(world: World, app: App): Json {
  return {
    id: app.botId,
    deleted: false,
    name: app.name,
    updated: 0,
    app_id: app.id,
    user_id: app.user.id,
    icons: {},
    team_id: world.team.id,
  };
}

/** docs.slack.dev/reference/objects/file-object; `url_private` needs the token in a header. */
export function renderFile(world: World, file: StoredFile): Json {
  if (file.deleted) return { id: file.id, mode: "tombstone" };
  const place = `${world.origin}/files-pri/${world.team.id}-${file.id}`;
  const name = encodeURIComponent(file.name.toLowerCase().replaceAll(/[^\w.-]+/g, "_"));
  const kinds = { public: "channels", private: "groups", im: "ims", mpim: "groups" } as const;
  const where: Record<string, string[]> = { channels: [], groups: [], ims: [] };
  const shares: Record<string, Record<string, Json[]>> = {};
  for (const share of file.shares) {
    const channel = world.channels.get(share.channel);
    if (channel === undefined) continue;
    where[kinds[channel.kind]]?.push(channel.id);
    const side = channel.kind === "public" ? "public" : "private";
    const one = { ts: share.ts, ...(share.threadTs === undefined ? {} : { thread_ts: share.threadTs }) };
    const rows = { ...shares[side] };
    rows[channel.id] = [...(rows[channel.id] ?? []), one];
    shares[side] = rows;
  }
  return {
    id: file.id,
    created: Math.floor(file.createdAt / 1000),
    timestamp: Math.floor(file.createdAt / 1000),
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: file.filetype,
    pretty_type: file.filetype.toUpperCase(),
    user: file.user,
    user_team: world.team.id,
    size: file.size,
    mode: file.snippetType === undefined ? "hosted" : "snippet",
    editable: file.snippetType !== undefined,
    is_external: false,
    external_type: "",
    is_public: (where.channels?.length ?? 0) > 0,
    public_url_shared: false,
    url_private: `${place}/${name}`,
    url_private_download: `${place}/download/${name}`,
    permalink: `${world.origin}/files/${file.user}/${file.id}/${name}`,
    file_access: "visible",
    ...(file.altText === undefined ? {} : { alt_txt: file.altText }),
    ...where,
    shares,
  };
}
