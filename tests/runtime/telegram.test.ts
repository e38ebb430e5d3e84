// The Telegram adapter at the fake Bot API, under the runtime that runs this test: its own HTTP client, uploads, downloads.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { PlatformError } from "../../src/gateway/handle.ts";
import { connected } from "../adapters/telegram/door.ts";

test("messages, edits, files and buttons go both ways, in bodies of known length", async () => {
  const kinds = new Set<string>();
  // A server of one's own refuses what comes in chunks.
  const noting = (async (...call: Parameters<typeof fetch>) => {
    const body = call[1]?.body;
    kinds.add(typeof body === "object" && body !== null ? body.constructor.name : typeof body);
    return await fetch(...call);
  }) as typeof fetch;
  await using door = await connected({ fetch: noting });
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.privateChat(door.bot, ada);
  const target = { adapter: "tg", conversation: { id: String(chat.id), kind: "direct" as const } };
  const bytes = randomBytes(200_000);
  ada.sendDocument(chat, bytes, { name: "data.bin", caption: "see" });
  await door.until(() => door.received.length === 1);
  const [message] = door.received;
  const file = message?.kind === "message" ? message.files?.[0] : undefined;
  assert.ok(file);
  const options = { bytesMax: 1_000_000, signal: new AbortController().signal };
  assert.equal(Buffer.compare(await door.adapter.fetch(file, options), bytes), 0);
  const [body = ""] = door.adapter.render("**done**", "final");
  const buttons = [{ label: "Again", data: "1:0" }];
  const ref = await door.adapter.post(target, { body, buttons, audible: true, forming: false, nonce: "n" });
  ada.press(chat, Number(ref), "Again");
  await door.until(() => door.received.some(({ kind }) => kind === "action"));
  await door.adapter.change(target, {
    ref,
    message: { body: "changed", buttons: [], audible: false, forming: false, nonce: "n" },
  });
  assert.equal(door.platform.lastOfBot(chat)?.text, "changed");
  await door.adapter.file(target, { name: "back.bin", bytes, nonce: "n" });
  assert.equal(Buffer.compare(door.platform.lastOfBot(chat)?.file?.bytes ?? new Uint8Array(), bytes), 0);
  assert.deepEqual([...kinds].sort(), ["Blob", "string", "undefined"]);
});

test("a request whose answer is lost is not repeated by the runtime, and no error holds the token", async () => {
  await using door = await connected();
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.privateChat(door.bot, ada);
  const target = { adapter: "tg", conversation: { id: String(chat.id), kind: "direct" as const } };
  ada.say(chat, "hello");
  const message = (body: string) => ({ body, buttons: [], audible: true, forming: false, nonce: "n" });
  // The connection is one that was used before: runtimes like to repeat on those.
  for (let n = 0; n < 3; n += 1) {
    await door.adapter.post(target, message(`before ${n}`));
    door.platform.faults.add({ fault: { kind: "lose" }, methods: ["sendMessage", "sendDocument"], times: 2 });
    for (const send of [
      () => door.adapter.post(target, message(`lost ${n}`)),
      () => door.adapter.file(target, { name: `lost ${n}`, bytes: new Uint8Array([1]), nonce: "n" }),
    ]) {
      const error = await send().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof PlatformError);
      assert.equal(error.fate, "unknown");
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes(door.bot.token));
    }
    const lost = door.platform.messages(chat).filter(({ text, file }) => `${text}${file?.name}`.includes(`lost ${n}`));
    assert.equal(lost.length, 2);
  }
});

test("a connection that was never made is told from one that broke", async () => {
  await using door = await connected();
  await door.server.close();
  const target = { adapter: "tg", conversation: { id: "5", kind: "direct" as const } };
  const send = () =>
    door.adapter.post(target, { body: "x", buttons: [], audible: true, forming: false, nonce: "n" }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  // What was open before may only be found to be broken.
  await send();
  const error = await send();
  assert.ok(error instanceof PlatformError);
  assert.deepEqual([error.fate, error.everywhere], ["later", true]);
});
