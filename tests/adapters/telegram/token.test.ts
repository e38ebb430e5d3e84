// The token stands in every address: no answer of a server leads a request, with it, elsewhere.

import { expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connected } from "./door.ts";

const options = { bytesMax: 1_000_000, signal: new AbortController().signal };

/** A foreign server that notes what it is asked for. */
async function foreign() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url ?? ""} ${request.headers.referer ?? ""}`);
    response.end(JSON.stringify({ ok: true, result: { message_id: 1 } }));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}/`, [Symbol.asyncDispose]: async () => void server.close() };
}

test("SECURITY 14: a redirect is not followed, by a call or by a download", async () => {
  await using elsewhere = await foreign();
  const front = createServer((_request, response) => {
    response.writeHead(307, { location: elsewhere.url }).end();
  });
  await new Promise<void>((resolve) => void front.listen(0, "127.0.0.1", resolve));
  const { port } = front.address() as AddressInfo;
  let led: RegExp | undefined;
  const network = (async (url: string, init?: RequestInit) =>
    await fetch(led?.test(url) === true ? `http://127.0.0.1:${port}/` : url, init)) as typeof fetch;
  await using door = await connected({ fetch: network });
  const person = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.privateChat(door.bot, person);
  person.sendDocument(chat, new TextEncoder().encode("body"), { name: "a.txt" });
  await door.until(() => door.received.length === 1);
  const [inbound] = door.received;
  const file = inbound?.kind === "message" ? inbound.files?.[0] : undefined;
  if (file === undefined) throw new Error("There is no file");
  led = /sendMessage|\/file\//;
  const target = { adapter: "tg", conversation: { id: String(chat.id), kind: "direct" as const } };
  const message = { body: "hi", buttons: [], audible: false, forming: false, nonce: "n" };
  await expect(door.adapter.post(target, message)).rejects.toThrow();
  let over = false;
  const fetched = door.adapter.fetch(file, options).then(
    () => "there",
    (error: Error) => error.message,
  );
  void fetched.then(() => {
    over = true;
  });
  await door.until(() => over, { advanceMs: 5_000 });
  expect(await fetched).not.toBe("there");
  expect(elsewhere.asked).toEqual([]);
  front.close();
});

test("a place that a server names for a file leads to no other method", async () => {
  await using door = await connected();
  const file = { name: "a.txt", ref: "x" };
  for (const path of ["../sendMessage", "a/../../b", "./a", "a//b", "/etc/passwd"]) {
    const result = { file_id: "x", file_unique_id: "x", file_path: path };
    door.platform.faults.add({
      fault: { kind: "answer", answer: { ok: true, result } },
      methods: ["getFile"],
      times: 1,
    });
    await expect(door.adapter.fetch(file, options)).rejects.toThrow(/odd place|to itself/);
  }
});
