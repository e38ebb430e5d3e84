// Earlier messages, the same for both programs: questions, answers, and now and then a command with its output.

import { Database } from "bun:sqlite";
import type { AssistantMessage, TranscriptMessage } from "../../src/core/transcript.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { modelName } from "./programs.ts";

/** One earlier message. */
type Earlier =
  | { role: "user"; text: string }
  | { role: "assistant"; text: string }
  | { role: "call"; id: string; text: string }
  | { role: "result"; id: string; text: string };

const question = "Please look at the build that failed last night and tell me which of the changes broke it. ".repeat(
  2,
);
const answer =
  "The build fails since the change to the parser: the new branch returns early, so the list stays empty. ".repeat(4);
const output = "src/parser.ts:120:14 error: expected 3 items, received 0\n".repeat(12);

/** `count` messages in rounds of six: question, answer, question, call, result, answer. */
function earlier(count: number): Earlier[] {
  return Array.from({ length: count }, (_, index): Earlier => {
    const text = `${index}: `;
    const id = `toolu_${Math.floor(index / 6)}`;
    switch (index % 6) {
      case 0:
      case 2:
        return { role: "user", text: text + question };
      case 3:
        return { role: "call", id, text: `grep -n error build-${index}.log` };
      case 4:
        return { role: "result", id, text: text + output };
      default:
        return { role: "assistant", text: text + answer };
    }
  });
}

/** A session that has `count` earlier messages; its name is that of its conversation. */
export interface Seed {
  session: string;
  count: number;
}

/** Writes the sessions into remoteagent's database, by its own store. */
export function seedProgram(
  path: string,
  { seeds, adapter = "terminal" }: { seeds: readonly Seed[]; adapter?: string },
): void {
  const store = createStore(openStore(path));
  store.transaction(() => {
    for (const { session, count } of seeds) {
      const at = Date.now();
      const row = store.wirings.conversation(adapter, { id: session, kind: "direct", at });
      const { id } = store.sessions.create({ agent: "main", at, title: session });
      store.sessions.bind({ agent: "main", conversation: row }, id);
      let parent: number | null = null;
      for (const message of earlier(count).map((one) => entryMessage(one, at))) {
        parent = store.entries.append({ session: id, turn: null, parent, at, body: { kind: "message", message } }).id;
      }
    }
  });
  store.close();
}

/** Writes the same sessions into the minimal program's database. */
export function seedMinimal(path: string, seeds: readonly Seed[]): void {
  const db = new Database(path);
  const insert = db.prepare("INSERT INTO messages (session, body) VALUES (?, ?)");
  db.transaction(() => {
    for (const { session, count } of seeds) {
      for (const one of earlier(count)) insert.run(session, JSON.stringify(wireMessage(one)));
    }
  })();
  // Else the connection, and with it a lock, lives until the statement is collected.
  insert.finalize();
  db.close();
}

function entryMessage(one: Earlier, timestamp: number): TranscriptMessage {
  const text = { type: "text" as const, text: one.text };
  if (one.role === "call") {
    const call = { type: "toolCall" as const, id: one.id, name: "bash", arguments: { command: one.text } };
    return assistant([call], { timestamp, stopReason: "toolUse" });
  }
  if (one.role === "user") return { role: "user", content: [text], timestamp };
  if (one.role === "assistant") return assistant([text], { timestamp, stopReason: "stop" });
  return { role: "toolResult", toolCallId: one.id, toolName: "bash", content: [text], isError: false, timestamp };
}

function assistant(
  content: AssistantMessage["content"],
  rest: Pick<AssistantMessage, "timestamp" | "stopReason">,
): AssistantMessage {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  return {
    role: "assistant",
    content,
    api: "anthropic-messages",
    provider: "anthropic",
    model: modelName,
    usage: { input: 1_000, output: 50, cacheRead: 0, cacheWrite: 0, totalTokens: 1_050, cost },
    ...rest,
  };
}

function wireMessage(one: Earlier): object {
  if (one.role === "call") {
    const call = { type: "tool_use", id: one.id, name: "bash", input: { command: one.text } };
    return { role: "assistant", content: [call] };
  }
  if (one.role === "result") {
    return { role: "user", content: [{ type: "tool_result", tool_use_id: one.id, content: one.text }] };
  }
  return { role: one.role, content: [{ type: "text", text: one.text }] };
}
