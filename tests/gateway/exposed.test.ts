// A secret that somebody writes into a chat: kept nowhere, taken away there, and its owner is told once.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Inbound } from "../../src/core/message.ts";
import type { AdapterHandle } from "../../src/gateway/handle.ts";
import { PlatformError } from "../../src/gateway/handle.ts";
import { takeAway } from "../../src/gateway/platform.ts";
import { createWorld, direct, memoryLog, message, posted, secret, until } from "./fixture.ts";

let taken: string[];
let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  taken = [];
  world = createWorld({ more: { takeAway: (inbound, ref) => void taken.push(`${inbound.conversation.id}/${ref}`) } });
});
afterEach(() => world.remove());

const stored = (inbound: Inbound): string => {
  const id = world.now.store.inputs.find(inbound);
  return id === undefined ? "" : JSON.stringify(world.now.store.inputs.get(id));
};
const notices = () => world.now.said().filter((text) => text.includes("/secret-help"));

describe("SECURITY 28: a known secret in a chat message", () => {
  test("is not stored, is taken away, and is told once, also when the message comes again", async () => {
    const inbound = posted(`use ${secret} for it`, {
      id: "50",
      quote: { sender: "bob", text: secret },
      files: [{ name: `${secret}.txt`, ref: "f1" }],
    });
    expect(await world.now.send(inbound)).toMatchObject({ state: "waiting" });
    expect(stored(inbound)).toContain("use [redacted] for it");
    expect(stored(inbound)).not.toContain(secret);
    expect(await world.now.send(inbound)).toMatchObject({ state: "duplicate" });
    await world.now.quiet();
    expect(notices()).toHaveLength(1);
    expect(notices()[0]).toContain("make a new one and void the old one");
    expect(new Set(taken)).toEqual(new Set(["-100/50"]));
  });
  test("is found in an edit too: what is taken away is the message that was edited", async () => {
    const sender = { id: "1", name: "ann" };
    await world.now.send(direct("hello", { id: "60", sender }));
    await world.now.quiet();
    const { adapter, conversation, sentAt } = direct("x", { sender });
    const edit: Inbound = {
      kind: "edit",
      adapter,
      conversation,
      sentAt,
      sender,
      id: "60",
      revision: 2,
      target: "60",
      text: secret,
    };
    await world.now.send(edit);
    expect(stored(edit)).toContain("[redacted]");
    expect(stored(edit)).not.toContain(secret);
    expect(notices()).toHaveLength(1);
    expect(taken).toEqual(["1/60"]);
  });
  test("is not stored with a command", async () => {
    const inbound = direct(`/macro save x ${secret}`);
    await world.now.send(inbound);
    expect(stored(inbound)).not.toContain(secret);
    expect(notices()).toHaveLength(1);
  });
  test("is not told to a stranger, in whose chat nothing is changed", async () => {
    await world.now.send(direct(secret, { sender: { id: "99", name: "eve" } }));
    expect(notices()).toEqual([]);
    expect(taken).toEqual([]);
  });
  test("is no matter of what somebody else wrote, nor of a message without one", async () => {
    await world.now.send(posted("what is this?", { quote: { sender: "bob", text: secret } }));
    await world.now.send(posted("hello"));
    await world.now.quiet();
    expect(notices()).toEqual([]);
    expect(taken).toEqual([]);
  });
  test("is not stored either when it was typed at the terminal, where nobody else reads it", async () => {
    const inbound = message(secret);
    await world.now.send(inbound);
    await world.now.quiet();
    expect(stored(inbound)).not.toContain(secret);
    expect(notices()).toEqual([]);
    expect(taken).toEqual([]);
  });
});

describe("a message is taken away", () => {
  const inbound = posted("x", { id: "50" });
  test("as well as the platform allows: a refusal goes to the log", async () => {
    const log = memoryLog();
    const change = () => Promise.reject(new PlatformError("message can't be deleted", { fate: "refused" }));
    takeAway({ handle: { change } as unknown as AdapterHandle, log }, { inbound, ref: "50" });
    await until(() => log.lines.length > 0);
    expect(log.lines.join()).toStartWith("debug Cannot take a message away");
    takeAway({ handle: undefined, log }, { inbound, ref: "50" });
    expect(log.lines).toHaveLength(1);
  });
  test("by its id, in its conversation", async () => {
    const calls: unknown[] = [];
    const change: AdapterHandle["change"] = async ({ conversation }, what) => void calls.push([conversation.id, what]);
    takeAway({ handle: { change } as unknown as AdapterHandle, log: memoryLog() }, { inbound, ref: "50" });
    expect(calls).toEqual([["-100", { ref: "50" }]]);
  });
});
