// What a session is made of: entries with parents, each holding one message as the model sees it.
// The message shapes are structurally those of the model library, so that a stored entry needs no
// translation; nothing here imports it.
import type { EntryId, SessionId, TurnId } from "./ids.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface TextPart {
  type: "text";
  text: string;
  textSignature?: string;
}
export interface ThinkingPart {
  type: "thinking";
  thinking: string;
  thinkingSignature?: string;
  redacted?: boolean;
}
/** `data` is base64. */
export interface ImagePart {
  type: "image";
  data: string;
  mimeType: string;
}
export interface ToolCallPart {
  type: "toolCall";
  id: string;
  name: string;
  arguments: JsonObject;
  thoughtSignature?: string;
  namespace?: string;
}

/** Times are Unix milliseconds. */
export interface UserMessage {
  role: "user";
  content: (TextPart | ImagePart)[];
  timestamp: number;
}
/** Counts are tokens, costs are US dollars. */
export interface MessageUsage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h?: number;
  reasoning?: number;
  totalTokens: number;
  cost: { input: number; output: number; cacheRead: number; cacheWrite: number; total: number };
}
export interface AssistantMessage {
  role: "assistant";
  content: (TextPart | ThinkingPart | ToolCallPart)[];
  api: string;
  provider: string;
  model: string;
  responseModel?: string;
  responseId?: string;
  /** The effort level that the provider was asked for; it has to be repeated with the message. */
  providerThinkingLevel?: string;
  usage: MessageUsage;
  stopReason: "pending" | "stop" | "length" | "toolUse" | "error" | "aborted" | "deferred";
  errorMessage?: string;
  timestamp: number;
}
export interface ToolResultMessage {
  role: "toolResult";
  toolCallId: string;
  toolName: string;
  content: (TextPart | ImagePart)[];
  isError: boolean;
  timestamp: number;
}
export type TranscriptMessage = UserMessage | AssistantMessage | ToolResultMessage;

/** What an entry holds, before it is stored. */
export type EntryBody =
  | { kind: "message"; message: TranscriptMessage }
  /** Everything before `keepFrom` is replaced by `summary` in the model's view; nothing is deleted. */
  | { kind: "compaction"; summary: string; keepFrom: EntryId | null; tokensBefore: number };

/** A stored entry. `parent` is null for the first of a tree. `at` is Unix milliseconds. */
export interface Entry {
  id: EntryId;
  parent: EntryId | null;
  session: SessionId;
  turn: TurnId | null;
  at: number;
  body: EntryBody;
}
