// Who owns an adapter, read without opening the store: for `doctor`, which changes nothing while nothing runs.
import { openDatabase } from "#sqlite";
import { limits } from "../core/limits.ts";
import type { Database } from "../sys/sqlite.ts";

/**
 * The owners of an adapter, the oldest first, read without changing the database at `path`; undefined when it cannot be
 * read. Only for the holder of the lock, as `checkDatabase` is.
 */
export function knownOwners(path: string, adapter: string): { id: string; name: string | undefined }[] | undefined {
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    const rows = db
      .prepare(
        `SELECT r.user AS id, u.name AS name FROM roles r LEFT JOIN users u ON u.adapter = r.adapter AND u.id = r.user
         WHERE r.adapter = ? AND r.role = 'owner' ORDER BY r.id LIMIT ?`,
      )
      .all<{ id: string; name: string | null }>(adapter, limits.setupRowsMax);
    return rows.map(({ id, name }) => ({ id, name: name ?? undefined }));
  } catch {
    // An older form has no such tables; what is wrong with the file is told by the check of the database.
    return undefined;
  } finally {
    db?.close();
  }
}
