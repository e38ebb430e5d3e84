// An error that nobody catches: the process ends with a sentence, and the terminal is as it was before.
import { expect, setDefaultTimeout, test } from "bun:test";
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { until } from "./program.ts";

setDefaultTimeout(60_000);

const main = resolve(import.meta.dirname, "../../src/main.ts");
const preload = join(import.meta.dirname, "crash-on-signal.ts");
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
const run = promisify(execFile);

/** A state folder of its own, and who holds its lock. */
function folder() {
  const home = mkdtempSync(join(tmpdir(), "ra-crash-"));
  const state = join(home, "state");
  const lock = join(state, "remoteagent.lock");
  return {
    home,
    log: () => readFileSync(join(state, "logs", "remoteagent.log"), "utf8"),
    env: { PATH: process.env.PATH ?? "", HOME: home, REMOTEAGENT_STATE_DIR: state },
    holder: async (): Promise<number> => {
      await until(() => existsSync(lock) && readFileSync(lock, "utf8").endsWith("\n"), "Nobody took the lock");
      return (JSON.parse(readFileSync(lock, "utf8")) as { pid: number }).pid;
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

test("a chat that is the instance, and run, end with the sentence in stderr and log", async () => {
  const cases: [string, string[]][] = [
    ['"taken"', ["chat", "--json", "run sleep 30"]],
    ["ready", ["run"]],
  ];
  for (const [begun, args] of cases) {
    using place = folder();
    const child = spawn(process.execPath, ["--preload", preload, main, ...args], { env: place.env, cwd: place.home });
    child.stdin.end();
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    const code = new Promise((done) => child.once("close", done));
    await until(() => out.includes(begun), `It does not say ${begun}`);
    child.kill("SIGUSR2");
    expect([args[0], await code]).toEqual([args[0], 1]);
    expect(err).toContain("RemoteAgent ends: an error that nobody caught: a defect\n");
    expect(err).not.toMatch(/\n\s+at /);
    expect(place.log()).toContain("an error that nobody caught");
  }
});

test.skipIf(!hasTmux)("a screen gives its terminal back first", async () => {
  using place = folder();
  const tmux = (...args: string[]) =>
    run("tmux", ["-S", join(place.home, "tmux"), "-f", "/dev/null", ...args], { env: place.env, timeout: 10_000 });
  const shown = async () => (await tmux("capture-pane", "-p", "-S", "-", "-t", "chat")).stdout;
  const see = (part: string) => until(async () => (await shown()).includes(part), `Not seen: ${part}`);
  const command = `'${process.execPath}' --preload '${preload}' '${main}' chat; echo "left with $?"; stty -a; sleep 30`;
  await tmux("new-session", "-d", "-s", "chat", "-x", "100", "-y", "30", command);
  try {
    await see("· demo model");
    await tmux("send-keys", "-t", "chat", "-l", "half a line");
    await see("❯ half a line");
    process.kill(await place.holder(), "SIGUSR2");
    await see("left with 1");
    await see(" icanon");
    const text = await shown();
    expect(text).toMatch(/^RemoteAgent ends: an error that nobody caught: a defect$/m);
    expect(text).not.toContain("half a line");
    expect(text).toMatch(/(?<!-)\becho\b/);
  } finally {
    await tmux("kill-server");
  }
});
