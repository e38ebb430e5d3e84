// Which session a message of a platform belongs to, on what it is triggered, and what else a turn is told.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import type { Inbound } from "../../src/core/message.ts";
import { answer, createWorld, direct, gate, posted, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

/** What the harness is handed, as `note | text`. */
function listen() {
  const taken: { session: number; text: string; note: string | undefined }[] = [];
  world.now.world.script = async function* (turn) {
    yield { type: "started", resumed: false };
    for (let input = turn.next(); input !== undefined; input = turn.next()) {
      taken.push({ session: turn.session.id, text: input.text, note: input.note });
      yield { type: "taken", inputs: [input.id], text: input.text };
    }
    yield* answer(turn, "ok");
  };
  return taken;
}

describe("roots", () => {
  test("a top-level message of a group begins a session, replies go on in it", async () => {
    const { send, quiet, store } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    await send(posted("two"));
    await quiet();
    const reply = posted("more of one", { replyTo: first.id });
    await send(reply);
    await quiet();
    // A reply to a reply is the same chain.
    await send(posted("still one", { replyTo: reply.id }));
    await quiet();
    expect(store.turns.list().map(({ session }) => session)).toEqual([1, 1, 2, 1]);
    expect(store.turns.list()[0]?.replyTo).toMatchObject({ root: first.id, conversation: { id: "-100" } });
  });
  test("a reply to our own message belongs to that message's root", async () => {
    const { send, quiet, store } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    const target = store.turns.list()[0]?.replyTo;
    if (target === undefined) throw new Error("There is no turn");
    const sent = store.deliveries.add({
      target,
      root: first.id,
      kind: "answer",
      form: "final",
      nonce: "x",
      at: 1,
      turn: 1,
    });
    store.deliveries.placed(sent, "900");
    const receipt = await send(posted("and then?", { replyTo: "900" }));
    expect(receipt).toMatchObject({ state: "waiting", session: 1 });
    await quiet();
  });
  test("a reply to a message that nobody knows has that as its root", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("what does this mean?", { replyTo: "55" }));
    await send(posted("and this?", { replyTo: "55" }));
    await quiet();
    expect(store.sessions.list()).toHaveLength(1);
    expect(store.turns.list()[0]?.replyTo.root).toBe("55");
  });
  test("what a door says of the root counts for nothing", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("mine", { root: "someone-elses" }));
    await quiet();
    expect(store.turns.list()[0]?.replyTo.root).not.toBe("someone-elses");
    await send(direct("private", { root: "x" }));
    await quiet();
    expect(store.turns.list()[0]?.replyTo.root).toBeUndefined();
  });
  test("a topic is one session, and messages of different topics never share a turn", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("a", { thread: "7" }));
    await send(posted("b", { thread: "7" }));
    await send(posted("c", { thread: "8" }));
    await quiet();
    expect(store.sessions.list()).toHaveLength(2);
    for (const { replyTo } of store.turns.list()) expect(replyTo.root).toBeUndefined();
  });
  test("in a chain with a session a reply needs no mention; elsewhere it does", async () => {
    const { send, quiet } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    expect((await send(posted("go on", { replyTo: first.id, addressed: false }))).state).toBe("waiting");
    expect((await send(posted("hello people", { addressed: false }))).state).toBe("refused");
    expect((await send(posted("me too", { addressed: false, replyTo: "77" }))).state).toBe("refused");
    await quiet();
    expect(world.now.said()).toEqual([]);
  });
  test("what is chosen at the top of a group holds for sessions that begin there", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("/queue mode collect"));
    await send(posted("work"));
    await quiet();
    expect(store.sessions.get(store.turns.list()[0]?.session ?? 0)?.options.queue).toBe("collect");
  });
});

describe("forks", () => {
  test("a thread forks at its root message, not at what was said afterwards", async () => {
    const { send, quiet, store } = world.now;
    const slack = {
      adapter: "terminal",
      conversation: { id: "C1", kind: "shared" as const },
      sender: { id: "0", name: "ann" },
    };
    const root = posted("first question", slack);
    await send(root);
    await quiet();
    await send(posted("later question", slack));
    await quiet();
    await send(posted("in the thread", { ...slack, thread: root.id }));
    await quiet();
    const texts = JSON.stringify(store.entries.branch(store.sessions.get(2)?.head ?? null).map(({ body }) => body));
    expect(texts).toContain("first question");
    expect(texts).not.toContain("later question");
  });
});

describe("threads below messages, each going on with that message's session", () => {
  const discord = { adapter: "discord", conversation: { id: "D1", kind: "shared" as const } };
  const sessions = () => world.now.store.turns.list().map(({ session }) => session);
  const replyTos = () => world.now.store.turns.list().map(({ replyTo }) => replyTo);

  test("a thread below a question goes on in its session, and is answered there", async () => {
    const { send, quiet } = world.now;
    const first = posted("one", discord);
    await send(first);
    await quiet();
    const inside = posted("more", { ...discord, thread: first.id });
    await send(inside);
    await quiet();
    // An answer to somebody in the thread stays in it.
    await send(posted("still", { ...discord, thread: first.id, replyTo: inside.id }));
    await quiet();
    expect(sessions()).toEqual([1, 1, 1]);
    expect(replyTos().slice(0, 2)).toMatchObject([
      { thread: first.id, root: first.id },
      { thread: first.id, root: first.id },
    ]);
  });
  test("so does one below an answer, or below a reply far down the chain", async () => {
    const { send, quiet, store } = world.now;
    const first = posted("one", discord);
    await send(first);
    await quiet();
    const reply = posted("two", { ...discord, replyTo: first.id });
    await send(reply);
    await quiet();
    const target = { ...discord, root: first.id };
    const sent = store.deliveries.add({
      target,
      root: first.id,
      kind: "answer",
      form: "final",
      nonce: "x",
      at: 1,
      turn: 1,
    });
    store.deliveries.placed(sent, "900");
    await send(posted("a", { ...discord, thread: "900" }));
    await send(posted("b", { ...discord, thread: reply.id }));
    await quiet();
    expect(new Set(sessions())).toEqual(new Set([1]));
  });
  test("one below something that nobody knows is a session of its own", async () => {
    const { send, quiet } = world.now;
    await send(posted("a", { ...discord, thread: "55" }));
    await send(posted("b", { ...discord, thread: "55" }));
    await send(posted("c", { ...discord, replyTo: "55" }));
    await quiet();
    expect(new Set(sessions())).toEqual(new Set([1]));
    await send(posted("d", discord));
    await quiet();
    expect(sessions()[0]).toBe(2);
  });
  test("a command in it is about its session, also one of the platform's menu", async () => {
    const { send, quiet, store } = world.now;
    const first = posted("one", discord);
    await send(first);
    await quiet();
    const inside = { ...discord, thread: first.id };
    await send(posted("/queue mode collect", inside));
    expect(store.sessions.get(1)?.options.queue).toBe("collect");
    const { text: _text, addressed: _addressed, ...base } = posted("", inside);
    await send({ ...base, kind: "command", name: "new", args: "" });
    await send(posted("fresh", inside));
    await quiet();
    expect(sessions()[0]).toBe(2);
  });
  test("needs no mention once it has a session, from those who are let in", async () => {
    const { send, quiet } = world.now;
    const first = posted("one", discord);
    expect((await send(posted("hello", { ...discord, thread: "77", addressed: false }))).state).toBe("refused");
    await send(first);
    await quiet();
    const inside = { ...discord, thread: first.id, addressed: false };
    expect((await send(posted("go on", inside))).state).toBe("waiting");
    expect((await send(posted("me too", { ...inside, sender: { id: "99", name: "x" } }))).state).toBe("refused");
    await quiet();
    expect(world.now.said()).toEqual([]);
  });
});

describe("threads below messages, each forking the conversation", () => {
  const slack = { adapter: "slack", conversation: { id: "C1", kind: "shared" as const } };
  const branch = (session: number) => {
    const { store } = world.now;
    return JSON.stringify(store.entries.branch(store.sessions.get(session)?.head ?? null).map(({ body }) => body));
  };

  test.each(["shared", "direct"] as const)(
    "it forks at its root message (%s), and nothing comes back",
    async (kind) => {
      const { send, quiet } = world.now;
      const here = { ...slack, conversation: { id: "C1", kind } };
      const root = posted("first question", here);
      await send(root);
      await quiet();
      await send(posted("later question", here));
      await quiet();
      await send(posted("in the thread", { ...here, thread: root.id }));
      await quiet();
      expect([branch(2).includes("first question"), branch(2).includes("later question")]).toEqual([true, false]);
      expect(branch(1)).not.toContain("in the thread");
      expect(world.now.store.turns.list()[0]?.replyTo).toMatchObject({ thread: root.id });
      expect(world.now.store.turns.list()[0]?.replyTo.root).toBeUndefined();
    },
  );
  test("below an answer of ours it forks at the turn of that", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("first question", slack));
    await quiet();
    const sent = store.deliveries.add({ target: slack, kind: "answer", form: "final", nonce: "x", at: 1, turn: 1 });
    store.deliveries.placed(sent, "900");
    await send(posted("later question", slack));
    await quiet();
    await send(posted("about that", { ...slack, thread: "900" }));
    await quiet();
    expect([branch(2).includes("first question"), branch(2).includes("later question")]).toEqual([true, false]);
  });
  test("while the parent's turn runs it has the entries so far, without the open turn", async () => {
    const { send, quiet } = world.now;
    await send(posted("first question", slack));
    await quiet();
    const wait = gate();
    world.now.world.script = async function* (turn) {
      const kept = world.now.store.turns.list().length;
      if (kept === 2) await wait.opened;
      yield* answer(turn, `answer ${kept}`);
    };
    const open = posted("slow question", slack);
    await send(open);
    await until(() => world.now.gateway.running().length === 1);
    await send(posted("meanwhile", { ...slack, thread: open.id }));
    await until(() => world.now.store.turns.list()[0]?.state === "done");
    expect([branch(2).includes("first question"), branch(2).includes("slow question")]).toEqual([true, false]);
    wait.open();
    await quiet();
  });
  test("a command in it means the thread's session, which forks with it", async () => {
    const { send, quiet, store } = world.now;
    const root = posted("first question", slack);
    await send(root);
    await quiet();
    const inside = { ...slack, thread: root.id };
    await send(posted("/model demo/offline", inside));
    expect([store.sessions.get(1)?.model, store.sessions.get(2)?.model]).toEqual([null, "demo/offline"]);
    expect(store.sessions.get(2)?.parent).toBe(1);
    await send(posted("/new", inside));
    await send(posted("fresh", inside));
    await send(posted("the channel", slack));
    await quiet();
    expect(branch(3)).not.toContain("first question");
    expect(branch(1)).toContain("the channel");
  });
  test("needs no mention once it has a session, also where all in it answers its first message", async () => {
    const { send, quiet } = world.now;
    const root = posted("first question", slack);
    await send(root);
    await quiet();
    const inside = { ...slack, thread: root.id, replyTo: root.id };
    expect((await send(posted("chatter", { ...inside, addressed: false }))).state).toBe("refused");
    await send(posted("@agent", inside));
    await quiet();
    expect((await send(posted("go on", { ...inside, addressed: false }))).state).toBe("waiting");
    await quiet();
  });
  test("MA-051: a stop in it never stops the channel", async () => {
    const { send, quiet, gateway } = world.now;
    const wait = gate();
    world.now.world.script = async function* (turn) {
      await wait.opened;
      yield* answer(turn, "ok");
    };
    const root = posted("long work", slack);
    await send(root);
    await until(() => gateway.running().length === 1);
    const stop = await send(posted("/stop", { ...slack, thread: root.id }));
    expect(stop).toMatchObject({ state: "done", answer: { markdown: expect.stringMatching(/nothing/i) as string } });
    expect(gateway.running()).toHaveLength(1);
    wait.open();
    await quiet();
  });
});

describe("context", () => {
  const accumulate = () => {
    world.now.store.wirings.assign("main", { adapter: "tg", conversation: "-100", at: 1 });
    world.now.accumulate();
  };
  test("what was said beside the agent is told once, to the next turn, as somebody else's", async () => {
    const taken = listen();
    accumulate();
    const { send, quiet } = world.now;
    await send(posted("pizza or pasta?", { addressed: false, sender: { id: "1", name: "bo[b]" } }));
    await send(posted("pasta", { addressed: false }));
    await send(posted("in a topic", { addressed: false, thread: "9" }));
    await send(posted("what shall we eat?"));
    await quiet();
    await send(posted("and to drink?"));
    await quiet();
    expect(taken[0]?.note).toContain("not to you");
    expect(taken[0]?.note).toContain("> bo b: pizza or pasta?\n> ann: pasta");
    expect(taken[0]?.note).not.toContain("topic");
    expect(taken[1]?.note).toBeUndefined();
  });
  test("it is bounded, the newest first", async () => {
    const taken = listen();
    accumulate();
    const { send, quiet } = world.now;
    for (let n = 0; n < 40; n++) await send(posted(`line ${n} ${"x".repeat(600)}`, { addressed: false }));
    await send(posted("so?"));
    await quiet();
    const note = taken[0]?.note ?? "";
    expect(note.length).toBeLessThan(9_000);
    expect(note).toContain("line 39 ");
    expect(note).not.toContain("line 3 ");
    expect(note).toContain("the newest of it");
    await send(posted("again?"));
    await quiet();
    expect(taken[1]?.note).toBeUndefined();
  });
  test("what a turn was given and never told goes to the next one, when its end was lost", async () => {
    const taken = listen();
    accumulate();
    const { send, quiet, store } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    await send(posted("pasta", { addressed: false }));
    const { id } = store.turns.create({ session: 1, agent: "main", requester: first.sender, replyTo: first, at: 1 });
    store.inputs.give(id, { adapter: "tg", conversation: "-100", before: 1_000 });
    await send(posted("and now?", { replyTo: first.id }));
    await quiet();
    expect(taken[1]?.note).toContain("> ann: pasta");
  });
  test("and so it does when a crash loop gives that turn up", async () => {
    listen();
    accumulate();
    const { send, quiet, store } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    await send(posted("pasta", { addressed: false }));
    const { id } = store.turns.create({ session: 1, agent: "main", requester: first.sender, replyTo: first, at: 1 });
    store.inputs.give(id, { adapter: "tg", conversation: "-100", before: 1_000 });
    const next = world.crash((turn) => answer(turn, "not used"));
    next.gateway.resume(true);
    const taken = listen();
    await next.send(posted("and now?", { replyTo: first.id }));
    await next.quiet();
    expect(taken[0]?.note).toContain("> ann: pasta");
  });
  test("an edit changes it and a delete takes it back, until it was told", async () => {
    const taken = listen();
    accumulate();
    const { send, quiet, store } = world.now;
    const wrong = posted("the code is 12", { addressed: false });
    const gone = posted("never mind", { addressed: false });
    await send(wrong);
    await send(gone);
    await send({ ...posted(""), kind: "edit", target: wrong.id, text: "the code is 34" });
    await send({ ...posted(""), kind: "delete", target: gone.id });
    await send(posted("which code?"));
    await quiet();
    expect(taken[0]?.note).toContain("the code is 34");
    expect(taken[0]?.note).not.toContain("never mind");
    expect(store.messages.search("34")).toHaveLength(1);
  });
  test("an edit of what was never kept is not kept either, unless the wiring keeps what starts nothing", async () => {
    const edit = (id: string): Inbound => ({ ...posted(""), kind: "edit", id, target: "none", text: "the code is 56" });
    expect(await world.now.send(edit("e1"))).toMatchObject({ state: "refused", quiet: true });
    expect(world.now.store.inputs.get(1)).toBeUndefined();
    accumulate();
    expect(await world.now.send(edit("e2"))).toMatchObject({ state: "context" });
  });
  test("a quoted message of elsewhere is told in short, one of the session is not", async () => {
    const taken = listen();
    const { send, quiet } = world.now;
    const first = posted("one");
    await send(first);
    await quiet();
    await send(posted("explain", { replyTo: "33", quote: { sender: "Eve]", text: "y".repeat(2_000) } }));
    await quiet();
    await send(posted("more", { replyTo: first.id }));
    await quiet();
    await send(posted("and that?", { replyTo: "44" }));
    await quiet();
    expect(taken[1]?.note).toMatch(/^\[This answers a message of Eve ?: y{499}…\]$/);
    expect(taken[2]?.note).toBeUndefined();
    expect(taken[3]?.note).toBe("[This answers a message that is not here.]");
  });
});

describe("auto-reply", () => {
  test("what fits the rules of the place starts a turn, after it was acknowledged", async () => {
    const { send, quiet, store, world: fake } = world.now;
    const judged: string[] = [];
    const wait = gate();
    fake.judge = async (text, rules) => {
      judged.push(`${rules}: ${text}`);
      await wait.opened;
      return text.includes("soup");
    };
    await send(posted("/auto-reply on cooking"));
    expect((await send(posted("how long does soup take?", { addressed: false }))).state).toBe("context");
    const other = await send(posted("good night", { addressed: false }));
    wait.open();
    await until(() => store.turns.list().length === 1);
    await quiet();
    expect(judged).toEqual(["cooking: how long does soup take?", "cooking: good night"]);
    expect(store.inputs.get(other.state === "context" ? other.input : 0)?.state).toBe("removed");
    expect(store.messages.ofSession(store.turns.list()[0]?.session ?? 0).map(({ text }) => text)).toContain(
      "how long does soup take?",
    );
    await send(posted("/auto-reply on"));
    expect((await send(posted("good morning", { addressed: false }))).state).toBe("waiting");
    await send(posted("/auto-reply off"));
    expect((await send(posted("good evening", { addressed: false }))).state).toBe("refused");
    await quiet();
  });
  test("what comes while too many are judged is not answered, and kept only where the wiring keeps it", async () => {
    const { send, quiet, store, world: fake, accumulate } = world.now;
    const wait = gate();
    fake.judge = async () => {
      await wait.opened;
      return false;
    };
    await send(posted("/auto-reply on cooking"));
    const state = async (text: string) => {
      const receipt = await send(posted(text, { addressed: false }));
      return store.inputs.get(receipt.state === "context" ? receipt.input : 0)?.state;
    };
    for (let n = 0; n < limits.judgesMax; n += 1) await send(posted(`${n}`, { addressed: false }));
    expect(await state("one too many")).toBe("removed");
    accumulate();
    expect(await state("and another")).toBe("context");
    wait.open();
    await quiet();
  });
});
