// What the options of `chat` ask of the conversation stands before all that is said, or nothing is said.
import { expect, test } from "bun:test";
import { withPrelude } from "../../src/cli/prelude.ts";
import type { ScreenFrame } from "../../src/cli/terminal/port.ts";
import type { Receipt } from "../../src/core/message.ts";
import { failing } from "../failing.ts";
import { FakeLine } from "./terminal/fakes.ts";

const commands = [
  { name: "new", args: "" },
  { name: "model", args: "nonsense/x" },
];

/** The frames until `count` came, or all of them. */
async function read(frames: AsyncIterable<ScreenFrame>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const types: string[] = [];
  for await (const frame of frames) {
    types.push(frame.type);
    if (types.length >= count) break;
  }
  return types;
}

function answered(receipts: Record<string, Receipt>): FakeLine {
  const line = new FakeLine();
  line.onSend = (up) => {
    const receipt = up.type === "command" ? receipts[up.name] : undefined;
    if (receipt !== undefined) line.push({ type: "receipt", id: up.id, receipt });
  };
  return line;
}

test("the screen hears nothing before all is done, and then everything in its order", async () => {
  const line = answered({ new: { state: "done", ok: true }, model: { state: "done", ok: true } });
  line.hello();
  line.push({ type: "post", outgoing: { markdown: "x" } });
  expect(await read(withPrelude(line, commands).frames, 3)).toEqual(["hello", "state", "post"]);
  expect(line.said.map((up) => up.type === "command" && up.name)).toEqual(["new", "model"]);
});

test("a command that fails or is refused ends the chat before the screen can say anything", async () => {
  const bad: Receipt[] = [
    { state: "done", ok: false, answer: { markdown: "Unknown model\nSee /model" } },
    { state: "refused", reason: "Unknown model" },
  ];
  for (const model of bad) {
    const line = answered({ new: { state: "done", ok: true }, model });
    line.hello();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const frame of withPrelude(line, commands).frames) seen.push(frame.type);
    })();
    expect(await failing(reading)).toMatchObject({ code: "usage", message: "Unknown model" });
    expect(seen).toEqual([]);
  }
});

test("a connection that is lost while they are given is read on, so that it is found again", async () => {
  const line = new FakeLine();
  let back: () => void = () => undefined;
  const found = new Promise<void>((resolve) => {
    back = resolve;
  });
  const slow = {
    ...line,
    frames: line.frames,
    close: () => line.close(),
    send: async (up: Parameters<FakeLine["send"]>[0]) => {
      await found;
      line.push({ type: "receipt", id: up.id, receipt: { state: "done", ok: true } });
    },
  };
  line.hello();
  line.push({ type: "lost", reason: "Gone" });
  line.hello();
  const frames = (async function* () {
    for await (const frame of slow.frames) {
      if (frame.type === "lost") back();
      yield frame;
    }
  })();
  expect(await read(withPrelude({ ...slow, frames }, commands).frames, 5)).toEqual([
    "hello",
    "state",
    "lost",
    "hello",
    "state",
  ]);
});
