// The log's contract and its two forms: console lines for people, JSON lines for machines.

export const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Structured facts of one line. Secrets are removed from keys' values before anything is written. */
export type LogFields = Record<string, unknown>;

/** Writes one line; never throws. `child` adds fields to each of its lines. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}
