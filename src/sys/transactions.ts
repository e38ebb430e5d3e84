// Transactions over plain `exec`, the same for both engines.

/** Makes a `transaction` function: `BEGIN IMMEDIATE`, commit, roll back on a throw; nested calls join. */
export function transactions(exec: (sql: string) => void): <Result>(work: () => Result) => Result {
  let depth = 0;
  return (work) => {
    if (depth > 0) return work();
    exec("BEGIN IMMEDIATE");
    depth = 1;
    try {
      const result = work();
      exec("COMMIT");
      return result;
    } catch (error) {
      // After a full disk SQLite may have rolled back by itself; a second ROLLBACK would hide the cause.
      try {
        exec("ROLLBACK");
      } catch (rollback) {
        if (!(rollback instanceof Error)) throw rollback;
      }
      throw error;
    } finally {
      depth = 0;
    }
  };
}
