// Plan mode: the agent has what changes nothing, and is told what is wanted of it.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Session, SessionOptions, TurnRow } from "../../src/core/session.ts";
import { noUsage } from "../../src/core/usage.ts";
import { createSettingBook } from "../../src/gateway/turns/setting.ts";
import type { Sandbox, SandboxDriver } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createTools } from "../../src/tools/index.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { memoryLog } from "./fixture.ts";

const row: TurnRow = {
  id: 1,
  session: 1,
  agent: "main",
  requester: { id: "1", name: "ann" },
  replyTo: { adapter: "tg", conversation: { id: "1", kind: "direct" } },
  state: "running",
  attempts: 1,
  startedAt: 1,
  endedAt: null,
  error: null,
  usage: noUsage,
  partial: null,
};

function session(options: SessionOptions): Session {
  return {
    id: 1,
    agent: "main",
    title: "",
    head: null,
    parent: null,
    forkedAt: null,
    model: null,
    continuation: null,
    folder: null,
    options,
    createdAt: 1,
    lastAt: 1,
  };
}

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
    const planned = await book.of(row, session({ plan: { steps: 3 } }));
    expect(planned.tools.map(({ name }) => name).sort()).toEqual(["attach", "read"]);
    const prompt = await planned.system(sandbox);
    expect(prompt).toContain("answer with a plan of 3 steps");
    expect(prompt).not.toContain("bash");
    const working = await book.of(row, session({}));
    expect(working.tools.length).toBeGreaterThan(planned.tools.length);
    expect(await working.system(sandbox)).not.toContain("Plan mode");
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
