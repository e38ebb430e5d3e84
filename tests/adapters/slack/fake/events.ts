// Which events an app hears of, and how they are wrapped. Source: docs.slack.dev/reference/events.
import { renderChannel, renderMessage } from "./render.ts";
import {
  type App,
  type Channel,
  type ChannelKind,
  type Json,
  type Message,
  newId,
  newTs,
  secondsNow,
  type World,
} from "./world.ts";

/** The scope that each subscription needs; "" for those that need none. */
const scopes: Record<string, string> = {
  app_mention: "app_mentions:read",
  app_home_opened: "",
  "message.channels": "channels:history",
  "message.groups": "groups:history",
  "message.im": "im:history",
  "message.mpim": "mpim:history",
  assistant_thread_started: "assistant:write",
  assistant_thread_context_changed: "assistant:write",
  reaction_added: "reactions:read",
  reaction_removed: "reactions:read",
  member_joined_channel: "channels:read",
  member_left_channel: "channels:read",
  channel_rename: "channels:read",
  group_rename: "groups:read",
  channel_archive: "channels:read",
  channel_unarchive: "channels:read",
  file_shared: "files:read",
  tokens_revoked: "",
  app_uninstalled: "",
};

const messageEvents: Record<ChannelKind, string> = {
  public: "message.channels",
  private: "message.groups",
  im: "message.im",
  mpim: "message.mpim",
};

const channelTypes: Record<ChannelKind, string> = { public: "channel", private: "group", im: "im", mpim: "mpim" };

/** Gives an app an event, if it subscribed to `subscription` and has the scope for it. */
export function tell(world: World, app: App, { subscription, event }: { subscription: string; event: Json }): void {
  const scope = scopes[subscription];
  if (scope === undefined) throw new Error(`The fake Slack knows no event "${subscription}"`);
  if (!app.events.has(subscription) || (scope !== "" && !app.scopes.has(scope))) return;
  const payload = {
    token: "a verification token that nobody should use",
    team_id: world.team.id,
    api_app_id: app.id,
    event: structuredClone(event),
    type: "event_callback",
    event_id: newId(world, "Ev"),
    event_time: secondsNow(world),
    authorizations: [
      { enterprise_id: null, team_id: world.team.id, user_id: app.user.id, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
    event_context: `4-${newId(world, "")}`,
  };
  world.deliver(app, { type: "events_api", payload, acceptsPayload: false });
}

/** All apps whose bot is in the channel. */
function* listeners(world: World, channel: Channel): Generator<App> {
  for (const app of world.apps.values()) if (channel.members.has(app.user.id)) yield app;
}

/** A `message` event of any subtype, for all bots in the channel. */
function tellAll(world: World, channel: Channel, event: Json): void {
  for (const app of listeners(world, channel)) {
    tell(world, app, {
      subscription: messageEvents[channel.kind],
      event: { ...event, channel: channel.id, channel_type: channelTypes[channel.kind] },
    });
  }
}

/**
 * A new message. A mention in a channel gives two events with one ts, `message` and `app_mention`; in a direct
 * conversation `message` alone (docs.slack.dev/reference/events/app_mention).
 */
export function tellMessage(world: World, message: Message): void {
  const { channel } = message;
  tellAll(world, channel, { ...renderMessage(world, message), event_ts: message.ts });
  if (message.subtype === undefined || message.subtype === "file_share") tellMention(world, message, "");
}

/** `app_mention` for each app that the text names and that `before` did not name. */
export function tellMention(world: World, message: Message, before: string): void {
  const { channel } = message;
  if (channel.kind === "im") return;
  for (const app of listeners(world, channel)) {
    const mention = new RegExp(`<@${app.user.id}(?:\\|[^>]*)?>`);
    if (app.id === message.appId || !mention.test(message.text) || mention.test(before)) continue;
    const { subtype: _, ...rest } = renderMessage(world, message);
    const event = { ...rest, type: "app_mention", channel: channel.id, event_ts: message.ts };
    tell(world, app, { subscription: "app_mention", event });
  }
}

/** docs.slack.dev/reference/events/message/message_changed: its own ts, the message before and after. */
export function tellChanged(world: World, message: Message, previous: Json): void {
  const ts = newTs(world, message.channel);
  tellAll(world, message.channel, {
    type: "message",
    subtype: "message_changed",
    hidden: true,
    message: renderMessage(world, message),
    previous_message: previous,
    ts,
    event_ts: ts,
  });
}

/** docs.slack.dev/reference/events/message/message_deleted */
export function tellDeleted(world: World, message: Message, previous: Json): void {
  const ts = newTs(world, message.channel);
  tellAll(world, message.channel, {
    type: "message",
    subtype: "message_deleted",
    hidden: true,
    deleted_ts: message.ts,
    previous_message: previous,
    ts,
    event_ts: ts,
  });
}

/** docs.slack.dev/reference/events/reaction_added */
export function tellReaction(
  world: World,
  message: Message,
  { user, name, added }: { user: string; name: string; added: boolean },
): void {
  const { channel } = message;
  const subscription = added ? "reaction_added" : "reaction_removed";
  const event = {
    type: subscription,
    user,
    reaction: name,
    item: { type: "message", channel: channel.id, ts: message.ts },
    item_user: message.user,
    event_ts: newTs(world, channel),
  };
  for (const app of listeners(world, channel)) tell(world, app, { subscription, event });
}

/** Somebody came or went; docs.slack.dev/reference/events/member_joined_channel */
export function tellMember(world: World, channel: Channel, { user, joined }: { user: string; joined: boolean }): void {
  const subscription = joined ? "member_joined_channel" : "member_left_channel";
  const event = {
    type: subscription,
    user,
    channel: channel.id,
    channel_type: channel.kind === "public" ? "C" : "G",
    team: world.team.id,
    event_ts: newTs(world, channel),
  };
  const heard = new Set(listeners(world, channel));
  for (const app of world.apps.values()) if (app.user.id === user) heard.add(app);
  for (const app of heard) tell(world, app, { subscription, event });
}

/** docs.slack.dev/reference/events/channel_rename */
export function tellRename(world: World, channel: Channel): void {
  const type = channel.kind === "public" ? "channel_rename" : "group_rename";
  for (const app of listeners(world, channel)) {
    const { id, name, created } = renderChannel(world, channel, app);
    tell(world, app, {
      subscription: type,
      event: { type, channel: { id, name, created, is_channel: true }, event_ts: newTs(world, channel) },
    });
  }
}

/** docs.slack.dev/reference/events/channel_archive */
export function tellArchive(world: World, channel: Channel, user: string): void {
  for (const app of listeners(world, channel)) {
    const event = { type: "channel_archive", channel: channel.id, user, event_ts: newTs(world, channel) };
    tell(world, app, { subscription: "channel_archive", event });
  }
}
