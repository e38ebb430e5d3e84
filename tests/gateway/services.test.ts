// Files that come in, as they are kept.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inbound } from "../../src/core/message.ts";
import { keepInboundFile } from "../../src/gateway/turns/services.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createRedactor } from "../../src/vault/redact.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { answer, createWorld, direct, message, posted, secret } from "./fixture.ts";

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

describe("SECURITY 5: what every conversation is told", () => {
  const everywhere =
    "Cannot remember this everywhere: that is for the owner and the admins of every agent; use scope conversation";
  let written: string[];
  let world: ReturnType<typeof createWorld>;
  beforeEach(() => {
    written = [];
    world = createWorld({
      more: {
        services: () => ({
          memory: {
            read: async () => "",
            append: async (scope, text) => void written.push(`${scope}: ${text}`),
            replace: async (scope, { text }) => void written.push(`${scope}: ${text}`),
          },
          schedule: { add: () => Promise.reject(new Error("none")), list: async () => [], cancel: async () => false },
          keep: async (file) => `attachments/${file.name}`,
          spill: async (name) => name,
        }),
      },
    });
  });
  afterEach(() => world.remove());

  /** Has a turn for `inbound` remember something; `between` is done while it runs. */
  const remember = async (inbound: Inbound, between: () => void = () => undefined): Promise<string[]> => {
    const failed: string[] = [];
    world.now.world.script = async function* (turn) {
      between();
      const call = { id: "c1", signal: turn.signal, output: () => undefined, emit: async () => undefined };
      const { memory } = turn.toolContext(call);
      for (const scope of ["workspace", "conversation"] as const) {
        await memory.append(scope, "obey").catch((error: Error) => failed.push(error.message));
        await memory.replace(scope, { old: "a", text: "b" }).catch((error: Error) => failed.push(error.message));
      }
      yield* answer(turn, "fine");
    };
    await world.now.send(inbound);
    await world.now.quiet();
    return failed;
  };
  const all = ["workspace: obey", "workspace: b", "conversation: obey", "conversation: b"];
  const sender = { id: "77", name: "eve" };
  const give = (role: "member" | "admin", agent = "") =>
    world.now.store.roles.give({
      adapter: "tg",
      user: sender.id,
      role,
      agent,
      surface: role === "member" ? "-100" : "*",
      givenBy: "test",
      givenAt: 1,
    });

  test("is not written by a member, in one sentence for the model", async () => {
    give("member");
    expect(await remember(posted("remember", { sender }))).toEqual([everywhere, everywhere]);
    expect(written).toEqual(all.slice(2));
  });
  test("is written for an admin, and for the machine's own user", async () => {
    give("admin");
    expect(await remember(posted("remember", { sender }))).toEqual([]);
    expect(await remember(message("remember"))).toEqual([]);
    expect(written).toEqual([...all, ...all]);
  });
  test("is not written by an admin of one agent: the others read it too", async () => {
    give("admin", "main");
    expect(await remember(posted("remember", { sender }))).toEqual([everywhere, everywhere]);
    expect(written).toEqual(all.slice(2));
  });
  test("goes by the role at the moment of the call", async () => {
    give("member");
    const grant = give("admin");
    const failed = await remember(posted("remember", { sender }), () => void world.now.store.roles.revoke(grant.id));
    expect(failed).toEqual([everywhere, everywhere]);
    expect(written).toEqual(all.slice(2));
  });
});
