// The instance lock among real processes: killed holders, readers, replaced files, reused process ids.
import { expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flock } from "#ffi";
import { acquireLock, readHolder } from "../../src/sys/lock.ts";
import { until, withFolder } from "./folder.ts";

const facts = { pid: process.pid, startedAt: 5, alone: false, version: "1.0" };
const program = join(import.meta.dirname, "lock-holder.ts");

/** Starts the helper program and waits for its first word. */
async function start(mode: string, path: string): Promise<{ child: ChildProcess; word: string }> {
  const child = spawn(process.execPath, [program, mode, path], { stdio: ["ignore", "pipe", "inherit"] });
  const word = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (data: Buffer) => resolve(data.toString().trim()));
    child.once("exit", () => reject(new Error("The helper ended at once")));
  });
  return { child, word };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

test("a holder killed with SIGKILL leaves the lock free and the file there", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    const { child, word } = await start("hold", path);
    try {
      expect(word).toBe("held");
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(acquireLock(path, facts)).toMatchObject({ held: false, holder: { pid: child.pid, alone: true } });
      expect(readHolder(path)).toMatchObject({ pid: child.pid, version: "held" });
    } finally {
      await end(child);
    }
    expect(readHolder(path)).toBeUndefined();
    expect(readFileSync(path, "utf8")).toContain('"held"');
    const lock = acquireLock(path, facts);
    expect(lock.held).toBe(true);
    expect(readHolder(path)).toEqual(facts);
    if (lock.held) lock.release();
  }));

test("facts of a process that lives prove nothing: the lock decides (a reused process id)", () =>
  withFolder((folder) => {
    const path = join(folder, "a.lock");
    writeFileSync(path, `${JSON.stringify(facts)}\n`);
    expect(readHolder(path)).toBeUndefined();
    const lock = acquireLock(path, { ...facts, version: "2" });
    expect(lock.held).toBe(true);
    if (lock.held) lock.release();
  }));

test("readers never make a starting process believe that somebody runs", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    writeFileSync(path, "");
    const { child } = await start("look", path);
    try {
      for (let round = 0; round < 300; round++) {
        const lock = acquireLock(path, facts);
        expect(lock.held).toBe(true);
        if (lock.held) lock.release();
      }
    } finally {
      await end(child);
    }
  }));

test("a release gives it back once, and a second does nothing to the next holder", () =>
  withFolder((folder) => {
    const path = join(folder, "a.lock");
    const first = acquireLock(path, facts);
    if (!first.held) throw new Error("not held");
    first.release();
    const second = acquireLock(path, facts);
    first.release();
    expect(readHolder(path)).toEqual(facts);
    if (second.held) second.release();
  }));

test("a lock on a file that was replaced is no lock on the new one", () =>
  withFolder((folder) => {
    const path = join(folder, "a.lock");
    const first = acquireLock(path, facts);
    renameSync(path, join(folder, "moved"));
    const second = acquireLock(path, { ...facts, version: "2" });
    expect(second.held).toBe(true);
    expect(readHolder(path)?.version).toBe("2");
    for (const lock of [first, second]) if (lock.held) lock.release();
  }));

test("a holder without facts is told apart from none", () =>
  withFolder((folder) => {
    const path = join(folder, "a.lock");
    for (const text of ["", "garbage", "[]", '{"pid":-1}', '{"pid":1,"startedAt":"x","alone":false,"version":""}']) {
      writeFileSync(path, text);
      const fd = openSync(path, "r+");
      expect(flock(fd, "exclusive")).toBe(true);
      expect(() => readHolder(path)).toThrow("its holder wrote no facts");
      expect(acquireLock(path, facts)).toEqual({ held: false });
      closeSync(fd);
    }
  }));

test("facts of a dead process under a held lock are given after a moment (another pid namespace)", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    const gone = spawn("true");
    await new Promise((resolve) => gone.once("exit", resolve));
    writeFileSync(path, JSON.stringify({ ...facts, pid: gone.pid }));
    const fd = openSync(path, "r+");
    flock(fd, "exclusive");
    expect(readHolder(path)?.pid).toBe(gone.pid ?? 0);
    closeSync(fd);
  }));

test("a child does not inherit the lock", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a.lock");
    const lock = acquireLock(path, facts);
    const child = spawn("sleep", ["30"], { stdio: "ignore" });
    try {
      if (lock.held) lock.release();
      expect(await until(() => (readHolder(path) === undefined ? true : undefined))).toBe(true);
    } finally {
      await end(child);
    }
  }));

test("a place that cannot be locked is refused with the mend", () =>
  withFolder((folder) => {
    expect(() => acquireLock(join(folder, "no/a.lock"), facts)).toThrow(/Cannot use lock ".*": ENOENT/);
    expect(readHolder(join(folder, "no/a.lock"))).toBeUndefined();
    symlinkSync(join(folder, "elsewhere"), join(folder, "link"));
    expect(() => acquireLock(join(folder, "link"), facts)).toThrow("ELOOP");
  }));
