// A session, a turn and an input as everybody above the store sees them.
import type { Outcome } from "./event.ts";
import type { FailureData } from "./failure.ts";
import type { EntryId, InputId, SessionId, TurnId } from "./ids.ts";
import type { Address, FileRef, Inbound, Sender } from "./message.ts";
import type { Usage } from "./usage.ts";

/** One line of context. Times are Unix milliseconds. */
export interface Session {
  id: SessionId;
  agent: string;
  title: string;
  /** The newest entry; null while the session is empty. A fork starts with its parent's entry here. */
  head: EntryId | null;
  parent: SessionId | null;
  forkedAt: EntryId | null;
  /** `provider/name[:level]` chosen for this session, else the agent's. */
  model: string | null;
  /** Opaque to all but the harness. */
  continuation: string | null;
  /** Working folder chosen for this session (an absolute host path), else the conversation's scratch. */
  folder: string | null;
  createdAt: number;
  lastAt: number;
}

export type InputState = "waiting" | "context" | "held" | "taken" | "done" | "removed";

/** A stored inbound. */
export interface Input {
  id: InputId;
  session: SessionId | null;
  turn: TurnId | null;
  state: InputState;
  inbound: Inbound;
  receivedAt: number;
}

/** Where the answer goes; fixed when the turn starts (SECURITY.md 8). */
export interface ReplyTarget extends Address {
  /** The message that is answered, where the platform can quote. */
  replyTo?: string;
}

export type TurnState = "running" | "waiting" | "interrupted" | Outcome;

export interface TurnRow {
  id: TurnId;
  session: SessionId;
  agent: string;
  requester: Sender;
  replyTo: ReplyTarget;
  state: TurnState;
  /** How often it was started; raised before each start. */
  attempts: number;
  startedAt: number;
  endedAt: number | null;
  error: FailureData | null;
  usage: Usage;
  /** The answer so far, stored at most once a second while it forms. */
  partial: string | null;
}

/** What a harness takes from the queue. */
export interface TurnInput {
  id: InputId;
  text: string;
  sender: Sender;
  sentAt: number;
  files: FileRef[];
  /** `correction`: an edit of something already taken. `event`: a schedule, nobody typed it. */
  kind: "message" | "correction" | "event";
}
