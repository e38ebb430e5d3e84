// Statements are compiled when they are first used, so every one of them is compiled here.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import type { SqlValue } from "../../src/sys/sqlite.ts";

test("every statement of the store is one that the engine takes", () => {
  const db = openStore(":memory:");
  const tables = db
    .prepare(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*_search_*'",
    )
    .all<{ sql: string }>();
  const native = new Database(":memory:");
  for (const { sql } of tables) native.exec(sql);
  const compiled: string[] = [];
  createStore({
    ...db,
    prepare(sql) {
      native.prepare<unknown, SqlValue[]>(sql).finalize();
      compiled.push(sql);
      return db.prepare(sql);
    },
  });
  expect(compiled.length).toBeGreaterThan(100);
  expect(() => native.prepare("SELECT nothing FROM nowhere")).toThrow();
  db.close();
});
