// What a turn for a guest is made of: nothing of the owner's, and nothing that stays for others.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSettingBook } from "../../src/gateway/turns/setting.ts";
import type { SandboxDriver } from "../../src/sandbox/sandbox.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { sessionRow, turnRow } from "../rows.ts";
import { createWorld, direct, memoryLog } from "./fixture.ts";

const target = { adapter: "tg", conversation: { id: "-100", kind: "shared" as const } };
const row = (user: string) => turnRow({ requester: { id: user, name: user }, replyTo: target });
const session = sessionRow({ folder: "/owners/project" });

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "remoteagent-guests-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a guest has none of the owner's folders, writes into no conversation, and shares a home with nobody", async () => {
  const layout = createLayout(join(root, "workspace"));
  await layout.prepare();
  const health = { isolation: "bubblewrap", works: true } as const;
  const driver: Pick<SandboxDriver, "check"> = { check: async () => health };
  const book = createSettingBook({
    layout,
    sandboxes: join(root, "sandboxes"),
    agent: () => ({ folders: [{ path: "/owners/code", access: "rw" }] }),
    driver: driver as SandboxDriver,
    isolationWaived: false,
    health: () => health,
    facts: { get: () => undefined, set: () => undefined },
    tools: [],
    timeZone: "UTC",
    log: memoryLog(),
    now: () => 1,
    isLocal: () => false,
  });
  const { request: known } = await book.of(row("1"), session);
  const { request: guest } = await book.of(row("99"), session, { guest: true });
  const { request: another } = await book.of(row("98"), session, { guest: true });
  const place = layout.conversation("tg", "-100").root;
  expect(known).toMatchObject({ writable: [place], cwd: "/owners/project" });
  expect(known.folders.map(({ path }) => path)).toEqual(["/owners/code", "/owners/project"]);
  expect(guest).toMatchObject({ writable: [], readable: [layout.skills, place], folders: [] });
  expect(guest.cwd.startsWith(guest.home)).toBe(true);
  expect(new Set([known.home, guest.home, another.home]).size).toBe(3);
});

test("who is a guest is looked up when the turn starts", async () => {
  const guests: [string, boolean][] = [];
  const world = createWorld({
    more: {
      door: () => ({ local: false, directIsUser: true, admins: ["1"], dm: "everyone", unknownSender: "public" }),
      setting: ({ requester }, _session, { guest }) => {
        guests.push([requester.id, guest]);
        return Promise.reject(new Error("Nothing runs here"));
      },
    },
  });
  const says = async (id: string) => {
    await world.now.send(direct("go", { sender: { id, name: id } }));
    await world.now.quiet();
  };
  const grant = { adapter: "tg", agent: "", surface: "direct", givenBy: "test", givenAt: 1 };
  const { id } = world.now.store.roles.give({ ...grant, user: "7", role: "member" });
  for (const user of ["1", "7", "99"]) await says(user);
  world.now.store.roles.revoke(id);
  await says("7");
  expect(guests).toEqual([
    ["1", false],
    ["7", false],
    ["99", true],
    ["7", true],
  ]);
  await world.remove();
});
