// What an adapter's surfaces show, and to whom; and where it looks for gaps.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createDoors } from "../../src/app/doors.ts";
import { createViews, placesOf } from "../../src/app/views.ts";
import type { AdapterSettings } from "../../src/config/schema.ts";
import { noUsage } from "../../src/core/usage.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { createHub } from "../../src/gateway/hub.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import { createRedactor } from "../../src/vault/redact.ts";

let store: Store;
beforeEach(() => {
  store = createStore(openStore(":memory:"));
});
afterEach(() => store.close());

const settings = { type: "telegram", admins: ["boss"], dm: ["listed"], unknownSender: "strict" } as const;

function world() {
  const turns: { row: NonNullable<ReturnType<Store["turns"]["get"]>>; doing(): string }[] = [];
  const hub = createHub((error) => {
    throw error;
  });
  const parts = {
    store,
    hub,
    redactor: createRedactor(() => ["open-sesame-1234"]),
    models: { available: async () => [{ provider: "demo", name: "offline" }] as never },
  };
  const doors = createDoors({
    tg: settings as unknown as AdapterSettings,
    other: settings as unknown as AdapterSettings,
  });
  const gateway = { running: () => turns } as unknown as Pick<Gateway, "running">;
  const views = createViews({ parts, doors, gateway }, "tg");
  return {
    hub,
    views,
    run(requester: string, { adapter = "tg", agent = "main" } = {}): number {
      store.wirings.assign(agent, { adapter, conversation: agent, at: 1 });
      const session = store.sessions.create({ agent, at: 1, title: "the key open-sesame-1234" }).id;
      const replyTo = { adapter, conversation: { id: "C1", kind: "shared" as const }, thread: "7" };
      const row = store.turns.create({ session, agent, requester: { id: requester, name: "x" }, replyTo, at: 5 });
      turns.push({ row, doing: () => "bash" });
      return row.id;
    },
    seen: (user: string) => views.home(user)?.turns.map(({ turn }) => turn),
  };
}

const grant = { adapter: "tg", surface: "*", givenBy: "x", givenAt: 1 } as const;

describe("a home page", () => {
  test("shows all of the adapter to owner and admins, a member their own, others nothing", () => {
    const { run, seen, views } = world();
    const [mine, others, elsewhere, cooks] = [
      run("mem"),
      run("x"),
      run("mem", { adapter: "other" }),
      run("x", { agent: "cook" }),
    ];
    store.roles.give({ ...grant, user: "own", role: "owner", agent: "" });
    store.roles.give({ ...grant, user: "mem", role: "member", agent: "" });
    store.roles.give({ ...grant, user: "chef", role: "admin", agent: "cook" });
    expect(elsewhere).toBe(3);
    expect([seen("own"), seen("boss")]).toEqual([
      [mine, others, cooks],
      [mine, others, cooks],
    ] as number[][]);
    expect(seen("mem")).toEqual([mine ?? 0]);
    expect(seen("chef")).toEqual([cooks ?? 0]);
    expect(seen("listed")).toEqual([]);
    expect([seen("stranger"), seen("")]).toEqual([undefined, undefined]);
    expect(views.home("own")?.turns[0]).toEqual({
      turn: 1,
      title: "the key [redacted]",
      startedAt: 5,
      activeAt: 5,
      doing: "bash",
      conversation: { id: "C1", kind: "shared" },
      thread: "7",
    });
  });

  test("names the events that are due, the next first, a member's own to them alone", () => {
    const { views } = world();
    const put = (
      file: string,
      { nextAt, user, platform = "tg" }: { nextAt: number; user?: string; platform?: string },
    ) =>
      store.schedules.put({
        file,
        hash: file,
        nextAt,
        spec: { target: { platform, conversation: "C1", kind: "shared" }, ...(user === undefined ? {} : { user }) },
      });
    put("b.json", { nextAt: 20, user: "mem" });
    put("a.json", { nextAt: 10 });
    put("c.json", { nextAt: 5, platform: "other" });
    store.roles.give({ ...grant, user: "mem", role: "member", agent: "" });
    expect(views.home("boss")?.schedules.map(({ file }) => file)).toEqual(["a.json", "b.json"]);
    expect(views.home("mem")?.schedules).toEqual([
      { file: "b.json", nextAt: 20, conversation: { id: "C1", kind: "shared" } },
    ]);
  });

  test("is told of begins and ends of its own adapter until it looks away", () => {
    const { run, hub, views } = world();
    let calls = 0;
    const end = views.watch(() => {
      calls += 1;
    });
    const say = (turn: number, event: Parameters<typeof hub.publish>[0]["event"]) =>
      hub.publish({ n: 1, turn, session: 1, event });
    const [mine, other] = [run("x"), run("x", { adapter: "other" })];
    say(mine, { type: "started", resumed: false });
    say(mine, { type: "text", delta: "a" });
    say(other, { type: "started", resumed: false });
    say(mine, { type: "ended", outcome: "done", usage: noUsage });
    expect(calls).toBe(2);
    end();
    say(mine, { type: "started", resumed: true });
    expect(calls).toBe(2);
  });

  test("names models as /model takes them", async () => {
    expect(await world().views.models()).toEqual(["demo/offline"]);
  });
});

test("places: conversations and threads that have a session, with their newest message, the newest first", () => {
  const say = (conversation: string, id: string, more: object = {}) =>
    store.inputs.add(
      {
        kind: "message",
        adapter: "tg",
        conversation: { id: conversation, kind: "shared" },
        id,
        sender: { id: "1", name: "x" },
        sentAt: Number(id),
        text: "x",
        addressed: true,
        ...more,
      },
      { state: "done", session: null, at: 1 },
    );
  const bind = (id: string) => {
    const conversation = store.wirings.conversation("tg", { id, kind: "shared", at: 1 });
    store.sessions.bind({ agent: "main", conversation }, store.sessions.create({ agent: "main", at: 1 }).id);
  };
  bind("C1");
  bind("C2");
  say("C1", "1");
  say("C1", "3", { thread: "t" });
  say("C1", "2");
  say("C2", "5");
  say("C2", "6", { event: "x.json" });
  say("C3", "7");
  say("C1", "4", { thread: "t" });
  expect(placesOf(store, "tg")).toEqual([
    { conversation: { id: "C1", kind: "shared" }, thread: "t", newest: { id: "4", sentAt: 4 } },
    { conversation: { id: "C2", kind: "shared" }, newest: { id: "5", sentAt: 5 } },
    { conversation: { id: "C1", kind: "shared" }, newest: { id: "2", sentAt: 2 } },
  ]);
  expect([placesOf(store, "other"), store.wirings.places("tg", 1).length]).toEqual([[], 1]);
});
