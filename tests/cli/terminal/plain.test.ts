// The chat in a pipe: what stands on stdout, on stderr, and in the exit code.
import { afterEach, describe, expect, test } from "bun:test";
import { jsonLine } from "../../../src/cli/terminal/plain.ts";
import type { ScreenFrame } from "../../../src/cli/terminal/port.ts";
import type { TurnEvent } from "../../../src/core/event.ts";
import { limits } from "../../../src/core/limits.ts";
import { noUsage } from "../../../src/core/usage.ts";
import { failing } from "../../failing.ts";
import { done, FakeChat, state } from "./fakes.ts";

let chat: FakeChat | undefined;
afterEach(() => chat?.line.close());

/** A chat in a pipe; `input` is its whole standard input. */
function pipe(input: string | Uint8Array, options: Partial<ConstructorParameters<typeof FakeChat>[0]> = {}): FakeChat {
  chat = new FakeChat({ tty: false, historyPath: "/dev/null/none", ...options });
  chat.input.end(input);
  chat.line.hello();
  return chat;
}

const events: TurnEvent[] = [
  { type: "thinking", delta: "hm" },
  { type: "tool", step: "start", call: "1", name: "bash", title: "$ ls", input: {} },
  { type: "tool", step: "output", call: "1", text: "x" },
  { type: "tool", step: "end", call: "1", name: "bash", ok: true, ms: 300, text: "x" },
  { type: "text", delta: "The **ans" },
  { type: "text", delta: "wer**" },
  { type: "message", text: "The **answer**" },
  { type: "message", text: "And more." },
  done,
];

describe("a chat in a pipe", () => {
  test("sends all of its input as one message and prints the answer alone", async () => {
    const now = pipe("a question\r\nof two lines\n");
    now.line.answer(() => events);
    expect(await now.exit).toBe(0);
    expect(now.line.said).toMatchObject([{ type: "say", text: "a question\nof two lines" }]);
    expect(now.written).toBe("The **answer**\n\nAnd more.\n");
    expect(now.errors).toBe("✓ $ ls  0.3s\n");
  });

  test("that tools wait for the owner's word is said once, with how to give it", async () => {
    chat = new FakeChat({ tty: false, historyPath: "/dev/null/none", message: "hi" });
    chat.input.end("");
    chat.line.hello({ confirm: "Nothing isolates commands here" });
    chat.line.push({ type: "state", state: { ...state, confirm: "Nothing isolates commands here" } });
    chat.line.answer(() => events);
    expect(await chat.exit).toBe(0);
    expect(chat.errors.split("Nothing isolates commands here")).toHaveLength(2);
    expect(chat.errors).toContain('remoteagent chat "/confirm tools"');
  });

  test("a message behind the command needs no input", async () => {
    const now = pipe("", { message: "hi" });
    now.line.answer(() => events);
    expect(await now.exit).toBe(0);
    expect(now.line.said).toMatchObject([{ type: "say", text: "hi" }]);
  });

  test("a message and an input are one message; an input that never comes is not waited for", async () => {
    const both = pipe("the diff\n", { message: "review this" });
    both.line.answer(() => events);
    expect(await both.exit).toBe(0);
    expect(both.line.said).toMatchObject([{ text: "review this\n\nthe diff" }]);
    chat = new FakeChat({ tty: false, historyPath: "/dev/null/none", message: "hi" });
    chat.line.hello();
    chat.line.answer(() => events);
    expect(await chat.exit).toBe(0);
    expect(chat.line.said).toMatchObject([{ text: "hi" }]);
    expect(chat.errors).toStartWith("Nothing came on stdin within 3 s");
  });

  test("exit code and reason of what did not go well", async () => {
    const error = { code: "provider.auth.final", message: "The key is refused", hint: "Set another" } as const;
    const failed = pipe("x");
    failed.line.answer(() => [{ type: "ended", outcome: "failed", error, usage: noUsage }]);
    expect(await failed.exit).toBe(1);
    expect(failed.errors).toBe("The key is refused\nSet another\n");
    expect(failed.written).toBe("");
    const stopped = pipe("x");
    stopped.line.answer(() => [
      { type: "text", delta: "part" },
      { type: "ended", outcome: "stopped", usage: noUsage },
    ]);
    expect(await stopped.exit).toBe(1);
    expect(stopped.written).toBe("part\n");
    const refused = pipe("x");
    refused.line.onSend = (up) =>
      refused.line.push({ type: "receipt", id: up.id, receipt: { state: "refused", reason: "No room" } });
    expect(await refused.exit).toBe(1);
    expect(refused.errors).toBe("No room\n");
  });

  test("shows only the turn that took the message, also when that comes before the receipt", async () => {
    const now = pipe("x");
    now.line.event({ type: "text", delta: "somebody else's" }, 5);
    now.line.onSend = (up) => {
      now.line.event({ type: "started", resumed: false }, 6);
      now.line.event({ type: "taken", inputs: [9], text: "x" }, 6);
      now.line.event({ type: "text", delta: "ours" }, 6);
      now.line.push({ type: "receipt", id: up.id, receipt: { state: "waiting", input: 9, session: 1, place: 1 } });
      now.line.event({ type: "text", delta: " too" }, 6);
      now.line.event({ type: "ended", outcome: "failed", usage: noUsage }, 5);
      now.line.event(done, 6);
    };
    expect(await now.exit).toBe(0);
    expect(now.written).toBe("ours too\n");
  });

  test("what was lost with the connection comes with the stored message, once", async () => {
    const now = pipe("x");
    now.line.answer(() => [{ type: "text", delta: "one " }]);
    await now.line.send({ type: "command", id: "z", name: "none", args: "" });
    const wait = Date.now() + 2_000;
    while (now.written !== "one " && Date.now() < wait) await new Promise((resolve) => setTimeout(resolve, 5));
    now.line.hello({ running: 1 });
    now.line.event({ type: "text", delta: "three" });
    now.line.event({ type: "message", text: "one two three" });
    now.line.event(done);
    expect(await now.exit).toBe(0);
    expect(now.written).toBe("one two three\n");
  });

  test("invalid UTF-8 is replaced, an empty and a too long input are refused with a sentence", async () => {
    const now = pipe(Uint8Array.from([0x61, 0xff, 0xe6, 0x97]));
    now.line.answer(() => [done]);
    expect(await now.exit).toBe(0);
    expect(now.line.said).toMatchObject([{ text: "a\ufffd\ufffd" }]);
    expect(await failing(pipe(" \n").exit)).toMatchObject({
      code: "usage",
      message: "Cannot chat: the message is empty",
    });
    for (const long of ["x".repeat(limits.frameBytesMax + 1), `"${"\n".repeat(limits.frameBytesMax / 2)}"`])
      expect(await failing(pipe(long).exit)).toMatchObject({
        code: "usage",
        message: "Cannot send message: it is longer than 32 MiB",
      });
  });

  test("a long input is sent whole: the instance makes a file of it", async () => {
    const text = "line of a log\n".repeat(10_000).trimEnd();
    const now = pipe(text);
    now.line.answer(() => [done]);
    expect(await now.exit).toBe(0);
    expect(now.line.said).toMatchObject([{ type: "say", text }]);
  });

  test("a command is run and its answer printed", async () => {
    const now = pipe("/status");
    now.line.onSend = (up) =>
      now.line.push({
        type: "receipt",
        id: up.id,
        receipt: { state: "done", ok: true, answer: { markdown: "All is well" } },
      });
    expect(await now.exit).toBe(0);
    expect(now.line.said).toMatchObject([{ type: "command", name: "status", args: "" }]);
    expect(now.written).toBe("All is well\n");
  });

  test("a command that failed says why on stderr and ends with 1", async () => {
    const now = pipe("/switch S999");
    now.line.onSend = (up) => {
      const receipt = { state: "done", ok: false, answer: { markdown: "There is no session S999" } } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    expect(await now.exit).toBe(1);
    expect([now.written, now.errors]).toEqual(["", "There is no session S999\n"]);
  });

  test("a message that is removed before its turn ends the chat, whichever comes first", async () => {
    for (const early of [false, true]) {
      const now = pipe("x");
      now.line.onSend = (up) => {
        const receipt = { type: "receipt", id: up.id, receipt: { state: "waiting", input: 9, session: 1, place: 2 } };
        const others: ScreenFrame = { type: "gone", input: 8 };
        const gone: ScreenFrame = { type: "gone", input: 9 };
        now.line.push(others, ...(early ? [gone, receipt as ScreenFrame] : [receipt as ScreenFrame, gone]));
      };
      expect(await now.exit).toBe(1);
      expect(now.errors).toBe("Removed before it was answered\n");
    }
  });

  test("a turn that failed before it began ends the chat with its reason", async () => {
    const now = pipe("x");
    const error = { code: "sandbox", message: "The folder is gone" } as const;
    now.line.onSend = (up) => {
      now.line.push({ type: "receipt", id: up.id, receipt: { state: "waiting", input: 9, session: 1, place: 1 } });
      now.line.event({ type: "started", resumed: false }, 6);
      now.line.event({ type: "taken", inputs: [9], text: "x" }, 6);
      now.line.event({ type: "ended", outcome: "failed", error, usage: noUsage }, 6);
    };
    expect(await now.exit).toBe(1);
    expect(now.errors).toBe("The folder is gone\n");
  });

  test("what was sent twice over a lost connection is answered once, or known to be over", async () => {
    const running = pipe("x");
    running.line.onSend = (up) => {
      running.line.push({ type: "lost", reason: "Gone; trying again" });
      running.line.hello({ running: 6 });
      running.line.event({ type: "taken", inputs: [9], text: "x" }, 6);
      running.line.push({ type: "receipt", id: up.id, receipt: { state: "duplicate", input: 9 } });
      for (const event of events) running.line.event(event, 6);
    };
    expect(await running.exit).toBe(0);
    expect(running.written).toBe("The **answer**\n\nAnd more.\n");

    const over = pipe("x");
    over.line.onSend = (up) => {
      over.line.push({ type: "lost", reason: "Gone; trying again" });
      over.line.hello();
      over.line.push({ type: "receipt", id: up.id, receipt: { state: "duplicate", input: 9 } });
    };
    expect(await over.exit).toBe(1);
    expect(over.errors).toContain("dealt with while the connection was lost");

    const command = pipe("/status");
    command.line.onSend = (up) =>
      command.line.push({ type: "receipt", id: up.id, receipt: { state: "duplicate", input: 9 } });
    expect(await command.exit).toBe(0);
    expect(command.errors).toContain("its answer was lost");
  });

  test("a conversation that moves to another session is not waited for", async () => {
    const now = pipe("x");
    now.line.answer(() => [{ type: "text", delta: "begun" }]);
    await now.line.send({ type: "command", id: "z", name: "none", args: "" });
    now.line.push({ type: "state", state: { ...state, running: 1 } });
    now.line.push({ type: "state", state: { ...state, session: 2 } });
    expect(await now.exit).toBe(1);
    expect(now.errors).toContain("its answer goes to session S001");
  });

  test("--json prints every frame as one line that any reader can take", async () => {
    const now = pipe("x", { json: true });
    now.line.answer(() => [{ type: "text", delta: "a\u2028\u009b2J\u202e\n" }, done]);
    expect(await now.exit).toBe(0);
    const lines = now.written.trimEnd().split("\n");
    const frames = lines.map((line) => JSON.parse(line) as { type: string; event?: TurnEvent });
    expect(frames.map((frame) => frame.event?.type ?? frame.type)).toEqual([
      "hello",
      "state",
      "receipt",
      "started",
      "taken",
      "text",
      "ended",
    ]);
    expect(frames[5]?.event).toEqual({ type: "text", delta: "a\u2028\u009b2J\u202e\n" });
    expect(now.written).not.toMatch(/[\u007f-\u009f\u2028\u202e]/);
    expect(jsonLine({ a: "\u009b" })).toBe('{"a":"\\u009b"}\n');
  });

  test("an instance that stops ends the chat with 3 and what becomes of the turn", async () => {
    const now = pipe("x");
    now.line.answer(() => [{ type: "text", delta: "begun" }]);
    const wait = Date.now() + 2_000;
    while (now.written !== "begun" && Date.now() < wait) await new Promise((resolve) => setTimeout(resolve, 5));
    now.line.push({ type: "bye", reason: "stop" }, { type: "lost", reason: "RemoteAgent went away; trying again" });
    expect(await now.exit).toBe(3);
    expect(now.errors).toBe("The turn goes on at the next start: remoteagent start\n");
    expect(now.written).toBe("begun\n");
  });

  test("an instance that is back after its restart goes on", async () => {
    const now = pipe("x");
    now.line.answer(() => [{ type: "text", delta: "begun" }]);
    const wait = Date.now() + 2_000;
    while (now.written !== "begun" && Date.now() < wait) await new Promise((resolve) => setTimeout(resolve, 5));
    now.line.push({ type: "bye", reason: "stop" }, { type: "lost", reason: "RemoteAgent went away; trying again" });
    now.line.hello({ running: 1 });
    now.line.event({ type: "message", text: "begun and done" });
    now.line.event(done);
    expect(await now.exit).toBe(0);
    expect(now.written).toBe("begun and done\n");
  });

  test("a reminder made in a chat that works alone is called lost when it leaves", async () => {
    const call: TurnEvent[] = [
      { type: "tool", step: "start", call: "1", name: "schedule", title: "add reminder", input: { action: "add" } },
      { type: "tool", step: "end", call: "1", name: "schedule", ok: true, ms: 1, text: "x" },
      done,
    ];
    for (const alone of [true, false]) {
      chat = new FakeChat({ tty: false, historyPath: "/dev/null/none", message: "hi" });
      chat.input.end("");
      chat.line.push({ type: "hello", version: 1, connection: "c", program: "p", pid: 1, alone, commands: [] });
      chat.line.push({ type: "state", state });
      chat.line.answer(() => call);
      expect(await chat.exit).toBe(0);
      expect(chat.errors.includes("Reminders come only while remoteagent runs: remoteagent start")).toBe(alone);
    }
  });

  test("a command that there is not is refused; a path is a message", async () => {
    const wrong = pipe("/halp");
    expect(await wrong.exit).toBe(2);
    expect(wrong.errors).toBe('There is no command "/halp": did you mean /help?\n');
    expect(wrong.line.said).toEqual([]);
    const path = pipe("/etc/hosts");
    path.line.answer(() => [done]);
    expect(await path.exit).toBe(0);
    expect(path.line.said).toMatchObject([{ type: "say", text: "/etc/hosts" }]);
  });

  test("ctrl-c stops the turn", async () => {
    const now = pipe("x");
    now.line.answer(() => []);
    const wait = Date.now() + 2_000;
    while (now.line.said.length < 1 && Date.now() < wait) await new Promise((resolve) => setTimeout(resolve, 5));
    now.signal("SIGINT");
    expect(now.line.said.at(-1)).toMatchObject({ type: "command", name: "stop" });
    now.line.event({ type: "ended", outcome: "stopped", usage: noUsage });
    expect(await now.exit).toBe(1);
  });
});
