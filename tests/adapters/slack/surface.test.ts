// What stands beside the conversations in Slack: commands, buttons, windows, the home page, assistant threads.
import { expect, test } from "bun:test";
import type { HomeView } from "../../../src/adapters/adapter.ts";
import { homeBlocks } from "../../../src/adapters/slack/home.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { TurnId } from "../../../src/core/ids.ts";
import { limits } from "../../../src/core/limits.ts";
import { connected, saying, shared } from "./door.ts";
import { newChannel } from "./fake/world.ts";

const now = 1_800_000_000_000;
const turn = {
  turn: 1 as unknown as TurnId,
  title: "Mend <it>",
  startedAt: now - 60_000,
  activeAt: now,
  doing: "bash",
  conversation: { id: "C1", kind: "shared" },
} as const;

test("a command is acknowledged in time although it hangs, and answered all the same", async () => {
  const gate = Promise.withResolvers<void>();
  await using door = await connected({
    async receive() {
      await gate.promise;
      return { state: "done", ok: true };
    },
  });
  door.ann.slash(door.team, "/pi-status");
  await door.until(() => door.received.length === 1);
  const started = door.clock.now();
  await door.until(() => door.slack.sockets.envelopes[0]?.ackedAt !== undefined, { advanceMs: 100 });
  expect((door.slack.sockets.envelopes[0]?.ackedAt ?? 0) - started).toBeLessThan(3_000);
  gate.resolve();
});

test("a hundred commands at once are all acknowledged in time", async () => {
  await using door = await connected({
    async receive() {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { state: "done", ok: true };
    },
  });
  for (let count = 0; count < 100; count += 1) door.ann.slash(door.team, "/pi-status", String(count));
  await door.until(() => door.slack.sockets.envelopes.every(({ ackedAt }) => ackedAt !== undefined));
  expect(door.received).toHaveLength(100);
  expect(door.slack.ephemerals(door.team)).toHaveLength(0);
});

test("what could not be stored is told to whoever pressed it", async () => {
  await using door = await connected({
    receive() {
      throw new Failure("store", "The disk is full");
    },
  });
  door.ann.slash(door.team, "/pi-help");
  await door.until(() => door.slack.ephemerals(door.team, door.ann).length === 1);
  expect(door.slack.ephemerals(door.team, door.ann)[0]?.text).toContain("try again");
});

test("a pressed button says what came of it, to that person alone", async () => {
  await using door = await connected({ receive: () => ({ state: "refused", reason: "Only the owner may do that" }) });
  const ref = await door.adapter.post(
    shared(door.team),
    saying(door, "Sure?", { buttons: [{ label: "Yes", data: "5:0" }] }),
  );
  door.ann.press({ channel: door.team, ts: ref }, "5:0");
  await door.until(() => door.slack.ephemerals(door.team, door.ann).length === 1);
  expect(door.received[0]).toMatchObject({ kind: "action", delivery: "5", value: "0", answer: { as: "note" } });
  expect(door.slack.ephemerals(door.team, door.ann)[0]?.text).toBe("Only the owner may do that");
  expect(door.slack.lastOfBot(door.team)?.text).toBe("Sure?");
});

test("a word beside a button is words: nothing in it is a link or calls anybody", async () => {
  await using door = await connected({
    receive: () => ({ state: "refused", reason: "No session <https://evil.example|yours> & <!channel>" }),
  });
  const buttons = [{ label: "Yes", data: "5:0" }];
  const ref = await door.adapter.post(shared(door.team), saying(door, "Sure?", { buttons }));
  door.ann.press({ channel: door.team, ts: ref }, "5:0");
  await door.until(() => door.slack.ephemerals(door.team, door.ann).length === 1);
  expect(door.slack.ephemerals(door.team, door.ann)[0]?.text).toBe(
    "No session &lt;https://evil.example|yours&gt; &amp; &lt;!channel&gt;",
  );
});

test("a command in a conversation of two others is not taken for one from there", async () => {
  await using door = await connected();
  const bob = door.slack.user("bob");
  const theirs = newChannel(door.slack.world, { kind: "im", name: "", members: [door.ann.id, bob.id] });
  door.slack.takeScope(door.app, "im:write");
  door.ann.slash(theirs, "/pi-status");
  await door.until(() => door.slack.ephemerals(theirs, door.ann).length === 1);
  expect(door.received).toHaveLength(0);
  door.slack.giveScope(door.app, "im:write");
  door.ann.slash(theirs, "/pi-status");
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ conversation: { id: door.ann.dm().id, kind: "direct" } });
});

test("a stranger's home page is not kept current, nor is their thread given a title", async () => {
  await using door = await connected({ receive: () => ({ state: "refused", reason: "Nobody knows you" }) });
  door.ann.openHome();
  await door.until(() => door.calls("views.publish") === 1);
  for (const changed of door.watchers) changed();
  door.ann.say(door.ann.dm(), "secret words", { thread: door.ann.startAssistantThread() });
  await door.until(() => door.received.length === 1, { advanceMs: 200 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(door.calls("views.publish")).toBe(1);
  expect(door.calls("assistant.threads.setTitle")).toBe(0);
});

test("/pi-model opens a window with the models; what is chosen is that command", async () => {
  await using door = await connected({
    home: () => ({ turns: [], schedules: [] }),
    models: async () => ["openai/gpt-5", "ollama/qwen"],
  });
  door.ann.slash(door.team, "/pi-model");
  await door.until(() => door.slack.views(door.ann).length === 1);
  expect(door.received).toHaveLength(0);
  const [view] = door.slack.views(door.ann);
  const option = { text: { type: "plain_text", text: "ollama/qwen" }, value: "ollama/qwen" };
  door.ann.submit(view?.id ?? "", { model: { model: { type: "static_select", selected_option: option } } });
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({
    kind: "command",
    name: "model",
    args: "ollama/qwen",
    conversation: { id: door.team.id },
    answer: { as: "message" },
  });
  await door.until(() => door.slack.views(door.ann).length === 0);
});

test("without a window the command itself is handed on: for strangers, and when its trigger expired", async () => {
  let known = false;
  await using door = await connected({
    home: () => (known ? { turns: [], schedules: [] } : undefined),
    models: async () => ["a/b"],
  });
  door.ann.slash(door.team, "/pi-model");
  await door.until(() => door.received.length === 1);
  known = true;
  door.slack.faults.add({ fault: { kind: "error", error: "expired_trigger_id" }, methods: ["views.open"], times: 1 });
  door.ann.slash(door.team, "/pi-model");
  await door.until(() => door.received.length === 2);
  expect(door.received).toMatchObject([
    { name: "model", args: "" },
    { name: "model", args: "" },
  ]);
});

test("the home page shows what runs, with a stop, and follows what happens", async () => {
  let view: HomeView = {
    turns: [turn],
    schedules: [{ file: "daily.json", nextAt: now + 3_600_000, conversation: turn.conversation }],
  };
  await using door = await connected({ home: () => view });
  door.ann.openHome();
  await door.until(() => door.slack.home(door.ann) !== undefined);
  const shown = () => JSON.stringify(door.slack.home(door.ann)?.content ?? {});
  expect(shown()).toContain("Mend &lt;it&gt;");
  expect(shown()).toContain("daily.json");
  door.ann.press({ view: door.slack.home(door.ann)?.id ?? "" }, "home-stop");
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({
    kind: "command",
    name: "stop",
    conversation: turn.conversation,
    sender: { id: door.ann.id },
  });
  view = { turns: [], schedules: [] };
  for (const changed of door.watchers) changed();
  await door.until(() => shown().includes("Nothing runs"), { advanceMs: 500 });
});

test("many changes are few calls, and only for those who looked lately", async () => {
  await using door = await connected({ home: () => ({ turns: [], schedules: [] }) });
  for (const changed of door.watchers) changed();
  door.ann.openHome();
  await door.until(() => door.calls("views.publish") === 1);
  for (let count = 0; count < 200; count += 1) for (const changed of door.watchers) changed();
  await door.until(() => door.calls("views.publish") === 3, { advanceMs: 500 });
  for (let count = 0; count < 20; count += 1) door.clock.advance(limits.homeEveryMs);
  expect(door.calls("views.publish")).toBe(3);
  door.clock.advance(limits.homeOpenMs);
  for (const changed of door.watchers) changed();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(door.calls("views.publish")).toBe(3);
});

test("a stranger's home page tells nothing", () => {
  const text = JSON.stringify(homeBlocks(undefined, now));
  expect(text).toContain("Nobody has let you in");
  expect(text).not.toContain("Running");
});

test("a home page with much on it stays within its bounds", () => {
  const turns = Array.from({ length: 500 }, () => ({ ...turn, title: "t".repeat(5_000), activeAt: now - 11 * 60_000 }));
  const schedules = Array.from({ length: 500 }, () => ({
    file: `${"f".repeat(300)}.json`,
    nextAt: now,
    conversation: turn.conversation,
  }));
  const blocks = homeBlocks({ turns, schedules }, now);
  expect(blocks.length).toBeLessThan(100);
  expect(JSON.stringify(blocks)).toContain("nothing for 11m");
});

test("an assistant thread offers prompts and gets its title from the first words", async () => {
  await using door = await connected({ home: () => ({ turns: [], schedules: [] }) });
  const thread = door.ann.startAssistantThread();
  const dm = door.ann.dm();
  await door.until(() => door.slack.assistant(dm, thread)?.prompts !== undefined);
  door.ann.say(dm, "Plan the week", { thread });
  await door.until(() => door.slack.assistant(dm, thread)?.title === "Plan the week");
  expect(door.received[0]).toMatchObject({ thread, addressed: true, conversation: { id: dm.id, kind: "direct" } });
  door.ann.say(dm, "And the month", { thread });
  await door.until(() => door.received.length === 2);
  expect(door.calls("assistant.threads.setTitle")).toBe(1);
});

test("a stranger's assistant thread offers nothing", async () => {
  await using door = await connected();
  const thread = door.ann.startAssistantThread();
  door.ann.say(door.ann.dm(), "hello", { thread });
  await door.until(() => door.received.length === 1);
  expect(door.calls("assistant.threads.setSuggestedPrompts")).toBe(0);
});

test("edits, removals and reactions come with the ids of what they are about", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.team, "first");
  door.ann.edit(door.team, ts, "second");
  door.slack.unfurl(door.team, ts);
  door.ann.react(door.team, ts, "tada");
  door.ann.unreact(door.team, ts, "tada");
  door.ann.delete(door.team, ts);
  await door.until(() => door.received.length === 5);
  expect(door.received.map((one) => ("target" in one ? [one.kind, one.target] : [one.kind, one.id]))).toEqual([
    ["message", ts],
    ["edit", ts],
    ["reaction", ts],
    ["reaction", ts],
    ["delete", ts],
  ]);
});

test("a mention in a thread brings what stands above it", async () => {
  await using door = await connected();
  const root = door.ann.say(door.team, "The build is red");
  door.ann.say(door.team, `${door.bot} why?`, { thread: root });
  await door.until(() => door.received.length === 3);
  expect(door.received[1]).toMatchObject({
    thread: root,
    text: "why?",
    quote: { sender: "ann", text: "The build is red" },
  });
});

test("views that cannot be read leave commands and messages alone", async () => {
  await using door = await connected({
    home() {
      throw new Failure("store", "The disk is gone");
    },
  });
  const thread = door.ann.startAssistantThread();
  door.ann.openHome();
  door.ann.slash(door.team, "/pi-model");
  door.ann.say(door.ann.dm(), "hello", { thread });
  await door.until(() => door.received.length === 2);
  expect(door.received.map(({ kind }) => kind).toSorted()).toEqual(["command", "message"]);
  expect(door.adapter.health().state).toBe("connected");
});
