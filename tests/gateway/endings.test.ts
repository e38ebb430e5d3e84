// How turns end early: a part that fails, a stop, a time limit.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import { Failure } from "../../src/core/failure.ts";
import { noUsage } from "../../src/core/usage.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { answer, countingSandbox, createWorld, gate, message, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

describe("what fails before the harness", () => {
  test("ends the turn, with the input in the session for whoever goes on", async () => {
    const { send, quiet, store, world: fake } = world.now;
    fake.openFails = new Failure("sandbox", "Cannot bind folder: it is gone");
    await send(message("please work"));
    await quiet();
    expect(store.turns.list()[0]).toMatchObject({
      state: "failed",
      error: { message: "Cannot bind folder: it is gone" },
    });
    expect(store.turns.events(1).map((row) => row.event.type)).toEqual(["taken", "ended"]);
    expect(JSON.stringify(store.entries.branch(store.sessions.get(1)?.head ?? null))).toContain("please work");
    fake.openFails = undefined;
    await send(message("go on"));
    await quiet();
    expect(store.turns.list()[0]?.state).toBe("done");
  });
  test("a part that hangs does not keep stop waiting for ever", async () => {
    const { send, ask, store, world: fake } = world.now;
    fake.openHangs = true;
    await send(message("work"));
    await until(() => store.turns.list().length === 1);
    expect(await ask("/stop")).toContain("Stopped.");
    expect(store.turns.list()[0]?.state).toBe("stopped");
  });
  test("an input of a turn whose start was lost waits for the next one", async () => {
    const { store } = world.now;
    await world.now.send(message("one"));
    await world.now.quiet();
    const late = message("late");
    store.inputs.add(late, { state: "waiting", session: 1, at: 1 });
    const lost = store.turns.create({ session: 1, agent: "main", requester: late.sender, replyTo: late, at: 1 });
    store.inputs.assign(store.inputs.waiting(1)[0]?.id ?? 0, lost.id);
    await world.now.send(message("two"));
    await world.now.quiet();
    const texts = store.turns.events(3).flatMap((row) => (row.event.type === "taken" ? [row.event.text] : []));
    expect(texts).toEqual(["late", "two"]);
  });
});

describe("stop", () => {
  test("is never said by a schedule", async () => {
    const { send, schedule, quiet, store, world: fake } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await wait.opened;
      yield* answer(turn, "done");
    };
    await send(message("work"));
    await until(() => store.turns.events(1).length > 0);
    expect((await schedule(message("stop", { event: "x.json" }))).state).toBe("waiting");
    expect(fake.killed).toEqual([]);
    wait.open();
    await quiet();
  });
  test("sent again does not stop what began meanwhile", async () => {
    const { send, store, world: fake, gateway } = world.now;
    const hang = async function* (turn: Parameters<typeof answer>[0]): AsyncGenerator<TurnEvent> {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    fake.script = hang;
    await send(message("first"));
    await until(() => store.turns.events(1).length > 0);
    const stop = message("stop");
    await send(stop);
    await send(message("second"));
    await until(() => gateway.running().length === 1);
    await send(stop);
    expect(gateway.running()).toHaveLength(1);
    await send(message("stop"));
  });
  test("tells which waiting inputs are gone", async () => {
    const { send, store, world: fake } = world.now;
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("first"));
    await until(() => store.turns.events(1).length > 0);
    const waiting = await send(message("second"));
    await send(message("stop"));
    expect(fake.gone).toEqual(waiting.state === "waiting" ? [waiting.input] : []);
  });
  test("kills first, answers afterwards, and names what died", async () => {
    const { send, store, world: fake, ask } = world.now;
    fake.proof = { killed: [{ pid: 42, command: "sleep 1000" }], survivors: [] };
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("work"));
    await until(() => store.turns.list()[0]?.state === "running" && store.inputs.waitingCount(1) === 0);
    await send(message("more"));
    const said = await ask("stop");
    expect(fake.killed[0]).toBe("turn-1");
    expect(said).toContain("Stopped.");
    expect(said).toContain("sleep 1000");
    expect(said).toContain("1 waiting message was removed");
    expect(store.turns.list()[0]?.state).toBe("stopped");
    expect(await ask("/stop")).toBe("Nothing is running.");
  });
  test("says so when something survived", async () => {
    const { send, world: fake, ask, store } = world.now;
    fake.proof = { killed: [], survivors: [{ pid: 7, command: "stuck" }] };
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("work"));
    await until(() => store.turns.events(1).length > 0);
    const said = await ask("/stop");
    expect(said).toContain("Not everything could be stopped");
    expect(said).not.toContain("Stopped.");
  });
  test("works although the harness hangs for ever", async () => {
    const { send, world: fake, ask, store } = world.now;
    fake.script = async function* () {
      yield { type: "started", resumed: false };
      await new Promise(() => undefined);
    };
    await send(message("work"));
    await until(() => store.turns.events(1).length > 0);
    expect(await ask("/stop")).toContain("Stopped.");
    expect(store.turns.list()[0]?.state).toBe("stopped");
    fake.script = (turn) => answer(turn, "next");
    await send(message("again"));
    await world.now.quiet();
    expect(store.turns.list()[0]?.state).toBe("done");
  });
});

describe("a look at the processes that fails", () => {
  const blind = (timeoutMs?: number) => {
    const closed: string[] = [];
    const openSandbox = async (): Promise<Sandbox> => ({
      ...countingSandbox({ killed: [], proof: { killed: [], survivors: [] } }),
      kill: () => Promise.reject(new Error("too many open files")),
      close: async () => void closed.push("closed"),
    });
    const opened = createWorld({ more: { openSandbox }, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    opened.now.world.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    return { opened, closed };
  };
  test("is no proof: stop ends the turn and says that something may live", async () => {
    const { opened, closed } = blind();
    const { send, ask, store } = opened.now;
    await send(message("work"));
    await until(() => store.turns.events(1).length > 0);
    expect(await ask("/stop")).toContain("Not everything could be stopped");
    expect([store.turns.list()[0]?.state, closed]).toEqual(["stopped", ["closed"]]);
    await opened.remove();
  });
  test("ends neither the program nor the wait of a time limit or of a newer message", async () => {
    const { opened } = blind(20);
    const { send, quiet, store } = opened.now;
    await send(message("work"));
    await quiet();
    expect(store.turns.list()[0]?.state).toBe("failed");
    await opened.remove();
  });
});

test("a sandbox that opens after its turn was left is closed", async () => {
  const slow = gate();
  const closed: string[] = [];
  const openSandbox = async (): Promise<Sandbox> => {
    await slow.opened;
    const plain = countingSandbox({ killed: [], proof: { killed: [], survivors: [] } });
    return { ...plain, close: async () => void closed.push("closed") };
  };
  const opened = createWorld({ more: { openSandbox } });
  const { send, ask, store } = opened.now;
  await send(message("work"));
  await until(() => store.turns.list().length === 1);
  expect(await ask("/stop")).toContain("Stopped.");
  slow.open();
  await until(() => closed.length === 1);
  await opened.remove();
});

test("a turn beyond its time limit is killed, and says the limit and the mend", async () => {
  const limited = createWorld({ timeoutMs: 2_000 });
  try {
    const { send, quiet, store, world: fake } = limited.now;
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("slow"));
    await quiet();
    expect(fake.killed).toContain("turn-1");
    expect(store.turns.list()[0]).toMatchObject({
      state: "failed",
      error: { code: "provider.timeout.final", hint: expect.stringContaining("/option timeout <seconds>") },
    });
    expect(store.turns.list()[0]?.error?.message).toContain("2 seconds");
  } finally {
    await limited.remove();
  }
});
