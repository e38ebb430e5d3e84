// The whole screen on a fake terminal that throws at every sequence which is not ours.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { limits } from "../../../src/core/limits.ts";
import { noUsage } from "../../../src/core/usage.ts";
import { answer, chatState, done, fakeChats, pieces } from "./fakes.ts";

const chats = fakeChats();
afterEach(chats.close);
afterAll(chats.remove);
const { open } = chats;

describe("the screen of a chat", () => {
  test("greets, takes a message, shows the answer once and leaves with the terminal as it was", async () => {
    const now = open();
    const { line } = now;
    line.hello();
    await now.see("/help shows the commands");
    expect(now.shown.join("\n")).toContain("remoteagent 0.1.0  local/test");
    expect(now.shown.join("\n")).toContain("session S001 main · folder /home/me/project · sandbox host,");
    line.answer(() => [
      ...answer("The answer is **42**.\n\n- a\n- b").slice(0, -1),
      { type: "usage", usage: noUsage, contextTokens: 2_000, contextWindow: 10_000 },
      { type: "ended", outcome: "done", usage: { ...noUsage, input: 1_200, output: 30, costUsd: 0.0123, requests: 1 } },
    ]);
    now.type("what is it?\r");
    await now.see("of the context");
    const shown = now.shown;
    expect(shown.slice(shown.indexOf("❯ what is it?"))).toEqual([
      "❯ what is it?",
      "  The answer is 42.",
      "  • a",
      "  • b",
      "· 1.2k in · 30 out · $0.0123 · 20% of the context",
      "❯",
      "S001 main · local/test · /home/me/project",
    ]);
    now.type("\x04");
    expect(await now.exit).toBe(0);
    expect(now.input.raw).toBe(false);
    expect(now.written).toEndWith("\x1b[<u\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m");
    expect(line.closed).toBe(true);
  });

  test("tools: a spinner with the end of the output, then what became of it, in order of their starts", async () => {
    const now = open();
    now.line.hello();
    now.type("go\r");
    now.line.answer(() => []);
    await now.see("❯");
    const { line } = now;
    line.event({ type: "started", resumed: false });
    line.event({ type: "tool", step: "start", call: "1", name: "bash", title: "$ make", input: {} });
    line.event({ type: "tool", step: "start", call: "2", name: "bash", title: "$ false", input: {} });
    line.event({ type: "tool", step: "output", call: "1", text: "1\n2\n3\n4\n5\n\x1b[31msix\x1b[0m\n10%\r20%" });
    line.event({ type: "tool", step: "end", call: "2", name: "bash", ok: false, ms: 120, text: "oops\nexit code 1" });
    await now.see("│ 20%");
    await now.see("✗ $ false  0.1s  exit 1");
    const lines = now.shown;
    expect(lines.findIndex((one) => / \$ make {2}0s/.test(one))).toBeLessThan(lines.indexOf("✗ $ false  0.1s  exit 1"));
    expect(lines).toContain("  │ six");
    expect(lines).not.toContain("  │ 2");
    line.event({ type: "tool", step: "end", call: "1", name: "bash", ok: true, ms: 3_210, text: "" });
    await now.see("✓ $ make  3.2s");
    expect(now.shown).not.toContain("  │ six");
  });

  test("ctrl-c stops the turn, and twice at an empty prompt leaves", async () => {
    const now = open();
    now.line.hello();
    now.line.answer(() => [{ type: "thinking", delta: "let me think about this" }]);
    now.type("go\r");
    await now.see("let me think");
    now.type("\x03");
    await now.see("stopping…");
    expect(now.line.said.at(-1)).toMatchObject({ type: "command", name: "stop", args: "" });
    now.line.event({ type: "ended", outcome: "stopped", usage: noUsage });
    await now.see("· Stopped");
    expect(now.shown.some((line) => line.startsWith("∴ thought for"))).toBe(true);
    now.type("draft\x03");
    await now.see((shown) => !shown.join("\n").includes("draft"));
    now.type("\x03");
    await now.see("press ctrl-c again to leave");
    now.type("\x03");
    expect(await now.exit).toBe(0);
  });

  test("what is typed while a turn runs waits and is shown when it is taken", async () => {
    const now = open();
    now.line.hello({ running: 7 });
    await now.see("working");
    now.line.onSend = (up) => {
      const receipt = { state: "waiting", input: 11, session: 1, place: 1 } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    now.type("and this\r");
    await now.see("❯ and this  waiting");
    await now.see("1 waiting");
    now.line.event({ type: "taken", inputs: [11], text: "[me] and this" }, 7);
    await now.see((shown) => shown.includes("❯ and this"));
    expect(now.shown.join("\n")).not.toContain("[me]");
    expect(now.shown.join("\n")).not.toContain("waiting");
  });

  test("what is removed before its turn is said, once, and waits no longer", async () => {
    const now = open();
    now.line.hello({ running: 7 });
    now.line.onSend = (up) => {
      const receipt = { state: "waiting", input: 11, session: 1, place: 1 } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    await now.see("working");
    now.type("never mind\r");
    await now.see("❯ never mind  waiting");
    // The state may say that nothing waits before the reason comes.
    now.line.event({ type: "ended", outcome: "stopped", usage: noUsage }, 7);
    now.line.push({ type: "state", state: { ...chatState(), waiting: 0 } });
    now.line.push({ type: "gone", input: 11 }, { type: "gone", input: 11 }, { type: "gone", input: 12 });
    await now.see("· Removed before it was answered: never mind");
    expect(now.shown.join("\n").match(/Removed/g)).toHaveLength(1);
    expect(now.shown.join("\n")).not.toContain("waiting");
  });

  test("a paste of megabytes is sent whole and shown as the instance stored it", async () => {
    const now = open();
    now.line.hello();
    await now.see("/help");
    now.line.onSend = (up) => {
      const receipt = { state: "waiting", input: 1, session: 1, place: 1 } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    const text = `${"x".repeat(1_000)}\n`.repeat(2_000);
    now.type(`\x1b[200~${text}\x1b[201~`);
    await now.see("[pasted 2000 lines]");
    now.type("\r");
    await now.see("1 waiting");
    expect(now.line.said).toMatchObject([{ type: "say", text }]);
    now.line.event({ type: "taken", inputs: [1], text: "xxx, the rest is in inbox/message.txt" });
    await now.see("❯ xxx, the rest is in inbox/message.txt");
  });

  test("what no frame takes is not sent and put back", async () => {
    const now = open();
    now.line.hello();
    await now.see("/help");
    now.type(`\x1b[200~${"\n".repeat(limits.frameBytesMax / 2)}.\x1b[201~`);
    await now.see("[pasted");
    now.type("\r");
    await now.see("it is longer than 32 MiB");
    await now.see((shown) => shown.some((line) => line.startsWith("❯ [pasted")));
    expect(now.line.said).toEqual([]);
  });

  test("a command that failed is shown as a failure", async () => {
    const now = open();
    now.line.hello();
    now.line.onSend = (up) => {
      const receipt = { state: "done", ok: false, answer: { markdown: "There is no session S999" } } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    await now.see("/help");
    now.type("/switch S999\r");
    await now.see("✗ There is no session S999");
  });

  test("what was sent twice over a lost connection and is over waits no longer", async () => {
    const now = open();
    now.line.hello();
    now.line.onSend = (up) => {
      now.line.push({ type: "lost", reason: "Gone; trying again" });
      now.line.hello();
      now.line.push({ type: "receipt", id: up.id, receipt: { state: "duplicate", input: 9 } });
      now.line.push({ type: "post", outgoing: { markdown: "then this" } });
    };
    await now.see("/help");
    now.type("go\r");
    await now.see("then this");
    expect(now.shown.join("\n")).not.toContain("waiting");
  });

  test("a refused message says why and is put back", async () => {
    const now = open();
    now.line.hello();
    now.line.onSend = (up) =>
      now.line.push({ type: "receipt", id: up.id, receipt: { state: "refused", reason: "The queue is full" } });
    now.type("again\r");
    await now.see("✗ The queue is full");
    await now.see("❯ again");
  });

  test("commands are listed, completed and sent; unknown ones are not; paths are text", async () => {
    const now = open();
    now.line.hello();
    await now.see("/help");
    now.type("/st");
    await now.see("/status  About status");
    now.type("\t\t\r");
    now.type("/swich\r/usr/bin is what?\r/tmp is full\r/swich S001\r");
    await now.see('There is no command "/swich": did you mean /switch?');
    expect(now.line.said.map((up) => (up.type === "say" ? up.text : `${up.name}(${up.args})`))).toEqual([
      "stop()",
      "/usr/bin is what?",
      "/tmp is full",
    ]);
    now.type("/quit\r");
    expect(await now.exit).toBe(0);
  });

  test("what is said before the instance is there is sent once it is", async () => {
    const now = open({ message: "first" });
    now.type("/status\r");
    await now.see("connecting…");
    expect(now.line.said).toEqual([]);
    now.line.hello();
    await now.see("❯ first  waiting");
    expect(now.line.said).toMatchObject([
      { type: "say", text: "first" },
      { type: "command", name: "status" },
    ]);
  });

  test("an answer that comes with the receipt and as a post is shown once, a failure as well", async () => {
    const now = open();
    now.line.hello();
    now.line.onSend = (up) => {
      now.line.push({
        type: "receipt",
        id: up.id,
        receipt: { state: "done", ok: true, answer: { markdown: "All **well**" } },
      });
      now.line.push({ type: "post", outgoing: { markdown: "All **well**" } });
      now.line.push({ type: "error", message: "The disk is full", hint: "Make room" });
      throw new Error("The disk is full");
    };
    await now.see("/help");
    now.type("/status\r");
    await now.see("disk is full");
    await new Promise((resolve) => setTimeout(resolve, 80));
    const all = now.shown.join("\n");
    expect(all.match(/┃ All well/g)).toHaveLength(1);
    expect(all.match(/The disk is full/g)).toHaveLength(1);
  });

  test("ctrl-z gives the terminal back and takes it again", async () => {
    const now = open();
    now.line.hello();
    await now.see("/help");
    now.type("\x1a");
    const until = Date.now() + 2_000;
    while (!now.suspended && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(now.suspended).toBe(1);
    now.signal("SIGCONT");
    expect(now.input.raw).toBe(true);
    now.type("back");
    await now.see("❯ back");
  });

  test("asks once before tools run without isolation", async () => {
    const now = open();
    now.line.hello({ confirm: "Commands run with your rights: bubblewrap is missing" });
    await now.see("/help");
    now.type("go\r");
    await now.see("Use tools here? [y/N]");
    expect(now.line.said).toEqual([]);
    now.type("y");
    await now.see("Tools are confirmed");
    now.type("more\r");
    await now.see((shown) => shown.filter((line) => line.includes("waiting")).length >= 2);
    expect(now.line.said).toMatchObject([
      { type: "command", name: "confirm", args: "tools" },
      { type: "say", text: "go" },
      { type: "say", text: "more" },
    ]);
  });

  test("after a lost connection nothing is shown twice and nothing is missing", async () => {
    const now = open();
    const { line } = now;
    line.hello();
    const text = "First block.\n\nSecond block with more words.\n\nThird.";
    line.event({ type: "started", resumed: false });
    for (const event of pieces(text.slice(0, 30))) line.event(event);
    await now.see("Second");
    line.push({ type: "lost", reason: "RemoteAgent went away; trying again" });
    await now.see("went away");
    line.hello({ running: 1 });
    line.push({ type: "forming", turn: 1, session: 1, text: text.slice(0, 40) });
    for (const event of pieces(text.slice(40))) line.event(event);
    line.event({ type: "message", text });
    line.event(done);
    await now.see("Third.");
    await now.see((shown) => !shown.join("\n").includes("went away"));
    const body = now.shown.filter((one) => /block|Third/.test(one));
    expect(body).toEqual(["  First block.", "  Second block with more words.", "  Third."]);
  });

  test("without the forming text the stored message completes what is shown", async () => {
    const now = open();
    const { line } = now;
    line.hello();
    line.event({ type: "started", resumed: false });
    line.event({ type: "text", delta: "One.\n\nTwo is " });
    line.hello({ running: 1 });
    line.event({ type: "text", delta: "lost between." });
    line.event({ type: "message", text: "One.\n\nTwo is not lost between." });
    line.event(done);
    await now.see("not lost");
    expect(now.shown.filter((one) => /One|Two|lost/.test(one))).toEqual(["  One.", "  Two is not lost between."]);
  });

  test("an answer that is begun anew is shown once; what has scrolled up is called broken off", async () => {
    const now = open();
    const { line } = now;
    line.hello();
    line.event({ type: "started", resumed: false });
    line.event({ type: "text", delta: "Void words" });
    await now.see("Void words");
    line.event({ type: "reset" });
    line.event({ type: "text", delta: "Better words.\n\nAnd more" });
    await now.see("And more");
    expect(now.shown.join("\n")).not.toContain("Void");
    line.event({ type: "reset" });
    for (const event of answer("Best words.")) line.event(event);
    await now.see("Best words.");
    expect(now.shown.filter((one) => /words|more|broken/.test(one))).toEqual([
      "  Better words.",
      "· The answer above was broken off and begins anew",
      "  Best words.",
    ]);
  });
});
