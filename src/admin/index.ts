// The table of admin nouns.
import type { Store } from "../store/store.ts";
import { type Clock, systemClock } from "../sys/clock.ts";
import type { NamesDeps } from "./person.ts";
import type { Resource } from "./resource.ts";
import { type ApprovalsDeps, approvals } from "./resources/approvals.ts";
import { type DeliveriesDeps, deliveries } from "./resources/deliveries.ts";
import { droppedMessages } from "./resources/dropped-messages.ts";
import { members } from "./resources/members.ts";
import { messages } from "./resources/messages.ts";
import { pairings } from "./resources/pairings.ts";
import { roles } from "./resources/roles.ts";
import { sessions } from "./resources/sessions.ts";
import { turns } from "./resources/turns.ts";
import { users } from "./resources/users.ts";

// Apart from the table: it is no noun of the command line, which has the verb `vault` in its place.
export { vaultNoun } from "./resources/vault.ts";

/** What the nouns read and change. */
export type AdminStore = Pick<
  Store,
  | "approvals"
  | "deliveries"
  | "entries"
  | "messages"
  | "pairings"
  | "roles"
  | "rules"
  | "sessions"
  | "strangers"
  | "transaction"
  | "turns"
  | "users"
  | "wirings"
> &
  Pick<NamesDeps, "adapters"> &
  Pick<ApprovalsDeps, "settleQuestion"> &
  Pick<DeliveriesDeps, "sendAgain" | "giveUp">;

/** Every noun. `open` is called when a verb runs, never for help, so that declarations need no database. */
export function resources(open: () => AdminStore, clock: Clock = systemClock): Resource[] {
  return [
    sessions(open),
    turns(open),
    messages(open),
    approvals(open, clock),
    users(open),
    roles(open, clock),
    members(open, clock),
    pairings(open, clock),
    droppedMessages(open),
    deliveries(open, clock),
  ];
}
