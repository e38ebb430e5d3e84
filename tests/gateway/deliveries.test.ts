// What goes out: once, in order, whatever the platform, the network, the disk and the machine do.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { PlatformError } from "../../src/gateway/handle.ts";
import { createWorld, first, later, pdf, place, refused, settled } from "./outbox.ts";

describe("a text", () => {
  test("has its place first, silently, and is put there", async () => {
    const { say, platform, row, outbox } = createWorld();
    const id = await say("Hello");
    expect(platform.calls).toMatchObject([
      { method: "post", body: "…" },
      { method: "change", body: "Hello" },
    ]);
    expect(platform.shown("7")).toMatchObject([{ body: "Hello", audible: false }]);
    expect(row(id)).toMatchObject({ fate: "sent", ref: "r1", parts: 1 });
    expect(outbox.lanes()).toBe(0);
  });

  test("goes out when its transaction is over, without anybody's help", async () => {
    const { outbox, store, platform } = createWorld();
    store.transaction(() => {
      outbox.deliver(place(), { markdown: "Hello" }, { kind: "reply" });
      expect(platform.calls).toEqual([]);
    });
    await settled();
    expect(platform.texts("7")).toEqual(["Hello"]);
  });

  test("of a transaction that failed never goes out", async () => {
    const { outbox, store, platform, all } = createWorld();
    expect(() =>
      store.transaction(() => {
        outbox.deliver(place(), { markdown: "Hello" }, { kind: "reply" });
        throw new Error("no");
      }),
    ).toThrow("no");
    await settled();
    expect([platform.calls, all(), outbox.lanes()]).toEqual([[], [], 0]);
  });

  test("that is long becomes parts in order, with the buttons under the last", async () => {
    const { say, platform, all } = createWorld();
    await say(`${"a".repeat(4000)}${"b".repeat(4000)}c`, { choices: [{ value: "/x", label: "X" }] });
    expect(platform.texts("7").map((text) => text[0])).toEqual(["a", "b", "c"]);
    expect(platform.shown("7").map(({ buttons }) => buttons.length)).toEqual([0, 0, 1]);
    expect(all().map(({ part, parts, head }) => [part, parts, head])).toEqual([
      [1, 3, null],
      [2, 3, 1],
      [3, 3, 1],
    ]);
    expect(platform.shown("7")[2]?.buttons).toEqual([{ label: "X", data: "3:0" }]);
  });

  test("that is longer than all parts comes as a file as well", async () => {
    const { say, platform } = createWorld();
    const text = "word ".repeat(10_000);
    await say(text);
    const shown = platform.shown("7");
    expect(shown).toHaveLength(limits.answerPartsMax + 1);
    expect(shown.at(-1)?.file?.name).toBe("answer.md");
    expect(new TextDecoder().decode(shown.at(-1)?.file?.bytes)).toBe(text);
  });

  test("that cannot be rendered is told, and holds nobody up", async () => {
    const { say, platform, row } = createWorld();
    const id = await say("UNRENDERABLE");
    await say("Next");
    expect(row(id)).toMatchObject({ fate: "failed" });
    expect(platform.texts("7")).toEqual(["Next", expect.stringContaining("could not be delivered")]);
  });

  test("a card and a bell ring, and a bell is sent straight away", async () => {
    const { say, platform } = createWorld();
    await say("May I?", { kind: "card" });
    await say("Done.", { kind: "bell" });
    expect(platform.shown("7").map(({ audible }) => audible)).toEqual([true, true]);
    expect(platform.calls.map(({ method, body }) => [method, body])).toEqual([
      ["post", "A question …"],
      ["change", "May I?"],
      ["post", "Done."],
    ]);
  });

  test("SECURITY 25: of a text that was brought into its form before a secret was known, the secret is not sent", async () => {
    const { say, wait, platform, secrets, row } = createWorld();
    platform.fault = first(undefined, later());
    const id = await say("the key is open-sesame-1234");
    expect(row(id)).toMatchObject({ form: "final", body: "the key is open-sesame-1234" });
    secrets.push("open-sesame-1234");
    await wait(20_000, 500);
    expect(platform.texts("7")).toEqual(["the key is [redacted]"]);
  });

  test("secrets that became known since are taken out at the exit, in names and captions too", async () => {
    const { say, platform, secrets, outbox, adapter } = createWorld({ attached: false });
    await say("the key is open-sesame-1234", {
      choices: [{ value: "/x", label: "open-sesame-1234" }],
      files: [{ ...pdf, name: "open-sesame-1234.pdf", caption: "open-sesame-1234" }],
    });
    secrets.push("open-sesame-1234");
    outbox.attach(adapter);
    await settled();
    expect(JSON.stringify(platform.shown("7"))).not.toContain("sesame");
    expect(platform.shown("7")[1]?.file).toMatchObject({ name: "[redacted].pdf", caption: "[redacted]" });
  });
});

describe("a lost answer", () => {
  test("of a marker leads to another marker, and to one text", async () => {
    const { say, wait, platform, row } = createWorld();
    platform.fault = first({ lost: true });
    const id = await say("Hello");
    expect(row(id)).toMatchObject({ fate: "pending", attempts: 1 });
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual(["…", "Hello"]);
  });

  test("of an edit leads to the same edit", async () => {
    const { say, wait, platform, row } = createWorld();
    platform.fault = first(undefined, { lost: true }, later(), { lost: true });
    const id = await say("Hello");
    await wait(20_000, 500);
    expect(platform.texts("7")).toEqual(["Hello"]);
    expect(platform.posts()).toBe(1);
    expect(row(id).fate).toBe("sent");
  });

  test("of a file is told with a button, and the file is not sent again by itself", async () => {
    const { say, wait, platform, row, store, outbox } = createWorld();
    platform.fault = first({ lost: true });
    const id = await say("", { files: [pdf] });
    await wait(10 * 60_000, 60_000);
    expect(row(id)).toMatchObject({ fate: "unknown", toldAt: expect.any(Number) });
    expect(platform.texts("7")).toEqual(["a.pdf", "The file `a.pdf` may not have arrived."]);
    const data = platform.shown("7")[1]?.buttons[0]?.data ?? "";
    const [delivery, index] = data.split(":").map(Number);
    expect(store.deliveries.choice("tg", "7", delivery ?? 0, index ?? 0)?.value).toBe(`/resend ${id}`);
    expect(outbox.again(id, place("8"))).toBe(false);
    expect(outbox.again(id, place("7"))).toBe(true);
    await settled();
    expect(platform.texts("7").filter((text) => text === "a.pdf")).toHaveLength(2);
    expect(outbox.again(id, place("7"))).toBe(false);
  });

  test("of a bell leads to nothing", async () => {
    const { say, wait, platform, row } = createWorld();
    platform.fault = first({ lost: true });
    const id = await say("Done.", { kind: "bell" });
    await wait(60_000);
    expect(row(id).fate).toBe("unknown");
    expect(platform.posts()).toBe(1);
  });

  test("that never comes at all does not hold the conversation up for ever", async () => {
    const { say, wait, platform } = createWorld();
    platform.fault = first({ hang: "before" });
    await say("Hello");
    await wait(limits.deliveryCallMs + 10_000, 60_000);
    expect(platform.texts("7")).toEqual(["Hello"]);
  });
});

describe("what the platform says", () => {
  test("no: the message failed, the next goes out, and it is told then", async () => {
    const { say, platform, row } = createWorld();
    platform.fault = first(refused);
    const id = await say("One");
    expect(row(id)).toMatchObject({ fate: "failed", error: expect.stringContaining("blocked"), toldAt: null });
    await say("Two");
    expect(platform.texts("7")).toEqual([
      "Two",
      "A message for this conversation could not be delivered earlier. `remoteagent deliveries list` shows what and why.",
    ]);
    expect(row(id).toldAt).not.toBeNull();
    await say("Three");
    expect(platform.texts("7")).toHaveLength(3);
  });

  test("no to the telling as well: it is told at the next chance", async () => {
    const { say, platform, outbox, all } = createWorld();
    platform.fault = () => refused;
    await say("One");
    await say("Two");
    outbox.heard(place());
    outbox.heard(place());
    await settled();
    expect(all().filter(({ kind }) => kind === "tell")).toMatchObject([{ fate: "failed" }]);
    platform.fault = () => undefined;
    outbox.heard(place());
    await settled();
    expect(platform.texts("7")).toEqual([expect.stringMatching(/^2 messages for this conversation/)]);
    outbox.heard(place());
    await settled();
    expect(platform.texts("7")).toHaveLength(1);
  });

  test("no to a file: a sentence says so", async () => {
    const { say, platform, row } = createWorld();
    platform.fault = first(refused);
    const id = await say("", { files: [pdf] });
    expect(row(id)).toMatchObject({ fate: "failed", toldAt: expect.any(Number) });
    expect(platform.texts("7")).toEqual(["The file `a.pdf` (3 B) was not accepted here and did not arrive."]);
  });

  test("a file that is gone from the workspace is told", async () => {
    const { say, platform, files } = createWorld();
    files.clear();
    await say("", { files: [pdf] });
    expect(platform.texts("7")).toEqual(["The file `a.pdf` could not be sent: it is gone from the workspace."]);
  });

  test("wait: it is obeyed to the second, by everything in that conversation and by nothing else", async () => {
    const { say, pass, platform } = createWorld();
    platform.fault = first(later({ retryAfterMs: 30_000 }));
    await say("One");
    await say("Two");
    await say("Other", { to: place("8") });
    expect(platform.texts("8")).toEqual(["Other"]);
    await pass(29_999);
    expect(platform.calls.filter(({ conversation }) => conversation === "7")).toHaveLength(1);
    await pass(1);
    expect(platform.texts("7")).toEqual(["One", "Two"]);
  });

  test("wait, everywhere: nothing goes out on that adapter until then", async () => {
    const { say, pass, platform } = createWorld();
    platform.fault = first(later({ retryAfterMs: 30_000, everywhere: true }));
    await say("One");
    await say("Other", { to: place("8") });
    expect(platform.calls).toHaveLength(1);
    await pass(29_999);
    expect(platform.calls).toHaveLength(1);
    await pass(1);
    expect([...platform.texts("7"), ...platform.texts("8")]).toEqual(["One", "Other"]);
  });

  test("the wait survives a restart", async () => {
    const { say, pass, platform, restart } = createWorld();
    platform.fault = first(later({ retryAfterMs: 30_000 }));
    await say("One");
    await restart();
    await pass(29_000);
    expect(platform.calls).toHaveLength(1);
    await pass(1_000);
    expect(platform.texts("7")).toEqual(["One"]);
  });

  test("the wait is no longer than that, also when the clock is set back meanwhile", async () => {
    const { say, pass, clock, platform } = createWorld();
    platform.fault = first(later({ retryAfterMs: 30_000 }));
    await say("One");
    await pass(10_000);
    clock.jump(clock.now() - 60 * 60_000);
    await say("Two");
    await pass(20_000);
    expect(platform.texts("7")).toEqual(["One", "Two"]);
  });

  test("what was stored before the clock was set back goes out", async () => {
    const { say, clock, platform, restart } = createWorld({ attached: false });
    await say("One");
    clock.jump(clock.now() - 60 * 60_000);
    await restart();
    expect(platform.texts("7")).toEqual(["One"]);
  });

  test("a token that is refused loses nothing", async () => {
    const { say, wait, platform } = createWorld();
    const gone = new PlatformError("Unauthorized", { fate: "refused", everywhere: true });
    platform.fault = () => ({ before: gone });
    await say("One");
    await wait(10 * 60_000, 30_000);
    expect(platform.texts("7")).toEqual([]);
    platform.fault = () => undefined;
    await wait(2 * 60_000, 30_000);
    expect(platform.texts("7")).toEqual(["One"]);
  });

  test("gone: the text is sent anew once, and then whoever deletes it has their way", async () => {
    const { say, platform, row } = createWorld();
    let deletions = 0;
    platform.fault = ({ method, ref }) => {
      if (method === "change" && ref !== undefined && deletions < 2) {
        deletions += 1;
        platform.delete(ref);
      }
      return undefined;
    };
    const id = await say("Hello");
    expect(row(id)).toMatchObject({ fate: "dropped", renewed: 1 });
    expect(platform.posts()).toBe(2);
    deletions = 1;
    const other = await say("Again");
    expect(row(other).fate).toBe("sent");
    expect(platform.texts("7")).toEqual(["Again"]);
  });

  test("never yes: the tries grow rarer and end", async () => {
    const { say, wait, platform, row } = createWorld();
    platform.fault = () => later();
    const id = await say("Hello");
    await wait(60_000, 500);
    expect(platform.calls.length).toBeLessThan(12);
    await wait(limits.deliveryAttemptsMax * limits.deliveryRetryCapMs, limits.deliveryRetryCapMs);
    expect(row(id)).toMatchObject({ fate: "failed", error: expect.stringContaining("500 tries") });
  }, 30_000);
});

describe("order", () => {
  test("is that of the rows, although the first has to be tried often", async () => {
    const { say, wait, platform } = createWorld();
    platform.fault = first(later(), { lost: true }, later(), undefined, later(), undefined);
    for (const text of ["One", "Two", "Three"]) await say(text);
    await wait(60_000, 500);
    expect(platform.texts("7").filter((text) => text !== "…")).toEqual(["One", "Two", "Three"]);
    expect(platform.violations).toEqual([]);
  });

  test("is kept with files between the texts", async () => {
    const { say, platform } = createWorld();
    await say("One", { files: [pdf, { ...pdf, name: "b.pdf" }] });
    await say("Two");
    expect(platform.texts("7")).toEqual(["One", "a.pdf", "b.pdf", "Two"]);
  });

  test("an edit that has to wait lets the next message pass", async () => {
    const { say, wait, platform } = createWorld();
    platform.fault = first(undefined, later());
    await say("One");
    await say("Two");
    expect(platform.texts("7")).toEqual(["…", "Two"]);
    await wait(5_000, 500);
    expect(platform.texts("7")).toEqual(["One", "Two"]);
  });

  test("a bell comes after its answer, and with its answer it goes", async () => {
    const { say, wait, platform, row } = createWorld();
    platform.fault = first(undefined, later(), undefined, undefined, refused);
    const answer = await say("One");
    const bell = await say("Done.", { kind: "bell", answers: answer });
    expect(row(bell).fate).toBe("pending");
    await wait(5_000, 500);
    expect(platform.shown("7")).toMatchObject([{ body: "One" }, { body: "Done.", replyTo: row(answer).ref ?? "" }]);
    const refusedAnswer = await say("Two");
    const silent = await say("Done.", { kind: "bell", answers: refusedAnswer });
    expect([row(refusedAnswer).fate, row(silent).fate]).toEqual(["failed", "dropped"]);
  });
});

describe("an absent adapter", () => {
  test("keeps what waits, and nothing in memory", async () => {
    const { say, platform, outbox, adapter, row } = createWorld({ attached: false });
    const id = await say(`${"a".repeat(4000)}b`);
    expect(row(id)).toMatchObject({ form: "markdown", fate: "pending" });
    expect(outbox.lanes()).toBe(0);
    outbox.attach(adapter);
    await settled();
    expect(platform.texts("7").map((text) => text[0])).toEqual(["a", "b"]);
    outbox.detach("tg");
    await say("Later");
    expect(platform.texts("7")).toHaveLength(2);
    expect(outbox.lanes()).toBe(0);
    outbox.attach(adapter);
    await settled();
    expect(platform.texts("7").at(-1)).toBe("Later");
  });
});

describe("what only one person may read", () => {
  test("goes to their direct conversation", async () => {
    const { say, platform } = createWorld();
    await say("Secret", { onlyFor: "42", to: { ...place("-100", "shared"), thread: "5", replyTo: "m1" } });
    expect(platform.texts("42")).toEqual(["Secret"]);
    expect(platform.texts("-100")).toEqual([]);
    expect(platform.shown("42")[0]?.replyTo).toBeUndefined();
    await say("Here", { onlyFor: "7", to: place("7") });
    expect(platform.texts("7")).toEqual(["Here"]);
  });

  test("goes to the direct conversation that is known of them", async () => {
    const { say, platform, store } = createWorld({ traits: { directIsUser: false } });
    store.users.seen({ adapter: "tg", id: "42", name: "Ann", direct: "D42", at: 1 });
    await say("Secret", { onlyFor: "42", to: place("-100", "shared") });
    expect([platform.texts("D42"), platform.texts("-100")]).toEqual([["Secret"], []]);
  });

  test("is asked for again where it was, when nobody may write to them", async () => {
    const { say, platform, row, store } = createWorld();
    platform.fault = ({ conversation }) => (conversation === "42" ? refused : undefined);
    const id = await say("Secret", { onlyFor: "42", to: place("-100", "shared") });
    expect(row(id)).toMatchObject({ fate: "failed", toldAt: expect.any(Number) });
    expect(platform.texts("-100")).toEqual([expect.stringContaining("I cannot write to you privately")]);
    expect(store.deliveries.untold("tg", "42")).toBe(0);
  });

  test("is not said at all where that is not known", async () => {
    const { say, platform } = createWorld({ traits: { directIsUser: false } });
    await say("Secret", { onlyFor: "42", to: place("-100", "shared"), files: [pdf] });
    expect(platform.texts("-100")).toEqual([expect.stringContaining("private")]);
    expect(platform.texts("42")).toEqual([]);
  });
});

test("what was said can be changed and taken away", async () => {
  const { say, platform, outbox, row } = createWorld();
  const id = await say("May I?", { kind: "card", choices: [{ value: "/approve 1", label: "Yes" }] });
  outbox.revise(id, { markdown: "Allowed." });
  await settled();
  expect(platform.shown("7")).toMatchObject([{ body: "Allowed.", buttons: [] }]);
  outbox.revise(id, { markdown: "" });
  await settled();
  expect(platform.shown("7")).toEqual([]);
  expect(row(id).fate).toBe("dropped");
});

test.each([
  ["the edit", "marker", 2],
  ["the send", "find", 1],
] as const)("what is changed while %s is under way is shown as it was changed", async (_name, repeat, call) => {
  const { say, platform, outbox, row } = createWorld({ traits: { repeat } });
  const { promise, resolve } = Promise.withResolvers<void>();
  platform.fault = () => (platform.calls.length === call ? { slow: promise } : undefined);
  const id = await say("Before", { choices: [{ value: "/x", label: "X" }] });
  outbox.revise(id, { markdown: "After" });
  resolve();
  await settled();
  expect(platform.shown("7")).toMatchObject([{ body: "After", buttons: [] }]);
  expect(row(id).fate).toBe("sent");
});

test("closing gives what is going out a moment, and then nothing more goes", async () => {
  const { outbox, platform, say } = createWorld();
  outbox.deliver(place(), { markdown: "Last words" }, { kind: "reply" });
  await outbox.close();
  expect(platform.texts("7")).toEqual(["Last words"]);
  await say("Too late");
  expect(platform.texts("7")).toEqual(["Last words"]);
});

describe("what only one person may read, where they asked", () => {
  const here = { ...place("-100", "shared"), onlyFor: { user: "42", happening: "h1" } };

  test("is shown to them there, all parts of it", async () => {
    const { say, platform, adapter } = createWorld({ traits: { repeat: "find" } });
    const targets: unknown[] = [];
    const { post } = adapter;
    adapter.post = (target, message) => {
      targets.push(target);
      return post(target, message);
    };
    await say("a".repeat(5_000), { to: here, onlyFor: "42" });
    expect(platform.texts("-100").map((text) => text.length)).toEqual([4_000, 1_000]);
    expect(targets).toEqual([here, here]);
  });

  test.each(["refused", "gone"] as const)(
    "goes to their direct conversation when the adapter says %s",
    async (fate) => {
      const { say, platform, row, all, store } = createWorld({ traits: { repeat: "find", directIsUser: false } });
      store.users.seen({ adapter: "tg", id: "42", name: "Ada", direct: "D42", at: 1 });
      platform.fault = ({ conversation }) =>
        conversation === "-100" ? { before: new PlatformError("too late", { fate }) } : undefined;
      const id = await say("a".repeat(5_000), { to: here, choices: [{ value: "/x", label: "X" }] });
      expect(platform.texts("-100")).toEqual([]);
      expect(platform.texts("D42").map((text) => text.length)).toEqual([4_000, 1_000]);
      expect(row(id)).toMatchObject({ fate: "sent", conversation: "D42" });
      expect(row(id).target).toEqual({ adapter: "tg", conversation: { id: "D42", kind: "direct" } });
      expect(all()).toHaveLength(2);
      // Its button counts where it stands now.
      expect(store.deliveries.choice("tg", "D42", all()[1]?.id ?? 0, 0)?.value).toBe("/x");
    },
  );

  test("failed and is listed when that is not known, and is told to nobody else", async () => {
    const { say, platform, row } = createWorld({ traits: { repeat: "find", directIsUser: false } });
    platform.fault = first(refused);
    const id = await say("secret", { to: here });
    expect(row(id)).toMatchObject({ fate: "failed" });
    expect(platform.texts("-100")).toEqual([]);
  });

  test("for another person it goes to theirs", async () => {
    const { say, platform } = createWorld({ traits: { repeat: "find" } });
    await say("secret", { to: here, onlyFor: "43" });
    expect([platform.texts("-100"), platform.texts("43")]).toEqual([[], ["secret"]]);
  });
});
