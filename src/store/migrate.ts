// Brings a database to this program's form: numbered, append-only, one transaction each.
import { Failure } from "../core/failure.ts";
import type { Database } from "../sys/sqlite.ts";
import spine from "./migrations/001-spine.sql" with { type: "text" };
import schedules from "./migrations/002-schedules.sql" with { type: "text" };
import doors from "./migrations/003-doors.sql" with { type: "text" };
import waits from "./migrations/004-waits.sql" with { type: "text" };
import platforms from "./migrations/005-platforms.sql" with { type: "text" };
import pruning from "./migrations/006-pruning.sql" with { type: "text" };
import vault from "./migrations/007-vault.sql" with { type: "text" };
import links from "./migrations/008-links.sql" with { type: "text" };
import search from "./migrations/009-search.sql" with { type: "text" };

/** One step. Its place in the list is its number, which `PRAGMA user_version` records. */
export interface Migration {
  name: string;
  sql: string;
}

/** Every step ever released, oldest first. Never changed, only added to. */
export const migrations: readonly Migration[] = [
  { name: "spine", sql: spine },
  { name: "schedules", sql: schedules },
  { name: "doors", sql: doors },
  { name: "waits", sql: waits },
  { name: "platforms", sql: platforms },
  { name: "pruning", sql: pruning },
  { name: "vault", sql: vault },
  { name: "links", sql: links },
  { name: "search", sql: search },
];

/** The number that a database has been brought to. */
export function databaseVersion(db: Database): number {
  return db.prepare("PRAGMA user_version").get<{ user_version: number }>()?.user_version ?? 0;
}

/**
 * Applies what is missing. `before` is called once, ahead of the first step on a database that has
 * content, and keeps a copy. A step that fails leaves the database as the step found it.
 * @throws Failure `store` when the database is newer than this program, or a step fails.
 */
export function migrate(
  db: Database,
  { steps = migrations, before }: { steps?: readonly Migration[]; before?: (from: number) => void } = {},
): { from: number; to: number } {
  const from = databaseVersion(db);
  if (from > steps.length) {
    throw new Failure(
      "store",
      `Cannot open database: it has form ${from} and this program knows ${steps.length}, so a newer remoteagent wrote it`,
      { hint: "Install the newer remoteagent again, or restore a backup made by this one" },
    );
  }
  if (from > 0 && from < steps.length) before?.(from);
  for (const [index, step] of steps.entries()) {
    const number = index + 1;
    if (number <= from) continue;
    try {
      db.transaction(() => {
        db.exec(step.sql);
        db.exec(`PRAGMA user_version = ${number}`);
      });
    } catch (error) {
      throw new Failure("store", `Cannot bring database to form ${number} (${step.name})`, {
        hint: "Nothing was changed; start the previous remoteagent, and see the log",
        detail: error instanceof Error ? error.message : String(error),
        cause: error,
      });
    }
  }
  return { from, to: steps.length };
}
