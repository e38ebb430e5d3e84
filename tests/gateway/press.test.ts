// What a pressed button leaves in the chat: nothing that the message above it, or the note of the press, says already.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createWorld, direct } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  const door = { local: false, directIsUser: true, admins: ["1"], unknownSender: "request_approval" as const };
  world = createWorld({ more: { door: () => door } });
});
afterEach(() => world.remove());

/** A stranger writes, and the admin is asked. @returns the card. */
async function asked(stranger: string) {
  await world.now.send(direct("hello", { sender: { id: stranger, name: "Eve" } }));
  const card = world.now.world.said.find(({ outgoing }) => outgoing.markdown.includes(`id ${stranger}`));
  if (card === undefined) throw new Error("Nobody was asked");
  return card;
}

const press = (delivery: number, value: string, note = true) => {
  const { text: _text, addressed: _addressed, ...base } = direct("");
  const answer = note ? { answer: { as: "note" as const, deadlineMs: 1_000 } } : {};
  return world.now.send({ ...base, kind: "action", delivery: String(delivery), value, ...answer });
};
const toAdmin = () =>
  world.now.world.said.filter(({ target }) => target.conversation.id === "1").map(({ outgoing }) => outgoing.markdown);

test("of an answered card, who pressed gets a note of it and no message besides", async () => {
  const card = await asked("66");
  const before = toAdmin();
  const receipt = await press(card.id, "0");
  expect(receipt).toMatchObject({ state: "done", answer: { markdown: "Allowed question 1." } });
  await world.now.quiet();
  expect(world.now.said()).toContain("You may write here now.");
  expect(toAdmin()).toEqual(before);
});

test("where no note can be shown, it is a message", async () => {
  const card = await asked("66");
  await press(card.id, "1", false);
  expect(toAdmin().at(-1)).toBe("Denied question 1.");
});

test("what could not be done is said as a message too: a note is easily missed", async () => {
  const card = await asked("66");
  await press(card.id, "0");
  await press(card.id, "1");
  expect(toAdmin().at(-1)).toContain("Question 1 was allowed by ann");
});

test("by text it is answered in words", async () => {
  await asked("66");
  await world.now.send(direct("/approve 1"));
  expect(toAdmin().at(-1)).toBe("Allowed question 1.");
});
