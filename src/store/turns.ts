// Turns and the events that happened in them.
import type { Outcome, TurnEvent } from "../core/event.ts";
import type { FailureData } from "../core/failure.ts";
import type { EventNumber, SessionId, TurnId } from "../core/ids.ts";
import type { Sender } from "../core/message.ts";
import type { ReplyTarget, TurnRow, TurnState } from "../core/session.ts";
import { noUsage, type Usage } from "../core/usage.ts";
import type { Database } from "../sys/sqlite.ts";

interface Row {
  id: number;
  session: number;
  agent: string;
  requester: string;
  reply_to: string;
  state: TurnState;
  attempts: number;
  started_at: number;
  ended_at: number | null;
  error: string | null;
  usage: string;
  partial: string | null;
}

/** A stored event with its number. `at` is Unix milliseconds. */
export interface StoredEvent {
  n: EventNumber;
  turn: TurnId;
  at: number;
  event: TurnEvent;
}

/** An event as the table has it. */
export interface EventRow {
  id: number;
  turn: number;
  at: number;
  body: string;
}

export type Turns = ReturnType<typeof openTurns>;

// A call that was started and never ended may have happened. Ids come again with some models: of those the starts
// and ends are counted, and a start that comes last is open whatever was told before it.
const openCallsSql = `SELECT call FROM (
     SELECT id, body ->> '$.call' AS call, body ->> '$.step' AS step FROM events WHERE turn = ? AND type = 'tool'
   ) WHERE step IN ('start', 'end') GROUP BY call
   HAVING sum(iif(step = 'start', 1, -1)) > 0
     OR max(iif(step = 'start', id, 0)) > max(iif(step = 'end', id, 0))`;

/** The turns of a store. */
export function openTurns(db: Database) {
  const insert = db.prepare(
    `INSERT INTO turns (session, agent, requester, reply_to, state, attempts, started_at, usage)
     VALUES (?, ?, ?, ?, 'running', 1, ?, ?)`,
  );
  const byId = db.prepare("SELECT * FROM turns WHERE id = ?");
  const byState = db.prepare("SELECT * FROM turns WHERE state = ? ORDER BY id LIMIT 10000");
  const again = db.prepare("UPDATE turns SET state = 'running', attempts = attempts + 1, partial = NULL WHERE id = ?");
  const pause = db.prepare(
    "UPDATE turns SET state = 'interrupted', attempts = max(attempts - 1, 0) WHERE id = ? AND ended_at IS NULL",
  );
  const setState = db.prepare("UPDATE turns SET state = ? WHERE id = ?");
  const cutOff = db.prepare("UPDATE turns SET state = 'interrupted' WHERE state = 'running'");
  const openInSession = db.prepare(
    "SELECT id FROM turns WHERE session = ? AND state IN ('running', 'waiting', 'interrupted')",
  );
  const setPartial = db.prepare("UPDATE turns SET partial = ? WHERE id = ?");
  const setUsage = db.prepare("UPDATE turns SET usage = ? WHERE id = ?");
  const end = db.prepare("UPDATE turns SET state = ?, ended_at = ?, error = ?, usage = ?, partial = NULL WHERE id = ?");
  const addEvent = db.prepare("INSERT INTO events (turn, at, type, body) VALUES (?, ?, ?, ?)");
  const ofTurn = db.prepare("SELECT id, turn, at, body FROM events WHERE turn = ? AND id > ? ORDER BY id LIMIT ?");
  const ofSession = db.prepare(
    `SELECT e.id, e.turn, e.at, e.body FROM events e JOIN turns t ON t.id = e.turn
     WHERE t.session = ? AND e.id > ? ORDER BY e.id LIMIT ?`,
  );
  const lastNumber = db.prepare("SELECT ifnull(max(id), 0) AS n FROM events");
  const usageOf = db.prepare("SELECT usage FROM turns WHERE session = ?");
  const newestOfTurn = db.prepare("SELECT id, turn, at, body FROM events WHERE turn = ? ORDER BY id DESC LIMIT ?");
  const openCalls = db.prepare(openCallsSql);
  const newest = db.prepare("SELECT * FROM turns WHERE (?1 IS NULL OR state = ?1) ORDER BY id DESC LIMIT ?2");
  const newestInSession = db.prepare(
    "SELECT * FROM turns WHERE session = ?1 AND (?2 IS NULL OR state = ?2) ORDER BY id DESC LIMIT ?3",
  );
  return {
    create(fresh: { session: SessionId; agent: string; requester: Sender; replyTo: ReplyTarget; at: number }): TurnRow {
      const { lastId } = insert.run(
        fresh.session,
        fresh.agent,
        JSON.stringify(fresh.requester),
        JSON.stringify(fresh.replyTo),
        fresh.at,
        JSON.stringify(noUsage),
      );
      const row = byId.get<Row>(lastId);
      if (row === undefined) throw new Error(`Turn ${lastId} is missing right after its insert`);
      return turn(row);
    },
    get(id: TurnId): TurnRow | undefined {
      const row = byId.get<Row>(id);
      return row === undefined ? undefined : turn(row);
    },
    inState(state: TurnState): TurnRow[] {
      return byState.all<Row>(state).map(turn);
    },
    /** Raises the attempts and marks it running: committed before the turn starts again. */
    restart(id: TurnId): void {
      again.run(id);
    },
    /**
     * Cut off by an orderly end of the program: the next start goes on, and this start does not count as an attempt.
     * @returns false when it has ended.
     */
    pause: (id: TurnId): boolean => pause.run(id).changes > 0,
    setState(id: TurnId, state: TurnState): void {
      setState.run(state, id);
    },
    /** After a start: whatever still says "running" was cut off by the end of the last process. What waits goes on waiting. */
    markInterrupted(): number {
      return cutOff.run().changes;
    },
    /** Turns of a session that have no end yet. */
    openIn(session: SessionId): TurnId[] {
      return openInSession.all<{ id: number }>(session).map((row) => row.id);
    },
    setPartial(id: TurnId, text: string): void {
      setPartial.run(text, id);
    },
    setUsage(id: TurnId, usage: Usage): void {
      setUsage.run(JSON.stringify(usage), id);
    },
    end(id: TurnId, fate: { outcome: Outcome; at: number; error?: FailureData; usage: Usage }): void {
      end.run(
        fate.outcome,
        fate.at,
        fate.error === undefined ? null : JSON.stringify(fate.error),
        JSON.stringify(fate.usage),
        id,
      );
    },
    /** Stores an event; its entry is stored in its own table and left out here. */
    append(id: TurnId, { event, at }: { event: TurnEvent; at: number }): EventNumber {
      const { entry: _entry, ...shown } = event as TurnEvent & { entry?: unknown };
      return addEvent.run(id, at, event.type, JSON.stringify(shown)).lastId;
    },
    events(id: TurnId, { after = 0, limit = 10_000 }: { after?: EventNumber; limit?: number } = {}): StoredEvent[] {
      return ofTurn.all<EventRow>(id, after, limit).map(storedEvent);
    },
    /** The newest of a turn's events, in order. */
    lastEvents(id: TurnId, limit: number): StoredEvent[] {
      const rows = newestOfTurn.all<EventRow>(id, limit);
      return rows.reverse().map(storedEvent);
    },
    eventsOfSession(
      id: SessionId,
      { after = 0, limit = 10_000 }: { after?: EventNumber; limit?: number } = {},
    ): StoredEvent[] {
      return ofSession.all<EventRow>(id, after, limit).map(storedEvent);
    },
    lastEvent(): EventNumber {
      return lastNumber.get<{ n: number }>()?.n ?? 0;
    },
    startedCalls(id: TurnId): Set<string> {
      return new Set(openCalls.all<{ call: string }>(id).map((row) => row.call));
    },
    usages(session: SessionId): Usage[] {
      return usageOf.all<{ usage: string }>(session).map((row) => JSON.parse(row.usage) as Usage);
    },
    /** Newest first. */
    list({ session, state, limit = 200 }: { session?: SessionId; state?: TurnState; limit?: number } = {}): TurnRow[] {
      const rows =
        session === undefined
          ? newest.all<Row>(state ?? null, limit)
          : newestInSession.all<Row>(session, state ?? null, limit);
      return rows.map(turn);
    },
  };
}

/** A row as everybody above the store sees it. */
export function storedEvent(row: EventRow): StoredEvent {
  return { n: row.id, turn: row.turn, at: row.at, event: JSON.parse(row.body) as TurnEvent };
}

function turn(row: Row): TurnRow {
  return {
    id: row.id,
    session: row.session,
    agent: row.agent,
    requester: JSON.parse(row.requester) as Sender,
    replyTo: JSON.parse(row.reply_to) as ReplyTarget,
    state: row.state,
    attempts: row.attempts,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: row.error === null ? null : (JSON.parse(row.error) as FailureData),
    usage: JSON.parse(row.usage) as Usage,
    partial: row.partial,
  };
}
