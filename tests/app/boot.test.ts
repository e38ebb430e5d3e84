// A start that fails at its last step leaves nothing running: what it had begun is cut off before its store closes.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adapterParts } from "../../src/adapters/index.ts";
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { memoryLog, message } from "../gateway/fixture.ts";

const home = mkdtempSync(join(tmpdir(), "remoteagent-boot-"));
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("what had begun when the start failed goes on at the next one", async () => {
  const stateDir = join(home, "state");
  const env = { HOME: home, PATH: process.env.PATH ?? "" };
  const load = () => loadConfig({ flags: { stateDir }, env, parts: adapterParts });
  const { paths } = await load();
  writeFileSync(paths.settings, JSON.stringify({ model: "demo/offline", sandbox: "host" }));
  const before = createStore(openStore(paths.database));
  const { id: session } = before.sessions.create({ agent: "main", at: 1 });
  before.inputs.add(message("hello"), { state: "waiting", session, at: 1 });
  before.close();

  const log = memoryLog();
  const failing = {
    ...log,
    child: () => log,
    info(text: string) {
      if (text === "Started") throw new Error("the last step failed");
    },
  };
  const start = startApp({ config: await load(), alone: true, version: "1", log: failing, clock: systemClock });
  await expect(start).rejects.toThrow("the last step failed");
  // Whatever it left running would meet the closed store now.
  await systemClock.sleep(50);
  expect(log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  const after = createStore(openStore(paths.database));
  // Its turn is stored a moment after the start; where the end came first, the message waits as it did.
  const [turn] = after.turns.list();
  if (turn === undefined) expect(after.inputs.waitingCount(session)).toBe(1);
  else expect(turn).toMatchObject({ state: "interrupted", attempts: 0 });
  after.close();
});
