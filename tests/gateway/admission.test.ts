// The gate at work: strangers, floods, cards, held messages, pairing; over a real store.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createApprovals, storeKinds } from "../../src/access/approvals.ts";
import { createCode } from "../../src/access/pairing.ts";
import { limits } from "../../src/core/limits.ts";
import type { Inbound } from "../../src/core/message.ts";
import type { KnownDoor } from "../../src/gateway/questions/reach.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { answer, createWorld, direct, posted, remote, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
let door: KnownDoor;
let now: number;
let stale: number[];
const clock = { ...systemClock, now: () => now };
const card = (n: number) => world.now.world.said[n]?.outgoing;
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  now = Date.now();
  stale = [];
  door = { local: false, directIsUser: true, admins: ["1"], dm: "everyone", unknownSender: "strict" };
  world = createWorld({
    more: {
      clock,
      // Cards are closed with what is stored then.
      onAnswered() {
        const { approvals } = world.now.store;
        stale = approvals.list({ limit: 10 }).flatMap(({ id, state }) => (state === "open" ? [] : [id]));
      },
      door: (adapter) => (adapter === "terminal" ? { local: true, directIsUser: false } : door),
    },
  });
});
afterEach(async () => {
  await world.remove();
});

const stranger = (id: string, text = "hello", change: Partial<Extract<Inbound, { kind: "message" }>> = {}) =>
  direct(text, { sender: { id, name: `N${id}` }, sentAt: now, ...change });
const rows = (table: string): number => {
  const { store } = world.now;
  if (table === "strangers") return store.strangers.list({ limit: 100_000 }).length;
  return table === "held" ? store.held.all().length : store.approvals.list({ limit: 10_000 }).length;
};

describe("strict", () => {
  test("a stranger is counted and told their id privately, at most once an hour", async () => {
    const { send, store, said } = world.now;
    for (let n = 0; n < 5; n++) expect(await send(stranger("57"))).toMatchObject({ state: "refused", quiet: true });
    expect(said()).toHaveLength(1);
    expect(said()[0]).toContain("your id is 57");
    expect(world.now.world.said[0]?.target).toMatchObject({ conversation: { id: "57", kind: "direct" } });
    expect(store.strangers.list()).toMatchObject([{ user: "57", count: 5, reason: "strict" }]);
    expect(store.turns.list()).toEqual([]);
    now += limits.strangerTellMs;
    await send(stranger("57"));
    expect(said()).toHaveLength(2);
  });

  test("SECURITY 1: every kind passes the gate, and nothing of a stranger is stored", async () => {
    const { send, store } = world.now;
    await send(posted("hello"));
    await world.now.quiet();
    const base = { adapter: "tg", conversation: { id: "-100", kind: "shared" as const }, sentAt: now };
    const eve = { id: "66", name: "Eve" };
    const { id: target } = store.inputs.waiting(1)[0]?.inbound ?? { id: "m1" };
    const kinds: Inbound[] = [
      { ...base, kind: "message", id: "k1", sender: eve, text: "/status", addressed: true },
      { ...base, kind: "edit", id: "k2", sender: eve, target, text: "changed" },
      { ...base, kind: "delete", id: "k3", sender: eve, target },
      { ...base, kind: "reaction", id: "k4", sender: eve, target, emoji: "x", added: true },
      { ...base, kind: "action", id: "k5", sender: eve, delivery: "1", value: "0" },
      { ...base, kind: "command", id: "k6", sender: eve, name: "stop", args: "all" },
      { ...base, kind: "message", id: "k7", sender: eve, text: "do it", addressed: true, event: "x.json" },
    ];
    for (const inbound of kinds) {
      expect(await send(inbound)).toMatchObject({ state: "refused" });
      expect(store.inputs.has(inbound)).toBe(false);
    }
    expect(world.now.world.killed.filter((scope) => scope.startsWith("session"))).toEqual([]);
  });

  test("nothing is said into a group, and what strangers say to each other there costs nothing", async () => {
    const { send, said } = world.now;
    const sender = { id: "57", name: "Bob" };
    await send(posted("@agent hello", { sender }));
    for (let n = 0; n < 20; n++)
      await send(posted("chatter", { sender: { id: `c${n}`, name: "x" }, addressed: false }));
    expect(said()).toEqual([]);
    expect(world.now.store.strangers.list()).toMatchObject([{ user: "57", count: 1 }]);
    const answered = posted("@agent", { sender, answer: { as: "note", deadlineMs: 3_000 } });
    const receipt = await send(answered);
    expect(receipt).toMatchObject({ state: "refused", reason: expect.stringContaining("your id is 57") as string });
    expect(receipt).not.toHaveProperty("quiet", true);
  });

  test("a flood from hundreds of strangers has a bounded number of answers", async () => {
    const { send, said } = world.now;
    for (let n = 0; n < 200; n++) await send(stranger(`s${n}`));
    expect(said()).toHaveLength(limits.strangersToldMax);
    expect(rows("strangers")).toBe(200);
  });

  test("bots are never anybody, and never told anything", async () => {
    const { send, said } = world.now;
    door.unknownSender = "public";
    expect(await send(stranger("9", "hi", { sender: { id: "9", name: "b", isBot: true } }))).toMatchObject({
      state: "refused",
    });
    expect(said()).toEqual([]);
  });

  test("SECURITY 5: a revoked role is out with the next message", async () => {
    const { send, store, quiet } = world.now;
    const grant = { adapter: "tg", user: "7", agent: "", surface: "direct", givenBy: "test", givenAt: 1 };
    const { id } = store.roles.give({ ...grant, role: "member" });
    expect(await send(stranger("7"))).toMatchObject({ state: "waiting" });
    await quiet();
    expect(store.users.get("tg", "7")).toMatchObject({ name: "N7", direct: "7" });
    store.roles.revoke(id);
    expect(await send(stranger("7"))).toMatchObject({ state: "refused" });
  });

  test("dm none keeps members out of direct chats, and says so once an hour", async () => {
    const { send, store, said } = world.now;
    door.dm = "none";
    const grant = {
      adapter: "tg",
      user: "7",
      role: "member",
      agent: "",
      surface: "*",
      givenBy: "test",
      givenAt: 1,
    } as const;
    store.roles.give(grant);
    for (let n = 0; n < 3; n++) expect(await send(stranger("7"))).toMatchObject({ state: "refused" });
    expect(said()).toEqual(["Direct messages are off here: the settings name who may write directly."]);
    expect(await send(posted("hello", { sender: { id: "7", name: "N7" } }))).toMatchObject({ state: "waiting" });
    expect(await send(direct("hello"))).toMatchObject({ state: "waiting" });
  });
});

describe("request_approval", () => {
  beforeEach(() => {
    door.unknownSender = "request_approval";
  });
  const press = (n: number, by = "1") => {
    const { id, target } = world.now.world.said[0] ?? { id: 0, target: undefined };
    const sender = { id: by, name: `N${by}` };
    const conversation = target?.conversation ?? { id: by, kind: "direct" as const };
    const action: Inbound = {
      kind: "action",
      adapter: "tg",
      conversation,
      id: `p${n}-${by}-${Math.random()}`,
      sender,
      sentAt: now,
      delivery: String(id),
      value: String(n),
    };
    return world.now.send(action);
  };

  test("an admin gets a card, the message is held, and when they let in it runs", async () => {
    const { send, store, quiet, said } = world.now;
    await send(stranger("57", "first"));
    await send(stranger("57", "second"));
    expect(world.now.world.said[0]?.target.conversation).toEqual({ id: "1", kind: "direct" });
    expect(card(0)?.choices).toMatchObject([{ value: "/approve 1" }, { value: "/deny 1" }]);
    expect(said()[1]).toContain("kept until there is an answer");
    expect(said()).toHaveLength(2);
    expect([rows("held"), store.turns.list().length]).toEqual([2, 0]);
    await press(0);
    await until(() => store.turns.list().length === 1);
    await quiet();
    expect(store.turns.events(1).flatMap(({ event }) => (event.type === "taken" ? [event.text] : []))).toEqual([
      "first",
      "second",
    ]);
    expect(store.roles.of("tg", "57")).toMatchObject([{ role: "member", surface: "direct" }]);
    expect(rows("held")).toBe(0);
    expect(said()).toContain("You may write here now.");
    expect(await send(stranger("57", "third"))).toMatchObject({ state: "waiting" });
  });

  test("denied: what was held is gone, and for a while nobody is asked again", async () => {
    const { send, store } = world.now;
    await send(stranger("57"));
    await press(1);
    await settled();
    expect(rows("held")).toBe(0);
    await send(stranger("57"));
    expect([rows("approvals"), rows("held")]).toEqual([1, 0]);
    expect(store.strangers.list()).toMatchObject([{ user: "57", reason: "denied" }]);
    now += limits.deniedMs;
    await send(stranger("57"));
    expect(rows("approvals")).toBe(2);
  });

  test("a stranger cannot let themselves in, by button or by text", async () => {
    const { send, store } = world.now;
    await send(stranger("57"));
    expect(await press(0, "57")).toMatchObject({ state: "refused" });
    await send(stranger("57", "/approve 1"));
    expect(store.approvals.get(1)?.state).toBe("open");
    expect(store.roles.of("tg", "57")).toEqual([]);
  });

  test("two clicks: one counts, the other hears who was first", async () => {
    const { send, store, said } = world.now;
    await send(stranger("57"));
    await Promise.all([press(1), press(0)]);
    expect(store.approvals.get(1)?.state).toBe("denied");
    expect(said().filter((text) => text.includes("was denied by"))).toHaveLength(1);
    expect(store.roles.of("tg", "57")).toEqual([]);
  });

  test("floods: bounded held messages of one, bounded questions and cards of many", async () => {
    const { send, said } = world.now;
    for (let n = 0; n < 20; n++) await send(stranger("57"));
    expect(rows("held")).toBe(limits.heldMax);
    for (let n = 0; n < 150; n++) await send(stranger(`s${n}`));
    expect(rows("approvals")).toBe(limits.admitsOpenMax);
    const cards = world.now.world.said.filter(({ outgoing }) => outgoing.choices !== undefined);
    expect(cards).toHaveLength(limits.admitsOpenMax);
    expect(said().length).toBeLessThanOrEqual(2 * limits.admitsOpenMax + limits.strangersToldMax + 1);
    expect(rows("held")).toBe(limits.heldMax + limits.admitsOpenMax - 1);
  });

  test("one stranger with many groups of their own takes few places and sends few cards", async () => {
    for (let n = 0; n < 30; n++)
      await world.now.send(
        posted("hi", { sender: { id: "66", name: "Mal" }, conversation: { id: `-${n}`, kind: "shared" } }),
      );
    expect(world.now.store.approvals.list()).toHaveLength(limits.admitsOfOneMax);
    await world.now.send(direct("may I?", { sender: { id: "67", name: "Carl" } }));
    expect(world.now.store.approvals.list()[0]).toMatchObject({ requester: { id: "67" }, state: "open" });
  });

  test("a question that expires takes what was held along, and may be asked anew", async () => {
    const { send, store, gateway } = world.now;
    await send(stranger("57"));
    now += limits.approvalMs;
    gateway.expireQuestions();
    expect([store.approvals.get(1)?.state, rows("held")]).toEqual(["expired", 0]);
    await send(stranger("57", "again"));
    expect([store.approvals.get(2)?.state, rows("held")]).toEqual(["open", 1]);
  });

  test("what comes right after a question expired is kept for the new one", async () => {
    const { send, store } = world.now;
    await send(stranger("57", "old"));
    now += limits.approvalMs;
    await send(stranger("57", "new"));
    await settled();
    expect([store.approvals.get(1)?.state, store.approvals.get(2)?.state]).toEqual(["expired", "open"]);
    expect(stale).toEqual([1]);
    expect(store.held.all().map(({ inbound }) => inbound.kind === "message" && inbound.text)).toEqual(["new"]);
  });

  test("in a group only who speaks to us is asked about, and is let in there alone", async () => {
    const { send, store } = world.now;
    const sender = { id: "57", name: "Bob" };
    await send(posted("chatter", { sender, addressed: false }));
    expect(rows("approvals")).toBe(0);
    await send(posted("@agent hello", { sender }));
    await send(direct("/approve 1"));
    await until(() => store.turns.list().length === 1);
    expect(store.roles.of("tg", "57")).toMatchObject([{ surface: "-100" }]);
    expect(await send(stranger("57"))).not.toMatchObject({ state: "waiting" });
  });

  test("a held message may be changed and taken back by its sender alone", async () => {
    const { send, store } = world.now;
    const said = stranger("57", "frist");
    await send(said);
    const base = { adapter: "tg", conversation: said.conversation, sentAt: now, target: said.id };
    await send({ ...base, kind: "edit", id: "e1", sender: { id: "58", name: "x" }, text: "evil" });
    await send({ ...base, kind: "edit", id: "e2", sender: said.sender, text: "first" });
    expect(store.held.all()[0]?.inbound).toMatchObject({ text: "first" });
    await send({ ...base, kind: "delete", id: "d1", sender: said.sender });
    expect(rows("held")).toBe(0);
  });

  test("answered while nobody was here: the next start lets in what was held", async () => {
    const { send } = world.now;
    await send(stranger("57", "kept"));
    const { store } = world.now;
    store.approvals.answer(1, { choice: "once", by: { host: true }, at: now });
    const grant = {
      adapter: "tg",
      user: "57",
      role: "member",
      agent: "",
      surface: "direct",
      givenBy: "t",
      givenAt: 1,
    } as const;
    store.roles.give(grant);
    const next = world.crash((turn) => answer(turn, "hello"));
    next.gateway.resume(false);
    await next.quiet();
    expect(next.store.turns.events(1).some(({ event }) => event.type === "taken" && event.text === "kept")).toBe(true);
  });

  test("answered at the command line of a running instance: it happens now", async () => {
    const { send, store, gateway } = world.now;
    await send(stranger("57", "kept"));
    const desk = createApprovals({ store, clock, kinds: storeKinds(store, clock) });
    const host = { by: { host: true } as const, roleFor: () => "owner" as const };
    expect(desk.answer(1, { answer: "once", who: host }).ok).toBe(true);
    gateway.settleQuestion(1);
    gateway.settleQuestion(1);
    await world.now.quiet();
    expect(store.turns.list()).toHaveLength(1);
    expect(store.turns.events(1).some(({ event }) => event.type === "taken" && event.text === "kept")).toBe(true);
  });

  test("a name with markup stays one line of plain text on the card", async () => {
    const name = "Eve\n**[click](http://evil)** `x`";
    await world.now.send(stranger("57", "```\n/approve 1\n```", { sender: { id: "57", name } }));
    const text = card(0)?.markdown ?? "";
    expect(text.split("\n")[0]).toBe("Eve clickhttpevil x (id 57) is not known and wants to write to you directly:");
    expect(text).toContain("````\n```\n/approve 1\n```\n````");
  });
});

describe("a guest of a room", () => {
  test("asks the agent there, and does not decide what holds for the others", async () => {
    door.unknownSender = "public";
    const { send, store, quiet } = world.now;
    await send(posted("/plan on"));
    const guest = { sender: { id: "99", name: "Gus" } };
    for (const text of ["/plan off", "/option timeout 10", "/new", "/reset", "/switch S001"])
      expect(await send(posted(text, guest))).toMatchObject({
        state: "refused",
        reason: expect.stringContaining("is for members"),
      });
    await send(posted("/queue mode interrupt", guest));
    expect(store.sessions.get(1)?.options).toEqual({ plan: {} });
    expect(await send(posted("hello", guest))).toMatchObject({ state: "waiting" });
    await quiet();
    expect(await send(direct("/option timeout 10", guest))).toMatchObject({ state: "done" });
  });
});

describe("public", () => {
  test("a guest comes in with no rights: no owner commands, no others' sessions, no trace among users", async () => {
    const { send, store, quiet, said } = world.now;
    door.unknownSender = "public";
    await send(direct("mine"));
    await quiet();
    expect(await send(stranger("57"))).toMatchObject({ state: "waiting" });
    await quiet();
    await send(stranger("57", "/switch S001"));
    expect(said().at(-1)).toContain("there is none");
    await send(stranger("57", "/approve 1"));
    expect(said().at(-1)).toContain("There is no open question 1 for you");
    expect(store.users.get("tg", "57")).toBeUndefined();
  });
});

describe("pairing", () => {
  const code = () => createCode({ store: world.now.store, clock }, { role: "owner", adapter: null }).code;

  test("SECURITY 2: a code in a direct chat makes the owner, once, with one sentence and what to try", async () => {
    const { send, store, said } = world.now;
    const right = code();
    expect(await send(stranger("57", `/start ${right}`))).toMatchObject({ state: "done", ok: true });
    expect(said()).toEqual(["You are the owner now. Write what you need, or try: what can you do?"]);
    expect(store.roles.of("tg", "57")).toMatchObject([{ role: "owner" }]);
    expect(await send(stranger("58", right))).toMatchObject({ state: "refused" });
    expect(store.roles.of("tg", "58")).toEqual([]);
    expect(await send(stranger("57", "hello"))).toMatchObject({ state: "waiting" });
  });

  test("a code that was sent is kept nowhere, and a re-delivery changes nothing", async () => {
    const { send, store, said } = world.now;
    const right = code();
    const message = stranger("57", right);
    await send(message);
    await send(message);
    expect(said()).toHaveLength(1);
    expect(store.strangers.list()).toEqual([]);
    expect(store.pairings.guesses("tg", "57", 0)).toBe(0);
    expect(JSON.stringify(store.inputs.message("tg", { conversation: "57", id: message.id }))).not.toContain(right);
  });

  test("in a shared room it is refused, voided, and the reason is said", async () => {
    const { send, store, said } = world.now;
    const right = code();
    await send(posted(`here: ${right}`, { sender: { id: "57", name: "x" }, addressed: false }));
    expect(said()[0]).toContain("others have seen it");
    await send(stranger("57", right));
    expect(store.roles.list()).toEqual([]);
  });

  test("guessing: after a few codes nothing is looked at, and the answers stay few", async () => {
    const { send, store, said } = world.now;
    const right = code();
    for (let n = 0; n < 50; n++)
      await send(stranger("66", `22222-222${20 + n}`.slice(0, 11).replaceAll("0", "3").replaceAll("1", "4")));
    expect(await send(stranger("66", right))).toMatchObject({ state: "refused" });
    expect(store.roles.list()).toEqual([]);
    expect(said()).toHaveLength(1);
  });

  test("what somebody wrote before they paired comes in", async () => {
    const { send, store, quiet } = world.now;
    door.unknownSender = "request_approval";
    await send(stranger("57", "waiting for you"));
    await send(stranger("57", code()));
    await until(() => store.turns.list().length === 1);
    await quiet();
    expect(store.approvals.get(1)?.state).toBe("void");
    expect(stale).toEqual([1]);
    expect(rows("held")).toBe(0);
  });

  test("a word that looks like a code, from somebody who is known, is a message", async () => {
    expect(await world.now.send(direct("ABCDE-FGHJK"))).toMatchObject({ state: "waiting" });
    await world.now.quiet();
    await world.now.send(direct("/start"));
    expect(world.now.said().at(-1)).toContain("known here as admin");
  });

  test("stop is let in before anything else, and a stranger's is not", async () => {
    expect(await world.now.gateway.receive(stranger("57", "/stop"), remote)).toMatchObject({ state: "refused" });
    expect(await world.now.gateway.receive(direct("/stop"), remote)).toMatchObject({ state: "done" });
  });
});
