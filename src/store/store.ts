// The store as one value: every noun over the one database.
import type { Database } from "../sys/sqlite.ts";
import { openDeliveries } from "./deliveries.ts";
import { openEntries } from "./entries.ts";
import { openFacts } from "./facts.ts";
import { openInputs } from "./inputs.ts";
import { openMessages } from "./messages.ts";
import { openSchedules } from "./schedules.ts";
import { openSessions } from "./sessions.ts";
import { openStarts } from "./starts.ts";
import { openTurns } from "./turns.ts";
import { openWirings } from "./wirings.ts";

export type Store = ReturnType<typeof createStore>;

/** Every noun over an open database. `transaction` spans them all. */
export function createStore(db: Database) {
  return {
    deliveries: openDeliveries(db),
    entries: openEntries(db),
    facts: openFacts(db),
    inputs: openInputs(db),
    messages: openMessages(db),
    schedules: openSchedules(db),
    sessions: openSessions(db),
    starts: openStarts(db),
    turns: openTurns(db),
    wirings: openWirings(db),
    transaction: <Result>(work: () => Result): Result => db.transaction(work),
    close: () => db.close(),
  };
}
