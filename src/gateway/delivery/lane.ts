// One conversation's way out: what is to be done next there, one call at a time, in the order of the rows.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Delivery } from "../../store/deliveries.ts";
import type { Log } from "../../sys/log.ts";
import type { AdapterHandle } from "../handle.ts";
import { type LayoutDeps, layOut } from "./pieces.ts";

/** An answer that is forming: its row, and what it says at the moment it is asked. Times are monotonic. */
export interface Forming {
  row: Delivery;
  content(): string;
  /** It says something else than what is shown. */
  dirty: boolean;
  shown: string;
  nextAt: number;
  failures: number;
  /** Its place is gone, or the platform does not take it: it is left alone until it is final. */
  quiet: boolean;
}

/** What is known of a conversation while something is under way there; forgotten when nothing is. */
export interface Lane {
  readonly adapter: string;
  /** Changes when the conversation gets another id. */
  conversation: string;
  /** A call is under way. */
  busy: boolean;
  queued: boolean;
  /** The platform wants quiet here until then (monotonic). */
  notBefore: number;
  /** The row whose change failed last, as if the whole platform were away: others have their turn before it. */
  failed: number | undefined;
  /** Writes to the store that failed in a row. */
  failures: number;
  readonly forming: Map<number, Forming>;
  /** What a call led to and the store has not taken yet: it goes before everything else. */
  unsaved: (() => void) | undefined;
  timer: AbortController | undefined;
  /** The one of the conversation that this one's became, where both were there: it goes on when this is at rest. */
  heir: Lane | undefined;
  /** The other way round. */
  before: Lane | undefined;
}

/** One call to the platform. */
export type Action =
  /** `find`: an earlier send is looked for. */
  | { type: "mark" | "post" | "file" | "find" | "edit" | "remove"; row: Delivery }
  | { type: "form"; row: Delivery; forming: Forming; body: string };

/** The next call, or how long until there is one (in milliseconds; none when nothing is under way). */
export type Next = { action: Action } | { waitMs: number | undefined };

/** What is decided with. */
export interface LaneDeps extends LayoutDeps {
  transaction<Result>(work: () => Result): Result;
  /** What an earlier life began to send, and nobody can look for. */
  settleUnknown(row: Delivery): void;
  /** A row that its adapter cannot bring into its form. */
  settleBroken(row: Delivery, error: unknown): void;
  clock: LayoutDeps["clock"] & { monotonic(): number };
  log: Log;
}

export function createLane(adapter: string, conversation: string): Lane {
  return {
    adapter,
    conversation,
    busy: false,
    queued: false,
    notBefore: 0,
    failed: undefined,
    failures: 0,
    forming: new Map(),
    unsaved: undefined,
    timer: undefined,
    heir: undefined,
    before: undefined,
  };
}

/** Decides; what needs no call (a split, a drop) is done on the way. @throws when the store does. */
export function next(deps: LaneDeps, { lane, handle }: { lane: Lane; handle: AdapterHandle }): Next {
  lane.unsaved?.();
  lane.unsaved = undefined;
  const now = deps.clock.monotonic();
  if (now < lane.notBefore) return { waitMs: lane.notBefore - now };
  // Each round settles or splits a row, so that it ends; the bound is for what nobody thought of.
  for (let round = 0; round < limits.deliveryRoundsMax; round += 1) {
    const found = look(deps, { lane, handle, now });
    if (found !== "again") return found;
  }
  return { waitMs: limits.deliveryRetryBaseMs };
}

/** Goes through the rows in their order, then through the forming answers. */
function look(
  deps: LaneDeps,
  { lane, handle, now }: { lane: Lane; handle: AdapterHandle; now: number },
): Next | "again" {
  const wall = deps.clock.now();
  let wait = Number.POSITIVE_INFINITY;
  /** An earlier row waits for its first send: none may overtake it. Edits of what is there already may. */
  let blocked = false;
  let last: Action | undefined;
  for (const row of rowsOf(deps, lane)) {
    if (needsNoCall(deps, { row, handle })) return "again";
    const waits = waitOf(row, wall);
    if (row.ref === null) {
      if (blocked || waitsForAnswer(deps, row)) continue;
      if (waits === 0) return { action: { type: row.fate === "sending" ? "find" : sendOf(row, handle), row } };
      blocked = true;
    } else if (waits === 0) {
      const action: Action = { type: row.form === "removed" ? "remove" : "edit", row };
      if (row.id !== lane.failed) return { action };
      last = action;
    }
    wait = Math.min(wait, waits);
  }
  for (const forming of lane.forming.values()) {
    if (!forming.dirty || forming.quiet || forming.row.ref === null) continue;
    if (now >= forming.nextAt) {
      const body = formingBody(deps, { forming, handle });
      if (body !== undefined) return { action: { type: "form", row: forming.row, forming, body } };
    } else wait = Math.min(wait, forming.nextAt - now);
  }
  if (last !== undefined) return { action: last };
  return { waitMs: Number.isFinite(wait) ? wait : undefined };
}

/** Stored rows, with the forming ones that want their place; a stored one is newer than what is known of it here. */
function rowsOf({ deliveries }: LaneDeps, lane: Lane): Delivery[] {
  const { adapter, conversation } = lane;
  const rows = deliveries.open(adapter, { conversation, limit: limits.deliveriesLookedAt });
  const known = new Set(rows.map(({ id }) => id));
  const placeless = [...lane.forming.values()]
    .filter(({ row, quiet }) => row.ref === null && !quiet && !known.has(row.id))
    .map(({ row }) => row);
  if (placeless.length === 0) return rows;
  const order = (row: Delivery) => row.head ?? row.id;
  return [...rows, ...placeless].sort((a, b) => order(a) - order(b) || a.part - b.part);
}

/** What is settled without a call. @returns true when the rows are to be read again. */
function needsNoCall(deps: LaneDeps, { row, handle }: { row: Delivery; handle: AdapterHandle }): boolean {
  const sought = row.fate === "sending" && isFindable(row, handle);
  if (row.form === "removed" && row.ref === null && !sought) {
    deps.deliveries.settle(row.id, { fate: "dropped" });
    return true;
  }
  if (row.fate === "sending" && !sought) {
    deps.settleUnknown(row);
    return true;
  }
  if (row.form === "markdown") {
    try {
      deps.transaction(() => layOut(deps, { row, handle }));
    } catch (error) {
      deps.settleBroken(row, error);
    }
    return true;
  }
  if (row.answers === null) return false;
  const fate = deps.deliveries.get(row.answers)?.fate;
  if (fate === "pending" || fate === "sending" || fate === "placed" || fate === "sent") return false;
  // Nothing is there that it could answer.
  deps.deliveries.settle(row.id, { fate: "dropped" });
  return true;
}

/** A bell, and what stands below an answer, come after that, and hold nobody else up. */
function waitsForAnswer({ deliveries }: LaneDeps, row: Delivery): boolean {
  return row.answers !== null && deliveries.get(row.answers)?.fate !== "sent";
}

/** A wait beyond what was planned comes from a clock that was set back: it is over. */
function waitOf(row: Delivery, wall: number): number {
  const left = row.nextAt - wall;
  return left <= 0 || left > row.waitMs ? 0 : left;
}

/** How the first send of a row is made safe. */
function sendOf(row: Delivery, { traits }: AdapterHandle): "mark" | "post" | "file" {
  if (row.kind === "file") return "file";
  // A bell says nothing that is lost with it: it is sent once, at most.
  if (row.kind === "bell") return "post";
  // What is looked for needs no marker; an answer that forms has nothing else to begin with.
  return traits.repeat === "find" && row.form === "final" ? "post" : "mark";
}

/** Whether a send of unknown fate is looked for before it is repeated. */
export function isFindable({ kind }: Delivery, { traits }: AdapterHandle): boolean {
  return traits.repeat === "find" && kind !== "bell";
}

/** What a forming answer says now; none when that is shown already. */
function formingBody(
  { redactor, log }: LaneDeps,
  { forming, handle }: { forming: Forming; handle: AdapterHandle },
): string | undefined {
  forming.dirty = false;
  const content = redactor.exact(forming.content());
  if (content.trim() === "") return undefined;
  try {
    const [body] = handle.render(content, "forming");
    return body === undefined || body === forming.shown ? undefined : body;
  } catch (error) {
    // What is half written may be what no renderer expects; the final text is tried again.
    log.warn("Cannot render a forming answer", { error: errorText(error) });
    forming.quiet = true;
    return undefined;
  }
}
