// What the screen draws when it is cut, widened, hurried or ended: nothing leaves its place, nothing is lost.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { noUsage } from "../../../src/core/usage.ts";
import { random } from "../../random.ts";
import { answer, chatState, done, fakeChats } from "./fakes.ts";

const chats = fakeChats();
afterEach(chats.close);
afterAll(chats.remove);
const { open } = chats;

describe("the screen of a chat, as it is drawn", () => {
  test("nothing that model or tools print leaves its place", async () => {
    const now = open();
    now.line.hello();
    const evil = "\x1b[2J\x1b[H\x1b]0;owned\x07❯ rm -rf /\r\n\u202eevil\n\n```\x1b[A\n\x1b[1;1H❯ forged\n```\n";
    now.line.answer(() => [
      { type: "tool", step: "start", call: "1", name: evil, title: evil, input: {} },
      { type: "tool", step: "output", call: "1", text: evil },
      { type: "tool", step: "end", call: "1", name: evil, ok: false, ms: 1, text: evil },
      { type: "file", stored: evil, name: evil, bytes: 3, caption: evil },
      { type: "notice", text: evil },
      ...answer(evil).slice(0, -1),
      { type: "ended", outcome: "failed", error: { code: "internal", message: evil, hint: evil }, usage: noUsage },
    ]);
    now.type("go\r");
    await now.see("✗");
    now.line.push({ type: "post", outgoing: { markdown: evil, choices: [{ value: evil, label: evil }] } });
    now.line.push({ type: "state", state: { ...chatState(), title: evil, model: evil, folder: evil } });
    await now.see("┃");
    // The emulator throws at every sequence that is not ours; the first column is the screen's alone.
    const prompts = now.shown.filter((line) => line.startsWith("❯"));
    expect(prompts).toEqual(["❯ go", "❯"]);
    expect(now.written).not.toContain("owned\x07");
  });

  test("random turns end on the same screen however they are cut, in wide and narrow windows", async () => {
    const text =
      "# Head\n\nSome *text* with 日本語 and 😀 in a rather long line.\n\n1. a\n2. b\n\n```js\nlet x\n```\n\nEnd";
    for (const columns of [20, 33, 80]) {
      const seen: string[] = [];
      for (const seed of [1, 2, 3]) {
        const next = random(seed);
        const now = open({ columns });
        now.line.hello();
        now.line.event({ type: "started", resumed: false });
        for (let at = 0; at < text.length; ) {
          const size = 1 + Math.floor(next() * 25);
          now.line.event({ type: "text", delta: text.slice(at, at + size) });
          at += size;
          if (next() < 0.2) await new Promise((resolve) => setTimeout(resolve, 20));
        }
        now.line.event({ type: "message", text });
        now.line.event(done);
        await now.see((shown) => shown.includes("  End") || shown.includes(" End"));
        now.line.close();
        await now.exit;
        seen.push(now.shown.join("\n"));
      }
      expect(new Set(seen).size).toBe(1);
    }
  });

  test("a new width while an answer forms shows everything once", async () => {
    const now = open({ columns: 60 });
    now.line.hello();
    now.line.event({ type: "started", resumed: false });
    now.line.event({
      type: "text",
      delta: "A finished block.\n\nThis one is still being written and rather long, really",
    });
    await now.see("rather long");
    for (const columns of [30, 20, 70]) {
      now.resize(columns);
      await now.see("❯");
      now.line.event({ type: "text", delta: "." });
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    now.line.event({ type: "text", delta: " Done" });
    await now.see("... Done");
    const all = now.shown.join("\n");
    expect(all.match(/finished block/g)).toHaveLength(1);
    expect(all.match(/still being/g)).toHaveLength(1);
    expect(all.match(/❯/g)).toHaveLength(1);
  });

  test("without an instance nothing seems to work, and ctrl-c stops nothing", async () => {
    const now = open({ columns: 90 });
    now.line.hello({ running: 1 });
    await now.see("working");
    now.line.push({ type: "lost", reason: "RemoteAgent is not running; trying again" });
    await now.see("RemoteAgent is not running: remoteagent start, in another terminal");
    expect(now.shown.join("\n")).not.toMatch(/working|ctrl-c stops ·/);
    now.type("\x03");
    await now.see("press ctrl-c again to leave");
    expect(now.line.said).toEqual([]);
    now.type("\x03");
    expect(await now.exit).toBe(0);
  });

  test("a command stands above its answer, and a bare exit leaves", async () => {
    const now = open();
    now.line.hello({ demo: true });
    await now.see("/help shows the commands");
    now.line.onSend = (up) => {
      const receipt = { state: "done", ok: true, answer: { markdown: "All is well" } } as const;
      now.line.push({ type: "receipt", id: up.id, receipt });
    };
    now.type("/status\r");
    await now.see("All is well");
    expect(now.shown.indexOf("❯ /status")).toBe(now.shown.findIndex((line) => line.includes("All is well")) - 1);
    now.type("exit\r");
    expect(await now.exit).toBe(0);
    expect(now.line.said).toHaveLength(1);
  });

  test("many pieces make few frames", async () => {
    const now = open();
    now.line.hello();
    await now.see("/help");
    const before = now.writes.length;
    now.line.event({ type: "started", resumed: false });
    const text = Array.from({ length: 10_000 }, (_, index) => `word${index}${index % 40 === 39 ? ".\n\n" : " "}`).join(
      "",
    );
    for (const delta of text.match(/\S+\s+/g) ?? []) now.line.event({ type: "text", delta });
    now.line.event({ type: "message", text });
    now.line.event(done);
    await now.see("word9999.");
    expect(now.writes.length - before).toBeLessThan(60);
  });

  test("SIGTERM, SIGHUP and a terminal that is gone leave cleanly", async () => {
    for (const [name, code] of [
      ["SIGTERM", 143],
      ["SIGHUP", 129],
    ] as const) {
      const now = open();
      now.line.hello();
      await now.see("/help");
      now.signal(name);
      expect(await now.exit).toBe(code);
      expect(now.input.raw).toBe(false);
    }
    const now = open();
    now.line.hello();
    await now.see("/help");
    now.output.emit("error", Object.assign(new Error("EIO"), { code: "EIO" }));
    expect(await now.exit).toBe(0);
    const ended = open();
    ended.line.hello();
    await ended.see("/help");
    ended.input.end();
    expect(await ended.exit).toBe(0);
  });
});
