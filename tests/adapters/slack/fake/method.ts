// What a Web API method gets, what it declares, and how all methods find their channel.
import { needed } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { type App, type Channel, type ChannelKind, directChannel, type Json, type World } from "./world.ts";

export interface Call {
  world: World;
  app: App;
  params: Json;
}

/** A method as its page under docs.slack.dev/reference/methods describes it. */
export interface Method {
  /** One of these is enough. */
  scopes: string[];
  /** 0 for methods with limits of their own. */
  tier: 0 | 1 | 2 | 3 | 4;
  /** Needs the token of the app (`xapp-`), not of its bot. */
  appLevel?: boolean;
  /** Puts a message into the channel that `channel` names, and so counts for its limit. */
  posts?: boolean;
  run(call: Call): Json;
}

/** The scope that reading (or listing) conversations of a kind needs: `channels:history`, `im:read`. */
export function scopeFor(kind: ChannelKind, what: "history" | "read" | "write"): string {
  const family = { public: "channels", private: "groups", im: "im", mpim: "mpim" }[kind];
  return `${family}:${what}`;
}

export function scopesFor(what: "history" | "read" | "write"): string[] {
  return (["public", "private", "mpim", "im"] as const).map((kind) => scopeFor(kind, what));
}

/** `missing_scope` says what is needed and what the token has. */
export function missingScope(app: App, names: string[]): Refusal {
  return new Refusal("missing_scope", { extra: { needed: names.join(","), provided: [...app.scopes].join(",") } });
}

/** The channel that `channel` names, when the app may know of it: a member, or a public one. */
export function channelOf({ world, app, params }: Call, what?: "history" | "read"): Channel {
  const channel = world.channels.get(needed(params, "channel"));
  const visible = channel?.kind === "public" || channel?.members.has(app.user.id) === true;
  if (channel === undefined || !visible) throw new Refusal("channel_not_found");
  if (what !== undefined && !app.scopes.has(scopeFor(channel.kind, what)))
    throw missingScope(app, [scopeFor(channel.kind, what)]);
  return channel;
}

/** A channel that the app's bot is in. */
export function ownChannel(call: Call, what?: "history" | "read"): Channel {
  const channel = channelOf(call, what);
  if (!channel.members.has(call.app.user.id)) throw new Refusal("not_in_channel");
  return channel;
}

/**
 * A channel to write to: by id, by `#name`, or by a person's id, which means the direct conversation
 * (docs.slack.dev/reference/methods/chat.postMessage).
 */
export function writableChannel(call: Call): Channel {
  const { world, app, params } = call;
  const given = needed(params, "channel");
  const named = [...world.channels.values()].find(({ kind, name }) => kind === "public" && `#${name}` === given);
  const person = world.users.get(given);
  if (person?.deleted === true) throw new Refusal("user_not_found");
  const id = named?.id ?? (person === undefined || person.isBot ? given : directChannel(world, app, given).id);
  const channel = channelOf({ ...call, params: { ...params, channel: id } });
  if (channel.archived) throw new Refusal("is_archived");
  // Told to apps whose messages tab is off; docs.slack.dev/surfaces/app-home#messages-tab.
  if (channel.kind === "im" && !app.messagesTab) throw new Refusal("messages_tab_disabled");
  const open = channel.kind === "public" && app.scopes.has("chat:write.public");
  if (!channel.members.has(app.user.id) && !open) throw new Refusal("not_in_channel");
  return channel;
}
