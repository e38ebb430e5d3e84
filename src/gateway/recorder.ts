// Stores what happens in one turn before anybody else sees it, then passes it on.
import { isStored, type TurnEvent } from "../core/event.ts";
import type { EntryId, EventNumber } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Session, TurnRow } from "../core/session.ts";
import type { Entry } from "../core/transcript.ts";
import { addUsage, noUsage, type Usage } from "../core/usage.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Branches } from "./branches.ts";
import type { Hub } from "./hub.ts";

/** What a recorder works with. */
export interface RecorderDeps {
  store: Store;
  hub: Hub;
  branches: Branches;
  clock: Clock;
  /** A finished answer or a sent file, for the history view. Never throws. */
  onMessage(message: { turn: TurnRow; text: string; at: number }): void;
}

export type Recorder = ReturnType<typeof createRecorder>;

/** A recorder of one start of one turn. */
export function createRecorder(deps: RecorderDeps, { turn, session }: { turn: TurnRow; session: Session }) {
  const { store, hub, branches, clock } = deps;
  let head: EntryId | null = session.head;
  let last: EventNumber = store.turns.lastEvent();
  let partial = "";
  let partialAt = clock.monotonic();
  // A harness counts from its own start; what earlier starts of this turn used comes on top.
  const before: Usage = turn.usage;
  let usage: Usage = before;
  let ended = false;

  /** The event with its effects in one transaction: once this returns, it survives anything. */
  const commit = (event: TurnEvent): void => {
    const at = clock.now();
    let entry: Entry | undefined;
    store.transaction(() => {
      if (event.type === "taken") for (const id of event.inputs) store.inputs.take(id, turn.id);
      if (event.type === "continuation") store.sessions.set(session.id, { continuation: event.value });
      if ("entry" in event && event.entry !== undefined) {
        entry = store.entries.append({ session: session.id, turn: turn.id, parent: head, at, body: event.entry });
      }
      if (event.type === "message" && event.text.trim() !== "") remember(event.text, at);
      if (event.type === "ended") {
        usage = addUsage(before, event.usage);
        store.turns.end(turn.id, { outcome: event.outcome, at, usage, ...(event.error && { error: event.error }) });
        store.inputs.finish(turn.id);
        // What the turn was started for and never took would start it again, for ever.
        store.inputs.giveUp(turn.id);
        store.sessions.touch(session.id, { at });
      }
      if (event.type === "usage") {
        usage = addUsage(before, event.usage);
        store.turns.setUsage(turn.id, usage);
      }
      last = store.turns.append(turn.id, { event, at });
    });
    if (entry !== undefined) {
      head = entry.id;
      branches.added(entry);
    }
    if (event.type === "ended") ended = true;
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
    /** Stores an event and publishes it. @throws when the store does; then nothing was published. */
    record(event: TurnEvent): void {
      if (isStored(event)) commit(event);
      else if (event.type === "text") savePartial(event.delta);
      if (event.type === "message" || event.type === "reset") partial = "";
      hub.publish({ n: last, turn: turn.id, session: session.id, event: shown(event) });
      if (event.type === "message" && event.text.trim() !== "")
        deps.onMessage({ turn, text: event.text, at: clock.now() });
    },
    /** Publishes without storing: the last word when the store itself fails. */
    announce(event: TurnEvent): void {
      if (event.type === "ended") ended = true;
      hub.publish({ n: last, turn: turn.id, session: session.id, event });
    },
    /** The session's newest stored entry. */
    head: () => head,
    ended: () => ended,
    usage: () => usage,
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
