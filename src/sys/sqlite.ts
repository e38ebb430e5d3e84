// What the store needs of SQLite; `#sqlite` is bun:sqlite under Bun and node:sqlite under Deno.

/** A bound value. Booleans are bound as 0 and 1 by the caller; integers stay below 2^53. */
export type SqlValue = string | number | null | Uint8Array;

/** A prepared statement, kept for its whole life. */
export interface Statement {
  run(...values: SqlValue[]): { changes: number; lastId: number };
  get<Row>(...values: SqlValue[]): Row | undefined;
  all<Row>(...values: SqlValue[]): Row[];
}

/** An open database. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Runs `work` in one `BEGIN IMMEDIATE` transaction; nested calls join the outer one. Rolls back on a throw. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

/** What `#sqlite` exports. @throws Error with the engine's words when the file cannot be opened. */
export type OpenDatabase = (path: string) => Database;
