// Stores what happens in one turn before anybody else sees it, then passes it on.
import { setImmediate } from "node:timers";
import { isStored, type TurnEvent } from "../../core/event.ts";
import type { EntryId, EventNumber, InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Session, TurnRow } from "../../core/session.ts";
import type { Entry } from "../../core/transcript.ts";
import { addUsage, noUsage, type Usage } from "../../core/usage.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Hub } from "../hub.ts";
import type { Branches } from "./branches.ts";

/** What a recorder works with. */
export interface RecorderDeps {
  store: Store;
  hub: Hub;
  branches: Branches;
  clock: Clock;
  /** A finished answer or a sent file, for the history view. Never throws. */
  onMessage(message: { turn: TurnRow; text: string; at: number }): void;
  /** Inside the transaction that stores an event, so that what goes out because of it is stored with it. */
  onStored?(turn: TurnRow, event: TurnEvent): void;
}

/** An event on its way into the store, with its entry. */
interface Recorded {
  event: TurnEvent;
  at: number;
  entry?: Entry;
}

/** What is in the store; `n` is the event's number there, none for what is only shown. */
interface Written extends Recorded {
  n: EventNumber | undefined;
}

/**
 * Events that change nothing outside, so that they may be committed together with what follows in the same tick: a
 * commit waits for the disk, and a simple answer ends with three of them. What is taken is committed while the model
 * already reads its request: after a crash in between it waits still, belongs to the same turn, and is taken again.
 */
const mayWait: ReadonlySet<TurnEvent["type"]> = new Set(["started", "taken", "message", "usage", "notice", "ended"]);

export type Recorder = ReturnType<typeof createRecorder>;

/** A recorder of one start of one turn. */
export function createRecorder(deps: RecorderDeps, { turn, session }: { turn: TurnRow; session: Session }) {
  const { store, hub, branches, clock } = deps;
  let head: EntryId | null = session.head;
  /** The newest entry that is committed. */
  let stored = head;
  let last: EventNumber = store.turns.lastEvent();
  let partial = "";
  let partialAt = clock.monotonic();
  // A harness counts from its own start; what earlier starts of this turn used comes on top.
  const before: Usage = turn.usage;
  let usage: Usage = before;
  let ended = false;
  /** Taken by this start of the turn, and perhaps not committed yet. */
  const taken = new Set<InputId>();

  /** What waits for the commit of its tick, in its order, and what happens in that transaction besides. */
  let pending: Recorded[] = [];
  let joined: (() => void)[] = [];
  let failure: unknown;
  /** The commit that was asked for last. */
  let flushing: Promise<void> = Promise.resolve();

  /** An event as it will be stored: it has its time, and its entry has its number. */
  const prepare = (event: TurnEvent): Recorded => {
    const at = clock.now();
    if (!("entry" in event) || event.entry === undefined) return { event, at };
    const entry = {
      id: store.entries.reserve(),
      session: session.id,
      turn: turn.id,
      parent: head,
      at,
      body: event.entry,
    };
    head = entry.id;
    return { event, at, entry };
  };

  /** One event with its effects, inside the transaction; `ends`: of one that ends the turn. @returns its number. */
  const write = ({ event, at, entry }: Recorded, ends: boolean): EventNumber => {
    if (event.type === "taken") for (const id of event.inputs) store.inputs.take(id, turn.id);
    if (event.type === "continuation") store.sessions.set(session.id, { continuation: event.value });
    if (entry !== undefined) store.entries.append(entry);
    if (event.type === "message" && event.text.trim() !== "") remember(event.text, at);
    if (event.type === "ended") {
      usage = addUsage(before, event.usage);
      store.turns.end(turn.id, { outcome: event.outcome, at, usage, ...(event.error && { error: event.error }) });
      store.inputs.finish(turn.id);
      store.approvals.voidTurn(turn.id, at);
      store.sessions.touch(session.id, { at });
    }
    if (event.type === "ask") store.turns.setState(turn.id, "waiting");
    if (event.type === "usage") {
      usage = addUsage(before, event.usage);
      // The end stores it with the rest of the row.
      if (!ends) store.turns.setUsage(turn.id, usage);
    }
    const number = store.turns.append(turn.id, { event, at });
    deps.onStored?.(turn, event);
    return number;
  };

  /** Stores what is pending; inside a transaction. */
  const writePending = (): Written[] => {
    const group = pending;
    const work = joined;
    pending = [];
    joined = [];
    for (const also of work) also();
    const ends = group.some(({ event }) => event.type === "ended");
    return group.map((one) => ({ ...one, n: isStored(one.event) ? write(one, ends) : undefined }));
  };

  /** Shows what was committed. */
  const publishAll = (group: readonly Written[]): void => {
    const said: Parameters<RecorderDeps["onMessage"]>[0][] = [];
    for (const { event, at, entry, n } of group) {
      last = n ?? last;
      if (entry !== undefined) {
        stored = entry.id;
        branches.added(entry);
      }
      if (event.type === "ended") ended = true;
      publish(event);
      if (event.type === "message" && event.text.trim() !== "") said.push({ turn, text: event.text, at });
    }
    // Those who wait for it read it first.
    if (said.length > 0) setImmediate(() => said.forEach(deps.onMessage));
  };

  /** Stores what is pending in one transaction, then publishes it. When it fails, nothing of it was stored or shown. */
  const flush = (): void => {
    if (pending.length === 0) return;
    let group: Written[];
    try {
      group = store.transaction(writePending);
    } catch (error) {
      head = stored;
      throw error;
    }
    publishAll(group);
  };

  const publish = (event: TurnEvent) =>
    hub.publish({ n: last, turn: turn.id, session: session.id, event: shown(event) });

  /** The same at the end of this tick, in one commit with whatever else comes in it. */
  const flushSoon = (): void => {
    flushing = store.grouped(writePending, publishAll).then(
      () => undefined,
      (error: unknown) => {
        head = stored;
        failure = error;
      },
    );
  };

  /** Throws what failed since somebody asked last. */
  const check = (): void => {
    if (failure === undefined) return;
    const error = failure;
    failure = undefined;
    throw error;
  };

  const remember = (text: string, at: number) => {
    store.messages.add({
      adapter: turn.replyTo.adapter,
      conversation: turn.replyTo.conversation.id,
      external: null,
      session: session.id,
      turn: turn.id,
      direction: "out",
      sender: turn.agent,
      at,
      text,
    });
  };

  /** The forming answer, stored at most once a second: after a crash people see how far it got. */
  const savePartial = (delta: string) => {
    partial += delta;
    const now = clock.monotonic();
    if (now - partialAt < limits.partialEveryMs) return;
    partialAt = now;
    store.turns.setPartial(turn.id, partial);
  };

  return {
    /**
     * Stores an event and publishes it: at once, together with what waits; or, when nothing outside depends on it, at
     * the latest at the end of this tick. @throws when the store does, or did since; then nothing was published.
     */
    record(event: TurnEvent): void {
      check();
      if (event.type === "taken") for (const id of event.inputs) taken.add(id);
      if (isStored(event)) {
        pending.push(prepare(event));
        if (!mayWait.has(event.type)) flush();
        else if (pending.length === 1) flushSoon();
      } else {
        if (event.type === "text") savePartial(event.delta);
        // Shown in its order, and without a commit of its own.
        if (pending.length > 0) pending.push({ event, at: clock.now() });
        else publish(event);
      }
      if (event.type === "message" || event.type === "reset") partial = "";
    },
    /** Stores what waits. @throws when the store does. */
    flush,
    /** Resolves when everything so far is stored and shown. @throws when the store did. */
    async settled(): Promise<void> {
      await flushing;
      check();
    },
    /** Has `work` run in the transaction of the next event. */
    join(work: () => void): void {
      joined.push(work);
    },
    /** Publishes without storing: the last word when the store itself fails. */
    announce(event: TurnEvent): void {
      if (event.type === "ended") ended = true;
      hub.publish({ n: last, turn: turn.id, session: session.id, event });
    },
    taken: taken as ReadonlySet<InputId>,
    /** The session's newest stored entry. */
    head: () => head,
    ended: () => ended,
  };
}

/** An event without its entry: that is for the store and the model, and may have megabytes. */
function shown(event: TurnEvent): TurnEvent {
  if (!("entry" in event)) return event;
  const { entry: _entry, ...rest } = event;
  return rest;
}

/** The sum of what a session's turns used. */
export function sessionUsage(store: Store, session: number): Usage {
  return store.turns.usages(session).reduce(addUsage, noUsage);
}
