// Answers that form in many conversations share what a platform takes in a minute; the last text of each waits for nobody.
import { expect, test } from "bun:test";
import type { FormingHandle } from "../../src/gateway/delivery/deliveries.ts";
import { createWorld, place } from "./outbox.ts";

/** Answers that form, one in each conversation. */
async function answers(count: number, traits: { editsPerMinute?: number }) {
  const world = createWorld({ traits: { repeat: "find", editEveryMs: 1_000, ...traits } });
  const session = world.store.sessions.create({ agent: "main", at: 1 }).id;
  const requester = { id: "7", name: "Ada" };
  let words = "";
  const all: FormingHandle[] = [];
  for (let index = 0; index < count; index += 1) {
    const turn = world.store.turns.create({ session, agent: "main", requester, replyTo: place(`${index}`), at: 1 }).id;
    const id = world.outbox.place(place(`${index}`), { turn, choices: [] });
    all.push(world.outbox.form(id, () => words));
  }
  /** The given ones say more each 200 ms. */
  const write = async (forming: readonly FormingHandle[], seconds: number) => {
    for (let steps = 0; steps < seconds * 5; steps += 1) {
      words += "word ";
      for (const one of forming) one.changed();
      await world.pass(200);
    }
  };
  await write(all, 5);
  return { ...world, all, write };
}

test("thirty answers together are edited no more often than the platform takes", async () => {
  const { platform, all, write } = await answers(30, { editsPerMinute: 60 });
  const before = platform.edits();
  await write(all, 120);
  const edits = platform.calls.filter(({ method }) => method === "change").slice(before);
  expect(edits.length).toBeLessThanOrEqual(130);
  expect(edits.length).toBeGreaterThan(60);
  expect(new Set(edits.map(({ conversation }) => conversation)).size).toBe(30);
});

test("answers that stand still take nothing from the one that goes on", async () => {
  const { platform, all, write } = await answers(30, { editsPerMinute: 60 });
  await write(all.slice(0, 1), 60);
  const before = platform.edits();
  await write(all.slice(0, 1), 30);
  expect(platform.edits() - before).toBeGreaterThanOrEqual(25);
});

test("without such a limit each goes at its own pace", async () => {
  const { platform, all, write } = await answers(30, {});
  const before = platform.edits();
  await write(all, 10);
  expect(platform.edits() - before).toBeGreaterThanOrEqual(270);
});
