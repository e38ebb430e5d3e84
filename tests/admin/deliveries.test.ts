// The noun deliveries over a real store, beside a running instance and without one.
import { describe, expect, test } from "bun:test";
import { createDispatch } from "../../src/admin/dispatch.ts";
import { deliveries } from "../../src/admin/resources/deliveries.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { adapters } from "./fixture.ts";

function createDesk({ running = false } = {}) {
  const store = createStore(openStore(":memory:"));
  const called: string[] = [];
  const instance = {
    sendAgain: (id: number) => {
      called.push(`again ${id}`);
      return store.deliveries.again(id, { nonce: `again${id}`, at: 1 });
    },
    giveUp: (id: number) => {
      called.push(`drop ${id}`);
      return store.deliveries.drop(id);
    },
  };
  const noun = deliveries(() => ({ ...store, adapters: () => adapters, ...(running ? instance : {}) }), systemClock);
  const errors: unknown[] = [];
  const dispatch = createDispatch({ resources: [noun], onError: (_command, error) => errors.push(error) });
  let nonce = 0;
  const add = (fate: "pending" | "sent" | "failed" | "dropped" | "sending" | "forming", file = fate === "sending") => {
    nonce += 1;
    const id = store.deliveries.add({
      target: { adapter: "tg", conversation: { id: "7", kind: "direct" } },
      kind: file ? "file" : "reply",
      form: fate === "forming" ? "forming" : "final",
      body: `text ${nonce}`,
      nonce: `n${nonce}`,
      at: 5,
      ...(file ? { file: { stored: "a", name: "a.pdf", bytes: 3 } } : {}),
    });
    if (fate === "sent") store.deliveries.sent(id, { at: 6, ref: "r" });
    else if (fate === "sending") store.deliveries.sending(id, { at: 1 });
    else if (fate === "failed" || fate === "dropped") store.deliveries.settle(id, { fate, error: "blocked" });
    return id;
  };
  return {
    add,
    called,
    store,
    async ask(verb: string, args: Record<string, unknown> = {}) {
      const response = await dispatch({ id: "1", command: `deliveries-${verb}`, args }, { kind: "host" });
      if (errors.length > 0) throw errors[0];
      return response;
    },
  };
}

const shown = async (response: Promise<{ ok: boolean; data?: unknown }>) => (await response).data as never;

test("list shows what has not arrived, and everything when asked", async () => {
  const { add, ask } = createDesk();
  const [pending, sent, failed] = [add("pending"), add("sent"), add("failed", true)];
  expect(await shown(ask("list"))).toMatchObject([
    { id: failed, fate: "failed", error: "blocked", text: "a.pdf" },
    { id: pending, fate: "pending", text: "text 1", turn: null },
  ]);
  expect(await shown(ask("list", { all: true }))).toHaveLength(3);
  expect(await shown(ask("list", { fate: "sent" }))).toMatchObject([{ id: sent }]);
  expect(await shown(ask("list", { adapter: "matrix" }))).toEqual([] as never);
  expect(await shown(ask("list", { turn: "T9" }))).toEqual([] as never);
  expect(await ask("list", { fate: "lost" })).toMatchObject({ ok: false, error: { code: "invalid-args" } });
});

test("show has the whole text and why", async () => {
  const { add, ask } = createDesk();
  const id = add("failed");
  expect(await shown(ask("show", { id: String(id) }))).toMatchObject({ id, body: "text 1", error: "blocked" });
  expect(await ask("show", { id: "99" })).toMatchObject({ ok: false, error: { code: "not-found" } });
  expect(await ask("show", { id: "x; DROP" })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

describe.each([false, true])("with a running instance: %p", (running) => {
  test("a failed message is tried again, and one is given up", async () => {
    const { add, ask, called, store } = createDesk({ running });
    const [again, gone] = [add("failed"), add("pending")];
    expect(await shown(ask("retry", { id: String(again) }))).toEqual({ id: again, fate: "pending" } as never);
    expect(await shown(ask("drop", { id: String(gone) }))).toEqual({ id: gone, fate: "dropped" } as never);
    expect(store.deliveries.open("tg", { conversation: "7", limit: 9 }).map(({ id }) => id)).toEqual([again]);
    expect(called).toEqual(running ? [`again ${again}`, `drop ${gone}`] : []);
  });

  test.each([
    ["retry", "sent", "it has arrived"],
    ["retry", "sending", "it is just being sent"],
    ["retry", "forming", "the answer is still forming"],
    ["drop", "sent", "it has arrived"],
    ["drop", "sending", "it is just being sent"],
    ["drop", "dropped", "it is dropped already"],
  ] as const)("cannot %s what is %s", async (what, fate, why) => {
    const { add, ask } = createDesk({ running });
    const id = add(fate);
    const response = await ask(what, { id: String(id) });
    expect(response).toMatchObject({ ok: false });
    expect(JSON.stringify(response)).toContain(why);
  });
});
