// The kind `container` on real engines: the contract suite, and what only this kind has.
import { describe, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDriver } from "../../src/sandbox/index.ts";
import type { SandboxDriver, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { systemSpawn } from "../../src/sys/spawn.ts";
import { type ContractCase, sandboxContract } from "./contract.ts";
import { debianImage, engines, type RealEngine } from "./engine-setup.ts";
import { keepingLog } from "./host-setup.ts";

/** A state folder with a workspace, and a driver for `setting` over a real engine. */
async function place(engine: RealEngine, setting: string) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "container-")));
  const workspace = join(base, "state/workspace");
  const own = join(workspace, "channels/chat/1");
  mkdirSync(own, { recursive: true });
  const driver: SandboxDriver = await openDriver(setting, {
    spawn: systemSpawn,
    clock: systemClock,
    log: keepingLog([]),
    table: processTable(),
    isolation: "auto",
    stateDir: join(base, "state"),
    environment: engine.environment,
  });
  const request: SandboxRequest = {
    agent: "main",
    requester: "owner",
    session: 1,
    workspace,
    writable: [own],
    readable: [],
    folders: [],
    cwd: own,
    home: join(base, "state/homes/1"),
  };
  return { base, workspace, own, driver, request, remove: () => rmSync(base, { recursive: true, force: true }) };
}

for (const { name, missing, start } of engines) {
  if (missing !== undefined) {
    describe(`container on ${name}`, () => test.skip(`left out: ${missing}`, () => undefined));
    continue;
  }
  sandboxContract(`container on ${name}`, async (): Promise<ContractCase> => {
    const engine = await start();
    const setup = await place(engine, "container:contract");
    await engine.container("contract", {
      Image: debianImage,
      HostConfig: { Binds: [`${setup.workspace}:/workspace`] },
    });
    return {
      driver: setup.driver,
      sandbox: await setup.driver.open(setup.request),
      reopen: () => setup.driver.open(setup.request),
      close: async () => {
        await setup.driver.close();
        await engine.close();
        setup.remove();
      },
    };
  });
}
