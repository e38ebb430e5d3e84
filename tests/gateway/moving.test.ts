// A conversation that got another id: its sessions go on, what waits runs, and answers go to where it is now.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answer, createWorld, posted } from "./fixture.ts";
import { createWorld as createOutbox, first, later, place, settled } from "./outbox.ts";

describe("what came in", () => {
  let world: ReturnType<typeof createWorld>;
  beforeEach(() => {
    world = createWorld();
  });
  afterEach(async () => {
    await world.remove();
  });
  const from = "-100";
  const to = "-9000";
  const there = { conversation: { id: to, kind: "shared" as const } };

  test("a session goes on where the conversation is now", async () => {
    const { send, quiet, store, gateway } = world.now;
    const one = posted("one");
    await send(one);
    await quiet();
    gateway.moved("tg", { from, to });
    const root = store.turns.list()[0]?.replyTo.root ?? "";
    expect(store.turns.list()[0]?.replyTo).toMatchObject({ conversation: { id: to } });
    const sent = store.deliveries.add({
      target: { adapter: "tg", ...there, root },
      root,
      kind: "answer",
      form: "final",
      nonce: "x",
      at: 1,
      turn: 1,
    });
    store.deliveries.placed(sent, "900");
    expect(await send(posted("go on", { ...there, replyTo: "900" }))).toMatchObject({ session: 1 });
    await quiet();
    // An id that both have is another message there.
    expect(await send(posted("something else", { ...there, id: one.id }))).toMatchObject({ session: 2 });
    await quiet();
  });

  test("what came before comes again as what it was, and what still names the old id comes in at the new one", async () => {
    const { send, quiet, store, gateway } = world.now;
    const one = posted("one");
    await send(one);
    await quiet();
    gateway.moved("tg", { from, to });
    expect((await send(one)).state).toBe("duplicate");
    expect((await send(posted("late"))).state).toBe("waiting");
    await quiet();
    expect(store.turns.list().map(({ replyTo }) => replyTo.conversation.id)).toEqual([to, to]);
    expect(store.turns.list()[0]?.replyTo.replyTo).toBeUndefined();
  });

  test("what waits runs after a running turn, and answers at the new place", async () => {
    const { send, quiet, store, gateway } = world.now;
    const { promise, resolve } = Promise.withResolvers<void>();
    world.now.world.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await promise;
      yield* answer(turn, "ok");
    };
    const one = posted("one");
    await send(one);
    await send(posted("two", { replyTo: one.id, sender: { id: "43", name: "Eve" } }));
    gateway.moved("tg", { from, to });
    expect(gateway.running()[0]?.row.replyTo).toMatchObject({ conversation: { id: to } });
    resolve();
    await quiet();
    expect(store.turns.list()).toHaveLength(store.turns.list().length);
    for (const { state, replyTo, session } of store.turns.list())
      expect([state, replyTo.conversation.id, session]).toEqual(["done", to, 1]);
  });

  test("roles and wirings go along, and what the new id has counts", async () => {
    const { store, gateway } = world.now;
    const grant = { adapter: "tg", user: "60", role: "member", agent: "", givenBy: "x", givenAt: 1 } as const;
    store.roles.give({ ...grant, surface: from });
    store.wirings.conversation("tg", { id: from, kind: "shared", at: 1 });
    store.wirings.assign("other", { adapter: "tg", conversation: from, at: 1 });
    gateway.moved("tg", { from, to });
    gateway.moved("tg", { from, to });
    expect(store.roles.of("tg", "60").map(({ surface }) => surface)).toEqual([to]);
    expect(store.wirings.find("tg", to)?.agent).toBe("other");
    expect(store.moves.folder("tg", to)).toBe(from);
    expect(store.wirings.known("tg", from)).toBeUndefined();
  });

  test("two that are known become one, and both histories are there", async () => {
    const { send, quiet, store, gateway } = world.now;
    await send(posted("old", { thread: "7" }));
    await send(posted("new", { ...there, thread: "7" }));
    await quiet();
    gateway.moved("tg", { from, to });
    const conversation = store.wirings.known("tg", to);
    expect(store.sessions.list({ conversation }).map(({ id }) => id)).toEqual([2, 1]);
    expect(await send(posted("more", { ...there, thread: "7" }))).toMatchObject({ session: 2 });
    await quiet();
    expect(store.messages.search("old")).toMatchObject([{ conversation: to }]);
    expect(store.moves.folder("tg", to)).toBe(to);
  });

  test("what came before two moves comes again as what it was, by whichever id", async () => {
    const { send, quiet, store, gateway } = world.now;
    const one = posted("one");
    const two = posted("two", there);
    await send(one);
    await quiet();
    gateway.moved("tg", { from, to });
    await send(two);
    await quiet();
    gateway.moved("tg", { from: to, to: "-9001" });
    expect([(await send(one)).state, (await send(two)).state]).toEqual(["duplicate", "duplicate"]);
    const edit = { ...one, kind: "edit" as const, id: "e1", target: one.id, text: "one!" };
    expect((await send(edit)).state).toBe("context");
    // Its thread's session is the one that it had.
    expect(await send(posted("go on", { replyTo: one.id }))).toMatchObject({ session: 1 });
    expect(await send(posted("go on", { ...there, replyTo: two.id }))).toMatchObject({ session: 2 });
    await quiet();
    expect(store.turns.list()).toHaveLength(4);
  });

  test("a move after a move, and one back", async () => {
    const { send, quiet, store, gateway } = world.now;
    await send(posted("one"));
    await quiet();
    gateway.moved("tg", { from, to });
    gateway.moved("tg", { from: to, to: "-9001" });
    expect([from, to, "-9001"].map((id) => store.moves.current("tg", id))).toEqual(["-9001", "-9001", "-9001"]);
    gateway.moved("tg", { from, to });
    expect(store.turns.list()[0]?.replyTo.conversation.id).toBe("-9001");
    gateway.moved("tg", { from: "-9001", to: from });
    expect(store.moves.current("tg", from)).toBe(from);
    expect(store.turns.list()[0]?.replyTo.conversation.id).toBe(from);
  });
});

describe("what goes out", () => {
  const move = (world: ReturnType<typeof createOutbox>) => {
    world.store.transaction(() =>
      world.store.moves.move({ adapter: "tg", from: "7", to: "8", at: 1, nonce: () => crypto.randomUUID() }),
    );
    world.outbox.moved("tg", { from: "7", to: "8" });
  };

  test("waits there, and what is said to the old id goes there too", async () => {
    const world = createOutbox({ attached: false });
    await world.say("One");
    move(world);
    await world.say("Two");
    world.outbox.attach(world.adapter);
    await settled();
    expect([world.platform.texts("7"), world.platform.texts("8")]).toEqual([[], ["One", "Two"]]);
  });

  test("a place that was got in the old one is left, and the text comes once", async () => {
    const world = createOutbox();
    world.platform.fault = first(undefined, { hang: "before" });
    const id = await world.say("One");
    expect(world.row(id).fate).toBe("placed");
    move(world);
    await world.restart();
    expect([world.platform.texts("7"), world.platform.texts("8")]).toEqual([["…"], ["One"]]);
  });

  test("where both have something under way it becomes one, one call at a time", async () => {
    const world = createOutbox();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.platform.fault = ({ conversation, body }) =>
      conversation === "7" ? { slow: promise } : body === "Three" ? later() : undefined;
    const first = await world.say("One");
    await world.say("Two");
    await world.say("Three", { to: place("8") });
    move(world);
    const before = world.platform.calls.length;
    await world.wait(5_000, 500);
    expect(world.platform.calls).toHaveLength(before);
    world.platform.fault = () => undefined;
    resolve();
    await world.wait(60_000, 500);
    expect(world.platform.texts("8").toSorted()).toEqual(["One", "Three", "Two"]);
    expect([world.row(first).fate, world.outbox.lanes()]).toEqual(["sent", 0]);
  });

  test("a call that is under way ends by itself, and nothing goes out beside it", async () => {
    const world = createOutbox();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.platform.fault = first({ slow: promise });
    await world.say("One");
    move(world);
    await world.say("Two", { to: place("8") });
    expect(world.platform.calls).toHaveLength(1);
    resolve();
    await world.wait(20_000, 500);
    expect(world.platform.texts("8")).toEqual(["One", "Two"]);
    expect(world.outbox.lanes()).toBe(0);
  });

  test("an answer that forms in both forms no more once it has ended", async () => {
    const world = createOutbox();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.platform.fault = ({ conversation, body }) =>
      conversation === "8" && body === "Other" ? { slow: promise } : undefined;
    const session = world.store.sessions.create({ agent: "main", at: 1 }).id;
    const row = { session, agent: "main", requester: { id: "1", name: "Ann" }, replyTo: place(), at: 1 };
    const turn = world.store.turns.create(row).id;
    const id = world.outbox.place(place(), { turn, choices: [] });
    let text = "half";
    const forming = world.outbox.form(id, () => text);
    await world.wait(5_000, 500);
    await world.say("Other", { to: place("8") });
    move(world);
    resolve();
    await world.wait(20_000, 500);
    text = "half of it";
    forming.changed();
    forming.end();
    world.outbox.revise(id, { markdown: "All of it" });
    await world.wait(20_000, 500);
    expect(world.platform.texts("8")).toEqual(["Other", "All of it"]);
    expect([world.row(id).fate, world.outbox.lanes()]).toEqual(["sent", 0]);
  });
});
