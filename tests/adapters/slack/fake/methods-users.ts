// auth.test, apps.connections.open, bots.info, users.*, and reactions.*.
import { tellReaction } from "./events.ts";
import type { Hub } from "./hub.ts";
import { type Call, type Method, ownChannel } from "./method.ts";
import { needed, page, text } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { renderBot, renderMessage, renderReactions, renderUser } from "./render.ts";
import { type Json, knownUser, type Message, messageIn } from "./world.ts";

function authTest({ world, app }: Call): Json {
  return {
    url: `https://${world.team.domain}.slack.com/`,
    team: world.team.name,
    user: app.user.name,
    team_id: world.team.id,
    user_id: app.user.id,
    bot_id: app.botId,
    is_enterprise_install: false,
  };
}

function botsInfo({ world, app, params }: Call): Json {
  const bot = text(params.bot);
  const found = bot === "" ? app : [...world.apps.values()].find(({ botId }) => botId === bot);
  if (found === undefined) throw new Refusal("bot_not_found");
  return { bot: renderBot(world, found) };
}

function usersInfo({ world, params }: Call): Json {
  return { user: renderUser(world, knownUser(world, needed(params, "user"))) };
}

function usersList({ world, params }: Call): Json {
  const { items, next } = page([...world.users.values()], { params, standard: 1000, max: 1000 });
  return { members: items.map((user) => renderUser(world, user)), response_metadata: { next_cursor: next } };
}

/** Names are told apart by what follows `::`; docs.slack.dev/reference/methods/reactions.add. */
function reaction(call: Call): { message: Message; name: string } {
  const name = needed(call.params, "name");
  if (!/^[a-z0-9_+'-]+(?:::skin-tone-[2-6])?$/.test(name)) throw new Refusal("invalid_name");
  return { message: reacted(call), name };
}

function reacted(call: Call): Message {
  const channel = ownChannel(call);
  const message = messageIn(channel, needed(call.params, "timestamp"));
  if (message === undefined) throw new Refusal("message_not_found");
  return message;
}

function add(call: Call): Json {
  const { message, name } = reaction(call);
  if (message.channel.archived) throw new Refusal("is_archived");
  const { world, app } = call;
  const users = message.reactions.get(name) ?? [];
  if (users.includes(app.user.id)) throw new Refusal("already_reacted");
  message.reactions.set(name, [...users, app.user.id]);
  tellReaction(world, message, { user: app.user.id, name, added: true });
  return {};
}

function remove(call: Call): Json {
  const { message, name } = reaction(call);
  const { world, app } = call;
  const users = message.reactions.get(name) ?? [];
  if (!users.includes(app.user.id)) throw new Refusal("no_reaction");
  const left = users.filter((one) => one !== app.user.id);
  if (left.length === 0) message.reactions.delete(name);
  else message.reactions.set(name, left);
  tellReaction(world, message, { user: app.user.id, name, added: false });
  return {};
}

function get(call: Call): Json {
  const message = reacted(call);
  const shown = { ...renderMessage(call.world, message), reactions: renderReactions(message.reactions) };
  return { type: "message", channel: message.channel.id, message: shown };
}

/** `hub` gives the tickets of connections. */
export function userMethods(hub: Hub): Record<string, Method> {
  const connect = ({ world, app }: Call): Json => {
    const place = world.origin.replace(/^http/, "ws");
    return { url: `${place}/link/?ticket=${hub.ticket(app)}&app_id=${app.id}` };
  };
  return {
    "auth.test": { scopes: [], tier: 0, run: authTest },
    "apps.connections.open": { scopes: ["connections:write"], tier: 3, appLevel: true, run: connect },
    "bots.info": { scopes: ["users:read"], tier: 3, run: botsInfo },
    "users.info": { scopes: ["users:read"], tier: 4, run: usersInfo },
    "users.list": { scopes: ["users:read"], tier: 2, run: usersList },
    "reactions.add": { scopes: ["reactions:write"], tier: 3, run: add },
    "reactions.remove": { scopes: ["reactions:write"], tier: 2, run: remove },
    "reactions.get": { scopes: ["reactions:read"], tier: 3, run: get },
  };
}
