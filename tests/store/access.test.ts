// What the store keeps of people: bounded, written when it is news, and guesses that are forgotten.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";

let store: Store;
beforeEach(() => {
  store = createStore(openStore(":memory:"));
});
afterEach(() => store.close());

const seen = (at: number, more: { name?: string; direct?: string } = {}) =>
  store.users.seen({ adapter: "tg", id: "7", name: more.name ?? "Ann", direct: more.direct, at });
const user = () => store.users.get("tg", "7");

test("that somebody was here is written when it is news, and a direct conversation stays known", () => {
  seen(1, { direct: "D" });
  seen(2);
  expect(user()).toMatchObject({ lastAt: 1, direct: "D" });
  seen(3, { name: "Anna" });
  expect(user()).toMatchObject({ lastAt: 3, name: "Anna", direct: "D", firstAt: 1 });
  seen(4, { name: "Anna", direct: "E" });
  expect(user()).toMatchObject({ direct: "E" });
  seen(4 + limits.seenEveryMs, { name: "Anna" });
  expect(user()).toMatchObject({ lastAt: 4 + limits.seenEveryMs });
});

test("strangers are bounded, and who was told lately is not forgotten", () => {
  const at = 10 * limits.strangerTellMs;
  const count = (name: string, when: number) =>
    store.strangers.count({ adapter: "tg", user: name, name, reason: "strict", at: when });
  store.transaction(() => {
    count("told", at);
    store.strangers.told("tg", "told", at);
    for (let n = 0; n < limits.strangersMax + 10; n++) count(`s${n}`, at + n);
  });
  const kept = store.strangers.list({ limit: limits.strangersMax + 100 });
  expect(kept).toHaveLength(limits.strangersMax);
  expect(kept.some((one) => one.user === "told")).toBe(true);
  expect(kept.some((one) => one.user === "s0")).toBe(false);
  expect(store.strangers.toldSince("tg", at - 1)).toBe(1);
  expect(store.strangers.toldSince("slack", at - 1)).toBe(0);
});

test("guesses count for a while and are forgotten after it", () => {
  for (const at of [100, 101, 102]) store.pairings.guess("tg", "7", { at, since: 0 });
  expect(store.pairings.guesses("tg", "7", 50)).toBe(3);
  expect(store.pairings.guesses("tg", "7", 100)).toBe(0);
  store.pairings.guess("tg", "7", { at: 300, since: 200 });
  expect(store.pairings.guesses("tg", "7", 200)).toBe(1);
});

test("the same role is given once, and a surface is part of it", () => {
  const grant = {
    adapter: "tg",
    user: "7",
    role: "member",
    agent: "",
    surface: "direct",
    givenBy: "a",
    givenAt: 1,
  } as const;
  expect(store.roles.give(grant).id).toBe(store.roles.give({ ...grant, givenBy: "b", givenAt: 2 }).id);
  expect(store.roles.give({ ...grant, surface: "R" }).id).not.toBe(1);
  expect(store.roles.list({ role: "member" })).toHaveLength(2);
  expect([store.roles.revoke(1), store.roles.revoke(1)]).toEqual([true, false]);
});
