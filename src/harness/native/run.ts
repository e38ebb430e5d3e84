// What all steps of one running turn share: its events, its stop, its context and what it has cost.

import type { TurnEvent } from "../../core/event.ts";
import { type FailureData, failureData } from "../../core/failure.ts";
import type { EntryId } from "../../core/ids.ts";
import type { EntryBody, MessageUsage, TranscriptMessage } from "../../core/transcript.ts";
import { addUsage, type Usage } from "../../core/usage.ts";
import type { ModelInfo, Models, ModelTool } from "../../models/model.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Turn } from "../harness.ts";
import type { Context } from "./context.ts";

/** A turn on its way. */
export interface Run {
  readonly turn: Turn;
  readonly models: Models;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: Stop;
  readonly info: ModelInfo;
  readonly tools: readonly ModelTool[];
  readonly context: Context;
  /** Ids of all calls seen, also of those that a compaction has taken out of view: none comes twice in a turn. */
  callIds(): Set<string>;
  /** System prompt and tools, in tokens. */
  readonly fixedTokens: number;
  usage: Usage;
  requests: number;
  /** Hands over an event; resolves when it is stored, with the newest entry. */
  offer(event: TurnEvent): Promise<EntryId | null>;
  stamp(at: number): string;
}

/** How a turn ends, told as the `ended` event. */
export type End = { outcome: "done" | "stopped" } | { outcome: "failed"; error: FailureData };

/** Why and when a turn is to end early. */
export interface Stop {
  /** Aborted by a stop, a shutdown, the turn's time limit, or a consumer that left. */
  signal: AbortSignal;
  /** Resolves a grace period after the abort: whoever has not ended by then is left behind. */
  late: Promise<typeof late>;
}
export const late = Symbol("late");

/** `value`, or {@link late} when it does not come in time after a stop. */
export function unlessLate<Value>(value: Promise<Value>, stop: Stop): Promise<Value | typeof late> {
  return Promise.race([value, stop.late]);
}

/** An entry that holds a message. */
export function messageEntry(message: TranscriptMessage): EntryBody {
  return { kind: "message", message };
}

/** Adds a request's usage to the turn's and tells the sum. `contextTokens` only where it measures the turn's own context. */
export async function tellUsage(run: Run, reported: MessageUsage, contextTokens?: number): Promise<void> {
  const usage: Usage = {
    input: reported.input,
    output: reported.output,
    cacheRead: reported.cacheRead,
    cacheWrite: reported.cacheWrite,
    costUsd: reported.cost.total,
    requests: 1,
  };
  run.usage = addUsage(run.usage, usage);
  const size = contextTokens === undefined ? {} : { contextTokens, contextWindow: run.info.contextWindow };
  await run.offer({ type: "usage", usage: run.usage, ...size });
}

/** A failure as the end of a turn. */
export function failed(error: unknown): End {
  return { outcome: "failed", error: failureData(error) };
}
