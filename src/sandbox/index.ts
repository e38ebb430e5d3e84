// The family's table: every kind of sandbox, loaded only when settings ask for it.

/** Kind → its member. Each member exports one `create…Driver(deps)` that answers a `SandboxDriver`. */
export const drivers = {
  host: { load: () => import("./host/index.ts") },
} as const;

/** The kinds that settings may name. */
export type SandboxKind = keyof typeof drivers;
