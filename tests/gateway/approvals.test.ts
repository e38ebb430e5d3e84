// Permits and waiting turns with the native harness: grants are recorded, questions survive restarts.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import type { KnownDoor } from "../../src/gateway/questions/reach.ts";
import { createNativeHarness } from "../../src/harness/native/index.ts";
import type { Approval } from "../../src/store/approvals.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { type Tool, textResult } from "../../src/tools/tool.ts";
import { answers, type FakeCall, noteTool, type Step, scriptedModels, tool } from "../harness/fakes.ts";
import { answer, createWorld, direct, memoryLog, message, posted, until } from "./fixture.ts";

const folders = { workspace: "/", writable: [], readable: [], folders: [], cwd: "/w", home: "/h" };
const request = { agent: "main", requester: "0", session: 1, ...folders };

let world: ReturnType<typeof createWorld>;
let door: KnownDoor;
let now: number;
let steps: Step[];
let starts: string[];
let isolation: "none" | "bubblewrap";
let cwd: string;
let models: ReturnType<typeof scriptedModels>;
let tools: Tool[];
const clock = { ...systemClock, now: () => now };

const makeWorld = (timeoutMs?: number, more: { turnsParallelMax?: number } = {}) => {
  const log = memoryLog();
  models = scriptedModels(steps);
  return createWorld({
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    more: {
      clock,
      door: (adapter) => (adapter === "terminal" ? { local: true, directIsUser: false } : door),
      harness: async () => createNativeHarness({ models, clock, log, timeZone: "UTC" }),
      openSandbox: async () => sandbox(),
      setting: async () => ({
        request,
        system: async () => "You are a test",
        tools,
      }),
      ...more,
    },
  });
};
const sandbox = () => ({
  kind: "fake",
  root: "/workspace",
  cwd,
  generation: 1,
  isolation,
  spawn: () => Promise.reject(new Error("Nothing is spawned here")),
  files: {
    read: () => Promise.reject(new Error("No files here")),
    write: () => Promise.reject(new Error("No files here")),
    list: () => Promise.resolve([]),
  },
  kill: async () => ({ killed: [], survivors: [] }),
  close: () => Promise.resolve(),
});

beforeEach(() => {
  now = Date.now();
  door = { local: false, directIsUser: true, admins: ["1"], dm: "everyone", unknownSender: "strict" };
  [isolation, cwd] = ["none", "/workspace/scratch"];
  steps = [];
  starts = [];
  const lasting = tool("remember", async () => textResult("kept"));
  tools = [
    { ...noteTool(starts), effect: "inside", outlasts: (input) => JSON.stringify(input).includes("server") },
    { ...lasting, effect: "lasting" },
    tool("look", async () => textResult("seen")),
  ];
  world = makeWorld();
});
afterEach(async () => {
  await world.remove();
});

const call = (text: string, id = `c${text}`): FakeCall => ({ id, name: "note", arguments: { text } });
const script = (...texts: string[]) => steps.push(...texts.map((text) => answers("", [call(text)])), answers("done"));
const state = (turn = 1) => world.now.store.turns.get(turn)?.state;
const waits = (turn = 1) => until(() => state(turn) === "waiting");
const ended = (turn = 1) => until(() => world.now.store.turns.get(turn)?.endedAt != null);
const results = (turn = 1) =>
  world.now.store.turns
    .events(turn)
    .flatMap(({ event }) => (event.type === "tool" && event.step === "end" ? [event.text] : []));
const says = (text: string, id = "1") => world.now.send(direct(text, { sender: { id, name: `N${id}` }, sentAt: now }));
const member = (id: string, surface = "direct") =>
  world.now.store.roles.give({
    adapter: "tg",
    user: id,
    role: "member",
    agent: "",
    surface,
    givenBy: "test",
    givenAt: 1,
  });
const revoked = (role: number) => {
  world.now.store.roles.revoke(role);
  return textResult("revoked");
};
const rows = (automatic = true) => world.now.store.approvals.list({ automatic });
const crash = () => {
  const next = world.crash((turn) => answer(turn, "not used"));
  next.gateway.resume(false);
  return next;
};

describe("grants", () => {
  test("with isolation one row for session, requester and tools is recorded, and nobody is asked", async () => {
    isolation = "bubblewrap";
    member("7");
    steps.push(
      answers("", [call("a"), call("b")]),
      answers("", [call("c")]),
      answers("done"),
      answers("", [call("d")]),
      answers("done"),
    );
    await says("go", "7");
    await ended();
    await says("more", "7");
    await ended(2);
    expect(starts).toEqual(["a", "b", "c", "d"]);
    expect(rows()).toMatchObject([
      { kind: "tools", state: "allowed", choice: "automatic", requester: { id: "7" }, session: 1 },
    ]);
    expect(rows(false)).toEqual([]);
  });

  test("the owner at the terminal is not asked; another person in the same session has a row of their own", async () => {
    script("a");
    await world.now.send(message("go"));
    await ended();
    expect(starts).toEqual(["a"]);
    expect(rows()).toMatchObject([{ choice: "automatic", arguments: expect.stringContaining('"owner"') as string }]);
  });

  test("a tool that only looks needs no grant where something isolates it, and none of the owner's", async () => {
    const looks = () => steps.push(answers("", [{ id: "l", name: "look", arguments: {} }]), answers("done"));
    looks();
    await world.now.send(message("go"));
    await ended();
    isolation = "bubblewrap";
    looks();
    await says("go");
    await ended(2);
    expect([results(), results(2), rows()]).toEqual([["seen"], ["seen"], []]);
  });

  test("SECURITY 5: who is not let in any more does not look either, in a turn that began before", async () => {
    isolation = "bubblewrap";
    const { id } = member("7");
    steps.push(answers("", [call("a")]), answers("", [{ id: "l", name: "look", arguments: {} }]), answers("done"));
    tools[0] = { ...noteTool(starts), effect: "inside", run: async () => revoked(id) };
    await says("go", "7");
    await ended();
    expect(results()).toEqual(["revoked", expect.stringContaining("may not use this agent any more")]);
  });

  test("without isolation a look reaches everything, so that others are asked and guests refused", async () => {
    member("7");
    const look = answers("", [{ id: "l", name: "look", arguments: {} }]);
    steps.push(look, look, answers("done"));
    await says("go", "7");
    await waits();
    expect([results(), rows(false)]).toMatchObject([[], [{ kind: "tool", requester: { id: "7" }, state: "open" }]]);
    door.unknownSender = "public";
    await says("go", "99");
    await ended(2);
    expect(results(2)[0]).toContain("guests");
  });

  test("a guest has no tools without isolation, and nothing that lasts with it; nobody is asked", async () => {
    door.unknownSender = "public";
    steps.push(answers("", [call("a")]), answers("done"));
    await says("go", "99");
    await ended();
    isolation = "bubblewrap";
    const remember = { id: "r", name: "remember", arguments: {} };
    steps.push(answers("", [call("b"), call("server"), remember]), answers("done"));
    await says("go", "99");
    await ended(2);
    expect(starts).toEqual(["b"]);
    expect(results()[0]).toContain("guests");
    expect(results(2).some((text) => text.includes("not for guests"))).toBe(true);
    expect(results(2).some((text) => text.includes("ends with the turn"))).toBe(true);
  });
});

describe("a question", () => {
  test("has no buttons where only somebody is who may not answer it", async () => {
    member("3");
    script("a");
    await says("go", "3");
    await waits();
    const [asked] = world.now.events("ask");
    expect(asked?.event).toMatchObject({ choices: [], text: expect.stringContaining("An admin was asked") as string });
    await says("/approve 1", "1");
    await ended();
    expect(starts).toHaveLength(1);
  });
  test("is stored with its event, waits without a limit of its own, and the call runs as whoever asked", async () => {
    await world.remove();
    world = makeWorld(60);
    script("a");
    await says("go");
    await waits();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(state()).toBe("waiting");
    expect(world.now.gateway.running()[0]?.doing()).toBe("waiting for an answer");
    const [asked] = world.now.events("ask");
    expect(asked?.event).toMatchObject({
      approval: 1,
      choices: [
        { value: "/approve 1" },
        { value: "/approve 1 session" },
        { value: "/approve 1 always" },
        { value: "/deny 1" },
      ],
    });
    expect(world.now.store.turns.events(1).filter(({ event }) => event.type === "ask")).toHaveLength(1);
    expect(starts).toEqual([]);
    await says("/approve 1");
    await ended();
    expect([starts, state()]).toEqual([["a"], "done"]);
  });

  test("that is denied is told to the model, and the call does not run", async () => {
    script("a");
    await says("go");
    await waits();
    await says("/deny 1");
    await ended();
    expect([starts, state()]).toEqual([[], "done"]);
    expect(results()[0]).toContain("Denied by N1 (id 1)");
  });

  test("shows the exact call, with nothing in it that could hide", async () => {
    script("x\u202e```\n**y**");
    await says("go");
    await waits();
    const text = rows()[0]?.text ?? "";
    expect(text).toContain("\\u{202e}");
    expect(text).toContain("````\n{");
    expect(text).toContain("without isolation");
  });

  test("says who asks by the id that counts, whatever somebody calls themselves", async () => {
    member("7");
    script("x");
    const name = "Ann (id 1)** said\n[go](e.example) \\`";
    await world.now.send(direct("go", { sender: { id: "7", name }, sentAt: now }));
    await waits();
    expect(rows()[0]?.text.split("\n")[0]).toStartWith("**Ann id 1 said goe example (id 7)** wants to run");
  });

  test("of a member goes to those who decide, and the member cannot answer it", async () => {
    world.now.store.roles.give({
      adapter: "tg",
      user: "5",
      role: "owner",
      agent: "",
      surface: "*",
      givenBy: "t",
      givenAt: 1,
    });
    member("7");
    script("a");
    await says("go", "7");
    await waits();
    const cards = world.now.world.said.filter(({ outgoing }) => outgoing.choices?.length === 4);
    expect(cards.map(({ target }) => target.conversation.id)).toEqual(["5"]);
    await says("/approve 1", "7");
    expect(world.now.said().at(-1)).toBe("There is no open question 1 for you.");
    expect(starts).toEqual([]);
    await says("/approve 1", "5");
    await ended();
    expect(starts).toEqual(["a"]);
  });

  test("later inputs wait behind it, and other sessions do not", async () => {
    await world.remove();
    world = makeWorld(undefined, { turnsParallelMax: 1 });
    steps.push(answers("", [call("a")]), answers("other"), answers("done"), answers("later"));
    await says("go");
    await waits();
    await world.now.send(message("elsewhere"));
    await ended(2);
    await says("behind");
    expect([state(), world.now.store.inputs.waitingCount(1)]).toEqual(["waiting", 1]);
    await says("/approve 1");
    await ended();
    await world.now.quiet();
    const taken = world.now.store.turns.events(1).flatMap(({ event }) => (event.type === "taken" ? [event.text] : []));
    expect(taken).toEqual(["go", "behind"]);
  });

  test("SECURITY 19: allowed for the session is allowed for the very same call there, always also elsewhere", async () => {
    script("a", "a", "b");
    await says("go");
    await waits();
    await says("/approve 1 session");
    await until(() => rows(false).length === 2);
    expect(starts).toEqual(["a", "a"]);
    await says("/approve 2 always");
    await ended();
    script("b");
    await world.now.send(posted("@agent go"));
    await ended(2);
    expect(starts).toEqual(["a", "a", "b", "b"]);
    expect(rows().filter(({ kind, choice }) => kind === "tool" && choice === "automatic")).toHaveLength(1);
    world.now.store.rules.remove(1);
    script("b");
    await world.now.send(posted("@agent again"));
    await waits(3);
  });

  test("SECURITY 5: whoever lost their role while it was open runs nothing", async () => {
    const { id } = member("7");
    script("a");
    await says("go", "7");
    await waits();
    world.now.store.roles.revoke(id);
    await says("/approve 1");
    await ended();
    expect(starts).toEqual([]);
    expect(results()[0]).toContain("may not use this agent any more");
  });

  test("races: two clicks at once, one counts, and the call runs once", async () => {
    script("a");
    await says("go");
    await waits();
    await Promise.all([says("/approve 1"), says("/deny 1"), says("/approve 1 always")]);
    await ended();
    expect(starts).toEqual(["a"]);
    expect(world.now.said().filter((text) => text.includes("was allowed by"))).toHaveLength(2);
  });

  test("several at once: the turn waits for the last of them", async () => {
    steps.push(answers("", [call("a"), call("b")]), answers("done"));
    await says("go");
    await until(() => rows().length === 2);
    await says("/approve 1");
    await until(() => starts.length === 1);
    expect(state()).toBe("waiting");
    await says("/deny 2");
    await ended();
    expect(starts).toEqual(["a"]);
  });

  test("that nobody answers in a day expires, and the model is told", async () => {
    script("a");
    await says("go");
    await waits();
    now += limits.approvalMs;
    world.now.gateway.expireQuestions();
    await ended();
    expect(starts).toEqual([]);
    expect(results()[0]).toContain("nobody answered");
    await says("/approve 1");
    expect(world.now.said().at(-1)).toContain("has expired");
  });

  test("that is answered too late, before anybody looked, ends for its turn as well", async () => {
    script("a");
    await says("go");
    await waits();
    now += limits.approvalMs;
    await says("/approve 1");
    expect(world.now.said().at(-1)).toContain("has expired");
    await ended();
    expect([starts, results()[0]]).toEqual([[], expect.stringContaining("nobody answered") as string]);
  });

  test("whose time is over ends for its turn although another one is answered first", async () => {
    script("a");
    await says("go");
    await waits();
    now += limits.approvalMs;
    const { store, gateway } = world.now;
    const {
      id: _id,
      state: _state,
      choices: _choices,
      turn: _turn,
      call: _call,
      session: _session,
      ...same
    } = store.approvals.get(1) as Approval;
    const other = store.approvals.add({ ...same, createdAt: now, expiresAt: now + limits.approvalMs });
    await says(`/approve ${other.id}`);
    expect(store.approvals.get(other.id)?.state).toBe("allowed");
    gateway.expireQuestions();
    await ended();
    expect([starts, state()]).toEqual([[], "done"]);
  });

  test("is void when the turn is stopped", async () => {
    script("a");
    await says("go");
    await waits();
    await says("/stop");
    expect([state(), rows()[0]?.state]).toEqual(["stopped", "void"]);
    await says("/approve 1");
    expect(world.now.said().at(-1)).toContain("is void");
    expect(starts).toEqual([]);
  });
});

describe("a restart", () => {
  test("leaves a waiting turn alone; the answer has it go on with the stored call, and no attempt is counted", async () => {
    script("a");
    await says("go");
    await waits();
    for (let n = 0; n < 4; n++) crash();
    expect([state(), world.now.store.turns.get(1)?.attempts, rows()[0]?.state]).toEqual(["waiting", 1, "open"]);
    await says("behind");
    expect(world.now.store.turns.list()).toHaveLength(1);
    await says("/approve 1");
    await ended();
    expect([starts, state(), world.now.store.turns.get(1)?.attempts]).toEqual([["a"], "done", 1]);
    expect(results()).toEqual(["noted a"]);
    expect(world.now.store.turns.events(1).filter(({ event }) => event.type === "ask")).toHaveLength(1);
  });

  test("an answer that came while nobody ran, or a denial, is acted on at the start", async () => {
    script("a");
    await says("go");
    await waits();
    world.now.store.approvals.answer(1, { choice: "deny", by: { host: true }, at: now });
    crash();
    await ended();
    expect([starts, state()]).toEqual([[], "done"]);
    expect(results()[0]).toContain("Denied by the command line");
  });

  test("SECURITY 19: a call that would run in another folder than was allowed is asked about again", async () => {
    script("a");
    await says("go");
    await waits();
    cwd = "/elsewhere";
    world.now.store.approvals.answer(1, { choice: "once", by: { host: true }, at: now });
    crash();
    await until(() => rows(false).length === 2);
    expect(starts).toEqual([]);
  });

  test("one that expired meanwhile ends with a sentence", async () => {
    script("a");
    await says("go");
    await waits();
    now += limits.approvalMs;
    crash();
    await ended();
    expect([starts, state(), rows()[0]?.state]).toEqual([[], "done", "expired"]);
  });

  test("a stop ends a turn that waits and does not run", async () => {
    script("a");
    await says("go");
    await waits();
    crash();
    await says("/stop");
    expect([state(), rows()[0]?.state]).toEqual(["stopped", "void"]);
    expect(world.now.said().at(-1)).toContain("Stopped.");
    steps.push(answers("fresh"));
    await says("next");
    await ended(2);
    expect(state(2)).toBe("done");
  });

  test("an orderly stop does not wait for it, and stores nothing of the call", async () => {
    script("a");
    await says("go");
    await waits();
    const before = performance.now();
    await world.now.gateway.close(60_000);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect([state(), results(), rows()[0]?.state]).toEqual(["waiting", [], "open"]);
    crash();
    await says("/approve 1");
    await ended();
    expect(starts).toEqual(["a"]);
  });

  test("of two open calls of an answer it waits for both, and each runs once", async () => {
    steps.push(answers("", [call("a"), call("b")]), answers("done"));
    await says("go");
    await until(() => rows().length === 2);
    crash();
    await says("/approve 2");
    expect(state()).toBe("waiting");
    await says("/approve 1");
    await ended();
    expect(starts.toSorted()).toEqual(["a", "b"]);
  });
});
