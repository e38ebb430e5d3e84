// Thirty answers at once in a workspace with Slack's limits: each forms, and the last text of each is there soon, once.
import { expect, test } from "bun:test";
import { createDeliveries } from "../../../src/gateway/delivery/deliveries.ts";
import { openStore } from "../../../src/store/db.ts";
import { createStore } from "../../../src/store/store.ts";
import { createRedactor } from "../../../src/vault/redact.ts";
import { memoryLog } from "../../gateway/fixture.ts";
import { connected, shared } from "./door.ts";

const count = 30;

test("what Slack limits for all of a workspace starves no answer", async () => {
  await using door = await connected({ rates: true });
  const store = createStore(openStore(":memory:"));
  const outbox = createDeliveries({
    store,
    clock: door.clock,
    log: memoryLog(),
    redactor: createRedactor(() => []),
    loadFile: () => Promise.reject(new Error("No such file")),
  });
  outbox.attach(door.adapter);
  const session = store.sessions.create({ agent: "main", at: 1 }).id;
  const requester = { id: door.ann.id, name: "ann" };
  let words = "Begun";
  const places = Array.from({ length: count }, (_, index) => {
    const channel = door.slack.newChannel(`c${index}`, { members: [door.ann, door.app] });
    const root = door.ann.say(channel, "go");
    // Every third in a thread, where answers are streamed.
    if (index % 3 === 0) door.ann.say(channel, "on", { thread: root });
    return { channel, target: shared(channel, index % 3 === 0 ? root : undefined) };
  });
  await door.until(() => door.received.length === count + count / 3, { advanceMs: 10 });
  const answers = places.map(({ channel, target }) => {
    const turn = store.turns.create({ session, agent: "main", requester, replyTo: target, at: 1 }).id;
    const id = outbox.place(target, { turn, choices: [] });
    return { id, channel, forming: outbox.form(id, () => words) };
  });
  const sent = () => answers.filter(({ id }) => store.deliveries.get(id)?.fate === "sent").length;
  const pass = async (ms: number) => {
    door.clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 2));
  };
  for (let seconds = 0; seconds < 90; seconds += 0.5) {
    words += " word";
    for (const { forming } of answers) forming.changed();
    await pass(500);
  }
  const limited = () => door.slack.calls.filter(({ answer }) => answer?.error === "ratelimited").length;
  // Each formed before its end, within the limits.
  expect(limited()).toBe(0);
  expect(door.calls("chat.update") + door.calls("chat.appendStream")).toBeGreaterThanOrEqual(count);
  for (const { id, forming } of answers) {
    outbox.revise(id, { markdown: `The end of ${id}` });
    forming.end();
  }
  const endedAt = door.clock.now();
  await door.until(() => sent() === count, { advanceMs: 250, what: "all are sent" });
  expect(door.clock.now() - endedAt).toBeLessThan(60_000);
  for (const { id, channel } of answers) {
    const mine = [...channel.messages.values()].filter(({ botId, deleted }) => botId === door.app.botId && !deleted);
    expect(mine.map(({ text }) => text)).toEqual([`The end of ${id}`]);
  }
  await outbox.close();
}, 30_000);
