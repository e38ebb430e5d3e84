// Sessions and the places from which they are reached.
import type { EntryId, SessionId } from "../core/ids.ts";
import type { Session } from "../core/session.ts";
import type { Database } from "../sys/sqlite.ts";

/** Where a session is reached from; what is left out is "none". */
export interface Place {
  agent: string;
  /** Row number of the conversation. */
  conversation?: number;
  root?: string;
  user?: string;
}

/** A session in a list. */
export interface SessionSummary extends Session {
  turns: number;
  waiting: number;
  running: boolean;
  /** `adapter/conversation` of each binding. */
  places: string[];
}

/** What is chosen when a session is made. Times are Unix milliseconds. */
export interface NewSession {
  agent: string;
  at: number;
  title?: string;
  model?: string | null;
  folder?: string | null;
  /** Fork: the parent and the entry to start from. */
  parent?: { session: SessionId; entry: EntryId | null };
}

interface Row {
  id: number;
  agent: string;
  title: string;
  head: number | null;
  parent: number | null;
  forked_at: number | null;
  model: string | null;
  continuation: string | null;
  folder: string | null;
  created_at: number;
  last_at: number;
}

export type Sessions = ReturnType<typeof openSessions>;

/** The sessions of a store. */
export function openSessions(db: Database) {
  const byId = db.prepare("SELECT * FROM sessions WHERE id = ?");
  const insert = db.prepare(
    `INSERT INTO sessions (agent, title, head, parent, forked_at, model, folder, created_at, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const bound = db.prepare(
    `SELECT s.* FROM bindings b JOIN sessions s ON s.id = b.session
     WHERE b.agent = ? AND b.conversation = ? AND b.root = ? AND b.user = ?`,
  );
  const bind = db.prepare(
    `INSERT INTO bindings (agent, conversation, root, user, session) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET session = excluded.session`,
  );
  const unbind = db.prepare("DELETE FROM bindings WHERE agent = ? AND conversation = ? AND root = ? AND user = ?");
  const inConversation = db.prepare("SELECT 1 FROM bindings WHERE session = ? AND conversation = ? LIMIT 1");
  const touched = db.prepare(
    "UPDATE sessions SET last_at = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE id = ?",
  );
  const places = db.prepare(
    `SELECT c.adapter || '/' || c.external AS place FROM bindings b JOIN conversations c ON c.id = b.conversation
     WHERE b.session = ? ORDER BY place LIMIT 20`,
  );
  const key = (place: Place) => [place.agent, place.conversation ?? 0, place.root ?? "", place.user ?? ""] as const;

  const summary = (row: Row & { turns: number; waiting: number; running: number }): SessionSummary => ({
    ...session(row),
    turns: row.turns,
    waiting: row.waiting,
    running: row.running > 0,
    places: places.all<{ place: string }>(row.id).map((found) => found.place),
  });

  return {
    get(id: SessionId): Session | undefined {
      const row = byId.get<Row>(id);
      return row === undefined ? undefined : session(row);
    },
    /** The session bound to a place. */
    at(place: Place): Session | undefined {
      const row = bound.get<Row>(...key(place));
      return row === undefined ? undefined : session(row);
    },
    create(fresh: NewSession): Session {
      const { lastId } = insert.run(
        fresh.agent,
        fresh.title ?? "",
        fresh.parent?.entry ?? null,
        fresh.parent?.session ?? null,
        fresh.parent?.entry ?? null,
        fresh.model ?? null,
        fresh.folder ?? null,
        fresh.at,
        fresh.at,
      );
      const row = byId.get<Row>(lastId);
      if (row === undefined) throw new Error(`Session ${lastId} is missing right after its insert`);
      return session(row);
    },
    /** Makes a place lead to a session, whatever it led to before. */
    bind(place: Place, id: SessionId): void {
      bind.run(...key(place), id);
    },
    unbind(place: Place): boolean {
      return unbind.run(...key(place)).changes > 0;
    },
    /** True when the session is reached from that conversation: the right to switch to it. */
    reachedFrom(id: SessionId, conversation: number): boolean {
      return inConversation.get(id, conversation) !== undefined;
    },
    /** Notes activity; `title` is taken while the session has none. */
    touch(id: SessionId, { at, title = "" }: { at: number; title?: string }): void {
      touched.run(at, title, id);
    },
    set(id: SessionId, change: Partial<Pick<Session, "title" | "model" | "continuation" | "folder" | "head">>): void {
      for (const [column, value] of Object.entries(change)) {
        if (value !== undefined) db.prepare(`UPDATE sessions SET ${settable(column)} = ? WHERE id = ?`).run(value, id);
      }
    },
    /** Newest first. `conversation`: only those reached from it. */
    list({ conversation, limit = 200 }: { conversation?: number; limit?: number } = {}): SessionSummary[] {
      const where =
        conversation === undefined ? "" : "WHERE s.id IN (SELECT session FROM bindings WHERE conversation = ?)";
      const rows = db
        .prepare(
          `SELECT s.*,
             (SELECT count(*) FROM turns t WHERE t.session = s.id) AS turns,
             (SELECT count(*) FROM inputs i WHERE i.session = s.id AND i.state = 'waiting') AS waiting,
             (SELECT count(*) FROM turns t WHERE t.session = s.id AND t.state = 'running') AS running
           FROM sessions s ${where} ORDER BY s.last_at DESC, s.id DESC LIMIT ?`,
        )
        .all<Row & { turns: number; waiting: number; running: number }>(
          ...(conversation === undefined ? [limit] : [conversation, limit]),
        );
      return rows.map(summary);
    },
  };
}

/** Column names never come from outside; this keeps it so. */
function settable(column: string): string {
  if (!["title", "model", "continuation", "folder", "head"].includes(column))
    throw new Error(`Column ${column} is not settable`);
  return column;
}

function session(row: Row): Session {
  return {
    id: row.id,
    agent: row.agent,
    title: row.title,
    head: row.head,
    parent: row.parent,
    forkedAt: row.forked_at,
    model: row.model,
    continuation: row.continuation,
    folder: row.folder,
    createdAt: row.created_at,
    lastAt: row.last_at,
  };
}
