// Whole files or none: modes, links, failures, a full disk, and no leftovers.
import { expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeDir, writeAtomic } from "../../src/sys/atomic.ts";
import { freeBytes } from "../../src/sys/disk.ts";
import { withFolder } from "./folder.ts";

test("a file is replaced as a whole, with its mode whatever the umask", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    await writeAtomic(path, "one");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = process.umask(0o077);
    await writeAtomic(path, new Uint8Array([0, 255]), { mode: 0o644 });
    process.umask(before);
    expect([...readFileSync(path)]).toEqual([0, 255]);
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder)).toEqual(["a"]);
  }));

test("who reads meanwhile sees the old or the new text and never a part", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    const texts = ["a".repeat(300_000), "b".repeat(200_000)] as const;
    await writeAtomic(path, texts[0]);
    let writing = true;
    const writer = (async () => {
      for (let round = 0; round < 20; round++) await writeAtomic(path, texts[round % 2] ?? "");
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      const text = readFileSync(path, "utf8");
      expect(text === texts[0] || text === texts[1]).toBe(true);
      reads += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writer;
    expect(reads).toBeGreaterThan(5);
  }));

test("parallel writers leave one whole text and nothing else", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    await Promise.all(Array.from({ length: 20 }, (_, index) => writeAtomic(path, String(index).repeat(1000))));
    expect(new Set(readFileSync(path, "utf8").replace(/(..?)\1*/, "$1")).size).toBeLessThan(3);
    expect(readdirSync(folder)).toEqual(["a"]);
  }));

test("a link is replaced and what it led to is not touched", () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, "target"), "theirs");
    symlinkSync(join(folder, "target"), join(folder, "a"));
    await writeAtomic(join(folder, "a"), "ours");
    expect(lstatSync(join(folder, "a")).isSymbolicLink()).toBe(false);
    expect(readFileSync(join(folder, "target"), "utf8")).toBe("theirs");
  }));

test("a failure leaves the old file and no temporary one", () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, "a"));
    writeFileSync(join(folder, "a/full"), "");
    expect(writeAtomic(join(folder, "a"), "x")).rejects.toThrow();
    expect(writeAtomic(join(folder, "no/a"), "x")).rejects.toMatchObject({ code: "ENOENT" });
    await Promise.allSettled([writeAtomic(join(folder, "a"), "x")]);
    expect(readdirSync(folder)).toEqual(["a"]);
    const long = join(folder, "n".repeat(240));
    await writeAtomic(long, "names near the limit work too");
    expect(readFileSync(long, "utf8")).toStartWith("names");
  }));

test("folders are made with their mode, and existing ones keep theirs", () =>
  withFolder((folder) => {
    const before = process.umask(0o377);
    makeDir(join(folder, "a"), 0o750);
    process.umask(before);
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o750);
    chmodSync(join(folder, "a"), 0o711);
    makeDir(join(folder, "a"));
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o711);
    makeDir(join(folder, "x/y/z"));
    expect(statSync(join(folder, "x/y/z")).mode & 0o777).toBe(0o700);
    writeFileSync(join(folder, "file"), "");
    expect(() => makeDir(join(folder, "file"))).toThrow(/^Cannot make folder ".*": a file is there$/);
    expect(() => makeDir(join(folder, "file/a"))).toThrow(": a part of the path is a file");
    expect(() => makeDir(join(folder, "n".repeat(300)))).toThrow(": the name is too long");
  }));

test("free room is told", async () => {
  expect(await freeBytes("/")).toBeGreaterThan(0);
  expect(freeBytes("/nowhere")).rejects.toMatchObject({ code: "ENOENT" });
});
