// A history that is gone on with gives what a history gives that is read at once.
import { expect, test } from "bun:test";
import type { Entry, EntryBody, TranscriptMessage } from "../../src/core/transcript.ts";
import { createContexts } from "../../src/harness/native/contexts.ts";

const tokensMax = 1_000;
const user = (text: string): TranscriptMessage => ({ role: "user", content: [{ type: "text", text }], timestamp: 1 });

function answer(calls: string[], stopReason: "stop" | "aborted" = "stop"): TranscriptMessage {
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };
  return {
    role: "assistant",
    content: calls.map((id) => ({ type: "toolCall", id, name: "bash", arguments: {} })),
    api: "a",
    provider: "p",
    model: "m",
    usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost },
    stopReason,
    timestamp: 1,
  };
}

function result(id: string): TranscriptMessage {
  const content = [{ type: "text" as const, text: "x" }];
  return { role: "toolResult", toolCallId: id, toolName: "bash", content, isError: false, timestamp: 1 };
}

/** Entries of these bodies, numbered from 1. */
function entries(bodies: (TranscriptMessage | EntryBody)[]): Entry[] {
  return bodies.map((one, index) => ({
    id: index + 1,
    parent: index === 0 ? null : index,
    session: 1,
    turn: Math.floor(index / 3) + 1,
    at: 1,
    body: "role" in one ? { kind: "message", message: one } : one,
  }));
}

const whole = entries([
  user("one"),
  answer(["a", "b"]),
  result("a"),
  result("b"),
  answer([], "aborted"),
  answer([]),
  user("x".repeat(20_000)),
  answer([], "aborted"),
  { kind: "compaction", summary: "so far", keepFrom: 6, tokensBefore: 1 },
  user("two"),
  answer(["c"]),
]);
const fresh = (history: Entry[], max = tokensMax) => createContexts()(history, max);

test("entry by entry, and several at once", () => {
  for (const step of [1, 2, 5]) {
    const contextOf = createContexts();
    for (let count = 0; count <= whole.length + step; count += step) {
      const history = whole.slice(0, count);
      expect(contextOf(history, tokensMax)).toEqual(fresh(history));
    }
  }
});

test("what a turn does with its context is not seen by the next", () => {
  const contextOf = createContexts();
  const history = whole.slice(0, 6);
  const mine = contextOf(history, tokensMax);
  mine.messages.push(user("more"));
  mine.ids.length = 0;
  mine.measuredFrom = 5;
  expect(contextOf(history, tokensMax)).toEqual(fresh(history));
});

test("another branch, a shorter one, and a model with another window", () => {
  const contextOf = createContexts();
  const [first] = whole;
  const other = [...(first === undefined ? [] : [first]), ...entries([user("no"), answer([])]).slice(1)];
  for (const history of [whole.slice(0, 8), other, whole, whole.slice(0, 3), []])
    expect(contextOf(history, tokensMax)).toEqual(fresh(history));
  expect(contextOf(whole.slice(0, 7), 100)).toEqual(fresh(whole.slice(0, 7), 100));
  expect(contextOf(whole.slice(0, 7), 100_000)).toEqual(fresh(whole.slice(0, 7), 100_000));
});
