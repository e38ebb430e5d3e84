// The log file: turned over by size, private, and alive on a full disk.
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLogFile } from "../../src/sys/log-file.ts";
import { withFolder } from "./folder.ts";

test("lines are appended, the file is private, a second opening goes on", () =>
  withFolder((folder) => {
    const path = join(folder, "a.log");
    for (const text of ["one", "two 記憶"]) {
      const file = openLogFile(path);
      file.write(text);
      file.close();
      file.write("after the end");
      file.close();
    }
    expect(readFileSync(path, "utf8")).toBe("one\ntwo 記憶\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }));

test("files are turned over by size and the oldest goes", () =>
  withFolder((folder) => {
    const path = join(folder, "a.log");
    const file = openLogFile(path, { bytesMax: 100, keep: 3 });
    for (let index = 0; index < 100; index++) file.write(`line ${String(index).padStart(3, "0")}`);
    file.close();
    expect(readdirSync(folder).sort()).toEqual(["a.log", "a.log.1", "a.log.2"]);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100);
    const all = ["a.log.2", "a.log.1", "a.log"].map((name) => readFileSync(join(folder, name), "utf8")).join("");
    const lines = all.trimEnd().split("\n");
    expect(lines.at(-1)).toBe("line 099");
    expect(lines).toEqual(lines.toSorted());
    expect(statSync(`${path}.2`).mode & 0o777).toBe(0o600);
  }));

test("one file alone begins anew, and a line longer than the bound is written all the same", () =>
  withFolder((folder) => {
    const path = join(folder, "a.log");
    const file = openLogFile(path, { bytesMax: 10, keep: 1 });
    file.write("a".repeat(50));
    file.write("b");
    file.close();
    expect(readdirSync(folder)).toEqual(["a.log"]);
    expect(readFileSync(path, "utf8")).toBe("b\n");
  }));

test("an existing file of full size is turned over at the first line", () =>
  withFolder((folder) => {
    const path = join(folder, "a.log");
    writeFileSync(path, "x".repeat(100));
    const file = openLogFile(path, { bytesMax: 100, keep: 2 });
    file.write("new");
    file.close();
    expect(readFileSync(path, "utf8")).toBe("new\n");
    expect(readFileSync(`${path}.1`, "utf8")).toHaveLength(100);
  }));

test("a folder that vanishes hinders nobody, and what was lost is counted", () =>
  withFolder((folder) => {
    const path = join(folder, "a.log");
    const file = openLogFile(path, { bytesMax: 20, keep: 2 });
    file.write("0123456789");
    rmSync(folder, { recursive: true });
    for (let index = 0; index < 3; index++) file.write("0123456789abc");
    file.close();
    expect(() => openLogFile(path)).toThrow(/^Cannot open log file ".*": ENOENT$/);
  }));

test("a link in the log's place is not followed", () =>
  withFolder((folder) => {
    symlinkSync(join(folder, "victim"), join(folder, "a.log"));
    expect(() => openLogFile(join(folder, "a.log"))).toThrow("ELOOP");
    unlinkSync(join(folder, "a.log"));
  }));

test.skipIf(process.platform !== "linux")("a device without room is written to in vain and without a word", () => {
  const file = openLogFile("/dev/full");
  file.write("lost");
  file.close();
});

/** Whether this machine lets us make a small file system of our own. */
function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  return spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
}

test.skipIf(!canMount())("a full disk loses lines, says how many, and goes on afterwards", () =>
  withFolder((folder) => {
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).status).toBe(0);
    try {
      const path = join(folder, "a.log");
      const filler = join(folder, "filler");
      const file = openLogFile(path);
      file.write("before");
      writeFileSync(filler, new Uint8Array(60 * 1024));
      for (let index = 0; index < 10; index++) file.write(`${index}`.repeat(1_000));
      unlinkSync(filler);
      file.write("after");
      file.close();
      const lines = readFileSync(path, "utf8").trimEnd().split("\n");
      expect(lines[0]).toBe("before");
      expect(lines.at(-1)).toBe("after");
      expect(lines.at(-2)).toMatch(/^\{"severity":"WARNING","message":"\d+ log lines could not be written"\}$/);
    } finally {
      spawnSync("umount", [folder]);
    }
  }),
);
