// What somebody may do, each grant with the surface it was given on.
import type { Database } from "../sys/sqlite.ts";

/** A role that can be given; everybody else is a stranger. */
export type GivenRole = "owner" | "admin" | "member";

/** One grant. Times are Unix milliseconds. */
export interface Grant {
  id: number;
  adapter: string;
  user: string;
  role: GivenRole;
  /** '' is every agent. */
  agent: string;
  /** '*' everywhere on the adapter, 'direct' in the direct chat, else the id of one shared conversation. */
  surface: string;
  /** Who gave it, as JSON of a Sender, or in words. */
  givenBy: string;
  givenAt: number;
}

export type NewGrant = Omit<Grant, "id">;

interface Row {
  id: number;
  adapter: string;
  user: string;
  role: GivenRole;
  agent: string;
  surface: string;
  given_by: string;
  given_at: number;
}

export type Roles = ReturnType<typeof openRoles>;

/** The grants of a store. */
export function openRoles(db: Database) {
  const ofUser = db.prepare("SELECT * FROM roles WHERE adapter = ? AND user = ? ORDER BY id LIMIT 1000");
  const byId = db.prepare("SELECT * FROM roles WHERE id = ?");
  const same = db.prepare(
    "SELECT * FROM roles WHERE adapter = ? AND user = ? AND role = ? AND agent = ? AND surface = ?",
  );
  const insert = db.prepare(
    `INSERT INTO roles (adapter, user, role, agent, surface, given_by, given_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const remove = db.prepare("DELETE FROM roles WHERE id = ?");
  const list = db.prepare(
    `SELECT * FROM roles WHERE (?1 IS NULL OR adapter = ?1) AND (?2 IS NULL OR user = ?2) AND (?3 IS NULL OR role = ?3)
     ORDER BY id LIMIT ?4`,
  );
  return {
    /** Everything that one person was given. */
    of: (adapter: string, user: string): Grant[] => ofUser.all<Row>(adapter, user).map(grant),
    get(id: number): Grant | undefined {
      const row = byId.get<Row>(id);
      return row === undefined ? undefined : grant(row);
    },
    /** Gives a role; who has it already keeps the older grant. */
    give(fresh: NewGrant): Grant {
      const { adapter, user, role, agent, surface } = fresh;
      insert.run(adapter, user, role, agent, surface, fresh.givenBy, fresh.givenAt);
      const row = same.get<Row>(adapter, user, role, agent, surface);
      if (row === undefined) throw new Error("A role is missing right after its insert");
      return grant(row);
    },
    /** @returns false when there was none. */
    revoke: (id: number): boolean => remove.run(id).changes > 0,
    /** The oldest first. */
    list(
      wanted: {
        adapter?: string | undefined;
        user?: string | undefined;
        role?: GivenRole | undefined;
        limit?: number;
      } = {},
    ): Grant[] {
      const { adapter, user, role, limit = 200 } = wanted;
      return list.all<Row>(adapter ?? null, user ?? null, role ?? null, limit).map(grant);
    },
  };
}

function grant(row: Row): Grant {
  const { given_by: givenBy, given_at: givenAt, ...rest } = row;
  return { ...rest, givenBy, givenAt };
}
