// Who may do what: three roles, each with all that the ones below it may do.

/** From the least to the most. `none` is a stranger. */
export const roles = ["none", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/** True when `role` is `needed` or more. */
export function atLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
