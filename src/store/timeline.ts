// Reads what happened in a session page by page, in both directions, however long it is.
import type { EntryId, EventNumber, SessionId, TurnId } from "../core/ids.ts";
import { noUsage, type Usage } from "../core/usage.ts";
import type { Database } from "../sys/sqlite.ts";
import { type EntryRow, entry } from "./entries.ts";
import type { StoredMessage } from "./messages.ts";
import { type EventRow, storedEvent } from "./turns.ts";

/** One page of rows that lie beyond a number, which is not among them. */
export interface Beyond {
  limit: number;
  /** Towards the beginning (`older`), or towards the end. */
  older: boolean;
}

// Shown to nobody: sums are read from the turns, and what a harness goes on from is its own.
const shown = "type NOT IN ('usage', 'continuation')";
const endOf = `SELECT id, turn, at, body FROM events
   WHERE turn = ? AND type = 'tool' AND body ->> '$.call' = ? AND body ->> '$.step' = ?`;

/** The pages of a store. Lists come in the direction in which they were asked for. */
export function openTimeline(db: Database) {
  const turns = {
    older: db.prepare("SELECT id FROM turns WHERE session = ? AND id < ? ORDER BY id DESC LIMIT ?"),
    newer: db.prepare("SELECT id FROM turns WHERE session = ? AND id > ? ORDER BY id LIMIT ?"),
  };
  const events = {
    older: db.prepare(
      `SELECT id, turn, at, body FROM events WHERE turn = ? AND id < ? AND ${shown} ORDER BY id DESC LIMIT ?`,
    ),
    newer: db.prepare(
      `SELECT id, turn, at, body FROM events WHERE turn = ? AND id > ? AND ${shown} ORDER BY id LIMIT ?`,
    ),
  };
  // By name: the planner takes the index of all entries, of which a long session may have a million with a turn.
  const loose = "FROM entries INDEXED BY entries_loose WHERE session = ? AND turn IS NULL";
  const entries = {
    older: db.prepare(`SELECT * ${loose} AND id < ? ORDER BY id DESC LIMIT ?`),
    newer: db.prepare(`SELECT * ${loose} AND id > ? ORDER BY id LIMIT ?`),
  };
  const callEnd = db.prepare(`${endOf} AND id > ? ORDER BY id LIMIT 1`);
  const callStart = db.prepare(`${endOf} AND id < ? ORDER BY id DESC LIMIT 1`);
  const summary = db.prepare(
    "SELECT body ->> '$.summary' AS summary FROM entries WHERE kind = 'compaction' AND turn = ? AND at = ?",
  );
  const said = db.prepare("SELECT * FROM messages WHERE turn = ? ORDER BY id LIMIT ?");
  const forks = db.prepare("SELECT id, title FROM sessions WHERE parent = ? ORDER BY id DESC LIMIT ?");
  const used = db.prepare(
    `SELECT count(*) AS turns, ifnull(max(id), 0) AS last,
       ifnull(sum(usage ->> '$.input'), 0) AS input, ifnull(sum(usage ->> '$.output'), 0) AS output,
       ifnull(sum(usage ->> '$.cacheRead'), 0) AS cacheRead, ifnull(sum(usage ->> '$.cacheWrite'), 0) AS cacheWrite,
       ifnull(sum(usage ->> '$.costUsd'), 0) AS costUsd, ifnull(sum(usage ->> '$.requests'), 0) AS requests
     FROM (SELECT id, usage FROM turns WHERE session = ? AND id > ? ORDER BY id LIMIT ?)`,
  );
  const way = (older: boolean) => (older ? "older" : "newer");
  return {
    turns: (session: SessionId, from: TurnId, { older, limit }: Beyond): TurnId[] =>
      turns[way(older)].all<{ id: number }>(session, from, limit).map(({ id }) => id),
    events: (turn: TurnId, from: EventNumber, { older, limit }: Beyond) =>
      events[way(older)].all<EventRow>(turn, from, limit).map(storedEvent),
    /** Entries that belong to no turn. */
    entries: (session: SessionId, from: EntryId, { older, limit }: Beyond) =>
      entries[way(older)].all<EntryRow>(session, from, limit).map(entry),
    /** The end of the call that started with event `start`, if it has one. */
    callEnd(turn: TurnId, { call, start }: { call: string; start: EventNumber }) {
      const row = callEnd.get<EventRow>(turn, call, "end", start);
      return row === undefined ? undefined : storedEvent(row);
    },
    /** The start of the call that ended with event `end`. */
    callStart(turn: TurnId, { call, end }: { call: string; end: EventNumber }) {
      const row = callStart.get<EventRow>(turn, call, "start", end);
      return row === undefined ? undefined : storedEvent(row);
    },
    /** The summary that was made at a moment of a turn, by the event that tells of it. */
    summary: (turn: TurnId, at: number): string | undefined => summary.get<{ summary: string }>(turn, at)?.summary,
    /** What was said in a turn, oldest first: it stays when the events have gone. */
    said: (turn: TurnId, limit: number): StoredMessage[] => said.all<StoredMessage>(turn, limit),
    /** Sessions that were forked from one, the newest first. */
    forks: (session: SessionId, limit: number): { id: SessionId; title: string }[] => forks.all(session, limit),
    /** What `limit` turns behind `after` used together, how many they are, and the last of them. */
    usage(session: SessionId, { after, limit }: { after: TurnId; limit: number }) {
      const row = used.get<Usage & { turns: number; last: number }>(session, after, limit);
      const { turns: count, last, ...usage } = row ?? { turns: 0, last: 0, ...noUsage };
      return { turns: count, last, usage };
    },
  };
}
