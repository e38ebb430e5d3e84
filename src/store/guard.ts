// Every use of the open database tells what went wrong as the opening does: a full disk is a sentence, not an engine's code.
import type { Database, SqlValue, Statement } from "../sys/sqlite.ts";

/** The same database; what the engine throws goes through `judge` first, what the caller's own work throws does not. */
export function guarded(db: Database, judge: (error: unknown) => unknown): Database {
  const guard = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw judge(error);
    }
  };
  return {
    exec: (sql) => guard(() => db.exec(sql)),
    prepare(sql) {
      const statement = guard(() => db.prepare(sql));
      return {
        run: (...values) => guard(() => statement.run(...values)),
        get: <Row>(...values: SqlValue[]) => guard(() => statement.get<Row>(...values)),
        all: <Row>(...values: SqlValue[]) => guard(() => statement.all<Row>(...values)),
      } satisfies Statement;
    },
    transaction(work) {
      // Its statements are judged where they throw; what is left is the beginning and the commit.
      let thrown: { error: unknown } | undefined;
      try {
        return db.transaction(() => {
          try {
            return work();
          } catch (error) {
            thrown = { error };
            throw error;
          }
        });
      } catch (error) {
        throw thrown !== undefined && thrown.error === error ? error : judge(error);
      }
    },
    close: () => db.close(),
  };
}
