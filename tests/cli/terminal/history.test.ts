// The file of what was typed: kept, private, bounded.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHistory } from "../../../src/cli/terminal/history.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "history-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the history", () => {
  test("is kept between chats, for the owner alone", async () => {
    const path = join(folder, "deep", "history");
    const first = await openHistory(path);
    for (const line of ["one", "two\nlines", "two\nlines", " secret", ""]) first.add(line);
    await first.flush();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const second = await openHistory(path);
    expect(second.older("", "")).toBe("two\nlines");
    expect(second.older("two\nlines", "")).toBe("one");
    expect(second.older("one", "")).toBeUndefined();
  });

  test("a file that others may read is closed to them", async () => {
    const path = join(folder, "history");
    await writeFile(path, '"old"\n');
    await chmod(path, 0o644);
    const history = await openHistory(path);
    history.add("new");
    await history.flush();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("is bounded, and rubbish in it is left out", async () => {
    const path = join(folder, "history");
    const lines = Array.from({ length: 2_500 }, (_, index) => JSON.stringify(`line ${index}`));
    await writeFile(path, `{"a":1}\nrubbish\n${lines.join("\n")}\n`);
    const history = await openHistory(path);
    expect(history.older("", "")).toBe("line 2499");
    const kept = (await readFile(path, "utf8")).trim().split("\n");
    expect(kept).toHaveLength(1_000);
    expect(kept[0]).toBe('"line 1500"');
  });

  test("works in memory where nothing can be stored", async () => {
    await writeFile(join(folder, "file"), "");
    const history = await openHistory(join(folder, "file", "history"));
    history.add("kept");
    await history.flush();
    expect(history.older("", "")).toBe("kept");
  });
});
