// What was said, both ways, for people: search and the history view.
import type { SessionId, TurnId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
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
  /** Root message of the thread that it belongs to, where a platform has a session for each root. */
  root: string | null;
}

/** Trigram search finds nothing below this many characters; shorter words are looked for in each text. */
const trigramChars = 3;

export type Messages = ReturnType<typeof openMessages>;

/** The messages of a store. */
export function openMessages(db: Database) {
  const insert = db.prepare(
    `INSERT INTO messages (adapter, conversation, external, session, turn, direction, sender, at, text, root)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const found = db.prepare(
    `SELECT m.* FROM messages_search s JOIN messages m ON m.id = s.rowid
     WHERE messages_search MATCH ? AND s.rowid < ? ORDER BY s.rowid DESC LIMIT ?`,
  );
  const all = db.prepare("SELECT * FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?");
  const byExternal = db.prepare("SELECT * FROM messages WHERE adapter = ? AND conversation = ? AND external = ?");
  const answerOf = db.prepare("SELECT * FROM messages WHERE turn = ? AND direction = 'out' ORDER BY id DESC LIMIT 1");
  const setText = db.prepare("UPDATE messages SET text = ? WHERE adapter = ? AND conversation = ? AND external = ?");
  const setSession = db.prepare(
    "UPDATE messages SET session = ?, root = ? WHERE adapter = ? AND conversation = ? AND external = ?",
  );
  const ofSession = db.prepare("SELECT * FROM messages WHERE session = ? ORDER BY id DESC LIMIT ?");
  // By the row's number, so that pages of a conversation go through the table once and not once each.
  const ofConversation = db.prepare(
    "SELECT * FROM messages WHERE id > ? AND +adapter = ? AND +conversation = ? ORDER BY id LIMIT ?",
  );
  return {
    add(fresh: Omit<StoredMessage, "id" | "root"> & { root?: string | undefined }): void {
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
        fresh.root ?? null,
      );
    },
    /** A message by its platform id. */
    byExternal(adapter: string, conversation: string, external: string): StoredMessage | undefined {
      return byExternal.get<StoredMessage>(adapter, conversation, external);
    },
    /** The newest answer of a turn. */
    answerOf(turn: TurnId): StoredMessage | undefined {
      return answerOf.get<StoredMessage>(turn);
    },
    /** The message was edited before anybody worked on it. */
    setText(
      external: string,
      { adapter, conversation, text }: { adapter: string; conversation: string; text: string },
    ) {
      setText.run(text, adapter, conversation, external);
    },
    /** The message found its session after it was stored. */
    setSession(
      external: string,
      place: { adapter: string; conversation: string; session: SessionId; root?: string | undefined },
    ): void {
      setSession.run(place.session, place.root ?? null, place.adapter, place.conversation, external);
    },
    /**
     * Messages that hold every word of `text`, in any order and case, newest first. Nothing in `text` is an operator.
     * With words of fewer than three characters, of those that hold the others the newest `searchRowsMax` are looked at.
     */
    search(text: string, limit = 50): StoredMessage[] {
      const words = text.split(/[\s\0]+/u).filter((word) => word.length > 0);
      if (words.length === 0) return [];
      const [long, short] = byLength(words);
      const query = long.map((word) => `"${word.replaceAll('"', '""')}"`).join(" ");
      const page = (before: number, rows: number): StoredMessage[] =>
        query === "" ? all.all(before, rows) : found.all(query, before, rows);
      if (short.length === 0) return page(Number.MAX_SAFE_INTEGER, limit);
      const results: StoredMessage[] = [];
      let before = Number.MAX_SAFE_INTEGER;
      for (let looked = 0; looked < limits.searchRowsMax && results.length < limit; looked += limits.searchPageRows) {
        const rows = page(before, limits.searchPageRows);
        results.push(...rows.filter((row) => holdsAll(row.text, short)));
        before = rows.at(-1)?.id ?? 0;
        if (rows.length < limits.searchPageRows) break;
      }
      return results.slice(0, limit);
    },
    /** Messages of a conversation behind the one with the number `after`, oldest first. */
    ofConversation(
      { adapter, conversation }: Pick<StoredMessage, "adapter" | "conversation">,
      { after, limit }: { after: number; limit: number },
    ): StoredMessage[] {
      return ofConversation.all<StoredMessage>(after, adapter, conversation, limit);
    },
    /** The last messages of a session, oldest first. */
    ofSession(session: SessionId, limit = 100): StoredMessage[] {
      return ofSession.all<StoredMessage>(session, limit).reverse();
    },
  };
}

/** Words that the trigram index finds, and the shorter ones in lower case. */
function byLength(words: readonly string[]): [long: string[], short: string[]] {
  const isLong = (word: string) => [...word].length >= trigramChars;
  return [words.filter(isLong), words.filter((word) => !isLong(word)).map((word) => word.toLowerCase())];
}

/** The engine knows upper and lower case of ASCII alone. */
function holdsAll(text: string, words: readonly string[]): boolean {
  const folded = text.toLowerCase();
  return words.every((word) => folded.includes(word));
}
