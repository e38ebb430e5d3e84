// Pairing codes: once, for a while, in a direct chat alone, and guessing gets nowhere.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { clearCodes, createCode, presented, takeCode } from "../../src/access/pairing.ts";
import { limits } from "../../src/core/limits.ts";
import type { Inbound } from "../../src/core/message.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";

let store: Store;
let now: number;
const clock = { ...systemClock, now: () => now };
beforeEach(() => {
  store = createStore(openStore(":memory:"));
  now = 1_000_000_000_000;
});
afterEach(() => store.close());

const says = (text: string, change: Partial<Inbound & { kind: "message" }> = {}): Inbound => ({
  kind: "message",
  adapter: "tg",
  conversation: { id: "7", kind: "direct" },
  id: "1",
  sender: { id: "7", name: "Ann" },
  sentAt: 1,
  text,
  addressed: true,
  ...change,
});
const make = (role: "owner" | "member" = "owner", adapter: string | null = null) =>
  createCode({ store, clock }, { role, adapter }).code;
const take = (code: string, change: Partial<Inbound & { kind: "message" }> = {}) =>
  takeCode({ store, clock }, { inbound: says(code, change), code });

test("SECURITY 2: the first owner is paired by a code, and it works once", () => {
  const code = make();
  expect(take(code)).toEqual({ outcome: "paired", role: "owner" });
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "owner", surface: "*", agent: "" }]);
  expect(store.users.get("tg", "7")).toMatchObject({ name: "Ann", direct: "7" });
  expect(take(code, { sender: { id: "8", name: "Eve" } })).toEqual({ outcome: "wrong" });
  expect(store.roles.of("tg", "8")).toEqual([]);
});

test("a code has 49 bits, letters that cannot be mixed up, and no two are alike", () => {
  const codes = new Set<string>();
  for (let n = 0; n < 500; n++) {
    codes.add(make());
    clearCodes({ store, clock });
  }
  expect(codes.size).toBe(500);
  for (const code of codes) expect(code).toMatch(/^[2-9A-HJKMNP-TV-Z]{5}-[2-9A-HJKMNP-TV-Z]{5}$/);
  expect(new Set([...codes].join("")).size).toBe(31);
});

test("only a hash is stored", () => {
  const code = make();
  expect(JSON.stringify(store.pairings.open(now))).not.toContain(code.replace("-", ""));
  expect(JSON.stringify(store.pairings.open(now))).not.toContain(code);
});

test("a code is taken in any case and without its dash, on its adapter, and while it is fresh", () => {
  expect(take(make().toLowerCase())).toMatchObject({ outcome: "paired" });
  expect(take(make().replace("-", ""))).toMatchObject({ outcome: "paired" });
  expect(take(make("owner", "slack"))).toEqual({ outcome: "wrong" });
  const late = make();
  now += limits.pairMs;
  expect(take(late)).toEqual({ outcome: "wrong" });
});

test("SECURITY 6: a member's code gives the direct chat alone", () => {
  take(make("member"));
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "member", surface: "direct" }]);
});

test("a code in a shared room is void, whoever sent it", () => {
  const code = make();
  expect(take(code, { conversation: { id: "R", kind: "shared" } })).toEqual({ outcome: "void" });
  expect(take(code)).toEqual({ outcome: "wrong" });
  expect(store.roles.list()).toEqual([]);
});

test("words of ten letters that somebody says in a room are no guesses of theirs", () => {
  for (let n = 0; n < limits.guessesMax; n++)
    expect(take("management", { conversation: { id: "R", kind: "shared" } })).toEqual({ outcome: "wrong" });
  expect(take(make())).toMatchObject({ outcome: "paired" });
});

test("a bot and a sender without an id pair nothing", () => {
  const code = make();
  expect(take(code, { sender: { id: "9", name: "bot", isBot: true } })).toEqual({ outcome: "wrong" });
  expect(take(code, { sender: { id: "", name: "" } })).toEqual({ outcome: "wrong" });
  expect(take(code)).toMatchObject({ outcome: "paired" });
});

test("guessing gets nowhere: after a few wrong codes even the right one is not looked at, for an hour", () => {
  const right = make();
  for (let n = 0; n < limits.guessesMax; n++) expect(take("22222-22222")).toEqual({ outcome: "wrong" });
  expect(take(right)).toEqual({ outcome: "limited" });
  expect(take("22222-22223")).toEqual({ outcome: "limited" });
  expect(take(right, { sender: { id: "8", name: "Bob" }, conversation: { id: "8", kind: "direct" } })).toMatchObject({
    outcome: "paired",
  });
  now += limits.guessMs;
  expect(take(make())).toMatchObject({ outcome: "paired" });
});

test("only a few codes work at a time", () => {
  for (let n = 0; n < limits.pairingsMax; n++) make();
  expect(() => make()).toThrow("work already");
  now += limits.pairMs;
  expect(make()).toBeString();
  expect(clearCodes({ store, clock })).toBe(1);
});

test("what counts as a code depends on the place", () => {
  const code = "23456-789AB";
  for (const text of [
    code,
    ` ${code.toLowerCase()}\n`,
    "23456789AB",
    `/start ${code}`,
    `/pair ${code}`,
    `/pair@my_bot ${code}`,
  ])
    expect(presented(says(text))?.codes).toHaveLength(1);
  for (const text of [`my code is ${code}`, "hello world", "hello-world", "23456-789A", "", `${code} ${code}`])
    expect(presented(says(text))).toBeUndefined();
  expect(presented(says("/start"))).toEqual({ codes: [], called: true });
  const room = { conversation: { id: "R", kind: "shared" as const }, addressed: false };
  expect(presented(says(`look: ${code}, and ${code}!`, room))?.codes).toHaveLength(2);
  expect(presented(says("x".repeat(50) + code, room))).toBeUndefined();
  expect(presented(says("/start", room))).toBeUndefined();
  expect(presented(says(code, { event: "daily.json" }))).toBeUndefined();
  expect(presented({ ...says(""), kind: "command", name: "pair", args: code })?.codes).toEqual([code]);
});
