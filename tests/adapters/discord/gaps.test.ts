// What was missed, when much goes wrong at once: Discord's API is away, the store is full, messages are odd.
import { expect, test } from "bun:test";
import type { KnownPlace } from "../../../src/adapters/adapter.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { Inbound } from "../../../src/core/message.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { connected, type DoorOptions, hasty, room, until } from "./door.ts";
import { createDiscord } from "./fake/index.ts";

const history = "GET /channels/:id/messages";
const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `m${from + index}`);

/** A channel in which something was said before, and a door that knows it. */
function setUp() {
  const discord = createDiscord({ rates: false, gateway: { identifyEveryMs: 0 } });
  const { ann, guild, channel } = room(discord);
  const first = ann.say(channel, "before");
  const place: KnownPlace = { conversation: { id: channel.id, kind: "shared" }, newest: { id: first.id, sentAt: 0 } };
  const open = (options: DoorOptions = {}) => connected({ discord, places: () => [place], ...options });
  return { discord, ann, guild, channel, open };
}

const isText = (inbound: Inbound, text: string) => inbound.kind === "message" && inbound.text === text;

test("what was missed is read although Discord's API is away for long, before what is said meanwhile", async () => {
  const { discord, ann, channel, open } = setUp();
  for (const text of numbered(1, 3)) ann.say(channel, text);
  discord.faults.add({ on: "request", fault: { kind: "error", status: 503 }, route: history, times: 12 });
  await using door = await open({ clock: hasty });
  ann.say(channel, "live");
  await until(() => door.texts().includes("live"), `it goes on: ${door.said()}`);
  expect([...new Set(door.texts())]).toEqual([...numbered(1, 3), "live"]);
});

test("a message of a thread nobody told of waits until it can be asked for", async () => {
  const { discord, ann, channel, open } = setUp();
  await using door = await open({ clock: hasty });
  const hidden = discord.faults.add({ on: "dispatch", fault: { kind: "withhold" }, event: "THREAD_CREATE" });
  const thread = ann.newThread(channel, "below");
  hidden();
  discord.faults.add({ on: "request", fault: { kind: "reset" }, route: "GET /channels/:id", times: 12 });
  ann.say(thread, "in the thread");
  await until(() => door.texts().includes("in the thread"), `it comes: ${door.said()}`);
});

test("what comes while too much waits is not taken for what was dropped before it", async () => {
  const { ann, channel, open } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  await using door = await open({
    receive: async (inbound) => {
      if (!isText(inbound, "m1")) await promise;
      // Slowly, so that there is room for what is said then.
      if (inbound.kind === "message" && Number(inbound.text.slice(1)) % 10 === 0) await systemClock.sleep(5);
      return { state: "context", input: 1 };
    },
  });
  ann.say(channel, "m1");
  await until(() => door.texts().includes("m1"), "the line works");
  for (const text of numbered(2, 1_200)) ann.say(channel, text);
  await until(() => door.said().includes("Too many events wait"), "it is too much");
  resolve();
  await until(() => door.received.length > 50, "there is room");
  for (const text of numbered(1_201, 1_210)) ann.say(channel, text);
  await until(() => new Set(door.texts()).size === 1_210, "all of them come", 20_000);
  expect([...new Set(door.texts())]).toEqual(numbered(1, 1_210));
}, 40_000);

test("a stop does not stand for what is not stored yet when the program ends", async () => {
  const { discord, ann, channel, open } = setUp();
  const memory = new Map<string, string>();
  const door = await open({
    memory,
    receive: (inbound) => {
      if (isText(inbound, "important")) throw new Failure("store", "The disk is full");
      return { state: "done", ok: true };
    },
  });
  ann.say(channel, "important");
  ann.say(channel, "stop", { mention: discord.bot });
  await until(() => door.texts().includes("stop"), "the stop is taken");
  await door[Symbol.asyncDispose]();
  await using again = await open({ memory });
  await until(() => again.texts().includes("important"), "it is read again");
});

test("one odd message ends no reading", async () => {
  const { discord, ann, channel, open } = setUp();
  const said = numbered(1, 150).map((text) => ann.say(channel, text));
  const odd = discord.world.places.get(said[9]?.id as string);
  if (odd === undefined) throw new Error("It is not there");
  Object.assign(odd, { kind: "odd" });
  await using door = await open();
  ann.say(channel, "live");
  await until(() => door.texts().includes("live"));
  expect([...new Set(door.texts())]).toEqual([...numbered(1, 9), ...numbered(11, 150), "live"]);
});
