// The gate: who comes in, where, and with which role.
import { expect, test } from "bun:test";
import { type Admission, admit, type Door, type Visitor } from "../../src/access/admission.ts";
import { atLeast, roles } from "../../src/access/roles.ts";
import type { Grant } from "../../src/store/roles.ts";

const direct = { id: "D1", kind: "direct" } as const;
const room = { id: "R1", kind: "shared" } as const;
const from = (id: string, more: Partial<Visitor> & { isBot?: boolean; name?: string } = {}): Visitor => {
  const { isBot = false, name = "owner", ...rest } = more;
  return { adapter: "tg", conversation: direct, sender: { id, name, isBot }, ...rest };
};
const grant = (role: Grant["role"], more: Partial<Grant> = {}): Grant => ({
  id: 1,
  adapter: "tg",
  user: "7",
  role,
  agent: "",
  surface: "*",
  givenBy: "",
  givenAt: 0,
  ...more,
});
const judge = (visitor: Visitor, door: Partial<Door> = {}, grants: readonly Grant[] = []): Admission =>
  admit(visitor, { door: { local: false, ...door }, agent: "main", grants: () => grants });
const roleOf = (admission: Admission) => (admission.admitted ? admission.role : "out");

test("SECURITY 2: nobody comes in unless a rule lets them, and an empty list lets in nobody", () => {
  expect(judge(from("1"))).toMatchObject({ admitted: false, why: "strict", ask: false });
  expect(judge(from("1"), { admins: [] })).toMatchObject({ admitted: false });
  expect(judge(from("1"), { dm: [] })).toMatchObject({ admitted: false });
  expect(judge(from("1"), { admins: ["11", "2"] })).toMatchObject({ admitted: false });
  expect(judge(from(""), { admins: [""], dm: [""], unknownSender: "public" })).toMatchObject({ admitted: false });
});

test("the machine's own user is the owner, a listed id an admin, a bot never anybody", () => {
  expect(judge(from("1000"), { local: true })).toEqual({ admitted: true, role: "owner" });
  expect(judge(from("2"), { admins: ["2"] })).toEqual({ admitted: true, role: "admin" });
  for (const unknownSender of ["strict", "request_approval", "public"] as const)
    expect(judge(from("2", { isBot: true }), { admins: ["2"], unknownSender }, [grant("owner")])).toMatchObject({
      admitted: false,
      why: "bot",
      ask: false,
    });
});

test("SECURITY 3: a name is nobody; the id alone counts", () => {
  expect(judge(from("57", { name: "2" }), { admins: ["2", "owner"] })).toMatchObject({ admitted: false });
  const refused = judge(from("57"));
  expect(refused.admitted ? "" : refused.reason).toContain("your id is 57");
});

test("SECURITY 6: what a member was given in a direct chat gives nothing in a shared room, nor the other way round", () => {
  const inDirect = [grant("member", { surface: "direct" })];
  const inRoom = [grant("member", { surface: "R1" })];
  const shared = { conversation: room };
  expect(roleOf(judge(from("7"), {}, inDirect))).toBe("member");
  expect(roleOf(judge(from("7", shared), {}, inDirect))).toBe("out");
  expect(roleOf(judge(from("7"), {}, inRoom))).toBe("out");
  expect(roleOf(judge(from("7", shared), {}, inRoom))).toBe("member");
  expect(roleOf(judge(from("7", { conversation: { id: "R2", kind: "shared" } }), {}, inRoom))).toBe("out");
  expect(roleOf(judge(from("7", { conversation: { id: "direct", kind: "shared" } }), {}, inRoom))).toBe("out");
  expect(roleOf(judge(from("7", shared), {}, [grant("member")]))).toBe("member");
});

test("owner and admin are that everywhere on the adapter, an admin of another agent is not", () => {
  for (const conversation of [direct, room])
    for (const role of ["owner", "admin"] as const)
      expect(roleOf(judge(from("7", { conversation }), {}, [grant(role, { surface: "direct" })]))).toBe(role);
  expect(roleOf(judge(from("7"), {}, [grant("admin", { agent: "other" })]))).toBe("out");
  expect(roleOf(judge(from("7"), {}, [grant("admin", { agent: "main" })]))).toBe("admin");
  expect(roleOf(judge(from("7"), { admins: ["7"] }, [grant("owner")]))).toBe("owner");
});

test("dm says who may write directly; owner and admins always may, and rooms are not concerned", () => {
  const member = [grant("member")];
  expect(roleOf(judge(from("7"), { dm: "everyone" }, member))).toBe("member");
  expect(judge(from("7"), { dm: "none" }, member)).toMatchObject({ admitted: false, why: "direct", ask: false });
  expect(judge(from("7"), { dm: ["8"] }, member)).toMatchObject({ admitted: false, why: "direct" });
  expect(roleOf(judge(from("7"), { dm: ["7"] }))).toBe("member");
  expect(roleOf(judge(from("7", { conversation: room }), { dm: ["7"] }))).toBe("out");
  expect(roleOf(judge(from("7", { conversation: room }), { dm: "none" }, member))).toBe("member");
  for (const role of ["owner", "admin"] as const)
    expect(roleOf(judge(from("7"), { dm: "none" }, [grant(role)]))).toBe(role);
  expect(roleOf(judge(from("7"), { dm: "none", admins: ["7"] }))).toBe("admin");
});

test("everyone means everyone who is known: a stranger stays one", () => {
  expect(judge(from("7"), { dm: "everyone", unknownSender: "strict" })).toMatchObject({ admitted: false, ask: false });
  expect(judge(from("7"), { dm: "everyone", unknownSender: "request_approval" })).toMatchObject({ ask: true });
  expect(judge(from("7"), { dm: "none", unknownSender: "request_approval" })).toMatchObject({ ask: false });
  expect(judge(from("7"), { dm: "everyone", unknownSender: "public" })).toEqual({ admitted: true, role: "none" });
  expect(judge(from("7"), { dm: ["8"], unknownSender: "public" })).toMatchObject({ admitted: false });
});

test("a role has all that the lower ones have", () => {
  for (const [at, role] of roles.entries())
    for (const [need, other] of roles.entries()) expect(atLeast(role, other)).toBe(at >= need);
});
