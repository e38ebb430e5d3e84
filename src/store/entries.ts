// The tree of entries: what each session remembers, as the model sees it.
import type { EntryId, SessionId, TurnId } from "../core/ids.ts";
import type { Entry, EntryBody } from "../core/transcript.ts";
import type { Database } from "../sys/sqlite.ts";

/** An entry as the table has it. */
export interface EntryRow {
  id: number;
  parent: number | null;
  session: number;
  turn: number | null;
  at: number;
  body: string;
}

export type Entries = ReturnType<typeof openEntries>;

/** The entries of a store. */
export function openEntries(db: Database) {
  const insert = db.prepare(
    "INSERT INTO entries (id, parent, session, turn, at, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const byId = db.prepare("SELECT * FROM entries WHERE id = ?");
  const advance = db.prepare("UPDATE sessions SET head = ? WHERE id = ?");
  // Walks from the head to the root, at most to the newest compaction's first kept entry: the way up
  // is by primary key, one step an entry.
  const walk = db.prepare(
    `WITH RECURSIVE branch (id, parent) AS (
       SELECT id, parent FROM entries WHERE id = ?1
       UNION ALL
       SELECT e.id, e.parent FROM branch b JOIN entries e ON e.id = b.parent WHERE b.id <> ?2
     )
     SELECT e.* FROM branch b JOIN entries e ON e.id = b.id ORDER BY e.id`,
  );
  const newestCompaction = db.prepare(
    `WITH RECURSIVE branch (id, parent, kind) AS (
       SELECT id, parent, kind FROM entries WHERE id = ?
       UNION ALL
       SELECT e.id, e.parent, e.kind FROM branch b JOIN entries e ON e.id = b.parent WHERE b.kind <> 'compaction'
     )
     SELECT e.* FROM branch b JOIN entries e ON e.id = b.id WHERE b.kind = 'compaction' LIMIT 1`,
  );
  // The database has one process, which therefore knows the next number by itself.
  let newest = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").get<{ seq: number }>()?.seq ?? 0;
  const reserve = (): EntryId => {
    newest += 1;
    return newest;
  };
  return {
    /** The number of an entry that is to be added later; numbers that come to nothing are never used. */
    reserve,
    /** Adds an entry after `parent` and makes it the session's head. `id`: as it was reserved. */
    append(fresh: {
      id?: EntryId;
      session: SessionId;
      turn: TurnId | null;
      parent: EntryId | null;
      at: number;
      body: EntryBody;
    }): Entry {
      const id = fresh.id ?? reserve();
      insert.run(id, fresh.parent, fresh.session, fresh.turn, fresh.at, fresh.body.kind, JSON.stringify(fresh.body));
      advance.run(id, fresh.session);
      return { ...fresh, id };
    },
    /**
     * The branch that ends in `head`, oldest first: from the newest compaction's first kept entry on,
     * with that compaction itself at its place in the order.
     */
    branch(head: EntryId | null, { whole = false }: { whole?: boolean } = {}): Entry[] {
      if (head === null) return [];
      const compaction = whole ? undefined : newestCompaction.get<EntryRow>(head);
      const body = compaction === undefined ? undefined : (JSON.parse(compaction.body) as EntryBody);
      const keepFrom = body?.kind === "compaction" ? (body.keepFrom ?? compaction?.id ?? 0) : 0;
      return walk.all<EntryRow>(head, keepFrom).map(entry);
    },
    get(id: EntryId): Entry | undefined {
      const row = byId.get<EntryRow>(id);
      return row === undefined ? undefined : entry(row);
    },
  };
}

/** A row as everybody above the store sees it. */
export function entry(row: EntryRow): Entry {
  return {
    id: row.id,
    parent: row.parent,
    session: row.session,
    turn: row.turn,
    at: row.at,
    body: JSON.parse(row.body) as EntryBody,
  };
}
