// What a turn cost, in one line: only what is known.
import type { Usage } from "../../core/usage.ts";
import { tokens, usd } from "../../core/words.ts";

/** `1.2k in · 310 out · $0.012 · 12% of the context`; empty when nothing is known. */
export function usageText(usage: Usage, context: { tokens: number; window: number } | null): string {
  const parts: string[] = [];
  const read = usage.input + usage.cacheRead + usage.cacheWrite;
  if (read > 0 || usage.output > 0) parts.push(`${tokens(read)} in`, `${tokens(usage.output)} out`);
  if (usage.costUsd > 0) parts.push(usd(usage.costUsd));
  if (context !== null && context.window > 0) {
    parts.push(`${Math.min(100, Math.round((context.tokens / context.window) * 100))}% of the context`);
  }
  return parts.join(" · ");
}
