// Tool calls of the native harness: arguments, progress, failures, running side by side.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { TurnEvent } from "../../src/core/event.ts";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { createNativeHarness } from "../../src/harness/native/index.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { defineTool, type Tool, textResult } from "../../src/tools/tool.ts";
import {
  answers,
  type FakeCall,
  FakeStore,
  fakeLog,
  noteTool,
  runToEnd,
  scriptedModels,
  shape,
  tool,
} from "./fakes.ts";

/** Runs one answer with `calls`; the events, the log, and the results as the model saw them. */
async function runCalls(
  tools: Tool[],
  calls: FakeCall[],
  { on, ...more }: { stopReason?: "length"; on?: (event: TurnEvent) => void } = {},
) {
  const models = scriptedModels([answers("", calls, more), answers("Done.")]);
  const log = fakeLog();
  const harness = createNativeHarness({ models, log, clock: systemClock, timeZone: "UTC" });
  const store = new FakeStore();
  store.say("x");
  const events = await runToEnd(harness, store, { turn: { tools }, on });
  const results = (models.requests[1]?.messages ?? []).flatMap((message) =>
    message.role === "toolResult"
      ? [{ id: message.toolCallId, error: message.isError, text: text(message.content) }]
      : [],
  );
  return { events, log, results };
}

function text(content: readonly { type: string; text?: string }[]): string {
  return content.map((part) => part.text ?? `[${part.type}]`).join("");
}

function ends(events: TurnEvent[]) {
  return events.flatMap((event) => (event.type === "tool" && event.step === "end" ? [event] : []));
}

describe("arguments", () => {
  test("that do not fit are told to the model and the tool is not run", async () => {
    const starts: string[] = [];
    const { results, events } = await runCalls(
      [noteTool(starts)],
      [{ id: "a", name: "note", arguments: { text: 5, x: "y" } }],
    );
    expect(starts).toEqual([]);
    expect(results[0]).toMatchObject({ error: true });
    expect(results[0]?.text).toBe(
      'The arguments do not fit the tool "note", so it was not run:\n- text: Invalid type: Expected string but received 5\nReceived: {"text":5,"x":"y"}',
    );
    expect(shape(events)).toContain("tool end a");
  });

  test("that are missing as a whole are told too", async () => {
    const { results } = await runCalls([noteTool([])], [{ id: "a", name: "note", arguments: {} }]);
    expect(results[0]?.text).toContain('- text: Invalid key: Expected "text" but received undefined');
  });

  test("null for an optional one counts as left out", async () => {
    let got: unknown;
    const optional = defineTool({
      name: "opt",
      description: "",
      schema: v.object({ a: v.string(), b: v.optional(v.number()) }),
      title: () => "opt",
      run: async (input) => {
        got = input;
        return textResult("ok");
      },
    });
    await runCalls([optional], [{ id: "a", name: "opt", arguments: { a: "x", b: null } }]);
    expect(got).toEqual({ a: "x" });
  });

  test("of an unknown tool: the names there are", async () => {
    const { results } = await runCalls([noteTool([])], [{ id: "a", name: "constructor", arguments: {} }]);
    expect(results[0]).toEqual({ id: "a", error: true, text: 'There is no tool "constructor". Tools: note' });
  });

  test("of an answer that was cut off are not used", async () => {
    const starts: string[] = [];
    const cut: FakeCall = { id: "a", name: "note", arguments: { text: "rm -rf /tm" } };
    const { results, events } = await runCalls([noteTool(starts)], [cut], { stopReason: "length" });
    expect(starts).toEqual([]);
    expect(results[0]?.text).toContain("cut off at the model's output limit");
    expect(shape(events)).toContain("notice");
  });
});

describe("calls", () => {
  test("of one answer run side by side, each start stored before, results in the calls' order", async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = tool("slow", async () => {
      await gate;
      order.push("slow");
      return textResult("slow");
    });
    const quick = tool("quick", async () => {
      order.push("quick");
      return textResult("quick");
    });
    const { results, events } = await runCalls(
      [slow, quick],
      [
        { id: "a", name: "slow", arguments: {} },
        { id: "b", name: "quick", arguments: {} },
      ],
      {
        on: (event) => {
          if (event.type === "tool" && event.step === "end" && event.call === "b") release();
        },
      },
    );
    expect(order).toEqual(["quick", "slow"]);
    expect(ends(events).map((event) => event.call)).toEqual(["b", "a"]);
    expect(results.map((one) => one.id)).toEqual(["a", "b"]);
  });

  test("are as many at the same time as the limit says", async () => {
    let now = 0;
    let most = 0;
    const count = tool("count", async () => {
      now += 1;
      most = Math.max(most, now);
      await systemClock.sleep(2);
      now -= 1;
      return textResult("ok");
    });
    const calls = Array.from({ length: 40 }, (_, n) => ({ id: `c${n}`, name: "count", arguments: {} }));
    const { results } = await runCalls([count], calls);
    expect(results.length).toBe(40);
    expect(most).toBe(limits.callsParallelMax);
  });

  test("with the same id, or none, get ids of their own", async () => {
    const starts: string[] = [];
    const same = (id: string, value: string) => ({ id, name: "note", arguments: { text: value } });
    const { results } = await runCalls([noteTool(starts)], [same("a", "1"), same("a", "2"), same("", "3")]);
    expect(results.map((one) => one.id)).toEqual(["a", "a-2", "call-2"]);
    expect(starts).toEqual(["1", "2", "3"]);
  });

  test("numbered anew in each answer get ids of their own too", async () => {
    const numbered = answers("", [{ id: "call_0", name: "note", arguments: { text: "x" } }]);
    const models = scriptedModels([numbered, numbered, answers("Done.")]);
    const harness = createNativeHarness({ models, log: fakeLog(), clock: systemClock, timeZone: "UTC" });
    const store = new FakeStore();
    store.say("x");
    const events = await runToEnd(harness, store, { turn: { tools: [noteTool([])] } });
    expect(ends(events).map((event) => event.call)).toEqual(["call_0", "call_0-2"]);
  });

  test("that throw a Failure tell its sentence and hint", async () => {
    const bad = tool("bad", async () => {
      throw new Failure("tool", 'Cannot read "x": there is no such file', { hint: "ls shows what there is" });
    });
    const { results, events } = await runCalls([bad], [{ id: "a", name: "bad", arguments: {} }]);
    expect(results[0]).toEqual({
      id: "a",
      error: true,
      text: 'Cannot read "x": there is no such file\nls shows what there is',
    });
    expect(ends(events)[0]).toMatchObject({ ok: false });
  });

  test("that throw anything else say no more than that, and the log has it", async () => {
    const broken = tool("broken", async () => {
      throw new TypeError("undefined is not a secret");
    });
    const { results, log } = await runCalls([broken], [{ id: "a", name: "broken", arguments: {} }]);
    expect(results[0]?.text).toBe('The tool "broken" broke: internal error, see the log');
    expect(JSON.stringify(log.lines)).toContain("undefined is not a secret");
  });

  test("whose tool cannot even name them are refused, and the turn goes on", async () => {
    const nameless = { ...tool("nameless", async () => textResult("ran")), title: () => null as unknown as string };
    const { results, log } = await runCalls([nameless], [{ id: "a", name: "nameless", arguments: {} }]);
    expect(results[0]?.text).toBe('The tool "nameless" broke: internal error, see the log');
    expect(log.lines.length).toBe(1);
  });

  test("without output have a result all the same; a long one is shown short and sent whole", async () => {
    const long = "x".repeat(limits.toolShownCharsMax * 3);
    const { results, events } = await runCalls(
      [tool("none", async () => ({ ok: true, content: [] })), tool("long", async () => textResult(long))],
      [
        { id: "a", name: "none", arguments: {} },
        { id: "b", name: "long", arguments: {} },
      ],
    );
    expect(results.map((one) => one.text)).toEqual(["", long]);
    expect(ends(events).find((event) => event.call === "b")?.text.length).toBeLessThan(limits.toolShownCharsMax + 200);
  });

  test("tell their files between start and end", async () => {
    const attach = tool("attach", async (_, context) => {
      await context.attach({ name: "a.txt", bytes: new Uint8Array(3) });
      return textResult("ok");
    });
    const { events } = await runCalls([attach], [{ id: "a", name: "attach", arguments: {} }]);
    const shapes = shape(events);
    expect(shapes.slice(shapes.indexOf("tool start a"))).toEqual([
      "tool start a",
      "file",
      "tool end a",
      "text",
      "message",
      "usage",
      "ended done",
    ]);
  });

  test("show progress joined and in order, all of it before the end", async () => {
    const lines = Array.from({ length: 500 }, (_, n) => `line ${n}\n`);
    const chatty = tool("chatty", async (_, context) => {
      for (const line of lines) context.output(line);
      await systemClock.sleep(5);
      context.output("last\n");
      return textResult("ok");
    });
    const { events } = await runCalls([chatty], [{ id: "a", name: "chatty", arguments: {} }]);
    const shown = events.flatMap((event) => (event.type === "tool" && event.step === "output" ? [event.text] : []));
    expect(shown.length).toBeLessThan(5);
    expect(shown.join("")).toBe(`${lines.join("")}last\n`);
  });

  test("that print without end keep only the newest part for showing", async () => {
    const flood = tool("flood", async (_, context) => {
      for (let n = 0; n < 1_000; n += 1) context.output("y".repeat(1_000));
      context.output("end");
      return textResult("ok");
    });
    const { events } = await runCalls([flood], [{ id: "a", name: "flood", arguments: {} }]);
    const shown = events
      .flatMap((event) => (event.type === "tool" && event.step === "output" ? [event.text] : []))
      .join("");
    expect(shown.length).toBeLessThanOrEqual(2 * limits.progressCharsMax);
    expect(shown.endsWith("end")).toBe(true);
  });
});
