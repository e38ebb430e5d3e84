// What was allowed "always".
import type { Database } from "../sys/sqlite.ts";

/** One such thing, for one person and one agent. Times are Unix milliseconds. */
export interface ApprovalRule {
  id: number;
  kind: string;
  /** SHA-256 of the exact arguments. */
  hash: string;
  text: string;
  agent: string;
  adapter: string;
  user: string;
  givenBy: string;
  givenAt: number;
}

interface Row extends Omit<ApprovalRule, "givenBy" | "givenAt"> {
  given_by: string;
  given_at: number;
}

/** The rules of a store. */
export function openRules(db: Database) {
  const insert = db.prepare(
    `INSERT INTO rules (kind, hash, text, agent, adapter, user, given_by, given_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const find = db.prepare(
    "SELECT * FROM rules WHERE kind = ? AND hash = ? AND agent = ? AND adapter = ? AND user = ? LIMIT 1",
  );
  const list = db.prepare("SELECT * FROM rules ORDER BY id LIMIT ?");
  const remove = db.prepare("DELETE FROM rules WHERE id = ?");
  return {
    add(fresh: Omit<ApprovalRule, "id">): void {
      const { kind, hash, text, agent, adapter, user, givenBy, givenAt } = fresh;
      insert.run(kind, hash, text, agent, adapter, user, givenBy, givenAt);
    },
    find(wanted: Pick<ApprovalRule, "kind" | "hash" | "agent" | "adapter" | "user">): ApprovalRule | undefined {
      const row = find.get<Row>(wanted.kind, wanted.hash, wanted.agent, wanted.adapter, wanted.user);
      return row === undefined ? undefined : rule(row);
    },
    list: (limit = 200): ApprovalRule[] => list.all<Row>(limit).map(rule),
    /** @returns false when there was none. */
    remove: (id: number): boolean => remove.run(id).changes > 0,
  };
}

function rule(row: Row): ApprovalRule {
  const { given_by: givenBy, given_at: givenAt, ...rest } = row;
  return { ...rest, givenBy, givenAt };
}
