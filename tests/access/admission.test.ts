// The gate: who comes in, and with which role.
import { expect, test } from "bun:test";
import { admit } from "../../src/access/admission.ts";
import { atLeast, roles } from "../../src/access/roles.ts";

const from = (id: string, isBot = false) => ({ adapter: "tg", sender: { id, name: "owner", isBot } });

test("nobody comes in unless a rule lets them", () => {
  expect(admit(from("1"), { local: false })).toMatchObject({ admitted: false });
  expect(admit(from("1"), { local: false, admins: [] })).toMatchObject({ admitted: false });
  expect(admit(from("1"), { local: false, admins: ["11", "2"] })).toMatchObject({ admitted: false });
  expect(admit(from(""), { local: false, admins: [""] })).toMatchObject({ admitted: false });
});

test("the machine's own user is the owner, a listed id an admin, a bot never anybody", () => {
  expect(admit(from("1000"), { local: true })).toEqual({ admitted: true, role: "owner" });
  expect(admit(from("2"), { local: false, admins: ["2"] })).toEqual({ admitted: true, role: "admin" });
  expect(admit(from("2", true), { local: false, admins: ["2"] })).toMatchObject({ admitted: false });
});

test("a refusal names the id by which the owner can let them in", () => {
  const refused = admit(from("57"), { local: false });
  expect(refused.admitted ? "" : refused.reason).toContain('"57"');
});

test("a role has all that the lower ones have", () => {
  for (const [at, role] of roles.entries())
    for (const [need, other] of roles.entries()) expect(atLeast(role, other)).toBe(at >= need);
});
