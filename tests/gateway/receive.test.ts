// What platforms bring: buttons, answers as deliveries, files, albums, and what was sent while nobody was here.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import type { Inbound } from "../../src/core/message.ts";
import { PlatformError } from "../../src/gateway/handle.ts";
import { createLateness } from "../../src/gateway/intake/missed.ts";
import { joinUntil } from "../../src/gateway/queue/ready.ts";
import { answer, createWorld, direct, gate, message, posted, remote, until } from "./fixture.ts";

let world: ReturnType<typeof createWorld>;
beforeEach(() => {
  world = createWorld();
});
afterEach(async () => {
  await world.remove();
});

const minute = 60_000;
const hour = 60 * minute;

/** A press on a button under a delivery, in the direct chat of `sender`. */
function press(delivery: string, value: string, change: Partial<Inbound & { kind: "action" }> = {}): Inbound {
  const { text: _text, addressed: _addressed, ...base } = direct("");
  return { ...base, kind: "action", delivery, value, ...change };
}

/** A harness that notes what it is handed. */
function listen() {
  const taken: { turn: number; text: string; note: string; files: string[] }[] = [];
  world.now.world.script = async function* (turn) {
    yield { type: "started", resumed: turn.resumed };
    for (let input = turn.next(); input !== undefined; input = turn.next()) {
      const files = input.files.map(({ stored }) => stored ?? "");
      taken.push({ turn: turn.id, text: input.text, note: input.note ?? "", files });
      yield { type: "taken", inputs: [input.id], text: input.text };
    }
    yield* answer(turn, "ok");
  };
  return taken;
}

describe("answers", () => {
  test("of a command is on its way in the place where it was asked, and the receipt carries it too", async () => {
    const { send, said, world: fake } = world.now;
    const receipt = await send(posted("/status", { thread: "7" }));
    expect(receipt).toMatchObject({ state: "done", answer: { markdown: said()[0] } });
    expect(fake.said[0]?.target).toMatchObject({ conversation: { id: "-100" }, thread: "7" });
    await send(message("/status"));
    expect(said()).toHaveLength(1);
  });
  test("a repeated command is answered once", async () => {
    const { send, said } = world.now;
    const once = direct("/status");
    await send(once);
    expect((await send(once)).state).toBe("duplicate");
    expect(said()).toHaveLength(1);
  });
  test("the same refusal is said once a minute, however often somebody knocks", async () => {
    const { send, said } = world.now;
    for (let n = 0; n < 30; n++) {
      const refused = await send(direct("/confirm tools", { sender: { id: "5", name: "eve" } }));
      expect(refused).toMatchObject({ state: "refused", reason: expect.stringContaining("your id here is 5") });
    }
    expect(said()).toHaveLength(1);
  });
  test("secrets are taken out before an answer is stored", async () => {
    const { send, said } = world.now;
    await send(direct("/nosuch"));
    await send(direct("/macro save x the key is hunter2-hunter2-hunter2"));
    await send(direct("/macro"));
    expect(said().at(-1)).not.toContain("hunter2");
  });
});

describe("buttons", () => {
  test("a press is the command that it stands for, once", async () => {
    const { send, said, store, quiet, world: fake } = world.now;
    await send(direct("work"));
    await quiet();
    await send(direct("/new"));
    const [second] = fake.said;
    const action = press(String(second?.id), "0");
    expect(second?.outgoing.choices?.[0]?.value).toBe("/switch S001");
    expect((await send(action)).state).toBe("done");
    expect((await send(action)).state).toBe("duplicate");
    expect(said().at(-1)).toContain("leads to S001");
    expect(store.sessions.at({ agent: "main", conversation: 1 })?.id).toBe(1);
  });
  test("whoever presses needs the right to say it", async () => {
    const { send, world: fake } = world.now;
    await send(posted("/agent"));
    const delivery = String(fake.said[0]?.id);
    const where = { conversation: { id: "-100", kind: "shared" as const }, sender: { id: "5", name: "eve" } };
    expect((await send(press(delivery, "0", where))).state).toBe("refused");
    expect(world.now.store.wirings.find("tg", "-100")?.agent).toBe("main");
  });
  test("a press that stands for nothing any more, or never did, is answered with one sentence", async () => {
    const { send, world: fake } = world.now;
    await send(direct("/agent"));
    const mine = String(fake.said[0]?.id);
    const bad: [string, string][] = [
      [mine, "9"],
      [mine, "-1"],
      [mine, "x"],
      ["999", "0"],
      ["1e3", "0"],
      ["", ""],
      ["9".repeat(40), "0"],
    ];
    for (const [delivery, value] of bad)
      expect(await send(press(delivery, value))).toMatchObject({
        state: "refused",
        reason: "This button is no longer valid",
      });
    const elsewhere = press(mine, "0", { conversation: { id: "7", kind: "direct" }, sender: { id: "7", name: "bob" } });
    expect((await send(elsewhere)).state).toBe("refused");
  });
});

describe("files", () => {
  const photo = (ref: string, more = {}) => ({ name: `${ref}.png`, ref, ...more });
  test("are there before the turn begins", async () => {
    const taken = listen();
    const wait = gate();
    world.now.world.fetchFile = async (_adapter, file) => {
      await wait.opened;
      return new TextEncoder().encode(file.ref);
    };
    expect((await world.now.send(direct("look", { files: [photo("a"), photo("b")] }))).state).toBe("waiting");
    expect(world.now.gateway.running()).toHaveLength(0);
    wait.open();
    await world.now.quiet();
    expect(taken).toMatchObject([{ files: ["attachments/a.png", "attachments/b.png"] }]);
  });
  test("one that is too large, gone or of no use is told to the turn and to the person", async () => {
    const taken = listen();
    world.now.world.fetchFile = async (_adapter, file) => {
      if (file.ref === "gone") throw new Failure("not-found", "the platform has it no longer");
      if (file.ref === "raw") throw new Error("ECONNRESET at 10.0.0.1");
      if (file.ref === "liar") return new Uint8Array(21 * 1024 * 1024);
      return new Uint8Array(1);
    };
    const files = [
      photo("big", { bytes: 30 * 1024 * 1024 }),
      photo("gone"),
      photo("raw"),
      photo("liar"),
      photo("fine"),
    ];
    await world.now.send(direct("look", { files }));
    await world.now.quiet();
    expect(taken[0]?.files).toEqual(["attachments/fine.png"]);
    for (const part of ["big.png", "20 MiB", "the platform has it no longer", "it could not be fetched", "liar.png"])
      expect(taken[0]?.note).toContain(part);
    expect(taken[0]?.note).not.toContain("10.0.0.1");
    expect(world.now.said().filter((text) => text.startsWith("Cannot take the file"))).toHaveLength(4);
  });
  test("hold up their own turn alone", async () => {
    const taken = listen();
    const wait = gate();
    world.now.world.fetchFile = async () => {
      await wait.opened;
      return new Uint8Array(1);
    };
    const place = { thread: "7" };
    await world.now.send(posted("slow", { ...place, files: [photo("a")] }));
    await world.now.send(
      posted("mine", { ...place, sender: { id: "1", name: "ann" }, conversation: { id: "-200", kind: "shared" } }),
    );
    await until(() => taken.length === 1);
    expect(taken[0]?.text).toBe("mine");
    wait.open();
    await world.now.quiet();
    expect(taken[1]?.text).toBe("slow");
  });
  test("what a crash cut off is fetched at the next start", async () => {
    world.now.world.fetchFile = () => new Promise(() => undefined);
    await world.now.send(direct("look", { files: [photo("a")] }));
    const opened = world.crash((turn) => answer(turn, "fine"));
    opened.gateway.resume(false);
    await opened.quiet();
    expect(opened.store.turns.list()).toHaveLength(1);
    const [input] = opened.store.inputs.ofTurn(1, 5);
    expect(input?.inbound).toMatchObject({ files: [{ stored: "attachments/a.png" }] });
  });
  test("a call that may work later is made again", async () => {
    const taken = listen();
    let calls = 0;
    world.now.world.fetchFile = async () => {
      calls += 1;
      if (calls === 1) throw new PlatformError("the adapter is away", { fate: "later" });
      return new Uint8Array(1);
    };
    await world.now.send(direct("look", { files: [photo("a")] }));
    await world.now.quiet();
    expect(calls).toBe(2);
    expect(taken[0]?.files).toEqual(["attachments/a.png"]);
  });
  test("are not fetched in a circle while the disk is full", async () => {
    const { send, store, log } = world.now;
    let calls = 0;
    const wait = gate();
    world.now.world.fetchFile = async () => {
      calls += 1;
      await wait.opened;
      return new Uint8Array(1);
    };
    await send(direct("look", { files: [photo("a")] }));
    const { transaction } = store;
    store.transaction = () => {
      throw new Error("database or disk is full");
    };
    wait.open();
    await until(() => log.lines.some((line) => line.includes("Cannot fetch files")));
    store.transaction = transaction;
    await send(direct("other"));
    await until(() => world.now.gateway.running().length === 0);
    expect(calls).toBe(1);
    expect(store.inputs.waitingCount()).toBe(2);
    for (const { id } of store.inputs.waiting(1)) store.inputs.remove(id);
  });
  test("of a message that was taken back are not waited for", async () => {
    const { send, store, gateway } = world.now;
    world.now.world.fetchFile = (_adapter, _file, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const gone = direct("look", { files: [photo("a")] });
    await send(gone);
    const { text: _text, addressed: _addressed, ...base } = direct("");
    await send({ ...base, kind: "delete", target: gone.id });
    expect(store.inputs.waitingCount()).toBe(0);
    expect(gateway.running()).toHaveLength(0);
  });
});

describe("albums and split texts", () => {
  test("what belongs together is one turn, also over a restart", async () => {
    const { send, gateway } = world.now;
    await send(direct("part one", { joinMs: 150 }));
    await send(direct("part two", { joinMs: 150 }));
    expect(gateway.running()).toHaveLength(0);
    const opened = world.crash((turn) => answer(turn, "fine"));
    opened.gateway.resume(false);
    await opened.send(direct("part three"));
    await opened.quiet();
    expect(opened.store.turns.list()).toHaveLength(1);
    expect(opened.store.inputs.ofTurn(1, 9)).toHaveLength(3);
  });
  test("the wait has an end, whatever the door says", async () => {
    const { send, store } = world.now;
    await send(direct("never done", { joinMs: 1e12 }));
    const [input] = store.inputs.waiting(1);

    expect(joinUntil(input as never, Date.now()) - (input?.receivedAt ?? 0)).toBeLessThanOrEqual(10_000);
  });
});

describe("missed", () => {
  const ago = (ms: number) => ({ sentAt: Date.now() - ms });
  test("messages of one session become one turn that says so", async () => {
    const taken = listen();
    const { send, quiet, store } = world.now;
    await send(direct("first", ago(3 * hour)));
    await send(direct("second", ago(2 * hour)));
    await quiet();
    expect(store.turns.list()).toHaveLength(1);
    expect(taken.map(({ text }) => text)).toEqual(["first", "second"]);
    expect(taken[0]?.note).toContain("You were away when this was sent, 3h ago");
  });
  test("what is older than a day is stored, and one sentence asks; go on takes it up", async () => {
    const taken = listen();
    const { send, quiet, said, world: fake } = world.now;
    await send(direct("old", ago(50 * hour)));
    await send(direct("newer", ago(2 * hour)));
    expect(world.now.gateway.running()).toHaveLength(0);
    expect(said()).toEqual(["Messages were sent here while I was away, the oldest 2d ago. Go on with them?"]);
    await send(press(String(fake.said[0]?.id), "0"));
    await quiet();
    expect(taken.map(({ text }) => text)).toEqual(["old", "newer"]);
    expect(world.now.store.turns.list()).toHaveLength(1);
  });
  test("of more than twenty all are asked about, and can be dropped", async () => {
    const { send, said, store, world: fake } = world.now;
    for (let n = 0; n < 25; n++) await send(direct(`m${n}`, ago(hour)));
    expect(said()).toHaveLength(1);
    expect(store.inputs.waitingCount()).toBe(0);
    expect(store.inputs.held(1, 100)).toHaveLength(25);
    await send(press(String(fake.said[0]?.id), "1"));
    expect(said().at(-1)).toContain("Dropped 25");
    expect(store.inputs.held(1, 100)).toHaveLength(0);
  });
  test("somebody else's are not mine to decide about", async () => {
    const { send, said } = world.now;
    await send(posted("old", { ...ago(50 * hour), thread: "7" }));
    await send(posted("/queue missed drop", { thread: "7", sender: { id: "5", name: "eve" } }));
    expect(said()).toHaveLength(1);
    expect(world.now.store.inputs.held(1, 10)).toHaveLength(1);
  });
  test("old commands are not run, and say so", async () => {
    const { send, said, store } = world.now;
    expect((await send(direct("/new", ago(hour)))).state).toBe("refused");
    expect(said()).toEqual(["/new was sent 1h ago, while I was away, and was not run."]);
    expect(store.sessions.list()).toEqual([]);
  });
  test("an old stop drops what was sent before it, and nothing after", async () => {
    const { send, store, quiet } = world.now;
    await send(direct("before", ago(3 * hour)));
    await send(direct("after", ago(hour)));
    await send(direct("/stop", ago(2 * hour)));
    await quiet();
    expect(store.inputs.ofTurn(1, 9).map(({ inbound }) => inbound.kind === "message" && inbound.text)).toEqual([
      "after",
    ]);
  });
  test("an old stop does not stop a turn for something newer", async () => {
    const { send, store, world: fake, quiet } = world.now;
    const wait = gate();
    fake.script = async function* (turn) {
      yield { type: "started", resumed: false };
      await wait.opened;
      yield* answer(turn, "ok");
    };
    await send(direct("new work"));
    await until(() => world.now.gateway.running().length === 1);
    await send(direct("/stop", ago(2 * hour)));
    wait.open();
    await quiet();
    expect(store.turns.list()[0]?.state).toBe("done");
  });
  test("what a schedule or the terminal says is never old", async () => {
    const { send, schedule, quiet, said } = world.now;
    await send(message("hello", ago(100 * hour)));
    await schedule(direct("wake up", { ...ago(100 * hour), event: "x.json" }));
    await quiet();
    expect(said()).toEqual([]);
  });
});

describe("clocks", () => {
  function judge() {
    let now = 1_000_000_000;
    const facts = new Map<string, string>();
    const clock = {
      now: () => now,
      monotonic: () => now,
      sleep: async () => undefined,
      random: () => new Uint8Array(1),
    };
    const lateness = createLateness({
      clock,
      facts: { get: (key) => facts.get(key), set: (key, value) => void facts.set(key, value) },
    });
    return {
      /** Lateness of a message that seems to be sent `lateMs` ago, after `passMs` more. */
      at(lateMs: number, passMs = 0) {
        now += passMs;
        return lateness.of(posted("x", { sentAt: now - lateMs }), remote);
      },
    };
  }
  test("small differences do not count, and neither does a clock behind the platform's", () => {
    const { at } = judge();
    expect(at(5 * minute)).toBeUndefined();
    expect(at(-2 * hour)).toBeUndefined();
  });
  test("a machine two hours behind still knows what it missed", () => {
    const { at } = judge();
    at(-2 * hour);
    expect(at(-hour)).toBe(hour);
    expect(at(-2 * hour)).toBeUndefined();
  });
  test("a machine two hours ahead learns it within minutes; a backlog teaches nothing", () => {
    const { at } = judge();
    for (const late of [5 * hour, 4 * hour, 3 * hour, 2.5 * hour]) expect(at(late, 1_000)).toBeGreaterThan(hour);
    for (const pass of [0, 3 * minute, 3 * minute]) expect(at(2 * hour, pass)).toBe(2 * hour);
    expect(at(2 * hour + 1_000, minute)).toBeUndefined();
    expect(at(3 * hour, minute)).toBeCloseTo(hour, -4);
  });
  test("a date in the far future teaches nothing", () => {
    const { at } = judge();
    at(-1000 * 24 * hour);
    expect(at(0)).toBeUndefined();
  });
});
