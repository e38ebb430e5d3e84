// What becomes of messages while a turn runs: the modes, the place that is told, and what /stop leaves.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { noUsage } from "../../src/core/usage.ts";
import type { Turn } from "../../src/harness/harness.ts";
import { answer, createWorld, direct, gate, posted, remote, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

/** Turns take what they were started for, wait until they are let go, and then take what joins them. */
function slowTurns() {
  const turns: string[][] = [];
  let wait = gate();
  world.now.world.script = async function* (turn: Turn) {
    const taken: string[] = [];
    turns.push(taken);
    yield { type: "started", resumed: false };
    const held = wait;
    for (let round = 0; round < 2; round++) {
      for (let input = turn.next(); input !== undefined; input = turn.next()) {
        taken.push(input.text);
        yield { type: "taken", inputs: [input.id], text: input.text };
      }
      if (round === 0)
        await Promise.race([
          held.opened,
          new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve())),
        ]);
    }
    if (turn.signal.aborted) yield { type: "ended", outcome: "stopped", usage: noUsage };
    else yield* answer(turn, "ok");
  };
  return {
    turns,
    letGo() {
      wait.open();
      wait = gate();
    },
  };
}

/** Sends `first`, and when its turn has it, the others. */
async function burst(texts: string[], mode?: string) {
  const { send, store } = world.now;
  const slow = slowTurns();
  if (mode !== undefined) await send(direct(`/queue mode ${mode}`));
  const [first = "", ...rest] = texts;
  await send(direct(first));
  await until(() => slow.turns[0]?.length === 1 && store.inputs.waitingCount() === 0);
  for (const text of rest) await send(direct(text));
  return slow;
}

/** Lets every turn go until nothing is left. */
async function finish(slow: ReturnType<typeof slowTurns>) {
  await until(() => {
    slow.letGo();
    return world.now.gateway.running().length === 0 && world.now.store.inputs.waitingCount() === 0;
  });
}

describe("modes", () => {
  test("steer: later messages join the turn", async () => {
    const slow = await burst(["a", "b", "c"]);
    await finish(slow);
    expect(slow.turns).toEqual([["a", "b", "c"]]);
    expect(world.now.said()).toEqual([]);
  });
  test("followup: each gets a turn of its own, and the place is told once", async () => {
    const slow = await burst(["a", "b", "c"], "followup");
    expect(world.now.said().slice(1)).toEqual([
      "Place 1 in the queue: a turn is running. /queue shows what waits, /stop ends the turn.",
    ]);
    await finish(slow);
    expect(slow.turns).toEqual([["a"], ["b"], ["c"]]);
  });
  test("collect: what waits becomes one turn", async () => {
    const slow = await burst(["a", "b", "c"], "collect");
    await finish(slow);
    expect(slow.turns).toEqual([["a"], ["b", "c"]]);
  });
  test("interrupt: the newest takes the turn's place, and it is said", async () => {
    const slow = await burst(["a", "b"], "interrupt");
    await until(() => slow.turns.length === 2);
    await finish(slow);
    expect(slow.turns).toEqual([["a"], ["b"]]);
    const [second, first] = world.now.store.turns.list();
    expect([first?.state, second?.state]).toEqual(["stopped", "done"]);
    const notices = world.now.events("notice").map(({ event }) => (event.type === "notice" ? event.text : ""));
    expect(notices).toEqual(["Stopped: a newer message takes its place."]);
  });
  test("somebody else's message never ends or joins a turn, whatever the mode", async () => {
    for (const mode of ["steer", "interrupt"]) {
      const { send } = world.now;
      const slow = slowTurns();
      const thread = `t-${mode}`;
      await send(posted(`/queue mode ${mode}`, { thread }));
      await send(posted("mine", { thread }));
      await until(() => slow.turns[0]?.length === 1);
      await send(posted("theirs", { thread, sender: { id: "2", name: "bob" } }));
      expect(world.now.gateway.running()).toHaveLength(1);
      await finish(slow);
      expect(slow.turns).toEqual([["mine"], ["theirs"]]);
      const requesters = world.now.store.turns.list({ limit: 2 }).map(({ requester }) => requester.id);
      expect(requesters).toEqual(["2", "1"]);
    }
  });
  test("an edit corrects its turn in every mode", async () => {
    const { send } = world.now;
    const slow = slowTurns();
    await send(direct("/queue mode collect"));
    const first = direct("make tea");
    await send(first);
    await until(() => slow.turns[0]?.length === 1);
    const { text: _text, addressed: _addressed, ...base } = direct("");
    await send({ ...base, kind: "edit", target: first.id, text: "make coffee" });
    await finish(slow);
    expect(slow.turns).toEqual([["make tea", "make coffee"]]);
  });
});

describe("the list", () => {
  test("has a button for each, which keeps its message although places move", async () => {
    const slow = await burst(["a", "b", "c", "d"], "collect");
    const { send, said, world: fake, store } = world.now;
    await send(direct("/queue"));
    const choices = fake.said.at(-1)?.outgoing.choices ?? [];
    expect(choices.map(({ label }) => label)).toEqual(["Remove 1", "Remove 2", "Remove 3", "Remove all"]);
    await send(direct(choices[0]?.value ?? ""));
    await send(direct(choices[1]?.value ?? ""));
    expect(said().at(-1)).toBe("Removed: c");
    await send(direct(choices[1]?.value ?? ""));
    expect(said().at(-1)).toBe("That message waits no longer.");
    expect(store.inputs.waitingCount()).toBe(1);
    await finish(slow);
    expect(slow.turns).toEqual([["a"], ["d"]]);
    expect(fake.gone).toHaveLength(2);
  });
});

describe("stop", () => {
  test("is answered on the platform when everything is dead, with what died", async () => {
    const slow = await burst(["a", "b"], "collect");
    const { send, said, world: fake, store } = world.now;
    fake.proof = { killed: [{ pid: 7, command: "sleep 99" }], survivors: [] };
    await send(direct("/stop"));
    expect(said().at(-1)).toBe("Stopped. Killed: `sleep 99` (7). 1 waiting message was removed.");
    expect(store.turns.list()[0]?.state).toBe("stopped");
    await finish(slow);
  });
  test("is answered although the store is full", async () => {
    const slow = await burst(["a"]);
    const { gateway, store, world: fake } = world.now;
    const { transaction } = store;
    store.transaction = () => {
      throw new Error("database or disk is full");
    };
    const receipt = await gateway.receive(direct("stop"), remote);
    store.transaction = transaction;
    expect(receipt).toMatchObject({ state: "done", answer: { markdown: expect.stringContaining("Stopped.") } });
    expect(fake.unstored).toEqual(["Stopped."]);
    expect(fake.killed).toContain("turn-1");
    await finish(slow);
  });
  test("in a group without a reply it means the only turn that runs, or asks which", async () => {
    const { send, said, gateway, world: fake } = world.now;
    const slow = slowTurns();
    await send(posted("one"));
    await until(() => slow.turns[0]?.length === 1);
    await send(posted("/stop"));
    expect(said().at(-1)).toBe("Stopped.");
    await send(posted("two"));
    await send(posted("three"));
    await until(() => gateway.running().length === 2);
    await send(posted("stop"));
    const asked = fake.said.at(-1)?.outgoing;
    expect(asked?.markdown).toContain("Several turns run here");
    expect(asked?.choices?.map(({ value }) => value)).toEqual(["/stop S002", "/stop S003"]);
    await send(posted("/stop S003"));
    expect(gateway.running().map(({ row }) => row.session)).toEqual([2]);
    await send(posted("/stop S999"));
    expect(said().at(-1)).toBe("Nothing is running.");
    await finish(slow);
  });
  test("in a reply it means the session of what it answers", async () => {
    const { send, gateway } = world.now;
    const slow = slowTurns();
    const first = posted("one");
    await send(first);
    await send(posted("two"));
    await until(() => gateway.running().length === 2);
    await send(posted("/stop", { replyTo: first.id }));
    expect(gateway.running().map(({ row }) => row.session)).toEqual([2]);
    await finish(slow);
  });
  test("never reaches into another conversation", async () => {
    const { send, said, gateway } = world.now;
    const slow = slowTurns();
    await send(direct("private work"));
    await until(() => gateway.running().length === 1);
    await send(posted("/stop"));
    await send(posted("/stop S001"));
    expect(said()).toEqual(["Nothing is running.", "Nothing is running."]);
    expect(gateway.running()).toHaveLength(1);
    await finish(slow);
  });
});
