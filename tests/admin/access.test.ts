// The nouns about people and their questions, over a real store.
import { expect, test } from "bun:test";
import { createApprovals, storeKinds } from "../../src/access/approvals.ts";
import { createDispatch } from "../../src/admin/dispatch.ts";
import { resources } from "../../src/admin/index.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { adapters, filledDispatch } from "./fixture.ts";

const data = async (answer: Promise<{ ok: boolean; data?: unknown }>) => {
  const { ok, ...rest } = await answer;
  if (!ok) throw new Error(JSON.stringify(rest));
  return rest.data as never;
};

function world() {
  const filled = filledDispatch();
  const { store } = filled;
  const desk = createApprovals({ store, clock: systemClock, kinds: storeKinds(store, systemClock) });
  const open = (kind: "admit" | "tool") =>
    desk.ask({
      kind,
      arguments: { kind },
      text: `About ${kind}`,
      requester: { id: "7", name: "Ann" },
      origin: { adapter: "tg", conversation: { id: "7", kind: "direct" } },
      role: "admin",
      agent: "main",
      answers: [{ answer: "once", label: "Yes" }],
    }).id;
  return { ...filled, open };
}

test("roles are granted, listed and revoked; SECURITY 5: what is revoked is gone at once", async () => {
  const { ask, store } = world();
  expect(await data(ask("roles-grant", { user: "tg/57", role: "owner" }))).toMatchObject({
    user: "tg/57",
    role: "owner",
  });
  expect(await data(ask("roles-list"))).toMatchObject([{ id: 1, user: "tg/57", givenBy: "the command line" }]);
  expect(await data(ask("roles-revoke", { id: "1" }))).toMatchObject({ revoked: { user: "tg/57" } });
  expect(store.roles.of("tg", "57")).toEqual([]);
  for (const id of ["1", "x", "-1"])
    expect(await ask("roles-revoke", { id })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

test("a person is adapter/id, and nothing else is taken for one", async () => {
  const { ask, store } = world();
  for (const user of ["57", "/57", "tg/", "tg", " / "])
    expect(await ask("roles-grant", { user, role: "admin" })).toMatchObject({
      ok: false,
      error: { code: "invalid-args" },
    });
  expect(await data(ask("roles-grant", { user: "matrix/@a:b/c", role: "admin" }))).toMatchObject({
    user: "matrix/@a:b/c",
  });
  expect(store.roles.of("matrix", "@a:b/c")).toHaveLength(1);
  const owner = ask("roles-grant", { user: "tg/1", role: "owner", agent: "main" });
  expect(await owner).toMatchObject({ ok: false, error: { code: "invalid-args" } });
});

test("who or where there is nothing is told, with what there is", async () => {
  const { ask, store } = world();
  const refusal = async (command: string, args: Record<string, unknown>) => {
    const answer = await ask(command, args);
    return answer.ok ? undefined : answer.error.message;
  };
  for (const command of ["roles-grant", "members-add"]) {
    const role = command === "roles-grant" ? { role: "admin" } : {};
    expect(await refusal(command, { user: "tgg/7", ...role })).toBe(
      'There is no adapter "tgg" in settings\nDid you mean tg? Known: tg, matrix, terminal',
    );
    expect(await refusal(command, { user: "tg/@ann", ...role })).toContain('"@ann" is no id there');
  }
  expect(await refusal("roles-grant", { user: "57", role: "admin" })).toContain("Such as tg/123456789");
  expect(await refusal("members-add", { user: "tg/7", surface: "-100" })).toContain(
    "nothing was said to the agent there so far\ndirect is the direct chat",
  );
  expect(store.roles.list({ limit: 9 })).toEqual([]);
  for (const command of ["roles-list", "members-list"])
    expect(await refusal(command, { user: "tg/7" })).toContain("nobody with this id wrote there or was let in");
  store.users.seen({ adapter: "tg", id: "8", name: "Ben", direct: "8", at: 1 });
  expect(await refusal("users-get", { id: "tg/7" })).toContain("Known: tg/8 (Ben)");
  for (const command of ["users-list", "dropped-messages-list", "deliveries-list", "pairings-create"])
    expect(await refusal(command, { adapter: "nowhere" })).toContain("Known: tg, matrix, terminal");
  // What is left of an adapter that settings have no more is still shown, and taken back.
  store.users.seen({ adapter: "old", id: "9", name: "Eve", direct: "9", at: 1 });
  expect(await data(ask("users-get", { id: "old/9" }))).toMatchObject({ name: "Eve" });
  expect(await data(ask("users-list", { adapter: "old" }))).toHaveLength(1);
});

test("members are added on a surface and removed from it", async () => {
  const { ask, store } = world();
  store.wirings.conversation("tg", { id: "-100", kind: "shared", at: 1 });
  await data(ask("members-add", { user: "tg/7" }));
  await data(ask("members-add", { user: "tg/7", surface: "-100" }));
  expect(store.roles.of("tg", "7").map(({ surface }) => surface)).toEqual(["direct", "-100"]);
  await data(ask("roles-grant", { user: "tg/7", role: "admin" }));
  expect(await data(ask("members-remove", { user: "tg/7", surface: "-100" }))).toMatchObject({
    removed: [{ surface: "-100" }],
  });
  await data(ask("members-remove", { user: "tg/7" }));
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "admin" }]);
  expect(await ask("members-remove", { user: "tg/7" })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

test("users and dropped messages are shown with their ids", async () => {
  const { ask, store } = world();
  store.users.seen({ adapter: "tg", id: "7", name: "Ann", direct: "7", at: 1 });
  await data(ask("members-add", { user: "tg/7" }));
  expect(await data(ask("users-list"))).toMatchObject([{ id: "tg/7", name: "Ann", roles: ["member (direct)"] }]);
  expect(await data(ask("users-get", { id: "tg/7" }))).toMatchObject({ direct: "7" });
  expect(await ask("users-get", { id: "tg/8" })).toMatchObject({ ok: false, error: { code: "not-found" } });
  for (const at of [1, 2]) store.strangers.count({ adapter: "tg", user: "9", name: "Eve", reason: "strict", at });
  expect(await data(ask("dropped-messages-list"))).toMatchObject([{ user: "tg/9", count: 2, reason: "strict" }]);
});

test("questions are answered from the command line, once", async () => {
  const { ask, store, open } = world();
  const [admit, tool] = [open("admit"), open("tool")];
  expect(await data(ask("approvals-list", { state: "open" }))).toMatchObject([{ id: tool }, { id: admit }]);
  expect(await data(ask("approvals-show", { id: String(tool) }))).toMatchObject({
    arguments: '{"kind":"tool"}',
    call: null,
  });
  await data(ask("approvals-approve", { id: String(admit) }));
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "member", surface: "direct" }]);
  expect(await ask("approvals-deny", { id: String(admit) })).toMatchObject({
    ok: false,
    error: { code: "invalid-args" },
  });
  await data(ask("approvals-approve", { id: String(tool), for: "always" }));
  expect(await data(ask("approvals-rules"))).toMatchObject([{ id: 1, kind: "tool", user: "tg/7" }]);
  await data(ask("approvals-rules-remove", { id: "1" }));
  expect(await data(ask("approvals-rules"))).toEqual([] as never);
  for (const id of ["99", "x"])
    expect(await ask("approvals-approve", { id })).toMatchObject({ ok: false, error: { code: "not-found" } });
});

test("codes are made, listed without the code, and taken back", async () => {
  const { ask } = world();
  const made: { code: string } = await data(ask("pairings-create", { role: "admin", adapter: "tg" }));
  const listed: unknown[] = await data(ask("pairings-list"));
  expect(listed).toMatchObject([{ role: "admin", adapter: "tg" }]);
  expect(JSON.stringify(listed)).not.toContain(made.code);
  expect(await data(ask("pairings-clear"))).toEqual({ cleared: 1 } as never);
  expect(await data(ask("pairings-list"))).toEqual([] as never);
});

test("in a running instance everybody who waited for a question that expired hears of it", async () => {
  const { store } = world();
  const settled: number[] = [];
  const ask = (command: string, args: Record<string, unknown> = {}) =>
    createDispatch({
      resources: resources(() => ({
        ...store,
        adapters: () => adapters,
        settleQuestion: (id: number) => void settled.push(id),
      })),
      onError: (_command, error) => {
        throw error;
      },
    })({ id: "1", command, args }, { kind: "host" });
  const old = { createdAt: 1, expiresAt: 2, kind: "tool", arguments: "{}", hash: "h", text: "May I?" };
  const asked = { requester: { id: "7", name: "Ann" }, role: "admin" as const, agent: "main" };
  const origin = { adapter: "tg", conversation: { id: "7", kind: "direct" as const } };
  const [late, first] = [
    store.approvals.add({ ...old, ...asked, origin }),
    store.approvals.add({ ...old, ...asked, origin }),
  ];
  expect(await ask("approvals-approve", { id: String(late.id) })).toMatchObject({ ok: false });
  expect(settled).toEqual([late.id]);
  await data(ask("approvals-list"));
  expect(settled).toEqual([late.id, first.id]);
});
