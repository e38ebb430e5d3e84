// A real host driver over a temporary state folder, for the tests of this folder.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { becomeSubreaper, reap } from "#ffi";
import { createHostDriver, type HostDeps, type HostDriver } from "../../src/sandbox/host/index.ts";
import type { Sandbox, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { systemSpawn } from "../../src/sys/spawn.ts";

/** A state folder as the program lays it out: the workspace inside, two conversations, shared skills. */
export interface HostSetup {
  base: string;
  stateDir: string;
  workspace: string;
  own: string;
  foreign: string;
  deps: HostDeps;
  driver: HostDriver;
  lines: { level: string; message: string; fields?: unknown }[];
  request(change?: Partial<SandboxRequest>): SandboxRequest;
  open(change?: Partial<SandboxRequest>): Promise<Sandbox>;
  close(): Promise<void>;
}

/** Keeps what is logged. */
export function keepingLog(lines: HostSetup["lines"]): Log {
  const keep = (level: string) => (message: string, fields?: unknown) => void lines.push({ level, message, fields });
  const log: Log = {
    trace: keep("trace"),
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
    child: () => log,
  };
  return log;
}

/** Makes everything below a fresh temporary folder. */
export function hostSetup(isolation: HostDeps["isolation"], change: Partial<HostDeps> = {}): HostSetup {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "sandbox-")));
  const stateDir = join(base, "state");
  const workspace = join(stateDir, "workspace");
  const own = join(workspace, "channels/chat/1");
  const foreign = join(workspace, "channels/chat/2");
  for (const folder of [own, foreign, join(workspace, "skills")]) mkdirSync(folder, { recursive: true });
  const lines: HostSetup["lines"] = [];
  const deps: HostDeps = {
    spawn: systemSpawn,
    clock: systemClock,
    log: keepingLog(lines),
    table: processTable(),
    isolation,
    stateDir,
    environment: process.env,
    orphans: { becomeSubreaper, reap },
    ...change,
  };
  const driver = createHostDriver(deps);
  const request = (changed: Partial<SandboxRequest> = {}): SandboxRequest => ({
    agent: "main",
    requester: "owner",
    session: 1,
    workspace,
    writable: [own],
    readable: [join(workspace, "skills")],
    folders: [],
    cwd: own,
    home: join(stateDir, "homes/1"),
    ...changed,
  });
  return {
    base,
    stateDir,
    workspace,
    own,
    foreign,
    deps,
    driver,
    lines,
    request,
    open: (changed) => driver.open(request(changed)),
    close: async () => {
      await driver.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
