// Preparing a conversation piece by piece gives what preparing it whole gives.
import { expect, test } from "bun:test";
import type { AssistantMessage, TranscriptMessage } from "../../src/core/transcript.ts";
import { createPreparation } from "../../src/models/preparation.ts";
import { prepareTranscript, type Reader } from "../../src/models/prepare.ts";
import { user } from "./fakes.ts";

const reader: Reader = {
  api: "anthropic-messages",
  provider: "anthropic",
  model: "claude",
  images: true,
  imageBytesMax: 1_000,
};
const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 };

function answer(calls: string[], stopReason: AssistantMessage["stopReason"] = "stop"): AssistantMessage {
  const text = { type: "text" as const, text: `said before ${calls.join()}` };
  const parts = calls.map((id) => ({ type: "toolCall" as const, id, name: "bash", arguments: {} }));
  return {
    role: "assistant",
    content: [text, ...parts],
    api: reader.api,
    provider: reader.provider,
    model: reader.model,
    usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, totalTokens: 2, cost },
    stopReason,
    timestamp: 1,
  };
}

function result(id: string): TranscriptMessage {
  return {
    role: "toolResult",
    toolCallId: id,
    toolName: "bash",
    content: [{ type: "text", text: `of ${id}` }],
    isError: false,
    timestamp: 1,
  };
}

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Any message: calls with few different ids, so that some come twice, some never get a result, some get a late one. */
function anyMessage(pick: (below: number) => number): TranscriptMessage {
  const id = () => `call-${pick(4)}`;
  const kinds = [
    () => user(`question ${pick(100)}`),
    () => user(""),
    () => answer([]),
    () => answer(Array.from({ length: pick(3) }, id)),
    () => answer([id()], pick(2) === 0 ? "aborted" : "error"),
    () => result(id()),
    () => result(id()),
    () => result(id()),
  ];
  return (kinds[pick(kinds.length)] ?? kinds[0])?.() ?? user("");
}

test("any conversation, however it grows", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const pick = chance(seed);
    const prepare = createPreparation();
    const messages: TranscriptMessage[] = [];
    for (let round = 0; round < 25; round += 1) {
      for (let count = pick(4); count > 0; count -= 1) messages.push(anyMessage(pick));
      const before = JSON.stringify(messages);
      expect(prepare([...messages], reader)).toEqual(prepareTranscript(messages, reader));
      expect(JSON.stringify(messages)).toBe(before);
    }
  }
});

test("one that took another way, or is read by another model", () => {
  const prepare = createPreparation();
  const common = [user("one"), answer(["a"]), result("a")];
  const ways = [
    [...common, answer([]), user("two")],
    [...common, user("not two")],
    [user("one"), answer([])],
    common.slice(0, 2),
    common,
  ];
  for (const messages of [...ways, ...ways])
    for (const to of [reader, { ...reader, model: "other" }])
      expect(prepare(messages, to)).toEqual(prepareTranscript(messages, to));
  expect(prepare([], reader)).toEqual([]);
});

test("what did not change is the same object, so that nothing is made of it again", () => {
  const prepare = createPreparation();
  const messages: TranscriptMessage[] = [user("one"), answer([]), user("two")];
  const first = prepare(messages, reader);
  const second = prepare([...messages, answer(["a"]), result("a"), user("three")], reader);
  expect(second.slice(0, 3)).toEqual(first);
  for (const [index, message] of first.entries()) expect(second[index]).toBe(message);
});
