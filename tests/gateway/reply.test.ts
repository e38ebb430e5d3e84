// What a chat shows of a turn: a sign of life, an answer that forms, and in the end exactly the answer.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { noUsage } from "../../src/core/usage.ts";
import { createChat } from "./chat.ts";
import { first, later, pdf, place, refused, settled } from "./outbox.ts";

describe("while it runs", () => {
  test("the message is seen, and typing is shown and renewed until it is over", async () => {
    const { start, pass, platform, message, end } = createChat();
    await start();
    const what = () => platform.signals.map((signal) => signal.what);
    expect(what()).toEqual(["seen", "typing"]);
    await pass(4_000);
    expect(what()).toEqual(["seen", "typing", "typing"]);
    await message("Hi");
    await end();
    await pass(60_000);
    expect(what()).toHaveLength(3);
  });

  test("nobody types while it waits for a person", async () => {
    const { start, pass, platform, emit, tool } = createChat();
    await start();
    await emit({ type: "ask", approval: 1, text: "May I?", choices: [{ value: "/approve 1 once", label: "Once" }] });
    await pass(60_000);
    expect(platform.signals).toHaveLength(2);
    await tool("ls");
    await pass(4_000);
    expect(platform.signals).toHaveLength(3);
  });

  test.each(["time", "text", "tool"] as const)(
    "the answer has its place at once with a Stop button: %s",
    async (sign) => {
      const { start, pass, platform, text, emit, shown, store } = createChat();
      await start();
      expect(platform.calls).toEqual([]);
      if (sign === "time") await pass(limits.placeholderMs);
      else if (sign === "text") await text("He");
      else await emit({ type: "tool", step: "start", call: "1", name: "bash", title: "ls", input: {} });
      expect(shown()).toMatchObject([{ body: "…", replyTo: "m1", audible: false, buttons: [{ label: "Stop" }] }]);
      const [delivery, index] = (shown()[0]?.buttons[0]?.data ?? "").split(":").map(Number);
      expect(store.deliveries.choice("tg", "7", delivery ?? 0, index ?? 0)?.value).toBe("/stop");
    },
  );

  test("a read that fails when it is to be shown is a line in the log, and it is shown when there is more", async () => {
    const { start, text, pass, store, log, texts } = createChat();
    await start();
    const { answerOf } = store.deliveries;
    Object.assign(store.deliveries, {
      answerOf() {
        throw new Error("disk I/O error");
      },
    });
    await pass(limits.placeholderMs);
    expect(log.lines.join()).toContain("disk I/O error");
    Object.assign(store.deliveries, { answerOf });
    await text("Hello");
    await pass(limits.formingFirstMs);
    expect(texts()).toEqual(["Hello"]);
  });
  test("edits coalesce: at the platform's pace only the newest is sent", async () => {
    const { start, pass, platform, text, texts } = createChat();
    await start();
    await text("a");
    await pass(limits.formingFirstMs);
    expect(texts()).toEqual(["a"]);
    for (const delta of "bcdefgh") await text(delta);
    expect(platform.edits()).toBe(1);
    await pass(1_000);
    expect([texts(), platform.edits()]).toEqual([["abcdefgh"], 2]);
    await pass(60_000);
    expect(platform.edits()).toBe(2);
    expect(platform.violations).toEqual([]);
  });

  test("SECURITY 25: a secret in it is gone before it is rendered, and nobody could find it after", async () => {
    const { start, text, pass, texts, secrets, adapter } = createChat();
    // As a platform's markup that stands between the letters.
    Object.assign(adapter, { render: (markdown: string) => [[...markdown].join("|")] });
    secrets.push("open-sesame-1234");
    await start();
    await text("It is open-sesame-1234");
    await pass(limits.formingFirstMs);
    expect(texts().map((body) => body.replaceAll("|", ""))).toEqual(["It is [redacted]"]);
  });
  test("it says what it does, and what was said stands before that", async () => {
    const { start, pass, emit, message, tool, texts } = createChat();
    await start();
    await message("Let me look.");
    await tool("ls");
    await emit({ type: "compacted", tokensBefore: 9, tokensAfter: 1 });
    await emit({ type: "tool", step: "start", call: "2", name: "bash", title: "make `all`", input: {} });
    await pass(limits.formingFirstMs);
    expect(texts()).toEqual(["Let me look.\n\n-# `ls`\n\nOlder messages were summarised.\n\n-# `make 'all'` …"]);
  });

  test("a begun answer that is made anew leaves no trace", async () => {
    const { start, pass, text, emit, texts } = createChat();
    await start();
    await text("Wrong");
    await emit({ type: "reset" });
    await text("Right");
    await pass(limits.formingFirstMs);
    expect(texts()).toEqual(["Right"]);
  });

  test("a forming answer does not hold up what comes later, and both are in order", async () => {
    const { start, text, say, texts, message, end } = createChat();
    await start();
    await text("He");
    await say("Beside it");
    expect(texts()).toEqual(["…", "Beside it"]);
    await message("Hello");
    await end();
    expect(texts()).toEqual(["Hello", "Beside it"]);
  });

  test("a wait that the platform asks for holds the final text back too, and nothing is sent meanwhile", async () => {
    const { start, pass, text, message, end, platform, texts } = createChat();
    await start();
    await text("He");
    platform.fault = first(later({ retryAfterMs: 20_000 }));
    await pass(limits.formingFirstMs);
    const before = platform.calls.length;
    await message("Hello");
    await end();
    await pass(19_999);
    expect(platform.calls).toHaveLength(before);
    await pass(1);
    expect(texts()).toEqual(["Hello"]);
  });

  test("doors that show turns by themselves get nothing", async () => {
    const { next, start, message, end, all, life } = createChat();
    next({ ...place("7"), adapter: "terminal", replyTo: "m1", root: "m0" });
    await start();
    await message("Hello");
    await end();
    expect([all(), life().replies.showing()]).toEqual([[], 0]);
  });
});

describe("in the end", () => {
  test("a short answer is one place and one edit, without a button and without a sound", async () => {
    const { start, text, message, end, platform, shown, row, outbox, life } = createChat();
    await start();
    await text("Hello");
    await message("Hello");
    await end();
    expect(platform.calls.map(({ method }) => method)).toEqual(["post", "change"]);
    expect(shown()).toMatchObject([{ body: "Hello", buttons: [], audible: false }]);
    expect(row(1)).toMatchObject({ fate: "sent", root: "m0", kind: "answer" });
    expect([outbox.lanes(), life().replies.showing()]).toEqual([0, 0]);
  });

  test("the final text goes out in the moment in which its end is stored", async () => {
    const { start, text, turn, platform, life, store, clock } = createChat();
    await start();
    await text("Hello");
    const { replies, hub } = life();
    store.transaction(() => {
      store.turns.append(turn().id, { event: { type: "message", text: "Hello" }, at: clock.now() });
      replies.stored(turn(), { type: "ended", outcome: "done", usage: noUsage });
    });
    const before = platform.calls.length;
    hub.publish({ n: 1, turn: turn().id, session: 1, event: { type: "ended", outcome: "done", usage: noUsage } });
    expect(platform.calls.slice(before)).toMatchObject([{ method: "change", body: "Hello" }]);
  });

  test("all texts are kept in their order, with tool lines as wanted", async () => {
    const expected = {
      none: "One\n\nTwo",
      summary: "One\n\n-# `ls` · `rm` (failed)\n\nTwo",
      full: "One\n\n`ls`\n```\na b\n```\n\n`rm` (failed)\n\nTwo",
    };
    for (const toolOutput of ["none", "summary", "full"] as const) {
      const { start, message, tool, end, texts } = createChat({ toolOutput });
      await start();
      await message("One");
      await tool("ls", { text: "a b" });
      await tool("rm", { ok: false });
      await message("Two");
      await end();
      expect(texts()).toEqual([expected[toolOutput]]);
    }
  });

  test("of many calls the first are named", async () => {
    const { start, message, tool, end, texts } = createChat();
    await start();
    for (let index = 0; index < 8; index += 1) await tool(`c${index}`);
    await message("Done");
    await end();
    expect(texts()).toEqual(["-# `c0` · `c1` · `c2` · `c3` · `c4` · 3 more\n\nDone"]);
  });

  test("a long answer takes its place and further messages", async () => {
    const { start, text, message, end, texts, shown } = createChat();
    await start();
    await text("a");
    await message(`${"a".repeat(4000)}${"b".repeat(10)}`);
    await end();
    expect(texts().map((found) => found[0])).toEqual(["a", "b"]);
    expect(shown()[1]?.replyTo).toBeUndefined();
  });

  test("files, notices and questions come in their order", async () => {
    const { start, text, emit, message, end, texts, shown } = createChat();
    await start();
    await text("Wait");
    await emit({ type: "notice", text: "I was interrupted by a restart and go on from there." });
    await emit({ type: "file", ...pdf, caption: "the plan" });
    await emit({ type: "ask", approval: 1, text: "May I?", choices: [{ value: "/approve 1 once", label: "Once" }] });
    await message("Here");
    await end();
    const notice = "I was interrupted by a restart and go on from there.";
    expect(texts()).toEqual(["Here", notice, "a.pdf", "May I?"]);
    expect(shown()[2]?.file?.caption).toBe("the plan");
    expect(shown()[3]).toMatchObject({ audible: true, buttons: [{ label: "Once" }] });
  });

  test("a failure is told in its sentence, after what was said so far", async () => {
    const { start, text, message, end, texts } = createChat();
    await start();
    await message("One");
    await text("Tw");
    await end({
      outcome: "failed",
      error: { code: "provider.quota.final", message: "The quota is used up", hint: "Wait" },
    });
    expect(texts()).toEqual(["One\n\nTw\n\nThe quota is used up.\n\nWait."]);
  });

  test("a message that is stored together with a cut-off end is said once", async () => {
    const { start, text, emit, texts } = createChat();
    await start();
    await text("So far");
    const stopped = { type: "ended", outcome: "stopped", usage: noUsage } as const;
    await emit({ type: "message", text: "So far" }, stopped);
    expect(texts()).toEqual(["So far\n\nStopped."]);
  });

  test("a failure without any sentence is still an answer", async () => {
    const { start, end, texts } = createChat();
    await start();
    await end({ outcome: "failed" });
    expect(texts()).toEqual(["The turn ended without an answer."]);
  });

  test("what a schedule says does not form, and rings when it comes", async () => {
    const { start, message, end, shown, store, clock, turn, pass } = createChat();
    const event = {
      kind: "message",
      adapter: "tg",
      conversation: { id: "7", kind: "direct" },
      id: "e1",
      sender: { id: "1", name: "Ann" },
      sentAt: clock.now(),
      text: "call mum",
      addressed: true,
      event: "mum.json",
    } as const;
    const { input } = store.inputs.add(event, { state: "waiting", session: turn().session, at: clock.now() });
    store.inputs.take(input.id, turn().id);
    await start();
    await pass(limits.placeholderMs + 1);
    await message("Call mum");
    expect(shown()).toEqual([]);
    await end();
    expect(shown().map(({ body, audible }) => [body, audible])).toEqual([["Call mum", true]]);
  });

  test("silence leaves nothing, whether its place was there or not", async () => {
    const { start, message, end, next, platform, shown, tool, all, outbox, pass } = createChat();
    await start();
    await message("");
    await end();
    expect(platform.calls).toEqual([]);
    next();
    await start();
    await tool("ls");
    expect(shown()).toHaveLength(1);
    await pass(limits.bellMs + 1);
    await message("");
    await end();
    expect(shown()).toEqual([]);
    expect(all().map(({ fate }) => fate)).toEqual(["dropped", "dropped"]);
    expect(outbox.lanes()).toBe(0);
  });

  test.each([
    ["done", { outcome: "done" as const }, "Done: All is well"],
    [
      "failed",
      { outcome: "failed" as const, error: { code: "internal" as const, message: "It broke" } },
      "Failed: It broke",
    ],
  ])("a long turn rings once, for its answer: %s", async (_name, change, bell) => {
    const { start, pass, message, end, shown } = createChat();
    await start();
    await pass(limits.bellMs + 1);
    await message("**All is well**");
    await end(change);
    expect(shown().map(({ audible }) => audible)).toEqual([false, true]);
    expect(shown()[1]).toMatchObject({ body: bell, replyTo: shown()[0]?.ref ?? "" });
  });

  test("an answer whose place was refused is tried and told, and the place itself is nobody's loss", async () => {
    const { start, text, message, end, platform, texts, all, say } = createChat();
    platform.fault = first(refused);
    await start();
    await text("He");
    expect(all()).toMatchObject([{ fate: "dropped" }]);
    await message("Hello");
    await end();
    expect(texts()).toEqual(["Hello"]);
    await say("Next");
    expect(texts()).toEqual(["Hello", "Next"]);
  });

  test("a place that a person deleted is not brought back before there is something to say", async () => {
    const { start, text, pass, message, end, platform, texts, shown } = createChat();
    await start();
    await text("He");
    platform.delete(shown()[0]?.ref ?? "");
    for (let round = 0; round < 5; round += 1) {
      await text("l");
      await pass(2_000);
    }
    expect(platform.posts()).toBe(1);
    await message("Hello");
    await end();
    expect(texts()).toEqual(["Hello"]);
  });

  test("where it can be looked for, an answer is one message as well", async () => {
    const { start, text, message, end, platform, texts, wait } = createChat({ traits: { repeat: "find" } });
    platform.fault = first({ lost: true });
    await start();
    await text("He");
    await message("Hello");
    await end();
    expect(texts()).toEqual(["…"]);
    await wait(5_000, 500);
    expect(texts()).toEqual(["Hello"]);
    expect(platform.posts()).toBe(1);
  });

  test("a place that has to wait is not asked for again and again", async () => {
    const { start, text, wait, platform } = createChat();
    platform.fault = () => later();
    await start();
    await text("He");
    await wait(30_000, 100);
    expect(platform.posts()).toBeLessThan(8);
    expect(platform.posts()).toBeGreaterThan(2);
  });
});

describe("a crash", () => {
  test("in the middle: the turn goes on in the place that it has", async () => {
    const { start, text, message, tool, crash, end, texts, pass } = createChat();
    await start();
    await message("One");
    await tool("ls");
    await text("Tw");
    await crash();
    await start(true);
    await pass(limits.placeholderMs);
    await pass(1_000);
    expect(texts()).toEqual(["One\n\n-# `ls`"]);
    await message("Two");
    await end();
    expect(texts()).toEqual(["One\n\n-# `ls`\n\nTwo"]);
  });

  test.each(["before", "after"] as const)(
    "while its place is sent (%s): at most one empty place more",
    async (hang) => {
      const { start, text, crash, message, end, texts, platform } = createChat();
      platform.fault = first({ hang });
      await start();
      await text("He");
      await crash();
      await start(true);
      await message("Hello");
      await end();
      expect(texts()).toEqual(hang === "after" ? ["…", "Hello"] : ["Hello"]);
    },
  );

  test("right after the end was stored: the answer is there", async () => {
    const { start, text, message, end, crash, texts, platform } = createChat();
    await start();
    await text("He");
    platform.fault = first({ hang: "before" });
    await message("Hello");
    await end();
    expect(texts()).toEqual(["…"]);
    await crash();
    expect(texts()).toEqual(["Hello"]);
  });

  test("of a turn that never goes on: its place says so, with what was said", async () => {
    const { start, text, message, crash, texts, store, turn, life, clock } = createChat();
    await start();
    await message("One");
    await text("Tw");
    await crash();
    store.turns.setPartial(turn().id, "Tw");
    const row = store.turns.get(turn().id) ?? turn();
    store.transaction(() => {
      const error = { code: "turn.interrupted" as const, message: "This was interrupted 3 times" };
      store.turns.end(row.id, { outcome: "failed", at: clock.now(), error, usage: noUsage });
      life().replies.stored(row, { type: "ended", outcome: "failed", error, usage: noUsage });
    });
    await settled();
    expect(texts()).toEqual(["One\n\nTw\n\nThis was interrupted 3 times."]);
  });
});

test("an end that cannot be stored promises nothing", async () => {
  const { start, message, store, emit, all, platform } = createChat();
  await start();
  await message("Hello");
  const { append } = store.turns;
  store.turns.append = () => {
    throw new Error("disk full");
  };
  // Whether the recorder says so at once or at the next event is its own matter.
  await emit({ type: "ended", outcome: "done", usage: noUsage }).catch((error) =>
    expect(String(error)).toContain("full"),
  );
  store.turns.append = append;
  expect(all()).toMatchObject([{ form: "forming" }]);
  expect(platform.texts("7")).not.toContain("Hello");
});

test("while the platform is away nothing is lost, and afterwards only answers come, in order", async () => {
  const { next, start, text, message, end, platform, texts, wait } = createChat();
  platform.fault = () => later({ everywhere: true });
  for (const word of ["One", "Two", "Three"]) {
    next();
    await start();
    await text(word);
    await wait(20_000);
    await message(word);
    await end();
  }
  await wait(60 * 60_000, 60_000);
  const before = platform.calls.length;
  platform.fault = () => undefined;
  await wait(3 * limits.deliveryRetryCapMs, 10_000);
  expect(texts()).toEqual(["One", "Two", "Three"]);
  expect(platform.calls.length - before).toBe(6);
});

test("nothing of a thousand turns stays in memory", async () => {
  const { next, start, text, message, end, outbox, life, clock } = createChat();
  for (let index = 0; index < 50; index += 1) {
    next({ ...place(`c${index}`), replyTo: "m1", root: "m0" });
    await start();
    await text("x");
    await message("x");
    await end();
  }
  expect([outbox.lanes(), life().replies.showing(), clock.sleeping()]).toEqual([0, 0, 0]);
});
