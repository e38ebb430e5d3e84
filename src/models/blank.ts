// An answer in which nothing was said: what a request starts from, and what is left of one that never started.
import type { AssistantMessage } from "../core/transcript.ts";

/** An empty answer of `source`; `now` is Unix milliseconds. */
export function blankAnswer(
  source: { api: string; provider: string; model: string },
  options: { now: number; stopReason: AssistantMessage["stopReason"] },
): AssistantMessage {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  return {
    role: "assistant",
    content: [],
    ...source,
    usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost },
    stopReason: options.stopReason,
    timestamp: options.now,
  };
}
