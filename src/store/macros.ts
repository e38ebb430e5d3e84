// Texts that people saved under a name.
import type { Database } from "../sys/sqlite.ts";

/** Whose they are: a person of an adapter. */
export interface MacroOwner {
  adapter: string;
  user: string;
}

/** One saved text. */
export interface Macro {
  name: string;
  text: string;
}

/** The macros of a store. */
export function openMacros(db: Database) {
  const list = db.prepare("SELECT name, text FROM macros WHERE adapter = ? AND user = ? ORDER BY name LIMIT ?");
  const one = db.prepare("SELECT name, text FROM macros WHERE adapter = ? AND user = ? AND name = ?");
  const save = db.prepare(
    `INSERT INTO macros (adapter, user, name, text, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET text = excluded.text, at = excluded.at`,
  );
  const remove = db.prepare("DELETE FROM macros WHERE adapter = ? AND user = ? AND name = ?");
  return {
    /** By name. */
    list: ({ adapter, user }: MacroOwner, limit: number): Macro[] => list.all<Macro>(adapter, user, limit),
    get: ({ adapter, user }: MacroOwner, name: string): Macro | undefined => one.get<Macro>(adapter, user, name),
    /** A name that is taken gets the new text. */
    save({ adapter, user }: MacroOwner, { name, text, at }: Macro & { at: number }): void {
      save.run(adapter, user, name, text, at);
    },
    /** @returns false when there was none. */
    remove: ({ adapter, user }: MacroOwner, name: string): boolean => remove.run(adapter, user, name).changes > 0,
  };
}
