// Whose right counts: of whoever wrote, at that moment, in that place; and nothing borrowed from anybody else.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { type Inbound, isSamePerson } from "../../src/core/message.ts";
import { mayJoin, shareKey } from "../../src/gateway/target.ts";
import { createWorld, direct, posted, secret } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
/** Called in the middle of a command, and while a long text is kept. */
let between: () => void;
beforeEach(() => {
  between = () => undefined;
  world = createWorld({
    more: {
      memory: async () => {
        between();
        return { workspace: "likes tea", conversation: "" };
      },
      keepFile: async (_inbound, { name, bytes }) => {
        between();
        return { name, bytes: bytes.byteLength, ref: "kept", stored: `attachments/${name}` };
      },
    },
  });
});
afterEach(() => world.remove());

const member = (user: string, surface = "direct") =>
  world.now.store.roles.give({
    adapter: "tg",
    user,
    role: "member",
    agent: "",
    surface,
    givenBy: "test",
    givenAt: 1,
  });
const by = (id: string) => ({ sender: { id, name: `N${id}` } });
/** A role that is taken back while something of theirs is on its way in. */
const revokedMeanwhile = (id: string) => {
  const grant = member(id, "-100");
  between = () => void world.now.store.roles.revoke(grant.id);
};

describe("SECURITY 7: inputs share a turn", () => {
  const inbound = posted("a", { thread: "7" });
  const row = { requester: inbound.sender, replyTo: { ...inbound, replyTo: "1" } };
  const others: [string, Partial<Inbound & { kind: "message" }>][] = [
    ["person", by("2")],
    ["conversation", { conversation: { id: "-200", kind: "shared" } }],
    ["adapter", { adapter: "other" }],
    ["topic", { thread: "8" }],
    ["root", { root: "9" }],
  ];
  for (const [what, change] of others)
    test(`not with those of another ${what}`, () => {
      const other = { ...inbound, ...change };
      expect([mayJoin(inbound, row), mayJoin(other, row)]).toEqual([true, false]);
      expect(shareKey(other)).not.toBe(shareKey(inbound));
    });
});

describe("SECURITY 5: whose role ends while it comes in", () => {
  test("has no message stored", async () => {
    revokedMeanwhile("77");
    const long = "x".repeat(limits.inputCharsMax + 1);
    expect(await world.now.send(posted(long, by("77")))).toMatchObject({ state: "refused" });
    expect(world.now.store.inputs.waitingCount()).toBe(0);
  });
  test("gets no answer to a command", async () => {
    revokedMeanwhile("77");
    expect(await world.now.send(posted("/memory", by("77")))).toMatchObject({ state: "refused" });
    expect(world.now.said().join()).not.toContain("likes tea");
  });
});

describe("SECURITY 4: the machine's own user", () => {
  const event = { id: "event", name: "event" };
  const own = { ...event, own: true as const };

  test("is nobody who comes by a platform, whatever the platform says of them", async () => {
    const { send, store } = world.now;
    for (const sender of [event, own])
      for (const inbound of [
        posted("/model", { sender }),
        direct("hello", { sender }),
        direct("hello", { sender, event: "x.json", fresh: true }),
      ])
        expect(await send(inbound)).toMatchObject({ state: "refused" });
    expect(store.turns.list()).toEqual([]);
  });

  test("is whom the schedule says, in the turn as well", async () => {
    const { schedule, quiet, store } = world.now;
    expect(await schedule(direct("hello", { sender: event, event: "x.json" }))).toMatchObject({ state: "refused" });
    expect(await schedule(direct("hello", { sender: own, event: "x.json" }))).toMatchObject({ state: "waiting" });
    await quiet();
    expect(store.turns.list()[0]?.requester).toEqual(own);
  });

  test("shares neither a turn nor anything that waits with somebody who bears the same id", () => {
    const mine = direct("a", { sender: own });
    const theirs = { ...mine, sender: event };
    const row = { requester: own, replyTo: mine };
    expect([mayJoin(mine, row), mayJoin(theirs, row)]).toEqual([true, false]);
    expect(shareKey(theirs)).not.toBe(shareKey(mine));
    expect(isSamePerson(mine.sender, theirs.sender)).toBe(false);
  });

  test("alone has the owner's rights in the turn", async () => {
    const guests: boolean[] = [];
    const other = createWorld({
      more: {
        door: () => ({ local: false, directIsUser: true, unknownSender: "public" }),
        setting: (_row, _session, { guest }) => {
          guests.push(guest);
          return Promise.reject(new Error("Nothing runs here"));
        },
      },
    });
    const { send, schedule, quiet } = other.now;
    await send(direct("hello", { sender: event }));
    await quiet();
    await schedule(direct("hello", { sender: own, event: "x.json" }));
    await quiet();
    expect(guests).toEqual([true, false]);
    await other.remove();
  });
});

test("a macro is something said to the agent, never an order to the program", async () => {
  const { send, store, quiet } = world.now;
  await send(direct("/macro save out /switch S001"));
  expect(await send(direct("/macro out"))).toMatchObject({ state: "waiting" });
  await quiet();
  expect(store.turns.list()).toHaveLength(1);
});

test("missed messages of somebody else are not a member's to decide about", async () => {
  const { send, store, said } = world.now;
  member("8", "-100");
  await send(posted("old", { thread: "7", sentAt: Date.now() - 2 * limits.missedAskMs }));
  await send(posted("/queue missed drop", { thread: "7", ...by("8") }));
  expect(said().at(-1)).toContain("somebody else's");
  expect(store.inputs.held(1, 10)).toHaveLength(1);
  await send(posted("/queue missed drop", { thread: "7" }));
  expect(store.inputs.held(1, 10)).toHaveLength(0);
});

test("SECURITY 8: a press acts where its message stands, whatever the platform says of the press", async () => {
  const { send, world: fake } = world.now;
  await send(posted("/option", { thread: "7" }));
  const { text: _text, addressed: _addressed, ...base } = posted("", { thread: "8" });
  await send({ ...base, kind: "action", delivery: String(fake.said[0]?.id), value: "0" });
  expect(fake.said.at(-1)?.target).toMatchObject({ thread: "7" });
});

test("SECURITY 25: what a platform shows beside a button or a command carries no secret", async () => {
  const shown = JSON.stringify(await world.now.send(direct(`/agent ${secret}`)));
  expect(shown).toContain("There is no agent");
  expect(shown).not.toContain(secret);
});
