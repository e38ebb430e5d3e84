// Strangers who were turned away: counted, and told at most once an hour.
import { limits } from "../core/limits.ts";
import type { Database } from "../sys/sqlite.ts";

/** Why a message was dropped. */
export type DropReason = "strict" | "direct" | "full" | "denied" | "bot";

/** Somebody whose messages were dropped. Times are Unix milliseconds. */
export interface Stranger {
  adapter: string;
  user: string;
  name: string;
  /** Why the last one was. */
  reason: DropReason;
  count: number;
  firstAt: number;
  lastAt: number;
  toldAt: number | null;
}

interface Row {
  adapter: string;
  user: string;
  name: string;
  reason: DropReason;
  count: number;
  first_at: number;
  last_at: number;
  told_at: number | null;
}

export type Strangers = ReturnType<typeof openStrangers>;

/** The strangers of a store; at most `strangersMax` of them. */
export function openStrangers(db: Database) {
  const byId = db.prepare("SELECT * FROM strangers WHERE adapter = ? AND user = ?");
  const insert = db.prepare(
    `INSERT INTO strangers (adapter, user, name, reason, count, first_at, last_at) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)`,
  );
  const more = db.prepare(
    "UPDATE strangers SET name = ?, reason = ?, count = count + 1, last_at = ? WHERE adapter = ? AND user = ?",
  );
  const all = db.prepare("SELECT count(*) AS n FROM strangers");
  // Who was told lately stays: without the row they would be told again.
  const evict = db.prepare(
    `DELETE FROM strangers WHERE (adapter, user) IN
       (SELECT adapter, user FROM strangers WHERE told_at IS NULL OR told_at <= ? ORDER BY last_at LIMIT ?)`,
  );
  const told = db.prepare("UPDATE strangers SET told_at = ? WHERE adapter = ? AND user = ?");
  const toldSince = db.prepare("SELECT count(*) AS n FROM strangers WHERE adapter = ? AND told_at > ?");
  const list = db.prepare(
    "SELECT * FROM strangers WHERE (?1 IS NULL OR adapter = ?1) ORDER BY last_at DESC, adapter, user LIMIT ?2",
  );
  return {
    /** Counts a message of a stranger. @returns what is known of them with it. */
    count(fresh: { adapter: string; user: string; name: string; reason: DropReason; at: number }): Stranger {
      const { adapter, user, name, reason, at } = fresh;
      if (more.run(name, reason, at, adapter, user).changes === 0) {
        const surplus = (all.get<{ n: number }>()?.n ?? 0) + 1 - limits.strangersMax;
        if (surplus > 0) evict.run(at - limits.strangerTellMs, surplus);
        insert.run(adapter, user, name, reason, at);
      }
      const row = byId.get<Row>(adapter, user);
      if (row === undefined) throw new Error("A stranger is missing right after their insert");
      return stranger(row);
    },
    /** Notes that they were told. */
    told(adapter: string, user: string, at: number): void {
      told.run(at, adapter, user);
    },
    /** How many were told since a time. */
    toldSince: (adapter: string, since: number): number => toldSince.get<{ n: number }>(adapter, since)?.n ?? 0,
    /** The last first. */
    list({ adapter, limit = 200 }: { adapter?: string | undefined; limit?: number } = {}): Stranger[] {
      return list.all<Row>(adapter ?? null, limit).map(stranger);
    },
  };
}

function stranger(row: Row): Stranger {
  const { first_at: firstAt, last_at: lastAt, told_at: toldAt, ...rest } = row;
  return { ...rest, firstAt, lastAt, toldAt };
}
