// Plan mode: the agent has what changes nothing, and is told what is wanted of it.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSettingBook } from "../../src/gateway/turns/setting.ts";
import type { Sandbox, SandboxDriver } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createTools } from "../../src/tools/index.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { sessionRow, turnRow } from "../rows.ts";
import { memoryLog } from "./fixture.ts";

test("tools with effects are withheld until it is off, and the prompt says so", async () => {
  const root = mkdtempSync(join(tmpdir(), "remoteagent-plan-"));
  try {
    const layout = createLayout(join(root, "workspace"));
    await layout.prepare();
    const health = { isolation: "bubblewrap", works: true } as const;
    const driver: Pick<SandboxDriver, "check"> = { check: async () => health };
    const book = createSettingBook({
      layout,
      sandboxes: join(root, "sandboxes"),
      agent: () => ({}),
      driver: driver as SandboxDriver,
      isolationWaived: false,
      health: () => health,
      facts: { get: () => undefined, set: () => undefined },
      tools: createTools({ clock: systemClock }),
      timeZone: "UTC",
      log: memoryLog(),
      now: () => 1,
      isLocal: () => false,
    });
    const sandbox = { kind: "host", root: "/workspace", cwd: "/workspace", isolation: "bubblewrap" } as Sandbox;
    const planned = await book.of(turnRow(), sessionRow({ options: { plan: { steps: 3 } } }));
    expect(planned.tools.map(({ name }) => name).sort()).toEqual(["attach", "read"]);
    const prompt = await planned.system(sandbox);
    expect(prompt).toContain("answer with a plan of 3 steps");
    expect(prompt).not.toContain("bash");
    const working = await book.of(turnRow(), sessionRow());
    expect(working.tools.length).toBeGreaterThan(planned.tools.length);
    expect(await working.system(sandbox)).not.toContain("Plan mode");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
