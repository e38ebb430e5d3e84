// Takes out what is old and done, a few rows at a time: events of ended turns, inputs, deliveries.
import type { Database } from "../sys/sqlite.ts";

/** What is pruned, in this order. Sessions, turns, entries and messages stay: they are what was said. */
export const prunedTables = ["events", "inputs", "deliveries"] as const;
export type PrunedTable = (typeof prunedTables)[number];

/** One step. `before` is Unix milliseconds: what is older goes. `after` is the row that the last step came to. */
export interface PruneStep {
  before: number;
  after: number;
  rows: number;
}

/** What a step did. `next` is where the next one goes on; undefined when nothing older is left. */
export interface Pruned {
  removed: number;
  next: number | undefined;
}

// ?1 and ?2 are the rows of a step, ?3 is the time.
const removals: Readonly<Record<PrunedTable, { time: string; sql: string }>> = {
  events: {
    time: "at",
    // The newest number is where readers go on: it stays, so that numbers never begin anew.
    sql: `DELETE FROM events WHERE id > ?1 AND id <= ?2 AND at < ?3 AND id < (SELECT max(id) FROM events)
      AND EXISTS (SELECT 1 FROM turns t WHERE t.id = events.turn AND t.ended_at < ?3)`,
  },
  inputs: {
    time: "received_at",
    // The newest message of each place stays: gaps are looked for after it. So does what was said later and came
    // earlier: it would be found in such a gap, and be taken for something that was missed.
    sql: `DELETE FROM inputs WHERE id > ?1 AND id <= ?2 AND received_at < ?3
      AND state IN ('done', 'removed', 'context')
      AND (turn IS NULL OR EXISTS (SELECT 1 FROM turns t WHERE t.id = inputs.turn AND t.ended_at < ?3))
      AND (kind <> 'message' OR body ->> '$.event' IS NOT NULL OR EXISTS (
        SELECT 1 FROM inputs n WHERE n.kind = 'message' AND n.body ->> '$.event' IS NULL AND n.adapter = inputs.adapter
          AND n.conversation = inputs.conversation
          AND ifnull(n.body ->> '$.thread', '') = ifnull(inputs.body ->> '$.thread', '') AND n.id > inputs.id
          AND n.body ->> '$.sentAt' >= inputs.body ->> '$.sentAt'))`,
  },
  deliveries: {
    time: "created_at",
    // What failed and was not told yet still is; of a bell, and of the telling itself, nobody ever is. Rows that others
    // hang on go after those.
    sql: `DELETE FROM deliveries WHERE id > ?1 AND id <= ?2 AND created_at < ?3
      AND (fate IN ('sent', 'dropped') OR (fate IN ('unknown', 'failed') AND (told_at IS NOT NULL OR kind IN ('bell', 'tell'))))
      AND NOT EXISTS (SELECT 1 FROM deliveries p WHERE p.head = deliveries.id)
      AND NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.answers = deliveries.id)
      AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.id = deliveries.question AND a.state = 'open')
      AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.id = deliveries.turn AND t.ended_at IS NULL)`,
  },
};

/** The pruning of a store. */
export function openPruning(db: Database) {
  const ready = prunedTables.map((table) => {
    const { time, sql } = removals[table];
    const page = db.prepare(
      `SELECT max(id) AS last, min(at) AS oldest, count(*) AS n
       FROM (SELECT id, ${time} AS at FROM ${table} WHERE id > ? ORDER BY id LIMIT ?)`,
    );
    return [table, { page, remove: db.prepare(sql) }] as const;
  });
  const tables = Object.fromEntries(ready) as Record<PrunedTable, (typeof ready)[number][1]>;
  return {
    /** Looks at the next `rows` rows of a table and removes those that are old and done; one transaction. */
    prune(table: PrunedTable, { before, after, rows }: PruneStep): Pruned {
      const { page, remove } = tables[table];
      return db.transaction(() => {
        const found = page.get<{ last: number | null; oldest: number | null; n: number }>(after, rows);
        const { last = null, oldest = null, n = 0 } = found ?? {};
        if (last === null || oldest === null || oldest >= before) return { removed: 0, next: undefined };
        const { changes } = remove.run(after, last, before);
        return { removed: changes, next: n < rows ? undefined : last };
      });
    },
  };
}
