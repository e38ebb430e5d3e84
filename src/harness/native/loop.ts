// The loop of a turn: take what people wrote, ask the model, run its calls, until an answer needs no more.

import { assert } from "../../core/assert.ts";
import { Failure, type FailureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AssistantMessage } from "../../core/transcript.ts";
import type { ModelRequest } from "../../models/model.ts";
import { type Answer, streamAnswer } from "./answer.ts";
import { runCalls, settleOpenCalls } from "./calls.ts";
import { compact, compactIfNeeded } from "./compaction.ts";
import { addMessage, callsOf, contextTokens, dropBrokenAnswer, textOf } from "./context.ts";
import { userMessage } from "./input.ts";
import { type End, failed, messageEntry, type Run, tellUsage } from "./run.ts";

/** Left free between the estimated input and the longest answer. */
const outputMarginTokens = 1_000;
/** What an answer may have at least. */
const outputTokensMin = 1_024;

/** Runs a turn from wherever its history ends to its end. `broken`: the model cannot be used; inputs are taken all the same. */
export async function runLoop(run: Run, broken: FailureData | undefined): Promise<End> {
  if (run.stop.signal.aborted) return { outcome: "stopped" };
  await settleOpenCalls(run);
  const took = await takeInputs(run);
  // After the taking: what a failing turn leaves waiting would start the next failing turn.
  if (broken !== undefined) return failedAs(broken);
  // A shutdown cut it off; a stop by a person would have ended the turn.
  if (!took && run.turn.resumed) dropBrokenAnswer(run.context);
  const last = run.context.messages.at(-1);
  if (!took && (last === undefined || last.role === "assistant")) return { outcome: "done" };

  for (;;) {
    if (run.stop.signal.aborted) return { outcome: "stopped" };
    const answer = await ask(run);
    if ("outcome" in answer) return answer;
    const calls = callsOf(answer);
    await runCalls(run, calls, answer.stopReason === "length");
    if (run.stop.signal.aborted) return { outcome: "stopped" };
    const more = await takeInputs(run);
    if (calls.length === 0 && !more) return { outcome: "done" };
  }
}

/** Takes every waiting input; true when there was one. */
async function takeInputs(run: Run): Promise<boolean> {
  let previous: number | undefined;
  for (;;) {
    const input = run.turn.next();
    if (input === undefined || run.stop.signal.aborted) return previous !== undefined;
    assert(input.id !== previous, `Input ${input.id} is offered again after it was taken`);
    previous = input.id;
    const message = await userMessage(input, {
      file: (stored) => run.turn.file(stored),
      stamp: (at) => run.stamp(at),
      images: run.info.images,
      log: run.log,
    });
    const id = await run.offer({ type: "taken", inputs: [input.id], text: input.text, entry: messageEntry(message) });
    addMessage(run.context, message, id);
  }
}

/** Asks until there is an answer that is stored, or a reason to end. */
async function ask(run: Run): Promise<AssistantMessage | End> {
  await compactIfNeeded(run);
  let mayCompact = true;
  let mayRepeat = true;
  let joins = 0;
  for (;;) {
    if (run.stop.signal.aborted) return { outcome: "stopped" };
    if (run.requests >= limits.requestsPerTurnMax) return tooManyRequests();
    run.requests += 1;
    const answer = await streamAnswer(run, request(run), {
      show: true,
      isVoid: () => joins < limits.joinsMax && isHasty(run),
    });
    if (answer.kind === "void") {
      joins += 1;
      await takeInputs(run);
      continue;
    }
    const message = tidyAnswer(run, answer);
    const empty = callsOf(message).length === 0 && textOf(message).trim() === "";
    if (answer.kind === "done" && !empty) return keep(run, message);

    const repeat: boolean = answer.kind === "done" && mayRepeat;
    const shorten: boolean = isOverflow(answer) && mayCompact;
    mayRepeat &&= !repeat;
    mayCompact &&= !shorten;
    if (repeat || (shorten && (await compact(run, { force: true })))) {
      await tellCost(run, message);
      continue;
    }
    if (empty) await tellCost(run, message);
    else await keep(run, message);
    if (run.stop.signal.aborted) return { outcome: "stopped" };
    return answer.kind === "failed" ? failedAs(answer.failure) : emptyAnswer();
  }
}

/** People write several messages in quick succession and mean one: what came right after is asked together with it. */
function isHasty({ turn, context }: Run): boolean {
  const last = context.messages.at(-1);
  const more = last?.role === "user" ? turn.next() : undefined;
  return last !== undefined && more !== undefined && more.sentAt - last.timestamp <= limits.joinHastyMs;
}

function isOverflow(answer: Answer): boolean {
  return answer.kind === "failed" && answer.failure.code === "provider.context_overflow.final";
}

/** What an answer cost that is not kept. */
async function tellCost(run: Run, message: AssistantMessage): Promise<void> {
  if (message.usage.totalTokens > 0) await tellUsage(run, message.usage);
}

function request(run: Run): ModelRequest {
  const { info, context, turn } = run;
  // Some providers refuse a request whose input and longest answer do not fit the window together.
  const room = info.contextWindow - contextTokens(context, run.fixedTokens) - outputMarginTokens;
  return {
    model: turn.model,
    system: turn.system,
    messages: context.messages.slice(),
    tools: run.tools,
    cacheKey: `session-${turn.session.id}`,
    ...(turn.keys === undefined ? {} : { requester: turn.keys }),
    ...(room < info.outputMax ? { outputMax: Math.max(room, outputTokensMin) } : {}),
    signal: run.stop.signal,
  };
}

/** Stores an answer and tells what it cost. */
async function keep(run: Run, message: AssistantMessage): Promise<AssistantMessage> {
  const id = await run.offer({ type: "message", text: textOf(message), entry: messageEntry(message) });
  addMessage(run.context, message, id);
  if (message.usage.totalTokens > 0) await tellUsage(run, message.usage, message.usage.totalTokens);
  if (message.stopReason === "length") {
    await run.offer({ type: "notice", text: "The answer was cut off at the model's output limit" });
  }
  return message;
}

/**
 * An answer as it is stored: its calls have ids of their own (local servers number them anew in each
 * answer), one that broke off has none (their arguments may be incomplete), and raw provider text is
 * left to the log.
 */
function tidyAnswer(run: Run, answer: Exclude<Answer, { kind: "void" }>): AssistantMessage {
  const { errorMessage: _, ...message } = answer.message;
  if (answer.kind !== "done") {
    const content = message.content.filter((part) => part.type !== "toolCall");
    if (answer.kind === "stopped") return { ...message, content, stopReason: "aborted" };
    return { ...message, content, stopReason: "error", errorMessage: answer.failure.message };
  }
  if (callsOf(message).length === 0) return message;
  const callIds = run.callIds();
  const content = message.content.map((part) => {
    if (part.type !== "toolCall") return part;
    let id = part.id;
    for (let n = 2; id === "" || callIds.has(id); n += 1) id = `${part.id === "" ? "call" : part.id}-${n}`;
    callIds.add(id);
    return id === part.id ? part : { ...part, id };
  });
  return { ...message, content };
}

function failedAs(error: FailureData): End {
  return { outcome: "failed", error };
}

function emptyAnswer(): End {
  return failed(new Failure("provider.empty_response.retryable", "The model answered with nothing, twice"));
}

function tooManyRequests(): End {
  return failed(
    new Failure("turn.interrupted", `Stopped after ${limits.requestsPerTurnMax} model requests in one turn`, {
      hint: "Write to the agent to let it go on",
    }),
  );
}
