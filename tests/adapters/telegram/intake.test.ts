// The intake under seeds: a store that fails now and then, slow conversations, repeated polls; nothing is lost or overtaken.
import { expect, test } from "bun:test";
import { createIntake, type Job } from "../../../src/adapters/telegram/intake.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { Behind } from "../../../src/core/succession.ts";
import { createManualClock } from "../../schedule/manual-clock.ts";

const log = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => log };

function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Update {
  update_id: number;
  lane: string;
  stop: boolean;
  /** It may share a commit with those before it. */
  plain: boolean;
}

/** One life of a bot: what was taken, in the order in which it was done, and what Telegram was told. */
async function live(seed: number) {
  const random = chance(seed);
  const clock = createManualClock(0);
  const stored: number[] = [];
  const slow: (() => void)[] = [];
  /** What shares the next commit, in its order. */
  const group: (() => void)[] = [];
  const commit = () => {
    for (const work of group.splice(0)) work();
  };
  /** As the gateway does: its place first, the commit later, and nothing behind one that failed. */
  const follow = async (id: number, { succession, placed }: Behind) => {
    if (random() < 0.15) await new Promise<void>((resolve) => slow.push(resolve));
    await new Promise<void>((resolve, reject) => {
      group.push(() => {
        succession.broken ||= random() < 0.2;
        if (succession.broken) return reject(new Failure("store", "The disk is full"));
        stored.push(id);
        resolve();
      });
      placed();
    });
  };
  const read = (raw: unknown): Job => {
    const { update_id: id, lane, stop, plain } = raw as Update;
    if (plain) return { lane, follows: true, run: (behind) => follow(id, behind) };
    const run = async () => {
      if (random() < 0.15) await new Promise<void>((resolve) => slow.push(resolve));
      if (random() < 0.2) throw new Failure("store", "The disk is full");
      stored.push(id);
    };
    return { lane, urgent: stop, run };
  };
  const intake = createIntake({ clock, log, read });
  const all: Update[] = [];
  let queue: Update[] = [];
  let rounds = 0;
  while (all.length < 60 || queue.length > 0) {
    rounds += 1;
    if (rounds > 5_000) throw new Error(`Seed ${seed} does not end`);
    while (all.length < 60 && random() < 0.5) {
      const stop = random() < 0.05;
      const lane = `chat ${Math.floor(random() * 4)}`;
      const update = { update_id: 100 + all.length, lane, stop, plain: !stop && random() < 0.6 };
      all.push(update);
      queue.push(update);
    }
    let over = false;
    const taking = intake.take(queue.slice(0, 100)).then((taken) => {
      over = true;
      return taken;
    });
    for (let ticks = 0; !over; ticks += 1) {
      await Promise.resolve();
      if (ticks > 50) clock.advance(100);
      if (random() < 0.05) slow.shift()?.();
      if (random() < 0.2) commit();
    }
    const { offset } = await taking;
    const confirmed = queue.filter(({ update_id: id }) => offset !== undefined && id < offset);
    // What Telegram forgets is stored.
    for (const { update_id: id } of confirmed) expect(stored).toContain(id);
    queue = queue.filter((update) => !confirmed.includes(update));
    if (random() < 0.3) slow.shift()?.();
  }
  return { all, stored };
}

test("three hundred lives: everything is taken once, each conversation in its order", async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const { all, stored } = await live(seed);
    expect(stored.toSorted((a, b) => a - b)).toEqual(all.map(({ update_id: id }) => id));
    for (const lane of new Set(all.map((update) => update.lane))) {
      // A stop may come first.
      const ids = all.filter((update) => update.lane === lane && !update.stop).map(({ update_id: id }) => id);
      expect(stored.filter((id) => ids.includes(id))).toEqual(ids);
    }
  }
}, 30_000);

test("what was said after a stop comes in when the stop has acted", async () => {
  const clock = createManualClock(0);
  const acted: string[] = [];
  const stopping = Promise.withResolvers<void>();
  const read = (raw: unknown): Job => {
    const { text } = raw as { text: string };
    const run = async () => {
      if (text === "/stop") await stopping.promise;
      acted.push(text);
    };
    return { lane: "chat", urgent: text === "/stop", run };
  };
  const intake = createIntake({ clock, log, read });
  const updates = ["before", "/stop", "after"].map((text, index) => ({ update_id: index + 1, text }));
  const taking = intake.take(updates);
  for (let ticks = 0; ticks < 20; ticks += 1) await Promise.resolve();
  expect(acted).toEqual(["before"]);
  stopping.resolve();
  expect(await taking).toEqual({ offset: 4, failed: false, busy: false });
  expect(acted).toEqual(["before", "/stop", "after"]);
});
