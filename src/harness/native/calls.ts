// Runs the calls of an answer: in parallel, each stored before it starts, each with exactly one result.
import { errorText, Failure, failureText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { ToolCallPart, ToolResultMessage } from "../../core/transcript.ts";
import { type Tool, type ToolResult, textResult } from "../../tools/tool.ts";
import { addMessage, cutText, textOf } from "./context.ts";
import { Progress } from "./progress.ts";
import { Abandoned } from "./rendezvous.ts";
import { late, messageEntry, type Run, unlessLate } from "./run.ts";
import { type CheckedCall, checkCall } from "./schema.ts";

const titleCharsMax = 200;

/** Runs `calls` and adds their results to the context, in the order of the calls. `cut`: the answer was cut off. */
export async function runCalls(run: Run, calls: readonly ToolCallPart[], cut: boolean): Promise<void> {
  const results: StoredResult[] = [];
  const queue = calls.entries();
  const worker = async () => {
    for (const [index, call] of queue) results[index] = await runCall(run, call, cut);
  };
  const workers = Array.from({ length: Math.min(limits.callsParallelMax, calls.length) }, worker);
  // All of them, also when one breaks: nothing may be offered after the turn's end.
  const broken = (await Promise.allSettled(workers)).find((one) => one.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  for (const { message, id } of results) addMessage(run.context, message, id);
}

/**
 * Gives calls that a crash left without a result one that says what is known; none of them is started again. A call
 * that waited for somebody's answer had not started: it goes on with that.
 */
export async function settleOpenCalls(run: Run): Promise<void> {
  const { context, turn } = run;
  for (const call of context.open) {
    // Of an older turn's calls nothing is known, also when this one was begun before; the sure ones are its own.
    const unstarted = turn.resumed && context.openTurn === turn.id && !turn.startedCalls.has(call.id);
    if (unstarted && turn.askedCalls.has(call.id)) {
      const { message, id } = await runCall(run, call, false);
      addMessage(context, message, id);
      continue;
    }
    const text = unstarted
      ? "Not started: remoteagent was restarted before this call"
      : "Interrupted, outcome unknown: remoteagent stopped while this call ran. Check what it did before doing it again";
    const { message, id } = await endCall(run, call, { result: textResult(text, false), ms: 0 });
    addMessage(context, message, id);
  }
  context.open = [];
}

interface StoredResult {
  message: ToolResultMessage;
  id: number | null;
}

async function runCall(run: Run, call: ToolCallPart, cut: boolean): Promise<StoredResult> {
  const { clock, stop } = run;
  if (stop.signal.aborted) return endCall(run, call, { result: notStarted(), ms: 0 });
  const { title, checked } = prepare(run, call, cut);
  const permit = "refusal" in checked ? undefined : await run.turn.permit({ ...call, input: call.arguments });
  if (permit?.allowed === false) return endCall(run, call, { result: textResult(permit.reason, false), ms: 0 });
  if (stop.signal.aborted) return endCall(run, call, { result: notStarted(), ms: 0 });
  await run.offer({ type: "tool", step: "start", call: call.id, name: call.name, title, input: call.arguments });
  const startedAt = clock.monotonic();
  let result: ToolResult;
  if ("refusal" in checked) result = textResult(checked.refusal, false);
  else if (stop.signal.aborted) result = notStarted();
  else result = await execute(run, call, checked);
  return endCall(run, call, { result, ms: Math.round(clock.monotonic() - startedAt) });
}

/** What a call is about to do, or why it is not done. A tool that cannot even say so is refused. */
function prepare(run: Run, call: ToolCallPart, cut: boolean): { title: string; checked: CheckedCall } {
  const refusal = "Not run: the answer was cut off at the model's output limit, so the arguments may be incomplete";
  if (cut) return { title: call.name, checked: { refusal } };
  try {
    const checked = checkCall(call, run.turn.tools);
    if ("refusal" in checked) return { title: call.name, checked };
    const line = checked.tool.title(checked.input).replace(/\s+/g, " ").trim();
    return { title: line.length <= titleCharsMax ? line : `${line.slice(0, titleCharsMax - 1)}…`, checked };
  } catch (error) {
    return { title: call.name, checked: { refusal: brokenText(run, call, error) } };
  }
}

async function execute(run: Run, call: ToolCallPart, { tool, input }: { tool: Tool; input: unknown }) {
  const progress = new Progress(run, call.id);
  let open = true;
  const attempt = async (): Promise<ToolResult> => {
    const context = run.turn.toolContext({
      id: call.id,
      signal: run.stop.signal,
      output: (text) => progress.add(text),
      async emit(event) {
        // A tool that was left behind must not speak after the turn's end.
        if (!open) throw new Failure("tool", "This call has ended");
        await run.offer(event);
      },
    });
    return tool.run(input, context);
  };
  const result = await unlessLate(
    attempt().catch((error) => failedResult(run, call, error)),
    run.stop,
  );
  open = false;
  await progress.close();
  if (result === late) return textResult("Stopped before it ended; what it did until then stays done", false);
  return result;
}

/** What went wrong, as the model may know it: a Failure's sentence, or that it is our fault. */
function failedResult(run: Run, call: ToolCallPart, error: unknown): ToolResult {
  if (error instanceof Abandoned) throw error;
  if (error instanceof Failure) return textResult(failureText(error), false);
  if (run.stop.signal.aborted) return textResult("Stopped before it ended; what it did until then stays done", false);
  return textResult(brokenText(run, call, error), false);
}

function brokenText(run: Run, call: ToolCallPart, error: unknown): string {
  run.log.error("A tool broke", { tool: call.name, call: call.id, error: errorText(error) });
  return `The tool ${JSON.stringify(call.name)} broke: internal error, see the log`;
}

function notStarted(): ToolResult {
  return textResult("Not started: the turn was stopped", false);
}

/** Tells a call's result, which stores it. */
async function endCall(run: Run, call: ToolCallPart, end: { result: ToolResult; ms: number }): Promise<StoredResult> {
  const { ok, content } = end.result;
  const message: ToolResultMessage = {
    role: "toolResult",
    toolCallId: call.id,
    toolName: call.name,
    content,
    isError: !ok,
    timestamp: run.clock.now(),
  };
  const id = await run.offer({
    type: "tool",
    step: "end",
    call: call.id,
    name: call.name,
    ok,
    ms: end.ms,
    text: cutText(textOf(message), limits.toolShownCharsMax),
    entry: messageEntry(message),
  });
  return { message, id };
}
