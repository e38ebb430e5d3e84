// The workspace of the fake Slack before anybody speaks: apps, people, conversations, and what owners change later.
import { type Clock, systemClock } from "../../../../src/sys/clock.ts";
import { tell, tellArchive, tellRename } from "./events.ts";
import { refresh } from "./messages.ts";
import { createPerson, type Person } from "./people.ts";
import { channelNamed, type Where } from "./places.ts";
import {
  type App,
  type Channel,
  type ChannelKind,
  newChannel,
  newId,
  nowTs,
  type User,
  type World,
  word,
} from "./world.ts";

/** Scopes, events and commands of an app that asks for all that the fake knows. */
export const allScopes = [
  "app_mentions:read",
  "assistant:write",
  "channels:history",
  "channels:read",
  "chat:write",
  "commands",
  "files:read",
  "files:write",
  "groups:history",
  "groups:read",
  "groups:write",
  "im:history",
  "im:read",
  "im:write",
  "mpim:history",
  "mpim:read",
  "mpim:write",
  "reactions:read",
  "reactions:write",
  "users:read",
];

export const allEvents = [
  "app_home_opened",
  "app_mention",
  "channel_archive",
  "assistant_thread_context_changed",
  "assistant_thread_started",
  "channel_rename",
  "group_rename",
  "member_joined_channel",
  "member_left_channel",
  "message.channels",
  "message.groups",
  "message.im",
  "message.mpim",
  "reaction_added",
  "reaction_removed",
];

export interface SlackOptions {
  /** The machine's clock by default; with a clock that is moved by hand nothing happens until it is moved. */
  clock?: Pick<Clock, "now" | "sleep">;
  /** From 0 to 1; a fixed sequence by default, so that a test is the same each time. */
  random?: () => number;
  /** Refuses with 429 what the real limits refuse. */
  rates?: boolean;
  /** After so many minutes a message cannot be edited; without it, always. */
  editWindowMinutes?: number;
  /** How long after `files.completeUploadExternal` the file shows in its channel, in ms; 0 is at once. */
  shareDelayMs?: number;
  /** What the first app has; everything by default. */
  app?: AppOptions;
}

export interface AppOptions {
  name?: string;
  scopes?: string[];
  events?: string[];
  commands?: string[];
  assistant?: boolean;
  home?: boolean;
  messagesTab?: boolean;
}

/** What a test sets up, and what the owners of a workspace do. */
export interface Setup {
  newApp(given: AppOptions): App;
  /** Members are people's names, people or apps; the first app's bot is not in unless it is named. */
  newChannel(name: string, given: { kind?: Exclude<ChannelKind, "im">; members: (string | Person | App)[] }): Channel;
  user(name: string): Person;
  rename(channel: Where, name: string): void;
  archive(channel: Where): void;
  /** A link preview: the message comes once more as `message_changed`, though nobody edited it. */
  unfurl(channel: Where, ts: string): void;
  /** `token_revoked` or `account_inactive` from now on; `bot` and `app` say which token. */
  revoke(app: App, options?: { token?: "bot" | "app"; state?: "revoked" | "inactive" }): void;
  takeScope(app: App, scope: string): void;
  giveScope(app: App, scope: string): void;
}

/** A workspace without anybody in it. */
export function newWorld(options: SlackOptions): World {
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? sequence(),
    team: { id: "T0FAKETEAM", name: "Fake", domain: "fake" },
    origin: "http://127.0.0.1:0",
    users: new Map(),
    apps: new Map(),
    tokens: new Map(),
    channels: new Map(),
    files: new Map(),
    ephemerals: [],
    views: new Map(),
    triggers: new Map(),
    responseUrls: new Map(),
    deliver() {},
    editWindowMinutes: options.editWindowMinutes,
    shareDelayMs: options.shareDelayMs ?? 0,
    nextSerial: 1,
  };
}

/** Installs an app. */
export function newApp(world: World, given: AppOptions): App {
  const { name = "app", scopes = allScopes, events = allEvents, commands = [] } = given;
  const id = newId(world, "A");
  const botId = newId(world, "B");
  const user: User = { ...newUser(world, name), isBot: true, botId, appId: id };
  world.users.set(user.id, user);
  const app: App = {
    id,
    name,
    botId,
    user,
    botToken: `xoxb-fake-${word(world, 12)}`,
    // Real ones hold the app's id as well.
    appToken: `xapp-1-${id}-${word(world, 12)}`,
    scopes: new Set(scopes),
    appScopes: new Set(["connections:write"]),
    events: new Set(events),
    commands: new Set(commands),
    assistant: given.assistant ?? true,
    home: given.home ?? true,
    messagesTab: given.messagesTab ?? true,
  };
  world.apps.set(id, app);
  world.tokens.set(app.botToken, { app, kind: "bot", state: "live" });
  world.tokens.set(app.appToken, { app, kind: "app", state: "live" });
  return app;
}

function newUser(world: World, name: string): User {
  const realName = name.slice(0, 1).toUpperCase() + name.slice(1);
  return { id: newId(world, "U"), name, realName, isBot: false, deleted: false };
}

export function builders(world: World): Setup {
  const people = new Map<string, Person>();
  const user = (name: string): Person => {
    const known = people.get(name);
    if (known !== undefined) return known;
    const made = newUser(world, name);
    world.users.set(made.id, made);
    const person = createPerson(world, made);
    people.set(name, person);
    return person;
  };
  return {
    newApp: (given) => newApp(world, given),
    newChannel(name, { kind = "public", members }) {
      const ids = members.map((one) =>
        typeof one === "string" ? user(one).id : "botToken" in one ? one.user.id : one.id,
      );
      return newChannel(world, { kind, name, members: ids });
    },
    user,
    rename(where, name) {
      const channel = channelNamed(world, where);
      channel.name = name;
      tellRename(world, channel);
    },
    archive(where) {
      const channel = channelNamed(world, where);
      channel.archived = true;
      tellArchive(world, channel, channel.creator);
    },
    unfurl(where, ts) {
      const message = channelNamed(world, where).messages.get(ts);
      if (message === undefined) throw new Error(`There is no message ${ts}`);
      refresh(world, message, [{ id: 1, from_url: "https://example.com", fallback: "Example" }]);
    },
    revoke(app, { token = "bot", state = "revoked" } = {}) {
      const held = world.tokens.get(token === "bot" ? app.botToken : app.appToken);
      if (held === undefined) throw new Error("There is no such token");
      held.state = state;
      const tokens = { oauth: [], bot: [app.user.id] };
      if (token === "bot")
        tell(world, app, {
          subscription: "tokens_revoked",
          event: { type: "tokens_revoked", tokens, event_ts: nowTs(world) },
        });
    },
    takeScope: (app, scope) => void app.scopes.delete(scope),
    giveScope: (app, scope) => void app.scopes.add(scope),
  };
}

/** Numbers from 0 to 1, the same ones for each fake. */
function sequence(): () => number {
  let state = 0x2545f491;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
