// Who decides about something, and where they are reached privately.
import type { Door } from "../../access/admission.ts";
import { limits } from "../../core/limits.ts";
import type { Outgoing } from "../../core/message.ts";
import type { ReplyTarget } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";

/** What the gateway knows of a door by its name. */
export interface KnownDoor extends Door {
  /** The id of a person's direct conversation is the person's own id. */
  directIsUser: boolean;
}

/** Stores a message that goes out later, in the caller's transaction. @returns the number of its delivery. */
export type Deliver = (
  target: ReplyTarget,
  outgoing: Outgoing,
  options: { kind: "card" | "notice" | "reply"; question?: number },
) => number;

/**
 * The direct conversations of those who decide on an adapter: its owners, else its admins, at most `askedMax`.
 * Somebody who never wrote and whose conversation cannot be told from their id is not reached.
 */
export function deciders(
  store: Pick<Store, "roles" | "users">,
  { adapter, door, agent }: { adapter: string; door: KnownDoor; agent: string },
): ReplyTarget[] {
  const rows = { adapter, limit: limits.askedMax * 10 };
  const owners = store.roles.list({ ...rows, role: "owner" }).map(({ user }) => user);
  const admins = store.roles
    .list({ ...rows, role: "admin" })
    .filter((grant) => grant.agent === "" || grant.agent === agent);
  const reached = targets(store, { adapter, door, ids: owners });
  if (reached.length > 0) return reached;
  return targets(store, { adapter, door, ids: [...(door.admins ?? []), ...admins.map(({ user }) => user)] });
}

function targets(
  store: Pick<Store, "users">,
  { adapter, door, ids }: { adapter: string; door: KnownDoor; ids: readonly string[] },
): ReplyTarget[] {
  return [...new Set(ids)]
    .map((id) => store.users.get(adapter, id)?.direct ?? (door.directIsUser ? id : undefined))
    .filter((id) => id !== undefined)
    .slice(0, limits.askedMax)
    .map((id) => ({ adapter, conversation: { id, kind: "direct" } }));
}

/** Foreign text as a block in which nothing is markup and nothing is hidden. */
export function fenced(text: string, charsMax: number): string {
  const visible = text
    .toWellFormed()
    .replace(/[^\P{C}\n\t]/gu, (mark) => `\\u{${(mark.codePointAt(0) ?? 0).toString(16)}}`);
  const cut = visible.length > charsMax ? `${visible.slice(0, charsMax).toWellFormed()}…` : visible;
  const longest = Math.max(2, ...[...cut.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${cut}\n${fence}`;
}
