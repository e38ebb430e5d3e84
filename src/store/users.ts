// Everybody who was ever let in: how they are called, and where they are reached privately.
import { limits } from "../core/limits.ts";
import type { Database } from "../sys/sqlite.ts";

/** Somebody who was let in. Times are Unix milliseconds. */
export interface User {
  adapter: string;
  /** The platform's immutable id. */
  id: string;
  /** For display alone. */
  name: string;
  /** Their direct conversation with the agent, once it is known. */
  direct: string | null;
  firstAt: number;
  lastAt: number;
}

interface Row {
  adapter: string;
  id: string;
  name: string;
  direct: string | null;
  first_at: number;
  last_at: number;
}

export type Users = ReturnType<typeof openUsers>;

/** The users of a store. */
export function openUsers(db: Database) {
  const byId = db.prepare("SELECT * FROM users WHERE adapter = ? AND id = ?");
  const save = db.prepare(
    `INSERT INTO users (adapter, id, name, direct, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
     ON CONFLICT DO UPDATE SET name = excluded.name, direct = ifnull(excluded.direct, direct), last_at = excluded.last_at`,
  );
  const list = db.prepare(
    "SELECT * FROM users WHERE (?1 IS NULL OR adapter = ?1) ORDER BY last_at DESC, adapter, id LIMIT ?2",
  );
  return {
    get(adapter: string, id: string): User | undefined {
      const row = byId.get<Row>(adapter, id);
      return row === undefined ? undefined : user(row);
    },
    /** Notes that somebody was here. Writes only what is news: a name, a direct conversation, or a later hour. */
    seen(fresh: { adapter: string; id: string; name: string; direct: string | undefined; at: number }): void {
      const { adapter, id, name, direct, at } = fresh;
      const known = byId.get<Row>(adapter, id);
      const same = known !== undefined && known.name === name && (direct === undefined || known.direct === direct);
      if (same && at - known.last_at < limits.seenEveryMs) return;
      save.run(adapter, id, name, direct ?? null, at);
    },
    /** The last seen first. */
    list({ adapter, limit = 200 }: { adapter?: string | undefined; limit?: number } = {}): User[] {
      return list.all<Row>(adapter ?? null, limit).map(user);
    },
  };
}

function user(row: Row): User {
  const { first_at: firstAt, last_at: lastAt, ...rest } = row;
  return { ...rest, firstAt, lastAt };
}
