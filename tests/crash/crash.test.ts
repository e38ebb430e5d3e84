// The built program, killed at every step of a turn, again and again: what was acknowledged is answered, what ran
// is not run again, and whoever was interrupted is told.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { limits } from "../../src/core/limits.ts";
import { createStore } from "../../src/store/store.ts";
import { builtProgram } from "../built.ts";
import { checkStore } from "./check.ts";
import { deadlineMs, hasStrace, type Life, startLife, until } from "./instance.ts";
import type { Task } from "./model.ts";
import { runSeed } from "./run.ts";
import { runSeeds } from "./seeds.ts";
import { createWorld, type World } from "./world.ts";

setDefaultTimeout(180_000);

/** Runs of about three lives each. A longer run: `bun run crash --seeds 500`. */
const seeds = 60;

let program: ReturnType<typeof builtProgram>;
beforeAll(() => {
  program = builtProgram();
});
afterAll(() => program.remove());

const task = (name: string, more: Partial<Task> = {}): Task => ({ name, rounds: 1, width: 2, callMs: 20, ...more });

test(`${seeds} runs with kills at commits, requests, calls and events${hasStrace ? "" : " (no strace: none inside a commit)"}`, async () => {
  const { failed, kills, struck } = await runSeeds(seeds, (options) => runSeed(program.path, options));
  expect(failed).toEqual([]);
  expect(kills).toBeGreaterThan(seeds);
  if (hasStrace) expect(struck).toBeGreaterThan(seeds / 2);
});

/** A life that ends when the model is asked. */
async function dieAtRequest(world: World): Promise<void> {
  const life = world.start();
  world.model.onStep = (step) => {
    if (step === "request") life.kill();
  };
  await until(
    () => !life.alive(),
    () => `The model is not asked: ${life.said()}`,
  );
  world.model.onStep = () => undefined;
}

/** A life that ends a moment after its start. */
async function dieReady(world: World): Promise<void> {
  const life = world.start();
  await until(
    () => life.said().includes("ready"),
    () => `It does not start: ${life.said()}`,
  );
  life.kill();
  await life.ended;
}

describe("a message that kills the program", () => {
  test("is tried three times, then given up with a sentence, and the next one is answered", async () => {
    await using world = await createWorld(program.path);
    world.say(task("poison"));
    for (let lives = 0; lives < limits.resumesMax + 1; lives += 1) await dieAtRequest(world);
    await dieReady(world);
    expect(world.model.requestsFor("poison")).toBe(limits.resumesMax + 1);
    world.say(task("after"));
    const last = world.start();
    await world.idle(last);
    last.signal("SIGTERM");
    expect(await last.ended).toBe(0);
    expect(checkStore(world).wrong).toEqual([]);
  });

  test("after five short lives nothing goes on by itself, and that is said", async () => {
    await using world = await createWorld(program.path);
    for (let lives = 0; lives < limits.startsShortMax - 1; lives += 1) await dieReady(world);
    world.say(task("poison"));
    await dieAtRequest(world);
    expect(world.model.requestsFor("poison")).toBe(1);
    const next = world.start();
    await world.idle(next);
    expect(world.model.requestsFor("poison")).toBe(1);
    next.signal("SIGTERM");
    await next.ended;
    const db = openDatabase(join(world.stateDir, "remoteagent.db"));
    const turns = createStore(db).turns.list();
    db.close();
    expect(turns).toHaveLength(1);
    expect(turns[0]).toMatchObject({ state: "failed", error: { code: "turn.interrupted" } });
    expect(turns[0]?.error?.message).toContain(`ended ${limits.startsShortMax} times`);
  });
});

test("a stop during a turn keeps it for the next start, which tells and goes on", async () => {
  await using world = await createWorld(program.path);
  const first = world.start();
  world.say(task("long", { callMs: 60_000 }));
  await until(
    () => world.calls().length === 2,
    () => `The calls do not run: ${first.said()}`,
  );
  first.signal("SIGTERM");
  await until(
    () => first.said().includes("SIGTERM"),
    () => "The signal is not seen",
  );
  first.signal("SIGTERM");
  expect(await first.ended).toBe(0);
  world.stops += 1;
  const second = world.start();
  await world.idle(second);
  second.signal("SIGTERM");
  expect(await second.ended).toBe(0);
  expect(checkStore(world).wrong).toEqual([]);
  expect(world.calls().filter((line) => line.startsWith("begun"))).toHaveLength(2);
});

test("a stop while it starts is a clean end, whenever it comes", async () => {
  await using world = await createWorld(program.path);
  // From the moment on at which it takes the lock, before which nothing of ours has run.
  const lock = join(world.stateDir, "remoteagent.lock");
  const isLocked = (life: Life) => {
    try {
      return (JSON.parse(readFileSync(lock, "utf8")) as { pid: number }).pid === life.pid();
    } catch {
      return false;
    }
  };
  for (const waitMs of [0, 5, 20, 60]) {
    const life = world.start();
    await until(
      () => isLocked(life) || !life.alive(),
      () => `It takes no lock: ${life.said()}`,
    );
    await new Promise((resume) => setTimeout(resume, waitMs));
    life.signal("SIGTERM");
    expect([waitMs, await life.ended]).toEqual([waitMs, 0]);
  }
});

test("of instances that race for one state folder one wins, and the others say who", async () => {
  await using world = await createWorld(program.path);
  for (let round = 0; round < 3; round += 1) {
    const lives = Array.from({ length: 3 }, () => world.start());
    await until(
      () => lives.filter((life) => !life.alive()).length === 2 && lives.some((life) => life.said().includes("ready")),
      () => lives.map((life) => life.said()).join("\n"),
    );
    const winner = lives.find((life) => life.alive());
    for (const loser of lives.filter((life) => life !== winner)) {
      expect(await loser.ended).toBe(78);
      expect(loser.said()).toContain(`process ${winner?.pid()}`);
    }
    winner?.kill();
    await winner?.ended;
  }
});

test("a start that is killed at any moment leaves nothing in the way of the next", async () => {
  await using world = await createWorld(program.path);
  const env = { PATH: process.env.PATH ?? "", HOME: world.home, REMOTEAGENT_STATE_DIR: world.stateDir };
  for (const waitMs of [0, 10, 30, 60, 100, 200]) {
    const life = startLife(program.path, { home: world.home, env });
    await new Promise((resume) => setTimeout(resume, waitMs));
    life.kill();
    await life.ended;
  }
  const last = world.start();
  await until(
    () => last.said().includes("ready"),
    () => last.said(),
    deadlineMs,
  );
  last.signal("SIGTERM");
  expect(await last.ended).toBe(0);
});
