// Many answers at once: what Slack limits holds up neither an answer's beginning nor its end.
import { expect, test } from "bun:test";
import { connected, direct, fateOf, saying } from "./door.ts";

test("where no stream may begin now, the answer begins at once by edits", async () => {
  await using door = await connected();
  const target = direct(door.ann, door.ann.say(door.ann.dm(), "go"));
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 30 }, methods: ["chat.startStream"], times: 1 });
  for (const nonce of ["a", "b"]) await door.adapter.post(target, saying(door, "…", { forming: true, nonce }));
  expect(door.calls("chat.startStream")).toBe(1);
  expect(door.calls("chat.postMessage")).toBe(2);
  door.clock.advance(30_000);
  await door.adapter.post(target, saying(door, "…", { forming: true, nonce: "c" }));
  expect(door.calls("chat.startStream")).toBe(2);
});

test("a stream that may not end now ends later, and its answer is not lost", async () => {
  await using door = await connected();
  const target = direct(door.ann, door.ann.say(door.ann.dm(), "go"));
  const ref = await door.adapter.post(target, saying(door, "…", { forming: true }));
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 7 }, methods: ["chat.stopStream"], times: 1 });
  const message = saying(door, "the end");
  expect(await fateOf(door.adapter.change(target, { ref, message }))).toMatchObject({
    fate: "later",
    retryAfterMs: 7_000,
  });
  await door.adapter.change(target, { ref, message });
  expect(door.slack.lastOfBot(door.ann.dm())).toMatchObject({ ts: ref, streaming: false, text: "the end" });
});

test("a stream of a life before that may not end now is no lost answer either", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  const begun = door.slack.call("chat.startStream", {
    token: door.app.botToken,
    params: { channel: door.ann.dm().id, thread_ts: ts },
  });
  const ref = String(begun.body.ts);
  const message = saying(door, "the end");
  for (const fault of [{ kind: "limit", retryAfterS: 7 }, { kind: "status", status: 503 }, { kind: "lose" }] as const) {
    door.slack.faults.add({ fault, methods: ["chat.stopStream"], times: 1 });
    expect(await fateOf(door.adapter.change(target, { ref, message }))).toMatchObject({ fate: "later" });
  }
  await door.adapter.change(target, { ref, message });
  expect(door.slack.lastOfBot(door.ann.dm())).toMatchObject({ ts: ref, streaming: false, text: "the end" });
});

test("messages of two conversations that were sent at one moment are two", async () => {
  await using door = await connected();
  const bob = door.slack.user("bob");
  const [one, other] = [direct(door.ann, door.ann.say(door.ann.dm(), "go")), direct(bob, bob.say(bob.dm(), "go"))];
  const ref = await door.adapter.post(one, saying(door, "…", { forming: true }));
  door.slack.faults.add({ fault: { kind: "error", error: "not_allowed" }, methods: ["chat.startStream"], times: 1 });
  expect(await door.adapter.post(other, saying(door, "…", { forming: true }))).toBe(ref);
  await door.adapter.change(other, { ref, message: saying(door, "for bob alone", { forming: true }) });
  expect(door.slack.lastOfBot(bob.dm())).toMatchObject({ text: "for bob alone" });
  expect(door.slack.lastOfBot(door.ann.dm())).toMatchObject({ streaming: true, text: "" });
});
