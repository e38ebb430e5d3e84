// The vault in the instance: what a crash left in a home, and what a turn's setting says and shows of it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweepFiles } from "../../src/app/vault.ts";
import { createSettingBook, type SettingDeps } from "../../src/gateway/turns/setting.ts";
import type { Sandbox, SandboxDriver, SandboxHealth } from "../../src/sandbox/sandbox.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import type { Given } from "../../src/vault/given.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { memoryLog } from "../gateway/fixture.ts";
import { sessionRow, turnRow } from "../rows.ts";

let base: string;
let store: Store;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "ra-app-vault-"));
  store = createStore(openStore(":memory:"));
});
afterEach(() => {
  store.close();
  rmSync(base, { recursive: true, force: true });
});

test("a start takes out what is left, follows nothing, and leaves containers to their next turn", async () => {
  const home = join(base, "place/home");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  mkdirSync(join(home, "folder"));
  writeFileSync(join(home, ".ssh/id"), "left");
  writeFileSync(join(base, "outside"), "mine");
  symlinkSync(join(base, "outside"), join(home, "link"));
  symlinkSync(base, join(home, "way"));
  store.vaults.notePlaced(join(base, "place"), [".ssh/id", "gone", "link", "way/outside", "folder"]);
  store.vaults.notePlaced("container:dev", ["token"]);
  await sweepFiles({ store, log: memoryLog() });
  expect(existsSync(join(home, ".ssh/id"))).toBe(false);
  expect(readFileSync(join(base, "outside"), "utf8")).toBe("mine");
  expect(existsSync(join(home, "folder"))).toBe(true);
  expect(store.vaults.allPlaced()).toEqual([{ place: "container:dev", paths: ["token"] }]);
});

const given: Given = {
  vault: "7",
  env: { API_KEY: "correct-horse-battery" },
  files: [{ path: ".ssh/id", bytes: new TextEncoder().encode("staple-of-the-horse") }],
};

async function settingOf(change: { given?: Given; isolation?: Sandbox["isolation"]; guest?: boolean } = {}) {
  const health: SandboxHealth = { works: true, isolation: change.isolation ?? "bubblewrap" };
  const layout = createLayout(join(base, "workspace"));
  await layout.prepare();
  const deps: SettingDeps = {
    layout,
    sandboxes: join(base, "sandboxes"),
    agent: () => ({}),
    driver: { check: async () => health } as SandboxDriver,
    isolationWaived: false,
    health: () => health,
    facts: store.facts,
    tools: [],
    secrets: () => change.given ?? given,
    timeZone: "UTC",
    log: memoryLog(),
    now: () => 1,
    isLocal: () => false,
  };
  const setting = await createSettingBook(deps).of(turnRow(), sessionRow(), { guest: change.guest ?? false });
  const sandbox = { kind: "host", root: "/workspace", cwd: "/workspace", isolation: "bubblewrap" } as Sandbox;
  return { setting, system: await setting.system(sandbox) };
}

test("the model is told names and paths, never a value", async () => {
  const { setting, system } = await settingOf();
  expect(system).toContain("API_KEY");
  expect(system).toContain("~/.ssh/id");
  expect(system).not.toContain("correct-horse");
  expect(system).not.toContain("staple");
  expect(setting.request).toMatchObject({ vault: "7", env: given.env, files: given.files });
});

test("each vault has a home of its own, and a turn without one keeps the old home", async () => {
  const home = async (vault?: string) => {
    const none: Given = { env: {}, files: [] };
    return (await settingOf({ given: vault === undefined ? none : { ...none, vault } })).setting.request.home;
  };
  const homes = [await home(), await home("1"), await home("2")];
  expect(new Set(homes).size).toBe(3);
  expect(homes[1]).toBe(await home("1"));
});

test("what is withheld is said, and where no tool may run nothing is opened", async () => {
  const notice = "Commands get nothing of the vault of user tg/57 now";
  expect((await settingOf({ given: { env: {}, files: [], notice } })).setting.notice).toBe(notice);
  const { setting, system } = await settingOf({ isolation: "none" });
  expect(setting.notice).toContain("Tools are off here");
  expect(setting.request.env).toBeUndefined();
  expect(system).not.toContain("API_KEY");
});
