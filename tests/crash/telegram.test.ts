// The built program over a fake Telegram, killed before, while and after it talks to the platform and the model: every
// message is answered once, in its own chat, and no call or file happens twice.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { limits } from "../../src/core/limits.ts";
import { builtProgram } from "../built.ts";
import { hasStrace } from "./instance.ts";
import { taskText } from "./model.ts";
import { runSeeds } from "./seeds.ts";
import { checkTelegram } from "./telegram-check.ts";
import { runTelegramSeed } from "./telegram-run.ts";
import { createTelegramWorld } from "./telegram-world.ts";

setDefaultTimeout(180_000);

/** A longer run: `bun run crash --telegram --seeds 500`. */
const seeds = 40;

let program: ReturnType<typeof builtProgram>;
beforeAll(() => {
  program = builtProgram();
});
afterAll(() => program.remove());

test(`${seeds} runs with kills around calls, requests, commits${hasStrace ? "" : " (no strace: none inside a commit)"}`, async () => {
  const { failed, kills, struck } = await runSeeds(seeds, (options) => runTelegramSeed(program.path, options));
  expect(failed).toEqual([]);
  expect(kills).toBeGreaterThan(2 * seeds);
  expect(struck).toBeGreaterThan(seeds);
});

test("a message that kills the program is tried three times, then given up in its chat, and the next is answered", async () => {
  const world = await createTelegramWorld(program.path, 1);
  try {
    const { people, chats, sent, platform } = world;
    const say = (name: string) => {
      const task = { name, rounds: 0, width: 1, callMs: 10 };
      const id = people.ann.say(chats.ann, taskText(task));
      sent.push({ kind: "message", place: "ann", by: "ann", id, task, order: world.order() });
    };
    say("poison");
    for (let lives = 0; lives < limits.resumesMax + 1; lives += 1) {
      const life = world.start();
      world.onAsked = () => life.kill();
      await life.ended;
      world.kills += 1;
    }
    world.onAsked = () => undefined;
    const last = world.start();
    await world.idle(last);
    expect(world.model.requestsFor("poison")).toBe(limits.resumesMax + 1);
    const given = platform.messages(chats.ann).filter(({ text }) => text.includes("does not go on by itself"));
    expect(given).toHaveLength(1);
    say("after");
    await world.idle(last);
    expect(platform.lastOfBot(chats.ann)?.text).toContain("<after is answered>");
    const env = { PATH: process.env.PATH ?? "", HOME: world.home, REMOTEAGENT_STATE_DIR: world.stateDir };
    const listed = spawnSync(program.path, ["deliveries", "list", "--json"], { env, encoding: "utf8" });
    expect([listed.status, listed.stdout.trim()]).toEqual([0, "[]"]);
    last.signal("SIGTERM");
    expect(await last.ended).toBe(0);
    expect(checkTelegram(world).wrong).toEqual([]);
  } finally {
    await world.close({ keep: false });
  }
});
