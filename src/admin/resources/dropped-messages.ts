// The noun `dropped-messages`: strangers who were turned away, counted.
import * as v from "valibot";
import type { Strangers } from "../../store/strangers.ts";
import { limitFlag, text, verb } from "../flags.ts";
import { type NamesDeps, ofAdapter, personText } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface DroppedDeps extends Pick<NamesDeps, "adapters"> {
  strangers: Pick<Strangers, "list">;
}

/** Declares the noun; `open` gives the store when a verb runs. */
export function droppedMessages(open: () => DroppedDeps): Resource {
  return {
    name: "dropped-messages",
    summary: "Strangers who were turned away, and how often",
    columns: ["user", "name", "reason", "count", "firstAt", "lastAt", "toldAt"],
    verbs: [
      verb({
        name: "list",
        summary: "Strangers, the last first",
        schema: v.strictObject({ adapter: v.optional(text("Only of this adapter")), limit: limitFlag }),
        run: ({ adapter, limit }) =>
          ofAdapter(open(), { adapter, rows: open().strangers.list({ adapter, limit }) }).map(
            ({ adapter: on, user, ...rest }) => ({ user: personText({ adapter: on, user }), ...rest }),
          ),
      }),
    ],
  };
}
