// What one poll brings for one conversation: handed over together, stored together, and still in its order.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createIntake } from "../../src/adapters/telegram/intake.ts";
import { createJobs } from "../../src/adapters/telegram/jobs.ts";
import { Failure } from "../../src/core/failure.ts";
import type { Inbound } from "../../src/core/message.ts";
import { noUsage } from "../../src/core/usage.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { answer, createWorld, direct, gate, memoryLog, posted, remote, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

/** A bot's intake in front of the gateway. What was received is told in the order of its end. */
function openIntake() {
  const log = memoryLog();
  const received: string[] = [];
  const jobs = createJobs({
    log,
    api: () => {
      throw new Error("Nothing is asked here");
    },
    moves: { groups: () => "all", note: () => undefined } as unknown as Parameters<typeof createJobs>[0]["moves"],
    async receive(inbound, behind) {
      const receipt = await world.now.gateway.receive(inbound, remote, behind);
      received.push(inbound.kind === "message" ? inbound.text : inbound.kind);
      return receipt;
    },
  });
  const read = (raw: unknown) => jobs.of({ kind: "inbound", inbounds: [(raw as { inbound: Inbound }).inbound] });
  const intake = createIntake({ clock: systemClock, log, read });
  const numbers = new Map<Inbound, number>();
  const numberOf = (inbound: Inbound): number => {
    if (!numbers.has(inbound)) numbers.set(inbound, numbers.size + 1);
    return numbers.get(inbound) ?? 0;
  };
  const take = (...inbounds: Inbound[]) =>
    intake.take(inbounds.map((inbound) => ({ update_id: numberOf(inbound), inbound })));
  return { take, received };
}

const turns = () => world.now.store.turns.list().toSorted((a, b) => a.id - b.id);
const texts = () =>
  turns().flatMap(({ id }) =>
    world.now.store.inputs
      .ofTurn(id, 100)
      .map(({ inbound }) => (inbound.kind === "message" ? inbound.text.slice(0, 5) : inbound.kind)),
  );

test("messages of one poll share a commit and a turn", async () => {
  const { take } = openIntake();
  const { store, quiet, events } = world.now;
  const { grouped } = store;
  let flushes = 0;
  let inOne = false;
  Object.assign(store, {
    grouped: (work: () => unknown, after?: () => void) =>
      grouped(() => {
        if (!inOne) {
          inOne = true;
          flushes += 1;
          queueMicrotask(() => {
            inOne = false;
          });
        }
        return work();
      }, after),
  });
  const taken = await take(...["one", "two", "three", "four"].map((text) => direct(text)));
  expect(taken).toEqual({ offset: 5, failed: false, busy: false });
  expect(flushes).toBe(1);
  await quiet();
  expect(store.turns.list()).toHaveLength(1);
  expect(events("taken").map(({ event }) => (event.type === "taken" ? event.text : ""))).toEqual([
    "one",
    "two",
    "three",
    "four",
  ]);
});

test("a command between messages acts when those before it are stored, and before those behind it", async () => {
  const { take, received } = openIntake();
  const { quiet } = world.now;
  await take(direct("one"), direct("two"), direct("/new"), direct("three"));
  expect(received).toEqual(["one", "two", "/new", "three"]);
  await quiet();
  expect(texts()).toEqual(["one", "two", "three"]);
  expect(turns().map(({ session }) => session)).toEqual([1, 2]);
});

test("a stop between messages ends what those before it began, and not what those behind it begin", async () => {
  world.now.world.script = async function* (turn) {
    if (turn.next()?.text !== "one") return yield* answer(turn, "fine");
    yield { type: "started", resumed: false };
    await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
    yield { type: "ended", outcome: "stopped", usage: noUsage };
  };
  const { take } = openIntake();
  await take(direct("one"), direct("/stop"), direct("two"));
  await world.now.quiet();
  expect(turns().map(({ state }) => state)).toEqual(["stopped", "done"]);
});

test("one that cannot be stored takes those behind it along, and they come again in their order", async () => {
  const { take, received } = openIntake();
  const { store, quiet } = world.now;
  const { add } = store.inputs;
  let full = true;
  store.inputs.add = (inbound, options) => {
    if (full && inbound.kind === "message" && inbound.text === "two") throw new Failure("store", "The disk is full");
    return add(inbound, options);
  };
  const all = ["one", "two", "three", "four"].map((text) => direct(text));
  expect(await take(...all)).toMatchObject({ offset: 2, failed: true });
  expect(received).toEqual(["one"]);
  expect(texts()).toEqual(["one"]);
  full = false;
  expect(await take(...all.slice(1))).toMatchObject({ offset: 5, failed: false });
  await quiet();
  expect(texts()).toEqual(["one", "two", "three", "four"]);
});

test("a text that becomes a file is not overtaken", async () => {
  const wait = gate();
  const keepFile = async () => {
    await wait.opened;
    return { name: "message.txt", bytes: 1, ref: "kept", stored: "attachments/message.txt" };
  };
  await world.remove();
  world = createWorld({ more: { keepFile } });
  const { take } = openIntake();
  const taking = take(direct("one"), direct("x".repeat(1_000_000)), direct("three"));
  await until(() => world.now.store.turns.list().length > 0);
  wait.open();
  await taking;
  await world.now.quiet();
  expect(texts()).toEqual(["one", "xxxxx", "three"]);
});

test("an answer to a message of the same poll belongs to that one's session", async () => {
  const { take } = openIntake();
  const first = posted("one");
  const second = posted("two", { replyTo: first.id });
  await take(first, second, posted("three", { replyTo: second.id }));
  await world.now.quiet();
  expect(new Set(world.now.store.turns.list().map(({ session }) => session)).size).toBe(1);
});

test("where messages wait for each other, the one behind is told its place", async () => {
  const { take } = openIntake();
  const { store, send, quiet, said } = world.now;
  await send(direct("hello"));
  await quiet();
  store.sessions.set(1, { options: { queue: "followup" } });
  await take(direct("one"), direct("two"));
  await quiet();
  expect(said()).toEqual([expect.stringContaining("in the queue")]);
  expect(store.turns.list()).toHaveLength(3);
});
