// One instance's life as people drive it: start, status, stop, and everything that can be in the way.
import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { acquireLock } from "../../src/sys/lock.ts";
import { isAlive, program, until } from "./program.ts";

setDefaultTimeout(60_000);

test("start, status, a second start, stop", async () => {
  await using run = program();
  const started = await run.call("start");
  expect(started).toMatchObject({ code: 0, err: "" });
  const pid = run.holder();
  expect(started.out).toContain(`process ${pid}`);
  expect(statSync(run.stateDir).mode & 0o777).toBe(0o700);

  const status = await run.call("status");
  expect(status.code).toBe(0);
  for (const word of [`process ${pid}`, "demo/", "sandbox", "terminal", "0 messages"])
    expect(status.out).toContain(word);
  expect(JSON.parse((await run.call("status", "--json")).out)).toMatchObject({ pid, alone: false, demo: true });

  for (const verb of ["start", "run"]) {
    const second = await run.call(verb);
    expect(second.code).toBe(verb === "run" ? 78 : 4);
    expect(second.err).toContain(`process ${pid}`);
  }
  expect(isAlive(pid)).toBe(true);

  const stopped = await run.call("stop");
  expect(stopped.code).toBe(0);
  expect(stopped.out).toContain(`Stopped process ${pid}`);
  await until(() => !isAlive(pid), "It still runs");
});

test("nothing runs: status, stop and logs -f say so with exit code 3, and make nothing", async () => {
  await using run = program();
  for (const args of [["status"], ["stop"], ["logs", "-f"]]) {
    const ended = await run.call(...args);
    expect([args, ended.code]).toEqual([args, 3]);
    expect(`${ended.out}${ended.err}`).toContain("remoteagent start");
  }
  expect(JSON.parse((await run.call("status", "--json")).out)).toMatchObject({ running: false });
  expect((await run.call("logs")).code).toBe(0);
  expect(statSync(run.stateDir, { throwIfNoEntry: false })).toBeUndefined();
});

test("after a kill -9 it starts again over the dead socket, whoever has its number now", async () => {
  await using run = program();
  await run.call("start");
  const first = run.holder();
  process.kill(first, "SIGKILL");
  await until(() => !isAlive(first), "It survived SIGKILL");
  expect(statSync(run.path("remoteagent.sock")).isSocket()).toBe(true);
  expect((await run.call("status")).code).toBe(3);
  // The file now names a process that lives and has nothing to do with us: this one.
  const facts = { pid: process.pid, startedAt: 1, alone: false, version: "x" };
  writeFileSync(run.path("remoteagent.lock"), `${JSON.stringify(facts)}\n`);
  expect((await run.call("status")).code).toBe(3);
  expect((await run.call("stop")).code).toBe(3);
  expect((await run.call("start")).code).toBe(0);
  expect(run.holder()).not.toBe(first);
});

test("stop finds an instance whose socket is gone by its lock", async () => {
  await using run = program();
  await run.call("start");
  const pid = run.holder();
  rmSync(run.path("remoteagent.sock"));
  const status = await run.call("status");
  expect(status.code).toBe(1);
  expect(status.out).toContain(`process ${pid}`);
  expect((await run.call("start")).code).toBe(4);
  const stopped = await run.call("stop");
  expect(stopped).toMatchObject({ code: 0 });
  expect(stopped.err).toContain(`Process ${pid} does not answer`);
  await until(() => !isAlive(pid), "It still runs");
});

test("an instance that refuses to stop is signalled, and the refusal is told", async () => {
  await using run = program();
  const fake = run.openScript(join(import.meta.dirname, "stubborn.ts"), run.stateDir);
  await run.said(fake, "listening");
  const stopped = await run.call("stop");
  expect(stopped.code).toBe(0);
  expect(stopped.err).toContain(`Process ${fake.child.pid} does not stop when asked (Its store is broken)`);
  expect(stopped.out).toContain(`Stopped process ${fake.child.pid} by signal`);
  expect((await fake.ended).code).toBeNull();
});

test("doctor leaves the database to the instance that has it, and takes the lock for its own look", async () => {
  await using run = program();
  await run.call("start");
  const pid = run.holder();
  const beside = await run.call("doctor");
  expect(beside.out).toContain(`Process ${pid} has it open`);
  expect(beside.out).not.toContain("Sound");
  await run.call("stop");
  expect((await run.call("doctor")).out).toContain("Sound");
  // Whoever holds the lock without a socket may be about to open it.
  const lock = acquireLock(run.path("remoteagent.lock"), {
    pid: process.pid,
    startedAt: 1,
    alone: false,
    version: "x",
  });
  expect((await run.call("doctor")).out).toContain(`Process ${process.pid} has it open`);
  if (lock.held) lock.release();
  const json = JSON.parse((await run.call("doctor", "--json")).out) as { area: string; text: string }[];
  expect(json.find(({ area }) => area === "database")?.text).toContain("Sound");
});

test("stop --now ends a turn that hangs, its processes too, and says so", async () => {
  await using run = program();
  await run.call("start");
  const chat = run.open("chat", "--print", "run sleep 1000");
  await until(async () => (await run.call("status")).out.includes("\ncommand "), "The command does not run");
  const { commands } = JSON.parse((await run.call("status", "--json")).out) as { commands: { pid: number }[] };
  expect(commands).toHaveLength(1);
  const stopped = await run.call("stop", "--now");
  expect(stopped.code).toBe(0);
  expect(stopped.out).toContain("Cut off, to go on at the next start: T1");
  expect(stopped.out).toMatch(/Killed:\n(?: {2}\d+ .*\n)* {2}\d+ .*sleep/);
  for (const { pid } of commands) expect(isAlive(pid)).toBe(false);
  chat.child.kill("SIGKILL");
  await chat.ended;
});

test("stop waits for what runs, and says for what", async () => {
  await using run = program();
  await run.call("start");
  const chat = run.open("chat", "--print", "run sleep 3");
  await until(async () => (await run.call("status")).out.includes("sleep 3"), "The turn does not run");
  const stopped = await run.call("stop", "--timeout", "20");
  expect(stopped.code).toBe(0);
  expect(stopped.out).toContain("Finished before: T1");
  expect(stopped.err).toContain("Waiting for T1 in S001");
  chat.child.kill("SIGKILL");
  await chat.ended;
});

test("run ends by SIGTERM, and by a second signal at once", async () => {
  await using run = program();
  const first = run.open("run");
  await run.said(first, "ready");
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);

  const second = run.open("run");
  await run.said(second, "ready");
  const chat = run.open("chat", "--print", "run sleep 1000");
  await until(async () => (await run.call("status")).out.includes("sleep 1000"), "The turn does not run");
  second.child.kill("SIGINT");
  await run.said(second, "SIGINT");
  second.child.kill("SIGINT");
  expect((await second.ended).code).toBe(0);
  chat.child.kill("SIGKILL");
  await chat.ended;
});

test("restart gives a new process in the same workspace, and stops nothing for wrong settings", async () => {
  await using run = program();
  await run.call("start", "work");
  const first = run.holder();
  writeFileSync(run.path("settings.json"), '{ "sandbox": 5 }', { mode: 0o600 });
  expect((await run.call("restart")).code).toBe(2);
  expect(isAlive(first)).toBe(true);
  rmSync(run.path("settings.json"));
  const restarted = await run.call("restart");
  expect(restarted.code).toBe(0);
  expect(run.holder()).not.toBe(first);
  expect(JSON.parse((await run.call("status", "--json")).out)).toMatchObject({ workspace: `${run.home}/work` });
});

test("a terminal chat that works alone hands over to start and goes on there", async () => {
  await using run = program();
  const chat = run.open("chat");
  await until(async () => (await run.call("status")).code === 0, "The chat has no instance");
  const alone = run.holder();
  expect(alone).toBe(chat.child.pid ?? 0);
  expect((await run.call("status")).out).toContain("in a terminal chat");
  const started = await run.call("start");
  expect(started.code).toBe(0);
  expect(started.err).toContain(`process ${alone}`);
  expect(run.holder()).not.toBe(alone);
  chat.child.stdin?.end("run echo over here");
  const ended = await chat.ended;
  expect(ended.code).toBe(0);
  expect(ended.out).toContain("over here");
  expect((await run.call("status")).code).toBe(0);
});

test("what cannot work is refused in one sentence: by run with 78, by start with its own code", async () => {
  const cases: [string, (at: string) => void, number, string[]][] = [
    [
      "wrong settings",
      (at) => writeFileSync(`${at}/settings.json`, '{ "log": { "level": "loud" }, "modle": "x" }', { mode: 0o600 }),
      2,
      ["log.level", '"loud"', "modle", "model"],
    ],
    ["broken settings", (at) => writeFileSync(`${at}/settings.json`, '{ "log": ', { mode: 0o600 }), 2, ["line 1"]],
    ["a corrupt database", (at) => writeFileSync(`${at}/remoteagent.db`, "no database".repeat(500)), 1, ["is damaged"]],
    [
      "a newer database",
      (at) => {
        const db = openDatabase(`${at}/remoteagent.db`);
        db.exec("PRAGMA user_version = 4711");
        db.close();
      },
      1,
      ["4711", "newer"],
    ],
  ];
  for (const [name, prepare, code, words] of cases) {
    await using run = program();
    mkdirSync(run.stateDir, { mode: 0o700 });
    prepare(run.stateDir);
    const started = await run.call("start");
    expect([name, started.code]).toEqual([name, code]);
    for (const word of words) expect(started.err).toContain(word);
    expect(started.err).not.toMatch(/\n\s+at /);
    expect([name, (await run.call("run")).code]).toEqual([name, 78]);
    expect((await run.call("status")).code).toBe(3);
  }
});

test("an unsafe state folder is refused with its mend", async () => {
  await using run = program();
  mkdirSync(run.stateDir, { mode: 0o777 });
  chmodSync(run.stateDir, 0o777);
  const refused = await run.call("run");
  expect(refused.code).toBe(78);
  expect(refused.err).toContain("chmod 0700");
  expect((await run.call("start")).code).toBe(1);
  const fixed = await run.call("doctor", "--fix");
  expect(fixed.out).toContain("mended, mode is 0700 now");
  expect(statSync(run.stateDir).mode & 0o777).toBe(0o700);
  expect((await run.call("start")).code).toBe(0);
});

test("a state folder that is a file, or cannot be made, is refused", async () => {
  await using run = program();
  writeFileSync(`${run.home}/file`, "");
  for (const path of [`${run.home}/file`, `${run.home}/file/below`, "/proc/remoteagent"]) {
    const refused = await run.call("start", "--state-dir", path);
    expect([path, refused.code]).toEqual([path, 1]);
    expect(refused.err).toContain(path);
  }
});
