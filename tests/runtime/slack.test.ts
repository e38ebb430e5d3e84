// The Slack adapter at the fake Slack, under the runtime that runs this test: its own sockets, HTTP client, uploads, downloads.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { connected, direct, saying, shared } from "../adapters/slack/door.ts";

test("messages, edits, files and buttons go both ways, and each envelope is acknowledged", async () => {
  await using door = await connected();
  const dm = door.ann.dm();
  const bytes = randomBytes(200_000);
  door.ann.say(dm, "see", { files: [{ name: "data.bin", bytes }] });
  await door.until(() => door.received.length === 1);
  const [message] = door.received;
  const file = message?.kind === "message" ? message.files?.[0] : undefined;
  assert.ok(file);
  const options = { bytesMax: 1_000_000, signal: new AbortController().signal };
  assert.equal(Buffer.compare(await door.adapter.fetch(file, options), bytes), 0);
  const target = direct(door.ann);
  const ref = await door.adapter.post(target, saying(door, "**done**", { buttons: [{ label: "Again", data: "1:0" }] }));
  door.ann.press({ channel: dm, ts: ref }, "1:0");
  await door.until(() => door.received.some(({ kind }) => kind === "action"));
  await door.adapter.change(target, { ref, message: saying(door, "changed") });
  assert.equal(door.slack.lastOfBot(dm)?.text, "changed");
  await door.adapter.file(target, { name: "back.bin", bytes, nonce: "n" });
  assert.equal(Buffer.compare(door.slack.uploads()[0]?.bytes ?? new Uint8Array(), bytes), 0);
  await door.until(() => door.slack.sockets.envelopes.every(({ ackedAt }) => ackedAt !== undefined));
});

test("a socket that ends is replaced, before it does where Slack says so", async () => {
  await using door = await connected();
  door.slack.sockets.disconnect(door.app, { reason: "warning", end: false });
  await door.until(() => door.links() === 2);
  await door.until(() => door.links() === 1, { advanceMs: 500 });
  door.slack.sockets.cut(door.app);
  await door.until(() => door.links() === 1, { advanceMs: 100 });
  door.ann.say(door.team, "still here");
  await door.until(() => door.received.length === 1, { advanceMs: 100 });
});

test("a silent socket is replaced", async () => {
  await using door = await connected();
  door.slack.sockets.mute(door.app);
  await door.until(() => door.links() === 2, { advanceMs: 5_000 });
  await door.adapter.post(shared(door.team), saying(door, "hello"));
});
