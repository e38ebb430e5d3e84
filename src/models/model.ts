// The one function through which the native harness talks to language models.
import type { FailureData } from "../core/failure.ts";
import type { ModelName, ThinkingLevel } from "../core/model-name.ts";
import type { AssistantMessage, Json, MessageUsage, TranscriptMessage } from "../core/transcript.ts";

/** What is known of a model before it is asked. Prices are US dollars per million tokens. */
export interface ModelInfo {
  provider: string;
  name: string;
  label: string;
  contextWindow: number;
  outputMax: number;
  images: boolean;
  /** The levels it takes, `off` included; a higher one asked for is mapped down. */
  levels: readonly ThinkingLevel[];
  price: { input: number; output: number; cacheRead: number; cacheWrite: number };
}

/** A tool as models see it; `parameters` is JSON Schema. */
export interface ModelTool {
  name: string;
  description: string;
  parameters: Json;
}

/** Somebody whose own keys may be used. */
export interface KeyOwner {
  adapter: string;
  /** Their immutable id there. */
  user: string;
}

export interface ModelRequest {
  model: ModelName;
  /** Whose own key comes before the instance's; left out where the agent does not allow that. */
  requester?: KeyOwner;
  system: string;
  messages: readonly TranscriptMessage[];
  tools: readonly ModelTool[];
  /** Names the session for caches on the provider's side; not a secret. */
  cacheKey: string;
  outputMax?: number;
  /** The provider may be silent for this long, in milliseconds; `limits.modelSilenceMs` when not set. */
  silenceMs?: number;
  signal: AbortSignal;
}

/** A stream of one answer. Exactly one `done` or `failed`, always last; never throws. */
export type ModelEvent =
  | { type: "text"; delta: string }
  | { type: "thinking"; delta: string }
  /** The model writes a call's arguments; shown as progress only. */
  | { type: "call"; name: string }
  /**
   * The request failed and is sent again after `waitMs`. Everything that this stream said so far is void:
   * the reader forgets its deltas, the answer starts anew. `usage` is what the lost answer cost.
   */
  | { type: "retry"; attempt: number; attemptsMax: number; waitMs: number; failure: FailureData; usage?: MessageUsage }
  | { type: "done"; message: AssistantMessage }
  /** `message` is what had arrived; `failure` is classified, its raw text is in the log alone. */
  | { type: "failed"; message: AssistantMessage; failure: FailureData; aborted: boolean };

/** The language models that are configured. */
export interface Models {
  /** @throws Failure `settings` for an unknown provider or model, with the known names in the hint. */
  info(model: ModelName): Promise<ModelInfo>;
  /** Streams one answer, with retries (MO-062). */
  stream(request: ModelRequest): AsyncIterable<ModelEvent>;
  /** What can be chosen: models of providers that have a key (or need none). */
  available(): Promise<ModelInfo[]>;
  /** The settings' model; when they name none, that of the first provider with a key, else the offline demo. */
  fallback(): Promise<ModelName>;
}
