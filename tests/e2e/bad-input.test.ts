// Everything that comes in wrong: each ends in one clear sentence in the right place, and nothing stored is lost.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../../src/core/limits.ts";
import { createUnixClient } from "../../src/sys/unix-client.ts";
import { builtProgram } from "../built.ts";
import { createHome, type Home, peakBytes, until } from "./program.ts";

setDefaultTimeout(90_000);

/** What the instance may grow by while it handles something big, beyond what it needs to run. */
const growthBytesMax = 200 * 1024 * 1024;

let program: ReturnType<typeof builtProgram>;
beforeAll(() => {
  program = builtProgram();
});
afterAll(() => program.remove());

const home = () => createHome({ program: program.path });

/** Texts that were taken in, oldest first. */
const heard = (from: Home) =>
  from.read((store) =>
    store.turns
      .list()
      .flatMap(({ id }) => store.turns.events(id))
      .flatMap(({ event }) => (event.type === "taken" ? [event.text] : [])),
  );

/** The only text that was kept as a file. */
const attached = (from: Home): string => {
  const folder = join(from.stateDir, "workspace/channels/terminal/main/attachments");
  const [file = ""] = readdirSync(folder, { encoding: "utf8" }).filter((name) => name.endsWith(".txt"));
  return readFileSync(join(folder, file), "utf8");
};

describe("text that is not as it should be", () => {
  test("invalid UTF-8 on a pipe is replaced, and the rest is heard", async () => {
    await using at = home();
    const { code } = await at.call(["chat", "--print"], Buffer.from([0x68, 0x69, 0xff, 0xc3, 0x28, 0xf0, 0x9f, 0x21]));
    expect(code).toBe(0);
    expect(heard(at)).toEqual(["hi\uFFFD\uFFFD(\uFFFD!"]);
  });

  test("zero-width and right-to-left text is kept as it is, and shown so that it cannot deceive", async () => {
    await using at = home();
    const text = "run echo 'a\u200Bb \u202Egnp.exe\u202C שלום \u2066x\u2069 \u{E0041}'";
    const { code, out, err } = await at.say(text);
    expect(code).toBe(0);
    expect(heard(at)).toEqual([text]);
    expect(out).toContain("שלום");
    // The tool line is for a terminal.
    expect(err).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/u);
  });

  test("nothing at all, only spaces, NUL characters and lone surrogates", async () => {
    await using at = home();
    for (const input of ["", " \n\t "]) {
      const { code, err } = await at.call(["chat", "--print"], input);
      expect(code).toBe(2);
      expect(err).toContain("the message is empty");
    }
    expect((await at.call(["chat", "--print"], "a\0b\uD800c")).code).toBe(0);
    expect(heard(at)).toEqual(["ab\uFFFDc"]);
  });
});

describe("too much", () => {
  test("10 MB on a pipe are heard as a file; beyond what one message takes, a sentence says what to do", async () => {
    await using at = home();
    const text = `begin ${"x".repeat(10_000_000)} end`;
    const heardAll = await at.call(["chat", "--print"], text);
    expect(heardAll).toMatchObject({ code: 0 });
    expect(attached(at)).toBe(text);
    const { code, out, err } = await at.call(["chat", "--print"], "x".repeat(limits.frameBytesMax + 1));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Cannot send message: it is longer than");
  });

  test("10 MB over the socket become a file that the agent can read; what is more is refused", async () => {
    await using at = home();
    const pid = await at.up();
    const text = `begin ${"ä".repeat(5_000_000)} end`;
    const said = await sayOverSocket(at, text);
    expect(said).toContain('"state":"waiting"');
    await until(
      () => at.turns().some(({ state }) => state === "done"),
      () => `No turn is done: ${JSON.stringify(at.turns())}`,
    );
    expect(attached(at)).toBe(text);
    const refused = await sayOverSocket(at, "x".repeat(limits.frameBytesMax + 1));
    expect(refused).toStartWith("status 413");
    expect((await at.say("still there?")).code).toBe(0);
    expect(peakBytes(pid)).toBeLessThan(8 * limits.frameBytesMax + growthBytesMax);
  });

  test("a tool that prints 1 GB is stopped, and the instance does not grow", async () => {
    await using at = home();
    const pid = await at.up();
    await at.say("run echo warm");
    const before = peakBytes(pid);
    expect((await at.say("run yes remoteagent | head -c 1000000000")).code).toBe(0);
    expect(peakBytes(pid) - before).toBeLessThan(growthBytesMax);
    const ends = at.read((store) => store.turns.events(2).map(({ event }) => event));
    const said = ends.find((event) => event.type === "tool" && event.step === "end");
    expect(said).toMatchObject({ ok: false, text: expect.stringContaining("it printed more than 64") });
  });

  test("a tool that never ends and ignores every signal is dead when /stop says so", async () => {
    await using at = home();
    await at.up();
    const chat = at.start([
      "chat",
      "--print",
      "run touch began; trap '' TERM INT HUP; setsid sleep 4711 & while :; do sleep 1; done",
    ]);
    await until(
      () => existsSync(join(at.scratch, "began")),
      () => `It does not run: ${chat.err()}`,
    );
    const stopped = await at.say("/stop");
    expect(stopped.out).toContain("Stopped.");
    const alive = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid) === "sleep\u00004711\0");
    expect(alive).toEqual([]);
    expect((await chat.ended).code).toBe(1);
  });
});

describe("a state that cannot be used", () => {
  test("chat says what is wrong with database and settings, and touches neither", async () => {
    const cases = [
      { file: "remoteagent.db", content: randomBytes(8_192), code: 1, words: "it is damaged" },
      { file: "settings.json", content: '{ "model": 7 }', code: 2, words: "model" },
      { file: "settings.json", content: "{", code: 2, words: "settings.json" },
    ];
    for (const { file, content, code, words } of cases) {
      await using at = home();
      const path = join(at.stateDir, file);
      writeFileSync(path, content, { mode: 0o600 });
      const ended = await at.say("hello");
      expect({ ...ended, words }).toMatchObject({ code, out: "" });
      expect(ended.err).toContain(words);
      expect(ended.err).not.toMatch(/\n\s+at /);
      expect(readFileSync(path)).toEqual(Buffer.from(content));
    }
  });

  test("a database that is damaged while nothing runs loses nothing that a backup had", async () => {
    await using at = home();
    expect((await at.say("remember the milk")).code).toBe(0);
    const path = join(at.stateDir, "remoteagent.db");
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length / 2)));
    const { code, err } = await at.say("hello");
    expect(code).toBe(1);
    expect(err).toContain("it is damaged");
    writeFileSync(path, whole);
    expect((await at.say("hello")).code).toBe(0);
    expect(heard(at)).toContain("remember the milk");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

/** What the instance sends back for one message: its receipt or its error. */
async function sayOverSocket(at: Home, text: string): Promise<string> {
  const socket = join(at.stateDir, "remoteagent.sock");
  const leave = new AbortController();
  const opening = { type: "open", version: 1, conversation: "main" };
  const client = createUnixClient(socket);
  const lines = client.lines("/v1/chat", { method: "POST", json: opening, signal: leave.signal });
  try {
    let connection: string | undefined;
    for await (const line of lines) {
      const frame = JSON.parse(line) as { type: string; connection?: string };
      if (frame.type === "receipt" || frame.type === "error") return line;
      if (connection === undefined && frame.connection !== undefined) {
        connection = frame.connection;
        const say = { type: "say", id: randomBytes(12).toString("hex"), text };
        const answer = await client.request(`/v1/chat/${connection}`, { method: "POST", json: say });
        if (answer.status >= 400) return `status ${answer.status} ${await answer.text()}`;
      }
    }
    return "";
  } finally {
    leave.abort();
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It has ended.
    return "";
  }
}
