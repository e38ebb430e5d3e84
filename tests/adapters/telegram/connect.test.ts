// The line to Telegram under everything that happens to lines: nothing is lost, nothing is flooded, all of it is told.
import { expect, test } from "bun:test";
import { Failure } from "../../../src/core/failure.ts";
import { limits } from "../../../src/core/limits.ts";
import type { Receipt } from "../../../src/core/message.ts";
import { connected, type Door, openDoor } from "./door.ts";
import { createPlatform } from "./fake/platform.ts";

/** A person who has written to the bot before. */
function someone(door: Pick<Door, "platform" | "bot">, firstName = "Ada") {
  const person = door.platform.newPerson({ firstName });
  return { person, chat: door.platform.privateChat(door.bot, person) };
}

/** Resolves when it is told to. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const problem = (door: Door) => door.adapter.health().problem ?? "";

test("what people write comes in, and is confirmed once it is taken", async () => {
  const storing = gate();
  await using door = await connected({
    receive: async () => {
      await storing.opened;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  const { person, chat } = someone(door);
  person.say(chat, "hello");
  await door.until(() => door.received.length === 1);
  expect(door.platform.pending(door.bot)).toHaveLength(1);
  storing.open();
  await door.until(() => door.platform.pending(door.bot).length === 0);
  expect(door.texts()).toEqual(["hello"]);
  expect(door.adapter.health()).toMatchObject({ state: "connected", self: "@my_agent_bot" });
});

test("polls name the kinds that are wanted and wait long", async () => {
  await using door = await connected();
  const polls = door.platform.requests.filter(({ method }) => method === "getUpdates");
  expect(polls[0]?.params).toMatchObject({ timeout: 0 });
  expect(polls[1]?.params).toMatchObject({
    timeout: 50,
    allowed_updates: ["message", "edited_message", "callback_query", "message_reaction", "my_chat_member"],
  });
});

test("a full store confirms nothing: it comes again, in order, and other chats go on", async () => {
  let full = true;
  await using door = await connected({
    receive(inbound): Receipt {
      if (full && inbound.sender.name === "Ada") throw new Failure("store", "The disk is full");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  const [ada, bob] = [someone(door, "Ada"), someone(door, "Bob")];
  ada.person.say(ada.chat, "one");
  ada.person.say(ada.chat, "two");
  bob.person.say(bob.chat, "from bob");
  await door.until(() => door.texts().includes("from bob"), { advanceMs: 100 });
  await door.until(() => door.texts().filter((text) => text === "one").length >= 3, { advanceMs: 1_000 });
  // The second waits for the first, however often that one is tried.
  expect(door.texts()).not.toContain("two");
  expect(door.texts().filter((text) => text === "from bob")).toHaveLength(1);
  expect(door.platform.pending(door.bot).length).toBeGreaterThanOrEqual(2);
  full = false;
  await door.until(() => door.platform.pending(door.bot).length === 0, { advanceMs: 1_000 });
  const taken = door.texts().slice(door.texts().lastIndexOf("one"));
  expect(taken).toEqual(["one", "two"]);
});

test("what can never be taken is told and skipped, and is in nobody's way", async () => {
  await using door = await connected({
    receive(inbound): Receipt {
      if (inbound.kind === "message" && inbound.text === "poison") throw new TypeError("cannot read it");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  const { person, chat } = someone(door);
  person.say(chat, "poison");
  person.say(chat, "after it");
  await door.until(() => door.platform.pending(door.bot).length === 0, { advanceMs: 2_000 });
  expect(door.texts().filter((text) => text === "poison")).toHaveLength(limits.receiveTriesMax);
  expect(door.texts().at(-1)).toBe("after it");
  expect(door.lines.filter(({ level }) => level === "error")).toEqual([
    expect.objectContaining({ message: "An update was skipped", fields: expect.objectContaining({ skipped: 1 }) }),
  ]);
});

test("a stop overtakes what is still being taken in its own chat, and others are heard meanwhile", async () => {
  const slow = gate();
  await using door = await connected({
    async receive(inbound): Promise<Receipt> {
      if (inbound.kind === "message" && inbound.text === "/model") await slow.opened;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  const [ada, bob] = [someone(door, "Ada"), someone(door, "Bob")];
  ada.person.say(ada.chat, "/model");
  ada.person.say(ada.chat, "later");
  await door.until(() => door.texts().includes("/model"));
  ada.person.say(ada.chat, "/stop");
  bob.person.say(bob.chat, "hello");
  await door.until(() => door.texts().includes("/stop") && door.texts().includes("hello"), { advanceMs: 100 });
  expect(door.texts()).not.toContain("later");
  slow.open();
  await door.until(() => door.texts().includes("later"), { advanceMs: 100 });
  await door.until(() => door.platform.pending(door.bot).length === 0, { advanceMs: 100 });
  expect(door.texts().toSorted()).toEqual(["/model", "/stop", "hello", "later"]);
});

test("a poll that never ends is given up and replaced", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  platform.faults.add({ fault: { kind: "hang" }, methods: ["getUpdates"], skip: 1, times: 1 });
  await using door = await connected({ platform, bot });
  const { person, chat } = someone(door);
  person.say(chat, "is anybody there?");
  door.clock.advance(limits.pollMs);
  expect(door.adapter.health().state).toBe("connected");
  await door.until(() => door.received.length === 1, { advanceMs: 1_000 });
  expect(door.texts()).toEqual(["is anybody there?"]);
});

test("while nothing is heard, it does not say that it is connected", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  await using door = await connected({ platform, bot });
  platform.faults.add({ fault: { kind: "hang" } });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 5_000 });
  expect(problem(door)).toContain("Cannot reach Telegram at 127.0.0.1");
  platform.faults.clear();
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 1_000 });
  expect(door.adapter.health().problem).toBeUndefined();
});

test("another poller is named after the second conflict, and asked about slowly", async () => {
  await using door = await connected();
  const end = door.platform.faults.add({ fault: { kind: "conflict" }, methods: ["getUpdates"] });
  const { person, chat } = someone(door);
  person.say(chat, "wake");
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 200 });
  expect(problem(door)).toMatch(/Another program takes the messages of "tg" with the same token/);
  const [before, at] = [door.calls("getUpdates"), door.clock.now()];
  await door.until(() => door.clock.now() - at > 10 * limits.heldLineMs, { advanceMs: 1_000 });
  expect(door.calls("getUpdates") - before).toBeLessThanOrEqual(12);
  end();
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 1_000 });
  expect(door.texts()).toContain("wake");
});

test("a single conflict, as of a poll of the life before, is no news", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  platform.faults.add({ fault: { kind: "conflict" }, methods: ["getUpdates"], times: 1 });
  await using door = await openDoor({ platform, bot });
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 200 });
  expect(door.lines.filter(({ level }) => level === "warn")).toEqual([]);
});

test("a webhook that was left over is named, and kept: it may be somebody's", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  platform.call(bot.token, "setWebhook", { url: "https://old.example.com/hook" });
  await using door = await openDoor({ platform, bot });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 200 });
  expect(problem(door)).toContain("A webhook takes the messages");
  expect(problem(door)).toContain("doctor --fix");
  expect(door.calls("deleteWebhook")).toBe(0);
  platform.call(bot.token, "deleteWebhook");
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 5_000 });
});

test("a revoked token is told with its mend, tried rarely, and a new one is taken without a restart", async () => {
  await using door = await connected();
  const old = door.bot.token;
  const renewed = door.platform.revoke(door.bot);
  const { person, chat } = someone(door);
  person.say(chat, "hello?");
  door.clock.advance(limits.pollMs + limits.pollMarginMs);
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 200 });
  await door.until(() => problem(door).includes("@BotFather"), { advanceMs: 1_000 });
  const [before, at] = [door.platform.requests.length, door.clock.now()];
  await door.until(() => door.clock.now() - at > 60 * 60_000, { advanceMs: 20_000 });
  expect(door.platform.requests.length - before).toBeLessThanOrEqual(20);
  door.setToken(renewed);
  await door.until(() => door.texts().includes("hello?"), { advanceMs: 20_000 });
  expect(door.adapter.health().state).toBe("connected");
  for (const token of [old, renewed]) expect(door.said()).not.toContain(token);
});

test("a send that meets a refused token has the line looked at, without waiting for its poll", async () => {
  await using door = await connected();
  const { person, chat } = someone(door);
  person.say(chat, "hello");
  await door.until(() => door.received.length === 1);
  door.platform.revoke(door.bot);
  const target = { adapter: "tg", conversation: { id: String(chat.id), kind: "direct" as const } };
  const message = { body: "x", buttons: [], audible: true, forming: false, nonce: "n" };
  await door.adapter.post(target, message).catch((error: Error) => expect(error.message).toContain("Unauthorized"));
  await door.until(() => door.adapter.health().state === "down");
  expect(problem(door)).toContain("@BotFather");
});

test("a token that is none, or that is missing, leaves the adapter down with a reason", async () => {
  for (const [token, reason] of [
    ["../../evil", "it has not the form of one"],
    ["123:abc", "does not know the bot token"],
    [`7000000001:${"a".repeat(35)}`, "does not know the bot token"],
  ] as const) {
    await using door = await openDoor({ token });
    await door.until(() => door.adapter.health().state === "down", { advanceMs: 200 });
    expect(problem(door)).toContain(reason);
    expect(door.said()).not.toContain(token);
  }
});

test("the wait that Telegram asks for is kept", async () => {
  await using door = await connected();
  door.platform.faults.add({ fault: { kind: "flood", retryAfterS: 90 }, methods: ["getUpdates"], times: 1 });
  const { person, chat } = someone(door);
  person.say(chat, "first");
  await door.until(() => door.texts().includes("first"), { advanceMs: 10 });
  await door.until(() => problem(door).includes("wait 90 s"), { advanceMs: 10 });
  const [before, at] = [door.calls("getUpdates"), door.clock.now()];
  await door.until(() => door.clock.now() - at >= 85_000, { advanceMs: 5_000 });
  expect(door.calls("getUpdates")).toBe(before);
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 2_000 });
});

test("an hour without a network loses nothing, keeps the order, and asks a bounded number of times", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  let cut = false;
  let tries = 0;
  const network = (async (...given: Parameters<typeof fetch>) => {
    if (cut) tries += 1;
    return cut ? await fetch("http://127.0.0.1:1/", given[1]) : await fetch(...given);
  }) as typeof fetch;
  await using door = await connected({ platform, bot, fetch: network });
  const { person, chat } = someone(door);
  cut = true;
  platform.faults.add({ fault: { kind: "lose" }, methods: ["getUpdates"], times: 1 });
  person.say(chat, "0");
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 100 });
  for (let n = 1; n < 250; n += 1) person.say(chat, String(n));
  const at = door.clock.now();
  await door.until(() => door.clock.now() - at > 60 * 60_000, { advanceMs: 5_000 });
  expect(tries).toBeLessThan(200);
  expect(problem(door)).toContain("the connection was refused");
  cut = false;
  await door.until(() => door.received.length >= 250, { advanceMs: 1_000 });
  expect(door.texts()).toEqual(Array.from({ length: 250 }, (_, n) => String(n)));
  await door.until(() => platform.pending(bot).length === 0);
  expect(door.lines.filter(({ level }) => level === "warn").length).toBeLessThan(10);
});

test("a restart goes on where reading stopped", async () => {
  const memory = new Map<string, string>();
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  {
    await using door = await connected({ platform, bot, memory });
    const { person, chat } = someone(door);
    person.say(chat, "before");
    await door.until(() => platform.pending(bot).length === 0);
  }
  const { person, chat } = someone({ platform, bot });
  person.say(chat, "while away");
  await using door = await connected({ platform, bot, memory });
  await door.until(() => door.received.length === 1);
  expect(door.texts()).toEqual(["while away"]);
  const first = platform.requests.findLast(({ method, params }) => method === "getUpdates" && params.timeout === 0);
  expect(first?.params.offset).toBeGreaterThan(1);
});

test("a note that is older than a day, another bot's, or none at all, is not used", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  for (const note of [`{"offset":9000000000,"at":${Date.now() - 2 * 86_400_000}}`, "{}", "nothing"]) {
    const memory = new Map([[`offset-${bot.id}`, note]]);
    const before = platform.requests.length;
    await using door = await connected({ platform, bot, memory });
    const polls = door.platform.requests.slice(before).filter(({ method }) => method === "getUpdates");
    expect(polls[0]?.params.offset).toBeUndefined();
  }
});

test("what comes twice or in the wrong order is handed on as it comes, and confirmed", async () => {
  await using door = await connected();
  const { person, chat } = someone(door);
  person.say(chat, "one");
  await door.until(() => door.received.length === 1);
  door.platform.faults.add({ fault: { kind: "repeat", count: 1 }, methods: ["getUpdates"], times: 1 });
  person.say(chat, "two");
  await door.until(() => door.platform.pending(door.bot).length === 0 && door.texts().includes("two"));
  // Which of them is known already is for the gateway to tell.
  expect(new Set(door.texts())).toEqual(new Set(["one", "two"]));
});

test("updates in no form at all are told, skipped, and hold nobody up", async () => {
  await using door = await connected();
  const { person, chat } = someone(door);
  const odd = [{ update_id: 5, message: { message_id: "x" } }, { update_id: 6, message: null }, { nothing: 1 }, null];
  door.platform.faults.add({
    fault: { kind: "answer", answer: { ok: true, result: odd } },
    methods: ["getUpdates"],
    times: 1,
  });
  person.say(chat, "one");
  await door.until(() => door.texts().includes("one"), { advanceMs: 100 });
  person.say(chat, "two");
  await door.until(() => door.texts().includes("two"), { advanceMs: 100 });
});

for (const fault of [
  { kind: "garbage" },
  { kind: "cut" },
  { kind: "html", status: 502 },
  { kind: "drop" },
  { kind: "lose" },
  { kind: "answer", answer: { ok: true, result: "none" } },
] as const) {
  test(`a poll that ends with "${fault.kind}" is asked again`, async () => {
    await using door = await connected();
    const { person, chat } = someone(door);
    door.platform.faults.add({ fault, methods: ["getUpdates"], times: 3 });
    person.say(chat, "one");
    await door.until(() => door.texts().includes("one"), { advanceMs: 500 });
    person.say(chat, "two");
    await door.until(() => door.texts().includes("two"), { advanceMs: 500 });
    expect(door.texts().filter((text) => text === "two")).toHaveLength(1);
    expect(door.said()).not.toContain(door.bot.token);
  });
}

test("closing ends the poll at once and waits for what is being taken", async () => {
  const storing = gate();
  const door = await connected({
    async receive(): Promise<Receipt> {
      await storing.opened;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  const { person, chat } = someone(door);
  person.say(chat, "hello");
  await door.until(() => door.received.length === 1);
  let closed = false;
  const closing = door.adapter.close().then(() => {
    closed = true;
  });
  const idle = await connected();
  expect(closed).toBe(false);
  storing.open();
  await closing;
  expect(JSON.parse(door.memory.get(`offset-${door.bot.id}`) ?? "{}").offset).toBeGreaterThan(1);
  await door.server.close();
  const started = performance.now();
  await idle.adapter.close();
  expect(performance.now() - started).toBeLessThan(500);
  await idle.server.close();
});

test("a server that does not wait is not asked without a pause", async () => {
  await using door = await connected();
  const none = { ok: true, result: [] } as const;
  door.platform.faults.add({ fault: { kind: "answer", answer: { ...none, result: [] } }, methods: ["getUpdates"] });
  const { person, chat } = someone(door);
  person.say(chat, "wake");
  await door.until(() => door.clock.sleeping() > 0);
  const [before, at] = [door.calls("getUpdates"), door.clock.now()];
  await door.until(() => door.clock.now() - at >= 20_000, { advanceMs: 250 });
  expect(door.calls("getUpdates") - before).toBeLessThanOrEqual(42);
});
