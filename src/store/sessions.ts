// Sessions and the places from which they are reached.
import type { EntryId, SessionId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { parseOptions, type Session, type SessionOptions } from "../core/session.ts";
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
  options?: SessionOptions;
  /** Fork: the parent and the entry to start from. */
  parent?: { session: SessionId; entry: EntryId | null };
}

/** What a list of sessions is narrowed by; all of what is given holds. */
export interface SessionFilter {
  /** Reached from this conversation (its row number), or begun there. */
  conversation?: number | undefined;
  agent?: string | undefined;
  /** Chosen for the session. */
  model?: string | undefined;
  /** `adapter/conversation` of one of its bindings. */
  place?: string | undefined;
  /** Part of the title, in any case. */
  title?: string | undefined;
  running?: boolean | undefined;
  limit?: number | undefined;
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
  options: string;
  created_at: number;
  last_at: number;
}

interface ListedRow extends Row {
  turns: number;
  waiting: number;
  running: number;
  /** A JSON array. */
  places: string;
}

export type Sessions = ReturnType<typeof openSessions>;

// A session belongs to the conversation of its first turn, also when no place there leads to it any more.
const bornIn = `(SELECT t.reply_to ->> '$.adapter' || '/' || (t.reply_to ->> '$.conversation.id')
   FROM turns t WHERE t.session = sessions.id ORDER BY t.id LIMIT 1)`;
// The counts are made for the rows that are shown, after the narrowing and the cut.
const listSql = `SELECT s.*,
     (SELECT count(*) FROM turns t WHERE t.session = s.id) AS turns,
     (SELECT count(*) FROM inputs i WHERE i.session = s.id AND i.state = 'waiting') AS waiting,
     EXISTS (SELECT 1 FROM turns t WHERE t.session = s.id AND t.state = 'running') AS running,
     (SELECT json_group_array(place) FROM (
        SELECT c.adapter || '/' || c.external AS place FROM bindings b JOIN conversations c ON c.id = b.conversation
        WHERE b.session = s.id ORDER BY place LIMIT 20)) AS places
   FROM (
     SELECT * FROM sessions
     WHERE (?1 IS NULL OR id IN (SELECT session FROM bindings WHERE conversation = ?1)
         OR ${bornIn} = (SELECT adapter || '/' || external FROM conversations WHERE id = ?1))
       AND (?2 IS NULL OR agent = ?2)
       AND (?3 IS NULL OR model = ?3)
       AND (?4 IS NULL OR EXISTS (
         SELECT 1 FROM bindings b JOIN conversations c ON c.id = b.conversation
         WHERE b.session = sessions.id AND c.adapter || '/' || c.external = ?4))
       AND (?5 IS NULL OR id IN (SELECT value FROM json_each(?5)))
       AND (?6 IS NULL OR ?6 = EXISTS (SELECT 1 FROM turns t WHERE t.session = sessions.id AND t.state = 'running'))
     ORDER BY last_at DESC, id DESC LIMIT ?7
   ) s ORDER BY s.last_at DESC, s.id DESC`;

/** The sessions of a store. */
export function openSessions(db: Database) {
  const byId = db.prepare("SELECT * FROM sessions WHERE id = ?");
  const insert = db.prepare(
    `INSERT INTO sessions (agent, title, head, parent, forked_at, model, folder, options, created_at, last_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const bound = db.prepare(
    // Not as a join: SQLite would prepare that anew at each use, which takes ten times as long as the looking up.
    `SELECT * FROM sessions WHERE id =
       (SELECT session FROM bindings WHERE agent = ? AND conversation = ? AND root = ? AND user = ?)`,
  );
  const bind = db.prepare(
    `INSERT INTO bindings (agent, conversation, root, user, session) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET session = excluded.session`,
  );
  const unbind = db.prepare("DELETE FROM bindings WHERE agent = ? AND conversation = ? AND root = ? AND user = ?");
  const inConversation = db.prepare(
    `SELECT 1 FROM sessions WHERE id = ?1 AND (
       EXISTS (SELECT 1 FROM bindings WHERE session = ?1 AND conversation = ?2)
       OR ${bornIn} = (SELECT adapter || '/' || external FROM conversations WHERE id = ?2)
       OR EXISTS (SELECT 1 FROM inputs i JOIN conversations c ON c.adapter = i.adapter AND c.external = i.conversation
         WHERE i.session = ?1 AND i.state = 'held' AND c.id = ?2))`,
  );
  const touched = db.prepare(
    "UPDATE sessions SET last_at = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE id = ?",
  );
  const titles = db.prepare("SELECT id, title FROM sessions ORDER BY last_at DESC, id DESC LIMIT ?");
  const listed = db.prepare(listSql);
  const setters = {
    title: db.prepare("UPDATE sessions SET title = ? WHERE id = ?"),
    model: db.prepare("UPDATE sessions SET model = ? WHERE id = ?"),
    continuation: db.prepare("UPDATE sessions SET continuation = ? WHERE id = ?"),
    folder: db.prepare("UPDATE sessions SET folder = ? WHERE id = ?"),
    head: db.prepare("UPDATE sessions SET head = ? WHERE id = ?"),
    options: db.prepare("UPDATE sessions SET options = ? WHERE id = ?"),
  };
  const key = (place: Place) => [place.agent, place.conversation ?? 0, place.root ?? "", place.user ?? ""] as const;

  /** Sessions with `part` in their title, as the query takes them. The engine knows upper and lower case of ASCII alone. */
  const titled = (part: string): string => {
    const wanted = part.toLowerCase();
    const rows = titles.all<{ id: number; title: string }>(limits.searchRowsMax);
    return JSON.stringify(rows.filter(({ title }) => title.toLowerCase().includes(wanted)).map(({ id }) => id));
  };
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
        JSON.stringify(fresh.options ?? {}),
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
    /**
     * True when the session is reached from that conversation, began there, or holds something that was said there: the
     * right to switch to it.
     */
    reachedFrom(id: SessionId, conversation: number): boolean {
      return inConversation.get(id, conversation) !== undefined;
    },
    /** Notes activity; `title` is taken while the session has none. */
    touch(id: SessionId, { at, title = "" }: { at: number; title?: string }): void {
      touched.run(at, title, id);
    },
    set(
      id: SessionId,
      change: Partial<Pick<Session, "title" | "model" | "continuation" | "folder" | "head" | "options">>,
    ): void {
      const { title, model, continuation, folder, head, options } = change;
      if (title !== undefined) setters.title.run(title, id);
      if (model !== undefined) setters.model.run(model, id);
      if (continuation !== undefined) setters.continuation.run(continuation, id);
      if (folder !== undefined) setters.folder.run(folder, id);
      if (head !== undefined) setters.head.run(head, id);
      if (options !== undefined) setters.options.run(JSON.stringify(options), id);
    },
    /** Newest first. */
    list({ limit = 200, ...wanted }: SessionFilter = {}): SessionSummary[] {
      const { conversation, agent, model, place, title, running } = wanted;
      const rows = listed.all<ListedRow>(
        conversation ?? null,
        agent ?? null,
        model ?? null,
        place ?? null,
        title === undefined ? null : titled(title),
        running === undefined ? null : Number(running),
        limit,
      );
      return rows.map(summary);
    },
  };
}

function summary(row: ListedRow): SessionSummary {
  return {
    ...session(row),
    turns: row.turns,
    waiting: row.waiting,
    running: row.running > 0,
    places: JSON.parse(row.places) as string[],
  };
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
    options: parseOptions(row.options),
    createdAt: row.created_at,
    lastAt: row.last_at,
  };
}
