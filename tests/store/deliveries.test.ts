// Rows of outgoing messages: their order, who may press what, and what of them is told.
import { beforeEach, describe, expect, test } from "bun:test";
import { openStore } from "../../src/store/db.ts";
import type { FreshDelivery } from "../../src/store/deliveries.ts";
import { createStore, type Store } from "../../src/store/store.ts";

let store: Store;
let nonces = 0;

beforeEach(() => {
  store = createStore(openStore(":memory:"));
});

const target = { adapter: "tg", conversation: { id: "7", kind: "direct" as const } };

function add(change: Partial<FreshDelivery> = {}): number {
  nonces += 1;
  return store.deliveries.add({
    target,
    kind: "reply",
    form: "final",
    body: "hello",
    nonce: `n${nonces}`,
    at: 5,
    ...change,
  });
}

const openHere = () => store.deliveries.open("tg", { conversation: "7", limit: 100 }).map(({ id }) => id);

describe("open rows", () => {
  test("come in the order of their first parts, and then of their parts", () => {
    const first = add();
    const second = add();
    const third = add({ head: first, part: 3, parts: 3 });
    const between = add({ head: first, part: 2, parts: 3 });
    expect(openHere()).toEqual([first, between, third, second]);
  });

  test("leave out what is forming, settled or somewhere else", () => {
    add({ form: "forming" });
    add({ target: { ...target, adapter: "other" } });
    add({ target: { ...target, conversation: { id: "8", kind: "shared" } } });
    const ends = [add(), add(), add(), add()] as const;
    store.deliveries.sent(ends[0], { at: 9, ref: "r" });
    for (const [index, fate] of (["unknown", "failed", "dropped"] as const).entries())
      store.deliveries.settle(ends[index + 1] ?? 0, { fate });
    const [sending, placed] = [add(), add()];
    store.deliveries.sending(sending, { at: 1 });
    store.deliveries.placed(placed, "r2");
    expect(openHere()).toEqual([sending, placed]);
    expect(store.deliveries.places("tg").sort()).toEqual(["7", "8"]);
  });
});

describe("fates", () => {
  test("what arrived keeps its id over there and not its text", () => {
    const id = add();
    store.deliveries.placed(id, "r1");
    store.deliveries.sent(id, { at: 9 });
    expect(store.deliveries.get(id)).toMatchObject({ fate: "sent", ref: "r1", body: null, sentAt: 9 });
  });

  test("a later try goes on where the row is", () => {
    const [fresh, placed] = [add(), add()];
    store.deliveries.placed(placed, "r1");
    for (const id of [fresh, placed]) store.deliveries.later(id, { attempts: 2, at: 70, waitMs: 7, error: "busy" });
    expect(store.deliveries.get(fresh)).toMatchObject({
      fate: "pending",
      attempts: 2,
      nextAt: 77,
      waitMs: 7,
      error: "busy",
    });
    expect(store.deliveries.get(placed)).toMatchObject({ fate: "placed", attempts: 2 });
  });

  test("what has arrived is neither dropped nor tried again", () => {
    const id = add();
    store.deliveries.sent(id, { at: 1, ref: "r" });
    expect(store.deliveries.drop(id)).toBe(false);
    expect(store.deliveries.again(id, { nonce: "again", at: 2 })).toBe(false);
    const failed = add();
    store.deliveries.settle(failed, { fate: "failed", error: "blocked", toldAt: 3 });
    expect(store.deliveries.again(failed, { nonce: "again", at: 2 })).toBe(true);
    expect(store.deliveries.get(failed)).toMatchObject({ fate: "pending", nonce: "again", error: null, toldAt: null });
    expect(store.deliveries.drop(failed)).toBe(true);
  });

  test("what was dropped stays so, whatever an earlier call says of it; what stands there is taken away", () => {
    const [pending, placed, sending] = [add(), add(), add({ kind: "file" })];
    const sought = add();
    store.deliveries.sending(sought, { at: 1 });
    expect(store.deliveries.drop(sought)).toBe(true);
    expect(store.deliveries.get(sought)).toMatchObject({ fate: "sending", form: "removed", tried: "whole" });
    store.deliveries.placed(placed, "r1");
    store.deliveries.sending(sending, { at: 1 });
    expect([pending, placed, sending].map((id) => store.deliveries.drop(id))).toEqual([true, true, false]);
    store.deliveries.later(pending, { attempts: 1, at: 8, waitMs: 1, error: "busy" });
    expect(store.deliveries.get(pending)).toMatchObject({ fate: "dropped" });
    store.deliveries.placed(pending, "r2");
    expect(store.deliveries.get(pending)).toMatchObject({ fate: "placed", form: "removed", ref: "r2" });
    expect(store.deliveries.get(placed)).toMatchObject({ fate: "placed", form: "removed" });
  });
});

describe("who finds what", () => {
  test("a reply finds the root and the turn of what it answers, in that conversation alone", () => {
    const id = add({ root: "m1" });
    store.deliveries.placed(id, "r1");
    expect(store.deliveries.byRef("tg", "7", "r1")).toEqual({ root: "m1", turn: null });
    expect(store.deliveries.byRef("tg", "8", "r1")).toBeUndefined();
    expect(store.deliveries.byRef("other", "7", "r1")).toBeUndefined();
    expect(store.deliveries.byRef("tg", "7", "r2")).toBeUndefined();
  });

  test("a button is of its message's adapter and conversation alone", () => {
    const id = add({ choices: [{ value: "/stop", label: "Stop" }] });
    expect(store.deliveries.choice("tg", "7", id, 0)).toEqual({ value: "/stop", label: "Stop" });
    expect(store.deliveries.choice("tg", "8", id, 0)).toBeUndefined();
    expect(store.deliveries.choice("other", "7", id, 0)).toBeUndefined();
    for (const index of [1, -1, 0.5, Number.NaN]) expect(store.deliveries.choice("tg", "7", id, index)).toBeUndefined();
    expect(store.deliveries.choice("tg", "7", id + 1, 0)).toBeUndefined();
  });

  test("a list is filtered before it is cut", () => {
    const ids = [add(), add({ target: { ...target, adapter: "other" } }), add(), add()];
    store.deliveries.settle(ids[0] ?? 0, { fate: "failed" });
    const found = (filter: object) => store.deliveries.list({ limit: 2, ...filter }).map(({ id }) => ids.indexOf(id));
    expect(found({})).toEqual([3, 2]);
    expect(found({ fates: ["failed", "unknown"] })).toEqual([0]);
    expect(found({ adapter: "other" })).toEqual([1]);
    expect(found({ conversation: "none" })).toEqual([]);
  });
});

test("what did not arrive is counted until it was told, bells and tellings never", () => {
  for (const kind of ["answer", "file", "bell", "tell"] as const)
    store.deliveries.settle(add({ kind }), { fate: "failed" });
  store.deliveries.settle(add(), { fate: "unknown", toldAt: 4 });
  store.deliveries.settle(add({ target: { ...target, conversation: { id: "8", kind: "shared" } } }), {
    fate: "failed",
  });
  expect(store.deliveries.untold("tg", "7")).toBe(2);
  const tell = add({ kind: "tell" });
  const later = add();
  store.deliveries.settle(later, { fate: "failed" });
  expect(store.deliveries.telling("tg", "7")).toBe(true);
  store.deliveries.told({ id: tell, adapter: "tg", conversation: "7", at: 9 });
  expect(store.deliveries.untold("tg", "7")).toBe(1);
  expect(store.deliveries.untold("tg", "8")).toBe(1);
});
