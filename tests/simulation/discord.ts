// Discord in a run: the fake platform with its people, and the whole adapter on simulated sockets and requests.
import { openDiscord } from "../../src/adapters/discord/index.ts";
import { discordTraits } from "../../src/adapters/discord/traits.ts";
import { createDiscord, type Discord } from "../adapters/discord/fake/discord.ts";
import type { DispatchFault, FaultRule, RequestFault } from "../adapters/discord/fake/faults.ts";
import type { Person } from "../adapters/discord/fake/person.ts";
import type { Request } from "../adapters/discord/fake/rest.ts";
import type { Upload } from "../adapters/discord/fake/route.ts";
import { type Channel, isThread, type Json, type Message } from "../adapters/discord/fake/world.ts";
import type { Chance } from "./chance.ts";
import { actOn, type Shown, type Stage, type Where } from "./chats.ts";
import { type Asked, createExchange, type Outcome } from "./exchange.ts";
import { watchStopped } from "./machine.ts";
import { mayKnow, unread } from "./owed.ts";
import { cutAll, type Network } from "./sockets.ts";
import { drawFaults } from "./troubles.ts";
import type { Common, Lived, Seen, Side, World } from "./world.ts";

const origin = "https://discord.test";
const gatewayUrl = "wss://gateway.discord.test";

const sends = ["POST /channels/:id/messages", "POST /webhooks/:id/:token"];
const edits = ["PATCH /channels/:id/messages/:id", "DELETE /channels/:id/messages/:id"];
const looks = ["GET /channels/:id/messages"];

interface Drawn {
  /** Routes of requests; without them, all. */
  routes?: readonly string[];
  rule: { on: "request"; fault: RequestFault } | { on: "dispatch"; fault: DispatchFault };
}

const onRequest = (fault: RequestFault, routes?: readonly string[]): Drawn => ({
  rule: { on: "request", fault },
  ...(routes === undefined ? {} : { routes }),
});
const onDispatch = (fault: DispatchFault): Drawn => ({ rule: { on: "dispatch", fault } });

const faultKinds: readonly ((chance: Chance) => Drawn)[] = [
  () => onRequest({ kind: "reset", acts: true }, sends),
  () => onRequest({ kind: "reset" }, sends),
  (chance) => onRequest({ kind: "hang", acts: chance.often(0.5) }, sends),
  () => onRequest({ kind: "reset", acts: true }, edits),
  (chance) => onRequest({ kind: "hang", acts: chance.often(0.5) }, edits),
  () => onRequest({ kind: "reset" }, looks),
  (chance) =>
    onRequest(
      { kind: "limited", retryAfterS: chance.between(1, 40), scope: chance.pick(["user", "shared"] as const) },
      [...sends, ...edits, ...looks],
    ),
  (chance) => onRequest({ kind: "html", status: chance.pick([500, 502, 504]), acts: chance.often(0.5) }),
  () => onRequest({ kind: "cut" }),
  (chance) => onRequest({ kind: "delay", ms: chance.below(20_000) }),
  () => onDispatch({ kind: "duplicate" }),
  () => onDispatch({ kind: "reorder" }),
  () => onDispatch({ kind: "withhold" }),
  () => onDispatch({ kind: "lose" }),
  () => onDispatch({ kind: "sever" }),
  (chance) => onDispatch({ kind: "close", code: chance.pick([4000, 4009, 1001]) }),
];

interface Parts {
  common: Common;
  discord: Discord;
  people: ReadonlyMap<string, Person>;
  room: Channel;
  /** No call is broken. */
  calm: boolean;
  chance: Chance;
  /** Of the life that is there. */
  network: { now: Network | undefined };
}

/** A platform in which nothing has happened so far. */
export function createDiscordWorld(common: Common, { chance, calm }: { chance: Chance; calm: boolean }): World {
  const own = chance.fork();
  const clock = { ...common.time.clockOf({ dead: () => false }, own), now: common.time.true };
  const discord = createDiscord({ clock, wireClock: clock, rates: common.traits.rates });
  discord.world.gatewayUrl = gatewayUrl;
  discord.world.cdnUrl = origin;
  const everybody = ["ann", "ben", "cat", "sid", "tom"].map((name) => discord.user(name));
  const guild = discord.guild("server", { people: everybody.slice(0, 4) });
  const room = discord.channel(guild, "team");
  for (const one of everybody) one.directChannel();
  const people = new Map(everybody.map((one) => [one.id, one]));
  return { ...common, side: sideOf({ common, discord, people, room, calm, chance: own, network: { now: undefined } }) };
}

function sideOf(parts: Parts): Side {
  const { common, discord, people, room, network } = parts;
  const ids = [...people.keys()];
  const stage = stageOf(parts, { known: ids.slice(0, 3), strangers: ids.slice(3) });
  const conversations = [room.id, ...ids.map((id) => stage.directOf(id))];
  // What was deleted before it could be read is nobody's.
  const owes: Side["owes"] = (sent) => discord.world.places.get(sent.id)?.deleted !== true && mayKnow(common, sent);
  return {
    traits: discordTraits,
    toolOutput: common.traits.small ? "full" : "summary",
    owner: ids[0] ?? "",
    known: stage.known,
    strangers: stage.strangers,
    faults: discord.faults,
    breakCalls() {
      if (parts.calm) return;
      for (const { rule, probability } of drawFaults(faultKinds, parts.chance)) addFault(parts, { rule, probability });
    },
    act: (chance) => actOn(common, stage, chance),
    places: () => conversations.map((id) => ({ id, said: saidIn(discord, id) })),
    now: (place) => place,
    directOf: stage.directOf,
    owes,
    isDeleted: ({ id }) => discord.world.places.get(id)?.deleted === true,
    unheard() {
      const isHeard = discord.gateway.sessions().some(({ connected, zombie }) => connected && !zombie);
      return isHeard ? unread(common, owes) : ["nobody listens"];
    },
    calm() {
      // Of an event that never came the next one tells.
      const [first] = people.values();
      first?.say(room, "good night");
    },
    network: () => network.now,
    line: (given) => lineOf(parts, given),
    died() {
      if (network.now !== undefined) cutAll(network.now);
      network.now = undefined;
    },
  };
}

function addFault({ discord, chance }: Parts, { rule, probability }: { rule: Drawn; probability: number }): void {
  for (const route of rule.routes ?? [undefined]) {
    const when = () => chance.often(probability);
    const whole: FaultRule = { ...rule.rule, when, ...(route === undefined ? {} : { route }) };
    discord.faults.add(whole);
  }
}

/** A conversation with its threads. */
function saidIn({ world, bot }: Discord, conversation: string): Seen[] {
  const found: Seen[] = [];
  for (const channel of world.channels.values()) {
    const thread = isThread(channel) && channel.parent?.id === conversation;
    if (!thread && channel.id !== conversation) continue;
    for (const one of channel.messages.values()) {
      if (one.author.id !== bot.id || (one.kind !== 0 && one.kind !== 19 && one.kind !== 20)) continue;
      found.push({
        id: one.id,
        thread: thread ? channel.id : undefined,
        text: plain(one.text),
        forms: [...one.forms.map(({ text }) => plain(text)), plain(one.text)],
        deleted: one.deleted,
        files: one.files.map(({ name }) => name),
        onlyFor: one.onlyFor,
        nonce: one.nonce === undefined ? undefined : String(one.nonce),
      });
    }
  }
  return found;
}

/** As Discord shows it: a backslash before a mark is gone. */
function plain(text: string): string {
  return text.replace(/\\([^\p{L}\p{N}\s])/gu, "$1");
}

interface Component {
  custom_id?: string;
  options?: { value: string }[];
  components?: Component[];
}

/** Buttons, and the entries of select menus. */
function choicesOf(components: readonly Component[]): { id: string; value?: string }[] {
  return components.flatMap(({ custom_id: id, options, components: inner }) => {
    if (inner !== undefined) return choicesOf(inner);
    if (id === undefined) return [];
    return options === undefined ? [{ id }] : options.map(({ value }) => ({ id, value }));
  });
}

function stageOf(
  { common, discord, people, room }: Parts,
  { known, strangers }: { known: readonly string[]; strangers: readonly string[] },
): Stage {
  const { bot, world } = discord;
  const person = (id: string): Person => {
    const found = people.get(id);
    if (found === undefined) throw new Error(`There is nobody ${id}`);
    return found;
  };
  const channelOf = ({ conversation, thread }: Where): Channel => {
    const found = world.channels.get(thread ?? conversation);
    if (found === undefined) throw new Error(`There is no channel ${thread ?? conversation}`);
    return found;
  };
  const there = (user: string, where: Where): Message[] =>
    [...channelOf(where).messages.values()].filter(
      ({ deleted, onlyFor, kind }) => !deleted && (onlyFor ?? user) === user && kind !== 18 && kind !== 21,
    );
  const shownOf = ({ id, author, components }: Message): Shown => ({
    id,
    by: author.id,
    buttons: choicesOf(components).length,
  });
  return {
    bot: bot.id,
    known,
    strangers,
    room: room.id,
    directOf: (user) => person(user).directChannel().id,
    besideOf: (where) => where,
    say(user, where, { text, replyTo, file }) {
      return person(user).say(channelOf(where), text, {
        ...(replyTo === undefined ? {} : { replyTo: { id: replyTo } }),
        ...(file === undefined ? {} : { files: [{ name: "a.bin", bytes: file }] }),
      }).id;
    },
    edit: (user, _where, { id, text }) => person(user).edit({ id }, text),
    remove: (user, _where, id) => person(user).delete({ id }),
    press(user, where, { id, n }) {
      const message = there(user, where).find((one) => one.id === id);
      const choice = choicesOf(message?.components ?? [])[n];
      if (choice?.value !== undefined) person(user).select({ id }, choice.id, [choice.value]);
      else if (choice !== undefined) person(user).press({ id }, choice.id);
    },
    slash(user, where, { name, args }) {
      // The menu may not have been set so far.
      const isSet = discord.commands().some((command) => command.name === name);
      if (isSet) person(user).slash(channelOf(where), name, args === "" ? {} : { args });
    },
    react: (user, _where, id) => person(user).react({ id }, "👍"),
    threadAt(user, where, id) {
      const message = world.places.get(id);
      if (message === undefined || message.onlyFor !== undefined) return where;
      return { ...where, thread: (message.thread ?? person(user).startThread({ id }, "thread")).id };
    },
    shown: (user, where) => there(user, where).map(shownOf),
    mention: (text) => `<@${bot.id}> ${text}`,
    disturb(how) {
      common.note(`the sockets are ${how}`);
      if (how === "cut") discord.gateway.sever();
      else discord.gateway.zombie(true);
    },
  };
}

function lineOf({ common, discord, chance: own, network }: Parts, { life, chance }: { life: Lived; chance: Chance }) {
  const { latencyMs } = common.traits;
  const latency = () => (latencyMs === 0 ? 0 : own.below(latencyMs));
  network.now = {
    world: common,
    life,
    latency,
    open: new Set(),
    connect: (url, far) => discord.gateway.connect(far, url.searchParams),
  };
  const fetch = createExchange({ world: common, chance, life, act: (asked) => exchange({ common, discord }, asked) });
  return (deps: Parameters<ReturnType<Side["line"]>>[0]) =>
    openDiscord(
      { botToken: "bot", apiUrl: `${origin}/api`, gatewayUrl: undefined, guilds: undefined },
      { ...deps, secret: () => discord.bot.token, fetch },
    );
}

/** One request, under the faults. */
function exchange({ common, discord }: Pick<Parts, "common" | "discord">, asked: Asked): Outcome {
  const { method, url } = asked;
  if (url.pathname.startsWith("/attachments/")) {
    const file = discord.world.files.get(url.pathname.split("/")[3] ?? "");
    return discord.rest.download(url.pathname, () => ({
      status: file === undefined ? 404 : 200,
      headers: {},
      body: file?.bytes ?? "",
    }));
  }
  const request = requestOf(asked);
  const outcome = discord.rest.exchange(request);
  const { content } = (request.body ?? {}) as { content?: string };
  const [, channel] = /^\/api\/v10\/channels\/(\d+)\/messages/.exec(url.pathname) ?? [];
  if (channel !== undefined && typeof content === "string" && method !== "GET") {
    const conversation = discord.world.channels.get(channel)?.parent?.id ?? channel;
    if (outcome.kind === "answer" && outcome.status < 300) watchStopped(common, { chat: conversation, text: content });
  }
  const text = typeof content === "string" ? ` ${JSON.stringify(content.slice(0, 120))}` : "";
  const quiet = /\/(?:typing|reactions|commands)/.test(url.pathname);
  return { ...outcome, ...(quiet ? {} : { note: `${method} ${url.pathname}${text}` }) };
}

function requestOf({ method, url, headers, body }: Asked): Request {
  const files = new Map<number, Upload>();
  const authorization = headers.get("authorization") ?? undefined;
  const whole = { method, path: url.pathname, query: url.searchParams, authorization, badBody: false, files };
  if (!(body instanceof FormData)) {
    const text = typeof body === "string" ? body : undefined;
    return { ...whole, body: text === undefined ? undefined : (JSON.parse(text) as Json), size: text?.length ?? 0 };
  }
  const payload = body.get("payload_json");
  for (const [name, value] of body) {
    const number = /^files\[(\d+)\]$/.exec(name)?.[1];
    // Nobody looks into what was sent; that it arrives is what counts.
    if (number !== undefined && typeof value !== "string")
      files.set(Number(number), { name: value.name, type: value.type, bytes: new Uint8Array(value.size) });
  }
  return { ...whole, body: typeof payload === "string" ? (JSON.parse(payload) as Json) : {}, size: 1_000 };
}
