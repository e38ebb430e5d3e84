// The table of admin nouns.
import type { Store } from "../store/store.ts";
import type { Resource } from "./resource.ts";
import { sessions } from "./resources/sessions.ts";
import { turns } from "./resources/turns.ts";

/** What the nouns read and change. */
export type AdminStore = Pick<Store, "sessions" | "turns" | "messages" | "entries">;

/** Every noun. `open` is called when a verb runs, never for help, so that declarations need no database. */
export function resources(open: () => AdminStore): Resource[] {
  return [sessions(open), turns(open)];
}

/** Their names, for the command line's table. */
export const resourceNames = ["sessions", "turns"] as const;
