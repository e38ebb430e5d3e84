// Slack in a run: the fake workspace with its people, and the whole adapter on simulated sockets and requests.
import { openSlack } from "../../src/adapters/slack/index.ts";
import { slashPrefix } from "../../src/adapters/slack/scopes.ts";
import { slackTraits } from "../../src/adapters/slack/traits.ts";
import { commands } from "../../src/gateway/commands/index.ts";
import { elementsOf } from "../adapters/slack/fake/blocks.ts";
import type { Fault, FaultRule } from "../adapters/slack/fake/faults.ts";
import type { Sent as Envelope } from "../adapters/slack/fake/hub.ts";
import { createSlack, type Ephemeral, type Message, type Person, type Slack } from "../adapters/slack/fake/index.ts";
import type { Channel } from "../adapters/slack/fake/world.ts";
import type { Chance } from "./chance.ts";
import { actOn, type Shown, type Stage, type Where } from "./chats.ts";
import { createExchange } from "./exchange.ts";
import { isOvertaken, mayKnow, unread } from "./owed.ts";
import { cutAll, type Network } from "./sockets.ts";
import { drawFaults } from "./troubles.ts";
import { answer, wordsOf } from "./webapi.ts";
import type { Common, Lived, Seen, Sent, Side, World } from "./world.ts";

const origin = "https://slack.test";
const dayMs = 24 * 60 * 60_000;

const sends = [
  "chat.postMessage",
  "chat.postEphemeral",
  "chat.startStream",
  "files.completeUploadExternal",
  "response_url",
];
const edits = ["chat.update", "chat.appendStream", "chat.stopStream", "chat.delete"];
const looks = ["conversations.history", "conversations.replies"];

const faultKinds: readonly ((chance: Chance) => Pick<FaultRule, "fault" | "methods">)[] = [
  () => ({ fault: { kind: "lose" }, methods: sends }),
  () => ({ fault: { kind: "drop" }, methods: sends }),
  (chance) => ({ fault: { kind: "hang", acts: chance.often(0.5) }, methods: sends }),
  () => ({ fault: { kind: "lose" }, methods: edits }),
  (chance) => ({ fault: { kind: "hang", acts: chance.often(0.5) }, methods: edits }),
  () => ({ fault: { kind: "drop" }, methods: looks }),
  (chance) => ({
    fault: { kind: "limit", retryAfterS: chance.between(1, 40) },
    methods: [...sends, ...edits, ...looks],
  }),
  (chance) => ({ fault: { kind: "status", status: chance.pick([500, 502, 504]), acts: chance.often(0.5) } }),
  () => ({ fault: { kind: "cut" } }),
  (chance) => ({ fault: { kind: "delay", ms: chance.below(20_000) } }),
  () => ({ fault: { kind: "swallow" }, methods: ["envelope"] }),
  () => ({ fault: { kind: "duplicate" }, methods: ["envelope"] }),
  () => ({ fault: { kind: "reorder" }, methods: ["envelope"] }),
  () => ({ fault: { kind: "drop" }, methods: ["envelope"] }),
  () => ({ fault: { kind: "mute" }, methods: ["envelope", "socket"] }),
  () => ({ fault: { kind: "swallow" }, methods: ["ack"] }),
  (chance) => ({
    fault: chance.pick<Fault>([{ kind: "drop" }, { kind: "lose" }, { kind: "hang" }]),
    methods: [...sends, ...edits, ...looks],
  }),
];

interface Parts {
  common: Common;
  slack: Slack;
  people: ReadonlyMap<string, Person>;
  room: Channel;
  /** No call is broken. */
  calm: boolean;
  chance: Chance;
  /** Of the life that is there. */
  network: { now: Network | undefined };
}

/** A workspace in which nothing has happened so far. */
export function createSlackWorld(common: Common, { chance, calm }: { chance: Chance; calm: boolean }): World {
  const own = chance.fork();
  const clock = common.time.clockOf({ dead: () => false }, own);
  const slack = createSlack({
    clock: { now: common.time.true, sleep: clock.sleep },
    random: own.next,
    rates: common.traits.rates,
    app: { name: "helper", commands: commands.map(({ name }) => `${slashPrefix}${name}`) },
  });
  slack.world.origin = origin;
  const everybody = ["ann", "ben", "cat", "sid", "tom"].map((name) => slack.user(name));
  const room = slack.newChannel("team", { members: [...everybody.slice(0, 4), slack.app] });
  const people = new Map(everybody.map((one) => [one.id, one]));
  const parts = { common, slack, people, room, calm, chance: own, network: { now: undefined } };
  return { ...common, side: sideOf(parts) };
}

function sideOf(parts: Parts): Side {
  const { common, slack, people, network } = parts;
  const ids = [...people.keys()];
  const stage = stageOf(parts, { known: ids.slice(0, 3), strangers: ids.slice(3) });
  const envelopes = new Map<string, Envelope[]>();
  let read = 0;
  const envelopesOf = (place: string): Envelope[] => {
    for (const one of slack.sockets.envelopes.slice(read)) {
      const event = one.payload.event as { channel?: string; ts?: string } | undefined;
      const key = `${event?.channel}/${event?.ts}`;
      envelopes.set(key, [...(envelopes.get(key) ?? []), one]);
    }
    read = slack.sockets.envelopes.length;
    return envelopes.get(place) ?? [];
  };
  const owes: Side["owes"] = (sent) => {
    const all = envelopesOf(`${sent.chat}/${sent.id}`);
    if (all.some(({ ackedAt }) => ackedAt !== undefined && ackedAt - sent.at < dayMs)) return true;
    // What was deleted before it could be read is nobody's, and Slack's events have no numbers that tell of a lost one.
    return isThere(slack, sent) && mayKnow(common, sent) && !isOvertaken(common, sent);
  };
  return {
    traits: slackTraits,
    toolOutput: common.traits.small ? "full" : "summary",
    owner: ids[0] ?? "",
    known: stage.known,
    strangers: stage.strangers,
    faults: slack.faults,
    breakCalls() {
      if (parts.calm) return;
      for (const { rule, probability } of drawFaults(faultKinds, parts.chance))
        slack.faults.add({ ...rule, probability });
    },
    act: (chance) => actOn(common, stage, chance),
    places: () =>
      [...slack.world.channels.values()].map((channel) => ({ id: channel.id, said: saidIn(slack, channel) })),
    now: (place) => place,
    directOf: stage.directOf,
    owes,
    isDeleted: (one) => !isThere(slack, one),
    unheard: () => (slack.sockets.pending().length > 0 ? ["envelopes are not acknowledged"] : unread(common, owes)),
    // An event that was lost on a line that works is found by the next gap of it.
    calm: () => slack.sockets.cut(slack.app),
    network: () => network.now,
    line: (given) => lineOf(parts, given),
    died() {
      if (network.now !== undefined) cutAll(network.now);
      network.now = undefined;
    },
  };
}

function isThere({ world }: Slack, { chat, id }: Sent): boolean {
  return world.channels.get(chat)?.messages.get(id)?.deleted === false;
}

function saidIn({ world, app }: Slack, channel: Channel): Seen[] {
  const open = [...channel.messages.values()]
    .filter(({ botId }) => botId === app.botId)
    .map(
      (one): Seen => ({
        id: one.ts,
        thread: one.threadTs === one.ts ? undefined : one.threadTs,
        text: wordsOf(one),
        forms: [...one.forms.map(({ text }) => text), wordsOf(one)],
        deleted: one.deleted,
        files: one.files.map((id) => world.files.get(id)?.name ?? ""),
        nonce: String(one.metadata?.event_payload.nonce),
      }),
    );
  const hidden = world.ephemerals
    .filter((one) => one.channel === channel)
    .map(
      (one): Seen => ({
        id: one.ts,
        thread: one.threadTs,
        text: wordsOf(one),
        forms: [wordsOf(one)],
        deleted: one.deleted,
        files: [],
        onlyFor: one.user,
      }),
    );
  return [...open, ...hidden];
}

function buttonsOf({ blocks }: Pick<Message | Ephemeral, "blocks">): string[] {
  return elementsOf(blocks ?? []).flatMap(({ element }) =>
    element.type === "button" && typeof element.action_id === "string" ? [element.action_id] : [],
  );
}

function stageOf(
  { common, slack, people, room }: Parts,
  { known, strangers }: { known: readonly string[]; strangers: readonly string[] },
): Stage {
  const { app } = slack;
  const person = (id: string): Person => {
    const found = people.get(id);
    if (found === undefined) throw new Error(`There is nobody ${id}`);
    return found;
  };
  const there = (user: string, { conversation, thread }: Where): (Message | Ephemeral)[] => {
    const all = slack.messages(conversation).filter(({ deleted, subtype }) => !deleted && subtype === undefined);
    const inThread = (one: { ts: string; threadTs?: string }) =>
      thread === undefined ? one.threadTs === undefined || one.threadTs === one.ts : one.threadTs === thread;
    return [...all, ...slack.ephemerals(conversation, { id: user })].filter(inThread);
  };
  const shownOf = (one: Message | Ephemeral): Shown => ({
    id: one.ts,
    by: "app" in one ? app.user.id : one.user,
    buttons: buttonsOf(one).length,
  });
  /** What one person alone sees has none. */
  const threadAt = (where: Where, id: string): Where =>
    slack.messages(where.conversation).some(({ ts }) => ts === id) ? { ...where, thread: id } : where;
  return {
    bot: app.user.id,
    known,
    strangers,
    room: room.id,
    directOf: (user) => person(user).dm().id,
    besideOf: threadAt,
    say(user, { conversation, thread }, { text, file }) {
      return person(user).say(conversation, text, {
        ...(thread === undefined ? {} : { thread }),
        ...(file === undefined ? {} : { files: [{ name: "a.bin", bytes: file }] }),
      });
    },
    edit: (user, { conversation }, { id, text }) => person(user).edit(conversation, id, text),
    remove: (user, { conversation }, id) => person(user).delete(conversation, id),
    press(user, where, { id, n }) {
      const message = there(user, where).find(({ ts }) => ts === id);
      const action = message === undefined ? undefined : buttonsOf(message)[n];
      if (action !== undefined) person(user).press({ channel: where.conversation, ts: id }, action);
    },
    slash: (user, { conversation }, { name, args }) => person(user).slash(conversation, `${slashPrefix}${name}`, args),
    react(user, where, id) {
      const isPlain = there(user, where).some((one) => one.ts === id && !("app" in one));
      if (isPlain) person(user).react(where.conversation, id, "thumbsup");
    },
    threadAt: (_user, where, id) => threadAt(where, id),
    shown: (user, where) => there(user, where).map(shownOf),
    mention: (text) => `<@${app.user.id}> ${text}`,
    disturb(how) {
      common.note(`the sockets are ${how}`);
      slack.sockets[how](app);
    },
  };
}

function lineOf({ common, slack, chance: own, network }: Parts, { life, chance }: { life: Lived; chance: Chance }) {
  const { latencyMs } = common.traits;
  const connect: Network["connect"] = (url, far) => {
    const app = slack.sockets.redeem(url.searchParams.get("ticket") ?? "");
    const fault = slack.faults.next({ method: "socket", params: {} });
    if (app === undefined || fault?.kind === "drop" || fault?.kind === "status") return undefined;
    if (fault?.kind === "mute" || fault?.kind === "hang") far.mute();
    const link = slack.sockets.attach(app, { ...far, close: far.close, destroy: far.sever });
    return { receive: link.receive, ended: link.gone };
  };
  const latency = () => (latencyMs === 0 ? 0 : own.below(latencyMs));
  network.now = { world: common, life, latency, connect, open: new Set() };
  const fetch = createExchange({ world: common, chance, life, act: (asked) => answer({ common, slack }, asked) });
  return (deps: Parameters<ReturnType<Side["line"]>>[0]) =>
    openSlack(
      { botToken: "bot", appToken: "app", apiUrl: `${origin}/api/` },
      { ...deps, secret: (ref) => (ref === "bot" ? slack.app.botToken : slack.app.appToken), fetch },
    );
}
