// What comes in one moment shares its commit: still one turn at a time per session, and no more turns than allowed.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { answer, createWorld, direct, gate, message } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld({ more: { turnsParallelMax: 2 } });
});
afterEach(async () => {
  await world.remove();
});

test("two messages of one session in one commit are one turn after the other, and none fails", async () => {
  const { send, store, quiet, world: fake } = world.now;
  let running = 0;
  let most = 0;
  fake.script = async function* (turn) {
    running += 1;
    most = Math.max(most, running);
    yield* answer(turn, "fine");
    running -= 1;
  };
  const receipts = await Promise.all([send(message("one")), send(message("two")), send(message("three"))]);
  expect(receipts.map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting"]);
  await quiet();
  expect(most).toBe(1);
  expect(new Set(store.turns.list().map(({ state }) => state))).toEqual(new Set(["done"]));
  const taken = store.turns
    .list()
    .flatMap(({ id }) => store.turns.events(id))
    .flatMap(({ event }) => (event.type === "taken" ? [event.text] : []));
  expect(taken.sort()).toEqual(["one", "three", "two"]);
});

test("the messages of many sessions in one commit begin no more turns than may run", async () => {
  const { send, store, quiet, world: fake } = world.now;
  const wait = gate();
  let running = 0;
  let most = 0;
  fake.script = async function* (turn) {
    running += 1;
    most = Math.max(most, running);
    await wait.opened;
    yield* answer(turn, "fine");
    running -= 1;
  };
  const people = ["5", "6", "7", "1", "2"];
  await Promise.all(people.map((id) => send(direct("hello", { sender: { id, name: `N${id}` } }))));
  expect(world.now.gateway.running()).toHaveLength(2);
  wait.open();
  await quiet();
  expect(most).toBe(2);
  expect(store.turns.list().map(({ state }) => state)).toEqual(people.map(() => "done"));
});

test("a commit that fails leaves no place taken", async () => {
  const { send, store, quiet } = world.now;
  const failing = direct("never stored", { sender: { id: "5", name: "Eve" } });
  const { grouped } = store;
  Object.assign(store, {
    grouped: (work: () => unknown) =>
      grouped(() => {
        work();
        throw new Error("the disk is full");
      }),
  });
  for (let n = 0; n < 3; n++) expect(await Promise.allSettled([send(failing)])).toMatchObject([{ status: "rejected" }]);
  expect(store.turns.list()).toEqual([]);
  Object.assign(store, { grouped });
  await send(failing);
  await send(direct("another", { sender: { id: "6", name: "Bob" } }));
  await quiet();
  expect(store.turns.list().map(({ state }) => state)).toEqual(["done", "done"]);
});
