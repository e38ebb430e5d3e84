// `#sqlite` under Bun.
import { Database as BunDatabase } from "bun:sqlite";
import type { OpenDatabase, SqlValue, Statement } from "./sqlite.ts";
import { transactions } from "./transactions.ts";

/** Opens (and makes, when absent) the database file at `path`. */
export const openDatabase: OpenDatabase = (path) => {
  const native = new BunDatabase(path, { create: true, strict: true });
  const exec = (sql: string) => void native.exec(sql);
  return {
    exec,
    prepare: (sql) => statement(native, sql),
    transaction: transactions(exec),
    close: () => native.close(),
  };
};

/** Compiled when it is first used: a start needs few of the program's statements, and most lives never need them all. */
function statement(native: BunDatabase, sql: string): Statement {
  let compiled: ReturnType<typeof native.prepare<unknown, SqlValue[]>> | undefined;
  const prepared = () => {
    compiled ??= native.prepare<unknown, SqlValue[]>(sql);
    return compiled;
  };
  return {
    run(...values) {
      const { changes, lastInsertRowid } = prepared().run(...values);
      return { changes, lastId: Number(lastInsertRowid) };
    },
    get: <Row>(...values: SqlValue[]) => (prepared().get(...values) ?? undefined) as Row | undefined,
    all: <Row>(...values: SqlValue[]) => prepared().all(...values) as Row[],
  };
}
