// The native harness with the real model library over HTTP, the models played by aimock; and the demo model.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LLMock } from "@copilotkit/aimock";
import { parseModelName } from "../../src/core/model-name.ts";
import { createNativeHarness } from "../../src/harness/native/index.ts";
import { createModels } from "../../src/models/models.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import { FakeStore, fakeLog, noteTool, quickClock, runToEnd, shape } from "./fakes.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
const apis = ["anthropic/claude-sonnet-4-5", "openai/gpt-5.5", "google/gemini-2.5-pro", "local/qwen3"];

beforeAll(async () => {
  const call = (text: string) => ({ name: "note", arguments: JSON.stringify({ text }) });
  mock.on({ userMessage: "Note both", hasToolResult: true }, { content: "Both are noted." });
  mock.on({ userMessage: "Note both" }, { toolCalls: [call("one"), call("two")] });
  mock.on({ userMessage: "Long story" }, { content: "word ".repeat(400) }, { chunkSize: 5, latency: 10 });
  mock.on({ userMessage: "Thanks" }, { content: "Welcome." });
  await mock.start();
});
afterAll(() => mock.stop());

function native(clock: Clock = systemClock) {
  const log = fakeLog();
  const apiKey = () => "sk-test";
  const models = createModels({
    settings: {
      models: {
        anthropic: { baseUrl: mock.url, apiKey },
        openai: { baseUrl: `${mock.url}/v1`, apiKey },
        google: { baseUrl: `${mock.url}/v1beta`, apiKey },
        local: { api: "openai-completions", baseUrl: `${mock.url}/v1`, models: ["qwen3"] },
      },
    },
    environment: () => undefined,
    version: "0.0.0",
    clock,
    log,
  });
  return createNativeHarness({ models, log, clock, timeZone: "UTC" });
}

describe.each(apis)("%s", (name) => {
  const model = parseModelName(name);

  // aimock ends Gemini's calls with a finish reason that the API does not have.
  if (model.provider !== "google")
    test("calls tools side by side, answers, and goes on in the next turn", async () => {
      const starts: string[] = [];
      const turn = { model, tools: [noteTool(starts)] };
      const store = new FakeStore();
      store.say("Note both");
      const events = await runToEnd(native(), store, { turn });
      expect(starts.sort()).toEqual(["one", "two"]);
      expect(events.findLast((event) => event.type === "message")).toMatchObject({ text: "Both are noted." });
      expect(shape(events).at(-1)).toBe("ended done");
      store.say("Thanks");
      const next = await runToEnd(native(), store, { turn });
      expect(next.findLast((event) => event.type === "message")).toMatchObject({ text: "Welcome." });
    });

  test("is stopped in the middle of an answer and keeps what was said", async () => {
    const stop = new AbortController();
    const store = new FakeStore();
    store.say("Long story");
    const events = await runToEnd(native(), store, {
      turn: { model, signal: stop.signal },
      on: (event) => {
        if (event.type === "text") stop.abort();
      },
    });
    expect(shape(events).at(-1)).toBe("ended stopped");
    const kept = events.find((event) => event.type === "message");
    expect(kept).toMatchObject({ entry: { message: { stopReason: "aborted" } } });
    expect(kept?.type === "message" && kept.text).toStartWith("word");
  });
});

test("the offline demo needs no settings", async () => {
  const store = new FakeStore();
  store.say("hello");
  const events = await runToEnd(native(quickClock), store, { turn: { model: parseModelName("demo/offline") } });
  expect(shape(events).at(-1)).toBe("ended done");
  const answer = events.find((event) => event.type === "message");
  expect(answer?.type === "message" && answer.text).toContain("offline demo");
});

test("an unknown provider is told with its input taken", async () => {
  const store = new FakeStore();
  store.say("hello");
  const events = await runToEnd(native(), store, { turn: { model: parseModelName("nobody/x") } });
  expect(shape(events)).toEqual(["started", "taken", "ended failed"]);
  expect(events.at(-1)).toMatchObject({ error: { code: "settings" } });
});
