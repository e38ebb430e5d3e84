// Pages of a session's timeline, what came since, and search through all of it.
import { performance } from "node:perf_hooks";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import type { Store } from "../../store/store.ts";
import type { StoredEvent } from "../../store/turns.ts";
import { type Cursor, createBranch, cursorText, parseCursor, type Row } from "./branch.ts";
import type { Item, ItemPage } from "./item.ts";
import { endsAmong, type View } from "./view.ts";

/** What timelines are read with. */
export interface TimelineDeps {
  store: Pick<Store, "timeline" | "sessions" | "entries" | "turns">;
  view: View;
  redact(text: string): string;
}

/** What a page is asked for by: what lies before a place, behind it, or around it; the newest without any. */
export interface PageQuery {
  before?: string | undefined;
  after?: string | undefined;
  around?: string | undefined;
  /** The beginning of the branch. */
  first?: boolean | undefined;
}

/** A place where all words were found. */
export interface Hit {
  id: string;
  at: number;
  /** What stands around the first of the words. */
  excerpt: string;
}

export type Timeline = ReturnType<typeof createTimeline>;

/** The timeline of one session. A place that is not in its branch is as one that does not exist: undefined. */
export function createTimeline({ store, view, redact }: TimelineDeps, session: number) {
  const branch = createBranch(store, session);

  const itemsOf = (rows: readonly Row[]): Item[] => {
    const ends = endsAmong(store, rows);
    return rows.flatMap((row) => view.items(row, { ends }));
  };

  const page = ({ before, after, around, first }: PageQuery): ItemPage | undefined => {
    const named = around ?? before ?? after;
    const place = named === undefined ? undefined : parseCursor(named);
    if (named !== undefined && (place === undefined || !branch.has(place))) return undefined;
    const half = around === undefined ? limits.viewItemsMax : limits.viewItemsMax / 2;
    const newer =
      after !== undefined || around !== undefined || first === true ? take(branch.newer(place), half) : none;
    const older = after !== undefined || first === true ? none : take(branch.older(place), half);
    const here = around === undefined || place === undefined ? undefined : branch.at(place);
    const rows = [...older.rows.reverse(), ...(here === undefined ? [] : [here]), ...newer.rows];
    // In the other direction there is what was asked from.
    const back = after !== undefined ? cursorOf(rows[0]) : null;
    return {
      items: itemsOf(rows),
      older: older.more ? cursorOf(rows[0]) : back,
      newer: newer.more ? cursorOf(rows.at(-1)) : null,
      last: cursorOf(rows.at(-1)) ?? named ?? null,
    };
  };

  return {
    page,
    /** The newest place; none in an empty session. */
    newest: (): Cursor | undefined => branch.older().next().value?.cursor,
    /**
     * What came behind a place, at most `limits.viewCatchUpMax` rows; undefined when there are more, or when the place
     * is not in the branch. Each with its place, since some rows show nothing or change what is shown already.
     */
    since(place: Cursor | undefined): { cursor: Cursor; items: Item[] }[] | undefined {
      if (place !== undefined && !branch.has(place)) return undefined;
      const { rows, more } = take(branch.newer(place), limits.viewCatchUpMax);
      if (more) return undefined;
      const ends = endsAmong(store, rows);
      return rows.map((row) => ({ cursor: row.cursor, items: view.items(startOf(store, row), { ends }) }));
    },
    /** One item with as much of its text as is ever shown. */
    whole(id: string): Item | undefined {
      const place = parseCursor(id);
      if (place === undefined || !branch.has(place)) return undefined;
      const row = branch.at(place);
      if (row === undefined) return undefined;
      return view.items(row, { ends: endsAmong(store, []), charsMax: limits.viewWholeCharsMax })[0];
    },
    /** The row at a place, for the files that it names. */
    row: (place: Cursor): Row | undefined => (branch.has(place) ? branch.at(place) : undefined),
    /**
     * Places that hold every word of `query`, the newest first, and where to go on: a long session is searched in
     * several goes, each short enough that nobody waits for it. What is searched is what is shown: without secrets.
     */
    search(query: string, before: string | undefined): { hits: Hit[]; more: string | null } | undefined {
      const words = query
        .toLowerCase()
        .split(/\s+/u)
        .filter((word) => word !== "");
      const place = before === undefined ? undefined : parseCursor(before);
      if (before !== undefined && (place === undefined || !branch.has(place))) return undefined;
      if (words.length === 0) return { hits: [], more: null };
      const hits: Hit[] = [];
      const over = performance.now() + limits.viewSearchMs;
      let looked = 0;
      for (const row of branch.older(place)) {
        const shown = redact(plainText(store, row));
        const folded = shown.toLowerCase();
        if (words.every((word) => folded.includes(word))) hits.push(hitOf(store, { row, shown, word: words[0] ?? "" }));
        looked += 1;
        if (hits.length >= limits.viewHitsMax || looked >= limits.viewSearchRows || performance.now() > over) {
          return { hits, more: cursorText(row.cursor) };
        }
      }
      return { hits, more: null };
    },
  };
}

const none: { rows: Row[]; more: boolean } = { rows: [], more: false };

/** So many rows, and whether there are more. A row may show nothing, so they are counted and not the items. */
function take(rows: Generator<Row>, count: number): { rows: Row[]; more: boolean } {
  const found: Row[] = [];
  for (const row of rows) {
    if (found.length >= count) return { rows: found, more: true };
    found.push(row);
  }
  return { rows: found, more: false };
}

function cursorOf(row: Row | undefined): string | null {
  return row === undefined ? null : cursorText(row.cursor);
}

/** An end changes the item of its start: that one is shown anew. */
function startOf(store: Pick<Store, "timeline">, row: Row): Row {
  const start = row.is === "event" ? callStart(store, row.stored) : undefined;
  if (start === undefined || row.is !== "event") return row;
  return { ...row, cursor: { turn: start.turn, event: start.n }, stored: start };
}

function callStart(store: Pick<Store, "timeline">, { n, turn, event }: StoredEvent): StoredEvent | undefined {
  if (event.type !== "tool" || event.step !== "end") return undefined;
  return store.timeline.callStart(turn, { call: event.call, end: n });
}

function hitOf(store: Pick<Store, "timeline">, { row, shown, word }: { row: Row; shown: string; word: string }): Hit {
  const at = row.is === "event" ? row.stored.at : row.is === "entry" ? row.entry.at : (row.messages[0]?.at ?? 0);
  const from = Math.max(0, shown.toLowerCase().indexOf(word) - limits.viewExcerptChars / 3);
  const part = shown.slice(from).toWellFormed();
  return {
    id: cursorText(startOf(store, row).cursor),
    at,
    excerpt: `${from === 0 ? "" : "…"}${excerpt(part, limits.viewExcerptChars)}`,
  };
}

/** What a row says, for search. */
function plainText(store: Pick<Store, "timeline">, row: Row): string {
  if (row.is === "said") return row.messages.map(({ text }) => text).join("\n");
  if (row.is === "entry") {
    if (row.entry.body.kind === "compaction") return row.entry.body.summary;
    return row.entry.body.message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  }
  const { event } = row.stored;
  switch (event.type) {
    case "taken":
    case "message":
    case "notice":
    case "ask":
      return event.text;
    case "tool":
      if (event.step === "start") return `${event.name} ${event.title}\n${JSON.stringify(event.input)}`;
      return event.text;
    case "file":
      return `${event.name} ${event.caption ?? ""}`;
    case "compacted":
      return store.timeline.summary(row.stored.turn, row.stored.at) ?? "";
    case "ended":
      return event.error?.message ?? "";
    default:
      return "";
  }
}
