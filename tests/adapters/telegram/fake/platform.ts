// A Telegram in memory: pure, with an injected clock and randomness. Tests and simulations drive both ends of it.
import { chatOf, privateKey, put } from "./chats.ts";
import { createFaults, type Fault, type Faults, type Outcome, underFault } from "./faults.ts";
import type { Method } from "./method.ts";
import { botMethods, openTopic } from "./methods-bot.ts";
import { ephemeralMethods } from "./methods-ephemeral.ts";
import { mediaMethods, uploadBytesMax } from "./methods-media.ts";
import { messageMethods } from "./methods-message.ts";
import { decoded, object } from "./params.ts";
import { createPerson, newToken, newUser, type Person } from "./people.ts";
import { createPolls, type Poll } from "./polls.ts";
import { createRates } from "./rates.ts";
import { bad, Refusal } from "./refusal.ts";
import { tellMessage } from "./updates.ts";
import { type MessageView, viewChat, viewMessage } from "./views.ts";
import {
  type Answer,
  type Bot,
  type CallbackQuery,
  type Chat,
  type ChatKind,
  type Json,
  type StoredFile,
  serial,
  type Upload,
  type World,
} from "./world.ts";

export interface PlatformOptions {
  /** Milliseconds since 1970; the machine's clock by default. */
  now?: () => number;
  /** From 0 to 1; a fixed sequence by default, so that a test is the same each time. */
  random?: () => number;
  /** Refuses with 429 what the real limits refuse. */
  rates?: boolean;
  /** Whether a bot in privacy mode hears of messages with its @name. The real one does not, though its texts say so. */
  mentionsReach?: boolean;
  /** How long a button press can be answered, in ms. The real time is not documented; it is short. */
  callbackLifetimeMs?: number;
}

/** A request as a bot sends it; `files` by field name. */
export interface Request {
  token: string;
  method: string;
  params?: Json;
  files?: Record<string, Upload>;
}

export interface Platform {
  readonly world: World;
  readonly faults: Faults;
  /** Every request that came in, oldest first, faulty ones too. */
  readonly requests: { at: number; bot: string; method: string; params: Json }[];

  newBot(given: { username: string; name?: string; canReadAll?: boolean; token?: string }): Bot;
  newPerson(given: {
    firstName: string;
    lastName?: string;
    username?: string;
    languageCode?: string;
    id?: number;
  }): Person;
  /** A group, supergroup or forum; the first member is its creator. */
  newGroup(given: {
    title: string;
    kind?: Exclude<ChatKind, "private">;
    members: { id: number }[];
    admins?: { id: number }[];
    username?: string;
  }): Chat;
  /** The private chat of a person with a bot. It is cold until the person writes. */
  privateChat(bot: Bot, person: { id: number }): Chat;
  /** Opens a topic in a forum and gives its thread id. */
  newTopic(chat: Chat, by: { id: number }, name: string): number;
  /** Makes a supergroup of a group; the old id answers with `migrate_to_chat_id`. */
  migrate(chat: Chat): Chat;
  /** Revokes a bot's token: it answers 401 from then on. Gives the new one. */
  revoke(bot: Bot): string;

  /** One method call, without faults and without waiting: getUpdates answers at once. */
  call(token: string, method: string, params?: Json, files?: Record<string, Upload>): Answer;
  /** One request as it goes over a network, with the faults. getUpdates answers at once. */
  exchange(request: Request): Outcome;
  /** A getUpdates that waits as `timeout` says; `settle` hears of the end once. Other methods settle at once. */
  poll(request: Request, settle: (outcome: Outcome) => void): Poll;
  /** A download; undefined when there is no such file for this token, or getFile was not asked within the hour. */
  file(token: string, path: string): StoredFile | undefined;

  /** Messages of a chat as people see them now. */
  messages(chat: Chat, options?: { thread?: number; deleted?: boolean }): MessageView[];
  /** The last message of a chat that a bot wrote. */
  lastOfBot(chat: Chat): MessageView | undefined;
  /** What one person alone sees in a group, oldest first. */
  onlyFor(chat: Chat, person: { id: number }): MessageView[];
  callbacks(): CallbackQuery[];
  /** Updates that a bot has not confirmed. */
  pending(bot: Bot): Json[];
  /** Calls `wake` with the bot's id whenever its queue grew. Gives back what ends it. */
  onUpdate(wake: (bot: number) => void): () => void;
}

const methods: Record<string, Method> = { ...messageMethods, ...mediaMethods, ...botMethods, ...ephemeralMethods };
const byLowerCase = new Map(Object.keys(methods).map((name) => [name.toLowerCase(), name]));

/** Methods that put a message into a chat and so count for the limits. */
const counted = /^(?:send(?!ChatAction|MessageDraft)|forward|copy|edit)/;

const requestsKept = 100_000;
const confirmedKept = 100;

export function createPlatform(options: PlatformOptions = {}): Platform {
  const world: World = {
    now: options.now ?? Date.now,
    random: options.random ?? sequence(),
    users: new Map(),
    bots: new Map(),
    chats: new Map(),
    files: new Map(),
    callbacks: new Map(),
    callbackLifetimeMs: options.callbackLifetimeMs ?? 15_000,
    mentionsReach: options.mentionsReach ?? false,
    ephemerals: [],
    nextSerial: 1,
    woken: new Set(),
  };
  const faults = createFaults(world.random);
  const rates = options.rates === true ? createRates(world.now) : undefined;
  const polls = createPolls();
  world.woken.add((bot) => polls.wake(bot));
  const requests: Platform["requests"] = [];
  /** The last updates that each bot took, for the fault that gives them again. */
  const given = new Map<number, Json[]>();

  const call: Platform["call"] = (token, method, params = {}, files = {}) => {
    try {
      const bot = botOf(world, token);
      const name = byLowerCase.get(method.toLowerCase());
      const run = name === undefined ? undefined : methods[name];
      if (name === undefined || run === undefined) throw new Refusal(404, "Not Found: method not found");
      const size = Object.values(files).reduce((sum, { bytes }) => sum + bytes.length, 0);
      if (size > uploadBytesMax) throw new Refusal(413, "Request Entity Too Large");
      const read = decoded(params);
      if (counted.test(name)) rates?.count(bot.id, chatOf(world, bot, read.chat_id));
      const result = run({ world, bot, params: read, files });
      if (name === "setWebhook" && bot.webhook !== "") {
        polls.interrupt(bot.id, "Conflict: terminated by setWebhook request");
      }
      return { ok: true, result };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const parameters = error.parameters === undefined ? {} : { parameters: error.parameters };
      return { ok: false, error_code: error.code, description: error.message, ...parameters };
    }
  };

  const act = ({ token, method, params = {}, files = {} }: Request, fault: Fault | undefined): Answer => {
    const answer = call(token, method, params, files);
    const bot = world.bots.get(token);
    if (method.toLowerCase() !== "getupdates" || !answer.ok || bot === undefined) return answer;
    const fresh = answer.result as Json[];
    const before = given.get(bot.id) ?? [];
    given.set(
      bot.id,
      [...before.filter((one) => !fresh.some((other) => other.update_id === one.update_id)), ...fresh].slice(
        -confirmedKept,
      ),
    );
    if (fault?.kind === "repeat") {
      const again = before
        .filter((one) => !fresh.some((other) => other.update_id === one.update_id))
        .slice(-fault.count);
      return { ok: true, result: structuredClone([...again, ...fresh]) };
    }
    return fault?.kind === "reorder" ? { ok: true, result: fresh.toReversed() } : answer;
  };

  const note = ({ token, method, params = {} }: Request): Fault | undefined => {
    requests.push({ at: world.now(), bot: token, method, params });
    if (requests.length > requestsKept) requests.shift();
    return faults.next({ method, params });
  };

  return {
    world,
    faults,
    requests,
    ...builders(world),
    call,
    exchange(request) {
      const fault = note(request);
      return underFault(fault, () => act(request, fault));
    },
    poll(request, settle) {
      const fault = note(request);
      const bot = world.bots.get(request.token);
      const ask = () => underFault(fault, () => act(request, fault));
      if (bot !== undefined && request.method.toLowerCase() === "getupdates") {
        return polls.open(bot.id, object(request.params) ?? {}, { ask, settle });
      }
      settle(ask());
      return { waitMs: 0, expire() {}, abandon() {} };
    },
    file(token, path) {
      const bot = world.bots.get(token);
      const found = [...world.files.values()].find((file) => file.bot === bot?.id && file.path === path);
      return found !== undefined && world.now() < (found.linkedUntil ?? 0) ? found : undefined;
    },
    messages: (chat, options) => viewChat(world, chat, options),
    lastOfBot: (chat) => viewChat(world, chat).findLast(({ byBot }) => byBot),
    onlyFor: (chat, { id }) =>
      world.ephemerals
        .filter((one) => one.chat === chat && one.receiver === id && !one.message.deleted)
        .map(({ message }) => viewMessage(world, message)),
    callbacks: () => [...world.callbacks.values()],
    pending: (bot) => bot.queue.map(({ update }) => structuredClone(update)),
    onUpdate(wake) {
      world.woken.add(wake);
      return () => world.woken.delete(wake);
    },
  };
}

/** A token that has the form of one but is nobody's is 401; one that has not even the form is 404. */
function botOf(world: World, token: string): Bot {
  if (!/^\d+:[\w-]{30,}$/.test(token)) throw new Refusal(404, "Not Found");
  const bot = world.bots.get(token);
  if (bot === undefined) throw new Refusal(401, "Unauthorized");
  if (bot.loggedOut) throw bad("Logged out");
  return bot;
}

type Builders = Pick<Platform, "newBot" | "newPerson" | "newGroup" | "privateChat" | "newTopic" | "migrate" | "revoke">;

function builders(world: World): Builders {
  return {
    newBot({ username, name = username, canReadAll = false, token }) {
      const id = token === undefined ? 7_000_000_000 + serial(world) : Number(token.split(":")[0]);
      const bot: Bot = {
        id,
        isBot: true,
        firstName: name,
        username,
        deactivated: false,
        token: token ?? newToken(world, id),
        canReadAll,
        webhook: "",
        allowedUpdates: undefined,
        queue: [],
        nextUpdateId: 100_000_000 + Math.floor(world.random() * 800_000_000),
        commands: new Map(),
        loggedOut: false,
      };
      world.bots.set(bot.token, bot);
      return bot;
    },
    newPerson: (given) => createPerson(world, newUser(world, given)),
    newGroup({ title, kind = "supergroup", members, admins = [], username }) {
      const number = 1_000_000 + serial(world);
      const id = kind === "group" ? -number : -1_000_000_000_000 - number;
      const chat = { ...newChat(String(id), id, kind), title, username };
      for (const { id } of members) chat.members.set(id, chat.members.size === 0 ? "creator" : "member");
      for (const { id } of admins) chat.members.set(id, "administrator");
      world.chats.set(chat.key, chat);
      return chat;
    },
    privateChat(bot, { id }) {
      const key = privateKey(bot.id, id);
      const known = world.chats.get(key);
      if (known !== undefined) return known;
      const chat = { ...newChat(key, id, "private"), person: id, bot: bot.id };
      world.chats.set(key, chat);
      return chat;
    },
    newTopic(chat, by, name) {
      const opening = openTopic(world, chat, { name, by: by.id });
      tellMessage(world, opening);
      return opening.id;
    },
    migrate(chat) {
      const id = -1_000_000_000_000 - (1_000_000 + serial(world));
      const next = { ...newChat(String(id), id, "supergroup"), title: chat.title, members: new Map(chat.members) };
      world.chats.set(next.key, next);
      const by = [...chat.members.keys()][0] ?? 0;
      tellMessage(world, put(world, chat, { from: by, service: { migrate_to_chat_id: id } }));
      tellMessage(world, put(world, next, { from: by, service: { migrate_from_chat_id: chat.id } }));
      chat.migratedTo = id;
      return next;
    },
    revoke(bot) {
      world.bots.delete(bot.token);
      bot.token = newToken(world, bot.id);
      world.bots.set(bot.token, bot);
      return bot.token;
    },
  };
}

function newChat(key: string, id: number, kind: ChatKind): Chat {
  return {
    key,
    id,
    kind,
    members: new Map(),
    messages: new Map(),
    // A group's first message says that it was made, so that no topic of a forum has the id of "General".
    nextMessageId: kind === "private" ? 1 : 2,
    topics: new Map(),
    started: false,
    blocked: false,
    readOnly: false,
    actions: [],
    drafts: new Map(),
  };
}

/** Numbers from 0 to 1, the same ones for each platform. */
function sequence(): () => number {
  let state = 0x2545f491;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
