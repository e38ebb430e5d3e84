// `#sqlite` answers alike under Bun and Deno: values, transactions, full-text search, errors.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { openDatabase } from "#sqlite";
import { openStore } from "../../src/store/db.ts";
import { withFolder } from "./folder.ts";

test("values come back as they went in", () =>
  withFolder((folder) => {
    const db = openDatabase(join(folder, "a.db"));
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, number REAL, bytes BLOB, empty TEXT) STRICT");
    const put = db.prepare("INSERT INTO t (text, number, bytes, empty) VALUES (?, ?, ?, ?)");
    const bytes = new Uint8Array([0, 255, 10]);
    assert.deepEqual(put.run("zażółć 記憶 👋", 2.5, bytes, null), { changes: 1, lastId: 1 });
    const row = db.prepare("SELECT * FROM t WHERE id = ?").get<{ bytes: Uint8Array }>(1);
    assert.deepEqual(
      { ...row, bytes: [...(row?.bytes ?? [])] },
      {
        id: 1,
        text: "zażółć 記憶 👋",
        number: 2.5,
        bytes: [0, 255, 10],
        empty: null,
      },
    );
    assert.equal(db.prepare("SELECT * FROM t WHERE id = ?").get(2), undefined);
    assert.equal(db.prepare("SELECT id FROM t").all().length, 1);
    db.close();
  }));

test("a transaction is whole or nothing, and a nested one joins", () =>
  withFolder((folder) => {
    const db = openDatabase(join(folder, "a.db"));
    db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT");
    const put = db.prepare("INSERT INTO t (id) VALUES (?)");
    const count = () => db.prepare("SELECT count(*) AS n FROM t").get<{ n: number }>()?.n;
    assert.throws(
      () =>
        db.transaction(() => {
          put.run(1);
          db.transaction(() => put.run(2));
          throw new Error("no");
        }),
      /^Error: no$/,
    );
    assert.equal(count(), 0);
    assert.equal(
      db.transaction(() => db.transaction(() => put.run(3).changes)),
      1,
    );
    assert.equal(count(), 1);
    db.close();
  }));

test("the store opens, migrates and opens again", () =>
  withFolder((folder) => {
    const path = join(folder, "remoteagent.db");
    for (const round of [1, 2]) {
      const db = openStore(path);
      assert.equal(db.prepare("PRAGMA journal_mode").get<{ journal_mode: string }>()?.journal_mode, "wal", `${round}`);
      assert.equal(db.prepare("PRAGMA synchronous").get<{ synchronous: number }>()?.synchronous, 2, `${round}`);
      assert.equal(db.prepare("PRAGMA foreign_keys").get<{ foreign_keys: number }>()?.foreign_keys, 1, `${round}`);
      db.close();
    }
  }));

test("a file that is no database is refused in one sentence", () =>
  withFolder((folder) => {
    const path = join(folder, "remoteagent.db");
    writeFileSync(path, "not a database, and long enough to be looked at\n".repeat(200));
    assert.throws(() => openStore(path), { name: "Failure", code: "store" });
  }));
