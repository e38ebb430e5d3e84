// The contract of the family: one noun of the admin command line, declared as data (FEATURES.md 4.2).
import type * as v from "valibot";

/** Who asks: the operating system's user over the socket or the command line. */
export interface AdminCaller {
  kind: "host";
}

/** One verb. `args` are parsed by `schema` before `run`; `id` is the positional. */
export interface Verb {
  name: string;
  summary: string;
  /** True when a positional id is required. */
  takesId: boolean;
  schema: v.GenericSchema;
  /** Columns of this verb's rows, where they are not the noun's own. */
  columns?: string[];
  run(args: Record<string, unknown>, caller: AdminCaller): Promise<unknown>;
}

/** One noun. `columns` are those that a table shows, in order. */
export interface Resource {
  name: string;
  summary: string;
  columns: string[];
  verbs: Verb[];
}

/** The request frame (FEATURES.md 8). `command` is `<resource>-<verb>`. */
export interface AdminRequest {
  id: string;
  command: string;
  args: Record<string, unknown>;
}
export type AdminErrorCode =
  | "unknown-command"
  | "invalid-args"
  | "permission-denied"
  | "forbidden"
  | "approval-pending"
  | "not-found"
  | "handler-error";
export type AdminResponse =
  | { id: string; ok: true; data: unknown; columns?: string[] }
  | { id: string; ok: false; error: { code: AdminErrorCode; message: string } };
