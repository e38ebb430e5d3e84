// The noun `pairings`: one-time codes by which people pair. `remoteagent pair` is the short way.
import * as v from "valibot";
import { clearCodes, createCode } from "../../access/pairing.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import { choice, text, verb } from "../flags.ts";
import { checkAdapter, type NamesDeps } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export type PairingsDeps = Pick<Store, "pairings" | "roles" | "users" | "transaction"> & Pick<NamesDeps, "adapters">;

/** Declares the noun; `open` gives the store when a verb runs. */
export function pairings(open: () => PairingsDeps, clock: Clock): Resource {
  return {
    name: "pairings",
    summary: "One-time codes by which people pair; remoteagent pair makes one",
    columns: ["role", "adapter", "createdAt", "expiresAt"],
    verbs: [
      verb({
        name: "list",
        summary: "Codes that still work; the codes themselves are stored nowhere",
        schema: v.strictObject({}),
        run: () =>
          open()
            .pairings.open(clock.now())
            .map(({ hash: _hash, ...pairing }) => pairing),
      }),
      verb({
        name: "create",
        summary: "Makes a code, shown this once",
        schema: v.strictObject({
          role: v.optional(choice("What whoever sends it becomes", ["owner", "admin", "member"]), "owner"),
          adapter: v.optional(text("Works on this adapter alone")),
        }),
        run: ({ role, adapter = null }) => {
          if (adapter !== null) checkAdapter(open(), adapter);
          return { ...createCode({ store: open(), clock }, { role, adapter }), role, adapter };
        },
      }),
      verb({
        name: "clear",
        summary: "Takes back every code that works",
        schema: v.strictObject({}),
        run: () => ({ cleared: clearCodes({ store: open(), clock }) }),
      }),
    ],
  };
}
