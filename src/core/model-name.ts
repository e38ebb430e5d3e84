// How a model is named in settings, commands and the store: `provider/name[:level]`.
import { Failure } from "./failure.ts";

/** The six thinking levels, lowest first (DECISIONS.md, Output). */
export const thinkingLevels = ["off", "minimal", "low", "medium", "high", "xhigh"] as const;
export type ThinkingLevel = (typeof thinkingLevels)[number];

/** A model reference. `provider` has no slash; `name` may have slashes and colons. */
export interface ModelName {
  provider: string;
  name: string;
  level?: ThinkingLevel;
}

/** True for one of the six thinking levels. */
export function isThinkingLevel(text: string): text is ThinkingLevel {
  return (thinkingLevels as readonly string[]).includes(text);
}

/**
 * Reads `provider/name[:level]`: the first `/` ends the provider, the last `:word` is a level only
 * when it is one of the six (`ollama/qwen3:30b` has none).
 * @throws Failure `settings` when there is no provider or no name.
 */
export function parseModelName(text: string): ModelName {
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1) {
    throw new Failure(
      "settings",
      `Cannot read model ${JSON.stringify(text)}: expected "provider/name" or "provider/name:level"`,
    );
  }
  const provider = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  const colon = rest.lastIndexOf(":");
  const level = colon > 0 ? rest.slice(colon + 1) : "";
  return isThinkingLevel(level) ? { provider, name: rest.slice(0, colon), level } : { provider, name: rest };
}

/** The opposite of {@link parseModelName}. */
export function formatModelName(model: ModelName): string {
  return `${model.provider}/${model.name}${model.level === undefined ? "" : `:${model.level}`}`;
}
