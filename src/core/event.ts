// The one stream of a turn: stored, shown by the door and watched by the viewer.
import type { FailureData } from "./failure.ts";
import type { InputId } from "./ids.ts";
import type { Choice } from "./message.ts";
import type { EntryBody, Json } from "./transcript.ts";
import type { Usage } from "./usage.ts";

export type Outcome = "done" | "stopped" | "failed";

/**
 * What happens in a turn (CONTRACTS.md 3). Exactly one `ended`, always last.
 * An event that carries an `entry` stores it as the session's next entry in the same transaction.
 * `text` and `thinking` deltas and tool `output` are shown but not stored as rows; each carries what
 * came since the one before. `usage` and `ended.usage` are sums since this start of the turn.
 */
export type TurnEvent =
  | { type: "started"; resumed: boolean; model?: string }
  | { type: "taken"; inputs: InputId[]; text: string; entry?: EntryBody }
  | { type: "continuation"; value: string }
  | { type: "text"; delta: string }
  | { type: "thinking"; delta: string }
  /** The deltas since the last `message` are void: the answer begins anew (a broken-off request is made again). */
  | { type: "reset" }
  | { type: "message"; text: string; entry?: EntryBody }
  | { type: "tool"; step: "start"; call: string; name: string; title: string; input: Json }
  | { type: "tool"; step: "output"; call: string; text: string }
  | { type: "tool"; step: "end"; call: string; name: string; ok: boolean; ms: number; text: string; entry?: EntryBody }
  | { type: "file"; stored: string; name: string; bytes: number; caption?: string }
  | { type: "ask"; approval: number; text: string; choices: Choice[] }
  | { type: "compacted"; tokensBefore: number; tokensAfter: number; entry?: EntryBody }
  | { type: "notice"; text: string }
  | { type: "usage"; usage: Usage; contextTokens?: number; contextWindow?: number }
  | { type: "ended"; outcome: Outcome; error?: FailureData; usage: Usage };

/** True for the events that are rows in the store; the others pass through the hub alone. */
export function isStored(event: TurnEvent): boolean {
  return !(
    event.type === "text" ||
    event.type === "thinking" ||
    event.type === "reset" ||
    (event.type === "tool" && event.step === "output")
  );
}
