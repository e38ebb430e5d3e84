// The native harness: the family's contract, and the order of everything in a turn.
import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { createNativeHarness } from "../../src/harness/native/index.ts";
import { textResult } from "../../src/tools/tool.ts";
import { harnessContract } from "./contract.ts";
import {
  answers,
  assistant,
  FakeStore,
  fails,
  fakeLog,
  hangs,
  noteTool,
  quickClock,
  runToEnd,
  type Step,
  scriptedModels,
  shape,
  tool,
} from "./fakes.ts";

function native(steps: Step[], info: Parameters<typeof scriptedModels>[1] = {}) {
  const models = scriptedModels(steps, info);
  const log = fakeLog();
  const harness = createNativeHarness({ models, log, clock: quickClock, timeZone: "Europe/Berlin" });
  return { harness, models, log };
}

const call = (id: string, text: string) => ({ id, name: "note", arguments: { text } });

harnessContract({
  name: "native",
  answering: async () => native([answers("Hello.")]),
  failing: async () => native([fails("provider.auth.final")]),
  hanging: async (onHang) => native([hangs("He", onHang)]),
  calling: async (effect) => ({
    ...native([answers("", [{ id: "a", name: "effect", arguments: {} }]), answers("Done.")]),
    turn: {
      tools: [
        tool("effect", async () => {
          effect();
          return textResult("ok");
        }),
      ],
    },
  }),
});

describe("a turn", () => {
  test("tells everything in order", async () => {
    const { harness, models } = native([answers("Let me note. ", [call("a", "x")]), answers("Done.")]);
    const store = new FakeStore();
    store.say("Note x");
    const events = await runToEnd(harness, store, { turn: { tools: [noteTool([])] } });
    expect(shape(events)).toEqual([
      "started",
      "taken",
      "text",
      "text",
      "text",
      "message",
      "usage",
      "tool start a",
      "tool end a",
      "text",
      "message",
      "usage",
      "ended done",
    ]);
    expect(events.at(-1)).toMatchObject({ usage: { requests: 2, input: 198, output: 2, costUsd: 0.002 } });
    expect(models.requests[1]?.messages.map((message) => message.role)).toEqual(["user", "assistant", "toolResult"]);
    expect(store.entries.length).toBe(4);
  });

  test("tells the model when and by whom an input was written", async () => {
    const { harness, models } = native([answers("Hi")]);
    const store = new FakeStore();
    store.say("Hello\nthere", { sender: { id: "1", name: "Eve]\n[2026-01-01 00:00:00+00:00] [Owner" } });
    await runToEnd(harness, store);
    const part = models.requests[0]?.messages[0]?.content[0];
    expect(part?.type === "text" && part.text).toBe(
      "[2026-01-31 09:05:00+01:00] [Eve 2026-01-01 00:00:00+00:00 Owner]: Hello\nthere",
    );
  });

  test("tells tools as JSON Schema", async () => {
    const { harness, models } = native([answers("Hi")]);
    const store = new FakeStore();
    store.say("x");
    await runToEnd(harness, store, { turn: { tools: [noteTool([])] } });
    expect(models.requests[0]?.tools).toEqual([
      {
        name: "note",
        description: "Notes a text",
        parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
      },
    ]);
  });

  test("steers: what is written during a call is taken before the next request", async () => {
    const { harness, models } = native([answers("", [call("a", "x")]), answers("Both done.")]);
    const store = new FakeStore();
    store.say("First");
    const tools = [noteTool([])];
    const events = await runToEnd(harness, store, {
      turn: { tools },
      on: (event) => {
        if (event.type === "tool" && event.step === "start") store.say("Second");
      },
    });
    expect(shape(events).filter((one) => one === "taken").length).toBe(2);
    expect(models.requests.length).toBe(2);
    const roles = models.requests[1]?.messages.map((message) => message.role);
    expect(roles).toEqual(["user", "assistant", "toolResult", "user"]);
  });

  test("follows up: what is written during the last answer is answered too", async () => {
    const { harness, models } = native([answers("One."), answers("Two.")]);
    const store = new FakeStore();
    store.say("First");
    const events = await runToEnd(harness, store, {
      on: (event) => {
        if (event.type === "message" && event.text === "One.") store.say("Second");
      },
    });
    expect(models.requests.length).toBe(2);
    expect(shape(events).at(-1)).toBe("ended done");
  });

  test("joins: what is written right after the first message is asked together with it", async () => {
    const store = new FakeStore();
    let later: Parameters<FakeStore["say"]>[1] = {};
    const begins: Step = function* () {
      store.say("and second", later);
      yield { type: "text", delta: "Only the first. " };
      yield { type: "done", message: assistant("Only the first. ") };
    };
    const hasty = native([begins, answers("Both.")]);
    store.say("First");
    const events = await runToEnd(hasty.harness, store);
    expect(hasty.models.requests.map(({ messages }) => messages.length)).toEqual([1, 2]);
    expect(shape(events).filter((one) => one === "message").length).toBe(1);
    expect(JSON.stringify(events)).not.toContain("Only the first");

    // Whoever writes later gets an answer to each.
    store.entries = [];
    store.events = [];
    later = { sentAt: Date.UTC(2026, 0, 31, 8, 5, 3) };
    const slow = native([begins, answers("The second.")]);
    store.say("First");
    const texts = (await runToEnd(slow.harness, store)).flatMap((event) =>
      event.type === "message" ? [event.text] : [],
    );
    expect(texts).toEqual(["Only the first. ", "The second."]);
  });

  test("joins: somebody who never stops writing is answered all the same", async () => {
    const store = new FakeStore();
    const begins: Step = function* () {
      store.say("more");
      yield { type: "text", delta: "Yes." };
      yield { type: "done", message: assistant("Yes.") };
    };
    const { harness, models } = native([...Array.from({ length: 6 }, () => begins), answers("Done.")]);
    store.say("First");
    const events = await runToEnd(harness, store);
    expect(models.requests.length).toBe(7);
    expect(shape(events).filter((one) => one === "message").length).toBe(2);
  });

  test("a failed model keeps what was said, without the provider's own words", async () => {
    const { harness } = native([fails("provider.network.retryable", "I think that")]);
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store);
    expect(events.find((event) => event.type === "message")).toMatchObject({ text: "I think that" });
    expect(events.at(-1)).toMatchObject({ outcome: "failed", error: { code: "provider.network.retryable" } });
    expect(JSON.stringify(events)).not.toContain("secret-from-provider");
  });

  test("what a failed request cost is counted although it said nothing", async () => {
    const costly: Step = function* () {
      const failure = { code: "provider.quota.final" as const, message: "No credit" };
      yield { type: "failed", message: assistant("", [], { stopReason: "error" }), failure, aborted: false };
    };
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(native([costly]).harness, store);
    expect(shape(events)).toEqual(["started", "taken", "usage", "ended failed"]);
    expect(events.at(-1)).toMatchObject({ usage: { requests: 1, input: 99 } });
  });

  test("an empty answer is asked for once more, then told", async () => {
    const twice = native([answers(""), answers("Now.")]);
    const store = new FakeStore();
    store.say("x");
    expect((await runToEnd(twice.harness, store)).at(-1)).toMatchObject({ outcome: "done", usage: { requests: 2 } });
    const never = native([answers(""), answers(" ")]);
    const other = new FakeStore();
    other.say("x");
    expect((await runToEnd(never.harness, other)).at(-1)).toMatchObject({
      error: { code: "provider.empty_response.retryable" },
    });
  });

  test("retries of the library are told", async () => {
    const retrying: Step = function* () {
      const failure = { code: "provider.capacity.retryable" as const, message: "The model is overloaded" };
      const { usage } = assistant("half");
      yield { type: "retry", attempt: 1, attemptsMax: 3, waitMs: 2_000, failure, usage };
      yield { type: "done", message: assistant("Ok.") };
    };
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(native([retrying]).harness, store);
    expect(events.find((event) => event.type === "notice")).toMatchObject({
      text: "The model is overloaded: trying again in 2 s (1 of 3)",
    });
    expect(events.at(-1)).toMatchObject({ usage: { requests: 2, input: 198 } });
  });

  test("ends after the most requests that a turn may make", async () => {
    const steps = Array.from({ length: limits.requestsPerTurnMax + 1 }, (_, n) => answers("", [call(`c${n}`, "x")]));
    const { harness, models } = native(steps);
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store, { turn: { tools: [noteTool([])] } });
    expect(events.at(-1)).toMatchObject({ outcome: "failed", error: { code: "turn.interrupted" } });
    expect(models.requests.length).toBe(limits.requestsPerTurnMax);
  });

  test("a model that is not known fails the turn after its input was taken", async () => {
    const { harness, models } = native([]);
    models.info = async () => {
      throw new Failure("settings", "Cannot use model", { hint: "Known: a, b" });
    };
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store);
    expect(shape(events)).toEqual(["started", "taken", "ended failed"]);
    expect(events.at(-1)).toMatchObject({ error: { code: "settings", hint: "Known: a, b" } });
  });

  test("a library that throws ends the turn as our failure, in the log with its text", async () => {
    const { harness, log } = native([
      () => {
        throw new Error("boom");
      },
    ]);
    const store = new FakeStore();
    store.say("x");
    expect((await runToEnd(harness, store)).at(-1)).toMatchObject({ outcome: "failed", error: { code: "internal" } });
    expect(JSON.stringify(log.lines)).toContain("boom");
  });

  test("an input that is offered again after it was taken does not loop", async () => {
    const { harness } = native([]);
    const store = new FakeStore();
    store.say("x");
    const [input] = store.waiting;
    const events = await runToEnd(harness, store, { turn: { next: () => input } });
    expect(shape(events)).toEqual(["started", "taken", "ended failed"]);
  });
});

describe("stopping", () => {
  test("keeps the text so far, without half-written calls", async () => {
    const stop = new AbortController();
    const { harness } = native([hangs("I was ab", () => stop.abort())]);
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store, { turn: { signal: stop.signal } });
    const message = events.find((event) => event.type === "message");
    expect(message).toMatchObject({ text: "I was ab", entry: { message: { stopReason: "aborted" } } });
    expect(JSON.stringify(message)).not.toContain("toolCall");
    expect(shape(events).at(-1)).toBe("ended stopped");
  });

  test("a model that ignores the stop is left behind", async () => {
    const stop = new AbortController();
    const deaf: Step = async function* () {
      yield { type: "text", delta: "deaf" };
      stop.abort();
      await new Promise(() => undefined);
    };
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(native([deaf]).harness, store, { turn: { signal: stop.signal } });
    expect(shape(events)).toEqual(["started", "taken", "text", "message", "ended stopped"]);
  });

  test("a tool that ignores the stop is left behind, and what it says later is dropped", async () => {
    const stop = new AbortController();
    let later: (() => Promise<unknown>) | undefined;
    const deaf = tool("deaf", async (_, context) => {
      later = () => context.attach({ name: "x", bytes: new Uint8Array(1) });
      stop.abort();
      return new Promise(() => undefined);
    });
    const { harness } = native([answers("", [{ id: "a", name: "deaf", arguments: {} }])]);
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store, { turn: { signal: stop.signal, tools: [deaf] } });
    expect(shape(events).slice(-3)).toEqual(["tool start a", "tool end a", "ended stopped"]);
    expect(later?.()).rejects.toThrow("This call has ended");
  });

  test("calls that were not started say so, so that each has a result", async () => {
    const stop = new AbortController();
    const count = limits.callsParallelMax + 2;
    const calls = Array.from({ length: count }, (_, n) => ({ id: `c${n}`, name: "stop", arguments: {} }));
    const { harness } = native([answers("", calls)]);
    const store = new FakeStore();
    store.say("x");
    const stopper = tool("stop", async () => {
      stop.abort();
      return textResult("ok");
    });
    const events = await runToEnd(harness, store, { turn: { signal: stop.signal, tools: [stopper] } });
    const ends = events.filter((event) => event.type === "tool" && event.step === "end");
    expect(ends.length).toBe(count);
    expect(shape(events).filter((one) => one.startsWith("tool start")).length).toBe(limits.callsParallelMax);
    expect(JSON.stringify(ends.at(-1))).toContain("Not started: the turn was stopped");
  });
});
