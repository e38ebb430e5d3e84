// What came in, each once, and what became of it. The queue is a query over `waiting`.
import type { InputId, SessionId, TurnId } from "../core/ids.ts";
import type { Inbound } from "../core/message.ts";
import type { Input, InputState } from "../core/session.ts";
import type { Database } from "../sys/sqlite.ts";

interface Row {
  id: number;
  session: number | null;
  turn: number | null;
  state: InputState;
  received_at: number;
  body: string;
}

/** The inputs of a store. */
export function openInputs(db: Database) {
  return { ...queued(db), ...held(db), ...context(db) };
}

/** How inputs come in, wait for turns and are worked on. */
function queued(db: Database) {
  const insert = db.prepare(
    `INSERT INTO inputs (adapter, conversation, kind, external, revision, session, state, received_at, body)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const known = db.prepare(
    `SELECT * FROM inputs WHERE adapter = ? AND conversation = ? AND kind = ? AND external = ? AND revision = ?`,
  );
  const waiting = db.prepare("SELECT * FROM inputs WHERE session = ? AND state = 'waiting' ORDER BY id LIMIT ?");
  const waitingCount = db.prepare("SELECT count(*) AS n FROM inputs WHERE session = ? AND state = 'waiting'");
  const waitingInAll = db.prepare("SELECT count(*) AS n FROM inputs WHERE state = 'waiting'");
  const sessionsWaiting = db.prepare(
    "SELECT DISTINCT session FROM inputs WHERE state = 'waiting' AND session IS NOT NULL",
  );
  const take = db.prepare("UPDATE inputs SET state = 'taken', turn = ? WHERE id = ? AND state = 'waiting'");
  const assign = db.prepare("UPDATE inputs SET turn = ? WHERE id = ? AND state = 'waiting'");
  const finish = db.prepare("UPDATE inputs SET state = 'done' WHERE turn = ? AND state = 'taken'");
  const giveUp = db.prepare("UPDATE inputs SET state = 'done' WHERE turn = ? AND state = 'waiting'");
  const set = db.prepare("UPDATE inputs SET state = ? WHERE id = ?");
  const remove = db.prepare("UPDATE inputs SET state = 'removed' WHERE id = ? AND state IN ('waiting', 'held')");
  const setBody = db.prepare("UPDATE inputs SET body = ? WHERE id = ?");
  const byId = db.prepare("SELECT * FROM inputs WHERE id = ?");
  const ofTurn = db.prepare("SELECT * FROM inputs WHERE turn = ? AND state <> 'context' ORDER BY id LIMIT ?");
  const heard = db.prepare("UPDATE inputs SET state = 'done', turn = NULL WHERE turn = ? AND state = 'context'");
  const untaken = db.prepare("SELECT * FROM inputs WHERE turn = ? AND state = 'waiting' ORDER BY id");
  const unassign = db.prepare("UPDATE inputs SET turn = NULL WHERE turn = ? AND state IN ('waiting', 'context')");
  const ofMessage = db.prepare(
    `SELECT * FROM inputs WHERE adapter = ? AND conversation = ? AND kind = 'message' AND external = ?
     ORDER BY revision DESC LIMIT 1`,
  );
  const keyOf = (inbound: Inbound) =>
    [inbound.adapter, inbound.conversation.id, inbound.kind, inbound.id, inbound.revision ?? 0] as const;
  return {
    /** Stores an inbound. `fresh: false` means that it was there before; then nothing changed. */
    add(
      inbound: Inbound,
      { state, session, at }: { state: InputState; session: SessionId | null; at: number },
    ): { input: Input; fresh: boolean } {
      const key = keyOf(inbound);
      const { changes, lastId } = insert.run(...key, session, state, at, JSON.stringify(inbound));
      if (changes > 0)
        return { input: { id: lastId, session, turn: null, state, receivedAt: at, inbound }, fresh: true };
      const row = known.get<Row>(...key);
      if (row === undefined) throw new Error("An input is missing that was there before");
      return { input: input(row), fresh: false };
    },
    /** The stored form of a message by its platform id. */
    message(adapter: string, { conversation, id }: { conversation: string; id: string }): Input | undefined {
      const row = ofMessage.get<Row>(adapter, conversation, id);
      return row === undefined ? undefined : input(row);
    },
    waiting(session: SessionId, limit = 100): Input[] {
      return waiting.all<Row>(session, limit).map(input);
    },
    waitingCount(session?: SessionId): number {
      const row = session === undefined ? waitingInAll.get<{ n: number }>() : waitingCount.get<{ n: number }>(session);
      return row?.n ?? 0;
    },
    /** Sessions that have something to do. */
    sessionsWaiting(): SessionId[] {
      return sessionsWaiting.all<{ session: number }>().map((row) => row.session);
    },
    /** Notes which turn was started for an input, before it is taken. */
    assign(id: InputId, turn: TurnId): void {
      assign.run(turn, id);
    },
    /** What was given to the turn as context was told with its first input. @returns false when it was no longer waiting. */
    take(id: InputId, turn: TurnId): boolean {
      heard.run(turn);
      return take.run(turn, id).changes > 0;
    },
    get(id: InputId): Input | undefined {
      const row = byId.get<Row>(id);
      return row === undefined ? undefined : input(row);
    },
    /** What a turn was started for or took, oldest first. */
    ofTurn: (turn: TurnId, limit: number): Input[] => ofTurn.all<Row>(turn, limit).map(input),
    /** The turn ended: what it took is done. */
    finish(turn: TurnId): void {
      finish.run(turn);
    },
    /** What a turn was started for and never took is done too: it is not tried again. */
    giveUp(turn: TurnId): number {
      return giveUp.run(turn).changes;
    },
    set(id: InputId, state: InputState): void {
      set.run(state, id);
    },
    /** Takes one out that waits, for a turn or for somebody's word. @returns false when it did neither. */
    remove: (id: InputId): boolean => remove.run(id).changes > 0,
    replaceBody(id: InputId, inbound: Inbound): void {
      setBody.run(JSON.stringify(inbound), id);
    },
    /** What a turn was started for and has not taken. */
    untaken(turn: TurnId): Input[] {
      return untaken.all<Row>(turn).map(input);
    },
    /** Such inputs wait again, for another turn, and so does what it was given as context and was not told. */
    unassign(turn: TurnId): void {
      unassign.run(turn);
    },
    /** True when this very happening was stored before. */
    has(inbound: Inbound): boolean {
      return known.get<Row>(...keyOf(inbound)) !== undefined;
    },
    /** Its number, when this very happening was stored before. */
    find: (inbound: Inbound): InputId | undefined => known.get<Row>(...keyOf(inbound))?.id,
  };
}

/** What waits for somebody's word: missed messages, and batches that are being collected. */
function held(db: Database) {
  const inSession = db.prepare("SELECT * FROM inputs WHERE session = ? AND state = 'held' ORDER BY id LIMIT ?");
  const hold = db.prepare("UPDATE inputs SET state = 'held', turn = NULL, body = ? WHERE id = ?");
  const release = db.prepare(
    "UPDATE inputs SET state = 'waiting', session = ?, turn = NULL, body = ? WHERE id = ? AND state IN ('held', 'context')",
  );
  return {
    /** What waits for somebody's word in a session, oldest first. */
    held: (session: SessionId, limit: number): Input[] => inSession.all<Row>(session, limit).map(input),
    /** A waiting input waits for somebody's word from now on. */
    hold(id: InputId, inbound: Inbound): void {
      hold.run(JSON.stringify(inbound), id);
    },
    /** What was held or kept as context waits for a turn now. @returns false when it was neither. */
    release(id: InputId, { session, inbound }: { session: SessionId; inbound: Inbound }): boolean {
      return release.run(session, JSON.stringify(inbound), id).changes > 0;
    },
  };
}

/** What is said beside the agent, until a turn is told it. */
function context(db: Database) {
  const give = db.prepare(
    `UPDATE inputs SET turn = ? WHERE state = 'context' AND turn IS NULL AND adapter = ? AND conversation = ?
       AND id < ? AND kind = 'message' AND body ->> '$.thread' IS ?`,
  );
  const given = db.prepare("SELECT * FROM inputs WHERE turn = ? AND state = 'context' ORDER BY id DESC LIMIT ?");
  return {
    /** What was said in a place before an input, beside the agent, goes to a turn as context; each message to one. */
    give(turn: TurnId, place: { adapter: string; conversation: string; thread?: string; before: InputId }): void {
      give.run(turn, place.adapter, place.conversation, place.before, place.thread ?? null);
    },
    /** The newest of what was given to a turn and not told to it yet, oldest first. */
    given: (turn: TurnId, limit: number): Input[] => given.all<Row>(turn, limit).map(input).reverse(),
  };
}

function input(row: Row): Input {
  return {
    id: row.id,
    session: row.session,
    turn: row.turn,
    state: row.state,
    receivedAt: row.received_at,
    inbound: JSON.parse(row.body) as Inbound,
  };
}
