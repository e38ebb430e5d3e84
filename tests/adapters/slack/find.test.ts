// Whether something arrived: what is taken for it, what is not, and what nobody can say.
import { expect, test } from "bun:test";
import { connected, direct, fateOf, saying, shared } from "./door.ts";

const file = { name: "a.txt", bytes: new Uint8Array([1, 2]), nonce: "f" };

test("a file bears no mark: nobody can say whether it arrived, so that it is not sent again", async () => {
  await using door = await connected();
  const since = door.clock.now();
  for (const target of [shared(door.team), shared(door.team, door.ann.say(door.team, "thread"))]) {
    door.slack.faults.add({ fault: { kind: "lose" }, methods: ["files.completeUploadExternal"], times: 1 });
    expect(await fateOf(door.adapter.file(target, file))).toMatchObject({ fate: "unknown" });
    const asked = Promise.resolve(door.adapter.find?.(target, { nonce: "f", since }));
    expect(await fateOf(asked)).toMatchObject({ fate: "unknown" });
  }
});

test("a file without words below is not the message that was lost", async () => {
  await using door = await connected();
  const target = direct(door.ann, door.ann.say(door.ann.dm(), "go"));
  const since = door.clock.now();
  await door.adapter.file(target, file);
  const final = saying(door, "the answer", { nonce: "lost" });
  const marker = saying(door, "…", { nonce: "lost", forming: true });
  for (const { body } of [final, marker])
    expect(await door.adapter.find?.(target, { nonce: "lost", since, body })).toBeUndefined();
});

test("a stream that was begun for a place is not a whole message that was lost", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  const since = door.clock.now();
  door.slack.call("chat.startStream", {
    token: door.app.botToken,
    params: { channel: door.ann.dm().id, thread_ts: ts },
  });
  const { body } = saying(door, "all of it");
  expect(await door.adapter.find?.(target, { nonce: "lost", since, body })).toBeUndefined();
});

for (const inThread of [false, true]) {
  test(`a clock that was an hour ahead hides nothing ${inThread ? "in a thread" : "at the top"}`, async () => {
    await using door = await connected();
    const target = shared(door.team, inThread ? door.ann.say(door.team, "thread") : undefined);
    const message = saying(door, "arrived", { nonce: "here" });
    const ref = await door.adapter.post(target, message);
    for (let count = 0; count < 30; count += 1)
      door.ann.say(door.team, "more", inThread ? { thread: target.thread ?? "" } : {});
    const since = door.clock.now() + 3_600_000;
    expect(await door.adapter.find?.(target, { nonce: "here", since, body: message.body })).toBe(ref);
  });
}

test("what was said long before is not looked through", async () => {
  await using door = await connected();
  for (let count = 0; count < 1_100; count += 1) door.ann.say(door.team, `m${count}`);
  door.clock.advance(3_600_000);
  const since = door.clock.now();
  const { body } = saying(door, "x");
  expect(await door.adapter.find?.(shared(door.team), { nonce: "none", since, body })).toBeUndefined();
  expect(door.calls("conversations.history")).toBe(1);
});

test("what was sent and then edited, or broadcast from its thread, is found once", async () => {
  await using door = await connected();
  const target = shared(door.team, door.ann.say(door.team, "thread"));
  const since = door.clock.now();
  const first = saying(door, "first", { nonce: "here" });
  const ref = await door.adapter.post(target, first);
  await door.adapter.change(target, { ref, message: saying(door, "second", { nonce: "here" }) });
  const shown = door.team.messages.get(ref);
  if (shown !== undefined) shown.broadcast = true;
  for (let count = 0; count < 450; count += 1) door.ann.say(door.team, "more", { thread: target.thread ?? "" });
  for (const [nonce, found] of [
    ["here", ref],
    ["elsewhere", undefined],
  ] as const)
    expect(await door.adapter.find?.(target, { nonce, since, body: first.body })).toBe(found);
  expect(door.calls("conversations.replies")).toBeGreaterThanOrEqual(4);
});
