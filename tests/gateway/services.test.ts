// Files that come in, as they are kept.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepInboundFile } from "../../src/gateway/services.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createRedactor } from "../../src/vault/redact.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { direct, secret } from "./fixture.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "remoteagent-services-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("SECURITY 25: a secret in a file's name is neither on the disk nor in what the turn is told", async () => {
  const layout = createLayout(root);
  const deps = { layout, clock: systemClock, redactor: createRedactor(() => [secret]) };
  const bytes = new TextEncoder().encode("body");
  const kept = await keepInboundFile(deps, { inbound: direct("see"), name: `${secret}.txt`, bytes });
  expect(JSON.stringify(kept)).not.toContain(secret);
  expect(kept.name).toBe("[redacted].txt");
  const names = readdirSync(layout.conversation("tg", "1").attachments);
  expect(names).toHaveLength(1);
  expect(names.join()).not.toContain(secret);
});
