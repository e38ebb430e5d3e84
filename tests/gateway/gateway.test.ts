// What comes in is stored once, answered once, in its own place, one turn at a time per session.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import { Failure } from "../../src/core/failure.ts";
import { noUsage } from "../../src/core/usage.ts";
import { answer, createWorld, local, message, secret, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

/** A turn that waits until it is let go or aborted. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("receive", () => {
  test("a question becomes a turn and an answer, all of it stored", async () => {
    const { send, quiet, store, events } = world.now;
    const receipt = await send(message("hello"));
    expect(receipt.state).toBe("waiting");
    await quiet();
    const [turn] = store.turns.list();
    expect(turn).toMatchObject({ state: "done", attempts: 1, usage: { requests: 1 } });
    expect(store.turns.events(turn?.id ?? 0).map((row) => row.event.type)).toEqual([
      "started",
      "taken",
      "message",
      "ended",
    ]);
    expect(store.messages.ofSession(1).map((row) => [row.direction, row.text])).toEqual([
      ["in", "hello"],
      ["out", "fine"],
    ]);
    expect(store.sessions.get(1)?.title).toBe("hello");
    expect(events("text").length).toBeGreaterThan(0);
  });
  test("a re-delivery runs nothing again", async () => {
    const { send, quiet, store } = world.now;
    const once = message("hello");
    await send(once);
    await quiet();
    expect((await send(once)).state).toBe("duplicate");
    await quiet();
    expect(store.turns.list()).toHaveLength(1);
  });
  test("a stranger gets nowhere and leaves nothing", async () => {
    const { gateway, store } = world.now;
    const receipt = await gateway.receive(message("hi"), { local: false, live: false });
    expect(receipt.state).toBe("refused");
    expect(store.sessions.list()).toEqual([]);
  });
  test("a text beyond the limit becomes a file", async () => {
    const { send, quiet, store } = world.now;
    await send(message("x".repeat(200_000)));
    await quiet();
    const [row] = store.messages.ofSession(1);
    expect(row?.text.length).toBeLessThan(3_000);
    expect(row?.text).toContain("200000 characters");
  });
  test("broken unicode and NUL bytes are mended, not refused", async () => {
    const { send, quiet, store } = world.now;
    await send(message("a\ud800b\u0000c"));
    await quiet();
    expect(store.messages.ofSession(1)[0]?.text).toBe("a\ufffdbc");
  });
  test("the twenty-first waiting message is refused with a reason", async () => {
    const { send, world: fake } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await wait.opened;
      yield* answer(turn, "late");
    };
    for (let n = 0; n < 20; n++) expect((await send(message(`m${n}`))).state).toBe("waiting");
    const refused = await send(message("one too many"));
    expect(refused).toMatchObject({ state: "refused" });
    wait.open();
    await world.now.quiet();
  });
  test("an edit replaces what waits, corrects what runs, and is history afterwards", async () => {
    const { send, quiet, store, world: fake } = world.now;
    const wait = gate();
    const taken: string[] = [];
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      for (let round = 0; round < 2; round++) {
        for (let input = turn.next(); input !== undefined; input = turn.next()) {
          taken.push(`${input.kind}: ${input.text}`);
          yield { type: "taken", inputs: [input.id], text: input.text };
        }
        if (round === 0) await wait.opened;
      }
      yield { type: "ended", outcome: "done", usage: noUsage };
    };
    const first = message("one");
    await send(first);
    await until(() => taken.length === 1);
    const second = message("two");
    await send(second);
    const edit = (target: string, text: string, id: string) => send({ ...message(""), kind: "edit", target, text, id });
    await edit(second.id, "two!", "e1");
    await edit(first.id, "one!", "e2");
    wait.open();
    await quiet();
    expect(taken).toEqual(["message: one", "message: two!", "correction: one!"]);
    expect((await edit(first.id, "one!!", "e3")).state).toBe("context");
    expect(store.turns.list()).toHaveLength(1);
  });
  test("a delete takes a waiting message back", async () => {
    const { send, quiet, store, world: fake } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text };
      await wait.opened;
      yield* answer(turn, "done");
    };
    await send(message("stays"));
    await until(() => store.inputs.waitingCount(1) === 0);
    const gone = message("gone");
    await send(gone);
    await send({ ...message(""), kind: "delete", target: gone.id, id: "d1" });
    expect(store.inputs.waitingCount(1)).toBe(0);
    wait.open();
    await quiet();
  });
});

describe("sessions", () => {
  test("a thread forks its conversation's session as it stands, without the open turn", async () => {
    const { send, quiet, store, world: fake } = world.now;
    await send(message("known to both"));
    await quiet();
    const wait = gate();
    fake.script = async function* (turn) {
      const input = turn.next();
      const content = [{ type: "text" as const, text: input?.text ?? "" }];
      const entry = { kind: "message" as const, message: { role: "user" as const, content, timestamp: 1 } };
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: input.text, entry };
      await wait.opened;
      yield { type: "ended", outcome: "done", usage: noUsage };
    };
    await send(message("open turn"));
    await until(() => store.turns.events(2).length > 0);
    await send(message("in the thread", { thread: "t1" }));
    await until(() => store.turns.events(3).length > 0);
    wait.open();
    await quiet();
    const texts = (session: number) =>
      JSON.stringify(store.entries.branch(store.sessions.get(session)?.head ?? null).map((entry) => entry.body));
    expect(store.sessions.get(2)).toMatchObject({ parent: 1 });
    expect(texts(2)).toContain("known to both");
    expect(texts(2)).not.toContain("open turn");
    expect(texts(1)).not.toContain("in the thread");
    await send(message("thread again", { thread: "t1" }));
    await quiet();
    expect(store.sessions.list()).toHaveLength(2);
  });
  test("an event may have a session apart, the same one when it is handed over again", async () => {
    const { send, quiet, store } = world.now;
    await send(message("mine"));
    await quiet();
    const event = message("wake up", { event: "x.json", fresh: true });
    await send(event);
    await quiet();
    await send(event);
    await quiet();
    expect(store.turns.list().map((turn) => turn.session)).toEqual([2, 1]);
    await send(message("mine again"));
    await quiet();
    expect(store.turns.list()[0]?.session).toBe(1);
  });
});

describe("queue", () => {
  test("inputs of another requester wait for a turn of their own", async () => {
    const { send, quiet, store, world: fake } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await wait.opened;
      yield* answer(turn, "ok");
    };
    await send(message("mine"));
    await send(message("mine too"));
    await send(message("theirs", { sender: { id: "7", name: "bob" } }));
    wait.open();
    await quiet();
    const turns = store.turns.list().reverse();
    expect(turns.map((turn) => turn.requester.id)).toEqual(["0", "7"]);
    expect(turns.map((turn) => store.turns.events(turn.id).filter((row) => row.event.type === "taken").length)).toEqual(
      [2, 1],
    );
  });
  test("many sessions run at once, bounded, and all are answered", async () => {
    const { send, quiet, store, gateway, world: fake } = world.now;
    let most = 0;
    fake.script = async function* (turn) {
      most = Math.max(most, gateway.running().length);
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield* answer(turn, "ok");
    };
    for (let n = 0; n < 40; n++) await send(message(`m${n}`, { conversation: { id: `c${n % 10}`, kind: "direct" } }));
    await quiet();
    expect(most).toBeLessThanOrEqual(4);
    expect(store.turns.list().every((turn) => turn.state === "done")).toBe(true);
    expect(store.sessions.list()).toHaveLength(10);
  });
  test("secrets lose their value in answers, also when a delta splits them", async () => {
    const { send, quiet, store, happenings, world: fake } = world.now;
    fake.script = (turn) => answer(turn, `the key is ${secret.slice(0, 9)} ${secret}`);
    await send(message("tell"));
    await quiet();
    const shown = happenings.map(({ event }) => (event.type === "text" ? event.delta : "")).join("");
    expect(shown).not.toContain(secret);
    expect(JSON.stringify(store.turns.eventsOfSession(1))).not.toContain(secret);
    expect(JSON.stringify(store.messages.ofSession(1))).not.toContain(secret);
  });
  test("a harness that throws or says no last word ends the turn as failed", async () => {
    const { send, quiet, store, world: fake } = world.now;
    fake.script = async function* () {
      yield { type: "started", resumed: false };
      throw new Error("boom");
    };
    await send(message("one"));
    await until(() => world.now.gateway.running().length === 0);
    expect(store.turns.list()[0]).toMatchObject({ state: "failed", error: { code: "internal" } });
    expect(JSON.stringify(store.turns.list()[0])).not.toContain("boom");
    fake.script = async function* (turn): AsyncGenerator<TurnEvent> {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
    };
    await send(message("two"));
    await quiet();
    expect(store.turns.list()[0]?.state).toBe("failed");
  });
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
    const { send, quiet, store, world: fake } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      const input = turn.next();
      if (input !== undefined) yield { type: "taken", inputs: [input.id], text: "" };
      await wait.opened;
      yield* answer(turn, "done");
    };
    await send(message("work"));
    await until(() => store.turns.events(1).length > 0);
    expect((await send(message("stop", { event: "x.json" }))).state).toBe("waiting");
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
      error: { code: "provider.timeout.final", hint: "limits.timeoutSeconds in settings.json changes the limit" },
    });
    expect(store.turns.list()[0]?.error?.message).toContain("2 seconds");
  } finally {
    await limited.remove();
  }
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
