// The tools in the sandbox `host` as it is on this machine, with bubblewrap where that works.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createTools } from "../../src/tools/index.ts";
import type { ToolContext } from "../../src/tools/tool.ts";
import { keepOutput } from "../../src/workspace/attachments.ts";
import { failing } from "../failing.ts";
import { type HostSetup, hostSetup } from "../sandbox/host-setup.ts";
import { textOf } from "./fake-sandbox.ts";

describe.each(["auto" as const, "none" as const])("isolation %s", (isolation) => {
  let setup: HostSetup;
  let sandbox: Sandbox;
  let context: ToolContext;
  let abort: AbortController;
  const tools = createTools({ clock: systemClock });
  const run = async (name: string, input: Record<string, unknown>) => {
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`No tool ${name}`);
    return await tool.run(input, context);
  };

  beforeAll(async () => {
    setup = hostSetup(isolation);
    sandbox = await setup.open();
    abort = new AbortController();
    context = {
      sandbox,
      scope: "turn-1",
      sessionScope: "session-1",
      signal: abort.signal,
      output: () => undefined,
      attach: async () => undefined,
      async spill(name, content) {
        const { path } = await keepOutput(setup.own, { name, content, at: Date.now() });
        return `${sandbox.root}${path.slice(setup.workspace.length)}`;
      },
      memory: { read: async () => "", append: async () => undefined, replace: async () => undefined },
      schedule: { add: async () => ({ file: "", next: "" }), list: async () => [], cancel: async () => false },
    };
  });
  afterAll(async () => {
    await sandbox.kill("session-1");
    await sandbox.close();
    await setup.close();
  });

  test("writes, changes, runs and reads one file", async () => {
    await run("write", { path: "src/hello.sh", content: "echo hello $1\n" });
    await run("edit", { path: "src/hello.sh", oldText: "hello $1", newText: "good day, $1" });
    expect(textOf(await run("bash", { command: "bash src/hello.sh Ann" }))).toBe("good day, Ann");
    expect(textOf(await run("read", { path: "src" }))).toBe("hello.sh");
    expect(textOf(await run("read", { path: `${sandbox.cwd}/src/hello.sh` }))).toBe("echo good day, $1\n".trimEnd());
    expect(readFileSync(join(setup.own, "src/hello.sh"), "utf8")).toBe("echo good day, $1\n");
    expect((await failing(run("read", { path: "src/hallo.sh" }))) as object).toMatchObject({
      message: 'Cannot read "src/hallo.sh": it does not exist',
      hint: "Did you mean src/hello.sh?",
    });
  });

  test("cut output can be read by its path inside", async () => {
    const result = textOf(await run("bash", { command: "seq 1 3000" }));
    const path = /all of it is in (\S+)\]/.exec(result)?.[1] ?? "";
    expect(path).toStartWith(`${sandbox.root}/`);
    expect(textOf(await run("bash", { command: `head -n 1 ${path}; wc -l < ${path}` }))).toBe("1\n3000");
    expect(textOf(await run("read", { path, limit: 1 }))).toStartWith("1\n");
  });

  test("a command that takes too long is stopped with all that it started", async () => {
    const result = await run("bash", { command: "setsid sleep 60 & sleep 60", timeout: 1 });
    expect(textOf(result)).toBe("Command timed out after 1 second");
    expect(setup.driver.running()).toEqual([]);
  });

  test("a background command goes on, writes where one can look, and is stopped", async () => {
    const result = textOf(await run("bash", { command: "echo up; sleep 60", background: true }));
    const [, pid = "", log = ""] = /number (\d+)\.\nLook: tail -n 50 (\S+)\n/.exec(result) ?? [];
    expect(textOf(await run("bash", { command: `tail -n 50 ${log}` }))).toBe("up");
    expect(setup.driver.running()).toMatchObject([{ scope: "session-1", pid: Number(pid) }]);
    expect(textOf(await run("bash", { stop: Number(pid) }))).toBe(`Stopped ${pid}: echo up; sleep 60`);
    expect(setup.driver.running()).toEqual([]);
  });

  test("a command writes to /dev/stderr and /dev/stdout, also in the background", async () => {
    const command = "echo one >/dev/stdout; echo two >/dev/stderr; echo three";
    expect(textOf(await run("bash", { command }))).toBe("one\ntwo\nthree");
    // There both are a file: what opens it anew empties it, as in every shell, so it is opened to append.
    const behind = `${command.replaceAll(">/dev", ">>/dev")}; sleep 60`;
    const result = textOf(await run("bash", { command: behind, background: true }));
    const [, pid = "", log = ""] = /number (\d+)\.\nLook: tail -n 50 (\S+)\n/.exec(result) ?? [];
    const wait = `until grep -q three ${log}; do sleep 0.05; done; cat ${log}`;
    expect(textOf(await run("bash", { command: wait, timeout: 10 }))).toBe("one\ntwo\nthree");
    expect(textOf(await run("bash", { stop: Number(pid) }))).toStartWith(`Stopped ${pid}: `);
  });

  test("output without end is stopped, and what came is kept", async () => {
    const result = await run("bash", { command: "yes" });
    expect(result.ok).toBe(false);
    expect(textOf(result)).toEndWith("Command was stopped: it printed more than 64 MB");
    const path = /all of it is in (\S+)\]/.exec(textOf(result))?.[1] ?? "";
    expect(statSync(join(setup.workspace, path.slice(sandbox.root.length))).size).toBeGreaterThan(60_000_000);
  }, 20_000);

  test("stop ends what runs", async () => {
    const pending = run("bash", { command: "sleep 60 & nohup sleep 60 & sleep 60" });
    for (let tries = 0; setup.driver.running().length === 0 && tries < 300; tries++) await Bun.sleep(10);
    abort.abort();
    expect(textOf(await pending)).toBe("Command aborted");
    expect(setup.driver.running()).toEqual([]);
  });
});
