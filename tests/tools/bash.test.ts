// The bash tool with real processes: what it answers, its limits, and what runs behind a turn.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createBash } from "../../src/tools/bash.ts";
import { failing } from "../failing.ts";
import { type Bench, createBench, fileText, textOf } from "./fake-sandbox.ts";

let bench: Bench;
let bash: ReturnType<typeof createBash>;
beforeEach(() => {
  bench = createBench();
  bash = createBash({ clock: systemClock, bounds: { memoryBytes: limits.memoryBytesMax, processes: 512 } });
});
afterEach(() => bench.close());

const run = (input: Record<string, unknown>) => bash.run(input, bench.context);

/** Waits until `holds` is true, for at most three seconds. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 3_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("It did not come to hold");
    await Bun.sleep(10);
  }
}

describe("a command", () => {
  test("answers with both streams in the order in which they were written", async () => {
    const result = await run({ command: "echo one; echo two >&2; echo three; echo four >&2" });
    expect(result).toEqual({ ok: true, content: [{ type: "text", text: "one\ntwo\nthree\nfour" }] });
  });

  test("is shown while it runs", async () => {
    const pending = run({ command: "echo first; until [ -e go ]; do sleep 0.02; done; echo second" });
    await until(() => bench.outputs.join("") === "first\n");
    await Bun.write(`${bench.root}/go`, "");
    await pending;
    expect(bench.outputs.join("")).toBe("first\nsecond\n");
  });

  test("starts without input, profile and in the turn's scope", async () => {
    const result = await run({ command: "cat; echo $?" });
    expect(textOf(result)).toBe("0");
    expect(bench.commands[0]).toMatchObject({ scope: "turn-1", stdin: null });
    expect(bench.commands[0]?.argv.slice(0, 4)).toEqual(["bash", "--norc", "--noprofile", "-c"]);
  });

  test("that fails says its code after what it printed", async () => {
    const result = await run({ command: "echo oh; exit 3" });
    expect(result.ok).toBe(false);
    expect(textOf(result)).toBe("oh\n\nCommand exited with code 3");
  });

  test("that is no shell says bash's own error with the right line", async () => {
    const result = await run({ command: "true\nnonsense-command" });
    expect(textOf(result)).toBe("bash: line 2: nonsense-command: command not found\n\nCommand exited with code 127");
  });

  test("that takes too long is named with its limit", async () => {
    const result = await run({ command: "echo before; sleep 30", timeout: 1 });
    expect(result.ok).toBe(false);
    expect(textOf(result)).toBe("before\n\nCommand timed out after 1 second");
  });

  test.each([
    ["memory" as const, "Command was stopped: it used more than 4 GB of memory"],
    ["processes" as const, "Command was stopped: it started more than 512 processes"],
    ["output" as const, "Command was stopped: it printed more than 64 MB"],
  ])("that meets the limit of %s is named so", async (limit, text) => {
    const pending = run({ command: "echo x; sleep 30" });
    await until(() => bench.outputs.length > 0);
    bench.strike(limit);
    expect(textOf(await pending)).toBe(`x\n\n${text}`);
  });

  test("that is killed from outside says by what", async () => {
    expect(textOf(await run({ command: "kill -TERM $$" }))).toBe("Command was killed by SIGTERM");
  });

  test("ends at once when the turn is stopped", async () => {
    const pending = run({ command: "echo x; sleep 30" });
    await until(() => bench.outputs.length > 0);
    bench.abort.abort();
    const result = await pending;
    expect(result.ok).toBe(false);
    expect(textOf(result)).toBe("x\n\nCommand aborted");
  });

  test("is not started when the turn is stopped already", async () => {
    bench.abort.abort();
    expect(textOf(await run({ command: "touch started" }))).toBe("Command aborted");
    expect(existsSync(`${bench.root}/started`)).toBe(false);
  });

  test("does not wait for a child that keeps its output open", async () => {
    const before = performance.now();
    const result = await run({ command: "echo done; sleep 20 &" });
    expect(textOf(result)).toBe("done");
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  test.each([[""], ["  \n "], ["echo \0"], ["x".repeat(limits.commandBytesMax + 1)]])(
    "of wrong form is refused: %#",
    async (command) => {
      expect(await failing(run({ command }))).toBeInstanceOf(Failure);
      expect(bench.commands).toEqual([]);
    },
  );

  test("with nothing to say", async () => {
    expect(textOf(await run({ command: "true" }))).toBe("(no output)");
    expect(textOf(await run({ command: "false" }))).toBe("Command exited with code 1");
  });

  test("that begins with a comment, ends with one or has a here-document runs as it stands", async () => {
    expect(textOf(await run({ command: "# hello\necho a # b" }))).toBe("a");
    expect(textOf(await run({ command: "cat <<END\nx\nEND" }))).toBe("x");
  });
});

describe("output", () => {
  test("of many lines is cut at its beginning, and all of it is in a file", async () => {
    const result = await run({ command: "seq 1 5000; exit 2" });
    const lines = textOf(result).split("\n");
    expect(lines[0]).toBe("3001");
    expect(lines[1999]).toBe("5000");
    expect(lines.slice(2000).join("\n")).toMatch(
      /^\n\[Output was cut: the last 2000 of 5000 lines \(9\.8 KB of 23 KB\) are shown; all of it is in (\S+)\]\n\nCommand exited with code 2$/,
    );
    const path = /in (\S+)\]/.exec(textOf(result))?.[1] ?? "";
    expect(fileText(path)).toBe(Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join(""));
  });

  test("of one endless line keeps its end", async () => {
    const result = await run({ command: "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end" });
    const [line = "", end] = textOf(result).split("\n");
    expect(line).toMatch(/^x{40000,51200}$/);
    expect(end).toBe("end");
  });

  test("of 40 MB needs little memory", () => {
    const program = join(import.meta.dirname, "much-output.ts");
    const { stdout, exitCode } = Bun.spawnSync([process.execPath, program], { timeout: 20_000 });
    expect(exitCode).toBe(0);
    expect(Number(stdout.toString())).toBeLessThan(150 * 1024 * 1024);
  }, 25_000);

  test("of 40 MB is kept whole", async () => {
    const result = await run({ command: "yes 0123456789 | head -c 40000000" });
    expect(textOf(result)).toContain("of 3636364 lines");
    const path = /in (\S+)\]/.exec(textOf(result))?.[1] ?? "";
    expect(Bun.file(path).size).toBe(40_000_000);
  }, 20_000);

  test("that cannot be kept is still shown, with the reason", async () => {
    const context = { ...bench.context, spill: () => Promise.reject(new Error("the disk is full")) };
    const result = await bash.run({ command: "seq 1 100000" }, context);
    expect(result.ok).toBe(true);
    expect(textOf(result)).toContain("\n100000\n");
    expect(textOf(result)).toContain("the rest could not be kept: the disk is full");
  });

  test("whose storage gives up half way is still shown", async () => {
    const context = {
      ...bench.context,
      async spill(_: string, bytes: Uint8Array | AsyncIterable<Uint8Array>) {
        for await (const _chunk of bytes instanceof Uint8Array ? [] : bytes) throw new Error("no space");
        return "";
      },
    };
    expect(textOf(await bash.run({ command: "seq 1 200000" }, context))).toContain("could not be kept: no space");
  });

  test("comes without colours, overwritten states and bytes that are no text", async () => {
    const result = await run({
      command: String.raw`printf '\033[31mred\033[0m\n10%%\r50%%\r100%%\r\nbad \xff\xfe byte\nnul \0 here\nab\bc\n\033]8;;http://x\007link\033]8;;\007\n'`,
    });
    expect(textOf(result)).toBe("red\n100%\nbad \uFFFD\uFFFD byte\nnul \uFFFD here\nac\nlink");
  });
});

describe("a background command", () => {
  test("is known as one before it runs", () => {
    expect(bash.outlasts?.({ command: "sleep 30", background: true })).toBe(true);
    expect(bash.outlasts?.({ command: "sleep 30" })).toBe(false);
  });

  test("goes on, can be looked at and stopped", async () => {
    const result = await run({ command: "echo up; echo err >&2; sleep 30", background: true });
    expect(result.ok).toBe(true);
    const [, pid = "", log = ""] = /number (\d+)\.\nLook: tail -n 50 (\S+)\n/.exec(textOf(result)) ?? [];
    expect(bench.commands[0]?.scope).toBe("session-1");
    // No end is promised that nobody brings about.
    expect(textOf(result).split("\n").at(-1)).toBe(
      "It goes on after this turn, until it is stopped, remoteagent ends or 24 hours are over.",
    );
    await until(() => fileText(log) === "up\nerr\n");
    expect(textOf(await run({ stop: Number(pid) }))).toBe(`Stopped ${pid}: echo up; echo err >&2; sleep 30`);
    expect((await failing(run({ stop: Number(pid) }))).message).toContain("no background command of this session");
  });

  test("that ends at once says so", async () => {
    const result = await run({ command: "echo no >&2; exit 4", background: true });
    expect(result.ok).toBe(false);
    expect(textOf(result)).toContain("It ended at once. Command exited with code 4");
    expect(fileText(/in (\S+)$/.exec(textOf(result))?.[1] ?? "")).toBe("no\n");
  });

  test("is of its session alone", async () => {
    const result = await run({ command: "sleep 30", background: true });
    const pid = Number(/number (\d+)/.exec(textOf(result))?.[1]);
    const other = { ...bench.context, sessionScope: "session-2" };
    expect((await failing(bash.run({ stop: pid }, other))).message).toContain("no background command of this session");
  });

  test("is refused when too many run", async () => {
    const started = await Promise.all(
      Array.from({ length: limits.backgroundMax }, () => run({ command: "exec sleep 30", background: true })),
    );
    expect(started.every((result) => result.ok)).toBe(true);
    const refused = run({ command: "sleep 30", background: true });
    expect((await failing(refused)).message).toContain(
      `${limits.backgroundMax} of ${limits.backgroundMax} run already`,
    );
    await refused.catch(() => undefined);
    const pid = Number(/number (\d+)/.exec(textOf(started[0] ?? { content: [] }))?.[1]);
    await run({ stop: pid });
    expect((await run({ command: "sleep 30", background: true })).ok).toBe(true);
  });
});

test("the title is short, on one line and without control characters", () => {
  expect(bash.title({ command: "ls -la\n\u001b[31m rm\u202e x" })).toBe("$ ls -la rm x");
  expect(bash.title({ command: "x".repeat(10_000) })).toHaveLength(120);
  expect(bash.title({ command: "ls", label: "Look around" })).toBe("Look around");
});
