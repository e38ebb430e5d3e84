// What doctor finds in the folders and in the store's memory of the clock, and how --fix mends it.
import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { lastLife } from "../../src/store/db.ts";
import { program } from "./program.ts";

setDefaultTimeout(60_000);

interface Found {
  area: string;
  level: string;
  text: string;
  mend?: string;
}

/** A state folder in which an instance has lived once. */
async function lived() {
  const run = program();
  await run.call("start");
  await run.call("stop");
  const look = async (...args: string[]) => JSON.parse((await run.call("doctor", "--json", ...args)).out) as Found[];
  const of = async (area: string, ...args: string[]) => (await look(...args)).filter((one) => one.area === area);
  return { run, of, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

test("files that others may use are found, and closed by --fix", async () => {
  await using at = await lived();
  expect(await at.of("files")).toEqual([
    { area: "files", level: "ok", text: "What is in the state folder is yours alone" },
  ]);
  const secrets = at.run.path("environment");
  writeFileSync(secrets, "KEY=x\n");
  chmodSync(secrets, 0o644);
  chmodSync(at.run.path("logs"), 0o755);
  const found = await at.of("files");
  expect(found.map(({ level }) => level)).toEqual(["warn", "warn"]);
  expect(found.map(({ mend }) => mend)).toContain(`chmod 0600 '${secrets}'`);
  await at.of("files", "--fix");
  expect([statSync(secrets).mode & 0o777, statSync(at.run.path("logs")).mode & 0o777]).toEqual([0o600, 0o700]);
});

test.skipIf(process.getuid?.() !== 0)("files of another user are bad, as after a start with sudo", async () => {
  await using at = await lived();
  chownSync(at.run.path("remoteagent.db"), 65534, 65534);
  expect(await at.of("files")).toEqual([
    expect.objectContaining({ level: "bad", text: expect.stringContaining("belongs to another user (65534)") }),
  ]);
});

test("files of conversations are counted against what they may take", async () => {
  await using at = await lived();
  const workspace = join(at.run.home, "work");
  const folder = join(workspace, "channels", "tg", "7", "attachments");
  mkdirSync(folder, { recursive: true });
  const settings = { workspace, limits: { attachmentsMb: 1 } };
  writeFileSync(at.run.path("settings.json"), JSON.stringify(settings), { mode: 0o600 });
  const look = async (bytes: number) => {
    writeFileSync(join(folder, "1_a.bin"), new Uint8Array(bytes));
    return (await at.of("attachments"))[0];
  };
  expect(await look(1_000)).toMatchObject({ level: "ok" });
  expect(await look(900_000)).toMatchObject({ level: "warn", mend: expect.stringContaining("limits.attachmentsMb") });
  expect(await look(1_100_000)).toMatchObject({ level: "bad" });
});

test("a workspace that is no folder, or everybody's, is found", async () => {
  await using at = await lived();
  const workspace = join(at.run.home, "work");
  writeFileSync(at.run.path("settings.json"), JSON.stringify({ workspace }), { mode: 0o600 });
  expect((await at.of("workspace"))[0]?.text).toContain("does not exist yet");
  writeFileSync(workspace, "");
  expect((await at.of("workspace"))[0]).toMatchObject({ level: "bad", text: `${workspace} is not a folder` });
  const other = join(at.run.home, "other");
  mkdirSync(other);
  writeFileSync(at.run.path("settings.json"), JSON.stringify({ workspace: other }), { mode: 0o600 });
  expect((await at.of("workspace"))[0]).toMatchObject({ level: "ok", text: expect.stringContaining("are free") });
  chmodSync(other, 0o777);
  expect((await at.of("workspace"))[0]).toMatchObject({ level: "warn", mend: `chmod o-w '${other}'` });
});

test("a clock that went back since the last life is found", async () => {
  await using at = await lived();
  expect((await at.of("clock")).map(({ level }) => level)).toEqual(["ok"]);
  const database = at.run.path("remoteagent.db");
  const later = Date.now() + 86_400_000;
  const db = openDatabase(database);
  db.prepare("UPDATE starts SET alive_at = ?").run(later);
  db.close();
  expect(lastLife(database)).toBe(later);
  const found = (await at.of("clock")).filter(({ level }) => level === "warn");
  expect(found.map(({ text }) => text)).toEqual([expect.stringContaining("the clock went back")]);
  expect(lastLife(at.run.path("nothing.db"))).toBeUndefined();
  writeFileSync(at.run.path("broken.db"), "no database at all, but some text that is long enough");
  expect(lastLife(at.run.path("broken.db"))).toBeUndefined();
});
