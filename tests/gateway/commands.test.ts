// Chat commands over a real store.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answer, createWorld, gate, local, message, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

describe("commands", () => {
  test("each answers, and runs once", async () => {
    const { ask, send, quiet, store } = world.now;
    expect(await ask("/help")).toContain("/sessions");
    await send(message("first thing"));
    await quiet();
    expect(await ask("/new")).toContain("S002");
    expect(await ask("/sessions")).toContain("first thing");
    expect(await ask("/switch S001")).toContain("S001");
    expect(await ask("/switch S009")).toContain("there is none");
    expect(await ask("/model demo/offline:high")).toContain("demo/offline:high");
    expect(store.sessions.get(1)?.model).toBe("demo/offline:high");
    expect(await ask("/model nonsense")).toContain("expected");
    expect(await ask("/usage")).toContain("1 model request");
    expect(await ask("/memory")).toContain("likes tea");
    expect(await ask("/status")).toContain("S001");
    expect(await ask("/queue")).toBe("Nothing waits.");
    expect(await ask("/reset")).toContain("no longer leads to S001");
    expect(await ask("/confirm tools")).toContain("without isolation");
    expect(world.now.world.confirmed).toBe(true);
    expect(await ask("/confirm tools")).toContain("nothing to confirm");
  });
  test("a path or an unknown slash word is work for the agent", async () => {
    const { ask, quiet } = world.now;
    expect(await ask("/etc/hosts is what?")).toBe("waiting");
    expect(await ask("/nosuchthing")).toBe("waiting");
    await quiet();
    const unknown = await world.now.send({ ...message(""), kind: "command", name: "nosuchthing", args: "" } as never);
    expect(unknown).toMatchObject({ state: "refused" });
  });
  test("a repeated command is a duplicate", async () => {
    const { gateway, store } = world.now;
    const command = { ...message(""), kind: "command" as const, name: "new", args: "" };
    expect((await gateway.receive(command, local)).state).toBe("done");
    expect((await gateway.receive(command, local)).state).toBe("duplicate");
    expect(store.sessions.list()).toHaveLength(1);
  });
  test.each(["/queue remove 1", "/queue clear"])("%s does not claim what the turn has just taken", async (text) => {
    const { ask, send, quiet, world: fake } = world.now;
    const wait = gate();
    let answered: Promise<string> | undefined;
    fake.script = async function* (turn) {
      const first = turn.next();
      if (first !== undefined) yield { type: "taken", inputs: [first.id], text: first.text };
      await wait.opened;
      const second = turn.next();
      if (second !== undefined) yield { type: "taken", inputs: [second.id], text: second.text };
      // In the same tick: what was taken is not stored yet.
      answered = ask(text);
      yield* answer(turn, "done");
    };
    await send(message("one"));
    await until(() => world.now.store.inputs.waitingCount() === 0);
    await send(message("two"));
    wait.open();
    await quiet();
    expect(await answered).toBe("Nothing waits.");
  });
  test("the queue is shown and cleared", async () => {
    const { ask, send, world: fake, store, quiet } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await wait.opened;
      yield* answer(turn, "ok");
    };
    await send(message("one"));
    await until(() => store.inputs.waitingCount(1) === 0);
    await send(message("two"));
    await send(message("three"));
    expect(await ask("/queue")).toContain("1. two");
    expect(await ask("/queue remove 5")).toContain("it has 2");
    expect(await ask("/queue remove 1")).toContain("two");
    expect(await ask("/queue clear")).toContain("1 waiting");
    expect(store.inputs.waitingCount(1)).toBe(0);
    wait.open();
    await quiet();
  });
});
