// Small facts of this installation that survive restarts.
import type { Database } from "../sys/sqlite.ts";

export type Facts = ReturnType<typeof openFacts>;

/** The facts of a store: text by key. */
export function openFacts(db: Database) {
  const get = db.prepare("SELECT value FROM facts WHERE key = ?");
  const set = db.prepare(
    "INSERT INTO facts (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  return {
    get: (key: string): string | undefined => get.get<{ value: string }>(key)?.value,
    set(key: string, value: string): void {
      set.run(key, value);
    },
  };
}
