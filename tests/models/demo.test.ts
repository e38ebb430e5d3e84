// The demo model: deterministic from transcript and clock, real tool calls, an honest introduction.
import { describe, expect, test } from "bun:test";
import type { TranscriptMessage } from "../../src/core/transcript.ts";
import { readCommands } from "../../src/models/demo-commands.ts";
import { ask, collect, done, failed, testModels, user } from "./fakes.ts";

const tools = ["bash", "read", "memory", "schedule"].map((name) => ({ name, description: name, parameters: {} }));
const now = Date.parse("2026-03-01T12:00:00Z");

async function say(messages: TranscriptMessage[], options: { tools?: typeof tools; signal?: AbortSignal } = {}) {
  const { models, clock } = testModels();
  const got = await collect(models.stream(ask("demo/offline", { tools, messages, ...options })));
  return { ...got, clock };
}

test("says that it is a demo, once, and what it can do", async () => {
  const first = await say([user("hello")]);
  expect(first.text).toContain("offline demo");
  for (const word of ["run <command>", "remind me in 10s", "remoteagent setup"]) {
    expect(first.text).toContain(word);
  }
  const second = await say([user("hello"), done(first.end), user("and now?")]);
  expect(second.text).not.toContain("offline demo:");
  expect(second.text).toContain("run <command>");
});

test("streams word by word, through the clock", async () => {
  const { events, clock, text, end } = await say([user("hello")]);
  const words = events.filter((event) => event.type === "text").length;
  expect(words).toBe(text.split(/\s+/).length);
  expect(clock.slept).toEqual(Array(words).fill(15));
  expect(done(end).content).toEqual([{ type: "text", text }]);
});

test("the same transcript and time give the same answer", async () => {
  const messages = [user("run ls\nremind me in 1h x")];
  expect((await say(messages)).events).toEqual((await say(messages)).events);
});

test("several lines are several calls at once", async () => {
  const { end, events } = await say([user("run ls -la\nread notes.md\nhow are you?\nremember I like tea")]);
  const message = done(end);
  expect(message.stopReason).toBe("toolUse");
  const calls = message.content.filter((part) => part.type === "toolCall");
  expect(calls.map((call) => [call.name, call.arguments])).toEqual([
    ["bash", { command: "ls -la" }],
    ["read", { path: "notes.md" }],
    ["memory", { action: "append", scope: "conversation", text: "I like tea" }],
  ]);
  expect(new Set(calls.map((call) => call.id)).size).toBe(3);
  expect(events.filter((event) => event.type === "call").map((event) => event.name)).toEqual([
    "bash",
    "read",
    "memory",
  ]);
});

test("after the results it tells what happened", async () => {
  const asked = await say([user("run ls\nread x")]);
  const calls = done(asked.end).content.filter((part) => part.type === "toolCall");
  const results = calls.map((call, index): TranscriptMessage => {
    const text = index === 0 ? "a.txt\n```js\nb\n```" : "no such file";
    const content = [{ type: "text", text } as const];
    return {
      role: "toolResult",
      toolCallId: call.id,
      toolName: call.name,
      content,
      isError: index === 1,
      timestamp: 1,
    };
  });
  const history = [user("run ls\nread x"), done(asked.end), ...results];
  const told = await say(history);
  expect(told.text).toContain("`bash` is done");
  expect(told.text).toContain("````\na.txt\n```js\nb\n```\n````");
  expect(told.text).toContain("`read` did not work");
  expect(done(told.end).stopReason).toBe("stop");
  const steered = await say([...history, user("run pwd")]);
  expect(steered.text).toContain("`bash` is done");
  expect(done(steered.end).content.at(-1)).toMatchObject({ name: "bash", arguments: { command: "pwd" } });
});

test("a tool that is not there is not called", async () => {
  const { end, text } = await say([user("run ls")], { tools: [] });
  expect(done(end).stopReason).toBe("stop");
  expect(text).toContain("the tool `bash` is not available");
});

test("a schedule's input is told as a reminder, or done", async () => {
  const header = "[2026-03-01 12:00:00+01:00] [Ada] (scheduled, nobody typed this now):";
  expect((await say([user("hi"), done((await say([user("hi")])).end), user(`${header} stretch`)])).text).toBe(
    "Reminder: stretch",
  );
  const { end } = await say([user(`${header} run date`)]);
  expect(done(end).content.at(-1)).toMatchObject({ name: "bash", arguments: { command: "date" } });
});

test("a stop keeps what was said", async () => {
  const { models } = testModels();
  const stop = new AbortController();
  const said: string[] = [];
  let end: unknown;
  for await (const event of models.stream(ask("demo/offline", { tools, signal: stop.signal }))) {
    if (event.type === "text") said.push(event.delta);
    if (said.length === 3) stop.abort();
    if (event.type === "failed") end = event;
  }
  expect(said.length).toBe(3);
  expect(end).toMatchObject({
    aborted: true,
    failure: { code: "turn.interrupted" },
    message: { stopReason: "aborted" },
  });
  expect(failed((await say([user("hi")], { signal: AbortSignal.abort() })).end).message.content).toEqual([]);
});

describe("commands", () => {
  test.each([
    ["run `ls -la`", [{ command: "ls -la" }]],
    ["[2026-03-01 13:00:00+01:00] [Ada]: run ls", [{ command: "ls" }]],
    ["[2026-03-01 13:00:00+01:00] [Ada (ops)]: run echo [a]: b", [{ command: "echo [a]: b" }]],
    ["<@U123> run ls", [{ command: "ls" }]],
    ['@bot, read "my notes.md"', [{ path: "my notes.md" }]],
    ["RUN ls", [{ command: "ls" }]],
    ["recall", [{ action: "read", scope: "conversation" }]],
    ["run", []],
    ["running late", []],
    ["please run ls", []],
    ["remember", []],
    ["", []],
  ])("%s", (text, calls) => {
    expect(readCommands(text, now).map((call) => call.arguments)).toEqual(calls);
  });

  test.each([
    ["remind me in 10s stretch", "2026-03-01T12:00:10.000+00:00", "stretch"],
    ["remind me in 5 minutes to call Bob", "2026-03-01T12:05:00.000+00:00", "call Bob"],
    ["Remind me in 2 hours: tea", "2026-03-01T14:00:00.000+00:00", "tea"],
    ["remind me in 1 day", "2026-03-02T12:00:00.000+00:00", "Reminder"],
  ])("%s", (text, at, about) => {
    expect(readCommands(text, now)).toMatchObject([
      { name: "schedule", arguments: { action: "add", text: about, at } },
    ]);
  });

  test.each(["remind me in 99999 days x", "remind me tomorrow", "remind me in ten seconds x"])("not %s", (text) => {
    expect(readCommands(text, now)).toEqual([]);
  });
});
