// Who gets which vault in a turn: one at most, by place and requester, and nothing where there is doubt.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { VaultOwner } from "../../src/store/vaults.ts";
import { givenTo, modelKey, type TurnPlace } from "../../src/vault/given.ts";
import { ann, bob, bytesOf, createPlace, work } from "./place.ts";

let place: ReturnType<typeof createPlace>;
let vault: ReturnType<ReturnType<typeof createPlace>["open"]>;
beforeEach(() => {
  place = createPlace();
  vault = place.open();
});
afterEach(() => place[Symbol.dispose]());

const room: VaultOwner = { kind: "conversation", adapter: "tg", name: "-100" };
const keep = (owner: VaultOwner, text: string) =>
  vault.set(owner, { kind: "env", name: "WHO", bytes: bytesOf(text), by: "test" });
const turn = (change: Partial<TurnPlace> = {}): TurnPlace => ({
  adapter: "tg",
  requester: "57",
  conversation: "-100",
  guest: false,
  sandbox: { kind: "image", name: "debian" },
  ...change,
});
const who = (change: Partial<TurnPlace> = {}, injectOnHost = false) =>
  givenTo(vault, turn(change), { injectOnHost }).env.WHO;

test("binding of the room, its own, binding of the person, their own, nothing", async () => {
  expect(who()).toBeUndefined();
  await keep(ann, "value-of-ann");
  expect(who()).toBe("value-of-ann");
  await keep(work, "value-of-work");
  vault.bind(ann, work, "test");
  expect(who()).toBe("value-of-work");
  await keep(room, "value-of-room");
  expect(who()).toBe("value-of-room");
  const team: VaultOwner = { kind: "profile", adapter: "", name: "team" };
  await keep(team, "value-of-team");
  vault.bind(room, team, "test");
  expect(who()).toBe("value-of-team");
  // Elsewhere, and for others, none of it counts.
  expect(who({ conversation: "57" })).toBe("value-of-work");
  expect(who({ conversation: "58", requester: "58" })).toBeUndefined();
  expect(who({ conversation: "57", adapter: "tg2" })).toBeUndefined();
});

test("each requester gets their own, in the same room and for what they queued", async () => {
  await keep(ann, "value-of-ann");
  await keep(bob, "value-of-bob");
  expect([who(), who({ requester: "58" }), who({ requester: "59" })]).toEqual([
    "value-of-ann",
    "value-of-bob",
    undefined,
  ]);
  const [first, second] = [
    givenTo(vault, turn(), { injectOnHost: false }),
    givenTo(vault, turn({ requester: "58" }), { injectOnHost: false }),
  ];
  expect(first.vault).not.toBe(second.vault);
});

test("a binding to a profile without values hides what is the person's own", async () => {
  await keep(ann, "value-of-ann");
  vault.bind(ann, { kind: "profile", adapter: "", name: "empty" }, "test");
  expect(who()).toBeUndefined();
});

test("a container has its own alone, the host nothing unless settings say so, a guest nothing at all", async () => {
  await keep(ann, "value-of-ann");
  await keep({ kind: "container", adapter: "", name: "dev" }, "value-of-dev");
  expect(who({ sandbox: { kind: "container", name: "dev" } })).toBe("value-of-dev");
  expect(who({ sandbox: { kind: "container", name: "other" } })).toBeUndefined();
  expect(who({ sandbox: { kind: "host", name: "" } })).toBeUndefined();
  expect(who({ sandbox: { kind: "host", name: "" } }, true)).toBe("value-of-ann");
  await keep(room, "value-of-room");
  expect(who({ guest: true })).toBeUndefined();
  expect(who({ guest: true, sandbox: { kind: "container", name: "dev" } })).toBeUndefined();
});

test("a removed value and a changed binding count at the next turn", async () => {
  await keep(ann, "value-of-ann");
  expect(who()).toBe("value-of-ann");
  vault.remove(ann, { kind: "env", name: "WHO", forget: true });
  expect(who()).toBeUndefined();
  // It was used: a command that still runs may say it.
  expect(vault.secretValues()).toContain("value-of-ann");
});

test("what cannot be opened is withheld as a whole, with the reason", async () => {
  await keep(ann, "value-of-ann");
  await vault.set(ann, { kind: "env", name: "MORE", bytes: bytesOf("more-of-ann"), by: "test" });
  place.tamper("UPDATE vault_entries SET sealed = zeroblob(40) WHERE name = 'MORE'");
  vault = place.open();
  const locked = givenTo(vault, turn(), { injectOnHost: false });
  expect(locked).toMatchObject({ env: {}, files: [], notice: expect.stringContaining("not open yet") });
  await vault.open();
  const changed = givenTo(vault, turn(), { injectOnHost: false });
  expect(changed).toMatchObject({ env: {}, files: [], notice: expect.stringContaining("MORE of user tg/57") });
  expect(changed.vault).toBeUndefined();
});

test("a model's key: the requester's where it is asked for, then the instance's", async () => {
  const requester = { adapter: "tg", user: "57" };
  expect(modelKey(vault, { name: "WHO", requester })).toBeUndefined();
  await keep({ kind: "instance", adapter: "", name: "" }, "value-of-instance\n");
  expect(modelKey(vault, { name: "WHO", requester })).toBe("value-of-instance");
  await keep(ann, "value-of-ann");
  expect(modelKey(vault, { name: "WHO", requester })).toBe("value-of-ann");
  expect(modelKey(vault, { name: "WHO" })).toBe("value-of-instance");
  expect(modelKey(vault, { name: "OTHER", requester })).toBeUndefined();
  // Nothing of the instance's goes into a sandbox.
  expect(who({ requester: "58" })).toBeUndefined();
  vault = place.open();
  expect(() => modelKey(vault, { name: "WHO" })).toThrow("not open yet");
});
