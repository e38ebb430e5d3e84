// A machine that does not do its part: full and read-only disks, clocks that jump, screens that go away.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtProgram } from "../built.ts";
import { createHome, isAlive, until } from "./program.ts";

setDefaultTimeout(90_000);

const isRoot = process.getuid?.() === 0;
const has = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const canMount = isRoot && mountTmpfs();
const hasFaketime = has("faketime", "2030-01-01", "true");
const hasSetpriv = isRoot && has("setpriv", "--reuid=65534", "--clear-groups", "true");
const hasScript = has("script", "--version");
/** Some user who is not root. */
const nobody = 65_534;
const dayMs = 86_400_000;

let program: ReturnType<typeof builtProgram>;
beforeAll(() => {
  program = builtProgram();
});
afterAll(() => program.remove());

/** Tries whether a small file system can be mounted here. */
function mountTmpfs(): boolean {
  const at = mkdtempSync(join(tmpdir(), "ra-mount-"));
  const mounted = has("mount", "-t", "tmpfs", "-o", "size=1m", "none", at);
  if (mounted) spawnSync("umount", [at]);
  rmSync(at, { recursive: true, force: true });
  return mounted;
}

describe.skipIf(!canMount)(`a full disk${canMount ? "" : " (left out: nothing can be mounted here)"}`, () => {
  test("what cannot be stored is refused in one sentence, and all goes on once there is room", async () => {
    const disk = mkdtempSync(join(tmpdir(), "ra-disk-"));
    expect(has("mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", disk)).toBe(true);
    try {
      await using at = createHome({ program: program.path, stateDir: disk });
      await at.up();
      expect((await at.say("before it is full")).code).toBe(0);
      fill(disk);
      const refused = await at.say("run echo while it is full");
      expect(refused.code).toBe(1);
      expect(refused.err).toContain("the disk is full");
      expect(refused.err).not.toMatch(/SQLITE|ENOSPC|\n\s+at /);
      expect((await at.call(["status"])).code).toBe(0);
      rmSync(join(disk, "filler"));
      const after = await at.say("after it was full");
      expect(after).toMatchObject({ code: 0 });
      const texts = at.read((store) => store.messages.search("full").map(({ text }) => text));
      expect(texts).toContain("before it is full");
      expect(texts).toContain("after it was full");
    } finally {
      spawnSync("umount", ["-l", disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  });

  test("a start on a full disk says so", async () => {
    const disk = mkdtempSync(join(tmpdir(), "ra-disk-"));
    expect(has("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", disk)).toBe(true);
    try {
      await using at = createHome({ program: program.path, stateDir: disk });
      fill(disk);
      for (const args of [["start"], ["run"], ["chat", "--print", "hello"]]) {
        const { code, err } = await at.call(args);
        expect({ args, code, err }).not.toMatchObject({ code: 0 });
        expect(err).toMatch(/disk is full|no space/i);
        expect(err).not.toMatch(/\n\s+at /);
      }
    } finally {
      spawnSync("umount", ["-l", disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  });
});

/** Takes all the room that is left. */
function fill(disk: string): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "filler"), Buffer.alloc(Math.max(0, bavail - 1) * bsize));
  let bytes = bsize;
  for (let n = 0; bytes > 0 && n < 100; n += 1) {
    try {
      writeFileSync(join(disk, "filler"), Buffer.alloc(bytes), { flag: "a" });
    } catch {
      bytes = Math.floor(bytes / 2);
    }
  }
}

describe.skipIf(!hasSetpriv)("a state folder that cannot be written", () => {
  const asNobody = ["setpriv", `--reuid=${nobody}`, "--clear-groups"];

  test("is refused in one sentence, by every verb that writes", async () => {
    await using at = createHome({ program: program.path, before: asNobody });
    chmodSync(at.home, 0o755);
    chownSync(at.stateDir, nobody, nobody);
    chmodSync(at.stateDir, 0o500);
    for (const args of [["start"], ["run"], ["chat", "--print", "hello"]]) {
      const { code, err } = await at.call(args);
      expect({ args, code, err }).not.toMatchObject({ code: 0 });
      expect({ args, err }).toMatchObject({ err: expect.stringContaining(at.stateDir) });
      expect(err).not.toMatch(/\n\s+at /);
    }
    chmodSync(at.stateDir, 0o700);
    expect((await at.say("hello")).code).toBe(0);
    chmodSync(join(at.stateDir, "remoteagent.db"), 0o400);
    const { code, err } = await at.say("hello again");
    expect(code).toBe(1);
    expect(err).toMatch(/it is read-only|it cannot be opened/);
    chmodSync(join(at.stateDir, "remoteagent.db"), 0o600);
    expect((await at.say("and again")).code).toBe(0);
  });

  test("of somebody else is refused", async () => {
    await using at = createHome({ program: program.path, before: asNobody });
    chmodSync(at.home, 0o755);
    const { code, err } = await at.say("hello");
    expect(code).not.toBe(0);
    expect(err).toContain(at.stateDir);
  });
});

describe.skipIf(!hasFaketime)(`a clock that jumps${hasFaketime ? "" : " (left out: faketime is missing)"}`, () => {
  test("days ahead and years back while it runs: every turn ends, in its order", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ra-clock-"));
    const stamp = join(folder, "stamp");
    const jump = (days: number) => writeFileSync(stamp, `${days < 0 ? "" : "+"}${days}d`);
    jump(0);
    // The instance alone lives in another time; the one who asks it does not.
    const lying = { FAKETIME_TIMESTAMP_FILE: stamp, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
    await using at = createHome({ program: program.path });
    const instance = at.spawned([
      "env",
      ...Object.entries(lying).map(([name, value]) => `${name}=${value}`),
      `LD_PRELOAD=${faketimeLibrary()}`,
      program.path,
      "run",
    ]);
    await until(
      () => instance.out().includes("ready"),
      () => `${instance.out()}${instance.err()}`,
    );
    try {
      for (const days of [0, 3, -900, 40_000, 0]) {
        jump(days);
        const { code, out, err } = await at.say(`run echo day ${days}`);
        expect({ days, code, err }).toMatchObject({ days, code: 0 });
        expect(out).toContain(`day ${days}`);
        expect((await at.call(["status"])).code).toBe(0);
      }
      instance.child.kill("SIGTERM");
      expect((await instance.ended).code).toBe(0);
      const turns = at.turns();
      expect(turns.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => "done"));
      expect(
        Math.max(...turns.map((turn) => turn.startedAt)) - Math.min(...turns.map((turn) => turn.startedAt)),
      ).toBeGreaterThan(1_000 * dayMs);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Where the preloaded library is, which the program `faketime` sets for its children. */
function faketimeLibrary(): string {
  const shown = spawnSync("faketime", ["2030-01-01", "env"], { encoding: "utf8" }).stdout;
  return /^LD_PRELOAD=(.+)$/m.exec(shown)?.[1]?.split(":").at(-1) ?? "";
}

describe("a screen that goes away", () => {
  test("kill -9 of a chat leaves its turn to the instance, which ends it", async () => {
    await using at = createHome({ program: program.path });
    await at.up();
    const chat = at.start(["chat", "--print", "run touch began; until [ -e go ]; do sleep 0.02; done; echo went on"]);
    await until(
      () => existsSync(join(at.scratch, "began")),
      () => `It does not run: ${chat.err()}`,
    );
    chat.child.kill("SIGKILL");
    await chat.ended;
    writeFileSync(join(at.scratch, "go"), "");
    await until(
      () => at.turns().some(({ state }) => state === "done"),
      () => JSON.stringify(at.turns()),
    );
    expect(at.read((store) => store.messages.search("went on")).length).toBeGreaterThan(0);
  });

  test("kill -9 of a chat that works alone: the next one tells and goes on, and nothing runs twice", async () => {
    await using at = createHome({ program: program.path });
    const chat = at.start(["chat", "--print", "run echo x >> runs; sleep 600"]);
    await until(
      () => existsSync(join(at.scratch, "runs")),
      () => `It does not run: ${chat.err()}`,
    );
    chat.child.kill("SIGKILL");
    await chat.ended;
    await at.up();
    await until(
      () => at.turns().every(({ state }) => state === "done"),
      () => `${JSON.stringify(at.turns())}\n${at.log()}`,
    );
    const events = at.read((store) => store.turns.events(1).map(({ event }) => event));
    expect(events).toContainEqual(
      expect.objectContaining({ type: "notice", text: expect.stringContaining("interrupted") }),
    );
    expect(spawnSync("cat", [join(at.scratch, "runs")], { encoding: "utf8" }).stdout).toBe("x\n");
  });

  test.skipIf(!hasScript)("a terminal that is closed ends its chat, and the instance stays", async () => {
    await using at = createHome({ program: program.path });
    const pid = await at.up();
    const pidFile = join(at.home, "chat.pid");
    const terminal = at.spawned([
      "script",
      "-qfc",
      `stty cols 80 rows 24; echo $$ > ${pidFile}; exec ${program.path} chat`,
      "/dev/null",
    ]);
    await until(
      () => terminal.out().includes("demo model"),
      () => terminal.out(),
    );
    const chat = Number(spawnSync("cat", [pidFile], { encoding: "utf8" }).stdout);
    expect(isAlive(chat)).toBe(true);
    terminal.child.kill("SIGKILL");
    await until(
      () => !isAlive(chat),
      () => "The chat lives on without its terminal",
    );
    expect(isAlive(pid)).toBe(true);
    expect((await at.say("hello")).code).toBe(0);
  });
});
