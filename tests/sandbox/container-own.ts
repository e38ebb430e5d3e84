// What only the kind `container` has: somebody else's container, in every state that it may be in.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { findEndpoint } from "../../src/sandbox/engine/endpoint.ts";
import { createEngine } from "../../src/sandbox/engine/engine.ts";
import type { Sandbox, SandboxDriver } from "../../src/sandbox/sandbox.ts";
import { failureOf, finished, outputWith, shell, spawnShell } from "./contract.ts";
import { makePlace, type Place } from "./engine-place.ts";
import { bareImage, busyboxImage, type EngineChoice, type RealEngine, until } from "./engine-setup.ts";

/** The tests; each has a container of its own. */
export function containerOwn({ start }: Pick<EngineChoice, "start">): void {
  let engine: RealEngine;
  let place: Place;
  const drivers: SandboxDriver[] = [];
  beforeAll(async () => {
    engine = await start();
    place = makePlace(engine.environment);
  });
  afterAll(async () => {
    for (const driver of drivers) await driver.close();
    await engine.close();
    place.remove();
  });
  const driverOf = async (name: string, kind = "container") => {
    const driver = await place.driver(`${kind}:${name}`);
    drivers.push(driver);
    return driver;
  };
  const opened = async (name: string, options?: Record<string, unknown>): Promise<[Sandbox, SandboxDriver]> => {
    await engine.container(name, options);
    const driver = await driverOf(name);
    return [await driver.open(place.request()), driver];
  };
  const post = (path: string) => engine.api("POST", `/v1.41/containers/${path}`);

  test("says whether it works, and starts nothing for that", async () => {
    expect(await (await driverOf("nobody")).check()).toMatchObject({
      works: false,
      reason: 'Cannot use container "nobody": it does not exist',
    });
    await engine.container("stopped");
    await post("stopped/stop?t=0");
    const driver = await driverOf("stopped", "docker");
    expect(await driver.check()).toEqual({ works: true, isolation: "container" });
    expect((await engine.api("GET", "/v1.41/containers/stopped/json")).body).toMatchObject({
      State: { Running: false },
    });
    const sandbox = await driver.open(place.request());
    expect((await shell(sandbox, "echo up")).out).toBe("up\n");
  });
  test("finds the workspace where the container has it, else starts where the container does", async () => {
    const [mounted] = await opened("mounted", { HostConfig: { Binds: [`${place.workspace}:/work/space`] } });
    expect(mounted).toMatchObject({ root: "/work/space", cwd: "/work/space/channels/chat/1" });
    const [other] = await opened("other", { WorkingDir: "/var/tmp" });
    expect(other).toMatchObject({ root: "/var/tmp", cwd: "/var/tmp" });
  });
  test("paused: nothing starts, a kill claims nothing, and after that all goes on", async () => {
    const [sandbox, driver] = await opened("paused");
    const running = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "frozen" });
    await outputWith(running.stdout, "ready");
    await post("paused/pause");
    expect(await failureOf(shell(sandbox, "true"))).toBe('Cannot use container "paused": it is paused');
    expect(await driver.check()).toMatchObject({ works: false, hint: "docker unpause paused" });
    const proof = await sandbox.kill("frozen");
    expect(proof.survivors.length).toBeGreaterThan(0);
    await post("paused/unpause");
    expect((await shell(sandbox, "echo thawed")).out).toBe("thawed\n");
    expect((await driver.kill()).survivors).toEqual([]);
  }, 60_000);
  test("restarted underneath: what ran is over, and the next command runs in the new life", async () => {
    const [sandbox] = await opened("restarted");
    const running = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "old" });
    await outputWith(running.stdout, "ready");
    await post("restarted/restart?t=0");
    expect((await finished(running)).exit).toEqual({ signal: "SIGKILL" });
    expect(await sandbox.kill("old")).toEqual({ killed: [], survivors: [] });
    expect((await shell(sandbox, "echo again")).out).toBe("again\n");
  });
  test("removed underneath: what ran is dead, and the next command says so", async () => {
    const [sandbox] = await opened("removed");
    const running = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "old" });
    await outputWith(running.stdout, "ready");
    await engine.api("DELETE", "/v1.41/containers/removed?force=true");
    expect((await finished(running)).exit).toEqual({ signal: "SIGKILL" });
    expect((await sandbox.kill("old")).survivors).toEqual([]);
    expect(await failureOf(shell(sandbox, "true"))).toBe('Cannot use container "removed": it does not exist');
  });
  test("an image without a shell is told in one sentence", async () => {
    await engine.container("bare", { Image: bareImage, Cmd: ["/sleep", "3600"] });
    expect(await failureOf((await driverOf("bare")).open(place.request()))).toBe(
      'Cannot run commands in container "bare": it has no shell that stays',
    );
  });
  test("busybox is enough", async () => {
    const [sandbox] = await opened("busy", { Image: busyboxImage });
    const env = { TEXT: "a\nb\\n 'é' $HOME \u0001", PATH: "/bin" };
    expect((await shell(sandbox, 'printf %s "$TEXT"', { env })).out).toBe(env.TEXT);
    const running = await spawnShell(sandbox, "(env -i setsid sleep 3600 &); echo ready; sleep 3600", {
      scope: "tree",
    });
    await outputWith(running.stdout, "ready");
    const proof = await sandbox.kill("tree");
    expect(proof.survivors).toEqual([]);
    expect(proof.killed.length).toBeGreaterThanOrEqual(2);
    await sandbox.files.write("/tmp/x", new TextEncoder().encode("y"));
    expect((await sandbox.files.list("/tmp")).map(({ name }) => name)).toContain("x");
  });
  test("a command that kills everything ends only itself and our shells", async () => {
    const [sandbox] = await opened("suicide");
    const { exit } = await shell(sandbox, "kill -9 -1; sleep 5");
    expect(exit).toEqual({ signal: "SIGKILL" });
    expect((await shell(sandbox, "echo alive")).out).toBe("alive\n");
    expect((await shell(sandbox, "trap 'exit 3' TERM; kill -TERM 0; sleep 1")).exit).toEqual({ code: 3 });
    expect((await shell(sandbox, "echo alive")).out).toBe("alive\n");
  });
  test("values of variables are on no command line, inside or outside", async () => {
    const [sandbox] = await opened("quiet");
    const running = await spawnShell(sandbox, "echo ready; sleep 3600", {
      env: { TOKEN: "very-quiet" },
      scope: "look",
    });
    await outputWith(running.stdout, "ready");
    const { out } = await shell(sandbox, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    expect(out).toContain("sleep 3600");
    expect(out).not.toContain("very-quiet");
    const execs = (await engine.api("GET", "/v1.41/containers/quiet/json")).body as { ExecIDs: string[] | null };
    for (const id of execs.ExecIDs ?? []) {
      expect(JSON.stringify((await engine.api("GET", `/v1.41/exec/${id}/json`)).body)).not.toContain("very-quiet");
    }
    await sandbox.kill("look");
  });
  test("what has become root inside is killed as well", async () => {
    const id = await engine.container("rooted", { User: "1000:1000" });
    const prepare = { Cmd: ["sh", "-c", "cp /usr/bin/python3 /var/tmp/p && chmod 4755 /var/tmp/p"], User: "0" };
    const made = (await engine.api("POST", `/v1.41/containers/${id}/exec`, prepare)).body as { Id: string };
    await engine.api("POST", `/v1.41/exec/${made.Id}/start`, { Detach: true });
    const driver = await driverOf("rooted");
    const sandbox = await driver.open(place.request());
    await until(async () => (await shell(sandbox, "test -u /var/tmp/p && echo yes")).out === "yes\n", "it is prepared");
    const script = `/var/tmp/p -c 'import os, time; os.setuid(0); os.setsid() if os.fork() == 0 else None; print("ready", flush=True); time.sleep(3600)'`;
    const running = await spawnShell(sandbox, `id -u; ${script}`, { scope: "root" });
    expect(await outputWith(running.stdout, "ready\nready")).toContain("1000\n");
    const proof = await sandbox.kill("root");
    expect(proof.survivors).toEqual([]);
    expect(proof.killed.length).toBeGreaterThanOrEqual(2);
  });
  test("no path from inside is opened outside", async () => {
    writeFileSync(join(place.base, "secret"), "of the host");
    const [sandbox] = await opened("inside", { HostConfig: { Binds: [`${place.own}:/work`] }, WorkingDir: "/work" });
    await shell(sandbox, `ln -sfn ${place.base}/secret link; ln -sfn ../../../../../secret up; mkfifo pipe`);
    for (const path of ["link", "up", `${place.base}/secret`, "/work/../../secret"]) {
      expect(await failureOf(sandbox.files.read(path, { length: 10 }))).toContain("it does not exist");
    }
    expect(await failureOf(sandbox.files.read("pipe", { length: 10 }))).toContain("it is not a regular file");
    expect(await failureOf(sandbox.files.write("up/x", new Uint8Array(1)))).toContain("Cannot write");
    expect((await shell(sandbox, "hostname; id -u")).out).not.toContain(hostname());
    const { out } = await shell(sandbox, "env");
    for (const name of Object.keys(process.env)) if (/TOKEN|KEY|BUN_/.test(name)) expect(out).not.toContain(`${name}=`);
  });
  test("a terminal has the size that it is given", async () => {
    const client = createEngine(
      findEndpoint({ environment: engine.environment, readText: () => undefined, exists: () => false }),
    );
    const id = await engine.container("terminal");
    const script = "echo begun; while read -r _; do stty size; done";
    const stream = await client.exec(id, { argv: ["sh", "-c", script], stdin: true, tty: true });
    let text = "";
    stream.read({
      stdout: (bytes) => {
        text += bytes.toString();
        return undefined;
      },
      stderr: () => undefined,
    });
    await until(() => text.includes("begun"), "it runs");
    await client.resize(stream.id, { cols: 101, rows: 17 });
    stream.socket.write("\r");
    await until(() => text.includes("17 101"), "it knows its size");
    stream.socket.destroy();
  });
  test("500 at once, some of them with input", async () => {
    const [sandbox, driver] = await opened("crowd");
    const outs = await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const stdin = index % 50 === 0 ? new TextEncoder().encode(String(index)) : null;
        const argv = stdin === null ? ["echo", String(index)] : ["cat"];
        return (await finished(await sandbox.spawn({ argv, scope: "many", stdin }))).out.trim();
      }),
    );
    expect(outs).toEqual(Array.from({ length: 500 }, (_, index) => String(index)));
    expect(driver.running()).toEqual([]);
  }, 60_000);
  test("a line of 100 MB passes, and memory stays flat", async () => {
    const [sandbox] = await opened("long");
    const before = process.memoryUsage().rss;
    const limits = { outputBytes: 2e8 };
    const running = await spawnShell(sandbox, "head -c 100000000 /dev/zero | tr '\\0' x", { limits });
    running.stderr.resume();
    let total = 0;
    for await (const chunk of running.stdout) total += (chunk as Buffer).byteLength;
    expect(total).toBe(100_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  }, 60_000);
  test("a full disk is told", async () => {
    const [sandbox] = await opened("full", { HostConfig: { Tmpfs: { "/small": "size=64k" } } });
    expect(await failureOf(sandbox.files.write("/small/x", new Uint8Array(1_000_000)))).toBe(
      'Cannot write "/small/x": the disk refused it',
    );
  });
  test("what a crash left behind is swept away by the next start, and nothing else", async () => {
    const [sandbox] = await opened("swept");
    const running = await spawnShell(sandbox, "(setsid sleep 3601 &); echo ready; exec sleep 3602", { scope: "lost" });
    await outputWith(running.stdout, "ready");
    const foreign = makePlace(engine.environment);
    const other = await foreign.driver("container:swept");
    drivers.push(other);
    const keep = await spawnShell(await other.open(foreign.request()), "echo ready; exec sleep 3603", {
      scope: "keep",
    });
    await outputWith(keep.stdout, "ready");
    const next = await place.driver("container:swept");
    drivers.push(next);
    await next.sweep();
    await until(async () => !/360[12]/.test((await shell(sandbox, "cat /proc/[0-9]*/cmdline")).out), "they are gone");
    expect((await shell(sandbox, "cat /proc/[0-9]*/cmdline")).out).toContain("3603");
    foreign.remove();
  });
}
