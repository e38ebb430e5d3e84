// Which agent answers where, and the conversations that are known.
import type { Database } from "../sys/sqlite.ts";

/** Which agent answers in which conversation, on what trigger, with which session mode. */
export interface Wiring {
  agent: string;
  trigger: "mention" | "all";
  mode: "per-thread" | "shared" | "per-user" | "agent-shared";
  unmatched: "drop" | "accumulate";
}

/** The wirings and conversations of a store. */
export function openWirings(db: Database) {
  const find = db.prepare(
    `SELECT agent, trigger, mode, unmatched FROM wirings
     WHERE (adapter IS NULL OR adapter = ?) AND (conversation IS NULL OR conversation = ?)
     ORDER BY (conversation IS NOT NULL) DESC, (adapter IS NOT NULL) DESC, id LIMIT 1`,
  );
  const known = db.prepare("SELECT id FROM conversations WHERE adapter = ? AND external = ?");
  const add = db.prepare("INSERT INTO conversations (adapter, external, kind, created_at) VALUES (?, ?, ?, ?)");
  return {
    /** The closest wiring: of the conversation, else of the adapter, else the one for all. */
    find(adapter: string, conversation: string): Wiring | undefined {
      return find.get<Wiring>(adapter, conversation);
    },
    /** Row number of a conversation that is known. */
    known(adapter: string, id: string): number | undefined {
      return known.get<{ id: number }>(adapter, id)?.id;
    },
    /** Row number of a conversation, made when it is new. */
    conversation(adapter: string, { id, kind, at }: { id: string; kind: "direct" | "shared"; at: number }): number {
      const row = known.get<{ id: number }>(adapter, id);
      return row?.id ?? add.run(adapter, id, kind, at).lastId;
    },
  };
}
