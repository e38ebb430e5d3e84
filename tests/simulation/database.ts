// The real database, in memory: undone after each run, lost up to the last commit when its program is killed.
import { openDatabase } from "#sqlite";
import { storeFailure } from "../../src/store/db.ts";
import { guarded } from "../../src/store/guard.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database, SqlValue, Statement } from "../../src/sys/sqlite.ts";
import { transactions } from "../../src/sys/transactions.ts";

/** The program is dead: whatever of it still runs gets this from each of its ports. */
export class Killed extends Error {
  override name = "Killed";
}

class DiskFull extends Error {}

/** What happens to the database while a life uses it. */
export interface Trouble {
  dead(): boolean;
  /** Called ahead of each statement, and behind each commit; may kill. */
  tick(what: "statement" | "committed"): void;
  /** True while the disk takes nothing more. */
  full(): boolean;
  /** True when this commit is forgotten, although the program is told that it went well: a broken disk. */
  forgets?(): boolean;
}

export type Engine = ReturnType<typeof createEngine>;

/**
 * One connection for many runs. A run stands in one transaction of the engine that is never committed, and each
 * transaction of the program is a savepoint in it; so the end of a run costs nothing, and statements are compiled once.
 */
export function createEngine() {
  const native = openDatabase(":memory:");
  native.exec("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = MEMORY;");
  migrate(native);
  const statements = new Map<string, Statement>();
  const compiled = (sql: string): Statement => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const fresh = native.prepare(sql);
    statements.set(sql, fresh);
    return fresh;
  };
  let open = false;

  const set = (is: boolean): void => {
    open = is;
  };

  return {
    /** Begins a run with an empty database, as the migrations leave it. */
    begin(): void {
      native.exec("BEGIN");
    },
    /** Undoes everything of the run. */
    end(): void {
      native.exec("ROLLBACK");
      open = false;
    },
    /** What was not committed is gone, as after a kill. */
    lose(): void {
      if (open) native.exec("ROLLBACK TO work; RELEASE work");
      open = false;
    },
    /** True in the middle of a transaction of the program. */
    isOpen: () => open,
    /** Looks from outside, without trouble. */
    rows: <Row>(sql: string, ...values: SqlValue[]): Row[] => compiled(sql).all<Row>(...values),
    /** The database as one life has it. */
    connect: (trouble: Trouble): Database => connect({ native, compiled, trouble, set }),
    close: () => native.close(),
  };
}

const writes = /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)/i;

function connect({
  native,
  compiled,
  trouble,
  set,
}: {
  native: Database;
  compiled(sql: string): Statement;
  trouble: Trouble;
  set(open: boolean): void;
}): Database {
  /** A transaction that only read asks nothing of the disk. */
  let wrote = false;
  const alive = (): void => {
    if (trouble.dead()) throw new Killed("The program is dead");
  };
  const before = (writing: boolean): void => {
    alive();
    trouble.tick("statement");
    alive();
    if (writing && trouble.full()) throw new DiskFull("database or disk is full");
    wrote ||= writing;
  };
  const exec = (sql: string): void => {
    if (sql === "BEGIN IMMEDIATE") {
      before(false);
      native.exec("SAVEPOINT work");
      set(true);
      wrote = false;
    } else if (sql === "COMMIT") {
      before(wrote);
      native.exec(trouble.forgets?.() === true ? "ROLLBACK TO work; RELEASE work" : "RELEASE work");
      set(false);
      trouble.tick("committed");
      alive();
    } else if (sql === "ROLLBACK") {
      alive();
      native.exec("ROLLBACK TO work; RELEASE work");
      set(false);
    } else {
      before(writes.test(sql));
      native.exec(sql);
    }
  };
  const base: Database = {
    exec,
    prepare(sql) {
      const writing = writes.test(sql);
      let statement: Statement | undefined;
      const ready = (): Statement => {
        before(writing);
        statement ??= compiled(sql);
        return statement;
      };
      return {
        run: (...values) => ready().run(...values),
        get: <Row>(...values: SqlValue[]) => ready().get<Row>(...values),
        all: <Row>(...values: SqlValue[]) => ready().all<Row>(...values),
      };
    },
    transaction: transactions(exec),
    close: () => undefined,
  };
  return guarded(base, (error) => (error instanceof DiskFull ? storeFailure(error, "remoteagent.db") : error));
}
