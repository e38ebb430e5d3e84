// The program from source, under the runtime that runs this test: a chat that does work, and an instance's whole life.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import process from "node:process";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { withFolder } from "./folder.ts";

const main = resolve(import.meta.dirname ?? ".", "../../src/main.ts");
const deno = process.versions.deno !== undefined;
const waitMs = 20_000;

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Starts the program with its home and state in `folder`, and nothing of ours in its environment. */
function start(folder: string, args: string[]): ChildProcess {
  const runtime = deno ? ["run", "--allow-all", "--quiet"] : [];
  return spawn(process.execPath, [...runtime, main, ...args], {
    cwd: folder,
    env: {
      HOME: folder,
      PATH: process.env.PATH,
      REMOTEAGENT_STATE_DIR: join(folder, "state"),
      // Deno's own cache must not be a new one for each test.
      ...(process.env.DENO_DIR === undefined ? {} : { DENO_DIR: process.env.DENO_DIR }),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** Waits for the end of a started program, at most `waitMs`. */
async function ended(child: ChildProcess): Promise<Ended> {
  const words = { out: "", err: "" };
  child.stdout?.on("data", (bytes: Uint8Array) => (words.out += new TextDecoder().decode(bytes)));
  child.stderr?.on("data", (bytes: Uint8Array) => (words.err += new TextDecoder().decode(bytes)));
  const late = setTimeout(() => child.kill("SIGKILL"), waitMs);
  await once(child, "close");
  clearTimeout(late);
  return { code: child.exitCode, ...words };
}

async function run(folder: string, args: string[], input = ""): Promise<Ended> {
  const child = start(folder, args);
  child.stdin?.end(input);
  return await ended(child);
}

test("--version answers", () =>
  withFolder(async (folder) => {
    const { code, out } = await run(folder, ["--version"]);
    assert.equal(code, 0);
    assert.match(out, /^remoteagent /i);
  }));

test("a piped chat runs a command with the offline demo model", () =>
  withFolder(async (folder) => {
    const { code, out, err } = await run(folder, ["chat"], "run echo hel''lo\n");
    assert.match(out, /\bhello\b/, err);
    assert.equal(code, 0);
  }));

test("run, status, a second run, stop", () =>
  withFolder(async (folder) => {
    assert.equal((await run(folder, ["status"])).code, 3);
    const instance = start(folder, ["run"]);
    const end = ended(instance);
    try {
      const deadline = Date.now() + waitMs;
      let status = await run(folder, ["status", "--json"]);
      while (status.code !== 0 && Date.now() < deadline) {
        await wait(100);
        status = await run(folder, ["status", "--json"]);
      }
      assert.equal(status.code, 0, status.err);
      assert.equal((JSON.parse(status.out) as { pid: number }).pid, instance.pid);
      const second = await run(folder, ["start"]);
      assert.equal(second.code, 4);
      assert.match(second.err, new RegExp(`\\b${instance.pid}\\b`));
      const stopped = await run(folder, ["stop"]);
      assert.equal(stopped.code, 0, stopped.err);
      assert.equal((await end).code, 0);
      assert.equal((await run(folder, ["status"])).code, 3);
    } finally {
      instance.kill("SIGKILL");
      await end;
    }
  }));
