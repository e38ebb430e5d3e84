// Who may do what: three roles, each with all that the ones below it may do, and the surface they were given on.
import type { Address } from "../core/message.ts";
import type { Grant } from "../store/roles.ts";

/** From the least to the most. `none` is a stranger or a guest. */
export const roles = ["none", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** A grant that holds everywhere on its adapter, and one that holds in the direct chat alone. */
export const everywhere = "*";
export const directSurface = "direct";

/** True when `role` is `needed` or more. */
export function atLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** The higher of two. */
export function higher(a: Role, b: Role): Role {
  return atLeast(a, b) ? a : b;
}

/** The surface that a conversation is. */
export function surfaceOf({ id, kind }: Address["conversation"]): string {
  return kind === "direct" ? directSurface : id;
}

/**
 * The role that grants give in one place. Owner and admin are the person's everywhere on the adapter; a member is one
 * only on the surface where it was given: a pairing in a direct chat gives nothing in a shared room (SECURITY.md 6).
 */
export function roleIn(
  grants: readonly Grant[],
  { conversation, agent }: Pick<Address, "conversation"> & { agent: string },
): Role {
  const surface = surfaceOf(conversation);
  let found: Role = "none";
  for (const grant of grants) {
    if (grant.agent !== "" && grant.agent !== agent && grant.role !== "owner") continue;
    if (grant.role === "member" && grant.surface !== everywhere && grant.surface !== surface) continue;
    found = higher(found, grant.role);
  }
  return found;
}
