// The contract of the family: what runs a turn (CONTRACTS.md 3).
import type { TurnEvent } from "../core/event.ts";
import type { EntryId } from "../core/ids.ts";
import type { Sender } from "../core/message.ts";
import type { ModelName } from "../core/model-name.ts";
import type { Session, TurnInput } from "../core/session.ts";
import type { Entry } from "../core/transcript.ts";
import type { KeyOwner, Models } from "../models/model.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { Tool, ToolContext } from "../tools/tool.ts";

/** A tool call that may need somebody's word. */
export interface PermitCall {
  id: string;
  name: string;
  /** The exact arguments: the answer is about these and no others. */
  input: unknown;
}

/** Whether a call may start; `reason` is what the model is told instead. */
export type Permit = { allowed: true } | { allowed: false; reason: string };

/** One run of a harness for one or more inputs of one session. */
export interface Turn {
  id: number;
  /** It was started before and cut off, by a crash or by a stop of the program: it goes on from there. */
  resumed: boolean;
  session: Session;
  requester: Sender;
  /** Set where the agent allows that the requester's own model keys are used. */
  keys?: KeyOwner;
  /** The whole system prompt; stable between turns as long as nothing it is made of changes. */
  system: string;
  model: ModelName;
  /** The branch from the newest compaction on, oldest first. What the turn stores is not added to it. */
  history: readonly Entry[];
  /** The session's newest stored entry: once an event with an `entry` was consumed, it is that entry. */
  head(): EntryId | null;
  /** Calls whose start was stored and whose end was not: they may have happened (only when resumed). */
  startedCalls: ReadonlySet<string>;
  /** Calls about which somebody was asked before the program ended: those of them that did not start go on. */
  askedCalls: ReadonlySet<string>;
  /**
   * Asked before each call starts; whoever must be asked is asked here, and the turn waits for the answer, for a day if
   * need be. Rejects only when the store does.
   */
  permit(call: PermitCall): Promise<Permit>;
  /** The next waiting input, or none. Stays the same until the `taken` that names it is stored. */
  next(): TurnInput | undefined;
  /** Loads the bytes of an input's stored file, or of one named by `attachments/…`. */
  file(stored: string): Promise<Uint8Array>;
  /** Aborted by stop and shutdown. */
  signal: AbortSignal;
  tools: readonly Tool[];
  /** The context for one tool call; `output` is wired to the stream by the harness. */
  toolContext(call: {
    id: string;
    signal: AbortSignal;
    output(text: string): void;
    emit(event: TurnEvent): Promise<void>;
  }): ToolContext;
}

/** What any harness may need; each takes what it uses. */
export interface HarnessDeps {
  models: Models;
  clock: Clock;
  log: Log;
  /** IANA name of the zone in which times are told to the model. */
  timeZone: string;
}

/**
 * Runs turns. The stream never throws, yields exactly one `ended` and yields it last. The consumer
 * stores an event before it asks for the next one, so a harness that waits to be asked again knows
 * that its last event is on disk: a tool call starts only after its `tool start` was yielded so.
 * `started`, `taken`, `message`, `usage` and `notice` change nothing outside and may be committed with
 * the event after them, at the latest at the end of the tick; everything else is on disk at once.
 * A `tool end` without a `tool start` is a call that was never started (a stop, a restart).
 */
export interface Harness {
  readonly name: string;
  run(turn: Turn): AsyncIterable<TurnEvent>;
}
