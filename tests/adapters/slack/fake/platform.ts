// The fake Slack as one object: who calls with which token, what there is, and how tests reach both ends of it.
import type { Clock } from "../../../../src/sys/clock.ts";
import { systemClock } from "../../../../src/sys/clock.ts";
import { tell, tellArchive, tellRename } from "./events.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createHub, type Hub } from "./hub.ts";
import { refresh } from "./messages.ts";
import { type Method, missingScope } from "./method.ts";
import { chatMethods } from "./methods-chat.ts";
import { conversationMethods } from "./methods-conversations.ts";
import { fileMethods } from "./methods-files.ts";
import { streamMethods } from "./methods-stream.ts";
import { userMethods } from "./methods-users.ts";
import { viewMethods } from "./methods-views.ts";
import { decoded, text } from "./params.ts";
import { channelNamed, createPerson, type Person, type Where } from "./people.ts";
import { createRates } from "./rates.ts";
import { Refusal } from "./refusal.ts";
import {
  type App,
  type AssistantThread,
  type Channel,
  type ChannelKind,
  type Ephemeral,
  type Json,
  type Message,
  newChannel,
  newId,
  nowTs,
  type StoredFile,
  type User,
  type View,
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

/** What a method answers over HTTP. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Json & { ok: boolean };
}

/**
 * The fake. Conversations may be given as objects, ids or `#names`.
 * - Set up: `newApp`, `newChannel`, `user` (made when first named), `app` (the first app, installed from the start).
 * - Act: `user("ann").say(…)` and the other things that people do, see {@link Person}.
 * - Break: `faults.add({ fault, methods, skip, times })`, `sockets.cut/mute/disconnect`, `revoke`, `takeScope`.
 * - Look: `messages`, `thread`, `ephemerals`, `views`, `homes`, `uploads`, `calls`, `sockets.envelopes`.
 */
export interface Slack {
  readonly world: World;
  readonly faults: Faults;
  readonly sockets: Hub;
  readonly app: App;
  /** Every request that came in, oldest first, faulty ones too; `answer` once the platform acted. */
  readonly calls: { at: number; method: string; params: Json; app: string | undefined; answer?: Json }[];

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

  /** One method call without HTTP and without faults. */
  call(method: string, options: { token: string | undefined; params?: Json }): Answer;

  /** Messages of a conversation as people see them, oldest first, replies too. */
  messages(channel: Where): Message[];
  /** A thread, its first message first. */
  thread(channel: Where, ts: string): Message[];
  /** The last message of a bot in a conversation. */
  lastOfBot(channel: Where): Message | undefined;
  assistant(channel: Where, ts: string): AssistantThread | undefined;
  /** What one person alone sees. */
  ephemerals(channel: Where, person?: { id: string }): Ephemeral[];
  /** Open modals of a person, the topmost last. */
  views(person: { id: string }): View[];
  /** What the Home tab shows to a person. */
  home(person: { id: string }, app?: App): View | undefined;
  homes(): View[];
  /** Files that were completed, oldest first. */
  uploads(): StoredFile[];
  /** Ends all waiting. Connections are the server's. */
  close(): void;
}

const callsKept = 100_000;

export function createSlack(options: SlackOptions = {}): Slack {
  const world = newWorld(options);
  const faults = createFaults(world.random);
  const sockets = createHub(world, faults);
  world.deliver = sockets.deliver;
  const rates = options.rates === true ? createRates(world.clock.now) : undefined;
  const methods: Record<string, Method> = {
    ...chatMethods,
    ...streamMethods,
    ...conversationMethods,
    ...userMethods(sockets),
    ...fileMethods,
    ...viewMethods,
  };
  const run = (name: string, { token, params = {} }: { token: string | undefined; params?: Json }): Json => {
    const method = methods[name];
    if (method === undefined) throw new Refusal("unknown_method", { extra: { req_method: name } });
    const app = appOf(world, { token, appLevel: method.appLevel === true });
    const held = method.appLevel === true ? app.appScopes : app.scopes;
    if (method.scopes.length > 0 && !method.scopes.some((scope) => held.has(scope)))
      throw missingScope(app, method.scopes);
    const read = decoded(params);
    rates?.count({
      app: app.id,
      method: name,
      tier: method.tier,
      ...(method.posts === true ? { channel: text(read.channel) } : {}),
    });
    return method.run({ world, app, params: read });
  };
  const app = newApp(world, { name: "remoteagent", ...options.app });
  return {
    world,
    faults,
    sockets,
    app,
    calls: [],
    ...builders(world),
    call(name, given) {
      const headers = scopeHeaders(world, given.token, methods[name]);
      try {
        return { status: 200, headers, body: { ok: true, ...run(name, given) } };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { code, extra, status } = error;
        return { status, headers: { ...headers, ...error.headers }, body: { ok: false, error: code, ...extra } };
      }
    },
    ...inspection(world),
    close: () => sockets.close(),
  };
}

/** Notes a request; the journal is bounded. */
export function noteCall(slack: Slack, call: Slack["calls"][number]): void {
  slack.calls.push(call);
  if (slack.calls.length > callsKept) slack.calls.shift();
}

/** Whose token it is: `not_authed`, `invalid_auth` and the like, in the order of docs.slack.dev/reference/methods/auth.test. */
function appOf(world: World, { token, appLevel }: { token: string | undefined; appLevel: boolean }): App {
  if (token === undefined || token === "") throw new Refusal("not_authed");
  const held = world.tokens.get(token);
  if (held === undefined) throw new Refusal("invalid_auth");
  if (held.state === "revoked") throw new Refusal("token_revoked");
  if (held.state === "inactive") throw new Refusal("account_inactive");
  if ((held.kind === "app") !== appLevel) throw new Refusal("not_allowed_token_type");
  return held.app;
}

/** docs.slack.dev/authentication/tokens: every answer names the token's scopes and those that are accepted. */
function scopeHeaders(world: World, token: string | undefined, method: Method | undefined): Record<string, string> {
  const held = world.tokens.get(token ?? "");
  if (held === undefined || held.state !== "live") return {};
  const scopes = held.kind === "app" ? held.app.appScopes : held.app.scopes;
  return {
    "x-oauth-scopes": [...scopes].join(","),
    ...(method === undefined ? {} : { "x-accepted-oauth-scopes": method.scopes.join(",") }),
  };
}

function newWorld(options: SlackOptions): World {
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

function newApp(world: World, given: AppOptions): App {
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
    appToken: `xapp-fake-${word(world, 12)}`,
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

type Builders = Pick<
  Slack,
  "newApp" | "newChannel" | "user" | "rename" | "archive" | "unfurl" | "revoke" | "takeScope" | "giveScope"
>;

function builders(world: World): Builders {
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

type Inspection = Pick<
  Slack,
  "messages" | "thread" | "lastOfBot" | "assistant" | "ephemerals" | "views" | "home" | "homes" | "uploads"
>;

function inspection(world: World): Inspection {
  const there = (where: Where) =>
    [...channelNamed(world, where).messages.values()].filter(({ deleted, tombstone }) => !deleted || tombstone);
  const homes = () => [...world.views.values()].filter(({ type }) => type === "home");
  return {
    messages: there,
    thread(where, ts) {
      const channel = channelNamed(world, where);
      return there(channel).filter((one) => one.ts === ts || one.threadTs === ts);
    },
    lastOfBot: (where) => there(where).findLast(({ botId }) => botId !== undefined),
    assistant: (where, ts) => channelNamed(world, where).assistants.get(ts),
    ephemerals: (where, person) =>
      world.ephemerals.filter(
        (one) =>
          one.channel === channelNamed(world, where) &&
          !one.deleted &&
          (person === undefined || one.user === person.id),
      ),
    views: ({ id }) => [...world.views.values()].filter((one) => one.open && one.type === "modal" && one.user === id),
    home: ({ id }, app) => homes().find((one) => one.user === id && (app === undefined || one.app === app.id)),
    homes,
    uploads: () => [...world.files.values()].filter(({ complete, app }) => complete && app !== undefined),
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
