// Keeps a session within its model's window: older messages become a summary, the newest stay as they are.
import { assert } from "../../core/assert.ts";
import { Failure, failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { ModelInfo, ModelRequest } from "../../models/model.ts";
import { streamAnswer } from "./answer.ts";
import {
  type Context,
  callsOf,
  charsPerToken,
  contextTokens,
  cutText,
  fitMessage,
  messageTokens,
  replaceBefore,
  textOf,
} from "./context.ts";
import { type Run, tellUsage } from "./run.ts";
import summaryPrompt from "./summary.md" with { type: "text" };

/** Of a small model's window: what is reserved for the answer at most. */
const reserveShare = 0.25;
/** A summary request uses this share of the window at most, since characters tell tokens only roughly. */
const summaryShare = 0.6;

/** How a model's window is shared out, in tokens. */
export function budget(info: Pick<ModelInfo, "contextWindow">) {
  const window = info.contextWindow;
  const input = window - Math.min(limits.reserveTokens, Math.floor(window * reserveShare));
  return {
    /** A request is compacted above this. */
    input,
    keep: Math.min(limits.keepRecentTokens, Math.floor(input / 2)),
    /** A single message above this is cut. */
    messageTokensMax: Math.floor(input / 2),
  };
}

/** Compacts when the next request would come too near to the model's window (MO-060). */
export async function compactIfNeeded(run: Run): Promise<void> {
  if (contextTokens(run.context, run.fixedTokens) > budget(run.info).input) await compact(run, { force: false });
}

/**
 * Replaces all but the newest messages by a summary, stored as an entry. When the model cannot make
 * one, older messages leave the model's view with a note: the turn goes on either way.
 * `force`: the provider says that it is too much, whatever the estimate says. False when there is
 * nothing left that could go, or the turn is being stopped.
 */
export async function compact(run: Run, { force }: { force: boolean }): Promise<boolean> {
  const { context } = run;
  const sizes = budget(run.info);
  const estimated = context.messages.reduce((sum, message) => sum + messageTokens(message), 0);
  const keep = force ? Math.min(sizes.keep, Math.floor(estimated / 2)) : sizes.keep;
  const cut = cutIndex(context, keep);
  const shrunk = shrink(context, { from: cut, tokensMax: force ? keep : sizes.input - sizes.keep });
  if (cut <= (context.summary === undefined ? 0 : 1)) return shrunk;

  const tokensBefore = contextTokens(context, run.fixedTokens);
  const summary = await summarise(run, context.messages.slice(0, cut));
  if (summary === undefined) return false;
  const keepFrom = context.ids[cut];
  assert(typeof keepFrom === "number", "The message that compaction keeps from is not stored");
  const measured = { ...context };
  replaceBefore(measured, cut, summary);
  await run.offer({
    type: "compacted",
    tokensBefore,
    tokensAfter: contextTokens(measured, run.fixedTokens),
    entry: { kind: "compaction", summary, keepFrom, tokensBefore },
  });
  Object.assign(context, measured);
  return true;
}

/** The first message to keep: about `keepTokens` from the end, never a result, and never none. */
function cutIndex(context: Context, keepTokens: number): number {
  let tokens = 0;
  let cut = context.messages.length;
  for (let index = context.messages.length - 1; index >= 0; index -= 1) {
    const message = context.messages[index];
    if (message === undefined) break;
    tokens += messageTokens(message);
    if (tokens > keepTokens && cut < context.messages.length) break;
    if (message.role !== "toolResult") cut = index;
  }
  return cut;
}

/** Cuts the kept results where they are too much together; true when one was cut. Only the view changes. */
function shrink(context: Context, { from, tokensMax }: { from: number; tokensMax: number }): boolean {
  const kept = context.messages.slice(from);
  if (kept.reduce((sum, message) => sum + messageTokens(message), 0) <= tokensMax) return false;
  const share = Math.floor(tokensMax / Math.max(kept.length, 1));
  let changed = false;
  for (const [offset, message] of kept.entries()) {
    if (message.role === "assistant") continue;
    const fitted = fitMessage(message, share);
    changed ||= fitted !== message;
    context.messages[from + offset] = fitted;
  }
  // The reported usage was that of the whole messages.
  if (changed) context.measuredFrom = context.messages.length;
  return changed;
}

/** A summary of `messages` by the turn's model; a note in its place when that fails; none when stopped. */
async function summarise(run: Run, messages: readonly TranscriptMessage[]): Promise<string | undefined> {
  const charsMax = Math.floor(budget(run.info).input * charsPerToken * summaryShare);
  // Half as much the second time: characters tell tokens only roughly.
  for (const chars of [charsMax, Math.floor(charsMax / 2)]) {
    run.requests += 1;
    const answer = await streamAnswer(run, summaryRequest(run, conversationText(messages, chars)), { show: false });
    if (answer.message.usage.totalTokens > 0) await tellUsage(run, answer.message.usage);
    if (answer.kind === "stopped" || run.stop.signal.aborted) return undefined;
    const text = textOf(answer.message).trim();
    if (answer.kind === "done" && text !== "") return cutText(text, limits.summaryCharsMax);
    const failure =
      answer.kind === "failed"
        ? answer.failure
        : failureData(new Failure("provider.empty_response.retryable", "No summary"));
    run.log.warn("Cannot summarise older messages", { code: failure.code, reason: failure.message });
    if (failure.code !== "provider.context_overflow.final") break;
  }
  return droppedNote(run.context);
}

function droppedNote(context: Context): string {
  const note =
    "Older messages are left out here, because they could not be summarised. Ask the person when something from before is needed.";
  return context.summary === undefined ? note : `${cutText(context.summary, limits.summaryCharsMax / 2)}\n\n${note}`;
}

function summaryRequest(run: Run, conversation: string): ModelRequest {
  const text = `<conversation>\n${conversation}\n</conversation>\n\nWrite the summary of this conversation.`;
  return {
    model: run.turn.model,
    system: summaryPrompt,
    messages: [{ role: "user", content: [{ type: "text", text }], timestamp: run.clock.now() }],
    tools: [],
    cacheKey: `session-${run.turn.session.id}-summary`,
    ...(run.turn.keys === undefined ? {} : { requester: run.turn.keys }),
    signal: run.stop.signal,
  };
}

/** A conversation as one text (calls without their tools are refused by some providers), the newest part when it is too long. */
function conversationText(messages: readonly TranscriptMessage[], charsMax: number): string {
  const [first, ...others] = messages.map(messageText);
  const rest = others.join("\n\n");
  // The first may be the summary before this one: it stays.
  const head = cutText(first ?? "", Math.floor(charsMax / 2));
  const room = charsMax - head.length;
  const tail =
    rest.length <= room ? rest : `[… ${rest.length - room} characters are left out here …]\n${rest.slice(-room)}`;
  // The text must not be able to end the conversation that it stands in.
  return `${head}\n\n${tail}`.replace(/<(?=\/?conversation>)/gi, "&lt;");
}

function messageText(message: TranscriptMessage): string {
  const text = textOf(message);
  if (message.role === "user") return `Person: ${text}`;
  if (message.role === "toolResult") {
    return `Result of ${message.toolName}${message.isError ? " (failed)" : ""}: ${cutText(text, limits.summaryResultCharsMax)}`;
  }
  const calls = callsOf(message).map(
    (call) => `Agent calls ${call.name}: ${cutText(JSON.stringify(call.arguments), limits.summaryResultCharsMax)}`,
  );
  return [...(text === "" ? [] : [`Agent: ${text}`]), ...calls].join("\n");
}
