// An answer to a question of a turn that is being stopped: it comes too late, or is acted on when the stop is over.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Turn } from "../../src/harness/harness.ts";
import { noteTool } from "../harness/fakes.ts";
import { answer, countingSandbox, createWorld, direct, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
let death: PromiseWithResolvers<void>;
let kills: number;
let starts: string[];

/** Asks for one call, and makes it when that is allowed. */
async function* asking(turn: Turn) {
  for await (const event of answer(turn, "fine")) {
    if (event.type === "text") {
      const { allowed } = await turn.permit({ id: "c1", name: "note", input: {} });
      if (allowed) starts.push("note");
    }
    yield event;
  }
}

beforeEach(async () => {
  [death, kills, starts] = [Promise.withResolvers<void>(), 0, []];
  const folders = { workspace: "/", writable: [], readable: [], folders: [], cwd: "/w", home: "/h" };
  world = createWorld({
    more: {
      openSandbox: async () => ({ ...countingSandbox(world.now.world), isolation: "none" }),
      setting: async () => ({
        request: { agent: "main", requester: "1", session: 1, ...folders },
        system: async () => "You are a test",
        tools: [{ ...noteTool([]), effect: "inside" }],
      }),
      async killBackground() {
        kills += 1;
        await death.promise;
        return { killed: [], survivors: [] };
      },
    },
  });
  // The turn waits since an earlier life, and a stop is killing what runs in the background.
  world.now.world.script = asking;
  await world.now.send(direct("go"));
  await until(() => state() === "waiting");
  world.crash(asking).gateway.resume(false);
});
afterEach(async () => {
  death.resolve();
  await world.remove();
});

const state = () => world.now.store.turns.get(1)?.state;

/** What the stop says when the question was answered while it was under way. */
async function stop(meanwhile: () => void = () => undefined) {
  const stopped = world.now.send(direct("/stop all"));
  await until(() => kills === 1);
  expect(await world.now.send(direct("/approve 1"))).toMatchObject({ state: "done", ok: true });
  await new Promise((resolve) => void setImmediate(resolve));
  expect([state(), starts]).toEqual(["waiting", []]);
  meanwhile();
  death.resolve();
  return stopped;
}

test("SECURITY 29: what was stopped does not go on by an answer that came after the stop", async () => {
  expect(await stop()).toMatchObject({ answer: { markdown: "Stopped." } });
  await world.now.quiet();
  expect([state(), starts]).toEqual(["stopped", []]);
});

test("what the stop could not end goes on, for nothing could be stored", async () => {
  const full = () => {
    const { inputs } = world.now.store;
    const { add } = inputs;
    inputs.add = () => {
      inputs.add = add;
      throw new Error("disk full");
    };
  };
  expect(await stop(full)).toMatchObject({ answer: { markdown: "Nothing is running." } });
  await until(() => state() === "done");
  expect(starts).toEqual(["note"]);
});
