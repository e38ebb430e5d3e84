// Approvals: one answer, by somebody who may at that moment, about exactly what was asked.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Answer, type Answering, createApprovals, type Question, storeKinds } from "../../src/access/approvals.ts";
import type { Role } from "../../src/access/roles.ts";
import { limits } from "../../src/core/limits.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";

let store: Store;
let now: number;
let desk: ReturnType<typeof createApprovals>;
beforeEach(() => {
  store = createStore(openStore(":memory:"));
  now = 1_000_000_000_000;
  const clock = { now: () => now };
  desk = createApprovals({
    store,
    clock,
    kinds: storeKinds(store, clock),
    redact: (text) => text.replace("hunter2", "***"),
  });
});
afterEach(() => store.close());

const question = (more: Partial<Question> = {}): Question => ({
  kind: "tool",
  arguments: { tool: "bash", input: { command: "ls" } },
  text: "May Ann run ls?",
  requester: { id: "7", name: "Ann" },
  origin: { adapter: "tg", conversation: { id: "R1", kind: "shared" } },
  role: "admin",
  agent: "main",
  answers: [{ answer: "once", label: "Allow" }],
  ...more,
});
const who = (role: Role, adapter = "tg"): Answering => ({
  by: { adapter, sender: { id: "1", name: "Boss" } },
  roleFor: () => role,
});
const answer = (id: number, by = who("owner"), what: Answer = "once") => desk.answer(id, { answer: what, who: by });

test("a button stands for the command that is said by pressing it", () => {
  const { id, choices } = desk.ask(question());
  expect(choices).toEqual([
    { value: `/approve ${id}`, label: "Allow" },
    { value: `/deny ${id}`, label: "Deny" },
  ]);
  expect(store.approvals.get(id)?.choices).toEqual([...choices]);
});

test("SECURITY 5 and 9: the right is looked up at the click; a foreign question and a missing one get the same words", () => {
  const { id } = desk.ask(question());
  const words = (n: number) => `There is no open question ${n} for you`;
  for (const role of ["none", "member"] as const) expect(answer(id, who(role))).toEqual({ ok: false, text: words(id) });
  expect(answer(id, who("admin", "slack"))).toEqual({ ok: false, text: words(id) });
  expect(answer(999, who("owner"))).toEqual({ ok: false, text: words(999) });
  expect(store.approvals.get(id)?.state).toBe("open");
  expect(answer(id, who("admin")).ok).toBe(true);
  expect(answer(id, who("member"))).toEqual({ ok: false, text: words(id) });
});

test("an owner may answer from another adapter, and the machine's own user may", () => {
  expect(answer(desk.ask(question()).id, who("owner", "slack")).ok).toBe(true);
  const host = { by: { host: true } as const, roleFor: () => "owner" as const };
  expect(desk.answer(desk.ask(question()).id, { answer: "deny", who: host }).ok).toBe(true);
});

test("of two clicks one counts, and the second is told who was first", () => {
  const { id } = desk.ask(question());
  expect(answer(id, who("owner"), "deny").ok).toBe(true);
  now += 60_000;
  expect(answer(id, who("admin"))).toEqual({ ok: false, text: `Question ${id} was denied by Boss (id 1) 1m ago` });
  expect(store.approvals.get(id)).toMatchObject({ state: "denied", choice: "deny" });
});

test("a question is open for a day, also when nobody swept", () => {
  const { id } = desk.ask(question());
  now += limits.approvalMs - 1;
  expect(desk.expire()).toEqual([]);
  now += 1;
  expect(answer(id)).toMatchObject({ ok: false, text: expect.stringContaining("has expired") as string });
  expect(store.approvals.get(id)?.state).toBe("expired");
});

test("SECURITY 19: always makes a rule for the very same and nothing else", () => {
  const asked = desk.ask(question());
  expect(answer(asked.id, who("owner"), "always").ok).toBe(true);
  const key = { kind: "tool", agent: "main", adapter: "tg", user: "7" };
  expect(store.rules.find({ ...key, hash: desk.hashOf({ input: { command: "ls" }, tool: "bash" }) })).toBeDefined();
  expect(store.rules.find({ ...key, hash: desk.hashOf({ tool: "bash", input: { command: "ls " } }) })).toBeUndefined();
  expect(store.rules.find({ ...key, user: "8", hash: asked.hash })).toBeUndefined();
  expect(store.rules.remove(store.rules.list()[0]?.id ?? 0)).toBe(true);
  expect(store.rules.find({ ...key, hash: asked.hash })).toBeUndefined();
});

test("letting a stranger in gives a member, where they asked, and takes no other answer", () => {
  const admit = question({ kind: "admit", arguments: { user: "7" } });
  const inRoom = desk.ask(admit);
  for (const other of ["session", "always"] as const) expect(answer(inRoom.id, who("owner"), other).ok).toBe(false);
  expect(answer(inRoom.id).ok).toBe(true);
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "member", surface: "R1" }]);
  const refused = desk.ask({ ...admit, requester: { id: "8", name: "Bob" } });
  answer(refused.id, who("owner"), "deny");
  expect(store.roles.of("tg", "8")).toEqual([]);
});

test("SECURITY 4: an admin of one agent lets a stranger in for that agent alone", () => {
  const admit = question({ kind: "admit", arguments: { user: "7" }, agent: "cook" });
  const limited = { ...who("admin"), roleFor: (agent: string): Role => (agent === "cook" ? "admin" : "member") };
  expect(answer(desk.ask(admit).id, limited).ok).toBe(true);
  expect(store.roles.of("tg", "7")).toMatchObject([{ role: "member", surface: "R1", agent: "cook" }]);
  expect(answer(desk.ask({ ...admit, requester: { id: "8", name: "Bob" } }).id, who("admin")).ok).toBe(true);
  expect(store.roles.of("tg", "8")).toMatchObject([{ role: "member", surface: "R1", agent: "" }]);
});

test("a kind that this program does not know is not answered", () => {
  const { id } = desk.ask(question({ kind: "strange" }));
  expect(answer(id)).toMatchObject({ ok: false });
  expect(store.approvals.get(id)?.state).toBe("open");
});

test("secrets in the arguments are not stored; what was asked is known by its hash", () => {
  const exact = { input: "hunter2" };
  const asked = desk.ask(question({ arguments: exact }));
  expect(asked.arguments).toBe('{"input":"***"}');
  expect(asked.hash).toBe(desk.hashOf(exact));
});
