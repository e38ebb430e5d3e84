// conversations.* of the fake Slack: lists, history, threads, members.
import { type Call, channelOf, type Method, missingScope, ownChannel, scopeFor, scopesFor } from "./method.ts";
import { flag, needed, page, text } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { renderChannel, renderMessage } from "./render.ts";
import {
  type Channel,
  type ChannelKind,
  directChannel,
  type Json,
  knownUser,
  type Message,
  messageIn,
  newChannel,
} from "./world.ts";

const typeNames: Record<string, ChannelKind> = {
  public_channel: "public",
  private_channel: "private",
  im: "im",
  mpim: "mpim",
};

function listAll({ world, app, params }: Call): Json {
  const kinds = (text(params.types) || "public_channel").split(",").map((name) => typeNames[name.trim()]);
  const wanted = kinds.filter((kind) => kind !== undefined);
  if (wanted.length < kinds.length) throw new Refusal("invalid_types");
  const lacking = wanted.map((kind) => scopeFor(kind, "read")).filter((scope) => !app.scopes.has(scope));
  if (lacking.length > 0) throw missingScope(app, lacking);
  const channels = [...world.channels.values()].filter(
    ({ kind, members, archived }) =>
      wanted.includes(kind) &&
      (kind === "public" || members.has(app.user.id)) &&
      !(archived && flag(params.exclude_archived)),
  );
  const { items, next } = page(channels, { params, standard: 100, max: 1000 });
  return {
    channels: items.map((channel) => renderChannel(world, channel, app)),
    response_metadata: { next_cursor: next },
  };
}

function info(call: Call): Json {
  return { channel: renderChannel(call.world, channelOf(call, "read"), call.app) };
}

/** `oldest` and `latest` are exclusive unless `inclusive`; docs.slack.dev/reference/methods/conversations.history. */
function within(messages: Message[], params: Json): Message[] {
  const bound = (name: string): number | undefined => {
    const given = text(params[name]);
    if (given === "" || (name === "oldest" && given === "0")) return undefined;
    if (Number.isNaN(Number(given))) throw new Refusal(name === "oldest" ? "invalid_ts_oldest" : "invalid_ts_latest");
    return micros(given);
  };
  const [oldest, latest] = [bound("oldest"), bound("latest")];
  const inclusive = flag(params.inclusive);
  return messages.filter(({ ts }) => {
    const at = micros(ts);
    const late = oldest === undefined || at > oldest || (inclusive && at === oldest);
    const early = latest === undefined || at < latest || (inclusive && at === latest);
    return late && early;
  });
}

/** Whole microseconds: a ts as a floating number would lose its last digits. */
function micros(ts: string): number {
  const [seconds = "0", fraction = ""] = ts.split(".");
  return Number(seconds) * 1e6 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

const present = ({ deleted, tombstone }: Message) => !deleted || tombstone;

/** Newest first; replies show only when they were broadcast. */
function history(call: Call): Json {
  const { world, params } = call;
  const channel = ownChannel(call, "history");
  const shown = [...channel.messages.values()].filter(
    (one) => present(one) && (one.threadTs === undefined || one.threadTs === one.ts || one.broadcast),
  );
  const { items, next } = page(within(shown, params).reverse(), { params, standard: 100, max: 999 });
  return {
    messages: items.map((one) => renderMessage(world, one, { metadata: flag(params.include_all_metadata) })),
    has_more: next !== "",
    pin_count: 0,
    ...(next === "" ? {} : { response_metadata: { next_cursor: next } }),
  };
}

/** Oldest first; the parent opens every page and does not count (docs.slack.dev/reference/methods/conversations.replies). */
function replies(call: Call): Json {
  const { world, params } = call;
  const channel = ownChannel(call, "history");
  const asked = messageIn(channel, needed(params, "ts"));
  const parent = asked === undefined ? undefined : messageIn(channel, asked.threadTs ?? asked.ts);
  if (parent === undefined) throw new Refusal("thread_not_found");
  const below = [...channel.messages.values()].filter(
    (one) => !one.deleted && one.threadTs === parent.ts && one !== parent,
  );
  const { items, next } = page(within(below, params), { params, standard: 1000, max: 1000 });
  const metadata = flag(params.include_all_metadata);
  return {
    messages: [parent, ...items].map((one) => renderMessage(world, one, { metadata })),
    has_more: next !== "",
    ...(next === "" ? {} : { response_metadata: { next_cursor: next } }),
  };
}

function members(call: Call): Json {
  const channel = channelOf(call, "read");
  const { items, next } = page([...channel.members], { params: call.params, standard: 100, max: 1000 });
  return { members: items, response_metadata: { next_cursor: next } };
}

function open({ world, app, params }: Call): Json {
  const given = text(params.channel);
  const users = text(params.users)
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  if (given === "" && users.length === 0) throw new Refusal("users_list_not_supplied");
  const channel =
    given === "" ? opened({ world, app, params }, users) : channelOf({ world, app, params: { channel: given } });
  const kind = channel.kind === "im" ? "im" : "mpim";
  if (!app.scopes.has(scopeFor(kind, "write"))) throw missingScope(app, [scopeFor(kind, "write")]);
  const shown = flag(params.return_im) ? renderChannel(world, channel, app) : { id: channel.id };
  return { channel: shown };
}

function opened({ world, app }: Call, users: string[]): Channel {
  for (const id of users) if (knownUser(world, id).deleted) throw new Refusal("user_disabled");
  const only = users[0];
  if (users.length === 1 && only !== undefined) return directChannel(world, app, only);
  const all = [...users, app.user.id];
  const same = [...world.channels.values()].find(
    ({ kind, members }) => kind === "mpim" && members.size === all.length && all.every((one) => members.has(one)),
  );
  return same ?? newChannel(world, { kind: "mpim", name: `mpdm-${users.join("--")}-1`, members: all });
}

export const conversationMethods: Record<string, Method> = {
  "conversations.list": { scopes: scopesFor("read"), tier: 2, run: listAll },
  "conversations.info": { scopes: scopesFor("read"), tier: 3, run: info },
  "conversations.history": { scopes: scopesFor("history"), tier: 3, run: history },
  "conversations.replies": { scopes: scopesFor("history"), tier: 3, run: replies },
  "conversations.members": { scopes: scopesFor("read"), tier: 4, run: members },
  "conversations.open": { scopes: [...scopesFor("write"), "im:write", "mpim:write"], tier: 3, run: open },
};
