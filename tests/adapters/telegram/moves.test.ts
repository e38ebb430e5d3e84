// A group that becomes a supergroup has another id: the gateway is told, and nothing is lost on the way.
import { expect, test } from "bun:test";
import type { PlatformError } from "../../../src/gateway/handle.ts";
import { connected, type Door } from "./door.ts";
import { createPlatform } from "./fake/platform.ts";

function group(door: Door) {
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.newGroup({ title: "Small", kind: "group", members: [ada, door.bot] });
  return { ada, chat, target: { adapter: "tg", conversation: { id: String(chat.id), kind: "shared" as const } } };
}

const message = { body: "x", buttons: [], audible: false, forming: false, nonce: "n" };

test("the gateway is told as soon as the group says so, after what came before", async () => {
  await using door = await connected();
  const { ada, chat } = group(door);
  ada.say(chat, "/help@my_agent_bot before");
  const next = door.platform.migrate(chat);
  ada.say(next, "/help@my_agent_bot after");
  await door.until(() => door.moves.length > 0 && door.received.length === 2);
  expect(door.moves[0]).toEqual([String(chat.id), String(next.id)]);
  expect(door.received.map(({ conversation }) => conversation.id)).toEqual([String(chat.id), String(next.id)]);
});

test("a move that cannot be stored is not confirmed, and comes again", async () => {
  let full = true;
  await using door = await connected({ movedFails: () => full });
  const { chat } = group(door);
  const next = door.platform.migrate(chat);
  await door.until(() => door.lines.some(({ level }) => level === "warn" || level === "error"));
  expect([door.moves, door.memory.get(`moved-${chat.id}`)]).toEqual([[], undefined]);
  full = false;
  await door.until(() => door.moves.length > 0, { advanceMs: 1_000 });
  expect(door.moves[0]).toEqual([String(chat.id), String(next.id)]);
});

test("who was away learns it from the first call: a message goes to the new id, a change is decided anew", async () => {
  await using door = await connected();
  const { chat, target } = group(door);
  const ref = await door.adapter.post(target, message);
  const next = door.platform.migrate(chat);
  await door.until(() => door.moves.length > 0);
  door.memory.delete(`moved-${chat.id}`);
  const fate = await door.adapter.change(target, { ref, message: { ...message, body: "y" } }).then(
    () => "done",
    (error: PlatformError) => error.fate,
  );
  expect(fate).toBe("later");
  door.memory.delete(`moved-${chat.id}`);
  await door.adapter.post(target, message);
  expect(door.platform.lastOfBot(next)?.text).toBe("x");
});

test("a group that settings name is listened to under its new id", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot", name: "Agent" });
  const ada = platform.newPerson({ firstName: "Ada" });
  const [named, other] = ["Named", "Other"].map((title) =>
    platform.newGroup({ title, kind: "group", members: [ada, bot] }),
  );
  if (named === undefined || other === undefined) throw new Error("There are two");
  await using door = await connected({ platform, bot, settings: { groups: [String(named.id)] } });
  const next = platform.migrate(named);
  await door.until(() => door.memory.get(`moved-${named.id}`) === String(next.id));
  ada.say(other, "/help@my_agent_bot here");
  ada.say(next, "/help@my_agent_bot there");
  await door.until(() => door.received.length > 0);
  expect(door.received.map(({ conversation }) => conversation.id)).toEqual([String(next.id)]);
});
