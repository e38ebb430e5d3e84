// A workspace and a driver over a real engine, for the tests of the kinds container and image.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDriver } from "../../src/sandbox/index.ts";
import type { SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { systemSpawn } from "../../src/sys/spawn.ts";
import { type HostSetup, keepingLog } from "./host-setup.ts";

/** One state folder. Drivers over it share nothing but what is on the disk and in the engine. */
export type Place = ReturnType<typeof makePlace>;

/** Makes everything below a fresh temporary folder. */
export function makePlace(environment: Readonly<Record<string, string | undefined>>) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "place-")));
  const stateDir = join(base, "state");
  const workspace = join(stateDir, "workspace");
  const own = join(workspace, "channels/chat/1");
  const foreign = join(workspace, "channels/chat/2");
  for (const folder of [own, foreign, join(workspace, "skills")]) mkdirSync(folder, { recursive: true });
  const lines: HostSetup["lines"] = [];
  return {
    base,
    stateDir,
    workspace,
    own,
    foreign,
    lines,
    driver: (setting: string) =>
      openDriver(setting, {
        spawn: systemSpawn,
        clock: systemClock,
        log: keepingLog(lines),
        table: processTable(),
        isolation: "auto",
        stateDir,
        environment,
      }),
    request: (change: Partial<SandboxRequest> = {}): SandboxRequest => ({
      agent: "main",
      requester: "owner",
      session: 1,
      workspace,
      writable: [own],
      readable: [join(workspace, "skills")],
      folders: [],
      cwd: own,
      home: join(stateDir, "homes/1"),
      ...change,
    }),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}
