// What is old and done leaves the store, a few rows at a time, and nothing else does.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pruneOnce } from "../../src/app/pruning.ts";
import { limits } from "../../src/core/limits.ts";
import type { Inbound } from "../../src/core/message.ts";
import { noUsage } from "../../src/core/usage.ts";
import { openStore } from "../../src/store/db.ts";
import type { PrunedTable } from "../../src/store/pruning.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import type { Database } from "../../src/sys/sqlite.ts";
import { memoryLog } from "../gateway/fixture.ts";

const day = 86_400_000;
const now = 1_000 * day;
/** Long ago, and lately, as the default bound sees it. */
const [old, young] = [now - 400 * day, now - 300 * day];

let folder: string;
let db: Database;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remoteagent-pruning-"));
  db = openStore(join(folder, "remoteagent.db"));
  store = createStore(db);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const place = { adapter: "tg", conversation: { id: "7", kind: "direct" as const } };
const sender = { id: "1", name: "Ann" };
const turn = (at: number, end?: number) => {
  const session = store.sessions.create({ agent: "main", at, title: "" });
  const { id } = store.turns.create({ session: session.id, agent: "main", requester: sender, replyTo: place, at });
  store.turns.append(id, { event: { type: "message", text: `said at ${at}` }, at });
  if (end !== undefined) store.turns.end(id, { outcome: "done", at: end, usage: noUsage });
  return id;
};
let count = 0;
const input = (
  at: number,
  state: "waiting" | "context" | "held" | "done" | "removed",
  change: Partial<Inbound> = {},
) => {
  count += 1;
  const inbound = {
    ...place,
    kind: "message",
    id: `m${count}`,
    sender,
    sentAt: at,
    text: "hi",
    addressed: true,
    ...change,
  };
  return store.inputs.add(inbound as Inbound, { state, session: null, at }).input.id;
};
const delivery = (
  at: number,
  fate: "pending" | "sent" | "failed" | "told",
  more: { answers?: number; turn?: number } = {},
) => {
  count += 1;
  const fresh = { target: place, kind: "reply" as const, form: "final" as const, body: "hi", nonce: `n${count}`, at };
  const id = store.deliveries.add({ ...fresh, ...more });
  if (fate !== "pending")
    db.prepare("UPDATE deliveries SET fate = ? WHERE id = ?").run(fate === "sent" ? "sent" : "failed", id);
  if (fate === "told") db.prepare("UPDATE deliveries SET told_at = 1 WHERE id = ?").run(id);
  return id;
};
const left = (table: PrunedTable) =>
  db
    .prepare(`SELECT id FROM ${table} ORDER BY id`)
    .all<{ id: number }>()
    .map(({ id }) => id);

/** One look with so few rows a step that there are several. @returns how many. */
async function prune({
  keepDays = limits.keepDays,
  signal = new AbortController().signal,
  rows = 2,
} = {}): Promise<number> {
  let steps = 0;
  const clock = { now: () => now, sleep: async () => undefined };
  const few = (table: PrunedTable, step: Parameters<Store["prune"]>[1]) => {
    steps += 1;
    return store.prune(table, { ...step, rows });
  };
  await pruneOnce({ prune: few, clock, log: memoryLog(), keepDays }, signal);
  return steps;
}

describe("what is older than the bound goes", () => {
  test("events: of turns that have ended, and never the newest number", async () => {
    const ended = turn(old, old);
    const open = turn(old);
    const late = turn(old, young);
    await prune();
    expect([ended, open, late].map((id) => store.turns.events(id).length)).toEqual([0, 1, 1]);
    expect(store.turns.get(ended)?.state).toBe("done");
    const last = store.turns.lastEvent();
    store.turns.end(open, { outcome: "done", at: old, usage: noUsage });
    db.exec(`UPDATE turns SET ended_at = ${old}`);
    await prune();
    expect(left("events")).toEqual([last]);
    expect(store.turns.lastEvent()).toBe(last);
  });
  test("inputs: what is done or was beside, but the newest message of a place, and what waits for anything", async () => {
    const gone = [input(old, "done"), input(old, "removed"), input(old, "context")];
    const kept = [input(old, "waiting"), input(old, "held")];
    const newest = input(old, "done");
    const event = input(old, "done", { event: "x.json" });
    const command = input(old, "done", { kind: "command", name: "help", args: "" });
    const fresh = input(young, "done", { conversation: { id: "8", kind: "direct" } });
    await prune();
    expect(left("inputs")).toEqual([...kept, newest, fresh]);
    expect([...gone, event, command].some((id) => store.inputs.get(id) !== undefined)).toBe(false);
  });
  test("inputs: what came late stands behind what was said after it, and gaps are looked for after the late one", async () => {
    const [gone, newest, late] = [input(old, "done"), input(old + 9, "done"), input(old + 5, "done")];
    await prune();
    expect(left("inputs")).toEqual([newest, late]);
    expect(store.inputs.get(gone)).toBeUndefined();
  });
  test("inputs of a turn that is open stay with it", async () => {
    const id = input(old, "context");
    input(young, "done");
    db.prepare("UPDATE inputs SET turn = ? WHERE id = ?").run(turn(old), id);
    await prune();
    expect(left("inputs")).toContain(id);
  });
  test("deliveries: what arrived and what was told, and what others hang on after them", async () => {
    const sent = delivery(old, "sent");
    const told = delivery(old, "told");
    const kept = [delivery(old, "pending"), delivery(old, "failed"), delivery(old, "sent", { turn: turn(old) })];
    const head = delivery(old, "sent");
    const bell = delivery(young, "sent", { answers: head });
    await prune();
    expect(left("deliveries")).toEqual([...kept, head, bell]);
    expect([sent, told].some((id) => left("deliveries").includes(id))).toBe(false);
    db.exec("DELETE FROM deliveries WHERE answers IS NOT NULL");
    await prune();
    expect(left("deliveries")).toEqual(kept);
  });
});

test("deliveries that nobody is told of go once they have failed: bells, and the telling itself", async () => {
  const kinds = ["bell", "tell", "reply"] as const;
  const ids = kinds.map((kind) => {
    const id = delivery(old, "failed");
    db.prepare("UPDATE deliveries SET kind = ? WHERE id = ?").run(kind, id);
    return id;
  });
  await prune();
  expect(left("deliveries")).toEqual(ids.slice(2));
});

test("what was said stays, and is found as before", async () => {
  const id = turn(old, old);
  store.messages.add({ ...said(old, "the loose hinge"), turn: id });
  store.messages.add(said(young, "another hinge"));
  turn(young, young);
  await prune();
  expect(store.messages.search("hinge").map(({ text }) => text)).toEqual(["another hinge", "the loose hinge"]);
  db.exec("INSERT INTO messages_search (messages_search) VALUES ('integrity-check')");
});

const said = (at: number, text: string) => ({
  adapter: "tg",
  conversation: "7",
  external: null,
  session: null,
  turn: null,
  direction: "in" as const,
  sender: "Ann",
  at,
  text,
});

test("with nothing old it ends at the first step of each table; an end of the program cuts it off", async () => {
  for (let n = 0; n < 20; n += 1) turn(young, young);
  expect(await prune()).toBe(3);
  for (let n = 0; n < 20; n += 1) input(old, "done");
  const over = new AbortController();
  over.abort();
  expect(await prune({ signal: over.signal })).toBe(0);
  expect(left("inputs")).toHaveLength(20);
  expect(await prune()).toBeGreaterThan(10);
  expect(left("inputs")).toHaveLength(1);
});

test("no row is looked for in all of its table", () => {
  const plan = (sql: string) => JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
  expect(plan("SELECT 1 FROM deliveries WHERE head = 1")).toContain("deliveries_head");
  expect(plan("SELECT 1 FROM deliveries WHERE answers = 1")).toContain("deliveries_answers");
});
