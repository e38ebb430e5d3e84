// Whether a message arrived of which nobody could say so: by its event, else by its words. Discord keeps no nonce.
import { expect, test } from "bun:test";
import { connected, type DoorOptions, room, targetOf, until, words } from "./door.ts";
import { createDiscord } from "./fake/index.ts";

const create = "POST /channels/:id/messages";

async function setUp(options: DoorOptions = {}) {
  const discord = options.discord ?? createDiscord({ gateway: { identifyEveryMs: 0 } });
  const { ann, channel } = room(discord);
  const door = await connected({ ...options, discord });
  /** Sends, and learns nothing of it. */
  const lose = async (work: () => Promise<unknown>, acts = true) => {
    const over = discord.faults.add({ on: "request", fault: { kind: "reset", acts }, route: create, times: 1 });
    await expect(work()).rejects.toMatchObject({ fate: "unknown" });
    over();
  };
  const mine = () => discord.messages(channel).filter(({ byBot }) => byBot);
  return {
    discord,
    ann,
    channel,
    door,
    adapter: door.adapter,
    target: targetOf(channel),
    lose,
    mine,
    since: Date.now(),
  };
}

test("its event says that it arrived, whatever it says and whatever became of it", async () => {
  const { ann, channel, discord, door, adapter, target, lose, mine, since } = await setUp();
  await using _door = door;
  const marker = words("…", { forming: true });
  await adapter.post(target, words("…", { forming: true }));
  await lose(() => adapter.post(target, marker));
  await until(() => mine().length === 2);
  const there = mine()[1]?.id as string;
  // The event of what people say next comes behind it.
  ann.say(channel, "next");
  await until(() => door.received.length === 1);
  expect(await adapter.find?.(target, { nonce: marker.nonce, body: "…", since })).toBe(there);
  discord.moderate([{ id: there }]);
  expect(await adapter.find?.(target, { nonce: marker.nonce, body: "…", since })).toBe(there);
});

test("also of a file, which has no words", async () => {
  const { ann, channel, door, adapter, target, lose, mine, since } = await setUp();
  await using _door = door;
  const file = { name: "a.txt", bytes: new Uint8Array(3), nonce: "file-1" };
  await lose(() => adapter.file(target, file));
  ann.say(channel, "next");
  await until(() => door.received.length === 1);
  expect(await adapter.find?.(target, { nonce: file.nonce, since })).toBe(mine()[0]?.id as string);
});

test("a message whose event told its nonce is no other one", async () => {
  const { ann, channel, door, adapter, target, lose, mine, since } = await setUp();
  await using _door = door;
  const [arrived, lost] = [words("Done."), words("Done.")];
  await lose(() => adapter.post(target, arrived));
  await lose(() => adapter.post(target, lost), false);
  ann.say(channel, "next");
  await until(() => door.received.length === 1);
  expect(await adapter.find?.(target, { nonce: lost.nonce, body: "Done.", since })).toBeUndefined();
  expect(await adapter.find?.(target, { nonce: arrived.nonce, body: "Done.", since })).toBe(mine()[0]?.id as string);
});

test("an event that comes while it is looked for says the same", async () => {
  const { discord, ann, channel, door, adapter, target, lose, mine, since } = await setUp();
  await using _door = door;
  const lost = words("Done.");
  discord.faults.add({ on: "dispatch", fault: { kind: "reorder" }, event: "MESSAGE_CREATE", times: 1 });
  await lose(() => adapter.post(target, lost));
  discord.faults.add({ on: "request", fault: { kind: "delay", ms: 200 }, route: "GET /channels/:id/messages" });
  const found = adapter.find?.(target, { nonce: lost.nonce, body: "Done.", since });
  // The event comes behind this one.
  ann.say(channel, "next");
  await until(() => door.received.length === 1);
  expect(await found).toBe(mine()[0]?.id as string);
});

/** As after a restart: what is known of the message is what its row says. */
async function again(discord: ReturnType<typeof createDiscord>) {
  return connected({ discord });
}

test("after a restart its words decide, as Discord changed them", async () => {
  const { discord, door, adapter, target, lose, mine, since } = await setUp();
  const message = words("\u200b Line one  \r\n\u2764\ufe0f two\u00a0");
  await lose(() => adapter.post(target, message));
  await door[Symbol.asyncDispose]();
  const there = discord.world.places.get(mine()[0]?.id as string);
  if (there === undefined) throw new Error("It is not there");
  there.text = "Line one\n\u2764 two";
  await using later = await again(discord);
  expect(await later.adapter.find?.(target, { nonce: message.nonce, body: message.body, since })).toBe(there.id);
  expect(await later.adapter.find?.(target, { nonce: "other", body: "Line one, too", since })).toBeUndefined();
});

test("the same words to somebody else are another message", async () => {
  const { discord, ann, channel, door, adapter, lose, mine, since } = await setUp();
  const [one, other] = [ann.say(channel, "one"), ann.say(channel, "other")];
  await adapter.post(targetOf(channel), words("…", { forming: true, replyTo: one.id }));
  const lost = words("…", { forming: true, replyTo: other.id });
  await lose(() => adapter.post(targetOf(channel), lost), false);
  await door[Symbol.asyncDispose]();
  await using later = await again(discord);
  const target = targetOf(channel, { replyTo: other.id });
  expect(await later.adapter.find?.(target, { nonce: lost.nonce, body: "…", since })).toBeUndefined();
  const answered = targetOf(channel, { replyTo: one.id });
  expect(await later.adapter.find?.(answered, { nonce: "n", body: "…", since })).toBe(mine()[0]?.id as string);
});

test("a text whose nonce a marker has already takes the marker's place", async () => {
  const { channel, door, adapter, target, lose, mine } = await setUp();
  await using _door = door;
  await lose(() => adapter.post(target, words("…", { forming: true, nonce: "one-place" })));
  const ref = await adapter.post(target, words("The whole answer", { nonce: "one-place" }));
  expect(mine().map(({ id, text }) => ({ id, text }))).toEqual([{ id: ref, text: "The whole answer" }]);
  expect(channel.messages.size).toBe(1);
});
