// The four protocols over real HTTP against aimock: text, tools, thinking, errors, broken connections.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LLMock } from "@copilotkit/aimock";
import { ask, collect, done, failed, testModels } from "./fakes.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
const names = {
  anthropic: "anthropic/claude-sonnet-4-5",
  openai: "openai/gpt-5.5",
  chat: "local/qwen3",
  google: "google/gemini-2.5-pro",
};
const models = Object.entries(names);

function setup(environment: Record<string, string> = {}) {
  return testModels({
    environment: (name) => environment[name],
    settings: {
      models: {
        anthropic: { baseUrl: mock.url, apiKey: () => "sk-ant-secret" },
        openai: { baseUrl: `${mock.url}/v1`, apiKey: () => "sk-openai-secret" },
        google: { baseUrl: `${mock.url}/v1beta`, apiKey: () => "google-secret" },
        local: { api: "openai-completions", baseUrl: `${mock.url}/v1`, models: ["qwen3"] },
      },
    },
  });
}

beforeAll(async () => {
  mock.on({ userMessage: "think" }, { content: "Thought so.", reasoning: "Let me see.", reasoningSignature: "c2ln" });
  mock.on({ userMessage: "both" }, { toolCalls: [call("ls"), call("pwd")], finishReason: "tool_calls" });
  mock.on(
    { userMessage: "cut" },
    { content: "one two three four five six seven" },
    { chunkSize: 4, truncateAfterChunks: 3 },
  );
  mock.on(
    { userMessage: "drop" },
    { content: "word ".repeat(200) },
    { chunkSize: 5, latency: 10, disconnectAfterMs: 120 },
  );
  mock.on({ userMessage: "nothing" }, { content: "" });
  mock.on(
    { userMessage: "hello" },
    {
      content: "Hi there, you!",
      usage: {
        input_tokens: 100,
        output_tokens: 7,
        prompt_tokens: 100,
        completion_tokens: 7,
        promptTokenCount: 100,
        candidatesTokenCount: 7,
      },
    },
  );
  await mock.start();
});
afterAll(() => mock.stop());

function call(command: string) {
  return { name: "bash", arguments: JSON.stringify({ command }) };
}

describe.each(models)("%s", (_api, model) => {
  test("streams a text and counts its tokens", async () => {
    const { models } = setup();
    const { text, end, ends, events } = await collect(models.stream(ask(model)));
    expect(text).toBe("Hi there, you!");
    expect(ends).toBe(1);
    expect(events.filter((event) => event.type === "text").length).toBeGreaterThan(0);
    const message = done(end);
    expect(message).toMatchObject({ role: "assistant", stopReason: "stop", content: [{ type: "text", text }] });
    expect(message.usage).toMatchObject({ input: 100, output: 7 });
    if (!model.startsWith("local")) expect(message.usage.cost.total).toBeGreaterThan(0);
  });

  test("says who it is", async () => {
    const { models } = setup();
    mock.clearRequests();
    await collect(models.stream(ask(model)));
    const headers = mock.getLastRequest()?.headers ?? {};
    expect(headers["user-agent"]).toBe("remoteagent/1.2.3");
    expect(Object.keys(headers).filter((name) => name.startsWith("x-stainless"))).toEqual([]);
  });

  test("an empty answer is asked for again, then told", async () => {
    const { models, clock } = setup();
    const { retries, end, ends } = await collect(models.stream(ask(model, { text: "nothing" })));
    expect(retries.map((event) => event.failure.code)).toEqual(Array(3).fill("provider.empty_response.retryable"));
    expect(clock.slept).toEqual(retries.map((event) => event.waitMs));
    expect(failed(end).failure.code).toBe("provider.empty_response.retryable");
    expect(ends).toBe(1);
  });

  test("a cut-off stream is a broken connection", async () => {
    const { models } = setup();
    const { retries, end } = await collect(models.stream(ask(model, { text: "cut" })));
    expect(retries.length).toBe(3);
    expect(failed(end).failure.code).toBe("provider.network.retryable");
  });

  test("a dropped connection is a broken connection", async () => {
    const { models } = setup();
    const { retries, end, text } = await collect(models.stream(ask(model, { text: "drop" })));
    expect(text).toContain("word");
    expect(retries.length).toBe(3);
    expect(failed(end).failure.code).toBe("provider.network.retryable");
    expect(failed(end).message.content.length).toBe(1);
  });

  test.each([
    [400, "provider.bad_request.final", 0],
    [401, "provider.auth.final", 0],
    [402, "provider.quota.final", 0],
    [403, "provider.auth.final", 0],
    [404, "provider.bad_request.final", 0],
    [408, "provider.network.retryable", 3],
    [413, "provider.context_overflow.final", 0],
    [429, "provider.capacity.retryable", 3],
    [500, "provider.capacity.retryable", 3],
    [502, "provider.capacity.retryable", 3],
    [503, "provider.capacity.retryable", 3],
    [529, "provider.capacity.retryable", 3],
  ])("status %i is %s", async (status, code, tries) => {
    const { models, log } = setup();
    for (let n = 0; n <= tries; n++) mock.nextRequestError(status, { message: "secret words", type: "some_error" });
    const { end, retries, ends } = await collect(models.stream(ask(model)));
    const { failure, aborted, message } = failed(end);
    expect(failure.code).toBe(code as typeof failure.code);
    expect(failure.message).toStartWith(`Cannot get an answer from "${model}": `);
    expect(failure.message).not.toEndWith(".");
    expect(failure.hint).toBeTruthy();
    expect(retries.length).toBe(tries);
    expect(aborted).toBe(false);
    expect(ends).toBe(1);
    expect(JSON.stringify([failure, message])).not.toContain("secret words");
    expect(log.text()).toContain("secret words");
    expect(log.text()).not.toMatch(/sk-ant-secret|sk-openai-secret|google-secret/);
  });

  test("an overflow is seen before its status", async () => {
    const { models } = setup();
    mock.nextRequestError(400, { message: "prompt is too long: 250000 tokens > 200000 maximum" });
    const { end, retries } = await collect(models.stream(ask(model)));
    expect(retries).toEqual([]);
    expect(failed(end).failure.code).toBe("provider.context_overflow.final");
  });

  test("a used-up quota is not waited for", async () => {
    const { models } = setup();
    mock.nextRequestError(429, { message: "You exceeded your current quota", code: "insufficient_quota" });
    const { end, retries } = await collect(models.stream(ask(model)));
    expect(retries).toEqual([]);
    expect(failed(end).failure.code).toBe("provider.quota.final");
  });

  test("a failure that passes is got over", async () => {
    const { models, clock } = setup();
    mock.nextRequestError(503);
    mock.nextRequestError(503);
    const { end, retries, text } = await collect(models.stream(ask(model)));
    expect(done(end).stopReason).toBe("stop");
    expect(text).toBe("Hi there, you!");
    expect(retries.map(({ attempt, attemptsMax, waitMs }) => ({ attempt, attemptsMax, waitMs }))).toEqual([
      { attempt: 1, attemptsMax: 3, waitMs: 2000 },
      { attempt: 2, attemptsMax: 3, waitMs: 4000 },
    ]);
    expect(clock.slept).toEqual([2000, 4000]);
  });
});

// aimock ends Gemini's calls with a finish reason that the API does not have; the raw tests have the real form.
describe.each(models.filter(([api]) => api !== "google"))("%s", (_api, model) => {
  test("calls tools in parallel", async () => {
    const { models } = setup();
    const { end, events } = await collect(models.stream(ask(model, { text: "both" })));
    const message = done(end);
    expect(message.stopReason).toBe("toolUse");
    const calls = message.content.filter((part) => part.type === "toolCall");
    expect(calls.map((part) => part.arguments)).toEqual([{ command: "ls" }, { command: "pwd" }]);
    expect(new Set(calls.map((part) => part.id)).size).toBe(2);
    expect(events.filter((event) => event.type === "call")).toEqual([
      { type: "call", name: "bash" },
      { type: "call", name: "bash" },
    ]);
  });

  test("shows what it thinks", async () => {
    const { models } = setup();
    const request = ask(model, { text: "think" });
    const { text, thinking, end } = await collect(
      models.stream({ ...request, model: { ...request.model, level: "high" } }),
    );
    expect(thinking).toContain("Let me see.");
    expect(text).toBe("Thought so.");
    expect(done(end).content.map((part) => part.type)).toEqual(["thinking", "text"]);
  });

  test("waits as long as the server asks, and not at all when it asks too much", async () => {
    const { models, clock } = setup();
    mock.prependFixture({
      match: { userMessage: "slow down", sequenceIndex: 0 },
      response: { error: { message: "busy" }, status: 429, retryAfter: 17 },
    });
    mock.prependFixture({
      match: { userMessage: "slow down", sequenceIndex: 1 },
      response: { error: { message: "busy" }, status: 429, retryAfter: 3600 },
    });
    const { end, retries } = await collect(models.stream(ask(model, { text: "slow down" })));
    mock.resetMatchCounts();
    expect(retries.map((event) => event.waitMs)).toEqual([17_000]);
    expect(clock.slept).toEqual([17_000]);
    expect(failed(end).failure.code).toBe("provider.capacity.retryable");
    expect(failed(end).failure.hint).toContain("60 min");
  });
});
