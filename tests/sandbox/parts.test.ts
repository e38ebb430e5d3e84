// The pure parts of the family: paths, trees, the filter program, environment, and what the check says.
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Failure } from "../../src/core/failure.ts";
import { isWithin } from "../../src/core/folder.ts";
import { limits } from "../../src/core/limits.ts";
import { bubblewrapOptions, optionBytes } from "../../src/sandbox/bubblewrap.ts";
import { createExec } from "../../src/sandbox/exec.ts";
import { findFences } from "../../src/sandbox/host/cgroup.ts";
import { type CheckDeps, checkBubblewrap } from "../../src/sandbox/host/check.ts";
import { commandEnvironment } from "../../src/sandbox/host/environment.ts";
import { openDriver } from "../../src/sandbox/index.ts";
import { type Bind, insidePath, lookInside, toHost, toInside } from "../../src/sandbox/paths.ts";
import { seccompProgram } from "../../src/sandbox/seccomp.ts";
import { descendants, killTree } from "../../src/sandbox/tree.ts";
import { type Clock, systemClock } from "../../src/sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../../src/sys/process-tree.ts";
import type { Spawn } from "../../src/sys/spawn.ts";
import { failureOf } from "./contract.ts";
import { hostSetup, keepingLog } from "./host-setup.ts";

const binds: Bind[] = [
  { host: "/state/ws/a", inside: "/workspace/a", access: "rw" },
  { host: "/state/ws/a/deep", inside: "/workspace/elsewhere", access: "ro" },
  { host: "/home/me/code", inside: "/home/me/code", access: "rw" },
];

describe("paths", () => {
  test("translate both ways by the deepest bind", () => {
    expect(toInside(binds, "/state/ws/a/x/../y")).toBe("/workspace/a/y");
    expect(toInside(binds, "/state/ws/a/deep/z")).toBe("/workspace/elsewhere/z");
    expect(toInside(binds, "/state/ws/a")).toBe("/workspace/a");
    expect(toInside(binds, "/state/ws/ab")).toBeUndefined();
    expect(toInside(binds, "/state/ws/a/../b")).toBeUndefined();
    expect(toHost(binds, "/workspace/elsewhere/z/")).toBe("/state/ws/a/deep/z");
    expect(toHost(binds, "/workspace/a/../../etc")).toBeUndefined();
    expect(toHost(binds, "/home/me/code/x")).toBe("/home/me/code/x");
    expect(toHost([{ host: "/", inside: "/", access: "rw" }], "/etc/x")).toBe("/etc/x");
  });
  test("within means the folder or below it", () => {
    expect(isWithin("/a/b", "/a")).toBe(true);
    expect(isWithin("/a", "/a")).toBe(true);
    expect(isWithin("/ab", "/a")).toBe(false);
    expect(isWithin("/a", "/")).toBe(true);
  });
  test("from a turn become absolute and are checked", () => {
    expect(insidePath("a/../b", "/w")).toBe("/w/a/../b");
    expect(insidePath("-rf", "/")).toBe("/-rf");
    expect(insidePath("/x", "/w")).toBe("/x");
    for (const bad of ["", "a\0b", "é".repeat(3_000)]) expect(() => insidePath(bad, "/w")).toThrow(Failure);
  });
  test("are followed as the inside does", () => {
    const base = mkdtempSync(join(tmpdir(), "paths-"));
    mkdirSync(join(base, "real"));
    writeFileSync(join(base, "real/file"), "");
    symlinkSync("/workspace/real", join(base, "absolute"));
    symlinkSync("../workspace/real/file", join(base, "up"));
    symlinkSync("loop", join(base, "loop"));
    symlinkSync(base, join(base, "outside"));
    const one: Bind[] = [{ host: base, inside: "/workspace", access: "rw" }];
    expect(lookInside(one, "/workspace/absolute/file")).toBe(join(base, "real/file"));
    expect(lookInside(one, "/workspace/up")).toBe(join(base, "real/file"));
    for (const gone of ["/workspace/loop", "/workspace/outside/real", "/workspace/none", "/etc/passwd"]) {
      expect(lookInside(one, gone)).toBeUndefined();
    }
    rmSync(base, { recursive: true });
  });
});

const row = (pid: number, parent: number, dead = false): ProcessRow => ({
  pid,
  parent,
  dead,
  session: pid,
  started: String(pid),
  command: `p${pid}`,
});

/** A machine of rows that obeys signals; `stubborn` ones do not die. */
function playedTable(rows: ProcessRow[], { stubborn = [] as number[], failing = 0 } = {}) {
  const sent: string[] = [];
  let looks = 0;
  const table: ProcessTable = {
    list: async () => {
      looks += 1;
      if (looks <= failing) throw new Error("EMFILE");
      return [...rows];
    },
    find: async (pid) => rows.find((one) => one.pid === pid),
    children: () => undefined,
    memoryBytes: () => 0,
    variable: () => undefined,
    describe: ({ command }) => command,
    send: async ({ pid }, signal) => {
      sent.push(`${signal} ${pid}`);
      const index = rows.findIndex((one) => one.pid === pid);
      if (signal === "SIGKILL" && index >= 0 && !stubborn.includes(pid)) rows.splice(index, 1);
      return true;
    },
  };
  return { table, sent };
}

describe("trees", () => {
  test("are everything below the roots, even with a knot", () => {
    const rows = [row(1, 0), row(2, 1), row(3, 2), row(4, 1), row(5, 9), row(6, 7), row(7, 6)];
    expect(descendants(rows, new Set([2, 6])).map(({ pid }) => pid)).toEqual([2, 6, 3, 7]);
  });
  test("are frozen before they are killed", async () => {
    const { table, sent } = playedTable([row(2, 1), row(3, 2)]);
    const plan = { select: (rows: readonly ProcessRow[]) => [...rows], freeze: true, proofMs: 1_000 };
    expect(await killTree(plan, { table, clock: systemClock })).toEqual({
      killed: [
        { pid: 2, command: "p2" },
        { pid: 3, command: "p3" },
      ],
      survivors: [],
    });
    expect(sent).toEqual(["SIGSTOP 2", "SIGSTOP 3", "SIGKILL 2", "SIGKILL 3"]);
  });
  test("that outlive the proof's time are told", async () => {
    const { table } = playedTable([row(2, 1), row(3, 2)], { stubborn: [3] });
    const plan = { select: (rows: readonly ProcessRow[]) => [...rows], freeze: false, proofMs: 60 };
    expect(await killTree(plan, { table, clock: systemClock })).toEqual({
      killed: [{ pid: 2, command: "p2" }],
      survivors: [{ pid: 3, command: "p3" }],
    });
  });
  test("a look that fails proves nothing", async () => {
    const { table, sent } = playedTable([row(2, 1)], { failing: 3 });
    const plan = { select: (rows: readonly ProcessRow[]) => [...rows], freeze: false, proofMs: 2_000 };
    expect((await killTree(plan, { table, clock: systemClock })).killed).toHaveLength(1);
    expect(sent).toEqual(["SIGKILL 2"]);
  });
});

describe("what an earlier life left", () => {
  /** A machine of processes with markers; `late` ones are there from the second look on. */
  function machine(markers: Record<number, string>, { late = {} }: { late?: Record<number, string> } = {}) {
    const rows = Object.keys(markers).map((pid) => row(Number(pid), 1));
    const { table, sent } = playedTable(rows);
    const asked: number[] = [];
    let looks = 0;
    const pids = () => {
      looks += 1;
      if (looks === 2) for (const pid of Object.keys(late)) rows.push(row(Number(pid), 1));
      return rows.map(({ pid }) => pid);
    };
    const variable = (pid: number) => {
      asked.push(pid);
      return { ...markers, ...late }[pid];
    };
    const deps = { clock: systemClock, log: keepingLog([]), owner: "o", run: "r", reaper: () => undefined };
    const played = { ...table, pids, variable };
    const never = () => Promise.reject(new Failure("sandbox", "Not part of this test"));
    const sweep = (change: { pids?: ProcessTable["pids"] | undefined } = {}) =>
      createExec({ ...deps, table: { ...played, ...change }, spawn: never }).sweep();
    return { sweep, sent, asked };
  }

  test("is nothing, mostly: then each process is looked at once", async () => {
    const { sweep, asked, sent } = machine({ 2: "", 3: "other.run.1", 4: "o.r.1" });
    expect(await sweep()).toEqual({ killed: [], survivors: [] });
    expect(asked).toEqual([2, 3, 4]);
    expect(sent).toEqual([]);
  });
  test("is killed, also what appears during the first look", async () => {
    expect((await machine({ 2: "", 3: "o.before.1" }).sweep()).killed).toEqual([{ pid: 3, command: "p3" }]);
    const { sweep, sent } = machine({ 2: "" }, { late: { 9: "o.before.2" } });
    expect((await sweep()).killed).toEqual([{ pid: 9, command: "p9" }]);
    expect(sent).toContain("SIGKILL 9");
  });
  test("is looked for among the rows where numbers alone are not to be had, or not now", async () => {
    const failing = () => {
      throw new Error("EMFILE");
    };
    for (const pids of [undefined, failing])
      expect((await machine({ 3: "o.before.1" }).sweep({ pids })).killed).toHaveLength(1);
  });
});

describe("a command that is being started", () => {
  const exec = (clock = systemClock) =>
    createExec({
      ...playedTable([]),
      clock,
      log: keepingLog([]),
      spawn: never,
      owner: "o",
      run: "r",
      reaper: () => undefined,
    });
  const never = () => Promise.reject(new Failure("sandbox", "Not part of this test"));
  const command = { argv: ["sleep", "60"], scope: "turn-1", stdin: null };
  /** Time does not pass but for those who wait. */
  const impatient: Clock = { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(1, signal) };

  test("and does not come to an end of that is not said to be dead", async () => {
    const runner = exec(impatient);
    const prepared = Promise.withResolvers<never>();
    const started = runner.start(command, () => prepared.promise);
    const { survivors } = await runner.kill("turn-1");
    expect(survivors).toEqual([{ pid: 0, command: "sleep 60 (still being started)" }]);
    prepared.reject(new Failure("sandbox", "Cannot run it"));
    await started.catch(() => undefined);
    expect(await runner.kill("turn-1")).toEqual({ killed: [], survivors: [] });
  });
  test("is waited for before anything is said", async () => {
    const runner = exec();
    const prepared = Promise.withResolvers<never>();
    const started = runner.start(command, () => prepared.promise);
    let said = false;
    const killing = runner.kill("turn-1").finally(() => {
      said = true;
    });
    await systemClock.sleep(60);
    expect(said).toBe(false);
    prepared.reject(new Failure("sandbox", "Cannot run it"));
    await started.catch(() => undefined);
    expect(await killing).toEqual({ killed: [], survivors: [] });
  });
});

/** Runs a filter on one call, as the kernel would. */
function filtered(program: Uint8Array, call: { arch: number; number: number; args?: number[] }): number {
  const view = new DataView(program.buffer);
  const data: Record<number, number> = { 0: call.number, 4: call.arch };
  for (const [index, value] of (call.args ?? []).entries()) data[16 + index * 8] = value;
  let value = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const code = view.getUint16(at * 8, true);
    const operand = view.getUint32(at * 8 + 4, true);
    if (code === 0x20) value = data[operand] ?? 0;
    else if (code === 0x06) return operand;
    else {
      const holds = code === 0x15 ? value === operand : code === 0x35 ? value >= operand : (value & operand) !== 0;
      at += view.getUint8(at * 8 + (holds ? 2 : 3));
    }
  }
  throw new Error("The program ended without an answer");
}

describe("the filter of kernel calls", () => {
  const allow = 0x7fff0000;
  const eperm = 0x50001;
  const enosys = 0x50026;
  test.each([
    ["x64", 0xc000003e, { read: 0, ioctl: 16, clone: 56, unshare: 272, keyctl: 250, clone3: 435, ptrace: 101 }],
    ["arm64", 0xc00000b7, { read: 63, ioctl: 29, clone: 220, unshare: 97, keyctl: 219, clone3: 435, ptrace: 117 }],
  ] as const)("on %s", (architecture, arch, numbers) => {
    const program = seccompProgram(architecture) ?? new Uint8Array();
    const run = (number: number, ...args: number[]) => filtered(program, { arch, number, args });
    expect(run(numbers.read)).toBe(allow);
    expect(run(numbers.ptrace)).toBe(allow);
    expect(run(numbers.keyctl)).toBe(eperm);
    expect(run(numbers.clone3)).toBe(enosys);
    expect(run(numbers.clone, 0x11)).toBe(allow);
    expect(run(numbers.clone, 0x10000011)).toBe(eperm);
    expect(run(numbers.unshare, 0x20000)).toBe(allow);
    expect(run(numbers.unshare, 0x10000000)).toBe(eperm);
    expect(run(numbers.ioctl, 0, 0x5401)).toBe(allow);
    expect(run(numbers.ioctl, 0, 0x5412)).toBe(eperm);
    expect(run(numbers.ioctl, 0, 0x541c)).toBe(eperm);
    expect(filtered(program, { arch: 0x40000003, number: numbers.read })).toBe(enosys);
  });
  test.each([
    ["x64", 0xc000003e, { openat: 257, fchmod: 91, fchmodat: 268, mknodat: 259 }],
    ["arm64", 0xc00000b7, { openat: 56, fchmod: 52, fchmodat: 53, mknodat: 33 }],
  ] as const)("lets nothing on %s make a set-user-id file", (architecture, arch, numbers) => {
    const program = seccompProgram(architecture) ?? new Uint8Array();
    const run = (number: number, ...args: number[]) => filtered(program, { arch, number, args });
    expect(run(numbers.fchmod, 3, 0o1755)).toBe(allow);
    expect(run(numbers.fchmod, 3, 0o4755)).toBe(eperm);
    expect(run(numbers.fchmodat, 3, 0, 0o2755)).toBe(eperm);
    expect(run(numbers.fchmodat, 3, 0o4755, 0o755)).toBe(allow);
    expect(run(452, 3, 0, 0o4755)).toBe(eperm);
    expect(run(numbers.mknodat, 3, 0, 0o104755)).toBe(eperm);
    expect(run(numbers.openat, 3, 0, 0x41, 0o644)).toBe(allow);
    expect(run(numbers.openat, 3, 0, 0x41, 0o4755)).toBe(eperm);
    expect(run(numbers.openat, 3, 0, 0x400000, 0o6755)).toBe(eperm);
    // Without a file to make, the register holds anything.
    expect(run(numbers.openat, 3, 0, 0, 0xffffffff)).toBe(allow);
    expect(run(437)).toBe(enosys);
    if (architecture !== "x64") return;
    for (const [number, ...args] of [
      [90, 0, 0o4755],
      [85, 0, 0o4755],
      [133, 0, 0o4755],
      [2, 0, 0x41, 0o4755],
    ]) {
      expect(run(number ?? 0, ...args)).toBe(eperm);
    }
  });
  test("refuses the x32 numbers and knows no other architecture", () => {
    expect(filtered(seccompProgram("x64") ?? new Uint8Array(), { arch: 0xc000003e, number: 0x40000000 })).toBe(enosys);
    expect(seccompProgram("riscv64")).toBeUndefined();
  });
});

describe("the environment", () => {
  const sources = { home: "/home/agent", temporary: "/tmp", visible: () => true, request: {}, command: {} };
  test("is an allow-list, then the request's, then the command's", () => {
    const host = { PATH: "/opt/x:/usr/bin:relative", LC_ALL: "C", AWS_SECRET: "x", https_proxy: "http://u:p@proxy" };
    const env = commandEnvironment({
      ...sources,
      host,
      visible: (folder) => folder !== "/opt/x",
      request: { A: "request", B: "request" },
      command: { B: "command", HOME: "/elsewhere", LD_PRELOAD: "evil", BUN_OPTIONS: "evil" },
    });
    expect(env).toEqual({
      LC_ALL: "C",
      TERM: "dumb",
      PATH: "/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin",
      HOME: "/elsewhere",
      TMPDIR: "/tmp",
      A: "request",
      B: "command",
    });
  });
});

describe("bubblewrap's options", () => {
  test("bind parents before what lies in them, and end with a read-only root", () => {
    const options = bubblewrapOptions({
      system: [{ kind: "link", path: "/bin", target: "usr/bin" }],
      binds: [
        { host: "/h/a/b", inside: "/workspace/a/b", access: "ro" },
        { host: "/h/a", inside: "/workspace/a", access: "rw", fd: 7 },
      ],
      procReadOnly: [],
      cwd: "/workspace",
      env: { A: "1" },
      userNamespace: true,
    });
    const text = options.join(" ");
    expect(text).toContain("--bind-fd 7 /workspace/a --ro-bind /h/a/b /workspace/a/b --remount-ro /dev --remount-ro /");
    expect(text).toContain("--unshare-user");
    expect(text).not.toContain("--cap-add");
    expect(new TextDecoder().decode(optionBytes(["--a", "b c"]))).toBe("--a\0b c\0");
  });
});

describe("the check", () => {
  const deps = (files: Record<string, string>, change: Partial<CheckDeps> = {}): CheckDeps => ({
    spawn: async (argv) => {
      throw new Failure("sandbox", `Cannot start ${argv[0]}: no rights`);
    },
    clock: systemClock,
    platform: "linux",
    root: false,
    program: "/bin/sh",
    readText: (path) => files[path],
    ...change,
  });
  const hint = async (files: Record<string, string>, change: Partial<CheckDeps> = {}) => {
    const state = await checkBubblewrap(deps(files, change));
    return state.works ? "" : state.hint;
  };
  test("knows the mend for each distribution and each refusal of the kernel", async () => {
    const missing = { program: "/no/such/bwrap" };
    const release = (text: string) => ({ "/etc/os-release": text });
    expect(await hint(release("NAME=x\nID=debian\n"), missing)).toContain("apt-get install bubblewrap");
    expect(await hint(release('ID=rocky\nID_LIKE="rhel centos fedora"\n'), missing)).toContain("dnf install");
    expect(await hint(release("ID=alpine\n"), missing)).toContain("apk add");
    expect(await hint({}, missing)).toBe("Install the package bubblewrap");
    expect(await hint({ "/proc/sys/kernel/unprivileged_userns_clone": "0\n" })).toContain(
      "unprivileged_userns_clone=1",
    );
    expect(await hint({ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" })).toContain("AppArmor");
    expect(await hint({ "/proc/sys/user/max_user_namespaces": "0\n" })).toContain("max_user_namespaces");
    expect(await hint({ "/.dockerenv": "" })).toContain("Inside a container");
    expect(await hint({})).toContain('"isolation": "none"');
    expect(await checkBubblewrap(deps({}, { platform: "darwin" }))).toMatchObject({
      works: false,
      reason: "bubblewrap exists for Linux only",
    });
  });
});

describe("fences", () => {
  const bounds = { processesMax: 100, memoryBytesMax: 1_000_000 };
  const found = (files: Record<string, string>) =>
    findFences({ log: keepingLog([]), readText: (path) => files[path] }).make("a.b.1", bounds);
  test("count the user's processes where no group can be made", () => {
    expect(found({ "/proc/loadavg": "0.1 0.2 0.3 2/350 4711\n" })?.prefix.at(-1)).toBe("458");
    expect(found({})).toBeUndefined();
  });
  test("are groups below our own, which are removed again", () => {
    const base = mkdtempSync(join(tmpdir(), "groups-"));
    mkdirSync(join(base, "own"));
    const fences = findFences({
      log: keepingLog([]),
      readText: (path) =>
        ({
          "/proc/self/mountinfo": `41 31 0:38 / ${base} rw,relatime - cgroup2 cgroup2 rw\n`,
          "/proc/self/cgroup": "9:cpu:/other\n0::/own\n",
          "/proc/1/comm": "init\n",
        })[path],
    });
    const fence = fences.make("a.b.1", bounds);
    expect(fence?.prefix.at(-1)).toBe(join(base, "own/remoteagent-a.b.1/cgroup.procs"));
    expect(fence?.members()).toEqual([]);
    fence?.remove();
    expect(readdirSync(join(base, "own"))).toEqual([]);
    fences.make("a.b.2", bounds);
    expect(fences.tidy("a.b.")).toBe(true);
    expect(readdirSync(join(base, "own"))).toEqual([]);
    rmSync(base, { recursive: true });
  });
});

test("what scopes ran is forgotten, and of very many it is looked for everywhere", async () => {
  let looks = 0;
  const { table } = playedTable([]);
  const counting: ProcessTable = {
    ...table,
    list: async () => {
      looks += 1;
      return [];
    },
  };
  let contained = true;
  const child = {
    pid: 7,
    stdin: null,
    pipe: () => null,
    exited: Promise.resolve({ code: 0 }),
    kill: () => false,
    unref: () => undefined,
  };
  const runner = createExec({
    table: counting,
    clock: systemClock,
    log: keepingLog([]),
    spawn: async () =>
      ({ ...child, stdout: Readable.from([]), stderr: Readable.from([]) }) as unknown as Awaited<ReturnType<Spawn>>,
    owner: "o",
    run: "r",
    reaper: () => undefined,
  });
  const run = async (scope: string) => {
    const prepare = async () => ({ argv: ["true"], cwd: "/", env: {}, extra: [], contained, release: () => undefined });
    const { done, stdout, stderr } = await runner.start({ argv: ["true"], scope, stdin: null }, prepare);
    stdout.resume();
    stderr.resume();
    await done;
  };
  const looksOf = async (scope: string): Promise<number> => {
    const before = looks;
    await runner.kill(scope);
    return looks - before;
  };
  await run("kept together");
  expect(await looksOf("kept together")).toBe(0);
  contained = false;
  await run("loose");
  expect(await looksOf("loose")).toBeGreaterThan(0);
  expect(await looksOf("loose")).toBe(0);
  for (let n = 0; n < limits.looseScopesMax; n += 1) await run(`many ${n}`);
  expect(await looksOf("loose")).toBe(0);
  await run("one more");
  expect(await looksOf("many 0")).toBeGreaterThan(0);
}, 30_000);

test("the table opens the kinds it has, and names them for any other", async () => {
  const setup = hostSetup("none");
  const driver = await openDriver("host", setup.deps);
  expect(driver.kind).toBe("host");
  await driver.close();
  expect(await failureOf(openDriver("moon:base", setup.deps))).toContain('Cannot use sandbox "moon:base"');
  await setup.close();
});
