// What commands on the host can see and do: with bubblewrap only what was bound, and nothing of ours.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { failureOf, finished, outputWith, shell, spawnShell } from "./contract.ts";
import { type HostSetup, hostSetup } from "./host-setup.ts";

const root = process.getuid?.() === 0;

describe("with bubblewrap", () => {
  let setup: HostSetup;
  let sandbox: Sandbox;
  beforeAll(async () => {
    setup = hostSetup("bubblewrap", {
      environment: { ...process.env, SECRET_TOKEN: "hidden", REMOTEAGENT_KEY: "hidden", LANG: "C.UTF-8" },
    });
    writeFileSync(join(setup.foreign, "secret"), "another conversation");
    writeFileSync(join(setup.own, "mine"), "mine");
    writeFileSync(join(setup.workspace, "skills/skill.md"), "skill");
    writeFileSync(join(setup.stateDir, "settings.json"), "{}");
    sandbox = await setup.open();
  });
  afterAll(() => setup.close());
  const out = async (script: string) => (await shell(sandbox, `exec 2>&1; ${script}`)).out;

  test("says so", async () => {
    expect(await setup.driver.check()).toEqual({ works: true, isolation: "bubblewrap" });
    expect(sandbox).toMatchObject({ isolation: "bubblewrap", root: "/workspace", cwd: "/workspace/channels/chat/1" });
  });
  test("only what was bound exists of the workspace", async () => {
    expect(await out("cat mine /workspace/skills/skill.md")).toBe("mineskill");
    expect(await out("ls /workspace/channels/chat")).toBe("1\n");
    expect(await out("cat /workspace/channels/chat/2/secret")).toContain("No such file or directory");
    expect(await out("cat ../2/secret")).toContain("No such file or directory");
    expect(await out("echo x >/workspace/skills/new")).toContain("Read-only file system");
    expect(await out("echo x >/workspace/new")).toContain("Read-only file system");
  });
  test("the state folder, homes and the host's secrets do not exist", async () => {
    for (const path of [setup.stateDir, setup.base, "/root", "/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/sys"]) {
      expect(await out(`ls -d ${path}`)).toContain("No such file or directory");
    }
    expect(await out("ls /home")).toBe("agent\n");
    expect(await failureOf(sandbox.files.read("/etc/shadow", { length: 10 }))).toContain("it does not exist");
    expect(await failureOf(sandbox.files.read(join(setup.stateDir, "settings.json"), { length: 10 }))).toContain(
      "it does not exist",
    );
  });
  test("the environment is clean", async () => {
    const environment = await finished(
      await sandbox.spawn({
        argv: ["env"],
        scope: "turn-1",
        stdin: null,
        env: { BUN_OPTIONS: "x", BUN_BE_BUN: "1", NODE_OPTIONS: "x", LD_PRELOAD: "/workspace/evil.so", FINE: "yes" },
      }),
    );
    const names = environment.out.split("\n").flatMap((line) => line.split("=")[0] || []);
    for (const name of names) {
      expect(name).toMatch(
        /^(PATH|HOME|LANG|LC_\w+|LANGUAGE|TERM|COLORTERM|TMPDIR|TZ|USER|LOGNAME|SHELL|PWD|FINE|REMOTEAGENT_SANDBOX|\w+_proxy|\w+_PROXY)$/,
      );
    }
    expect(environment.out).toContain("FINE=yes");
    // Whoever looks from outside at the command line sees no value either.
    const running = await spawnShell(sandbox, "echo ready; sleep 60", { env: { TOKEN: "very-secret" }, scope: "look" });
    await outputWith(running.stdout, "ready");
    const table = processTable();
    const lines = (await table.list()).map((row) => table.describe(row));
    expect(lines.filter((line) => line.includes("very-secret"))).toEqual([]);
    await sandbox.kill("look");
  });
  test("no process of the host is visible", async () => {
    const names = (await out("cat /proc/[0-9]*/comm")).trim().split("\n");
    expect(names.every((name) => ["bwrap", "sh", "cat"].includes(name))).toBe(true);
    expect(await out(`kill -0 ${process.pid}`)).toMatch(/No such process/);
  });
  test("the kernel's settings and the system cannot be changed", async () => {
    expect(await out("echo x >/proc/sys/kernel/core_pattern")).toMatch(
      /Read-only|Permission denied|Can't create|cannot/,
    );
    expect(await out("touch /usr/x /etc/x /x 2>&1; ls /usr/x /etc/x /x")).not.toMatch(/^\//m);
    expect(await out("mount -t tmpfs none /tmp")).toMatch(/permission denied|must be superuser|not permitted/i);
    expect(await out("grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'")).toBe(
      "NoNewPrivs:1\nSeccomp:2\n",
    );
  });
  test("the filter of kernel calls is at work", async () => {
    const script = `
import ctypes, errno, os, platform, fcntl
libc = ctypes.CDLL(None, use_errno=True)
x64 = platform.machine() == 'x86_64'
def call(name, number, *values):
    ctypes.set_errno(0)
    libc.syscall(number, *values)
    print(name, errno.errorcode.get(ctypes.get_errno(), 'ok'))
call('keyctl', 250 if x64 else 219, 0, -1, 0)
call('bpf', 321 if x64 else 280, 0, 0, 0)
call('perf', 298 if x64 else 241, 0, 0, 0, 0, 0)
call('userfaultfd', 323 if x64 else 282, 0)
call('io_uring', 425, 1, 0)
call('clone3', 435, 0, 0)
call('unshare-user', 272 if x64 else 97, 0x10000000)
call('getpid', 39 if x64 else 172)
a, b = os.openpty()
try:
    fcntl.ioctl(b, 0x5412, b'x'); print('tiocsti ok')
except OSError as e: print('tiocsti', errno.errorcode[e.errno])
`;
    await sandbox.files.write("calls.py", new TextEncoder().encode(script));
    expect((await out("python3 calls.py")).trim().split("\n")).toEqual([
      "keyctl EPERM",
      "bpf EPERM",
      "perf EPERM",
      "userfaultfd EPERM",
      "io_uring ENOSYS",
      "clone3 ENOSYS",
      "unshare-user EPERM",
      "getpid ok",
      "tiocsti EPERM",
    ]);
  });
  test("no set-user-id program can be left behind", async () => {
    const script = `
import os
for name, make in {
  'chmod': lambda: os.chmod('f', 0o4755),
  'fchmod': lambda: os.fchmod(os.open('f', os.O_RDONLY), 0o2755),
  'open': lambda: os.open('g', os.O_CREAT | os.O_WRONLY, 0o4755),
  'mknod': lambda: os.mknod('h', 0o4755),
}.items():
    try: make(); print(name, 'ok')
    except OSError as e: print(name, e.errno)
os.chmod('f', 0o1755); print('sticky')
`;
    await sandbox.files.write("modes.py", new TextEncoder().encode(script));
    expect(await out("touch f; python3 modes.py; ls g h 2>/dev/null; stat -c %a f")).toBe(
      "chmod 1\nfchmod 1\nopen 1\nmknod 1\nsticky\n1755\n",
    );
  });
  test("new files are not writable for others, however the program was started", async () => {
    const before = process.umask(0);
    try {
      expect(await out("umask; touch fresh; stat -c %a fresh")).toBe("0022\n644\n");
    } finally {
      process.umask(before);
    }
  });
  test("programs of every day work", async () => {
    expect(
      await out('python3 -c \'import threading, subprocess; print(subprocess.check_output(["id", "-un"]))\''),
    ).toMatch(/^b'/);
    expect(await out("mktemp && date +%Z >/dev/null && ls -l /proc/self/fd >/dev/null && echo fine")).toContain("fine");
    expect(await out("getent hosts localhost")).toContain("localhost");
  });
  test("what a link of the agent leads to is nowhere", async () => {
    await out("ln -sfn /root away; ln -sfn /workspace/channels/chat/2/secret other");
    expect(await failureOf(sandbox.files.read("other", { length: 10 }))).toContain("it does not exist");
    expect(await failureOf(spawnShell(sandbox, "true", { cwd: "away" }))).toContain("the folder does not exist");
    expect(await failureOf(sandbox.files.write("away/x", new Uint8Array(1)))).toContain("Cannot write");
    expect(existsSync("/root/x")).toBe(false);
  });
  test("a bound folder that became a link is not followed", async () => {
    const change = hostSetup("bubblewrap");
    const scratch = join(change.own, "scratch");
    mkdirSync(scratch);
    const one = await change.open({ writable: [change.own, scratch] });
    expect((await shell(one, "ls -d scratch")).exit).toEqual({ code: 0 });
    renameSync(scratch, `${scratch}-old`);
    symlinkSync(change.foreign, scratch);
    writeFileSync(join(change.foreign, "secret"), "x");
    expect((await shell(one, "cat scratch/secret 2>&1")).out).toContain("No such file or directory");
    expect(change.lines.map(({ message }) => message)).toContain("Folders are not bound: missing, or links");
    await change.close();
  });
  test("1 GB of output leaves memory flat", async () => {
    const before = process.memoryUsage().rss;
    const running = await spawnShell(sandbox, "head -c 1000000000 /dev/zero", { limits: { outputBytes: 2e9 } });
    running.stderr.resume();
    let total = 0;
    let most = 0;
    for await (const chunk of running.stdout) {
      total += (chunk as Buffer).byteLength;
      if (total % 50 === 0) most = Math.max(most, process.memoryUsage().rss);
    }
    expect(total).toBe(1_000_000_000);
    expect(most - before).toBeLessThan(150_000_000);
  }, 30_000);
});

describe("folders of the owner", () => {
  let setup: HostSetup;
  let project: string;
  beforeAll(() => {
    setup = hostSetup("bubblewrap");
    project = join(setup.base, "code/app");
    mkdirSync(project, { recursive: true });
    writeFileSync(join(project, "readme"), "hello");
  });
  afterAll(() => setup.close());

  test("are at their own place, writable or not", async () => {
    const rw = await setup.open({ folders: [{ path: project, access: "rw" }], cwd: project });
    expect(rw.cwd).toBe(project);
    expect((await shell(rw, "cat readme; echo x >new; ls ..")).out).toBe("helloapp\n");
    expect(existsSync(join(project, "new"))).toBe(true);
    const ro = await setup.open({ folders: [{ path: project, access: "ro" }] });
    expect((await shell(ro, `exec 2>&1; cat ${project}/readme; rm ${project}/readme`)).out).toContain("Read-only");
  });
  test("are found by the link that named them", async () => {
    // Not below /tmp, which every sandbox has for itself.
    const base = mkdtempSync("/var/tmp/sandbox-");
    const link = join(base, "link");
    symlinkSync(project, link);
    const sandbox = await setup.open({ folders: [{ path: project, access: "ro", link }], cwd: link });
    expect((await shell(sandbox, `cat ${link}/readme; pwd -P`)).out).toBe(`hello${project}\n`);
    const direct = await setup.open({ folders: [{ path: base, access: "rw" }] });
    expect((await shell(direct, `cd ${base} && ls`)).out).toBe("link\n");
    rmSync(base, { recursive: true });
  });
  test("never show the state folder or what every sandbox has for itself", async () => {
    const refused = (path: string) => failureOf(setup.open({ folders: [{ path, access: "ro" }] }));
    expect(await refused(setup.base)).toContain("it holds the state folder");
    expect(await refused("/")).toContain("it holds the state folder");
    expect(await refused(setup.foreign)).toContain("it is inside the state folder");
    expect(await refused("/proc/sys")).toContain("the sandbox has its own there");
    expect(await refused("code")).toContain("it is not an absolute path");
    expect(await refused(join(project, "readme"))).toContain("it is not a folder that exists");
    symlinkSync(setup.stateDir, join(setup.base, "sly"));
    expect(await refused(join(setup.base, "sly"))).toContain("a link leads elsewhere since it was given");
  });
  test("are never the workspace, around it or in it, wherever that lies", async () => {
    const workspace = join(setup.base, "elsewhere/ws");
    const own = join(workspace, "channels/chat/1");
    mkdirSync(own, { recursive: true });
    const refused = (path: string) =>
      failureOf(setup.open({ workspace, writable: [own], readable: [], cwd: own, folders: [{ path, access: "ro" }] }));
    expect(await refused(join(setup.base, "elsewhere"))).toContain("it holds the workspace");
    expect(await refused(workspace)).toContain("it is inside the workspace");
    expect(await refused(join(workspace, "channels"))).toContain("it is inside the workspace");
  });
  test("that another session swapped for a link are refused", async () => {
    const inner = join(project, "pkg/a");
    mkdirSync(inner, { recursive: true });
    const outer = await setup.open({ folders: [{ path: project, access: "rw" }], cwd: project });
    const open = () => setup.open({ folders: [{ path: inner, access: "rw" }], cwd: inner });
    expect((await shell(await open(), "pwd")).out).toBe(`${inner}\n`);
    const before = await open();
    await shell(outer, "mv pkg/a x; ln -s /etc pkg/a");
    expect(await failureOf(open())).toContain("a link leads elsewhere since it was given");
    expect(await failureOf(shell(before, "cat shadow"))).toContain("Cannot run");
    await shell(outer, "rm pkg/a; mv x pkg/a; mv pkg y; ln -s /etc pkg; mkdir y/a");
    expect(await failureOf(open())).toContain("it is not a folder that exists");
  });
  test("folders of the workspace stay in it", async () => {
    expect(await failureOf(setup.open({ writable: [project] }))).toContain("it is outside the workspace");
    expect(await failureOf(setup.open({ cwd: setup.foreign }))).toContain("it is not bound");
    expect(await failureOf(setup.open({ cwd: join(setup.own, "gone") }))).toContain("it does not exist");
    expect(await failureOf(setup.open({ workspace: join(setup.base, "gone") }))).toContain("it does not exist");
  });
});

describe("without bubblewrap", () => {
  test("auto works without isolation and says what to do", async () => {
    const setup = hostSetup("auto", { bwrapPath: "/no/such/bwrap" });
    expect(await setup.driver.check()).toMatchObject({
      works: true,
      isolation: "none",
      reason: "Bubblewrap is missing",
      hint: expect.stringContaining("bubblewrap"),
    });
    const sandbox = await setup.open();
    expect(sandbox).toMatchObject({ isolation: "none", root: setup.workspace, cwd: setup.own });
    expect((await shell(sandbox, "env")).out).not.toContain("SECRET");
    await setup.close();
  });
  test("isolation bubblewrap refuses to start", async () => {
    const setup = hostSetup("bubblewrap", { bwrapPath: "/no/such/bwrap" });
    expect(await setup.driver.check()).toMatchObject({ works: false, isolation: "none" });
    expect(await failureOf(setup.open())).toBe('Cannot start sandbox "host": bubblewrap is missing');
    await setup.close();
  });
  test("a bubblewrap that fails is told with its own words", async () => {
    const setup = hostSetup("auto", { bwrapPath: "/bin/false" });
    expect(await setup.driver.check()).toMatchObject({
      isolation: "none",
      reason: expect.stringMatching(/^Bubblewrap does not work here/),
    });
    await setup.close();
  });
  test("orphans that end by themselves leave no zombies", async () => {
    const setup = hostSetup("none");
    const sandbox = await setup.open();
    const running = await spawnShell(sandbox, "for n in 1 2 3; do (setsid sleep 0.05 &); done; sleep 0.3");
    expect((await finished(running)).exit).toEqual({ code: 0 });
    await sandbox.kill("turn-1");
    await setup.driver.kill();
    const rows = await processTable().list();
    expect(rows.filter((row) => row.parent === process.pid && row.dead && row.command === "sleep")).toEqual([]);
    await setup.close();
  });
  test("an orphan without a name tag is killed, or told when it may be another command's", async () => {
    const setup = hostSetup("none", { fences: { make: () => undefined, tidy: () => true } });
    const sandbox = await setup.open();
    const hide = (argv: string) =>
      `python3 -c '
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for fd in (0, 1, 2): os.close(fd)
os.execve("/bin/sleep", ["${argv}", "3617"], {})'`;
    const lives = async (name: string) => {
      const table = processTable();
      return (await table.list()).some((row) => !row.dead && table.describe(row) === `${name} 3617`);
    };
    const other = await spawnShell(sandbox, "echo ready; read -r _", { scope: "other", stdin: "pipe" });
    await outputWith(other.stdout, "ready");
    const hiding = await spawnShell(sandbox, `${hide("hidden")}; echo ready; sleep 3600`, { scope: "one" });
    await outputWith(hiding.stdout, "ready");
    while (!(await lives("hidden"))) await setup.deps.clock.sleep(5);
    const { survivors } = await sandbox.kill("one");
    expect(survivors.map(({ command }) => command)).toEqual(["hidden 3617 (perhaps another's)"]);
    expect(await lives("hidden")).toBe(true);
    expect((await sandbox.kill("other")).survivors).toEqual([]);
    expect(await lives("hidden")).toBe(false);
    await setup.close();
  });
  test("leftovers of a killed program are swept", async () => {
    const setup = hostSetup("none");
    const program = `
      import { hostSetup } from "${join(import.meta.dir, "host-setup.ts")}";
      const setup = hostSetup("none", { stateDir: ${JSON.stringify(setup.stateDir)} });
      const sandbox = await setup.driver.open({ ...setup.request(), workspace: ${JSON.stringify(setup.workspace)},
        writable: [], readable: [], cwd: ${JSON.stringify(setup.own)} });
      const running = await sandbox.spawn({ argv: ["sh", "-c", "setsid sleep 3611 & echo ready; wait"], scope: "a", stdin: null });
      for await (const chunk of running.stdout) console.log(String(chunk));
    `;
    const file = join(setup.base, "program.ts");
    writeFileSync(file, program);
    const child = spawn(process.execPath, ["run", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: setup.base },
    });
    await outputWith(child.stdout, "ready");
    const dead = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await dead;
    const proof = await setup.driver.sweep();
    expect(proof.survivors).toEqual([]);
    expect(proof.killed.map(({ command }) => command).join("\n")).toContain("sleep 3611");
    expect(await setup.driver.sweep()).toEqual({ killed: [], survivors: [] });
    await setup.close();
  });
});

describe("when the program is killed", () => {
  test("everything in bubblewrap dies with it", async () => {
    const setup = hostSetup("bubblewrap");
    const file = join(setup.base, "program.ts");
    writeFileSync(
      file,
      `import { hostSetup } from "${join(import.meta.dir, "host-setup.ts")}";
      const sandbox = await hostSetup("bubblewrap").open();
      const running = await sandbox.spawn({ argv: ["sh", "-c", "setsid sleep 3612 & echo ready; wait"], scope: "a", stdin: null });
      for await (const chunk of running.stdout) console.log(String(chunk));`,
    );
    const child = spawn(process.execPath, ["run", file], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: setup.base },
    });
    await outputWith(child.stdout, "ready");
    child.kill("SIGKILL");
    const table = processTable();
    const deadline = performance.now() + 5_000;
    const alive = async () => (await table.list()).some((row) => table.describe(row).includes("sleep 3612"));
    while ((await alive()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await alive()).toBe(false);
    await setup.close();
  });
});

describe.if(root)("as an ordinary user", () => {
  test("bubblewrap works in a user namespace of its own", async () => {
    const setup = hostSetup("none");
    const base = join(setup.base, "plain");
    mkdirSync(base);
    const { program, bundle } = { program: join(base, "program.js"), bundle: join(import.meta.dir, "user-program.ts") };
    const built = await Bun.build({ entrypoints: [bundle], target: "bun", outdir: base, naming: "program.js" });
    expect(built.success).toBe(true);
    const bun = join(base, "bun");
    const done = await new Promise<string>((resolve) => {
      const script = `cp ${process.execPath} ${bun} && chmod -R a+rX ${setup.base} && chown -R nobody ${base} && cd ${base} && exec setpriv --reuid=65534 --regid=65534 --clear-groups ${bun} ${program} ${base}`;
      const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH } });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
      child.once("close", () => resolve(text));
    });
    expect(JSON.parse(done.trim().split("\n").at(-1) ?? "")).toEqual({
      health: { works: true, isolation: "bubblewrap" },
      out: "65534\nNo such file or directory\nRead-only file system\nnamed\n",
      exit: { code: 0 },
      survivors: [],
      killed: { signal: "SIGKILL" },
    });
    await setup.close();
  }, 30_000);
});
