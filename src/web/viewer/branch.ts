// A session's branch as a line of rows: its turns, what came before them, and the sessions that it was forked from.
import type { EntryId, EventNumber, SessionId, TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Entry } from "../../core/transcript.ts";
import type { StoredMessage } from "../../store/messages.ts";
import type { Store } from "../../store/store.ts";
import type { StoredEvent } from "../../store/turns.ts";

/** A place in the branch: an event of a turn (0: of one whose events have gone), or an entry that belongs to no turn. */
export type Cursor = TurnCursor | { entry: EntryId };
interface TurnCursor {
  turn: TurnId;
  event: EventNumber;
}

/** What stands at one place. */
export type Row = { cursor: Cursor; session: SessionId } & (
  | { is: "event"; stored: StoredEvent }
  | { is: "entry"; entry: Entry }
  /** A turn whose events have gone: what was said in it. */
  | { is: "said"; turn: TurnId; messages: StoredMessage[] }
);

/** A session, and up to where it belongs to the branch; the first is the newest. */
interface Segment {
  session: SessionId;
  turnBelow: TurnId;
  entryBelow: EntryId;
}

type BranchStore = Pick<Store, "timeline" | "sessions" | "entries" | "turns">;
const end = Number.MAX_SAFE_INTEGER;
const batch = 200;

/** `T12.345`, `E7`. */
export function cursorText(cursor: Cursor): string {
  return "entry" in cursor ? `E${cursor.entry}` : `T${cursor.turn}.${cursor.event}`;
}

/** Reads a cursor; undefined for anything else. */
export function parseCursor(text: string): Cursor | undefined {
  const found = /^(?:T(\d{1,15})\.(\d{1,15})|E(\d{1,15}))$/.exec(text);
  if (found === null) return undefined;
  const [, turn, event, entry] = found;
  return entry === undefined ? { turn: Number(turn), event: Number(event) } : { entry: Number(entry) };
}

/** The branch of a session. Each list is read as it is asked for: nothing costs more because the session is long. */
export function createBranch(store: BranchStore, session: SessionId) {
  const segments = segmentsOf(store, session);

  /** Which segment a place belongs to; undefined for a place of somebody else's. */
  const find = (cursor: Cursor): number | undefined => {
    const index = segments.findIndex((segment) => isIn(store, cursor, segment));
    return index === -1 ? undefined : index;
  };

  function* older(from?: Cursor): Generator<Row> {
    const start = from === undefined ? 0 : find(from);
    if (start === undefined) return;
    for (const [index, segment] of segments.entries()) {
      if (index < start) continue;
      const at = index === start ? from : undefined;
      if (at === undefined || "turn" in at) yield* turnRows(store, segment, { at, older: true });
      yield* entryRows(store, segment, {
        from: at !== undefined && "entry" in at ? at.entry : segment.entryBelow,
        older: true,
      });
    }
  }

  function* newer(from?: Cursor): Generator<Row> {
    const start = from === undefined ? segments.length - 1 : find(from);
    if (start === undefined) return;
    for (let index = start; index >= 0; index--) {
      const segment = segments[index];
      if (segment === undefined) return;
      const at = index === start ? from : undefined;
      if (at === undefined || "entry" in at) yield* entryRows(store, segment, { from: at?.entry ?? 0, older: false });
      yield* turnRows(store, segment, { at: at !== undefined && "turn" in at ? at : undefined, older: false });
    }
  }

  return {
    /** What lies before a place, the newest first; from the end without one. */
    older,
    /** What lies behind a place, the oldest first; from the beginning without one. */
    newer,
    has: (cursor: Cursor): boolean => find(cursor) !== undefined,
    /** The row at a place. */
    at(cursor: Cursor): Row | undefined {
      const session = segments[find(cursor) ?? -1]?.session;
      if (session === undefined) return undefined;
      if ("entry" in cursor) {
        const entry = store.entries.get(cursor.entry);
        return entry === undefined ? undefined : { is: "entry", cursor, session, entry };
      }
      const { turn, event } = cursor;
      if (event === 0) return wholeTurn(store, session, { turn, older: false }).next().value ?? undefined;
      const row = eventRows(store, session, { turn, from: event - 1, older: false }).next().value;
      return row !== undefined && "is" in row && row.is === "event" && row.stored.n === event ? row : undefined;
    },
  };
}

/** The session and those that it was forked from. */
function segmentsOf(store: BranchStore, session: SessionId): Segment[] {
  const found: Segment[] = [{ session, turnBelow: end, entryBelow: end }];
  let last = store.sessions.get(session);
  while (found.length < limits.viewForksMax && last?.forkedAt != null) {
    const entry = store.entries.get(last.forkedAt);
    if (entry === undefined) break;
    const turnBelow = entry.turn === null ? 0 : entry.turn + 1;
    found.push({ session: entry.session, turnBelow, entryBelow: entry.id + 1 });
    last = store.sessions.get(entry.session);
  }
  return found;
}

function isIn(store: BranchStore, cursor: Cursor, segment: Segment): boolean {
  if ("entry" in cursor) {
    if (cursor.entry >= segment.entryBelow) return false;
    const entry = store.entries.get(cursor.entry);
    return entry?.session === segment.session && entry.turn === null;
  }
  return cursor.turn < segment.turnBelow && store.turns.get(cursor.turn)?.session === segment.session;
}

interface Way {
  older: boolean;
}

function* turnRows(
  store: BranchStore,
  { session, turnBelow }: Segment,
  { at, older }: Way & { at: TurnCursor | undefined },
): Generator<Row> {
  if (at !== undefined) yield* eventRows(store, session, { turn: at.turn, from: at.event, older });
  let from = at?.turn ?? (older ? turnBelow : 0);
  for (;;) {
    const turns = store.timeline.turns(session, from, { older, limit: batch });
    for (const turn of turns) {
      if (turn >= turnBelow) return;
      yield* wholeTurn(store, session, { turn, older });
    }
    from = turns.at(-1) ?? from;
    if (turns.length < batch) return;
  }
}

/** All rows of one turn; of one whose events have gone a single row with what was said. */
function* wholeTurn(store: BranchStore, session: SessionId, { turn, older }: Way & { turn: TurnId }): Generator<Row> {
  let some = false;
  for (const row of eventRows(store, session, { turn, from: older ? end : 0, older })) {
    some = true;
    yield row;
  }
  if (some || store.turns.get(turn)?.endedAt == null) return;
  const messages = store.timeline.said(turn, batch);
  if (messages.length > 0) yield { is: "said", cursor: { turn, event: 0 }, session, turn, messages };
}

function* eventRows(
  store: BranchStore,
  session: SessionId,
  { turn, from, older }: Way & { turn: TurnId; from: EventNumber },
): Generator<Row> {
  for (let next = from; ; ) {
    const events = store.timeline.events(turn, next, { older, limit: batch });
    for (const stored of events) yield { is: "event", cursor: { turn, event: stored.n }, session, stored };
    next = events.at(-1)?.n ?? next;
    if (events.length < batch) return;
  }
}

function* entryRows(
  store: BranchStore,
  { session, entryBelow }: Segment,
  { from, older }: Way & { from: EntryId },
): Generator<Row> {
  for (let next = from; ; ) {
    const entries = store.timeline.entries(session, next, { older, limit: batch });
    for (const entry of entries) {
      if (entry.id >= entryBelow) return;
      yield { is: "entry", cursor: { entry: entry.id }, session, entry };
    }
    next = entries.at(-1)?.id ?? next;
    if (entries.length < batch) return;
  }
}
