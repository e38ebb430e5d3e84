// The line to Discord: how it begins, breaks, goes on and ends, and what is read of the time in between.
import { expect, test } from "bun:test";
import type { KnownPlace } from "../../../src/adapters/adapter.ts";
import { Failure } from "../../../src/core/failure.ts";
import { limits } from "../../../src/core/limits.ts";
import { connected, type Door, type DoorOptions, hasty, openDoor, room, until } from "./door.ts";
import { createDiscord, type Discord } from "./fake/index.ts";

/** Heartbeats often, sessions that may follow each other at once. */
function quick(more: NonNullable<Parameters<typeof createDiscord>[0]>["gateway"] = {}): Discord {
  return createDiscord({ rates: false, gateway: { heartbeatIntervalMs: 300, identifyEveryMs: 0, ...more } });
}

const what = (discord: Discord, kind: string) => discord.gateway.journal.filter((one) => one.what === kind).length;
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `m${from + index}`);

/** The places as the gateway would tell them: what came in, the newest of each channel. */
function placesOf(door: () => Door): () => readonly KnownPlace[] {
  return () => {
    const places = new Map<string, KnownPlace>();
    for (const one of door().received) {
      if (one.kind !== "message") continue;
      const { conversation, thread, id, sentAt } = one;
      places.set(thread ?? conversation.id, {
        conversation,
        ...(thread === undefined ? {} : { thread }),
        newest: { id, sentAt },
      });
    }
    return [...places.values()];
  };
}

/** A door that knows its places. */
async function opened(options: DoorOptions): Promise<Door> {
  let door: Door | undefined;
  door = await connected({
    ...options,
    places: placesOf(() => door ?? Object.assign({} as Door, { received: [] })),
  });
  return door;
}

test("a connection that is cut is resumed, and nothing is missing or doubled by us", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  ann.say(channel, "m1");
  await until(() => door.received.length === 1);
  discord.gateway.sever();
  for (const text of numbered(2, 5)) ann.say(channel, text);
  await until(() => door.received.length >= 5, "what was said meanwhile comes");
  expect(door.texts()).toEqual(numbered(1, 5));
  expect([what(discord, "identify"), what(discord, "resume")]).toEqual([1, 1]);
  expect(door.adapter.health().state).toBe("connected");
});

test("Discord's wish for a new connection is followed at once", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  discord.gateway.reconnect();
  ann.say(channel, "m1");
  await until(() => door.received.length === 1, "it comes", 900);
  expect(what(discord, "resume")).toBe(1);
});

test("what a resume does not bring is fetched, before what came later", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  ann.say(channel, "m1");
  await until(() => door.received.length === 1);
  discord.faults.add({ on: "dispatch", fault: { kind: "lose" }, event: "MESSAGE_CREATE", times: 3 });
  for (const text of numbered(2, 6)) ann.say(channel, text);
  await until(() => new Set(door.texts()).size >= 6, "all of them come");
  expect([...new Set(door.texts())]).toEqual(numbered(1, 6));
});

test("events that come twice or in another order harm nothing", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  ann.say(channel, "m1");
  await until(() => door.received.length === 1);
  discord.faults.add({ on: "dispatch", fault: { kind: "duplicate" }, event: "MESSAGE_CREATE", times: 1 });
  ann.say(channel, "m2");
  await until(() => door.received.length >= 3, "both forms come");
  const [, one, other] = door.received;
  expect(one).toEqual(other as typeof one & object);
});

test("after a session that is over, the gap is read from the channels with a session", async () => {
  const discord = quick();
  const { ann, guild, channel } = room(discord);
  const quiet = discord.channel(guild, "quiet");
  await using door = await opened({ discord });
  ann.say(channel, "m1");
  const thread = ann.startThread(ann.say(channel, "m2"), "below");
  ann.say(thread, "m3");
  await until(() => door.received.length === 3);
  discord.gateway.sever();
  discord.gateway.expire();
  for (const text of numbered(4, 250)) ann.say(channel, text);
  ann.say(thread, "t1");
  ann.say(quiet, "nobody was here");
  await until(() => door.received.length >= 251, "the gap is read", 12_000);
  ann.say(channel, "live");
  await until(() => door.texts().includes("live"));
  const inChannel = door.received.filter((one) => one.thread === undefined);
  expect(inChannel.map((one) => (one.kind === "message" ? one.text : ""))).toEqual([
    ...numbered(1, 2),
    ...numbered(4, 250),
    "live",
  ]);
  expect(door.received.find((one) => one.kind === "message" && one.text === "t1")).toMatchObject({
    thread: thread.id,
    conversation: { id: channel.id, kind: "shared" },
  });
  expect(door.texts()).not.toContain("nobody was here");
}, 20_000);

test("a session that Discord calls over is begun anew", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  ann.say(channel, "m1");
  await until(() => door.received.length === 1);
  discord.gateway.invalidate(false);
  ann.say(channel, "m2");
  await until(() => door.texts().includes("m2"), "the missed one is fetched", 12_000);
  expect(what(discord, "identify")).toBe(2);
}, 20_000);

test("a socket on which nothing comes any more is replaced", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  await until(() => what(discord, "heartbeat") > 0);
  discord.gateway.zombie(true);
  ann.say(channel, "m1");
  await until(() => door.received.length === 1, "it comes over another socket");
  expect(what(discord, "resume")).toBe(1);
  await until(() => discord.gateway.sessions().filter(({ connected: open }) => open).length === 1);
});

test("a busy thread is no dead socket", async () => {
  const discord = quick({ heartbeatIntervalMs: 1_000 });
  const { journal } = discord.gateway;
  let busy = 2;
  const push = journal.push.bind(journal);
  // From the moment of a heartbeat on this thread has no time to read the answer before the next one is due.
  journal.push = (...lines) => {
    const heartbeat = lines.some((line) => line.what === "heartbeat");
    if (heartbeat && busy > 0) {
      busy -= 1;
      for (const end = performance.now() + 1_150; performance.now() < end; ) Math.sqrt(busy);
    }
    return push(...lines);
  };
  await using door = await opened({ discord });
  await until(() => busy === 0 && what(discord, "heartbeat") > 3, "heartbeats go on");
  expect([what(discord, "identify"), what(discord, "resume")]).toEqual([1, 0]);
  expect(door.adapter.health().state).toBe("connected");
});

test("a refused token is said with its mend, and another one in settings is taken soon", async () => {
  const discord = quick();
  await using door = await openDoor({ discord, token: "MTIz.wrong.token" });
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toContain("adapters.dc.botToken");
  expect(door.said()).not.toContain("MTIz.wrong.token");
  door.setToken(discord.bot.token);
  await until(() => door.adapter.health().state === "connected", "the new one is taken", 12_000);
}, 20_000);

test("a token that is taken back ends the line, with its mend", async () => {
  const discord = quick();
  await using door = await opened({ discord, token: discord.bot.token });
  discord.revoke();
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toContain("does not know the bot token");
  await expect(
    door.adapter.post(
      { adapter: "dc", conversation: { id: "123456789012345678", kind: "shared" } },
      { body: "x", buttons: [], audible: false, forming: false, nonce: "n" },
    ),
  ).rejects.toMatchObject({ fate: "later", everywhere: true });
});

test("a missing intent is named with the place where it is switched on", async () => {
  const discord = quick();
  discord.bot.granted.clear();
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toMatch(/Message Content Intent.*developers\/applications/);
  expect(what(discord, "identify")).toBe(1);
});

test("a bot that needs shards gets them, also when Discord says so late", async () => {
  const discord = quick();
  discord.bot.shardsNeeded = 2;
  const { ann, channel } = room(discord);
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "connected", `two shards: ${door.said()}`, 12_000);
  expect(discord.gateway.sessions().map(({ shard }) => shard[1])).toEqual([2, 2]);
  ann.say(channel, "by its shard");
  ann.direct("by the first");
  await until(() => door.received.length === 2);
}, 20_000);

test("a server that is not there is tried again with growing pauses", async () => {
  const discord = quick();
  discord.faults.add({ on: "request", fault: { kind: "html", status: 502 }, route: "GET /gateway/bot", times: 2 });
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toMatch(/Cannot reach Discord at 127\.0\.0\.1/);
  await until(() => door.adapter.health().state === "connected", "it comes back");
  expect(door.calls("GET /gateway/bot")).toBe(3);
});

test("a gateway that refuses connections is not asked without end", async () => {
  const discord = quick();
  discord.faults.add({ on: "socket", fault: { kind: "refuse", status: 503 } });
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  const before = performance.now();
  await until(() => performance.now() - before > 3_000, "time goes by");
  expect(discord.faults.counts()["socket refuse"]).toBeLessThan(6);
});

test("what the program cannot store comes again, in its order", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  let failing = 2;
  await using door = await opened({
    discord,
    receive: () => {
      failing -= 1;
      if (failing >= 0) throw new Failure("store", "The disk is full");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  for (const text of numbered(1, 3)) ann.say(channel, text);
  await until(() => door.received.length >= 5, "all are taken");
  expect(door.texts()).toEqual(["m1", "m1", "m1", "m2", "m3"]);
});

test("a stop overtakes what hangs", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  const { promise, resolve } = Promise.withResolvers<void>();
  await using door = await opened({
    discord,
    receive: async (inbound) => {
      if (inbound.kind === "message" && inbound.text === "slow") await promise;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  ann.say(channel, "slow");
  ann.say(channel, "stop", { mention: discord.bot });
  ann.say(channel, "after");
  await until(() => door.texts().includes("stop"), "the stop is taken");
  expect(door.texts()).not.toContain("after");
  resolve();
  await until(() => door.texts().includes("after"));
});

test("closing ends every socket, timer and try", async () => {
  const discord = quick();
  room(discord);
  const door = await opened({ discord });
  await door.adapter.close();
  await until(() => discord.gateway.sessions().length === 0, "the session is gone");
  expect(what(discord, "close 1000")).toBe(1);
  await door[Symbol.asyncDispose]();
});

test("closing in the pause between two tries ends them", async () => {
  const discord = quick();
  discord.faults.add({ on: "socket", fault: { kind: "refuse", status: 503 } });
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  await door.adapter.close();
  const tries = discord.faults.counts()["socket refuse"];
  const before = performance.now();
  await until(() => performance.now() - before > 2_500, "time goes by");
  expect(discord.faults.counts()["socket refuse"]).toBe(tries as number);
});

test.each([4000, 4001, 4002, 4008])("after %i the session goes on", async (code) => {
  const discord = quick();
  const { ann, channel } = room(discord);
  await using door = await opened({ discord });
  discord.gateway.close(code);
  ann.say(channel, "m1");
  await until(() => door.received.length === 1, "it comes");
  expect([what(discord, "identify"), what(discord, "resume")]).toEqual([1, 1]);
});

test.each([
  [4013, "an intent"],
  [4012, "another version"],
  [4010, "a shard"],
])("%i is said, and not tried again at once", async (code, problem) => {
  const discord = quick();
  discord.faults.add({ on: "socket", fault: { kind: "close", code }, moment: "identify", times: 1 });
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toContain(problem);
  expect(what(discord, "identify")).toBe(1);
});

test("a bot that may start no more sessions today waits: another try would cost its token", async () => {
  const discord = quick();
  discord.bot.identifiesLeft = 0;
  discord.bot.identifiesResetAt = Date.now() + 3_600_000;
  await using door = await openDoor({ discord });
  await until(() => door.adapter.health().state === "down");
  expect(door.adapter.health().problem).toContain("start no more sessions for 60 min");
  expect(what(discord, "identify")).toBe(0);
});

test("what was said while the program was away is read from where it stopped, also what it never stored", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  const first = ann.say(channel, "stored");
  const place: KnownPlace = { conversation: { id: channel.id, kind: "shared" }, newest: { id: first.id, sentAt: 0 } };
  const door = await connected({ discord, places: () => [place] });
  for (const text of ["one", "two"]) ann.say(channel, text);
  // What is said now may be read as well as told.
  await until(() => new Set(door.texts()).size === 2);
  await door[Symbol.asyncDispose]();
  for (const text of ["three", "four"]) ann.say(channel, text);
  await using again = await connected({ discord, memory: door.memory, places: () => [place] });
  ann.say(channel, "five");
  await until(() => again.texts().includes("five"), "it goes on");
  expect([...new Set(again.texts())]).toEqual(["three", "four", "five"]);
});

test("a channel that may not be read any more holds up nothing", async () => {
  const discord = quick();
  const { ann, guild, channel } = room(discord);
  const closed = discord.channel(guild, "closed");
  discord.deny(closed, ["VIEW_CHANNEL"], discord.bot);
  const newest = { id: ann.say(channel, "before").id, sentAt: 0 };
  const places = [closed, channel].map(({ id }): KnownPlace => ({ conversation: { id, kind: "shared" }, newest }));
  ann.say(channel, "missed");
  await using door = await connected({ discord, places: () => places });
  await until(() => door.texts().includes("missed"));
  expect(door.said()).toContain("Cannot read what was missed in a channel");
});

test("a gap is read although Discord asks to wait", async () => {
  const discord = quick();
  const { ann, channel } = room(discord);
  const newest = { id: ann.say(channel, "before").id, sentAt: 0 };
  ann.say(channel, "missed");
  discord.faults.add({
    on: "request",
    fault: { kind: "limited", retryAfterS: 1, scope: "user" },
    route: "GET /channels/:id/messages",
    times: 2,
  });
  const places: KnownPlace[] = [{ conversation: { id: channel.id, kind: "shared" }, newest }];
  await using door = await connected({ discord, places: () => places });
  ann.say(channel, "live");
  await until(() => door.texts().includes("live"));
  // What was said meanwhile is read as well as told: the gateway knows it by its id.
  expect([...new Set(door.texts())]).toEqual(["missed", "live"]);
});

test("an event that cannot be read is not asked for again for ever", async () => {
  const discord = quick({ heartbeatIntervalMs: 10_000 });
  const { ann, guild, channel } = room(discord);
  await using door = await connected({ discord, clock: hasty });
  const content = "x".repeat(limits.socketFrameCharsMax + 1);
  discord.world.emit({ event: "MESSAGE_CREATE", intents: undefined, guild, data: () => ({ content }) });
  await until(() => what(discord, "identify") === 2, "another session begins");
  ann.say(channel, "m1");
  await until(() => door.received.length === 1, "it goes on");
});

test("sessions that end again and again do not use up more than the day's", async () => {
  const discord = quick();
  discord.bot.identifiesLeft = 3;
  discord.bot.identifiesResetAt = Date.now() + 3_600_000;
  await using door = await openDoor({ discord, clock: hasty });
  for (let count = 1; count <= 3; count += 1) {
    await until(() => what(discord, "identify") === count && discord.gateway.sessions().length === 1, "one begins");
    discord.gateway.invalidate(false);
  }
  await until(() => door.adapter.health().problem?.includes("start no more sessions") === true, "it waits");
  expect(what(discord, "identify")).toBe(3);
});
