// What strangers wrote and an approval is to let in: stored, and seen by nobody until then. What is held in a session
// belongs to somebody who is known, and is the queue's own (missed messages, batches).
import type { InputId } from "../core/ids.ts";
import type { Inbound } from "../core/message.ts";
import type { Database } from "../sys/sqlite.ts";

/** A held input. */
export interface HeldInput {
  id: InputId;
  inbound: Inbound;
}

/** Whose: on which adapter, by the platform's immutable id, and in which conversation if not in any. */
export interface HeldOf {
  adapter: string;
  user: string;
  conversation?: string;
}

/** More than this is never held at once. */
const rowsMax = 10_000;

/** The held inputs of a store: those that belong to no session yet. */
export function openHeld(db: Database) {
  const all = db.prepare("SELECT id, body FROM inputs WHERE state = 'held' AND session IS NULL ORDER BY id LIMIT ?");
  const of = db.prepare(
    `SELECT id, body FROM inputs WHERE state = 'held' AND session IS NULL AND adapter = ?1 AND body ->> '$.sender.id' = ?2
       AND (?3 IS NULL OR conversation = ?3) ORDER BY id LIMIT ?4`,
  );
  const remove = db.prepare("DELETE FROM inputs WHERE id = ? AND state = 'held' AND session IS NULL");
  const held = (row: { id: number; body: string }): HeldInput => ({
    id: row.id,
    inbound: JSON.parse(row.body) as Inbound,
  });
  return {
    all: (): HeldInput[] => all.all<{ id: number; body: string }>(rowsMax).map(held),
    of: ({ adapter, user, conversation }: HeldOf): HeldInput[] =>
      of.all<{ id: number; body: string }>(adapter, user, conversation ?? null, rowsMax).map(held),
    /** Takes it out, to be stored anew or forgotten. @returns false when it is not held any more. */
    remove: (id: InputId): boolean => remove.run(id).changes > 0,
  };
}
