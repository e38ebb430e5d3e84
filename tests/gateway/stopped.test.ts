// What an answer looks like that a person stopped.
import { expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { createChat } from "./chat.ts";

test("what was stopped says so", async () => {
  const { start, text, end, texts } = createChat();
  await start();
  await text("So f");
  await end({ outcome: "stopped" });
  expect(texts()).toEqual(["So f\n\nStopped."]);
});

test("a call that was cut off by a stop did not fail", async () => {
  const { start, emit, end, texts } = createChat();
  await start();
  const call = { type: "tool", call: "1", name: "bash" } as const;
  await emit({ ...call, step: "start", title: "sleep 9", input: {} });
  await emit({ ...call, step: "end", ok: false, ms: 1, text: "Command aborted" });
  await end({ outcome: "stopped" });
  expect(texts()).toEqual(["-# `sleep 9`\n\nStopped."]);
});

test("a call that failed before the words that a stop cut off has failed all the same", async () => {
  const { start, tool, text, end, texts } = createChat();
  await start();
  await tool("make", { ok: false });
  await text("That di");
  await end({ outcome: "stopped" });
  expect(texts()).toEqual(["-# `make` (failed)\n\nThat di\n\nStopped."]);
});

test("a long turn that a person stopped does not ring: they look at it", async () => {
  const { start, pass, message, end, shown } = createChat();
  await start();
  await pass(limits.bellMs + 1);
  await message("All is well");
  await end({ outcome: "stopped" });
  expect(shown().map(({ body, audible }) => [body, audible])).toEqual([["All is well\n\nStopped.", false]]);
});
