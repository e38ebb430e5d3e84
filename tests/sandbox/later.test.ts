// A sandbox that opens with its first command.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openLater } from "../../src/sandbox/later.ts";
import type { Sandbox, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { failureOf, finished, shell, spawnShell } from "./contract.ts";
import { type HostSetup, hostSetup } from "./host-setup.ts";

describe("a turn's sandbox", () => {
  let setup: HostSetup;
  beforeAll(() => {
    setup = hostSetup("bubblewrap");
  });
  afterAll(() => setup.close());
  const open = (changed: Partial<SandboxRequest> = {}): Promise<Sandbox> =>
    openLater(setup.driver, setup.request(changed));

  test("looks as it will, and makes nothing before the first command", async () => {
    const home = join(setup.stateDir, "homes/later");
    let prepared = 0;
    const prepare = async () => {
      prepared += 1;
    };
    const sandbox = await open({ home, prepare });
    const strict = await setup.open();
    for (const name of ["kind", "root", "cwd", "generation", "isolation"] as const)
      expect(sandbox[name]).toBe(strict[name]);
    expect([prepared, existsSync(home)]).toEqual([0, false]);
    expect((await shell(sandbox, "pwd; echo $HOME")).out).toBe(`${sandbox.cwd}\n/home/agent\n`);
    expect((await shell(sandbox, "pwd")).out).toBe(`${sandbox.cwd}\n`);
    expect([prepared, existsSync(home)]).toEqual([1, true]);
    await sandbox.close();
  });
  test("of a guest begins at home", async () => {
    const home = join(setup.stateDir, "homes/guest");
    const sandbox = await open({ home, writable: [], cwd: join(home, "home") });
    expect((await shell(sandbox, "pwd")).out).toBe(`${sandbox.cwd}\n`);
    await sandbox.close();
  });
  test("refuses with its first command what it would have refused at once, until it is mended", async () => {
    const gone = join(setup.own, "gone");
    const sandbox = await open({ cwd: gone });
    expect(await failureOf(shell(sandbox, "true"))).toContain("it does not exist");
    expect(await failureOf(sandbox.files.list("."))).toContain("it does not exist");
    mkdirSync(gone);
    expect((await shell(sandbox, "pwd")).out).toBe(`${sandbox.cwd}\n`);
    const outside = await open({ writable: [setup.base] });
    expect(await failureOf(shell(outside, "true"))).toContain("it is outside the workspace");
    await Promise.all([sandbox.close(), outside.close()]);
  });
  test("runs nothing once it is closed, opened or not", async () => {
    const fresh = await open();
    await fresh.close();
    expect(await failureOf(shell(fresh, "true"))).toBe("Cannot use the sandbox: it is closed");
    const used = await open();
    const begun = shell(used, "true");
    await used.close();
    const ended = await begun.then(
      ({ exit }) => JSON.stringify(exit),
      (error: Error) => error.message,
    );
    expect(['{"code":0}', "Cannot use the sandbox: it is closed"]).toContain(ended);
    expect(await failureOf(shell(used, "true"))).toBe("Cannot use the sandbox: it is closed");
  });
  test("kills what it started, and what an earlier start of its turn left", async () => {
    const before = await open();
    const running = await spawnShell(before, "sleep 60");
    const again = await open();
    expect((await again.kill("turn-1")).survivors).toEqual([]);
    expect((await finished(running)).exit).not.toEqual({ code: 0 });
    await Promise.all([before.close(), again.close()]);
  });
});

test("without isolation its paths are known by opening it", async () => {
  const setup = hostSetup("none");
  const sandbox = await openLater(setup.driver, setup.request());
  expect(sandbox).toMatchObject({ isolation: "none", root: setup.workspace, cwd: setup.own });
  expect(await failureOf(openLater(setup.driver, setup.request({ cwd: "/no/such/folder" })))).toContain(
    "does not exist",
  );
  await setup.close();
});

test("where isolation is demanded and does not work none is opened", async () => {
  const setup = hostSetup("bubblewrap", { bwrapPath: "/no/such/bwrap" });
  const opened = failureOf(openLater(setup.driver, setup.request()));
  expect(await opened).toBe('Cannot start sandbox "host": bubblewrap is missing');
  await setup.close();
});
