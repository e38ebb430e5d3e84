// After a crash: told, resumed, given up, and nothing started too early.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import { noUsage } from "../../src/core/usage.ts";
import { assistant } from "../harness/fakes.ts";
import { answer, createWorld, message, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

describe("after a crash", () => {
  test("an interrupted turn is told and goes on, at most twice by itself", async () => {
    const { send, store, world: fake } = world.now;
    const hang = async function* (turn: Parameters<typeof answer>[0]): AsyncGenerator<TurnEvent> {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text };
      else yield { type: "started", resumed: true };
      await new Promise(() => undefined);
    };
    fake.script = hang;
    await send(message("poison"));
    await until(() => store.turns.events(1).length > 0);
    for (const attempts of [2, 3]) {
      const next = world.crash(hang);
      const { resumed } = next.gateway.resume(false);
      expect(resumed.map((turn) => turn.attempts)).toEqual([attempts]);
      expect(next.store.turns.events(1).some((row) => row.event.type === "notice")).toBe(true);
      await until(() => next.store.turns.events(1).length > attempts * 2 - 2);
    }
    const last = world.crash(hang);
    const { resumed, offered } = last.gateway.resume(false);
    expect(resumed).toEqual([]);
    expect(offered).toHaveLength(1);
    expect(last.store.turns.get(1)).toMatchObject({ state: "failed", error: { code: "turn.interrupted" } });
    expect(last.store.turns.inState("interrupted")).toEqual([]);
  });
  test("an input that kills the program before it is taken is not tried for ever", async () => {
    const { send, store, world: fake } = world.now;
    const die = async function* (): AsyncGenerator<TurnEvent> {
      await new Promise(() => undefined);
      yield { type: "started", resumed: false };
    };
    fake.script = die;
    await send(message("poison"));
    await until(() => store.turns.list().length === 1);
    for (let crash = 0; crash < 3; crash++) world.crash(die).gateway.resume(false);
    expect(world.now.store.inputs.waitingCount()).toBe(0);
    expect(world.now.store.turns.list()).toHaveLength(1);
  });
  test("a turn whose end could not be stored is closed before the next one of its session", async () => {
    const { send, quiet, store } = world.now;
    await send(message("one"));
    await quiet();
    store.turns.setState(1, "running");
    await send(message("two"));
    await quiet();
    expect(store.turns.get(1)).toMatchObject({ state: "failed", error: { code: "turn.interrupted" } });
    store.turns.setState(1, "running");
    store.turns.setState(2, "running");
    const next = world.crash((turn) => answer(turn, "again"));
    expect(next.gateway.resume(false).resumed.map((turn) => turn.id)).toEqual([2]);
    await next.quiet();
    expect(next.store.turns.inState("running")).toEqual([]);
    expect(next.store.turns.get(1)?.state).toBe("failed");
  });
  test("nothing starts before what the last process left is judged", async () => {
    const { send, store, world: fake } = world.now;
    fake.script = async function* () {
      yield { type: "started", resumed: false };
      await new Promise(() => undefined);
    };
    await send(message("one"));
    await until(() => store.turns.events(1).length > 0);
    const starts: number[] = [];
    const next = world.crash((turn) => {
      starts.push(turn.id);
      return answer(turn, "ok");
    });
    await next.send(message("early"));
    expect(starts).toEqual([]);
    next.gateway.resume(false);
    await next.quiet();
    expect(new Set(starts).size).toBe(starts.length);
    expect(next.store.turns.get(1)?.state).toBe("done");
  });
  test("what waited is run, and in a crash loop nothing is", async () => {
    const { send, store, world: fake } = world.now;
    fake.script = async function* () {
      yield { type: "started", resumed: false };
      await new Promise(() => undefined);
    };
    await send(message("one"));
    await until(() => store.turns.events(1).length > 0);
    await send(message("two", { sender: { id: "7", name: "bob" } }));
    const looping = world.crash((turn) => answer(turn, "ok"));
    expect(looping.gateway.resume(true).resumed).toEqual([]);
    expect(looping.store.inputs.waitingCount()).toBe(1);
    const calm = world.crash((turn) => answer(turn, "ok"));
    calm.gateway.resume(false);
    await calm.quiet();
    expect(calm.store.turns.list()[0]).toMatchObject({ state: "done", requester: { id: "7" } });
  });
  test("shutdown cuts a turn off so that the next start goes on with it", async () => {
    const { send, store, gateway, world: fake } = world.now;
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("long"));
    await until(() => store.turns.events(1).length > 0);
    const { interrupted, drained } = await gateway.close(0);
    expect(interrupted).toEqual([1]);
    expect(drained).toEqual([]);
    // An orderly end is no attempt that failed.
    expect(store.turns.get(1)).toMatchObject({ state: "interrupted", attempts: 0 });
    const next = world.crash((turn) => answer(turn, "went on"));
    expect(next.gateway.resume(false).resumed).toHaveLength(1);
    await next.quiet();
    expect(next.store.turns.get(1)?.state).toBe("done");
    // No failed attempt, and yet no fresh start: the harness must look at what was left behind.
    const starts = next.store.turns.events(1).map(({ event }) => event);
    expect(starts).toContainEqual(expect.objectContaining({ type: "started", resumed: true }));
  });
  test("a turn that somebody stops while the program ends stays stopped", async () => {
    const { send, store, gateway, world: fake } = world.now;
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("long"));
    await until(() => store.turns.events(1).length > 0);
    const stopping = send(message("/stop"));
    const { interrupted, drained } = await gateway.close(0);
    await stopping;
    expect([interrupted, drained]).toEqual([[], [1]]);
    expect(store.turns.get(1)?.state).toBe("stopped");
    const next = world.crash((turn) => answer(turn, "went on"));
    expect(next.gateway.resume(false).resumed).toEqual([]);
  });
  test("an answer that a shutdown cuts off is said once, as a whole, by the next start", async () => {
    const { send, store, gateway, world: fake } = world.now;
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text };
      yield { type: "text", delta: "It is fi" };
      await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      const half = assistant("It is fi", [], { stopReason: "aborted" });
      yield { type: "message", text: "It is fi", entry: { kind: "message", message: half } };
      yield { type: "ended", outcome: "stopped", usage: noUsage };
    };
    await send(message("what is it"));
    await until(() => store.turns.events(1).length > 0);
    await gateway.close(0);
    // Should nobody go on, it is what was said.
    expect(store.turns.get(1)?.partial).toBe("It is fi");
    const next = world.crash((turn) => answer(turn, "It is finished"));
    next.gateway.resume(false);
    await next.quiet();
    const said = next.store.turns.events(1).flatMap(({ event }) => (event.type === "message" ? [event.text] : []));
    expect(said).toEqual(["It is finished"]);
  });
});
