// What comes in one moment is committed together, and one that fails takes no other with it.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { openStore } from "../../src/store/db.ts";
import { grouped } from "../../src/store/grouped.ts";
import type { Database } from "../../src/sys/sqlite.ts";

/** A database that counts its transactions and can refuse a commit. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), "grouped-"));
  const db = openDatabase(join(folder, "test.db"));
  db.exec("CREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT");
  let commits = 0;
  let full = false;
  const counted: Database = {
    ...db,
    transaction: (work) => {
      commits += 1;
      return db.transaction(() => {
        const result = work();
        if (full) throw new Error("the disk is full");
        return result;
      });
    },
  };
  const insert = db.prepare("INSERT INTO notes (text) VALUES (?)");
  const all = () =>
    db
      .prepare("SELECT text FROM notes ORDER BY rowid")
      .all<{ text: string }>()
      .map(({ text }) => text);
  return {
    commit: grouped(counted),
    add: (text: string) => () => {
      insert.run(text);
      return text;
    },
    all,
    commits: () => commits,
    setFull: (value: boolean) => {
      full = value;
    },
    close: () => {
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

test("what comes in one moment is one commit, in its order", async () => {
  const { commit, add, all, commits, close } = world();
  const texts = Array.from({ length: 200 }, (_, n) => `note ${n}`);
  expect(await Promise.all(texts.map((text) => commit(add(text))))).toEqual(texts);
  expect(all()).toEqual(texts);
  expect(commits()).toBe(1);
  await commit(add("later"));
  expect(commits()).toBe(2);
  close();
});

test("what throws is rolled back by itself", async () => {
  const { commit, add, all, close } = world();
  const twice = () => {
    add("half")();
    throw new Error("no");
  };
  const results = await Promise.allSettled([commit(add("a")), commit(twice), commit(add("a")), commit(add("b"))]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(all()).toEqual(["a", "b"]);
  expect(await commit(twice).catch((error: Error) => error.message)).toBe("no");
  expect(all()).toEqual(["a", "b"]);
  close();
});

test("what throws right after the commit is told to whoever asked for it, and to nobody else", async () => {
  const { commit, add, all, close } = world();
  const broken = commit(add("a"), () => {
    throw new Error("a read failed");
  });
  const results = await Promise.allSettled([broken, commit(add("b"))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  expect(all()).toEqual(["a", "b"]);
  close();
});

test("a commit that fails is nobody's success", async () => {
  const { commit, add, all, setFull, close } = world();
  setFull(true);
  const results = await Promise.allSettled([commit(add("a")), commit(add("b"))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(all()).toEqual([]);
  setFull(false);
  expect(await commit(add("a"))).toBe("a");
  close();
});

test("a disk that is full says so to everybody, also when the engine takes all of it back by itself", async () => {
  const folder = mkdtempSync(join(tmpdir(), "grouped-"));
  const db = openStore(join(folder, "test.db"));
  const put = db.prepare("INSERT INTO facts (key, value) VALUES (?, ?)");
  const add =
    (key: string, chars = 1) =>
    () =>
      put.run(key, "x".repeat(chars));
  const commit = grouped(db);
  const { pages = 0 } = db.prepare("SELECT page_count AS pages FROM pragma_page_count").get<{ pages: number }>() ?? {};
  db.exec(`PRAGMA max_page_count = ${pages + 3}`);
  const results = await Promise.allSettled([commit(add("a")), commit(add("b", 50_000)), commit(add("c"))]);
  expect(results).toMatchObject(results.map(() => ({ status: "rejected", reason: { code: "store" } })));
  expect(db.prepare("SELECT key FROM facts WHERE key IN ('a', 'b', 'c')").all()).toEqual([]);
  await commit(add("a"));
  db.close();
  rmSync(folder, { recursive: true });
});
