// Web addresses that were given out, by the hashes of what opens them.
import type { SessionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Address } from "../core/message.ts";
import type { Database } from "../sys/sqlite.ts";

/** For whom and for what a link is. */
export interface LinkScope {
  purpose: string;
  adapter: string;
  /** Where it was asked for. */
  conversation: Address["conversation"];
  user: string;
  session: SessionId | null;
}

/** A link. Times are Unix milliseconds. */
export interface Link extends LinkScope {
  id: number;
  expiresAt: number;
}

interface Row {
  id: number;
  purpose: string;
  adapter: string;
  conversation: string;
  kind: "direct" | "shared";
  user: string;
  session: number | null;
  expires_at: number;
}

/** The links of a store. */
export function openLinks(db: Database) {
  const insert = db.prepare(
    `INSERT INTO links (hash, purpose, adapter, conversation, kind, user, session, opens_left, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const forget = db.prepare("DELETE FROM links WHERE expires_at <= ?");
  // Of one person's the newest stay.
  const crowd = db.prepare(
    `DELETE FROM links WHERE adapter = ?1 AND user = ?2 AND purpose = ?3 AND id NOT IN
       (SELECT id FROM links WHERE adapter = ?1 AND user = ?2 AND purpose = ?3 ORDER BY id DESC LIMIT ?4)`,
  );
  const byHash = db.prepare(
    "SELECT * FROM links WHERE hash = ? AND purpose = ? AND expires_at > ? AND ifnull(opens_left, 1) > 0",
  );
  const used = db.prepare("UPDATE links SET opens_left = opens_left - 1 WHERE id = ? AND opens_left IS NOT NULL");
  const visit = db.prepare("INSERT INTO visits (hash, link, at) VALUES (?, ?, ?)");
  const crowdedVisits = db.prepare(
    "DELETE FROM visits WHERE link = ?1 AND id NOT IN (SELECT id FROM visits WHERE link = ?1 ORDER BY id DESC LIMIT ?2)",
  );
  const visited = db.prepare(
    `SELECT * FROM links WHERE id = (SELECT link FROM visits WHERE hash = ?) AND id = ? AND purpose = ?
       AND expires_at > ?`,
  );
  const live = db.prepare("SELECT 1 FROM links WHERE expires_at > ? LIMIT 1");
  const revoke = db.prepare("DELETE FROM links WHERE id = ?");
  return {
    /**
     * Adds a link and forgets those that are over; in the caller's transaction. `opens` null: as often as one likes.
     * @returns its number.
     */
    add(fresh: LinkScope & { hash: string; opens: number | null; at: number; expiresAt: number }): number {
      const { adapter, conversation, user, purpose, at } = fresh;
      forget.run(at);
      const { lastId } = insert.run(
        fresh.hash,
        purpose,
        adapter,
        conversation.id,
        conversation.kind,
        user,
        fresh.session,
        fresh.opens,
        at,
        fresh.expiresAt,
      );
      crowd.run(adapter, user, purpose, limits.linksOfOneMax);
      return lastId;
    },
    /** The link that can be opened with this hash. Looking changes nothing. */
    find(hash: string, { purpose, at }: { purpose: string; at: number }): Link | undefined {
      const row = byHash.get<Row>(hash, purpose, at);
      return row === undefined ? undefined : link(row);
    },
    /** Opens a link for a browser, which shows `visit` from now on. The oldest browser is forgotten for too many. */
    open(id: number, { visit: hash, at }: { visit: string; at: number }): void {
      used.run(id);
      visit.run(hash, id, at);
      crowdedVisits.run(id, limits.linkVisitsMax);
    },
    /** The link with this number, when it was opened in the browser that shows this hash and is not over. */
    visited(hash: string, { id, purpose, at }: { id: number; purpose: string; at: number }): Link | undefined {
      const row = visited.get<Row>(hash, id, purpose, at);
      return row === undefined ? undefined : link(row);
    },
    /** Whether any link still works at a time. */
    live: (at: number): boolean => live.get(at) !== undefined,
    /** Takes a link back, with all browsers in which it was opened. */
    revoke: (id: number): boolean => revoke.run(id).changes > 0,
  };
}

function link(row: Row): Link {
  const { id, purpose, adapter, user, session, kind, conversation, expires_at: expiresAt } = row;
  return { id, purpose, adapter, user, session, conversation: { id: conversation, kind }, expiresAt };
}
