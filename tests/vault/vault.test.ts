// What the vault holds: names, bounds, versions, undo, bindings, and what stands on the disk.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../../src/core/limits.ts";
import { failing } from "../failing.ts";
import { ann, bob, bytesOf, createPlace, work } from "./place.ts";

let place: ReturnType<typeof createPlace>;
beforeEach(() => {
  place = createPlace();
});
afterEach(() => place[Symbol.dispose]());

const env = (name: string, text: string) => ({ kind: "env" as const, name, bytes: bytesOf(text), by: "test" });
const file = (name: string, bytes: Uint8Array) => ({ kind: "file" as const, name, bytes, by: "test" });
type Vault = ReturnType<typeof place.open>;
const held = (vault: Vault, owner: typeof ann, name: string) => {
  const bytes = vault.entry(vault.need(owner), { kind: "env", name });
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
};

test("a value comes back in the next life, and stands nowhere in the clear", async () => {
  const secret = "correct-horse-battery-staple";
  const vault = place.open();
  expect(vault.state()).toEqual({ state: "new" });
  expect(existsSync(join(place.folder, "key"))).toBe(false);
  expect(await vault.set(ann, env("API_KEY", secret))).toEqual({ stored: "new" });
  expect(await vault.set(ann, env("API_KEY", secret))).toEqual({ stored: "same" });
  expect(statSync(join(place.folder, "key")).mode & 0o777).toBe(0o600);
  const disk = place.disk();
  for (const form of ["utf8", "base64", "hex", "utf16le"] as const)
    expect(disk.includes(Buffer.from(secret).toString(form === "utf8" ? "latin1" : form))).toBe(false);
  expect(JSON.stringify(vault.list())).not.toContain(secret);
  const next = place.open();
  await next.open();
  expect(next.state()).toEqual({ state: "open", source: "file" });
  expect(held(next, ann, "API_KEY")).toBe(secret);
  expect(next.secretValues()).toContain(secret);
  expect(next.list(ann)).toMatchObject([{ kind: "env", name: "API_KEY", bytes: secret.length, setBy: "test" }]);
});

test("several lines, bytes that are no text, and empty values", async () => {
  const vault = place.open();
  await vault.set(ann, env("PEM", "line one\nline two\n"));
  expect(held(vault, ann, "PEM")).toBe("line one\nline two\n");
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
  await vault.set(ann, file("keys/store.p12", bytes));
  expect(vault.entry(vault.need(ann), { kind: "file", name: "keys/store.p12" })).toEqual(Buffer.from(bytes));
  expect((await failing(vault.set(ann, env("BINARY", "a\0b")))).message).toContain("NUL");
  const broken = vault.set(ann, { ...env("BINARY", ""), bytes: Uint8Array.of(0xff, 0xfe) });
  expect((await failing(broken)).message).toContain("no UTF-8 text");
  expect((await failing(vault.set(ann, env("EMPTY", "")))).message).toContain("is empty");
  expect((await vault.set(ann, env("SHORT", "1234"))).warning).toContain("shorter than 8");
});

test("names that are no variables, and paths that leave the home, are refused before anything is stored", async () => {
  const vault = place.open();
  for (const name of ["", "1A", "A-B", "A B", "Ä", "x".repeat(129), "A\n"])
    expect((await failing(vault.set(ann, env(name, "value-of-it")))).message).toContain("no name of a variable");
  const withValue = await failing(vault.set(ann, env("A=value-of-it", "value-of-it")));
  expect(withValue.message).toContain("no part of it");
  expect(withValue.message).not.toContain("value-of");
  for (const name of ["PATH", "HOME", "LD_PRELOAD", "BASH_ENV", "NODE_OPTIONS", "BUN_OPTIONS", "ENV"])
    expect((await failing(vault.set(ann, env(name, "value-of-it")))).message).toContain("decides what a command runs");
  const bad = [
    "",
    "/",
    "..",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "/etc/passwd",
    "a/\0",
    "a\nb",
    "a\\b",
    "~/../x",
    "/root/../x",
  ];
  for (const path of [...bad, "x".repeat(256), Array(9).fill("a").join("/"), "a/.remoteagent-write-1"])
    expect((await failing(vault.set(ann, file(path, bytesOf("x"))))).message).toContain("Cannot use the path");
  expect(vault.list()).toEqual([]);
  await vault.set(ann, file("/root/.ssh/id", bytesOf("x")));
  await vault.set(ann, file("~/.kube/config", bytesOf("x")));
  expect(vault.list(ann).map(({ name }) => name)).toEqual([".kube/config", ".ssh/id"]);
  expect((await failing(vault.set(ann, file(".ssh", bytesOf("x"))))).message).toContain("in its way");
  expect((await failing(vault.set(ann, file(".ssh/id/more", bytesOf("x"))))).message).toContain("in its way");
});

test("bounds: one value, one vault's entries, files and bytes", async () => {
  const vault = place.open();
  const big = new Uint8Array(limits.vaultFileBytesMax + 1).fill(65);
  expect((await failing(vault.set(ann, file("big", big)))).message).toContain("more than");
  for (let n = 0; n < 4; n++) await vault.set(ann, file(`f${n}`, big.subarray(1)));
  expect((await failing(vault.set(ann, file("more", bytesOf("x"))))).message).toContain("more than 1048576 bytes");
  for (let n = 0; n < limits.vaultEntriesMax; n++) await vault.set(bob, env(`A${n}`, "value-of-it"));
  expect((await failing(vault.set(bob, env("MORE", "value-of-it")))).message).toContain("100 entries");
  // What is there may still change.
  expect(await vault.set(bob, env("A0", "another-value"))).toEqual({ stored: "changed" });
});

test("a replaced and a removed value can be brought back for a week", async () => {
  const vault = place.open();
  await vault.set(ann, env("TOKEN", "first-value"));
  await vault.set(ann, env("TOKEN", "second-value"));
  vault.undo(ann, { kind: "env", name: "TOKEN", by: "test" });
  expect(held(vault, ann, "TOKEN")).toBe("first-value");
  vault.remove(ann, { kind: "env", name: "TOKEN", forget: false });
  expect(held(vault, ann, "TOKEN")).toBeUndefined();
  expect(vault.list(ann)).toMatchObject([{ name: "TOKEN", removed: true }]);
  vault.undo(ann, { kind: "env", name: "TOKEN", by: "test" });
  expect(held(vault, ann, "TOKEN")).toBe("first-value");
  vault.remove(ann, { kind: "env", name: "TOKEN", forget: false });
  place.pass(limits.vaultPastMs + 1);
  expect(() => vault.undo(ann, { kind: "env", name: "TOKEN", by: "test" })).toThrow("no value before is kept");
  await vault.set(ann, env("OTHER", "third-value"));
  vault.remove(ann, { kind: "env", name: "OTHER", forget: true });
  expect(() => vault.undo(ann, { kind: "env", name: "OTHER", by: "test" })).toThrow("no value before is kept");
  expect(() => vault.remove(ann, { kind: "env", name: "OTHER", forget: false })).toThrow("it is not stored there");
});

test("rows that were swapped or changed do not open, and say which one", async () => {
  const vault = place.open();
  await vault.set(ann, env("MINE", "value-of-ann"));
  await vault.set(bob, env("MINE", "value-of-bob"));
  await vault.set(ann, env("OTHER", "other-of-ann"));
  place.tamper(`
    UPDATE vault_entries SET sealed = (SELECT sealed FROM vault_entries e JOIN vaults v ON v.id = e.vault
      WHERE v.name = '58' AND e.name = 'MINE') WHERE vault = (SELECT id FROM vaults WHERE name = '57') AND name = 'MINE';
    UPDATE vaults SET name = '59' WHERE name = '58';
    UPDATE vault_entries SET version = 7 WHERE name = 'OTHER';`);
  const next = place.open();
  await next.open();
  expect(() => next.entries(next.need(ann))).toThrow("MINE of user tg/57: its row was changed or moved");
  expect(() => next.entries(next.need({ ...bob, name: "59" }))).toThrow("MINE of user tg/59");
  expect(() => next.entry(next.need(ann), { kind: "env", name: "OTHER" })).toThrow("OTHER of user tg/57");
  expect((await failing(next.rotate({}))).message).toContain("was changed");
  // Stored anew, it works again.
  next.remove(ann, { kind: "env", name: "MINE", forget: true });
  await next.set(ann, env("MINE", "value-of-ann"));
  expect(held(next, ann, "MINE")).toBe("value-of-ann");
});

test("a key that is missing, another's, open to others or a link is one clear sentence", async () => {
  const key = join(place.folder, "key");
  await place.open().set(ann, env("MINE", "value-of-ann"));
  chmodSync(key, 0o640);
  expect(await failing(place.open().open())).toMatchObject({
    code: "state",
    message: expect.stringContaining("others can read it"),
  });
  chmodSync(key, 0o600);
  writeFileSync(key, `remoteagent-key-1:${Buffer.alloc(32, 7).toString("base64url")}\n`);
  expect((await failing(place.open().open())).message).toContain("is another one");
  writeFileSync(key, "nonsense");
  expect((await failing(place.open().open())).message).toContain("no key of remoteagent");
  rmSync(key);
  let vault = place.open();
  expect(await failing(vault.open())).toMatchObject({
    message: expect.stringContaining("is missing"),
    hint: expect.stringContaining("reset"),
  });
  expect(vault.state()).toMatchObject({ state: "locked", source: "file" });
  // Nothing is written with another key over what is there.
  expect((await failing(vault.set(ann, env("NEW", "value-of-ann")))).message).toContain("is missing");
  symlinkSync("/etc/hostname", key);
  expect((await failing(place.open().open())).message).toContain("it is a link");
  rmSync(key);
  vault = place.open();
  await vault.reset();
  expect(await vault.set(ann, env("NEW", "value-of-ann"))).toEqual({ stored: "new" });
});

test("a passphrase: locked until it is told, wrong ones are refused, and it can be locked again", async () => {
  const vault = place.open();
  await vault.set(ann, env("MINE", "value-of-ann"));
  expect(() => vault.lock()).toThrow("it opens by itself");
  expect((await failing(vault.rotate({ to: "passphrase", passphrase: "short" }))).message).toContain("5 characters");
  expect(await vault.rotate({ to: "passphrase", passphrase: "grün-und-blau" })).toBe(1);
  expect(existsSync(join(place.folder, "key"))).toBe(false);
  const next = place.open();
  expect(await failing(next.open())).toMatchObject({ message: expect.stringContaining("needs its passphrase") });
  expect((await failing(next.open("gruen-und-blau"))).message).toContain("the passphrase is wrong");
  // The same word, typed with a combining character.
  await next.open("gru\u0308n-und-blau");
  expect(held(next, ann, "MINE")).toBe("value-of-ann");
  next.lock();
  expect(() => next.entries(next.need(ann))).toThrow("needs its passphrase");
  expect(next.secretValues()).toContain("value-of-ann");
});

test("a credential is taken where there is one, and another one does not fit", async () => {
  const credential = bytesOf("a credential of some length");
  await place.open({ credential }).set(ann, env("MINE", "value-of-ann"));
  expect(existsSync(join(place.folder, "key"))).toBe(false);
  const next = place.open({ credential });
  await next.open();
  expect(next.state()).toEqual({ state: "open", source: "credential" });
  expect((await failing(place.open().open())).message).toContain("was not given the credential");
  expect((await failing(place.open({ credential: bytesOf("another") }).open())).message).toContain("is another one");
});

test("bindings lead people and conversations to a profile, which is made by the first", async () => {
  const vault = place.open();
  vault.bind(ann, work, "test");
  expect(vault.boundTo(ann)).toMatchObject(work);
  expect(vault.boundTo(bob)).toBeUndefined();
  expect(() => vault.bind(work, work, "test")).toThrow("only people and conversations");
  expect(vault.bindings()).toMatchObject([{ kind: "user", adapter: "tg", name: "57", owner: work }]);
  vault.unbind(ann);
  expect(() => vault.unbind(ann)).toThrow("it is bound to no profile");
  vault.bind(ann, work, "test");
  vault.drop(work);
  expect(vault.boundTo(ann)).toBeUndefined();
});

test("a conversation that bears another id keeps its vault", async () => {
  const vault = place.open();
  const group = (name: string) => ({ kind: "conversation" as const, adapter: "tg", name });
  place.store.wirings.conversation("tg", { id: "-1", kind: "shared", at: 1 });
  await vault.set(group("-1"), env("TEAM", "value-of-team"));
  place.store.transaction(() =>
    place.store.moves.move({ adapter: "tg", from: "-1", to: "-1001", at: 2, nonce: () => "n" }),
  );
  expect(held(vault, group("-1001"), "TEAM")).toBe("value-of-team");
});
