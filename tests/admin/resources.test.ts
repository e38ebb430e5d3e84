// The nouns sessions and turns over a real store.
import { expect, test } from "bun:test";
import { resources } from "../../src/admin/index.ts";
import { filledDispatch } from "./fixture.ts";

const data = async <Data = never>(answer: Promise<{ ok: boolean; data?: unknown }>) => {
  const { ok, ...rest } = await answer;
  if (!ok) throw new Error(JSON.stringify(rest));
  return rest.data as Data;
};

test("help names every noun and asks for no database", () => {
  const none = () => {
    throw new Error("The store was opened");
  };
  expect(resources(none).map(({ name }) => name)).toEqual([
    "sessions",
    "turns",
    "messages",
    "approvals",
    "users",
    "roles",
    "members",
    "pairings",
    "dropped-messages",
    "deliveries",
  ]);
});

test("sessions list filters before it cuts", async () => {
  const { ask } = filledDispatch();
  expect(await data(ask("sessions-list"))).toMatchObject([{ id: "S002" }, { id: "S001", turns: 1, running: false }]);
  expect(await data(ask("sessions-list", { title: "DOOR", limit: "1" }))).toMatchObject([{ id: "S001" }]);
  expect(await data(ask("sessions-list", { model: "demo/demo" }))).toMatchObject([{ id: "S002" }]);
  expect(await data(ask("sessions-list", { running: true }))).toEqual([] as never);
  expect(await data(ask("sessions-list", { place: "slack/C1" }))).toEqual([] as never);
});

test("a session is found by each form of its id, and no other", async () => {
  const { ask } = filledDispatch();
  for (const id of ["S001", "s1", "1", " S0001 "])
    expect(await data(ask("sessions-get", { id }))).toMatchObject({ id: "S001", title: "Build the door" });
  for (const id of ["S999", "x", "-1", "S1; DROP TABLE", "1e3"])
    expect(await ask("sessions-get", { id })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

test("sessions search finds parts of words, and nothing in a query is an operator", async () => {
  const { ask } = filledDispatch();
  expect(await data(ask("sessions-search", { id: "hinge loose" }))).toMatchObject([{ session: "S001", sender: "Ann" }]);
  expect(await data(ask("sessions-search", { id: "ecaus" }))).toMatchObject([{ text: "Because the screw is missing" }]);
  expect(await data(ask("sessions-search", { id: 'hinge" OR "screw' }))).toEqual([] as never);
  expect(await data(ask("sessions-search", { id: "is" }))).toHaveLength(2);
});

test("rename needs a title and keeps it", async () => {
  const { ask, store, first } = filledDispatch();
  expect(await ask("sessions-rename", { id: "S001" })).toMatchObject({ ok: false, error: { code: "invalid-args" } });
  expect(await data(ask("sessions-rename", { id: "S001", title: "Hinges" }))).toEqual({
    id: "S001",
    title: "Hinges",
  } as never);
  expect(store.sessions.get(first.id)?.title).toBe("Hinges");
});

test("entries and export show what the model sees", async () => {
  const { ask } = filledDispatch();
  expect(await data(ask("sessions-entries", { id: "S001" }))).toMatchObject([{ role: "user", text: "Why?" }]);
  expect(await data(ask("sessions-entries", { id: "S002" }))).toEqual([] as never);
  expect(await data(ask("sessions-export", { id: "S001" }))).toBe(
    "# S001 Build the door\n\n## user, 2026-01-02T03:04:05.000Z\n\nWhy?" as never,
  );
});

test("turns are listed, got, and told event by event", async () => {
  const { ask } = filledDispatch();
  expect(await data(ask("turns-list", { session: "S001", state: "done" }))).toMatchObject([
    { id: "T1", session: "S001", seconds: 1.5, requester: "Ann" },
  ]);
  expect(await data(ask("turns-list", { session: "S002" }))).toEqual([] as never);
  expect(await data(ask("turns-get", { id: "t1" }))).toMatchObject({ id: "T1", requester: { id: "1000" } });
  expect(await data(ask("turns-events", { id: "1" }))).toMatchObject([
    { type: "taken", text: "Why?" },
    { type: "message", text: "Because" },
  ]);
  for (const [command, args] of [
    ["turns-list", { state: "asleep" }],
    ["turns-list", { session: "main" }],
  ] as const)
    expect(await ask(command, args)).toMatchObject({ ok: false, error: { code: "invalid-args" } });
  expect(await ask("turns-events", { id: "T99" })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

test("messages of one conversation come oldest first, page by page", async () => {
  const { ask, store } = filledDispatch();
  const line = { external: null, session: null, turn: null, direction: "in", sender: "Ann", at: 1 } as const;
  for (let count = 0; count < 5; count += 1) {
    store.messages.add({ ...line, adapter: "tg", conversation: "7", text: `n${count}` });
    store.messages.add({ ...line, adapter: "tg", conversation: "8", text: "elsewhere" });
    store.messages.add({ ...line, adapter: "other", conversation: "7", text: "elsewhere" });
  }
  const place = { adapter: "tg", conversation: "7" };
  const first = await data<{ id: number; text: string }[]>(ask("messages-list", { ...place, limit: 3 }));
  expect(first.map(({ text }) => text)).toEqual(["n0", "n1", "n2"]);
  const rest = await data<{ id: number; text: string }[]>(ask("messages-list", { ...place, after: first[2]?.id }));
  expect(rest.map(({ text }) => text)).toEqual(["n3", "n4"]);
  expect(await ask("messages-list", { adapter: "tg" })).toMatchObject({ ok: false, error: { code: "invalid-args" } });
});
