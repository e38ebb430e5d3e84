// The watchdog is fed by progress: with a real process under a real socket, and with every kind of standstill.
import { expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { feed, statusWords } from "../../src/cli/service/feed.ts";
import type { Clock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { isAlive, until } from "./program.ts";

setDefaultTimeout(60_000);

const main = resolve(import.meta.dirname, "../../src/main.ts");
const preload = join(import.meta.dirname, "hang-on-signal.ts");
const hasPython = process.platform === "linux" && spawnSync("python3", ["--version"]).status === 0;

/** A service manager's ear: each datagram with the moment of its arrival, as JSON lines. */
const receiver = `
import json, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(json.dumps(["listening", 0]), flush=True)
while True:
    print(json.dumps([s.recv(4096).decode(), time.monotonic()]), flush=True)
`;

function listen(home: string) {
  const address = join(home, "notify");
  const child = spawn("python3", ["-u", "-c", receiver, address], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  const messages = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as [string, number]);
  return { address, child, messages, signs: () => messages().filter(([message]) => message === "WATCHDOG=1").length };
}

async function underManager(
  { watchdogMs, pid }: { watchdogMs: number; pid?: string },
  work: (run: ChildProcess, ear: ReturnType<typeof listen>) => Promise<void>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "ra-feed-"));
  const ear = listen(home);
  let run: ChildProcess | undefined;
  try {
    await until(() => ear.messages().length > 0, "The ear does not listen");
    run = spawn(process.execPath, ["--preload", preload, main, "run"], {
      env: {
        PATH: process.env.PATH ?? "",
        HOME: home,
        NOTIFY_SOCKET: ear.address,
        WATCHDOG_USEC: String(watchdogMs * 1000),
        ...(pid === undefined ? {} : { WATCHDOG_PID: pid }),
      },
      stdio: "ignore",
      cwd: home,
    });
    await work(run, ear);
  } finally {
    run?.kill("SIGKILL");
    ear.child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  }
}

test.skipIf(!hasPython)("a loop that hangs feeds no more, though the process lives", () =>
  underManager({ watchdogMs: 300 }, async (run, ear) => {
    await until(() => ear.signs() >= 3, "It feeds nobody");
    const before = ear.messages();
    expect(before[1]?.[0]).toMatch(/^READY=1\nSTATUS=demo\/\S+: idle$/);
    run.kill("SIGUSR2");
    // The signs that were under way have arrived when ten watchdog times have passed without one.
    let last = { signs: ear.signs(), at: performance.now() };
    await until(() => {
      if (ear.signs() !== last.signs) last = { signs: ear.signs(), at: performance.now() };
      return performance.now() - last.at > 3000;
    }, "A hung loop goes on feeding");
    expect(isAlive(run.pid ?? 0)).toBe(true);
  }),
);

test.skipIf(!hasPython)("an orderly end says STOPPING, and the signs come until then", () =>
  underManager({ watchdogMs: 300 }, async (run, ear) => {
    await until(() => ear.signs() >= 1, "It feeds nobody");
    const ended = new Promise((done) => run.once("exit", done));
    run.kill("SIGTERM");
    expect(await ended).toBe(0);
    await until(() => ear.messages().some(([message]) => message.startsWith("STOPPING=1\nSTATUS=")), "No STOPPING");
    expect(ear.messages().findIndex(([message]) => message.startsWith("STOPPING=1"))).toBeGreaterThan(
      ear.messages().findIndex(([message]) => message.startsWith("READY=1")),
    );
  }),
);

test.skipIf(!hasPython)("a watchdog of another process is not fed", () =>
  underManager({ watchdogMs: 300, pid: "1" }, async (run, ear) => {
    await until(() => ear.messages().some(([message]) => message.startsWith("READY=1")), "It is not ready");
    const ended = new Promise((done) => run.once("exit", done));
    run.kill("SIGTERM");
    await ended;
    await until(() => ear.messages().some(([message]) => message.startsWith("STOPPING=1")), "No STOPPING");
    expect(ear.signs()).toBe(0);
  }),
);

/** A feed by hand: each sleep waits for `tick`. */
function played(pulse: () => Promise<void>, { watchdogMs = 30_000 }: { watchdogMs?: number | undefined } = {}) {
  const sent: string[] = [];
  const errors: string[] = [];
  const sleeps: number[] = [];
  let wake: () => void = () => undefined;
  const over = new AbortController();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    random: (count) => new Uint8Array(count),
    sleep(ms) {
      sleeps.push(ms);
      return new Promise((done) => (wake = done));
    },
  };
  const nothing = () => undefined;
  const log: Log = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (message) => errors.push(message),
    child: () => log,
  };
  const notify = {
    ready: nothing,
    stopping: nothing,
    status: (text: string) => sent.push(text),
    watchdog: () => sent.push("alive"),
    watchdogMs,
    present: true,
  };
  const facts = { model: "demo/x", turns: [], waiting: 0 };
  const ended = feed({ notify, clock, log, pulse, status: () => facts }, over.signal);
  const settle = () => new Promise<void>((done) => setImmediate(done));
  return {
    sent,
    errors,
    sleeps,
    settle,
    async tick() {
      wake();
      await settle();
    },
    async end() {
      over.abort();
      wake();
      await ended;
    },
  };
}

test("three signs fit into one watchdog time, and the status is said when it changes", async () => {
  const run = played(async () => undefined);
  await run.settle();
  await run.tick();
  await run.tick();
  await run.end();
  expect(run.sent).toEqual(["alive", "demo/x: idle", "alive", "alive"]);
  expect(run.sleeps).toEqual([10_000, 10_000, 10_000]);
  const quick = played(async () => undefined, { watchdogMs: 900 });
  await quick.settle();
  await quick.end();
  expect(quick.sleeps).toEqual([300]);
});

test("a pulse that never comes back is no sign", async () => {
  const run = played(() => new Promise(() => undefined));
  await run.settle();
  await run.tick();
  expect(run.sent).toEqual([]);
  expect(run.sleeps).toEqual([]);
});

test("a pulse that fails is no sign, is told once, and the next good one is a sign again", async () => {
  let broken = true;
  const run = played(() => (broken ? Promise.reject(new Error("the store is gone")) : Promise.resolve()));
  await run.settle();
  await run.tick();
  await run.tick();
  expect([run.sent, run.errors.length]).toEqual([[], 1]);
  broken = false;
  await run.tick();
  expect(run.sent).toEqual(["alive", "demo/x: idle"]);
  await run.end();
});

test("without a watchdog only the status is said", async () => {
  const run = played(async () => undefined, { watchdogMs: undefined });
  await run.settle();
  await run.end();
  expect(run.sent).toContain("demo/x: idle");
});

test("what a service manager shows", () => {
  const turn = { turn: 1, session: 1, title: "", startedAt: 0, doing: "" };
  const turns = [turn, turn] as never[];
  expect(statusWords({ model: "a/b", turns: [], waiting: 0 })).toBe("a/b: idle");
  expect(statusWords({ model: "a/b", turns: turns.slice(1), waiting: 1 })).toBe("a/b: 1 turn runs, 1 message waits");
  expect(statusWords({ model: "a/b", turns, waiting: 2 })).toBe("a/b: 2 turns run, 2 messages wait");
});
