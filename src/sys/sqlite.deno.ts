// `#sqlite` under Deno.
import { DatabaseSync } from "node:sqlite";
import type { OpenDatabase, SqlValue, Statement } from "./sqlite.ts";
import { transactions } from "./transactions.ts";

/** Opens (and makes, when absent) the database file at `path`. */
export const openDatabase: OpenDatabase = (path) => {
  const native = new DatabaseSync(path);
  const exec = (sql: string) => native.exec(sql);
  return {
    exec,
    prepare: (sql) => statement(native, sql),
    transaction: transactions(exec),
    close: () => native.close(),
  };
};

/** Compiled when it is first used: a start needs few of the program's statements, and most lives never need them all. */
function statement(native: DatabaseSync, sql: string): Statement {
  let compiled: ReturnType<typeof native.prepare> | undefined;
  const prepared = () => {
    compiled ??= native.prepare(sql);
    return compiled;
  };
  return {
    run(...values) {
      const { changes, lastInsertRowid } = prepared().run(...values);
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    get: <Row>(...values: SqlValue[]) => prepared().get(...values) as Row | undefined,
    all: <Row>(...values: SqlValue[]) => prepared().all(...values) as Row[],
  };
}
