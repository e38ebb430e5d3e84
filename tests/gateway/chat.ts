// A chat in which a turn runs, event by event, by the real recorder, hub and store.
import type { TurnEvent } from "../../src/core/event.ts";
import { noUsage } from "../../src/core/usage.ts";
import type { ToolOutput } from "../../src/gateway/delivery/composition.ts";
import { createReplies } from "../../src/gateway/delivery/reply.ts";
import { createHub } from "../../src/gateway/hub.ts";
import { createBranches } from "../../src/gateway/turns/branches.ts";
import { createRecorder } from "../../src/gateway/turns/recorder.ts";
import { createWorld, place, settled } from "./outbox.ts";

/** A chat in which a turn runs, event by event. */
export function createChat({
  toolOutput = "summary",
  ...options
}: { toolOutput?: ToolOutput } & Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options);
  const { store, clock, platform } = world;
  const session = store.sessions.create({ agent: "main", at: clock.now(), title: "" });
  const target = { ...place("7"), replyTo: "m1", root: "m0" };
  const create = (replyTo = target) =>
    store.turns.create({
      session: session.id,
      agent: "main",
      requester: { id: "1", name: "Ann" },
      replyTo,
      at: clock.now(),
    });
  const open = () => {
    const replies = createReplies({
      store,
      outbox: world.outbox,
      clock,
      log: world.log,
      toolOutput,
      isLive: (adapter) => adapter === "terminal",
    });
    const hub = createHub((error) => problems.push(error));
    hub.subscribe(replies.follow);
    return { replies, hub };
  };
  const problems: unknown[] = [];
  let life = open();
  let turn = create();
  const branches = createBranches({ load: () => [], sessionsMax: 8, bytesMax: 1_000 });
  const record = () =>
    createRecorder(
      { store, hub: life.hub, branches, clock, onMessage: () => undefined, onStored: life.replies.stored },
      { turn, session },
    );
  let recorder = record();
  const chat = {
    ...world,
    turn: () => turn,
    life: () => life,
    async emit(...events: TurnEvent[]): Promise<void> {
      for (const event of events) recorder.record(event);
      await settled();
      // Whatever a listener of the hub threw.
      if (problems.length > 0) throw problems[0];
    },
    start: (resumed = false) => chat.emit({ type: "started", resumed }),
    text: (delta: string) => chat.emit({ type: "text", delta }),
    message: (text: string) => chat.emit({ type: "message", text }),
    tool: (title: string, { ok = true, text = "" } = {}) =>
      chat.emit(
        { type: "tool", step: "start", call: title, name: "bash", title, input: {} },
        { type: "tool", step: "end", call: title, name: "bash", ok, ms: 1, text },
      ),
    end: (change: Partial<TurnEvent & { type: "ended" }> = {}) =>
      chat.emit({ type: "ended", outcome: "done", usage: noUsage, ...change }),
    next(replyTo = target) {
      turn = create(replyTo);
      recorder = record();
    },
    /** The program is killed, starts again, and goes on with the turn. */
    async crash(): Promise<void> {
      await world.restart();
      chat.outbox = world.outbox;
      life.replies.close();
      life = open();
      store.turns.restart(turn.id);
      turn = store.turns.get(turn.id) ?? turn;
      recorder = record();
    },
    texts: () => platform.texts("7"),
    shown: () => platform.shown("7"),
  };
  return chat;
}
