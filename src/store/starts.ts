// How often the program started and how long it lived: the brake on crash loops.
import type { Database } from "../sys/sqlite.ts";

export type Starts = ReturnType<typeof openStarts>;

/** The starts of a store. Times are Unix milliseconds. */
export function openStarts(db: Database) {
  const insert = db.prepare("INSERT INTO starts (at, alive_at) VALUES (?, ?)");
  const alive = db.prepare("UPDATE starts SET alive_at = ? WHERE id = ?");
  const clean = db.prepare("UPDATE starts SET alive_at = ?, clean = 1 WHERE id = ?");
  const last = db.prepare("SELECT at, alive_at, clean FROM starts ORDER BY id DESC LIMIT ?");
  const trim = db.prepare("DELETE FROM starts WHERE id <= ? - 100");
  return {
    add(at: number): number {
      const { lastId } = insert.run(at, at);
      trim.run(lastId);
      return lastId;
    },
    /** It still lives. */
    alive(id: number, at: number): void {
      alive.run(at, id);
    },
    /** It ended as it should. */
    ended(id: number, at: number): void {
      clean.run(at, id);
    },
    /** True when the last `count` starts all ended uncleanly within `lifeMs`. To be asked before {@link add}. */
    crashLoop({ count, lifeMs }: { count: number; lifeMs: number }): boolean {
      const rows = last.all<{ at: number; alive_at: number; clean: number }>(count);
      return rows.length === count && rows.every((row) => row.clean === 0 && row.alive_at - row.at < lifeMs);
    },
  };
}
