// What strict providers accept, as checks of request bodies: each answers with the problems it found.
import type { AssistantMessage, TranscriptMessage } from "../../src/core/transcript.ts";

type Json = Record<string, unknown>;

/** Anthropic Messages: https://docs.anthropic.com/en/api/messages and the texts of its 400s. */
export function anthropicProblems(body: Json): string[] {
  const problems: string[] = [];
  if (!(typeof body.max_tokens === "number" && body.max_tokens > 0)) problems.push("max_tokens is missing");
  const messages = list(body.messages);
  if (messages.length === 0) problems.push("no messages");
  if (messages[0]?.role !== "user") problems.push("first message is not the user's");
  if (messages.at(-1)?.role === "assistant") problems.push("last message is the assistant's");
  const ids = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const parts = partsOf(message.content);
    if (parts.length === 0) problems.push(`message ${index} is empty`);
    if (parts.some((part) => part.type === "text" && String(part.text).trim() === ""))
      problems.push(`empty text in ${index}`);
    const results = parts.filter((part) => part.type === "tool_result").map((part) => String(part.tool_use_id));
    const asked = uses(messages[index - 1]);
    if (results.join() !== asked.join())
      problems.push(`results of ${index} are [${results.join()}], calls [${asked.join()}]`);
    for (const id of uses(message)) {
      if (ids.has(id)) problems.push(`call id ${id} twice`);
      if (!/^[a-zA-Z0-9_-]{1,64}$/.test(id)) problems.push(`call id ${id} is malformed`);
      ids.add(id);
    }
  }
  return problems;
}

function uses(message: Json | undefined): string[] {
  return partsOf(message?.content)
    .filter((part) => part.type === "tool_use")
    .map((part) => String(part.id));
}

/** OpenAI Chat Completions: tool messages must follow the calls they answer, and answer all of them. */
export function chatProblems(body: Json): string[] {
  const problems: string[] = [];
  if (typeof (body.max_tokens ?? body.max_completion_tokens) !== "number") problems.push("no token limit");
  let open = new Set<string>();
  for (const [index, message] of list(body.messages).entries()) {
    if (message.role === "tool") {
      if (!open.delete(String(message.tool_call_id))) problems.push(`result ${index} answers no call`);
      if (partsOf(message.content).length === 0) problems.push(`result ${index} is empty`);
      continue;
    }
    if (open.size > 0) problems.push(`calls before ${index} have no result`);
    const calls = list(message.tool_calls);
    open = new Set(calls.map((call) => String(call.id)));
    if (calls.length === 0 && partsOf(message.content).length === 0) problems.push(`message ${index} is empty`);
  }
  if (open.size > 0) problems.push("the last calls have no result");
  return problems;
}

/** OpenAI Responses: each function_call has one output and the other way round. */
export function responsesProblems(body: Json): string[] {
  const problems: string[] = [];
  if (typeof body.max_output_tokens !== "number") problems.push("no token limit");
  const input = list(body.input);
  const calls = input.filter((item) => item.type === "function_call").map((item) => String(item.call_id));
  const outputs = input.filter((item) => item.type === "function_call_output").map((item) => String(item.call_id));
  if (calls.toSorted().join() !== outputs.toSorted().join())
    problems.push(`calls ${calls.join()} but outputs ${outputs.join()}`);
  if (new Set(calls).size !== calls.length) problems.push("call ids occur twice");
  for (const [index, item] of input.entries()) {
    if ("role" in item && partsOf(item.content).length === 0) problems.push(`item ${index} is empty`);
  }
  return problems;
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value : [];
}

function partsOf(content: unknown): Json[] {
  if (typeof content === "string") return content.trim() === "" ? [] : [{ type: "text", text: content }];
  return list(content);
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const reasons = ["stop", "toolUse", "toolUse", "length", "error", "aborted", "pending"] as const;
const sources = [
  { api: "anthropic-messages", provider: "anthropic", model: "claude-sonnet-4-5" },
  { api: "openai-responses", provider: "openai", model: "gpt-5.5" },
  { api: "openai-completions", provider: "local", model: "qwen3" },
  { api: "demo", provider: "demo", model: "offline" },
];
const words = ["", "  ", "yes", "a longer text\nwith lines", "🌍"];

/** A transcript as bad as crashes, stops and other models can make it. */
export function randomTranscript(seed: number): TranscriptMessage[] {
  const next = random(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item;
  const messages: TranscriptMessage[] = [];
  const ids = ["call_0", "call_1", "toolu_1", "call_a|fc_b", "call_a|fc_c", "odd id:1", "x".repeat(64), ""];
  const part = () =>
    next() < 0.8
      ? ({ type: "text", text: pick(words) } as const)
      : ({
          type: "image",
          data: pick(["", "aGVsbG8=", "A".repeat(400)]),
          mimeType: pick(["image/png", "image/svg+xml"]),
        } as const);
  const some = <Item>(max: number, make: () => Item) => Array.from({ length: Math.floor(next() * (max + 1)) }, make);
  for (let n = Math.floor(next() * 14); n >= 0; n--) {
    const kind = next();
    if (kind < 0.3) messages.push({ role: "user", content: some(3, part), timestamp: n });
    else if (kind < 0.65) {
      const source = pick(sources);
      const signature = source.api === "openai-responses" ? '{"type":"reasoning","id":"rs_1","summary":[]}' : "c2ln";
      const content = some(4, (): AssistantMessage["content"][number] => {
        const roll = next();
        if (roll < 0.4) return { type: "text", text: pick(words), textSignature: '{"v":1,"id":"msg_1"}' };
        if (roll < 0.6) return { type: "thinking", thinking: pick(words), thinkingSignature: pick(["", signature]) };
        return { type: "toolCall", id: pick(ids), name: "bash", arguments: next() < 0.5 ? { command: "ls" } : {} };
      });
      const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
      const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, cost };
      messages.push({ role: "assistant", content, ...source, usage, stopReason: pick(reasons), timestamp: n });
    } else {
      const isError = next() < 0.3;
      messages.push({
        role: "toolResult",
        toolCallId: pick(ids),
        toolName: "bash",
        content: some(2, part),
        isError,
        timestamp: n,
      });
    }
  }
  return messages;
}
