// Crashes: the turn is cut at every event, and goes on from what was stored by then.
import { describe, expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import type { ToolResultMessage } from "../../src/core/transcript.ts";
import { createNativeHarness } from "../../src/harness/native/index.ts";
import type { ModelRequest } from "../../src/models/model.ts";
import type { Tool } from "../../src/tools/tool.ts";
import {
  answers,
  assistant,
  FakeStore,
  fakeLog,
  noteTool,
  quickClock,
  runToEnd,
  type Step,
  scriptedModels,
  shape,
} from "./fakes.ts";

const call = (id: string, text: string) => ({ id, name: "note", arguments: { text } });

/** Asks for two calls, then for one more, then answers; decides by what it sees, as a model does. */
const worker: Step = (request) => {
  const results = request.messages.filter((message) => message.role === "toolResult");
  if (results.length === 0) return answers("Starting. ", [call("a", "first"), call("b", "second")])(request);
  if (results.length === 2) return answers("", [call("c", "third")])(request);
  return answers("All done.")(request);
};

function native(steps: Step[] = Array.from({ length: 10 }, () => worker)) {
  const models = scriptedModels(steps);
  const harness = createNativeHarness({ models, log: fakeLog(), clock: quickClock, timeZone: "UTC" });
  return { harness, models };
}

/** Consumes `count` events; the last one is stored or lost, and then the process is gone. */
async function crashAfter(
  store: FakeStore,
  options: { count: number; lastStored: boolean; tools: Tool[] },
): Promise<void> {
  const events = native().harness.run(store.turn({ tools: options.tools }));
  const stream = events[Symbol.asyncIterator]();
  for (let n = 1; n <= options.count; n += 1) {
    const step = await stream.next();
    if (step.done === true) return;
    if (n < options.count || options.lastStored) store.store(step.value);
  }
}

/** Every call in view has exactly one result, behind it: what providers insist on. */
function wellFormed(request: ModelRequest | undefined): boolean {
  const open = new Set<string>();
  for (const message of request?.messages ?? []) {
    if (message.role === "toolResult") {
      if (!open.delete(message.toolCallId)) return false;
      continue;
    }
    if (open.size > 0) return false;
    if (message.role !== "assistant") continue;
    for (const part of message.content) if (part.type === "toolCall") open.add(part.id);
  }
  return open.size === 0;
}

describe("after a crash", () => {
  for (const lastStored of [true, false]) {
    test(`at any event, the last one ${lastStored ? "stored" : "lost"}, no call starts twice and the turn ends well`, async () => {
      const whole = new FakeStore();
      whole.say("Do it");
      const { length } = await runToEnd(native().harness, whole, { turn: { tools: [noteTool([])] } });
      expect(length).toBeGreaterThan(15);

      for (let count = 1; count < length; count += 1) {
        const starts: string[] = [];
        const tools = [noteTool(starts)];
        const store = new FakeStore();
        store.say("Do it");
        await crashAfter(store, { count, lastStored, tools });
        const { harness, models } = native();
        const events = await runToEnd(harness, store, { turn: { tools, resumed: true } });

        const where = `event ${count}`;
        expect([where, shape(events).at(-1)]).toEqual([where, "ended done"]);
        expect([where, new Set(starts).size]).toEqual([where, starts.length]);
        expect([where, ...models.requests.map(wellFormed)]).not.toContain(false);
        expect([where, store.waiting.length]).toEqual([where, 0]);
        const calls = store.entries.flatMap(({ body }) =>
          body.kind === "message" && body.message.role === "toolResult" ? [body.message.toolCallId] : [],
        );
        expect([where, new Set(calls).size]).toEqual([where, calls.length]);
        expect([where, store.startedCalls().size]).toEqual([where, 0]);
        expect(store.events.filter((event) => event.type === "taken").length).toBe(1);
      }
    });
  }

  test("a started call is of unknown outcome, one never started is said to be so", async () => {
    const store = new FakeStore();
    store.message({ role: "user", content: [{ type: "text", text: "Do it" }], timestamp: 1 });
    store.message(assistant("", [call("a", "x"), call("b", "y")]));
    store.events.push({ type: "tool", step: "start", call: "a", name: "note", title: "", input: {} });
    const starts: string[] = [];
    const { harness, models } = native([answers("I see.")]);
    const events = await runToEnd(harness, store, { turn: { resumed: true, tools: [noteTool(starts)] } });
    expect(starts).toEqual([]);
    expect(shape(events).slice(1, 3)).toEqual(["tool end a", "tool end b"]);
    const results = models.requests[0]?.messages.filter((one): one is ToolResultMessage => one.role === "toolResult");
    expect(results?.map((one) => [one.isError, JSON.stringify(one.content).slice(24, 35)])).toEqual([
      [true, "Interrupted"],
      [true, "Not started"],
    ]);
  });

  test("of the calls of a turn that was given up nothing is known, also when the next one is resumed", async () => {
    const store = new FakeStore();
    store.message({ role: "user", content: [{ type: "text", text: "Do it" }], timestamp: 1 });
    store.message(assistant("", [call("a", "x")]));
    store.say("And?");
    const { harness, models } = native([answers("I see.")]);
    await runToEnd(harness, store, { turn: { id: 2, resumed: true } });
    const result = models.requests[0]?.messages.find((one) => one.role === "toolResult");
    expect(JSON.stringify(result?.content)).toContain("Interrupted, outcome unknown");
  });

  test("a finished answer needs no request; a new input does", async () => {
    const store = new FakeStore();
    store.message({ role: "user", content: [{ type: "text", text: "Hi" }], timestamp: 1 });
    store.message(assistant("Hello."));
    const none = native([]);
    expect(shape(await runToEnd(none.harness, store, { turn: { resumed: true } }))).toEqual(["started", "ended done"]);
    store.say("And?");
    const one = native([answers("More.")]);
    expect(shape(await runToEnd(one.harness, store, { turn: { resumed: true } }))).toContain("taken");
    expect(one.models.requests.length).toBe(1);
  });

  test("an answer that a shutdown cut off is asked for again", async () => {
    const store = new FakeStore();
    store.message({ role: "user", content: [{ type: "text", text: "Hi" }], timestamp: 1 });
    store.message(assistant("Hel", [], { stopReason: "aborted" }));
    const { harness, models } = native([answers("Hello.")]);
    const events = await runToEnd(harness, store, { turn: { resumed: true } });
    expect(shape(events).at(-1)).toBe("ended done");
    expect(models.requests[0]?.messages.map((message) => message.role)).toEqual(["user"]);
    // And it stays out of view, so that what the provider has cached still begins the request.
    const later = native([answers("Ok.")]);
    store.say("Next");
    await runToEnd(later.harness, store);
    expect(later.models.requests[0]?.messages.map((message) => message.role)).toEqual(["user", "assistant", "user"]);
  });

  test("the next turn's request begins with what the turn before sent", async () => {
    const store = new FakeStore();
    store.say("Do it");
    const tools = [noteTool([])];
    const first = native();
    await runToEnd(first.harness, store, { turn: { tools } });
    store.say("Thanks");
    const second = native([answers("Welcome.")]);
    await runToEnd(second.harness, store, { turn: { tools } });
    const sent = first.models.requests.at(-1);
    expect(second.models.requests[0]?.messages.slice(0, sent?.messages.length)).toEqual([...(sent?.messages ?? [])]);
    expect(second.models.requests[0]?.tools).toEqual(sent?.tools ?? []);
  });
});

test("a consumer that leaves aborts what runs", async () => {
  const seen: AbortSignal[] = [];
  const step: Step = (request) => {
    seen.push(request.signal);
    return answers("one two three")(request);
  };
  const store = new FakeStore();
  store.say("Hi");
  const { harness } = native([step]);
  const events: TurnEvent[] = [];
  for await (const event of harness.run(store.turn())) {
    events.push(event);
    store.store(event);
    if (event.type === "text") break;
  }
  expect(seen[0]?.aborted).toBe(true);
  expect(shape(events)).toEqual(["started", "taken", "text"]);
});
