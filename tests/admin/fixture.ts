// A real store in memory with a little history, and a dispatcher over it.

import { createDispatch } from "../../src/admin/dispatch.ts";
import { resources } from "../../src/admin/index.ts";
import type { AdminResponse } from "../../src/admin/resource.ts";
import { noUsage } from "../../src/core/usage.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5);
const requester = { id: "1000", name: "Ann" };
const replyTo = { adapter: "terminal", conversation: { id: "main", kind: "direct" as const } };

export function filledStore() {
  const store = createStore(openStore(":memory:"));
  const first = store.sessions.create({ agent: "main", at, title: "Build the door" });
  const second = store.sessions.create({ agent: "main", at: at + 1, title: "Other things", model: "demo/demo" });
  const turn = store.turns.create({ session: first.id, agent: "main", requester, replyTo, at });
  const asked = store.entries.append({
    session: first.id,
    turn: turn.id,
    parent: null,
    at,
    body: { kind: "message", message: { role: "user", content: [{ type: "text", text: "Why?" }], timestamp: at } },
  });
  store.sessions.set(first.id, { head: asked.id });
  store.turns.append(turn.id, { event: { type: "taken", inputs: [1], text: "Why?" }, at });
  store.turns.append(turn.id, { event: { type: "message", text: "Because" }, at });
  store.turns.end(turn.id, { outcome: "done", at: at + 1500, usage: noUsage });
  const say = (text: string, direction: "in" | "out") =>
    store.messages.add({
      adapter: "terminal",
      conversation: "main",
      external: null,
      session: first.id,
      turn: turn.id,
      direction,
      sender: "Ann",
      at,
      text,
    });
  say("Why is the hinge loose?", "in");
  say("Because the screw is missing", "out");
  return { store, first, second, turn };
}

/** What settings name. */
export const adapters = [
  { name: "tg", isPerson: (id: string) => /^[0-9]+$/.test(id) },
  { name: "matrix" },
  { name: "terminal" },
];

export function filledDispatch() {
  const filled = filledStore();
  const errors: unknown[] = [];
  const dispatch = createDispatch({
    resources: resources(() => ({ ...filled.store, adapters: () => adapters })),
    onError: (_command, error) => errors.push(error),
  });
  const ask = (command: string, args: Record<string, unknown> = {}): Promise<AdminResponse> =>
    dispatch({ id: "1", command, args }, { kind: "host" });
  return { ...filled, errors, ask };
}
