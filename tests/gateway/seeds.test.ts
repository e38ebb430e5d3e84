// Chance against the deliveries: lost answers, refusals to work, and kills at any moment, the same for the same seed.
import { expect, test } from "bun:test";
import type { Fault } from "./fake-adapter.ts";
import { createWorld, later, pdf, place } from "./outbox.ts";

/** Chance that can be had again (mulberry32): numbers from 0 to 1. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What happens to a call. A kill is noticed by whoever looks at `killed`. */
function trouble(next: () => number, state: { killed: boolean; calm: boolean }): () => Fault | undefined {
  return () => {
    const roll = state.calm ? 1 : next();
    if (roll < 0.1) return { lost: true };
    if (roll < 0.2) return later();
    if (roll < 0.24) return later({ retryAfterMs: 7_000 });
    if (roll < 0.28) return later({ everywhere: true });
    if (roll > 0.36) return undefined;
    state.killed = true;
    return { hang: roll < 0.32 ? "before" : "after" };
  };
}

async function run(seed: number, repeat: "marker" | "find"): Promise<void> {
  const next = chance(seed);
  const world = createWorld({ traits: { repeat } });
  const state = { killed: false, calm: false };
  world.platform.fault = trouble(next, state);
  const conversations = ["a", "b"];
  const said: Record<string, string[]> = { a: [], b: [] };
  for (let index = 0; index < 12; index += 1) {
    const id = conversations[Math.floor(next() * 2)] ?? "a";
    const isFile = next() < 0.2;
    const text = `${id}${index}`;
    if (!isFile) said[id]?.push(text);
    await world.say(isFile ? "" : text, { to: place(id), ...(isFile ? { files: [{ ...pdf, name: text }] } : {}) });
    if (state.killed) await world.restart();
    state.killed = false;
    await world.pass(Math.floor(next() * 3_000));
  }
  state.calm = true;
  await world.restart();
  await world.wait(5 * 60_000, 30_000);
  for (const id of conversations) {
    const texts = world.platform.texts(id);
    // Each text once, in its order; places that were lost are empty, and say nothing.
    expect([seed, texts.filter((text) => said[id]?.includes(text))]).toEqual([seed, said[id] ?? []]);
    const files = world.platform.shown(id).flatMap(({ file }) => (file === undefined ? [] : [file.name]));
    expect([seed, files]).toEqual([seed, [...new Set(files)]]);
  }
  for (const { kind, fate, id, file } of world.all()) {
    const fine = kind === "file" ? ["sent", "unknown"] : ["sent"];
    expect([seed, id, fine.includes(fate)]).toEqual([seed, id, true]);
    // Nothing ends in silence: a file that nobody knows of is asked about.
    const asked = world.platform.shown("a").concat(world.platform.shown("b"));
    const name = file?.name ?? "";
    if (fate === "unknown")
      expect([seed, asked.some(({ body }) => body.includes(`\`${name}\``))]).toEqual([seed, true]);
  }
  expect([seed, world.platform.violations, world.outbox.lanes()]).toEqual([seed, [], 0]);
}

const seeds = 100;

test.each(["marker", "find"] as const)(
  "with a %s no text is lost or doubled, and no file is sent twice",
  async (repeat) => {
    for (let seed = 1; seed <= seeds; seed += 1) await run(seed, repeat);
  },
  600_000,
);
