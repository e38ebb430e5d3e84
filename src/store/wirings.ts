// Which agent answers where, and the conversations that are known.
import type { Database } from "../sys/sqlite.ts";

/** Which agent answers in which conversation, on what trigger, with which session mode. */
export interface Wiring {
  agent: string;
  trigger: "mention" | "all";
  mode: "per-thread" | "shared" | "per-user" | "agent-shared";
  unmatched: "drop" | "accumulate";
}

/** A conversation, or a thread of it, with the newest message that came from there. `sentAt` is Unix milliseconds. */
export interface KnownPlace {
  conversation: { id: string; kind: "direct" | "shared" };
  thread?: string;
  newest: { id: string; sentAt: number };
}

interface PlaceRow {
  conversation: string;
  kind: "direct" | "shared";
  thread: string;
  id: string;
  sentAt: number;
}

// In the order of an index, so that nothing is sorted but what is found; asked once for each connection.
const placesSql = `SELECT p.conversation, c.kind, p.thread, i.external AS id, i.body ->> '$.sentAt' AS sentAt
   FROM (
     SELECT conversation, ifnull(body ->> '$.thread', '') AS thread, max(id) AS newest FROM inputs
     WHERE adapter = ?1 AND kind = 'message' AND body ->> '$.event' IS NULL
     GROUP BY conversation, ifnull(body ->> '$.thread', '')
   ) p
   JOIN conversations c ON c.adapter = ?1 AND c.external = p.conversation
   JOIN inputs i ON i.id = p.newest
   WHERE EXISTS (SELECT 1 FROM bindings b WHERE b.conversation = c.id) AND i.external NOT LIKE 'moved:%'
   ORDER BY p.newest DESC LIMIT ?2`;

export type Wirings = ReturnType<typeof openWirings>;

/** The wirings and conversations of a store. */
export function openWirings(db: Database) {
  const find = db.prepare(
    `SELECT agent, trigger, mode, unmatched FROM wirings
     WHERE (adapter IS NULL OR adapter = ?) AND (conversation IS NULL OR conversation = ?)
     ORDER BY (conversation IS NOT NULL) DESC, (adapter IS NOT NULL) DESC, id LIMIT 1`,
  );
  const known = db.prepare("SELECT id, kind FROM conversations WHERE adapter = ? AND external = ?");
  const shared = db.prepare(
    "SELECT external FROM conversations WHERE adapter = ? AND kind = 'shared' ORDER BY id DESC LIMIT ?",
  );
  const add = db.prepare("INSERT INTO conversations (adapter, external, kind, created_at) VALUES (?, ?, ?, ?)");
  const place = db.prepare("SELECT adapter, external FROM conversations WHERE id = ?");
  const agentAdd = db.prepare(
    "INSERT INTO agents (name, folder, created_at) VALUES (?1, ?1, ?2) ON CONFLICT DO NOTHING",
  );
  const unwire = db.prepare("DELETE FROM wirings WHERE adapter = ? AND conversation = ?");
  const wire = db.prepare(
    "INSERT INTO wirings (agent, adapter, conversation, trigger, mode, unmatched) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const places = db.prepare(placesSql);
  return {
    /** Where something was said that has a session, each with its newest message; the newest first. */
    places: (adapter: string, limit: number): KnownPlace[] =>
      places.all<PlaceRow>(adapter, limit).map(({ id, kind, conversation, thread, sentAt }) => ({
        conversation: { id: conversation, kind },
        ...(thread === "" ? {} : { thread }),
        newest: { id, sentAt },
      })),
    /** Where a conversation is. */
    place: (conversation: number): { adapter: string; external: string } | undefined => place.get(conversation),
    /** Another agent answers in a conversation from now on, as the one before did. */
    assign(agent: string, { adapter, conversation, at }: { adapter: string; conversation: string; at: number }): void {
      const before = find.get<Wiring>(adapter, conversation);
      agentAdd.run(agent, at);
      unwire.run(adapter, conversation);
      const { trigger = "mention", mode = "per-thread", unmatched = "drop" } = before ?? {};
      wire.run(agent, adapter, conversation, trigger, mode, unmatched);
    },
    /** The closest wiring: of the conversation, else of the adapter, else the one for all. */
    find(adapter: string, conversation: string): Wiring | undefined {
      return find.get<Wiring>(adapter, conversation);
    },
    /** Row number of a conversation that is known. */
    known(adapter: string, id: string): number | undefined {
      return known.get<{ id: number }>(adapter, id)?.id;
    },
    /** Ids of the shared conversations that are known on an adapter, the newest first. */
    shared: (adapter: string, limit: number): string[] =>
      shared.all<{ external: string }>(adapter, limit).map(({ external }) => external),
    /** What a conversation that is known is. */
    kind(adapter: string, id: string): "direct" | "shared" | undefined {
      return known.get<{ kind: "direct" | "shared" }>(adapter, id)?.kind;
    },
    /** Row number of a conversation, made when it is new. */
    conversation(adapter: string, { id, kind, at }: { id: string; kind: "direct" | "shared"; at: number }): number {
      const row = known.get<{ id: number }>(adapter, id);
      return row?.id ?? add.run(adapter, id, kind, at).lastId;
    },
  };
}
