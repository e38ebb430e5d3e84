// The offline demo model: no network and no key, but real tool calls, so that the whole program can be tried.
import { limits } from "../core/limits.ts";
import type { ModelName } from "../core/model-name.ts";
import type { AssistantMessage, ToolCallPart, ToolResultMessage, TranscriptMessage } from "../core/transcript.ts";
import type { Clock } from "../sys/clock.ts";
import { blankAnswer } from "./blank.ts";
import { abortFailure } from "./classify.ts";
import { type DemoCall, readCommands, scheduledText } from "./demo-commands.ts";
import type { ModelEvent, ModelInfo, ModelRequest } from "./model.ts";

/** The demo's name in settings and commands. */
export const demoName = { provider: "demo", name: "offline" } as const satisfies ModelName;

/** What is known of the demo: it costs nothing and forgets nothing. */
export const demoInfo: ModelInfo = {
  ...demoName,
  label: "Offline demo",
  contextWindow: 1_000_000,
  outputMax: 16_384,
  images: false,
  levels: ["off"],
  price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
};

/** Between two words, so that streaming can be seen. */
const wordMs = 15;
/** Of each tool's output in the answer, in characters. */
const shownCharsMax = 1_500;

const introduction =
  "I am remoteagent's offline demo: no language model is connected, so I follow a few fixed commands. The tools they call are real.";

const help = `You can write, one or more a message, each on its own line:

- \`run <command>\` runs a command in the sandbox
- \`read <path>\` shows a file
- \`remember <text>\` writes to the memory, \`recall\` reads it
- \`remind me in 10s <text>\` (or \`in 5 minutes\`, \`in 2 hours\`) comes back to you

To connect a real model, run \`remoteagent setup\`: it takes a provider's key, or the address of a server of your own.`;

/** Answers from the transcript alone: the same transcript and clock give the same answer. Never throws. */
export async function* streamDemo(request: ModelRequest, deps: { clock: Clock }): AsyncGenerator<ModelEvent> {
  const now = deps.clock.now();
  const answer = think(request, now);
  const message = blankAnswer(
    { api: "demo", provider: demoName.provider, model: demoName.name },
    { now, stopReason: "stop" },
  );
  let text = "";
  for (const word of answer.text.match(/\s*\S+/g) ?? []) {
    await deps.clock.sleep(wordMs, request.signal);
    if (request.signal.aborted) break;
    text += word;
    yield { type: "text", delta: word };
  }
  if (request.signal.aborted) {
    yield stopped(message, text);
    return;
  }
  for (const call of answer.calls) yield { type: "call", name: call.name };
  const calls = answer.calls.map((call, index): ToolCallPart => {
    const id = `demo_${now.toString(36)}_${index + 1}`;
    return { type: "toolCall", id, name: call.name, arguments: call.arguments };
  });
  const content = [...textParts(text), ...calls];
  yield { type: "done", message: { ...message, content, stopReason: calls.length > 0 ? "toolUse" : "stop" } };
}

function stopped(message: AssistantMessage, text: string): ModelEvent {
  const failure = abortFailure("demo/offline");
  const errorMessage = failure.message;
  const partial: AssistantMessage = { ...message, content: textParts(text), stopReason: "aborted", errorMessage };
  return { type: "failed", message: partial, failure, aborted: true };
}

function textParts(text: string): AssistantMessage["content"] {
  return text === "" ? [] : [{ type: "text", text }];
}

/** What to say and call: first the results that just came in, then what the person wrote. */
function think(request: ModelRequest, now: number): { text: string; calls: DemoCall[] } {
  const last = request.messages.findLastIndex((message) => message.role === "assistant");
  const news = request.messages.slice(last + 1);
  const before = request.messages[last];
  const report = before?.role === "assistant" ? reportResults(before, news) : [];
  const asked = news
    .map(userText)
    .filter((text) => text !== "")
    .join("\n");
  const commands = readCommands(asked, now).slice(0, limits.demoCallsMax);
  const due = news.map((message) => scheduledText(userText(message))).filter((text) => text !== undefined);
  const reminders = due.map((text) => `Reminder: ${text}`);
  const known = new Set(request.tools.map((tool) => tool.name));
  const calls = commands.filter((call) => known.has(call.name));
  const missing = commands.filter((call) => !known.has(call.name));
  const parts = [
    ...(before === undefined ? [introduction] : []),
    ...report,
    ...missing.map((call) => `I cannot do that here: the tool \`${call.name}\` is not available.`),
    ...(calls.length > 0 ? [`On it: ${calls.map((call) => call.title).join(", ")}.`] : []),
    ...(commands.length === 0 ? reminders : []),
    ...(report.length === 0 && commands.length === 0 && reminders.length === 0 ? [help] : []),
  ];
  return { text: parts.join("\n\n"), calls };
}

function reportResults(asked: AssistantMessage, news: readonly TranscriptMessage[]): string[] {
  const results = new Map<string, ToolResultMessage>();
  for (const message of news) if (message.role === "toolResult") results.set(message.toolCallId, message);
  return asked.content
    .filter((part) => part.type === "toolCall")
    .filter((call) => !wasStopped(results.get(call.id)))
    .map((call) => {
      const result = results.get(call.id);
      if (result === undefined) return `\`${call.name}\`: I do not know what became of it.`;
      const text = result.content.map((part) => (part.type === "text" ? part.text : "(an image)")).join("\n");
      const what = result.isError ? "did not work" : "is done";
      return `\`${call.name}\` ${what}${text.trim() === "" ? "." : `:\n\n${fenced(text.trim())}`}`;
    });
}

/** The person ended it: that is no news to them. */
function wasStopped(result: ToolResultMessage | undefined): boolean {
  const [first] = result?.content ?? [];
  return result?.isError === true && first?.type === "text" && /^(?:Command aborted|Not started)/.test(first.text);
}

/** A code block whose fence is longer than any in the text. */
function fenced(text: string): string {
  const shown = text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text;
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${shown}\n${fence}`;
}

function userText(message: TranscriptMessage): string {
  if (message.role !== "user") return "";
  return message.content
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("\n")
    .trim();
}
