// What no well-behaved server does: garbage, silence, half characters, broken calls, refused connections.
import { afterEach, describe, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import type { ModelEvent } from "../../src/models/model.ts";
import {
  anthropicSse,
  anthropicStart,
  anthropicText,
  ask,
  collect,
  done,
  failed,
  type RawServer,
  rawServer,
  testModels,
} from "./fakes.ts";

const servers: RawServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function serve(handler: Parameters<typeof rawServer>[0]): Promise<RawServer> {
  const server = await rawServer(handler);
  servers.push(server);
  return server;
}

const claude = "anthropic/claude-sonnet-4-5";
const names = { anthropic: claude, openai: "openai/gpt-5.5", chat: "local/qwen3", google: "google/gemini-2.5-pro" };

function modelsAt(url: string, deps: Parameters<typeof testModels>[0] = {}) {
  return testModels({
    settings: {
      models: {
        anthropic: { baseUrl: url, apiKey: () => "k" },
        openai: { baseUrl: `${url}/v1`, apiKey: () => "k" },
        google: { baseUrl: `${url}/v1beta`, apiKey: () => "k" },
        local: { api: "openai-completions", baseUrl: `${url}/v1`, models: ["qwen3"] },
      },
    },
    ...deps,
  });
}

function sse(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(text);
}

describe.each(Object.entries(names))("%s", (_api, model) => {
  test.each([
    ["noise", "\u0000\u0001{{{ nonsense \n\n data: {oops\n\n"],
    ["a web page", "<html><body>Please sign in to the network</body></html>"],
    ["nothing at all", ""],
    ["half an event", 'data: {"type":"message_sta'],
  ])("%s instead of an answer is a broken connection", async (_what, body) => {
    const server = await serve((response) => sse(response, body));
    const { models } = modelsAt(server.url);
    const { end, retries, ends } = await collect(models.stream(ask(model)));
    expect(failed(end).failure).toMatchObject({
      code: "provider.network.retryable",
      message: `Cannot get an answer from "${model}": the connection broke before the answer was whole`,
    });
    expect(retries.length).toBe(3);
    // The client libraries do not try again on their own.
    expect(server.requests.length).toBe(4);
    expect(ends).toBe(1);
  });

  test("a refused connection is a network failure with a mend", async () => {
    const server = await rawServer(() => {});
    await server.stop();
    const { models } = modelsAt(server.url);
    const { end, retries } = await collect(models.stream(ask(model)));
    expect(failed(end).failure).toMatchObject({
      code: "provider.network.retryable",
      message: `Cannot get an answer from "${model}": the provider cannot be reached`,
    });
    expect(retries.length).toBe(3);
  });

  test("a connection that is closed without a word is a network failure", async () => {
    const server = await serve((response) => response.destroy());
    const { models } = modelsAt(server.url);
    const { end } = await collect(models.stream(ask(model)));
    expect(failed(end).failure.code).toBe("provider.network.retryable");
  });

  test("a stop ends a request that is never answered, at once", async () => {
    const server = await serve(() => {});
    const { models } = modelsAt(server.url);
    const stop = new AbortController();
    const stream = collect(models.stream(ask(model, { signal: stop.signal })));
    await server.seen(1);
    const at = performance.now();
    stop.abort();
    const { end, ends } = await stream;
    expect(performance.now() - at).toBeLessThan(100);
    expect(failed(end)).toMatchObject({ aborted: true, failure: { code: "turn.interrupted" } });
    expect(failed(end).message.stopReason).toBe("aborted");
    expect(ends).toBe(1);
  });

  test("a server that never answers runs into the limit, which is named", async () => {
    const server = await serve(() => {});
    const { models, clock } = modelsAt(server.url);
    const stream = collect(models.stream(ask(model)));
    await server.seen(1);
    clock.advance(300_000);
    const { end, retries } = await stream;
    expect(retries).toEqual([]);
    expect(failed(end).failure).toEqual({
      code: "provider.timeout.final",
      message: `Cannot get an answer from "${model}": it sent nothing for 300 s, the limit`,
      hint: "Try again in a few minutes, or choose another model with /model",
    });
  });
});

test("a name that does not resolve is a network failure", async () => {
  const { models } = modelsAt("http://name.invalid");
  const { end } = await collect(models.stream(ask(claude)));
  expect(failed(end).failure.code).toBe("provider.network.retryable");
});

test("a reader that takes its time is not taken for a silent server", async () => {
  const server = await serve((response) => sse(response, anthropicText("Hi")));
  const { models, clock } = modelsAt(server.url);
  const events: ModelEvent[] = [];
  for await (const event of models.stream(ask(claude))) {
    // Whatever is still on its way arrives meanwhile.
    if (event.type === "text") await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(10 * 300_000);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(event);
  }
  expect(events.map((event) => event.type)).toEqual(["text", "done"]);
});

test("every sign of life moves the limit", async () => {
  const pieces = Promise.withResolvers<ServerResponse>();
  const server = await serve((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    pieces.resolve(response);
  });
  const { models, clock } = modelsAt(server.url);
  const iterator = models.stream(ask(claude, { silenceMs: 290_000 }))[Symbol.asyncIterator]();
  const first = iterator.next();
  const response = await pieces.promise;
  response.write(
    anthropicSse(anthropicStart, { type: "content_block_start", index: 0, content_block: { type: "text" } }),
  );
  for (const text of ["a", "b", "c"]) {
    response.write(anthropicSse({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }));
    const event = text === "a" ? await first : await iterator.next();
    expect(event.value).toEqual({ type: "text", delta: text });
    clock.advance(200_000);
  }
  const end = iterator.next();
  clock.advance(90_000);
  const { failure, message } = failed((await end).value as ModelEvent);
  expect(failure.message).toContain("290 s");
  expect(message.content).toEqual([{ type: "text", text: "abc" }]);
});

test("a stop keeps what has arrived and closes the connection", async () => {
  const closed = Promise.withResolvers<void>();
  const server = await serve((response) => {
    response.on("close", () => closed.resolve());
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(anthropicText("So far").split("event: content_block_stop")[0]);
  });
  const { models } = modelsAt(server.url);
  const stop = new AbortController();
  let end: ModelEvent | undefined;
  for await (const event of models.stream(ask(claude, { signal: stop.signal }))) {
    if (event.type === "text") stop.abort();
    end = event;
  }
  expect(failed(end)).toMatchObject({ aborted: true });
  expect(failed(end).message.stopReason).toBe("aborted");
  expect(failed(end).message.content).toEqual([{ type: "text", text: "So far" }]);
  await closed.promise;
});

test("a reader that goes away closes the connection", async () => {
  const closed = Promise.withResolvers<void>();
  const server = await serve((response) => {
    response.on("close", () => closed.resolve());
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(anthropicText("So far").split("event: content_block_stop")[0]);
  });
  const { models } = modelsAt(server.url);
  for await (const event of models.stream(ask(claude))) if (event.type === "text") break;
  await closed.promise;
});

test("a stop before the start asks nobody", async () => {
  const server = await serve((response) => sse(response, anthropicText("no")));
  const { models } = modelsAt(server.url);
  const { end } = await collect(models.stream(ask(claude, { signal: AbortSignal.abort() })));
  expect(failed(end).aborted).toBe(true);
  expect(server.requests).toEqual([]);
});

test("a stop during the wait for a retry ends it", async () => {
  const server = await serve((response) => response.writeHead(503).end());
  const { models } = modelsAt(server.url);
  const stop = new AbortController();
  const events: ModelEvent[] = [];
  for await (const event of models.stream(ask(claude, { signal: stop.signal }))) {
    if (event.type === "retry") stop.abort();
    events.push(event);
  }
  expect(events.map((event) => event.type)).toEqual(["retry", "failed"]);
  expect(failed(events.at(-1)).aborted).toBe(true);
  expect(server.requests.length).toBe(1);
});

test("an answer that broke off is void once it is asked for again", async () => {
  let count = 0;
  const server = await serve((response) => {
    const whole = anthropicText(count === 0 ? "Half an ans" : "The whole answer");
    sse(response, count++ === 0 ? (whole.split("event: message_delta")[0] ?? "") : whole);
  });
  const { models } = modelsAt(server.url);
  const { events, end } = await collect(models.stream(ask(claude)));
  expect(events.map((event) => event.type)).toEqual(["text", "retry", "text", "done"]);
  expect(events[1]).toMatchObject({ usage: { input: 10 } });
  expect(done(end).content).toEqual([{ type: "text", text: "The whole answer" }]);
});

test("characters that are split between packets arrive whole", async () => {
  const text = "Grüße 🌍 日本";
  const server = await serve(async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const byte of Buffer.from(anthropicText(text))) {
      response.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const { models } = modelsAt(server.url);
  const { text: got, end } = await collect(models.stream(ask(claude)));
  expect(got).toBe(text);
  expect(done(end).content).toEqual([{ type: "text", text }]);
});

function toolCall(json: string, stop: string): string {
  return anthropicSse(
    anthropicStart,
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me look." } },
    { type: "content_block_stop", index: 0 },
    {
      type: "content_block_start",
      index: 1,
      content_block: { type: "tool_use", id: "toolu_1", name: "bash", input: {} },
    },
    { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: json } },
    { type: "content_block_stop", index: 1 },
    { type: "message_delta", delta: { stop_reason: stop }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  );
}

test.each(['{"command": "rm -rf /tmp/x', '{"command": }', '["ls"]', "null"])(
  "a call with the arguments %s is not guessed but asked for again",
  async (json) => {
    const server = await serve((response) => sse(response, toolCall(json, "tool_use")));
    const { models } = modelsAt(server.url);
    const { end, retries } = await collect(models.stream(ask(claude)));
    expect(retries.length).toBe(3);
    expect(failed(end).failure).toMatchObject({ code: "provider.empty_response.retryable" });
    expect(failed(end).failure.message).toContain("a tool call that cannot be read");
  },
);

test("a call that the output limit cut is left out, the text before it stays", async () => {
  const server = await serve((response) => sse(response, toolCall('{"command": "cat > fi', "max_tokens")));
  const { models } = modelsAt(server.url);
  const { end, retries } = await collect(models.stream(ask(claude)));
  expect(retries).toEqual([]);
  expect(done(end)).toMatchObject({ stopReason: "length", content: [{ type: "text", text: "Let me look." }] });
});

test("a call without arguments is whole", async () => {
  const server = await serve((response) => sse(response, toolCall("", "tool_use")));
  const { models } = modelsAt(server.url);
  const { end } = await collect(models.stream(ask(claude)));
  expect(done(end).content[1]).toMatchObject({ type: "toolCall", arguments: {} });
});

test("an output limit that is reached before the first word is told", async () => {
  const server = await serve((response) =>
    sse(
      response,
      anthropicSse(
        anthropicStart,
        { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 64_000 } },
        { type: "message_stop" },
      ),
    ),
  );
  const { models } = modelsAt(server.url);
  const { end, retries } = await collect(models.stream(ask(claude)));
  expect(retries).toEqual([]);
  expect(failed(end).failure.message).toContain("its 64000 output tokens were used up");
});

test.each([
  ["overloaded_error", "provider.capacity.retryable"],
  ["rate_limit_error", "provider.capacity.retryable"],
  ["api_error", "provider.capacity.retryable"],
])("an error %s inside the stream is %s", async (type, code) => {
  const error = `event: error\ndata: ${JSON.stringify({ type: "error", error: { type, message: "Sorry" } })}\n\n`;
  const server = await serve((response) => sse(response, anthropicSse(anthropicStart) + error));
  const { models } = modelsAt(server.url);
  const { end } = await collect(models.stream(ask(claude)));
  expect(failed(end).failure.code).toBe(code as "provider.capacity.retryable");
});

test("a refusal is told as one and not asked for again", async () => {
  const body = anthropicSse(
    anthropicStart,
    { type: "message_delta", delta: { stop_reason: "refusal" }, usage: { output_tokens: 1 } },
    { type: "message_stop" },
  );
  const server = await serve((response) => sse(response, body));
  const { models } = modelsAt(server.url);
  const { end, retries } = await collect(models.stream(ask(claude)));
  expect(retries).toEqual([]);
  expect(failed(end).failure).toEqual({
    code: "provider.bad_request.final",
    message: `Cannot get an answer from "${claude}": it declined to answer this request`,
  });
});

function gemini(...parts: Record<string, unknown>[]): string {
  const candidates = [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }];
  return `data: ${JSON.stringify({ candidates, usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 } })}\n\n`;
}

test("Gemini's calls come whole, in parallel, after its thoughts", async () => {
  const body = gemini(
    { text: "I need both.", thought: true },
    { functionCall: { name: "bash", args: { command: "ls" } }, thoughtSignature: "c2ln" },
    { functionCall: { name: "bash", args: { command: "pwd" } } },
  );
  const server = await serve((response) => sse(response, body));
  const { models } = modelsAt(server.url);
  const { end, thinking } = await collect(models.stream(ask(names.google)));
  const message = done(end);
  expect(thinking).toBe("I need both.");
  expect(message.stopReason).toBe("toolUse");
  expect(message.content.slice(1)).toMatchObject([
    { type: "toolCall", name: "bash", arguments: { command: "ls" }, thoughtSignature: "c2ln" },
    { type: "toolCall", name: "bash", arguments: { command: "pwd" } },
  ]);
});

test("Gemini's limit a minute is waited for, its limit a day is not", async () => {
  const minute = {
    error: {
      code: 429,
      status: "RESOURCE_EXHAUSTED",
      message: "You exceeded your current quota, please check your plan and billing details. Please retry in 13.2s.",
      details: [{ retryDelay: "13s" }],
    },
  };
  const day = {
    error: {
      code: 429,
      status: "RESOURCE_EXHAUSTED",
      message: "You exceeded your current quota, please check your plan and billing details.",
    },
  };
  let count = 0;
  const server = await serve((response) => {
    response.writeHead(429, { "content-type": "application/json" }).end(JSON.stringify(count++ === 0 ? minute : day));
  });
  const { models } = modelsAt(server.url);
  const { end, retries } = await collect(models.stream(ask(names.google)));
  expect(retries).toMatchObject([{ failure: { code: "provider.capacity.retryable" } }]);
  expect(retries[0]?.waitMs).toBeGreaterThanOrEqual(13_000);
  expect(failed(end).failure.code).toBe("provider.quota.final");
});

test("an answer without end is cut", async () => {
  const server = await serve((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const noise = `: ${"x".repeat(1024 * 1024)}\n`;
    const push = () => {
      while (!response.destroyed && response.write(noise));
    };
    response.on("drain", push);
    push();
  });
  const { models } = modelsAt(server.url);
  const { end, retries } = await collect(models.stream(ask(claude)));
  expect(retries).toEqual([]);
  expect(failed(end).failure).toMatchObject({ code: "provider.unknown.final" });
  expect(failed(end).failure.message).toContain("the answer does not end");
});
