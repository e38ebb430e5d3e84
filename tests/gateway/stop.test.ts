// Whose turn and whose messages a /stop ends in a group.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answer, countingSandbox, createWorld, gate, posted, until } from "./fixture.ts";

/** Everybody talks in one thread, so that all share a session; 1 is an admin, 20 and 21 are members, others guests. */
let world: ReturnType<typeof createWorld>;
let held: ReturnType<typeof gate>;
beforeEach(() => {
  held = gate();
  world = createWorld({
    more: { door: () => ({ local: false, directIsUser: true, admins: ["1"], unknownSender: "public" }) },
  });
  world.now.world.script = async function* (turn) {
    const stopped = new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
    for await (const event of answer(turn, "fine")) {
      if (event.type === "text") await Promise.race([held.opened, stopped]);
      yield event;
    }
  };
  for (const user of ["20", "21"])
    world.now.store.roles.give({
      adapter: "tg",
      user,
      role: "member",
      agent: "",
      surface: "-100",
      givenBy: "test",
      givenAt: 1,
    });
});
afterEach(async () => {
  held.open();
  await world.remove();
});

let root: string;
const say = (text: string, id: string) =>
  world.now.send(posted(text, { sender: { id, name: `N${id}` }, ...(text === "first" ? {} : { replyTo: root }) }));

/** A turn of `first` runs; `others` have each sent a message that waits. */
async function busy(first: string, others: readonly string[]): Promise<void> {
  const begin = posted("first", { sender: { id: first, name: `N${first}` } });
  root = begin.id;
  await world.now.send(begin);
  await until(() => world.now.events("taken").length === 1);
  for (const id of others) await say(`of ${id}`, id);
}

const waiting = () => {
  const [turn] = world.now.store.inputs.sessionsWaiting();
  return turn === undefined ? [] : world.now.store.inputs.waiting(turn).map(({ inbound }) => inbound.sender.id);
};
const stopped = async (id: string): Promise<string> => {
  const receipt = await say("/stop", id);
  return receipt.state === "done" ? (receipt.answer?.markdown ?? "") : receipt.state;
};
const aboutStops = () => world.now.said().filter((text) => !text.startsWith("Place "));
const running = () => world.now.gateway.running().map(({ row }) => row.requester.id);

describe("SECURITY 7: a stop in a group", () => {
  test("by a member ends the turn and removes the member's own messages alone", async () => {
    await busy("20", ["1", "21", "99", "21"]);
    expect(await stopped("21")).toBe("Stopped. 2 waiting messages were removed.");
    await until(() => running().join() === "1");
    expect(waiting().filter((id) => id === "21")).toEqual([]);
    expect(waiting()).toContain("99");
  });
  test("by an admin removes everybody's messages", async () => {
    await busy("20", ["21", "99"]);
    expect(await stopped("1")).toBe("Stopped. 2 waiting messages were removed.");
    expect([waiting(), running()]).toEqual([[], []]);
  });
  test("by a guest ends no turn of somebody else's", async () => {
    await busy("20", ["99", "21"]);
    expect(await stopped("99")).toBe(
      "What runs here is somebody else's, and guests end only their own. 1 waiting message was removed.",
    );
    expect([waiting(), running()]).toEqual([["21"], ["20"]]);
    expect(await say("/stop all", "99")).toMatchObject({ state: "done" });
    expect(world.now.world.killed).toEqual([]);
    expect(running()).toEqual(["20"]);
  });
  test("by a guest ends the guest's own turn", async () => {
    await busy("99", []);
    expect(await stopped("99")).toBe("Stopped.");
    expect(running()).toEqual([]);
  });
});

describe("a stop and what it removes are one", () => {
  test("a kill before it is answered takes nothing away, and the repeated stop names all of it", async () => {
    world.now.world.script = async function* (turn) {
      for await (const event of answer(turn, "fine")) {
        if (event.type === "text") await new Promise(() => undefined);
        yield event;
      }
    };
    await busy("20", ["21", "99"]);
    // The turn that hangs is left behind in a while; the program dies before.
    const stop = posted("/stop", { sender: { id: "1", name: "N1" }, replyTo: root });
    const first = world.now.send(stop);
    await until(() => world.now.world.killed.length > 0);
    world.crash((turn) => answer(turn, "fine"));
    expect(await first).toMatchObject({ state: "done" });
    expect(waiting()).toEqual(["21", "99"]);
    const receipt = await world.now.send(stop);
    expect(receipt).toMatchObject({ answer: { markdown: expect.stringContaining("2 waiting messages were removed") } });
    expect(world.now.said()).toEqual([expect.stringContaining("2 waiting messages were removed")]);
    expect([waiting(), world.now.world.gone]).toEqual([[], [2, 3]]);
    expect(await world.now.send(stop)).toMatchObject({ answer: { markdown: "Stopped before." } });
  });
  test("what is sent while it is being stopped is not meant, and begins afterwards", async () => {
    let dead: () => void = () => undefined;
    const death = new Promise<void>((resolve) => {
      dead = resolve;
    });
    await world.remove();
    world = createWorld({
      more: {
        door: () => ({ local: false, directIsUser: true, admins: ["1"], unknownSender: "public" }),
        openSandbox: async () => ({
          ...countingSandbox(world.now.world),
          kill: async () => {
            world.now.world.killed.push("turn");
            await death;
            return { killed: [], survivors: [] };
          },
        }),
      },
    });
    world.now.world.script = async function* (turn) {
      const stopped = new Promise<void>((resolve) => turn.signal.addEventListener("abort", () => resolve()));
      for await (const event of answer(turn, "fine")) {
        if (event.type === "text") await Promise.race([held.opened, stopped]);
        yield event;
      }
    };
    await busy("1", ["99"]);
    const said = stopped("1");
    await until(() => world.now.world.killed.length > 0);
    await say("rather this", "1");
    dead();
    held.open();
    expect(await said).toBe("Stopped. 1 waiting message was removed.");
    await world.now.quiet();
    const texts = world.now.store.turns.list().map(({ id }) => world.now.store.inputs.ofTurn(id, 9));
    expect(texts.flat().map(({ inbound }) => (inbound.kind === "message" ? inbound.text : ""))).toEqual([
      "rather this",
      "first",
    ]);
  });
  test("sent twice at once it is answered once", async () => {
    await busy("20", ["21"]);
    const stop = posted("/stop", { sender: { id: "1", name: "N1" }, replyTo: root });
    const receipts = await Promise.all([world.now.send(stop), world.now.send(stop)]);
    const texts = receipts.map((receipt) => (receipt.state === "done" ? receipt.answer?.markdown : ""));
    expect(new Set(texts)).toEqual(new Set(["Stopped before.", "Stopped. 1 waiting message was removed."]));
    expect(aboutStops()).toEqual(["Stopped. 1 waiting message was removed."]);
  });
  test("on a full disk it ends the turn, and says that what waits is left", async () => {
    await busy("20", ["21"]);
    const { store } = world.now;
    const { transaction } = store;
    store.transaction = () => {
      throw new Error("database or disk is full");
    };
    expect(await stopped("1")).toBe("Stopped. What waits could not be removed: nothing can be stored now.");
    store.transaction = transaction;
    expect([running(), waiting()]).toEqual([[], ["21"]]);
    expect(world.now.world.unstored).toEqual(["Stopped. What waits could not be removed: nothing can be stored now."]);
    held.open();
  });
});

test("who presses Stop reads it in the answer, and a message says only what was removed", async () => {
  const press = async () => {
    const id = world.now.store.deliveries.add({
      target: { adapter: "tg", conversation: { id: "-100", kind: "shared" }, root },
      kind: "answer",
      form: "markdown",
      nonce: crypto.randomUUID(),
      at: 1,
      body: "",
      choices: [{ value: "/stop", label: "Stop" }],
      root,
    });
    const { text: _text, addressed: _addressed, ...base } = posted("", { sender: { id: "1", name: "N1" } });
    const answer = { as: "note" as const, deadlineMs: 1_000 };
    return await world.now.send({ ...base, kind: "action", delivery: String(id), value: "0", answer });
  };
  await busy("20", []);
  expect(await press()).toMatchObject({ answer: { markdown: "Stopped." } });
  expect(await press()).toMatchObject({ answer: { markdown: "Nothing is running." } });
  expect(aboutStops()).toEqual([]);
  await busy("20", ["21"]);
  await press();
  expect(aboutStops()).toEqual(["Stopped. 1 waiting message was removed."]);
});
