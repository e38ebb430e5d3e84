// What the program itself answers to one person in a shared room, where the platform can show it to them alone.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Inbound } from "../../src/core/message.ts";
import { createWorld, posted } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

const answerable = { answer: { as: "message" as const, deadlineMs: 900_000 } };
const discord = { adapter: "discord", conversation: { id: "D1", kind: "shared" as const } };

/** A command of the platform's menu. */
function slash(name: string, { args = "", ...change }: { args?: string } & Partial<Inbound> = {}): Inbound {
  const { text: _text, addressed: _addressed, kind: _kind, ...base } = posted("", discord);
  return { ...base, ...answerable, ...change, kind: "command", name, args };
}
const targets = () => world.now.world.said.map(({ target }) => target);

test("a command is answered to whoever called it, where they did", async () => {
  const call = slash("help");
  expect(await world.now.send(call)).toMatchObject({ state: "done" });
  expect(targets()).toEqual([{ ...discord, onlyFor: { user: "1", happening: call.id } }]);
});

test("so is a refusal, a stop, and a pressed button, whose happening is the press", async () => {
  const { send, store } = world.now;
  const unknown = slash("nonsense");
  expect(await send(unknown)).toMatchObject({ state: "refused" });
  const stop = slash("stop");
  await send(stop);
  const card = store.deliveries.add({
    target: discord,
    kind: "reply",
    form: "final",
    nonce: "x",
    at: 1,
    choices: [{ value: "/help", label: "Help" }],
  });
  const { text: _text, addressed: _addressed, kind: _kind, ...base } = posted("", discord);
  const press = (delivery: number): Inbound => ({
    ...base,
    ...answerable,
    kind: "action",
    delivery: String(delivery),
    value: "0",
  });
  await send(press(card));
  await send({ ...press(9_999), id: "stale" });
  expect(targets().map(({ onlyFor }) => onlyFor?.happening)).toEqual([unknown.id, stop.id, base.id, "stale"]);
});

test("a note is what the receipt says, and nothing is delivered of a refusal", async () => {
  const note = { answer: { as: "note" as const, deadlineMs: 900_000 } };
  expect(await world.now.send(slash("nonsense", note))).toMatchObject({ state: "refused" });
  expect(targets()).toEqual([]);
});

test("a turn that a command starts answers everybody", async () => {
  const { send, quiet, store } = world.now;
  await send(slash("macro", { args: "save hello say hello" }));
  await send(slash("macro", { args: "hello" }));
  await quiet();
  expect(store.turns.list()[0]?.replyTo).toMatchObject(discord);
  expect(store.turns.list()[0]?.replyTo.onlyFor).toBeUndefined();
});

test("so does one of a batch that a command sends", async () => {
  const { send, quiet, store } = world.now;
  await send(slash("batch", { args: "start" }));
  await send(posted("one", discord));
  await send(slash("batch", { args: "send" }));
  await quiet();
  expect(store.turns.list()).toHaveLength(1);
  expect(store.turns.list()[0]?.replyTo.onlyFor).toBeUndefined();
});

test("a stranger gets one private sentence, at most once an hour", async () => {
  const sender = { id: "57", name: "Bob" };
  const call = slash("help", { sender });
  expect(await world.now.send(call)).toMatchObject({ state: "refused", quiet: true });
  expect(await world.now.send(slash("help", { sender }))).toMatchObject({ state: "refused", quiet: true });
  expect(targets()).toEqual([{ ...discord, onlyFor: { user: "57", happening: call.id } }]);
  expect(world.now.said()[0]).toContain("your id is 57");
});
