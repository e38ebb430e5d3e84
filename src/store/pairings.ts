// One-time codes by their hashes, and who guessed at them.
import type { Database } from "../sys/sqlite.ts";
import type { GivenRole } from "./roles.ts";

/** A code that was printed. Times are Unix milliseconds. */
export interface Pairing {
  hash: string;
  role: GivenRole;
  /** None: whichever adapter it is sent to. */
  adapter: string | null;
  createdAt: number;
  expiresAt: number;
}

interface Row {
  hash: string;
  role: GivenRole;
  adapter: string | null;
  created_at: number;
  expires_at: number;
}

/** The codes of a store. */
export function openPairings(db: Database) {
  const insert = db.prepare(
    "INSERT INTO pairings (hash, role, adapter, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
  );
  const open = db.prepare(
    "SELECT * FROM pairings WHERE used_at IS NULL AND expires_at > ? ORDER BY created_at LIMIT 100",
  );
  const byHash = db.prepare("SELECT * FROM pairings WHERE hash = ? AND used_at IS NULL AND expires_at > ?");
  const use = db.prepare("UPDATE pairings SET used_at = ?, used_by = ? WHERE hash = ? AND used_at IS NULL");
  const forget = db.prepare("DELETE FROM pairings WHERE expires_at <= ?");
  const guesses = db.prepare("SELECT count, since FROM guesses WHERE adapter = ? AND user = ?");
  const guess = db.prepare(
    `INSERT INTO guesses (adapter, user, count, since) VALUES (?1, ?2, 1, ?3)
     ON CONFLICT DO UPDATE SET count = iif(since <= ?4, 1, count + 1), since = iif(since <= ?4, ?3, since)`,
  );
  const forgive = db.prepare("DELETE FROM guesses WHERE since <= ?");
  return {
    add(fresh: Pairing): void {
      insert.run(fresh.hash, fresh.role, fresh.adapter, fresh.createdAt, fresh.expiresAt);
    },
    /** Those that still work at a time, the oldest first. */
    open: (at: number): Pairing[] => open.all<Row>(at).map(pairing),
    /** The code with this hash, if it still works. */
    find(hash: string, at: number): Pairing | undefined {
      const row = byHash.get<Row>(hash, at);
      return row === undefined ? undefined : pairing(row);
    },
    /** Uses a code up; `by: null` voids it. @returns false when it was used before. */
    use: (hash: string, { at, by }: { at: number; by: string | null }): boolean => use.run(at, by, hash).changes > 0,
    /** Forgets codes that ended before a time. */
    forget: (before: number): number => forget.run(before).changes,
    /** Wrong codes of somebody since a time. */
    guesses(adapter: string, user: string, since: number): number {
      const row = guesses.get<{ count: number; since: number }>(adapter, user);
      return row === undefined || row.since <= since ? 0 : row.count;
    },
    /** Counts a wrong code; what is older than `since` is forgotten. */
    guess(adapter: string, user: string, { at, since }: { at: number; since: number }): void {
      forgive.run(since);
      guess.run(adapter, user, at, since);
    },
  };
}

function pairing(row: Row): Pairing {
  const { hash, role, adapter, created_at: createdAt, expires_at: expiresAt } = row;
  return { hash, role, adapter, createdAt, expiresAt };
}
