// What only the kind `image` has: what separates its containers, and how they come and go.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createImageDriver } from "../../src/sandbox/image/index.ts";
import type { Sandbox, SandboxDriver, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { failureOf, finished, outputWith, shell, spawnShell } from "./contract.ts";
import { makePlace, type Place } from "./engine-place.ts";
import { bareImage, debianImage, type EngineChoice, type RealEngine, until } from "./engine-setup.ts";
import { keepingLog } from "./host-setup.ts";

interface Row {
  Id: string;
  State: string;
  Names: string[];
}

/** The tests, over one engine. */
export function imageOwn({ start }: Pick<EngineChoice, "start">): void {
  let engine: RealEngine;
  let place: Place;
  let driver: SandboxDriver;
  const drivers: SandboxDriver[] = [];
  beforeAll(async () => {
    engine = await start();
    place = makePlace(engine.environment);
    writeFileSync(join(place.foreign, "secret"), "another conversation");
    writeFileSync(join(place.workspace, "skills/skill.md"), "skill");
    driver = await driverOf();
  });
  afterAll(async () => {
    for (const one of drivers) await one.close();
    await engine.close();
    place.remove();
  });
  const driverOf = async (image = debianImage) => {
    const made = await place.driver(`image:${image}`);
    drivers.push(made);
    return made;
  };
  const open = (change: Partial<SandboxRequest> = {}) => driver.open(place.request(change));
  const all = async () => (await engine.api("GET", "/v1.41/containers/json?all=true")).body as Row[];
  const running = async () => (await all()).filter(({ State }) => State === "running");
  const out = async (sandbox: Sandbox, script: string) => (await shell(sandbox, `exec 2>&1; ${script}`)).out;
  const home = (name: string) => join(place.stateDir, "homes", name);

  test("says what it is before it is there, and needs no container for that", async () => {
    expect(await driver.check()).toEqual({ works: true, isolation: "container" });
    expect(await driver.whereabouts?.(place.request())).toMatchObject({ cwd: "/workspace/channels/chat/1" });
    expect(await (await driverOf("localhost/no-such-image")).check()).toMatchObject({
      works: true,
      reason: expect.stringContaining("is not here yet"),
    });
    expect(await all()).toEqual([]);
  });
  test("an image that cannot be had, and one without a shell, are told", async () => {
    expect(await failureOf((await driverOf("localhost:1/no-such-image")).open(place.request()))).toContain(
      'Cannot get image "localhost:1/no-such-image"',
    );
    expect(await failureOf((await driverOf(bareImage)).open(place.request()))).toBe(
      `Cannot use image "${bareImage}": it has no shell that stays`,
    );
    expect(await all()).toEqual([]);
  });
  test("only what was bound exists of the host", async () => {
    const sandbox = await open();
    expect(sandbox).toMatchObject({ isolation: "container", root: "/workspace", cwd: "/workspace/channels/chat/1" });
    expect(await out(sandbox, "cat /workspace/skills/skill.md; ls /workspace/channels/chat")).toBe("skill1\n");
    expect(await out(sandbox, "cat ../2/secret")).toContain("No such file");
    expect(await out(sandbox, "echo x >/workspace/skills/new")).toContain("Read-only file system");
    expect(await out(sandbox, "echo x >/workspace/new")).toMatch(/Read-only file system|Permission denied/);
    for (const path of [place.stateDir, place.base, "/var/run/docker.sock", "/run/podman"]) {
      expect(await out(sandbox, `ls -d ${path}`)).toContain("No such file");
    }
    expect(await failureOf(sandbox.files.read(join(place.foreign, "secret"), { length: 10 }))).toContain(
      "does not exist",
    );
    await sandbox.close();
  });
  test("what a link of the agent leads to is nowhere", async () => {
    const sandbox = await open();
    await out(sandbox, `ln -sfn ${place.foreign}/secret away; ln -sfn /workspace/channels/chat/2/secret other`);
    for (const path of ["away", "other"]) {
      expect(await failureOf(sandbox.files.read(path, { length: 10 }))).toContain("it does not exist");
    }
    await sandbox.close();
  });
  test("no rights, no new ones, and a root that cannot be written", async () => {
    const sandbox = await open();
    expect(await out(sandbox, "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'")).toBe(
      "CapBnd:0000000000000000\nCapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n".replace(
        "CapBnd:0000000000000000\nCapEff:0000000000000000",
        "CapEff:0000000000000000\nCapBnd:0000000000000000",
      ),
    );
    expect(await out(sandbox, "touch /usr/x /etc/x /x; ls /usr/x /etc/x /x")).not.toMatch(/^\//m);
    expect(await out(sandbox, 'touch /run/x /var/tmp/x /tmp/x "$HOME/x" && echo fine')).toBe("fine\n");
    await sandbox.close();
  });
  test("ways out of a container are closed", async () => {
    const sandbox = await open();
    const refused = /denied|not permitted|Read-only|must be superuser|No such|cannot|failed|not found/i;
    for (const script of [
      "mount -t tmpfs none /mnt",
      "mount --bind / /mnt",
      "mknod disk b 8 0",
      "unshare -r true",
      "chroot / true",
      "echo 1 >/proc/sys/kernel/core_pattern",
      "echo b >/proc/sysrq-trigger",
      "echo x >/sys/fs/cgroup/release_agent || echo x >/sys/fs/cgroup/memory/release_agent",
      "cat /dev/mem || cat /dev/sda || cat /dev/vda",
      '[ "$(head -c 10 /proc/kcore | wc -c)" = 10 ] || { echo denied; false; }',
      "nsenter -t 1 -m true",
      "chown 1:1 /workspace/channels/chat/1",
      "dmesg",
    ]) {
      const result = await shell(sandbox, `exec 2>&1; ${script}`);
      expect(`${script}: ${result.out}`).toMatch(refused);
      expect({ script, exit: result.exit }).not.toEqual({ script, exit: { code: 0 } });
    }
    const python = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, number in (("keyctl", 250), ("bpf", 321), ("userfaultfd", 323), ("ptrace-1", 101)):
    ctypes.set_errno(0)
    code = libc.syscall(number, 16, 1, 0, 0)
    print(name, "refused" if code < 0 else "ok")
`;
    await sandbox.files.write("calls.py", new TextEncoder().encode(python));
    if (process.arch === "x64" && (await out(sandbox, "python3 -c 'import ctypes'")) === "") {
      expect(await out(sandbox, "python3 calls.py")).not.toContain("ok");
    }
    await sandbox.close();
  });
  test("a set-user-id program gives nothing", async () => {
    const sandbox = await open();
    const result = await out(sandbox, "cp /bin/sh sh; chmod 4755 sh; ./sh -c 'grep ^CapEff /proc/self/status'");
    expect(result).toContain("0000000000000000");
    await sandbox.close();
  });
  test("bounds and network are the engine's, one network for each container", async () => {
    const one = await open();
    const two = await open({ home: home("2"), writable: [place.foreign], cwd: place.foreign });
    const [first, second] = await running();
    const inspected = (await engine.api("GET", `/v1.41/containers/${first?.Id}/json`)).body as {
      HostConfig: Record<string, unknown>;
    };
    expect(inspected.HostConfig).toMatchObject({ ReadonlyRootfs: true, PidsLimit: 2048, Memory: 4 * 1024 ** 3 });
    expect(first?.Id).not.toBe(second?.Id);
    const address =
      (await out(one, "hostname -i 2>/dev/null || awk 'END{print $1}' /etc/hosts")).trim().split(/\s/)[0] ?? "";
    const server = `python3 -c 'import socket
s = socket.socket(); s.bind(("0.0.0.0", 7777)); s.listen(); print("ready", flush=True); s.accept(); print("reached")'`;
    const listening = await spawnShell(one, server, { scope: "listen" });
    await outputWith(listening.stdout, "ready");
    const client = `python3 -c 'import socket
s = socket.socket(); s.settimeout(2)
print(s.connect_ex(("${address}", 7777)))'`;
    expect((await out(one, "true")) + (await out(two, client))).not.toBe("0\n");
    await one.kill("listen");
    await one.close();
    await two.close();
  });
  test("turns with the same wishes share a container; another person's secrets never do", async () => {
    const [one, two, other] = [await open(), await open(), await open({ env: { TOKEN: "t" }, requester: "guest" })];
    await out(one, "echo shared >/run/mark");
    expect(await out(two, "cat /run/mark")).toBe("shared\n");
    expect(await out(other, 'cat /run/mark; echo "$TOKEN"')).toMatch(/No such file.*\nt\n/);
    for (const sandbox of [one, two, other]) await sandbox.close();
  });
  test("what folders change gets a new container, and the unused old one goes", async () => {
    const before = (await all()).length;
    const project = join(place.base, "project");
    mkdirSync(project, { recursive: true });
    const request = { home: home("drift") };
    const plain = await open(request);
    const withFolder = await open({ ...request, folders: [{ path: project, access: "rw" }], cwd: project });
    expect(withFolder.cwd).toBe(project);
    expect(await out(withFolder, "echo made >here; cat here")).toBe("made\n");
    expect((await all()).length).toBe(before + 2);
    await plain.close();
    await withFolder.close();
    const next = await open({ ...request, folders: [{ path: project, access: "ro" }], cwd: project });
    expect(await out(next, "rm here")).toContain("Read-only");
    expect((await all()).length).toBe(before + 1);
    await next.close();
  });
  test("a bound folder that became a link is refused", async () => {
    const outer = join(place.base, "outer");
    const inner = join(outer, "inner");
    mkdirSync(inner, { recursive: true });
    const grant = { home: home("link"), folders: [{ path: inner, access: "rw" as const }] };
    const sandbox = await open(grant);
    await sandbox.close();
    for (const { Id } of await running()) await engine.api("POST", `/v1.41/containers/${Id}/stop?t=0`);
    renameSync(inner, join(outer, "moved"));
    symlinkSync("/etc", inner);
    expect(await failureOf(open(grant))).toContain("a link leads elsewhere since it was given");
    const again = sandbox.cwd;
    expect(again).toBe("/workspace/channels/chat/1");
    rmSync(inner);
  });
  test("an orphan without any sign is found when its command is alone", async () => {
    const sandbox = await open({ home: home("orphan") });
    const script =
      "(ulimit -x 5 2>/dev/null || ulimit -w 5; env -i setsid sh -c 'sleep 3605 & exit' >/dev/null 2>&1 &); sleep 0.5; echo ready; sleep 3606";
    const command = await spawnShell(sandbox, script, { scope: "sly" });
    await outputWith(command.stdout, "ready");
    const proof = await sandbox.kill("sly");
    expect(proof.survivors).toEqual([]);
    expect(proof.killed.map(({ command: line }) => line)).toContain("sleep 3605");
    expect(await out(sandbox, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).not.toContain("sleep 3605");
    await sandbox.close();
  });
  test("paused underneath: a stop removes the container, and the next command has a new one", async () => {
    const sandbox = await open({ home: home("paused") });
    const command = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "frozen" });
    await outputWith(command.stdout, "ready");
    const before = sandbox.generation;
    const names = (await engine.api("GET", `/v1.41/containers/json`)).body as Row[];
    for (const { Id } of names) await engine.api("POST", `/v1.41/containers/${Id}/pause`);
    expect((await sandbox.kill("frozen")).survivors).toEqual([]);
    expect((await finished(command)).exit).toEqual({ signal: "SIGKILL" });
    for (const { Id } of names) await engine.api("POST", `/v1.41/containers/${Id}/unpause`);
    expect(await out(sandbox, "echo new")).toBe("new\n");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const next = await open({ home: home("paused") });
    expect(next.generation).toBeGreaterThanOrEqual(before);
    await sandbox.close();
    await next.close();
  }, 60_000);
  test("nobody uses it: it stops, and the next turn starts it afresh", async () => {
    const quick = createImageDriver({
      clock: systemClock,
      log: keepingLog([]),
      stateDir: place.stateDir,
      environment: engine.environment,
      name: debianImage,
      idleMs: 300,
    });
    drivers.push(quick);
    const request = place.request({ home: home("idle") });
    const sandbox = await quick.open(request);
    const background = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "session-1" });
    await outputWith(background.stdout, "ready");
    const count = (await running()).length;
    await sandbox.close();
    await new Promise((resolve) => setTimeout(resolve, 700));
    // What a session left running in the background keeps it up.
    expect((await running()).length).toBe(count);
    expect((await quick.kill("session-1")).survivors).toEqual([]);
    await until(async () => (await running()).length === count - 1, "it has stopped");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const next = await quick.open(request);
    expect(next.generation).toBeGreaterThan(sandbox.generation);
    expect((await shell(next, "echo again")).out).toBe("again\n");
    await next.close();
  }, 60_000);
  test("the next start of the program finds what the last one left, and brings order", async () => {
    const kept = place.request({ home: home("kept") });
    const gone = place.request({ home: home("gone") });
    const lost = await driverOf();
    const [one, two] = [await lost.open(kept), await lost.open(gone)];
    const command = await spawnShell(one, "echo ready; sleep 3600", { scope: "lost" });
    await outputWith(command.stdout, "ready");
    expect(two.kind).toBe("image");
    rmSync(gone.home, { recursive: true });
    const foreign = (await engine.container("somebody-elses")) !== "";
    const next = await place.driver(`image:${debianImage}`);
    drivers.push(next);
    await next.sweep();
    const left = await running();
    expect(left.map(({ Names }) => Names.join())).toEqual(foreign ? [expect.stringContaining("somebody-elses")] : []);
    const homes = (await all()).length;
    const fresh = await next.open(kept);
    expect((await all()).length).toBe(homes);
    expect((await shell(fresh, "cat /proc/[0-9]*/cmdline")).out).not.toContain("3600");
    await fresh.close();
  }, 60_000);
  test("files belong to the workspace's owner, whoever runs the program", async () => {
    const theirs = makePlace(engine.environment);
    for (const folder of [theirs.workspace, theirs.own]) chownSync(folder, 1234, 1235);
    const made = await theirs.driver(`image:${debianImage}`);
    const sandbox = await made.open(theirs.request());
    expect(await out(sandbox, 'id -u; id -g; echo x >mine; touch "$HOME/mine" /tmp/mine; ls /root')).toMatch(
      /^1234\n1235\nls: /,
    );
    await sandbox.files.write("written", new TextEncoder().encode("y"));
    for (const name of ["mine", "written"]) {
      const { uid, gid } = statSync(join(theirs.own, name));
      expect({ uid, gid }).toEqual({ uid: 1234, gid: 1235 });
    }
    expect(existsSync(join(theirs.request().home, "home/mine"))).toBe(true);
    await made.close();
    theirs.remove();
  });
}
