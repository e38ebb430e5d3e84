// Any transcript becomes one that strict providers take: examples, random ones, and the bodies that really go out.
import { describe, expect, test } from "bun:test";
import { parseModelName } from "../../src/core/model-name.ts";
import type { AssistantMessage, ToolResultMessage, TranscriptMessage } from "../../src/core/transcript.ts";
import { placeholders, prepareTranscript, type Reader } from "../../src/models/prepare.ts";
import { anthropicProblems, chatProblems, randomTranscript, responsesProblems } from "./bodies.ts";
import { anthropicText, ask, bashTool, collect, testModels, user } from "./fakes.ts";

const reader: Reader = {
  api: "anthropic-messages",
  provider: "anthropic",
  model: "claude-sonnet-4-5",
  images: true,
  imageBytesMax: 100,
};

function answer(content: AssistantMessage["content"], parts: Partial<AssistantMessage> = {}): AssistantMessage {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost };
  const stopReason = content.some((part) => part.type === "toolCall") ? "toolUse" : "stop";
  const { api, provider, model } = reader;
  return { role: "assistant", content, api, provider, model, usage, stopReason, timestamp: 2, ...parts };
}

function call(id: string, command = "ls") {
  return { type: "toolCall", id, name: "bash", arguments: { command } } as const;
}

function result(id: string, text = "ok"): ToolResultMessage {
  return {
    role: "toolResult",
    toolCallId: id,
    toolName: "bash",
    content: [{ type: "text", text }],
    isError: false,
    timestamp: 3,
  };
}

/** One letter a message, with the calls' ids and the results' texts. */
function outline(messages: readonly TranscriptMessage[]): string[] {
  return messages.map((message) => {
    if (message.role === "toolResult") return `r ${message.toolCallId}: ${textOf(message)}`;
    const calls = message.role === "assistant" ? message.content.filter((part) => part.type === "toolCall") : [];
    return `${message.role[0]} ${[textOf(message), ...calls.map((part) => `<${part.id}>`)].filter(Boolean).join(" ")}`;
  });
}

function textOf(message: TranscriptMessage): string {
  return message.content
    .map((part) => (part.type === "text" ? part.text : ""))
    .filter(Boolean)
    .join("+");
}

function text(value: string) {
  return { type: "text", text: value } as const;
}

test("results follow their calls in the order of the calls", () => {
  const messages = [user("go"), answer([call("a"), call("b")]), result("b", "B"), user("wait"), result("a", "A")];
  expect(outline(prepareTranscript(messages, reader))).toEqual(["u go", "a <a> <b>", "r a: A", "r b: B", "u wait"]);
});

test("a missing result is said to be missing, an orphan is left out", () => {
  const messages = [user("go"), result("x"), answer([call("a")]), result("y"), user("and?")];
  const prepared = prepareTranscript(messages, reader);
  expect(outline(prepared)).toEqual(["u go", "a <a>", `r a: ${placeholders.noResult}`, "u and?"]);
  expect(prepared[2]).toMatchObject({ isError: true, toolName: "bash" });
});

test("a second result of the same call is left out", () => {
  const messages = [user("go"), answer([call("a")]), result("a", "first"), result("a", "second")];
  expect(outline(prepareTranscript(messages, reader))).toEqual(["u go", "a <a>", "r a: first"]);
});

test("ids that occur again are told apart, with their results", () => {
  const turn = (value: string) => [answer([call("call_0")]), result("call_0", value)];
  const messages = [user("go"), ...turn("1"), ...turn("2"), ...turn("3")];
  const ids = ["a <call_0>", "r call_0: 1", "a <call_0_2>", "r call_0_2: 2", "a <call_0_3>", "r call_0_3: 3"];
  expect(outline(prepareTranscript(messages, reader))).toEqual(["u go", ...ids]);
});

test.each(["error", "aborted", "pending"] as const)("of an answer that ended with %s the text stays", (stopReason) => {
  const broken = answer(
    [{ type: "thinking", thinking: "hm", thinkingSignature: "s" }, { ...text("Half"), textSignature: "m" }, call("a")],
    { stopReason, errorMessage: "raw words" },
  );
  const prepared = prepareTranscript([user("go"), broken, user("again")], reader);
  expect(outline(prepared)).toEqual(["u go", "a Half", "u again"]);
  expect(prepared[1]).toMatchObject({ stopReason: "stop", content: [text("Half")] });
  expect(JSON.stringify(prepared)).not.toContain("raw words");
});

test("a call of a broken answer that was run after all stays", () => {
  const broken = answer([call("a"), call("b")], { stopReason: "error" });
  expect(outline(prepareTranscript([user("go"), broken, result("a")], reader))).toEqual(["u go", "a <a>", "r a: ok"]);
});

test("nothing empty is sent", () => {
  const messages = [
    user(" "),
    answer([text("")]),
    user("x"),
    answer([text("\n"), call("a")]),
    { ...result("a"), content: [] },
  ];
  expect(outline(prepareTranscript(messages, reader))).toEqual([
    `u ${placeholders.emptyMessage}+x`,
    "a <a>",
    `r a: ${placeholders.noOutput}`,
  ]);
});

test("the model's own words are neither first nor last", () => {
  const prepared = prepareTranscript([answer([text("hello")])], reader);
  expect(outline(prepared)).toEqual([`u ${placeholders.start}`, "a hello", `u ${placeholders.goOn}`]);
});

test("thinking stays with the model that thought it", () => {
  const thought = { type: "thinking", thinking: "hm", thinkingSignature: "s" } as const;
  const messages = [user("go"), answer([thought, text("yes")]), user("on")];
  expect(prepareTranscript(messages, reader)[1]?.content).toEqual([thought, text("yes")]);
  const other = { ...reader, model: "claude-opus-4-5" };
  expect(prepareTranscript(messages, other)[1]?.content).toEqual([text("yes")]);
});

describe("images", () => {
  const picture = (bytes: number, mimeType = "image/png") =>
    ({ type: "image", data: "A".repeat((bytes * 4) / 3), mimeType }) as const;
  const sent = (part: ReturnType<typeof picture>, to: Reader) =>
    prepareTranscript([{ role: "user", content: [part], timestamp: 1 }], to)[0]?.content[0];

  test("small ones go to models that see", () => {
    expect(sent(picture(99), reader)).toEqual(picture(99));
  });
  test.each([
    [
      "too large",
      picture(300_000),
      { ...reader, imageBytesMax: 200_000 },
      "[image left out: its 0.3 MB are more than the 0.2 MB allowed]",
    ],
    [
      "for a blind model",
      picture(99),
      { ...reader, images: false },
      "[image left out: this model does not see images]",
    ],
    [
      "of a kind no model takes",
      picture(99, "image/svg+xml"),
      reader,
      "[image left out: models do not take image/svg+xml]",
    ],
    ["empty", picture(0), reader, "[image left out: it is empty]"],
  ])("%s: words instead", (_what, part, to, words) => {
    expect(sent(part, to)).toEqual(text(words));
  });
  test("in results as well", () => {
    const shown = { ...result("a"), content: [picture(99)] };
    const prepared = prepareTranscript([user("go"), answer([call("a")]), shown], { ...reader, images: false });
    expect(textOf(prepared[2] ?? shown)).toContain("does not see images");
  });
});

test("the input is not changed, and what is prepared stays as it is", () => {
  for (let seed = 0; seed < 300; seed++) {
    const messages = randomTranscript(seed);
    const before = JSON.stringify(messages);
    const prepared = prepareTranscript(messages, reader);
    expect(JSON.stringify(messages)).toBe(before);
    expect(prepareTranscript(prepared, reader)).toEqual(prepared);
  }
});

test("a longer transcript begins with the shorter one's form", () => {
  const messages: TranscriptMessage[] = [];
  let last: string[] = [];
  for (let n = 0; n < 6; n++) {
    messages.push(user(`question ${n}`));
    const asked = prepareTranscript(messages, reader).map((message) => JSON.stringify(message));
    expect(asked.slice(0, last.length)).toEqual(last);
    messages.push(answer([text("Let me see"), call("call_0"), call("call_1")]), result("call_1"), result("call_0"));
    last = prepareTranscript(messages, reader).map((message) => JSON.stringify(message));
    expect(last.slice(0, asked.length)).toEqual(asked);
    messages.push(answer([text(`answer ${n}`)]));
  }
});

function bodyOf(init: RequestInit | undefined): Record<string, unknown> {
  return typeof init?.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
}

/** Sends `transcripts` through the real client libraries and gives back the bodies; nothing leaves the process. */
async function bodies(model: string, transcripts: TranscriptMessage[][]): Promise<Record<string, unknown>[]> {
  const sent: Record<string, unknown>[] = [];
  const { models, log } = testModels({
    settings: {
      models: {
        anthropic: { apiKey: () => "k" },
        openai: { apiKey: () => "k" },
        local: { api: "openai-completions", baseUrl: "http://local.test/v1", models: ["qwen3"] },
      },
    },
    fetch: async (_url, init) => {
      sent.push(bodyOf(init));
      return new Response('{"error":{"message":"enough"}}', { status: 400 });
    },
  });
  for (const [index, messages] of transcripts.entries()) {
    await collect(models.stream(ask(model, { messages })));
    if (sent.length !== index + 1) throw new Error(`transcript ${index} was not sent: ${log.text()}`);
  }
  return sent;
}

describe("what goes out is valid for strict providers", () => {
  const transcripts = Array.from({ length: 120 }, (_, seed) => randomTranscript(seed)).map((messages) => [
    ...messages,
    user("so?"),
  ]);
  test.each([
    ["anthropic/claude-sonnet-4-5", anthropicProblems],
    ["openai/gpt-5.5", responsesProblems],
    ["local/qwen3", chatProblems],
  ])("%s", async (model, problems) => {
    const sent = await bodies(model, transcripts);
    for (const [seed, body] of sent.entries()) {
      const found = problems(body);
      if (found.length > 0) throw new Error(`seed ${seed}: ${found.join("; ")}\n${JSON.stringify(body, null, 1)}`);
    }
  });
});

test.each([
  ["anthropic/claude-sonnet-4-5", "anthropic-messages"],
  // Its effort is repeated between the messages, for which the stored answer remembers it.
  ["anthropic/claude-opus-5", "anthropic-messages"],
  ["openai/gpt-5.5", "openai-responses"],
  ["local/qwen3", "openai-completions"],
])("%s: consecutive requests share their beginning byte for byte", async (name, api) => {
  const { provider, name: model } = parseModelName(name);
  const source = { api, provider, model, providerThinkingLevel: "low" };
  const looked = answer([text("I look"), call("a"), call("b")], source);
  const conversation = [user("one"), looked, result("b"), result("a")];
  const later = [...conversation, answer([text("Done")], source), user("two")];
  const [first, second, third] = (await bodies(name, [[user("one")], conversation, later])).map((body) => {
    const { messages, input, max_tokens: _limit, max_output_tokens: _out, ...rest } = body;
    // The mark for the end of the cached part moves along; it is no part of the prompt.
    const turns = JSON.stringify(messages ?? input, (key, value: unknown) =>
      key === "cache_control" ? undefined : value,
    );
    return { rest: JSON.stringify(rest), turns: turns.slice(0, -1) };
  });
  expect(second?.rest).toBe(first?.rest ?? "");
  expect(third?.rest).toBe(first?.rest ?? "");
  const common = (a = "", b = "") => b.startsWith(a);
  expect(common(first?.turns, second?.turns)).toBe(true);
  expect(common(second?.turns, third?.turns)).toBe(true);
});

test("Anthropic's cache is asked for at the system prompt, the tools and the newest message", async () => {
  const [body] = await bodies("anthropic/claude-sonnet-4-5", [[user("one")]]);
  const marked = { cache_control: { type: "ephemeral" } };
  expect(body).toMatchObject({
    system: [{ type: "text", text: "You are a test.", ...marked }],
    tools: [{ name: bashTool.name, ...marked }],
    messages: [{ role: "user", content: [{ type: "text", text: "one", ...marked }] }],
  });
});

test("OpenAI's cache is named after the session", async () => {
  const [body] = await bodies("openai/gpt-5.5", [[user("one")]]);
  expect(body?.prompt_cache_key).toBe("S001");
});

test("an answer of one model is history for the next", async () => {
  const server = { text: anthropicText("Hi") };
  let sent: Record<string, unknown> = {};
  const { models } = testModels({
    settings: { models: { anthropic: { apiKey: () => "k" }, openai: { apiKey: () => "k" } } },
    fetch: async (_url, init) => {
      sent = bodyOf(init);
      const type = { headers: { "content-type": "text/event-stream" } };
      return sent.model === "claude-sonnet-4-5" ? new Response(server.text, type) : new Response("{}", { status: 400 });
    },
  });
  const { end } = await collect(models.stream(ask("anthropic/claude-sonnet-4-5")));
  const stored = end?.type === "done" ? (JSON.parse(JSON.stringify(end.message)) as AssistantMessage) : answer([]);
  await collect(models.stream(ask("openai/gpt-5.5", { messages: [user("hello"), stored, user("on")] })));
  expect(JSON.stringify(sent.input)).toContain("Hi");
});
