// What goes out although the program is killed, the disk is full, the network is away, or everybody writes at once.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { closeLost } from "../../src/gateway/queue/create.ts";
import type { Queue } from "../../src/gateway/queue/queue.ts";
import { resumeTurns } from "../../src/gateway/turns/resume.ts";
import { createChat } from "./chat.ts";
import { createWorld, first, later, pdf, place, refused, settled } from "./outbox.ts";

describe("a crash", () => {
  test.each([
    ["before the marker arrives", "before", 1, ["Hello"]],
    ["after the marker arrived", "after", 1, ["…", "Hello"]],
    ["before the text arrives", "before", 2, ["Hello"]],
    ["after the text arrived", "after", 2, ["Hello"]],
  ] as const)("%s: one text", async (_name, hang, call, texts) => {
    const { say, platform, restart, row } = createWorld();
    platform.fault = () => (platform.calls.length === call ? { hang } : undefined);
    const id = await say("Hello");
    await restart();
    expect(platform.texts("7")).toEqual([...texts]);
    expect(row(id).fate).toBe("sent");
  });

  test.each(["before", "after"] as const)("%s a file arrived: it is asked, not repeated", async (hang) => {
    const { say, platform, restart, row } = createWorld();
    platform.fault = first({ hang });
    const id = await say("", { files: [pdf] });
    expect(row(id).fate).toBe("sending");
    await restart();
    expect(row(id).fate).toBe("unknown");
    expect(platform.texts("7").filter((text) => text !== "a.pdf")).toEqual(["The file `a.pdf` may not have arrived."]);
    expect(platform.calls.filter(({ method }) => method === "file")).toHaveLength(1);
  });

  test.each(["before", "after"] as const)("%s a text arrived that can be looked for: one text", async (hang) => {
    const { say, platform, restart } = createWorld({ traits: { repeat: "find" } });
    platform.fault = first({ hang });
    await say("Hello");
    await restart();
    expect(platform.texts("7")).toEqual(["Hello"]);
  });

  test("before anything was sent: all of it goes out, in order", async () => {
    const { say, platform, restart } = createWorld({ attached: false });
    for (const text of ["One", "Two"]) await say(text);
    await say("Other", { to: place("8") });
    expect(platform.calls).toEqual([]);
    await restart();
    expect([platform.texts("7"), platform.texts("8")]).toEqual([["One", "Two"], ["Other"]]);
  });

  test("between two parts: the rest follows, split as it was", async () => {
    const { say, platform, restart, all } = createWorld();
    platform.fault = () => (platform.calls.length === 3 ? { hang: "after" } : undefined);
    await say(`${"a".repeat(4000)}b`);
    const before = all().map(({ id }) => id);
    await restart();
    expect(platform.texts("7").map((text) => text[0])).toEqual(["a", "…", "b"]);
    expect(all().map(({ id }) => id)).toEqual(before);
  });
});

describe("a full disk", () => {
  test("after the marker arrived: its place is remembered until it can be stored", async () => {
    const { say, wait, platform, breakStore, row } = createWorld();
    const mend = breakStore();
    const id = await say("Hello");
    await wait(5 * 60_000, 10_000);
    expect(platform.texts("7")).toEqual(["…"]);
    mend();
    await wait(2 * 60_000, 10_000);
    expect(platform.texts("7")).toEqual(["Hello"]);
    expect(platform.posts()).toBe(1);
    expect(row(id).fate).toBe("sent");
  });

  test("before a file: it is not sent, since nobody would know", async () => {
    const { say, wait, platform, breakStore } = createWorld();
    const mend = breakStore();
    await say("", { files: [pdf] });
    await wait(60_000);
    expect(platform.calls).toEqual([]);
    mend();
    await wait(2 * 60_000);
    expect(platform.texts("7")).toEqual(["a.pdf"]);
  });
});

test("an hour without network: nothing is lost, and nobody is flooded afterwards", async () => {
  const { say, wait, platform, outbox } = createWorld();
  platform.fault = () => later({ everywhere: true });
  const texts = Array.from({ length: 20 }, (_, index) => `Message ${index}`);
  for (const text of texts) {
    await say(text);
    await wait(3 * 60_000, 60_000);
  }
  expect(platform.calls.length).toBeLessThan(200);
  const before = platform.calls.length;
  platform.fault = () => undefined;
  await wait(2 * limits.deliveryRetryCapMs, 10_000);
  expect(platform.texts("7")).toEqual(texts);
  expect(platform.calls.length - before).toBe(2 * texts.length);
  expect(outbox.lanes()).toBe(0);
});

test("one message at which the platform fails each time holds nobody up, and is given up in the end", async () => {
  const { say, wait, platform, row } = createWorld();
  platform.fault = ({ method, body }) =>
    method === "change" && body?.includes("poison") === true ? later({ everywhere: true }) : undefined;
  const bad = await say("poison");
  const here = await say("after it");
  await wait(5 * 60_000, 10_000);
  expect([row(here).fate, row(bad).fate]).toEqual(["sent", "placed"]);
  expect(row(bad).attempts).toBeGreaterThan(0);
  for (let n = 0; n < limits.deliveryAttemptsMax && row(bad).fate === "placed"; n += 1) {
    expect(row(await say(`${n}`, { to: place("8") })).fate).toBeOneOf(["pending", "placed", "sent"]);
    await wait(3 * limits.deliveryRetryCapMs, limits.deliveryRetryCapMs);
  }
  expect([row(bad).fate, row(bad).attempts]).toEqual(["failed", limits.deliveryAttemptsMax - 1]);
  expect(platform.texts("8").length).toBeGreaterThan(100);
});

test("a thousand conversations go out side by side, within the bound, and leave nothing behind", async () => {
  const { outbox, platform, store, all, adapter } = createWorld();
  let index = 0;
  platform.fault = () => {
    index += 1;
    return index % 97 === 0 ? later() : undefined;
  };
  const world = Array.from({ length: 1_000 }, (_, at) => `c${at}`);
  store.transaction(() => {
    for (const id of world) outbox.deliver(place(id), { markdown: `Hello ${id}` }, { kind: "reply" });
  });
  await settled();
  expect(platform.most).toBeGreaterThan(1);
  expect(platform.most).toBeLessThanOrEqual(limits.deliveriesParallelMax);
  platform.fault = () => undefined;
  outbox.detach("tg");
  for (const row of all()) if (row.fate !== "sent") store.deliveries.again(row.id, { nonce: `x${row.id}`, at: 0 });
  outbox.attach(adapter);
  await settled();
  expect(world.filter((id) => platform.texts(id).join() !== `Hello ${id}`)).toEqual([]);
  expect(platform.violations).toEqual([]);
});

describe("after a restart", () => {
  /** What a start does with what the last one left; the queue only notes what it would run. */
  const resume = (chat: ReturnType<typeof createChat>, crashLoop = false) => {
    const resumed: number[] = [];
    const queue = { resume: (row: { id: number }) => resumed.push(row.id), open() {}, wake() {}, goOn() {} };
    const { hub, replies } = chat.life();
    const { store, clock } = chat;
    resumeTurns({ store, hub, clock, onStored: replies.stored, queue: queue as unknown as Queue }, crashLoop);
    return resumed;
  };

  test("an interrupted turn is told as a message of its own, and goes on in its place", async () => {
    const chat = createChat();
    await chat.start();
    await chat.text("He");
    await chat.crash();
    expect(resume(chat)).toEqual([chat.turn().id]);
    await chat.start(true);
    await chat.message("Hello");
    await chat.end();
    expect(chat.texts()).toEqual(["Hello", "I was interrupted by a restart and go on from there."]);
  });

  test("a turn that does not go on says so in its place, with what it had said", async () => {
    const chat = createChat();
    await chat.start();
    await chat.message("One");
    await chat.text("Tw");
    chat.store.turns.setPartial(chat.turn().id, "Tw");
    await chat.crash();
    chat.store.turns.setPartial(chat.turn().id, "Tw");
    expect(resume(chat, true)).toEqual([]);
    await settled();
    expect(chat.texts()).toEqual([
      expect.stringMatching(/^One\n\nTw\n\nThe program ended 5 times[\s\S]*Write "go on" in S001/),
    ]);
    expect(chat.shown()[0]?.buttons).toEqual([]);
  });

  test("what was stored while it formed is not said a second time beside its message", async () => {
    const chat = createChat();
    await chat.start();
    await chat.text("One and");
    await chat.message("One and all");
    await chat.crash();
    chat.store.turns.setPartial(chat.turn().id, "One and");
    resume(chat, true);
    await settled();
    expect(chat.texts()).toEqual([expect.stringMatching(/^One and all\n\nThe program ended/)]);
  });

  test("an end that was lost to a full disk is told when it is found", async () => {
    const chat = createChat();
    await chat.start();
    await chat.message("One");
    const { store, clock } = chat;
    store.transaction(() => closeLost({ store, clock, onStored: chat.life().replies.stored }, chat.turn().id));
    await settled();
    expect(chat.texts()).toEqual(["One\n\nThe end of this turn could not be stored."]);
  });
});

test("what nobody wants any more is not sent, and what stands there already is taken away", async () => {
  const { say, platform, outbox, row, wait } = createWorld();
  platform.fault = first(undefined, later(), later());
  const placed = await say("One");
  const pending = await say("Two");
  expect(platform.texts("7")).toEqual(["…"]);
  expect([outbox.drop(placed), outbox.drop(pending), outbox.drop(99)]).toEqual([true, true, false]);
  await wait(10_000, 500);
  expect(platform.texts("7")).toEqual([]);
  expect([row(placed).fate, row(pending).fate, outbox.lanes()]).toEqual(["dropped", "dropped", 0]);
});

test.each([
  ["the marker", "marker", 1],
  ["the text", "marker", 2],
  ["the send", "find", 1],
] as const)("what nobody wants any more while %s is under way is taken away", async (_name, repeat, call) => {
  const { say, platform, outbox, row } = createWorld({ traits: { repeat } });
  const { promise, resolve } = Promise.withResolvers<void>();
  platform.fault = () => (platform.calls.length === call ? { slow: promise } : undefined);
  const id = await say("One");
  expect(outbox.drop(id)).toBe(true);
  resolve();
  await settled();
  expect(platform.texts("7")).toEqual([]);
  expect(row(id).fate).toBe("dropped");
});

test("what is refused after nobody wanted it is nobody's failure, and a failed message's place is taken away", async () => {
  const { say, platform, outbox, row } = createWorld();
  const { promise, reject } = Promise.withResolvers<void>();
  platform.fault = () => (platform.calls.length === 1 ? { slow: promise } : undefined);
  const dropped = await say("One");
  outbox.drop(dropped);
  reject(refused.before);
  await settled();
  expect(row(dropped).fate).toBe("dropped");

  platform.fault = ({ method, body }) => (method === "change" && body !== undefined ? refused : undefined);
  const failed = await say("Two");
  expect([row(failed).fate, platform.texts("7")]).toEqual(["failed", ["…"]]);
  expect(outbox.drop(failed)).toBe(true);
  await settled();
  expect([row(failed).fate, platform.texts("7")]).toEqual(["dropped", []]);
});
