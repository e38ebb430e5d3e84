// Platforms that can be asked what arrived: nothing is sent twice, and nothing is lost without a word.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { PlatformError } from "../../src/gateway/handle.ts";
import type { Call, Fault } from "./fake-adapter.ts";
import { createWorld, first, later, pdf, place, refused, settled } from "./outbox.ts";

const find = { repeat: "find" } as const;
const never = { before: new PlatformError("missing_scope", { fate: "unknown" }) };
/** It did not happen, and nobody knows. */
const vanished = { before: new PlatformError("The line broke", { fate: "unknown" }) };
const methods = (calls: readonly Call[]) => calls.map(({ method }) => method);

/** What becomes of the first send, and then of the searches. */
function once(sent: Fault, ...searches: (Fault | undefined)[]) {
  const sends: Fault[] = [sent];
  return ({ method }: Call) => (method === "find" ? searches.shift() : method === "change" ? undefined : sends.shift());
}

test("a text goes out as it is, in one call", async () => {
  const { say, platform, row } = createWorld({ traits: find });
  const id = await say("Hello", { choices: [{ value: "/x", label: "X" }] });
  expect(methods(platform.calls)).toEqual(["post"]);
  expect(platform.shown("7")).toMatchObject([{ body: "Hello", buttons: [{ label: "X" }] }]);
  expect(row(id)).toMatchObject({ fate: "sent", tried: null, triedAt: null });
});

describe("a lost answer", () => {
  test("of a text that arrived: it is found, and left as it is", async () => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once({ lost: true });
    const id = await say("Hello");
    expect(row(id)).toMatchObject({ fate: "sending", tried: "whole" });
    await wait(5_000, 500);
    expect(methods(platform.calls)).toEqual(["post", "find"]);
    expect(platform.texts("7")).toEqual(["Hello"]);
    expect(row(id)).toMatchObject({ fate: "sent", ref: platform.shown("7")[0]?.ref });
  });

  test("of a text that did not arrive: it is sent again, after the search", async () => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once(vanished);
    const id = await say("Hello");
    await wait(5_000, 500);
    expect(methods(platform.calls)).toEqual(["post", "find", "post"]);
    expect(platform.texts("7")).toEqual(["Hello"]);
    expect(row(id)).toMatchObject({ fate: "sent", triedAt: null });
  });

  test("a search is told what was sent, and when it was first", async () => {
    const { say, wait, platform, adapter, clock } = createWorld({ traits: find });
    const asked: unknown[] = [];
    const { find: real } = adapter;
    adapter.find = (target, sent) => {
      asked.push(sent);
      return real?.(target, sent) ?? Promise.resolve(undefined);
    };
    const since = clock.now();
    platform.fault = once({ lost: true }, later());
    await say("Hello");
    await wait(60_000, 500);
    expect(asked).toMatchObject([
      { body: "Hello", since },
      { body: "Hello", since },
    ]);
  });

  test("a search that cannot answer now is made again, and nothing overtakes", async () => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once({ lost: true }, later(), { lost: true }, later({ retryAfterMs: 30_000 }));
    const id = await say("One");
    await say("Two");
    await wait(20_000, 500);
    expect(platform.texts("7")).toEqual(["One"]);
    expect(row(id).fate).toBe("sending");
    await wait(60_000, 500);
    expect(platform.texts("7")).toEqual(["One", "Two"]);
    expect(platform.posts()).toBe(2);
  });

  test.each([
    ["unknown", never],
    ["refused", refused],
  ] as const)("a search that never can (%s) ends it: it is told, and not sent again", async (_name, fault) => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once({ lost: true }, fault);
    const id = await say("One");
    await wait(5_000, 500);
    expect(row(id)).toMatchObject({ fate: "unknown" });
    await say("Two");
    expect(platform.texts("7")).toEqual(["One", "Two", expect.stringContaining("could not be delivered earlier")]);
  });

  test("searches come to an end, and then it is unknown", async () => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = ({ method }) => (method === "find" ? later() : method === "post" ? { lost: true } : undefined);
    const id = await say("One");
    await wait(limits.deliveryAttemptsMax * limits.deliveryRetryCapMs, 60_000);
    expect(row(id)).toMatchObject({ fate: "unknown", error: expect.stringContaining("Given up") as string });
    expect(platform.posts()).toBe(1);
  });

  test.each([{ lost: true } as const, vanished])("of a file: it is looked for, and nobody is asked", async (sent) => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once(sent);
    const id = await say("", { files: [pdf] });
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual(["a.pdf"]);
    expect(row(id).fate).toBe("sent");
  });

  test("of a file that cannot be looked for: the person is asked", async () => {
    const { say, wait, platform } = createWorld({ traits: find });
    platform.fault = once({ lost: true }, never);
    await say("", { files: [pdf] });
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual(["a.pdf", "The file `a.pdf` may not have arrived."]);
  });

  test("of a bell leads to nothing", async () => {
    const { say, wait, platform, row } = createWorld({ traits: find });
    platform.fault = once({ lost: true });
    const id = await say("Done.", { kind: "bell" });
    await wait(60_000);
    expect(row(id).fate).toBe("unknown");
    expect(methods(platform.calls)).toEqual(["post"]);
  });
});

describe("a kill", () => {
  test.each(["before", "after"] as const)("%s a text arrived: one text, after a search", async (hang) => {
    const { say, platform, restart, row } = createWorld({ traits: find });
    platform.fault = first({ hang });
    const id = await say("Hello");
    expect(row(id).fate).toBe("sending");
    await restart();
    expect(platform.texts("7")).toEqual(["Hello"]);
    expect(platform.calls[1]?.method).toBe("find");
  });

  test("what surely was not sent is not looked for", async () => {
    const { say, platform, restart } = createWorld({ traits: find, attached: false });
    await say("Hello");
    await restart();
    expect(methods(platform.calls)).toEqual(["post"]);
  });
});

describe("what changes while nobody knows", () => {
  test("is put into what is found", async () => {
    const { say, wait, outbox, platform, row } = createWorld({ traits: find });
    platform.fault = once({ lost: true });
    const id = await say("Before");
    outbox.revise(id, { markdown: "After" });
    expect(row(id).tried).toBe("other");
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual(["After"]);
    expect(platform.posts()).toBe(1);
  });

  test.each([
    [{ lost: true }, 1],
    [vanished, 0],
  ] as const)("is taken away where it is found, when nobody wants it any more", async (sent, changes) => {
    const { say, wait, outbox, platform, row } = createWorld({ traits: find });
    platform.fault = once(sent);
    const id = await say("Before");
    expect(outbox.drop(id)).toBe(true);
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual([]);
    expect(row(id).fate).toBe("dropped");
    expect(platform.edits()).toBe(changes);
  });
});

test("an answer that forms begins with a marker; of one that cannot be looked for another is sent", async () => {
  const { outbox, store, wait, platform, row } = createWorld({ traits: find });
  const session = store.sessions.create({ agent: "main", at: 1 }).id;
  const requester = { id: "7", name: "Ada" };
  const turn = store.turns.create({ session, agent: "main", requester, replyTo: place(), at: 1 }).id;
  const id = outbox.place(place(), { turn, choices: [] });
  platform.fault = once({ lost: true }, never);
  const forming = outbox.form(id, () => "Hel");
  await settled();
  expect(row(id)).toMatchObject({ fate: "sending", tried: "marker" });
  await wait(5_000, 500);
  expect(platform.texts("7")).toEqual(["…", "Hel"]);
  outbox.revise(id, { markdown: "Hello" });
  forming.end();
  await settled();
  expect(platform.texts("7")).toEqual(["…", "Hello"]);
});
