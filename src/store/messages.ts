// What was said, both ways, for people: search and the history view.
import type { SessionId, TurnId } from "../core/ids.ts";
import type { Database } from "../sys/sqlite.ts";

/** One message as it was said. `at` is Unix milliseconds. */
export interface StoredMessage {
  id: number;
  adapter: string;
  conversation: string;
  external: string | null;
  session: SessionId | null;
  turn: TurnId | null;
  direction: "in" | "out";
  sender: string;
  at: number;
  text: string;
}

/** Trigram search finds nothing below this many characters; shorter words are looked for by a scan. */
const trigramChars = 3;

export type Messages = ReturnType<typeof openMessages>;

/** The messages of a store. */
export function openMessages(db: Database) {
  const insert = db.prepare(
    `INSERT INTO messages (adapter, conversation, external, session, turn, direction, sender, at, text)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const found = db.prepare(
    `SELECT m.* FROM messages_search s JOIN messages m ON m.id = s.rowid
     WHERE messages_search MATCH ? ORDER BY m.id DESC LIMIT ?`,
  );
  const scanned = db.prepare(`SELECT * FROM messages WHERE instr(lower(text), lower(?)) > 0 ORDER BY id DESC LIMIT ?`);
  const ofSession = db.prepare("SELECT * FROM messages WHERE session = ? ORDER BY id DESC LIMIT ?");
  return {
    add(fresh: Omit<StoredMessage, "id">): void {
      insert.run(
        fresh.adapter,
        fresh.conversation,
        fresh.external,
        fresh.session,
        fresh.turn,
        fresh.direction,
        fresh.sender,
        fresh.at,
        fresh.text,
      );
    },
    /** Messages that hold every word of `text`, newest first. Nothing in `text` is an operator. */
    search(text: string, limit = 50): StoredMessage[] {
      const words = text.split(/\s+/u).filter((word) => word.length > 0);
      if (words.length === 0) return [];
      if (words.some((word) => [...word].length < trigramChars)) return scanned.all<StoredMessage>(text.trim(), limit);
      const query = words.map((word) => `"${word.replaceAll('"', '""')}"`).join(" ");
      return found.all<StoredMessage>(query, limit);
    },
    /** The last messages of a session, oldest first. */
    ofSession(session: SessionId, limit = 100): StoredMessage[] {
      return ofSession.all<StoredMessage>(session, limit).reverse();
    },
  };
}
