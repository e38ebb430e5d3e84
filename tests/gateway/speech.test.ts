// The way out: secrets stay in, silence is kept, and nothing else is lost.
import { expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import { createSpeech } from "../../src/gateway/turns/speech.ts";
import { createRedactor } from "../../src/vault/redact.ts";

function said(events: TurnEvent[], secrets: string[] = []): TurnEvent[] {
  const speech = createSpeech(createRedactor(() => secrets));
  return events.flatMap((event) => speech.pass(event));
}
const deltas = (text: string, size = 1): TurnEvent[] =>
  (text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? []).map((delta) => ({ type: "text", delta }));
const shown = (events: TurnEvent[]) => events.map((event) => (event.type === "text" ? event.delta : "")).join("");

test("an answer of [SILENT] alone shows nothing, however it is cut", () => {
  for (const size of [1, 3, 20]) {
    const events = said([...deltas(" [SILENT]\n", size), { type: "message", text: " [SILENT]\n" }]);
    expect(events).toEqual([{ type: "message", text: "" }]);
  }
});
test("an answer that only begins like silence is shown whole", () => {
  for (const text of ["[SIL", "[SILENT] no, there is something", "[", "[SILENT]!"]) {
    const events = said([...deltas(text), { type: "message", text }]);
    expect(shown(events)).toBe(text);
    expect(events.at(-1)).toEqual({ type: "message", text });
  }
});
test("each message of a turn is judged by itself", () => {
  const events = said([
    ...deltas("working"),
    { type: "message", text: "working" },
    ...deltas("[SILENT]"),
    { type: "message", text: "[SILENT]" },
  ]);
  expect(shown(events)).toBe("working");
});
test("a reset forgets what was held back", () => {
  const events = said([...deltas("[SIL"), { type: "reset" }, ...deltas("ok"), { type: "message", text: "ok" }]);
  expect(events[0]).toEqual({ type: "reset" });
  expect(shown(events)).toBe("ok");
});
test("a secret is taken out of thinking, text and every field", () => {
  const secret = "correct-horse-battery";
  const events = said(
    [
      { type: "thinking", delta: "it is correct-horse" },
      { type: "thinking", delta: "-battery, hm" },
      ...deltas(`so: ${secret}.`, 5),
      { type: "message", text: `so: ${secret}.` },
      { type: "tool", step: "start", call: "1", name: "bash", title: `$ echo ${secret}`, input: { command: secret } },
    ],
    [secret],
  );
  expect(JSON.stringify(events)).not.toContain(secret);
  expect(shown(events)).toBe("so: [redacted].");
});
