// What became of one request: the library's last message and the wire's evidence, judged.
import type { AssistantMessage as LibraryMessage } from "@earendil-works/pi-ai";
import { errorText, type FailureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { formatModelName } from "../core/model-name.ts";
import type { AssistantMessage } from "../core/transcript.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { abortFailure, classify, cutFailure, emptyFailure, garbledFailure, silenceFailure } from "./classify.ts";
import type { Library } from "./library.ts";
import type { ModelRequest } from "./model.ts";
import type { Route } from "./routes.ts";
import type { Watch } from "./watch.ts";
import type { Evidence } from "./wire.ts";

/** How one request ended. `retryAfterMs` is what the provider asked for. */
export type Ending =
  | { ok: true; message: AssistantMessage }
  | { ok: false; message: AssistantMessage; failure: FailureData; aborted: boolean; retryAfterMs?: number };

/** What is left of a request when its stream is over. */
export interface Remains {
  route: Route;
  deps: { clock: Clock; log: Log; library: Pick<Library, "tools">; silenceMs: number };
  evidence: Evidence;
  partial: LibraryMessage;
  /** The written arguments of each call, by its place in the message. */
  raw: ReadonlyMap<number, string>;
  /** Set when it was we who ended it. */
  ended: Watch["ended"];
}

/** Judges the remains; raw provider text goes to the log and nowhere else. */
export async function judge(request: ModelRequest, from: Remains): Promise<Ending> {
  const { route, deps, partial, ended } = from;
  const model = formatModelName({ provider: request.model.provider, name: request.model.name });
  if (ended === "aborted" || request.signal.aborted) {
    return lost(from, abortFailure(model), { stopReason: "aborted" });
  }
  if (ended === "silent") return lost(from, silenceFailure(model, deps.silenceMs));
  const { isContextOverflow } = await deps.library.tools();
  if (["error", "aborted", "pending", "deferred"].includes(partial.stopReason)) {
    return wrecked(from, { model, overflow: isContextOverflow({ ...partial, stopReason: "error" }) });
  }
  const broken = await brokenCalls(from);
  // Nobody writes to a whole answer any more, so that its parts need no copies.
  const message = ours(partial, deps);
  message.content = message.content.filter((_, index) => !broken.has(index));
  if (broken.size > 0) {
    deps.log.warn("model wrote unreadable tool arguments", {
      model,
      arguments: [...broken.values()].join("; ").slice(0, limits.modelErrorCharsMax),
    });
    if (message.stopReason !== "length") return lost(from, garbledFailure(model));
  }
  if (message.content.some(isUseful)) return { ok: true, message };
  const full = route.windowKnown && isContextOverflow(partial, route.info.contextWindow);
  if (full) return wrecked(from, { model, overflow: true });
  return lost(from, message.stopReason === "length" ? cutFailure(model, partial.usage.output) : emptyFailure(model));
}

/** The request failed at the provider or on the way. */
function wrecked(from: Remains, known: { model: string; overflow: boolean }): Ending {
  const { partial, evidence, deps } = from;
  const text = partial.errorMessage ?? "";
  const { failure, retryAfterMs } = classify({
    ...known,
    provider: from.route.info.provider,
    text,
    stopped: partial.rawStopReason,
    started: partial.content.length > 0,
    evidence,
  });
  const { status, broken } = evidence;
  const shown = text.slice(0, limits.modelErrorCharsMax);
  deps.log.warn("model request failed", { model: known.model, code: failure.code, status, broken, text: shown });
  return lost(from, failure, { retryAfterMs });
}

function isUseful(part: AssistantMessage["content"][number]): boolean {
  return part.type === "toolCall" || (part.type === "text" && part.text.trim() !== "");
}

/** Calls whose arguments are no JSON object: the library would guess what was meant, and guesses are not run. */
async function brokenCalls(from: Remains): Promise<Map<number, string>> {
  const broken = new Map<number, string>();
  if (from.raw.size === 0) return broken;
  const { parseJsonWithRepair } = await from.deps.library.tools();
  for (const [index, text] of from.raw) {
    if (from.partial.content[index]?.type !== "toolCall" || text.trim() === "") continue;
    try {
      const value: unknown = parseJsonWithRepair(text);
      if (typeof value !== "object" || value === null || Array.isArray(value)) broken.set(index, text);
    } catch (error) {
      broken.set(index, `${text} (${errorText(error)})`);
    }
  }
  return broken;
}

function lost(
  from: Remains,
  failure: FailureData,
  options: { stopReason?: "aborted" | "error"; retryAfterMs?: number } = {},
): Ending {
  const { stopReason = "error", retryAfterMs } = options;
  // The library may still write to what broke off.
  const message = { ...ours(structuredClone(from.partial), from.deps), stopReason, errorMessage: failure.message };
  return { ok: false, message, failure, aborted: stopReason === "aborted", retryAfterMs };
}

/** The library's message as we store it: with our time and without the provider's raw words. */
function ours(message: LibraryMessage, deps: Remains["deps"]): AssistantMessage {
  const {
    diagnostics: _notes,
    errorMessage: _raw,
    deferred: _handle,
    rawStopReason: _word,
    endTurn: _end,
    ...kept
  } = message;
  return { ...kept, content: kept.content.map(plainPart), timestamp: deps.clock.now() };
}

/** Only what we store: a part that broke off still carries what the library keeps beside it while it grows. */
function plainPart(part: LibraryMessage["content"][number]): AssistantMessage["content"][number] {
  const { type } = part;
  if (type === "text") return { type, text: part.text, textSignature: part.textSignature };
  if (type === "toolCall") {
    const { id, name, thoughtSignature, namespace } = part;
    return { type, id, name, arguments: part.arguments, thoughtSignature, namespace };
  }
  const { thinking, thinkingSignature, redacted } = part;
  return { type, thinking, thinkingSignature, redacted };
}
