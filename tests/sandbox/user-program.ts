// Run by isolation.test.ts as an ordinary user: opens a sandbox below the folder given, tries it, prints what it saw.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { text as collectText } from "node:stream/consumers";
import { createHostDriver } from "../../src/sandbox/host/index.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { systemSpawn } from "../../src/sys/spawn.ts";
import { keepingLog } from "./host-setup.ts";

const base = process.argv[2] ?? "";
const workspace = join(base, "state/workspace");
mkdirSync(join(workspace, "own"), { recursive: true });
const driver = createHostDriver({
  spawn: systemSpawn,
  clock: systemClock,
  log: keepingLog([]),
  table: processTable(),
  isolation: "auto",
  stateDir: join(base, "state"),
  environment: {},
});
const health = await driver.check();
const sandbox = await driver.open({
  agent: "main",
  requester: "owner",
  session: 1,
  workspace,
  writable: [join(workspace, "own")],
  readable: [],
  folders: [],
  cwd: join(workspace, "own"),
  home: join(base, "state/home"),
});
const script = `id -u; ls ${base} 2>&1 | sed 's/.*: //'; touch /usr/x 2>&1 | sed 's/.*: //'; echo named >/dev/stdout`;
const running = await sandbox.spawn({
  argv: ["sh", "-c", script],
  scope: "a",
  stdin: null,
});
running.stderr.resume();
const out = await collectText(running.stdout);
const exit = await running.done;
const sleeper = await sandbox.spawn({
  argv: ["sh", "-c", "trap '' TERM; setsid sleep 3613 & sleep 3613"],
  scope: "b",
  stdin: null,
});
await new Promise((resolve) => setTimeout(resolve, 200));
const { survivors } = await sandbox.kill("b");
process.stdout.write(`${JSON.stringify({ health, out, exit, survivors, killed: await sleeper.done })}\n`);
await driver.close();
