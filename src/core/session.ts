// A session, a turn and an input as everybody above the store sees them.
import type { Outcome } from "./event.ts";
import type { FailureData } from "./failure.ts";
import type { EntryId, InputId, SessionId, TurnId } from "./ids.ts";
import type { Address, FileRef, Inbound, Sender } from "./message.ts";
import type { Usage } from "./usage.ts";

/**
 * What becomes of messages that come while a turn of the same person in the same place runs: they steer it, each gets a
 * turn of its own, all of them together get one, or the newest ends the turn and takes its place.
 */
export const queueModes = ["steer", "followup", "collect", "interrupt"] as const;
export type QueueMode = (typeof queueModes)[number];

/** What was chosen for one session; what is absent is as settings say. */
export interface SessionOptions {
  queue?: QueueMode;
  /** Longest time of a turn, in seconds. */
  timeoutSeconds?: number;
  /** Plan mode: tools with effects are withheld. `steps` is how long the plan should be. */
  plan?: { steps?: number };
  /** Ids of the people whose messages are collected until they say `/batch send`. */
  batch?: string[];
  /** Groups: messages that fit the rules are answered without a mention; empty rules fit every message. */
  autoReply?: { rules: string };
}

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
  options: SessionOptions;
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
  /**
   * The one person who may read it, and the happening that it answers: shown to them alone, in the same place. An
   * adapter that cannot (any more) refuses it, and it goes to their direct conversation.
   */
  onlyFor?: { user: string; happening: string };
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
  /** What the program adds for the model, in whole lines: what was said beside it, what is quoted, what is missing. */
  note?: string;
}

const optionSecondsMax = 24 * 60 * 60;

/** Reads stored options with care: what is unknown or of a wrong shape is left out. */
export function parseOptions(text: string): SessionOptions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {}; // Somebody wrote into the database by hand: the session works with the defaults.
  }
  if (typeof value !== "object" || value === null) return {};
  const { queue, timeoutSeconds, plan, batch, autoReply } = value as Record<keyof SessionOptions, unknown>;
  const options: SessionOptions = {};
  const mode = queueModes.find((known) => known === queue);
  if (mode !== undefined) options.queue = mode;
  if (typeof timeoutSeconds === "number" && timeoutSeconds > 0 && timeoutSeconds <= optionSecondsMax)
    options.timeoutSeconds = timeoutSeconds;
  if (typeof plan === "object" && plan !== null) {
    const steps = "steps" in plan && Number.isInteger(plan.steps) ? { steps: Number(plan.steps) } : {};
    options.plan = steps;
  }
  if (Array.isArray(batch)) {
    const people = batch.filter((id): id is string => typeof id === "string");
    if (people.length > 0) options.batch = people;
  }
  if (
    typeof autoReply === "object" &&
    autoReply !== null &&
    "rules" in autoReply &&
    typeof autoReply.rules === "string"
  )
    options.autoReply = { rules: autoReply.rules };
  return options;
}
