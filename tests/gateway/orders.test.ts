// The chat commands one by one, with what people write wrong.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { createWorld, direct, message, posted, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

/** The answer to a command in the direct chat of an admin. */
async function tell(text: string, change = {}): Promise<string> {
  const receipt = await world.now.send(direct(text, change));
  if (receipt.state === "refused") return receipt.reason;
  return receipt.state === "done" ? (receipt.answer?.markdown ?? "") : receipt.state;
}

const buttons = () => (world.now.world.said.at(-1)?.outgoing.choices ?? []).map(({ value }) => value);
const member = { sender: { id: "5", name: "eve" } };

test("start welcomes, and help shows what the caller may use", async () => {
  const welcome = await world.now.send(posted("/start"));
  expect(welcome).toMatchObject({ answer: { markdown: expect.stringContaining("Hello, I am your agent") } });
  expect(buttons()).toEqual(["/help", "/status"]);
  const admins = await tell("/help");
  const members = await tell("/help", member);
  expect(admins).toContain("/auto-reply");
  expect(admins).not.toContain("/confirm");
  expect(admins).not.toContain("/start");
  expect(members).not.toContain("/model");
  expect(members).toContain("/macro");
});

test("what a person may not use says for whom it is, with their id", async () => {
  expect(await tell("/model", member)).toBe("/model is for the owner and admins; your id here is 5");
  expect(await tell("/agent cook", member)).toContain("your id here is 5");
});

test("every button stands for a command that there is", async () => {
  const { send, quiet, world: fake } = world.now;
  await send(direct("work"));
  await quiet();
  for (const line of [
    "/start",
    "/new",
    "/status",
    "/sessions",
    "/switch",
    "/agent",
    "/queue mode",
    "/option",
    "/plan on",
    "/batch start",
    "/macro save a b",
    "/macro",
    "/reset",
  ])
    await send(direct(line));
  const values = fake.said.flatMap(({ outgoing }) => outgoing.choices ?? []).map(({ value }) => value);
  expect(values.length).toBeGreaterThan(15);
  for (const value of values) expect((await send(direct(value))).state).toMatch(/done|waiting/);
  await quiet();
});

test("what somebody wrote is no markup where the program shows it", async () => {
  const { send, quiet } = world.now;
  await send(direct("[Pair again](https://evil.example) **now** `x`"));
  await quiet();
  const shown = "\\[Pair again\\](https://evil.example) \\*\\*now\\*\\* \\`x\\`";
  for (const command of ["/sessions", "/status", "/switch S001"]) expect(await tell(command)).toContain(shown);
});

describe("sessions", () => {
  test("the way back from a new one, by the list and by a bare switch", async () => {
    const { send, quiet } = world.now;
    await send(direct("work"));
    await quiet();
    expect(await tell("/new")).toContain("`/switch S001` goes back");
    await tell("/sessions");
    expect(buttons()).toEqual(["/switch S001"]);
    await tell("/switch");
    expect(buttons()).toEqual(["/switch S001"]);
    expect(await tell("/switch S001")).toBe("This chat now leads to S001: work.");
    for (const bad of ["S999", "abc", "-1", "S001 S002"])
      expect(await tell(`/switch ${bad}`)).toContain("there is none");
  });
  test("one of another conversation is not there for anybody but the owner", async () => {
    const { send, quiet } = world.now;
    await send(direct("private", member));
    await quiet();
    expect(await tell("/switch S001")).toContain("there is none");
    expect(await tell("/sessions")).toContain("There are no sessions yet");
    const receipt = await send(message("/switch S001"));
    expect(receipt).toMatchObject({ answer: { markdown: "This chat now leads to S001: private." } });
  });
  test("the top of a group has no session of its own to renew", async () => {
    const { send } = world.now;
    expect(await send(posted("/new"))).toMatchObject({
      answer: { markdown: expect.stringContaining("begins a session") },
    });
    expect(world.now.store.sessions.list()).toEqual([]);
  });
});

test("option shows and sets, within its bounds", async () => {
  expect(await tell("/option")).toContain("`queue` is `steer`");
  expect(await tell("/option nonsense")).toContain('There is no option "nonsense"');
  expect(await tell("/option queue sideways")).toContain("steer, followup, collect, interrupt");
  for (const bad of ["", "9", "abc", "-5", "1e3", "999999"])
    expect(await tell(`/option timeout ${bad}`)).toContain("10 to 86400 seconds");
  expect(await tell("/option timeout 120")).toContain("120 seconds");
  expect(await tell("/option queue collect")).toContain("become one together");
  expect(world.now.store.sessions.get(1)?.options).toEqual({ queue: "collect", timeoutSeconds: 120 });
  await tell("/option timeout off");
  expect(world.now.store.sessions.get(1)?.options).toEqual({ queue: "collect" });
});

test("a turn ends at the session's own time limit", async () => {
  const { send, store, world: fake } = world.now;
  await send(direct("/option timeout 10"));
  store.sessions.set(1, { options: { timeoutSeconds: 1 } });
  fake.script = async function* (turn) {
    yield { type: "started", resumed: false };
    await new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
  };
  await send(direct("slow"));
  await until(() => store.turns.list()[0]?.state === "failed");
  expect(store.turns.list()[0]?.error?.message).toContain("limit of 1 seconds");
});

test("plan mode is turned on, with steps, and off", async () => {
  expect(await tell("/plan off")).toBe("Plan mode is off.");
  for (const bad of ["0", "11", "maybe", "5 6"]) expect(await tell(`/plan ${bad}`)).toContain("1 to 10");
  expect(await tell("/plan 3")).toContain("3 steps");
  expect(world.now.store.sessions.get(1)?.options.plan).toEqual({ steps: 3 });
  expect(await tell("/plan")).toContain("Plan mode is on");
  expect(buttons()).toEqual(["/plan off"]);
  await tell("/plan off");
  expect(world.now.store.sessions.get(1)?.options).toEqual({});
});

describe("batch", () => {
  test.each([
    ["/new", "S002", true],
    ["/reset", "S001", true],
    ["/switch S001", "S001", false],
  ])("%s says where an open batch stays, and how it is sent", async (command, said, left) => {
    await tell("/batch start");
    await world.now.send(direct("one"));
    await world.now.send(direct("two"));
    const answer = await tell(command);
    expect(answer).toContain(said);
    expect(answer.includes("2 messages stays in S001: `/switch S001`, then `/batch send`.")).toBe(left);
    await tell("/switch S001");
    expect(await tell("/batch send")).toBe("Sent: 2 messages.");
  });
  test("a batch stays behind at /switch as well, and one without messages is told too", async () => {
    await world.now.send(direct("work"));
    await world.now.quiet();
    await tell("/new");
    await world.now.send(direct("more work"));
    await world.now.quiet();
    await tell("/batch start");
    expect(await tell("/switch S001")).toContain("No batch is open here any more.");
    expect(await tell("/switch S002")).not.toContain("batch");
    await world.now.send(direct("one"));
    const answer = await tell("/switch S001");
    expect(answer).toContain("An open batch with 1 message stays in S002: `/switch S002`, then `/batch send`.");
  });
  test("several messages become one turn", async () => {
    const { send, quiet, store, gateway } = world.now;
    expect(await tell("/batch send")).toContain("No batch is open");
    await tell("/batch start");
    expect(await tell("/batch send")).toContain("empty");
    for (const text of ["one", "two", "three"]) expect((await send(direct(text))).state).toBe("context");
    expect(await tell("/batch")).toBe("Your batch has 3 messages.");
    expect(await tell("/batch sned")).toContain("/batch send");
    expect(gateway.running()).toHaveLength(0);
    expect(await tell("/batch send")).toBe("Sent: 3 messages.");
    await quiet();
    expect(store.turns.list()).toHaveLength(1);
    expect(store.inputs.ofTurn(1, 9)).toHaveLength(3);
    expect((await send(direct("four"))).state).toBe("waiting");
    await quiet();
  });
  test("at the top of a group too, where each would have a session of its own; others go on as ever", async () => {
    const { send, quiet, store } = world.now;
    await send(posted("/batch start"));
    await send(posted("one"));
    await send(posted("two"));
    await send(posted("theirs", { sender: { id: "2", name: "bob" } }));
    await quiet();
    await send(posted("/batch send"));
    await quiet();
    expect(store.turns.list().map(({ requester, id }) => [requester.id, store.inputs.ofTurn(id, 9).length])).toEqual([
      ["1", 2],
      ["2", 1],
    ]);
  });
  test("is dropped by cancel, and has an end", async () => {
    const { send, store } = world.now;
    await tell("/batch start");
    for (let n = 0; n < limits.batchMax; n++) await send(direct(`m${n}`));
    expect(await send(direct("too many"))).toMatchObject({ state: "refused" });
    expect(await tell("/batch cancel")).toContain(`${limits.batchMax} messages`);
    expect(store.inputs.held(1, 100)).toEqual([]);
    expect(store.sessions.get(1)?.options).toEqual({});
  });
});

describe("macro", () => {
  test("is saved, said by its name with more behind it, listed and removed", async () => {
    const { send, quiet, store } = world.now;
    expect(await tell("/macro")).toContain("You have no macros");
    expect(await tell("/macro save 번역 Translate this:")).toContain("/macro 번역");
    expect((await send(direct("/macro 번역 good night"))).state).toBe("waiting");
    await quiet();
    const [input] = store.inputs.ofTurn(1, 9);
    expect(input?.inbound).toMatchObject({ kind: "message", text: "Translate this:\n\ngood night" });
    await tell("/macro list");
    expect(buttons()).toEqual(["/macro run 번역"]);
    expect(await tell("/macro remove 번역")).toBe("Removed `번역`.");
    expect(await tell("/macro 번역")).toContain("You have no macro");
  });
  test("is the person's own, once over", async () => {
    const { send, quiet, store } = world.now;
    await tell("/macro save x do it");
    expect(await tell("/macro x", member)).toContain("You have no macro");
    const once = direct("/macro x");
    await send(once);
    await quiet();
    expect((await send(once)).state).toBe("duplicate");
    expect(store.turns.list()).toHaveLength(1);
  });
  test("bad names and texts are refused in words", async () => {
    for (const bad of [
      "save",
      "save x",
      "save list text",
      "save a/b text",
      `save ${"n".repeat(40)} text`,
      `save x ${"t".repeat(5_000)}`,
      "remove",
      "run",
    ])
      expect(await tell(`/macro ${bad}`)).toMatch(/saves one|cannot be a macro's name|may have 4000|no macro/);
    for (let n = 0; n < limits.macrosMax; n++) await tell(`/macro save m${n} text`);
    expect(await tell("/macro save more text")).toContain("makes room");
    expect(await tell("/macro save m1 other")).toContain("Saved");
  });
});

describe("agent", () => {
  test("the one that an admin chose cannot be gone around by a switch", async () => {
    const { send, quiet, store } = world.now;
    const grant = { adapter: "tg", user: "8", role: "member", agent: "", surface: "-100" } as const;
    store.roles.give({ ...grant, givenBy: "test", givenAt: 1 });
    await send(posted("with main"));
    await quiet();
    await send(posted("/agent cook"));
    const asks = (text: string) => send(posted(text, { sender: { id: "8", name: "Mo" } }));
    expect(await asks("/switch S001")).toMatchObject({
      answer: { markdown: expect.stringContaining("there is none") },
    });
    expect(await asks("/sessions")).toMatchObject({ answer: { markdown: expect.stringContaining("no sessions yet") } });
  });
  test("another one answers in this conversation, and in no other", async () => {
    const { send, quiet, store } = world.now;
    expect(await tell("/agent")).toContain("There are also: cook");
    expect(buttons()).toEqual(["/agent cook"]);
    expect(await tell("/agent chef")).toContain('no agent "chef"');
    expect(await tell("/agent cook")).toContain("answers here from now on");
    expect(await tell("/agent cook")).toContain("already");
    await send(direct("soup"));
    await send(posted("elsewhere"));
    await quiet();
    expect(
      store.turns
        .list()
        .map(({ agent }) => agent)
        .sort(),
    ).toEqual(["cook", "main"]);
  });
});

describe("resend", () => {
  test("the newest that did not arrive, one by its number, else the last answer", async () => {
    const { send, quiet, store, world: fake } = world.now;
    expect(await tell("/resend")).toContain("nothing here");
    expect(await tell("/resend x")).toContain("/resend 12");
    await send(direct("work"));
    await quiet();
    expect(await tell("/resend")).toBe("fine");
    const failed = fake.said[0]?.id ?? 0;
    store.deliveries.settle(failed, { fate: "failed", error: "x" });
    expect(await tell("/resend")).toBe(`Message ${failed} is sent again.`);
    expect(await tell(`/resend #${failed}`)).toContain("sent again");
    expect(await tell("/resend 9999")).toContain("no message 9999 here");
    expect(fake.again.map(({ id }) => id)).toEqual([failed, failed, 9999]);
  });
});

test("auto-reply is for groups, and its rules have an end", async () => {
  const { send } = world.now;
  expect(await tell("/auto-reply on")).toContain("for groups");
  const group = async (text: string) => {
    const receipt = await send(posted(text));
    return receipt.state === "done" ? (receipt.answer?.markdown ?? "") : receipt.state;
  };
  expect(await group("/auto-reply")).toContain("is off");
  expect(await group("/auto-reply maybe")).toContain("/auto-reply on");
  expect(await group(`/auto-reply on ${"r".repeat(3_000)}`)).toContain("2000 characters");
  expect(await group("/auto-reply on tea")).toContain("“tea”");
  expect(await group("/auto-reply status")).toContain("“tea”");
  expect(await group("/auto-reply off")).toContain("is off");
});

test("secret-help says what to do, and never asks for one in the chat", async () => {
  const text = await tell("/secret-help");
  expect(text).toContain("Never write a secret");
  expect(text).toContain("void the old one");
  expect(text).toContain("remoteagent vault set NAME");
});
