// A card whose question was answered offers nothing any more and says who decided.
import { describe, expect, test } from "bun:test";
import { createApprovals } from "../../src/access/approvals.ts";
import { noUsage } from "../../src/core/usage.ts";
import { createCards } from "../../src/gateway/questions/cards.ts";
import { createWorld, place, settled } from "./outbox.ts";

async function asked(text = "Bob wants to run `ls`") {
  const world = createWorld();
  const { store, clock, outbox, log } = world;
  const approvals = createApprovals({ store, clock, kinds: { tool: { answers: ["session"] } } });
  const question = approvals.ask({
    kind: "tool",
    arguments: { command: "ls" },
    text,
    requester: { id: "8", name: "Bob" },
    origin: place("8"),
    role: "admin",
    agent: "main",
    answers: [{ answer: "once", label: "Allow" }],
  });
  for (const id of ["1", "2"])
    outbox.deliver(
      place(id),
      { markdown: question.text, choices: [...question.choices] },
      { kind: "card", question: question.id },
    );
  await settled();
  const cards = createCards({ store, outbox, log });
  const answer = (choice: "once" | "session" | "deny") =>
    approvals.answer(question.id, {
      answer: choice,
      who: { by: { adapter: "tg", sender: { id: "1", name: "Ann" } }, roleFor: () => "owner" },
    });
  const shown = () => ["1", "2"].map((id) => world.platform.shown(id).at(-1));
  return { world, store, clock, cards, answer, approvals, question, shown };
}

describe("a card", () => {
  test("stays as it is while its question is open", async () => {
    const { cards, shown } = await asked();
    cards.close();
    await settled();
    expect(shown().map((card) => card?.buttons.map(({ label }) => label))).toEqual([
      ["Allow", "Deny"],
      ["Allow", "Deny"],
    ]);
  });
  test("loses its buttons everywhere once somebody answered, and says who", async () => {
    const { cards, answer, shown } = await asked();
    expect(answer("session").ok).toBe(true);
    cards.close();
    await settled();
    for (const card of shown()) {
      expect(card?.body).toContain("Bob wants to run");
      expect(card?.body).toContain("Allowed, for this session by Ann (id 1).");
      expect(card?.buttons).toEqual([]);
    }
  });
  test.each([
    ["its last part", `${"a".repeat(4_000)}${"b".repeat(500)}`, 2],
    ["a part of its own, where the last one is full", `${"a".repeat(4_000)}${"b".repeat(3_990)}`, 3],
  ])("of several parts loses its buttons as well, and the answer stands in %s", async (_name, text, parts) => {
    const { world, cards, answer, shown } = await asked(text);
    expect(shown().map((card) => card?.buttons.length)).toEqual([2, 2]);
    expect(answer("once").ok).toBe(true);
    for (let round = 0; round < 2; round += 1) {
      cards.close();
      await settled();
    }
    for (const id of ["1", "2"]) {
      expect(world.platform.texts(id).join("")).toBe(`${text}\n\nAllowed by Ann (id 1).`);
      expect(world.platform.shown(id).map(({ buttons }) => buttons.length)).toEqual(
        Array.from({ length: parts }, () => 0),
      );
    }
  });
  test("says that it was denied, that nobody answered, or that nobody needs it", async () => {
    const denied = await asked();
    denied.answer("deny");
    denied.cards.close();
    await settled();
    expect(denied.shown()[0]?.body).toContain("Denied by Ann (id 1).");

    const late = await asked();
    late.clock.advance(25 * 3_600_000);
    late.approvals.expire();
    late.cards.close();
    await settled();
    expect(late.shown()[0]?.body).toContain("Nobody answered in time.");

    const ended = await asked();
    ended.store.approvals.close(ended.question.id, { state: "void", at: ended.clock.now() });
    ended.cards.follow({ n: 1, turn: 1, session: 1, event: { type: "ended", outcome: "stopped", usage: noUsage } });
    await settled();
    expect(ended.shown()[0]?.body).toContain("Nobody needs an answer any more.");
  });
});
