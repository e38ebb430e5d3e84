// The instance's half of the terminal, driven as a screen drives it: requests in, lines out.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openTerminal, type Terminal } from "../../../src/adapters/terminal/index.ts";
import { type ChatDown, protocolVersion } from "../../../src/core/frame.ts";
import { limits } from "../../../src/core/limits.ts";
import { viewState } from "../../../src/gateway/view.ts";
import { answer, createWorld, local, message, until } from "../../gateway/fixture.ts";

let world: ReturnType<typeof createWorld>;
let terminal: Terminal;
let hubListeners: number;
const seen = new Map<number, number>();
beforeEach(() => {
  world = createWorld();
  seen.clear();
  terminal = open();
});
afterEach(async () => {
  await terminal.adapter.close();
  await world.remove();
});

function open(): Terminal {
  const { gateway, store, hub } = world.now;
  hubListeners = 0;
  let ids = 0;
  const view = {
    store,
    gateway,
    modelOf: () => "demo/offline",
    sandboxLabel: () => "fake",
    confirmText: () => undefined,
  };
  return openTerminal({
    receive: (inbound) => gateway.receive(inbound, local),
    subscribe(listener) {
      hubListeners += 1;
      const stop = hub.subscribe(listener);
      return () => {
        hubListeners -= 1;
        stop();
      };
    },
    forming: hub.forming,
    ready: async () => undefined,
    state: (place) => viewState(view, place),
    useFolder: () => undefined,
    eventsAfter: (session, after) => store.turns.eventsOfSession(session, { after }),
    seen: (session) => seen.get(session) ?? store.turns.lastEvent(),
    saw: (session, n) => void seen.set(session, n),
    turnEvents: (turn) => store.turns.events(turn),
    keepFile: async (_inbound, file) => ({ name: file.name, ref: "kept", bytes: file.bytes.byteLength }),
    commands: [{ name: "help", summary: "Show this list" }],
    user: { id: "0", name: "ann" },
    pid: 1,
    program: "remoteagent test",
    alone: false,
    now: () => Date.now(),
    randomId: () => `c${ids++}`,
    onError: () => undefined,
  });
}

const post = (path: string, body: unknown) =>
  new Request(`http://socket${path}`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });

/** A screen: collects frames until it leaves. */
async function connect(frame: Record<string, unknown> = {}) {
  const opening = { type: "open", version: protocolVersion, conversation: "default", ...frame };
  const response = await terminal.chat(post("/v1/chat", opening));
  const frames: ChatDown[] = [];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let ended = false;
  const reading = (async () => {
    let rest = "";
    for (let step = await reader?.read(); step !== undefined && !step.done; step = await reader?.read()) {
      const lines = (rest + step.value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) frames.push(JSON.parse(line) as ChatDown);
    }
    ended = true;
  })();
  await until(() => frames.some((found) => found.type === "state"));
  const hello = frames.find((found) => found.type === "hello");
  const id = hello?.connection ?? "";
  return {
    id,
    frames,
    ended: () => ended,
    say: (text: string) => terminal.chat(post(`/v1/chat/${id}`, { type: "say", id: `${id}-${frames.length}`, text })),
    command: (name: string, args = "") =>
      terminal.chat(post(`/v1/chat/${id}`, { type: "command", id: `${id}-${frames.length}`, name, args })),
    text: () =>
      frames.map((found) => (found.type === "event" && found.event.type === "text" ? found.event.delta : "")).join(""),
    has: (type: string) => frames.some((found) => found.type === "event" && found.event.type === type),
    async leave() {
      await reader?.cancel();
      await reading;
    },
  };
}

describe("a screen", () => {
  test("says something and sees the answer form, then rest", async () => {
    const screen = await connect();
    expect(screen.frames.map((found) => found.type)).toEqual(["hello", "state"]);
    expect((await screen.say("hello")).status).toBe(204);
    await until(() => screen.has("ended"));
    await until(() => {
      const state = screen.frames.findLast((found) => found.type === "state");
      return state?.state.running === null && state.state.title === "hello";
    });
    expect(screen.text()).toBe("fine");
    expect(screen.frames.some((found) => found.type === "receipt" && found.receipt.state === "waiting")).toBe(true);
    const numbers = screen.frames.flatMap((found) => (found.type === "event" ? [found.n] : []));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    await screen.leave();
  });
  test("gets the program's answers, its own and nobody else's", async () => {
    const [one, two] = [await connect(), await connect()];
    await one.command("help");
    await until(() => one.frames.some((found) => found.type === "receipt" && found.receipt.state === "done"));
    expect(two.frames.some((found) => found.type === "receipt")).toBe(false);
    await one.command("nosuch");
    await until(() => one.frames.some((found) => found.type === "receipt" && found.receipt.state === "refused"));
    await one.leave();
    await two.leave();
  });
  test("that comes back sees what it missed, once", async () => {
    const first = await connect();
    await first.say("one");
    await until(() => first.has("ended"));
    const last = Math.max(...first.frames.flatMap((found) => (found.type === "event" ? [found.n] : [])));
    await first.leave();
    const other = await connect({ conversation: "default" });
    await other.say("two");
    await until(() => other.has("ended"));
    const back = await connect({ after: last });
    const taken = back.frames.flatMap((found) =>
      found.type === "event" && found.event.type === "taken" ? [found.event.text] : [],
    );
    expect(taken).toEqual(["two"]);
    await other.leave();
    await back.leave();
  });
  test("that sends a message again after a lost answer is not heard twice", async () => {
    const screen = await connect();
    const again = () => terminal.chat(post(`/v1/chat/${screen.id}`, { type: "say", id: "same", text: "once" }));
    await again();
    await until(() => screen.has("ended"));
    const other = await connect();
    await terminal.chat(post(`/v1/chat/${other.id}`, { type: "say", id: "same", text: "once" }));
    await until(() => other.frames.some((found) => found.type === "receipt" && found.receipt.state === "duplicate"));
    expect(world.now.store.turns.list()).toHaveLength(1);
    await screen.leave();
    await other.leave();
  });
  test("that joins in the middle sees the turn so far and the forming text", async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    world.now.world.script = async function* (turn) {
      yield { type: "started", resumed: false };
      yield { type: "text", delta: "half of " };
      await gate;
      yield* answer(turn, "all");
    };
    const one = await connect();
    await one.say("hi");
    await until(() => one.text() === "half of ");
    const two = await connect();
    await until(() => two.frames.some((found) => found.type === "forming"));
    expect(two.frames.find((found) => found.type === "forming")).toMatchObject({ text: "half of " });
    expect(two.has("started")).toBe(true);
    go();
    await until(() => two.has("ended"));
    await one.leave();
    await two.leave();
  });
  test("is shown what was said while nobody was there, once", async () => {
    const first = await connect();
    await first.say("hello");
    await until(() => first.has("ended"));
    await first.leave();
    await until(() => seen.size === 1);
    await world.now.send(message("reminder", { sender: { id: "0", name: "ann" } }));
    await world.now.quiet();
    const back = await connect();
    expect(back.frames.find((found) => found.type === "post")?.outgoing.markdown).toContain("fine");
    await back.leave();
    const again = await connect();
    expect(again.frames.some((found) => found.type === "post")).toBe(false);
    await again.leave();
  });
  test("switching moves every screen of the conversation", async () => {
    const [one, two] = [await connect(), await connect()];
    await one.say("first");
    await until(() => one.has("ended"));
    await one.command("new");
    const sessionOf = (screen: typeof one) => screen.frames.findLast((found) => found.type === "state")?.state.session;
    await until(() => sessionOf(one) === 2 && sessionOf(two) === 2);
    await one.leave();
    await two.leave();
  });
  test("learns that the instance goes away", async () => {
    const screen = await connect();
    terminal.leave("handover");
    await terminal.adapter.close();
    await until(screen.ended);
    expect(screen.frames.at(-1)).toEqual({ type: "bye", reason: "handover" });
    expect(hubListeners).toBe(0);
  });
});

describe("refused in one sentence", () => {
  const bad: [string, string, unknown][] = [
    ["no JSON", "/v1/chat", "{"],
    ["another kind first", "/v1/chat", { type: "say", id: "1", text: "x" }],
    ["an unknown field", "/v1/chat", { type: "open", version: protocolVersion, conversation: "a", extra: 1 }],
    ["a conversation with control characters", "/v1/chat", { type: "open", version: 1, conversation: "a\u001b[2J" }],
    ["a relative folder", "/v1/chat", { type: "open", version: 1, conversation: "a", folder: "../x" }],
    ["another version", "/v1/chat", { type: "open", version: protocolVersion + 1, conversation: "a" }],
    ["an unknown connection", "/v1/chat/nobody", { type: "say", id: "1", text: "x" }],
  ];
  test.each(bad)("%s", async (_name, path, body) => {
    await expect(terminal.chat(post(path, body))).rejects.toThrow(/^Cannot /);
  });
  test("a frame beyond the limit", async () => {
    const chunk = new Uint8Array(1024 * 1024).fill(32);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength;
        if (sent > limits.frameBytesMax * 2) controller.close();
        else controller.enqueue(chunk);
      },
    });
    await expect(terminal.chat(new Request("http://socket/v1/chat", { method: "POST", body }))).rejects.toThrow(
      /bytes/,
    );
    expect(sent).toBeLessThan(limits.frameBytesMax * 2);
  });
});
