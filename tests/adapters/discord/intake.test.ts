// Edits, deletes, reactions and places at the fake Discord: who is named, where it belongs, and what is not for the agent.
import { expect, test } from "bun:test";
import { connected, room, until } from "./door.ts";
import { createDiscord } from "./fake/index.ts";

async function setUp() {
  const discord = createDiscord({ gateway: { identifyEveryMs: 0 } });
  const { ann, guild, channel } = room(discord);
  const eve = discord.user("eve", { displayName: "Ann" });
  discord.join(guild, eve);
  const door = await connected({ discord });
  return { discord, ann, eve, guild, channel, door };
}

test("edits, deletes and reactions follow their message; previews are none", async () => {
  const { discord, ann, eve, channel, door } = await setUp();
  await using _door = door;
  const said = ann.say(channel, "first", { mention: discord.bot });
  discord.preview(said, { type: "link", url: "https://example.com" });
  ann.edit(said, `<@${discord.bot.id}> second`);
  eve.react(said, "👍");
  eve.unreact(said, "👍");
  ann.delete(said);
  await until(() => door.received.length === 5);
  expect(door.received).toMatchObject([
    { kind: "message", text: "first", id: said.id },
    { kind: "edit", text: "second", target: said.id, sender: { id: ann.id } },
    { kind: "reaction", emoji: "👍", added: true, target: said.id, sender: { id: eve.id, name: "Ann" } },
    { kind: "reaction", emoji: "👍", added: false, sender: { id: eve.id } },
    { kind: "delete", target: said.id, sender: { id: ann.id } },
  ]);
  expect(new Set(door.received.map(({ kind, id }) => `${kind} ${id}`)).size).toBe(5);
});

test("many deleted at once are each taken back, and one whose author is not known is nobody's", async () => {
  const { discord, ann, channel, door } = await setUp();
  await using _door = door;
  const before = discord.world.places;
  const said = ["a", "b", "c"].map((text) => ann.say(channel, text));
  await until(() => door.received.length === 3);
  expect(before.size).toBe(3);
  discord.moderate(said);
  await until(() => door.received.length === 6);
  expect(door.received.slice(3)).toMatchObject(
    said.map(({ id }) => ({ kind: "delete", target: id, sender: { id: ann.id } })),
  );
});

test("our own messages, other bots and ephemeral ones are not answered", async () => {
  const { discord, ann, guild, channel, door } = await setUp();
  await using _door = door;
  const other = discord.newBot({ name: "other" });
  discord.join(guild, other);
  const call = (token: string, body: object) =>
    fetch(`${door.server.api}/v10/channels/${channel.id}/messages`, {
      method: "POST",
      headers: { authorization: `Bot ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await call(other.token, { content: `<@${discord.bot.id}> loop?` });
  await call(discord.bot.token, { content: "my own" });
  ann.say(channel, "a person");
  await until(() => door.received.length > 0);
  expect(door.texts()).toEqual(["a person"]);
});

test("a thread belongs to its channel, also when it was never told of", async () => {
  const { discord, ann, channel, door } = await setUp();
  await using _door = door;
  const start = ann.say(channel, "start");
  const hidden = discord.faults.add({ on: "dispatch", fault: { kind: "withhold" }, event: "THREAD_CREATE" });
  const thread = ann.startThread(start, "below");
  hidden();
  ann.say(thread, "in the thread");
  await until(() => door.texts().includes("in the thread"));
  expect(door.received.at(-1)).toMatchObject({ conversation: { id: channel.id, kind: "shared" }, thread: thread.id });
  expect(thread.id).toBe(start.id);
  expect(door.calls("GET /channels/:id")).toBe(1);
});

test("a reply to us is meant for us, with its quote", async () => {
  const { discord, ann, channel, door } = await setUp();
  await using _door = door;
  const ref = await door.adapter.post(
    { adapter: "dc", conversation: { id: channel.id, kind: "shared" } },
    { body: "It is **done**.", buttons: [], audible: false, forming: false, nonce: "n1" },
  );
  ann.say(channel, "thanks", { replyTo: { id: ref }, quietly: true });
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({
    addressed: true,
    replyTo: ref,
    quote: { sender: "helper", text: "It is **done**." },
  });
  expect(discord.messages(channel)).toHaveLength(2);
});

test("a direct chat has an id of its own", async () => {
  const { ann, door } = await setUp();
  await using _door = door;
  ann.direct("hello");
  await until(() => door.received.length === 1);
  const { id } = ann.directChannel();
  expect(door.received[0]).toMatchObject({
    conversation: { id, kind: "direct" },
    sender: { id: ann.id },
    addressed: true,
  });
  expect(id).not.toBe(ann.id);
});

test("what is malformed is logged, and what follows is taken", async () => {
  const { discord, ann, guild, channel, door } = await setUp();
  await using _door = door;
  for (const data of [{ id: "x" }, { id: "1", channel_id: "2", author: null, type: 0 }])
    discord.world.emit({ event: "MESSAGE_CREATE", intents: undefined, guild, data: () => data });
  ann.say(channel, "fine");
  await until(() => door.received.length === 1);
  expect(door.lines.filter(({ message }) => message === "An event was not understood")).toHaveLength(2);
});

test("a flood of one channel is taken in its order, and what is too much is fetched later", async () => {
  const { discord, ann, channel, door } = await setUp();
  await door[Symbol.asyncDispose]();
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = ann.say(channel, "before");
  await using slow = await connected({
    discord,
    receive: async () => {
      await promise;
      return { state: "context", input: 1 };
    },
    places: () => [{ conversation: { id: channel.id, kind: "shared" }, newest: { id: first.id, sentAt: 0 } }],
  });
  for (let count = 0; count < 1_200; count += 1) ann.say(channel, `n${count}`);
  await until(() => slow.said().includes("Too many events wait"), "it is too much");
  resolve();
  await until(() => new Set(slow.texts()).size === 1_200, "all of them come", 20_000);
  const order = [...new Set(slow.texts())];
  expect(order).toEqual(Array.from({ length: 1_200 }, (_, count) => `n${count}`));
}, 40_000);
