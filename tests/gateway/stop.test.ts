// Whose turn and whose messages a /stop ends in a group.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { answer, createWorld, gate, posted, until } from "./fixture.ts";

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
