// The store as one value: every noun over the one database.
import type { Database } from "../sys/sqlite.ts";
import { openApprovals } from "./approvals.ts";
import { openDeliveries } from "./deliveries.ts";
import { openEntries } from "./entries.ts";
import { openFacts } from "./facts.ts";
import { grouped } from "./grouped.ts";
import { openHeld } from "./held.ts";
import { openInputs } from "./inputs.ts";
import { openLinks } from "./links.ts";
import { openMacros } from "./macros.ts";
import { openMessages } from "./messages.ts";
import { openMoves } from "./moves.ts";
import { openPairings } from "./pairings.ts";
import { openPruning } from "./pruning.ts";
import { openRoles } from "./roles.ts";
import { openRules } from "./rules.ts";
import { openSchedules } from "./schedules.ts";
import { openSessions } from "./sessions.ts";
import { openStarts } from "./starts.ts";
import { openStrangers } from "./strangers.ts";
import { openTimeline } from "./timeline.ts";
import { openTurns } from "./turns.ts";
import { openUsers } from "./users.ts";
import { openVaults } from "./vaults.ts";
import { openWirings } from "./wirings.ts";

export type Store = ReturnType<typeof createStore>;

/** Every noun over an open database. `transaction` spans them all. */
export function createStore(db: Database) {
  return {
    approvals: openApprovals(db),
    deliveries: openDeliveries(db),
    entries: openEntries(db),
    facts: openFacts(db),
    held: openHeld(db),
    inputs: openInputs(db),
    links: openLinks(db),
    macros: openMacros(db),
    messages: openMessages(db),
    moves: openMoves(db),
    pairings: openPairings(db),
    ...openPruning(db),
    roles: openRoles(db),
    rules: openRules(db),
    schedules: openSchedules(db),
    sessions: openSessions(db),
    starts: openStarts(db),
    strangers: openStrangers(db),
    timeline: openTimeline(db),
    turns: openTurns(db),
    users: openUsers(db),
    vaults: openVaults(db),
    wirings: openWirings(db),
    grouped: grouped(db),
    transaction: <Result>(work: () => Result): Result => db.transaction(work),
    close: () => db.close(),
  };
}
