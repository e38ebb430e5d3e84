// The fake Telegram over HTTP: the wire, the faults on it, and a real client library against it.
import { afterEach, describe, expect, test } from "bun:test";
import { Bot, GrammyError, HttpError, InputFile } from "grammy";
import { createPlatform, type PlatformOptions } from "./fake/platform.ts";
import { startServer } from "./fake/server.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A one-pixel PNG. */
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);

async function world(options: PlatformOptions = {}) {
  const platform = createPlatform(options);
  const server = await startServer(platform);
  closers.push(() => server.close());
  const bot = platform.newBot({ username: "helper_bot" });
  const ann = platform.newPerson({ firstName: "Ann", username: "ann" });
  const chat = platform.privateChat(bot, ann);
  ann.start(chat);
  const url = (method: string) => `${server.url}/bot${bot.token}/${method}`;
  const ask = async (method: string, params: object = {}, init: RequestInit = {}) => {
    const response = await fetch(url(method), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ chat_id: chat.id, ...params }),
      ...init,
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const client = () => new Bot(bot.token, { client: { apiRoot: server.url, timeoutSeconds: 5 } });
  return { platform, server, bot, ann, chat, url, ask, client };
}

/** Whether a request ended without a whole answer. */
const failed = (request: Promise<unknown>) =>
  request.then(
    () => false,
    () => true,
  );

/** Settles as soon as the fake has heard this method so often. */
async function heard(platform: Awaited<ReturnType<typeof world>>["platform"], method: string, times: number) {
  const deadline = Date.now() + 5000;
  while (platform.requests.filter((one) => one.method === method).length < times) {
    if (Date.now() > deadline) throw new Error(`${method} was not called ${times} times`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("the wire", () => {
  test("takes query, form, JSON and multipart alike", async () => {
    const { platform, chat, url } = await world();
    const form = new FormData();
    form.set("chat_id", String(chat.id));
    form.set("text", "multipart");
    const requests: [string, RequestInit][] = [
      [`${url("sendMessage")}?chat_id=${chat.id}&text=query%20%26`, {}],
      [url("sendMessage"), { method: "POST", body: new URLSearchParams({ chat_id: String(chat.id), text: "form +" }) }],
      [url("sendMessage"), { method: "POST", body: form }],
    ];
    for (const [address, init] of requests)
      expect(await (await fetch(address, init)).json()).toMatchObject({ ok: true });
    expect(platform.messages(chat).map(({ text }) => text)).toEqual(["/start", "query &", "form +", "multipart"]);
    expect(platform.requests.at(-1)).toMatchObject({ method: "sendMessage", params: { text: "multipart" } });
  });

  test("the status is the error code, with Retry-After", async () => {
    const { platform, server, ask } = await world();
    expect((await ask("dance")).status).toBe(404);
    expect(await (await fetch(`${server.url}/elsewhere`)).json()).toMatchObject({ error_code: 404 });
    expect((await ask("sendMessage", {}, { body: "{" })).body).toMatchObject({ ok: false, error_code: 400 });
    platform.faults.add({ fault: { kind: "flood", retryAfterS: 7 } });
    const { status, headers } = await ask("sendMessage", { text: "x" });
    expect([status, headers.get("retry-after")]).toEqual([429, "7"]);
  });

  test("a long poll ends with the first update, or empty when its time is over", async () => {
    const { platform, ann, chat, ask } = await world();
    const first = await ask("getUpdates", { timeout: 30 });
    const offset = first.body.result[0].update_id + 1;
    const waiting = ask("getUpdates", { timeout: 30, offset });
    await heard(platform, "getUpdates", 2);
    ann.say(chat, "at last");
    expect((await waiting).body.result[0].message.text).toBe("at last");
    const began = Date.now();
    expect((await ask("getUpdates", { timeout: 1, offset: offset + 1 })).body).toEqual({ ok: true, result: [] });
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  });

  test("a second poll ends the first; one that went away takes no update with it", async () => {
    const { platform, ann, chat, ask } = await world();
    const offset = (await ask("getUpdates")).body.result[0].update_id + 1;
    const first = ask("getUpdates", { timeout: 30, offset });
    await heard(platform, "getUpdates", 2);
    const gone = new AbortController();
    const second = ask("getUpdates", { timeout: 30, offset }, { signal: gone.signal });
    expect((await first).body).toEqual({
      ok: false,
      error_code: 409,
      description: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    });
    gone.abort();
    expect(await failed(second)).toBe(true);
    ann.say(chat, "still there");
    expect((await ask("getUpdates", { timeout: 30, offset })).body.result[0].message.text).toBe("still there");
  });

  test("a webhook ends an open poll", async () => {
    const { platform, ask } = await world();
    const offset = (await ask("getUpdates")).body.result[0].update_id + 1;
    const waiting = ask("getUpdates", { timeout: 30, offset });
    await heard(platform, "getUpdates", 2);
    await ask("setWebhook", { url: "https://example.com/hook" });
    expect((await waiting).body.description).toBe("Conflict: terminated by setWebhook request");
  });

  test("closing ends open polls and sockets", async () => {
    const { platform, server, ask } = await world();
    const offset = (await ask("getUpdates")).body.result[0].update_id + 1;
    const waiting = ask("getUpdates", { timeout: 30, offset }).catch(() => "ended");
    await heard(platform, "getUpdates", 2);
    await server.close();
    expect(await waiting).toBe("ended");
    expect(server.sockets()).toBe(0);
  });
});

describe("faults", () => {
  const sent = { text: "x" };

  test("dropped before it acts, lost after", async () => {
    const { platform, chat, ask } = await world();
    platform.faults.add({ fault: { kind: "drop" }, times: 1 });
    platform.faults.add({ fault: { kind: "lose" }, times: 1 });
    expect(await failed(ask("sendMessage", sent))).toBe(true);
    await heard(platform, "sendMessage", 1);
    expect(platform.messages(chat)).toHaveLength(1);
    expect(await failed(ask("sendMessage", sent))).toBe(true);
    await heard(platform, "sendMessage", 2);
    expect(platform.messages(chat)).toHaveLength(2);
    expect((await ask("sendMessage", sent)).status).toBe(200);
    expect(platform.faults.counts()).toEqual({ drop: 1, lose: 1 });
  });

  test("cut short, no JSON, a proxy's page", async () => {
    const { platform, chat, ask, url } = await world();
    for (const kind of ["cut", "garbage"] as const) platform.faults.add({ fault: { kind }, times: 1 });
    platform.faults.add({ fault: { kind: "html", status: 502 }, times: 1 });
    expect(await failed(ask("sendMessage", sent))).toBe(true);
    expect(await failed(ask("sendMessage", sent))).toBe(true);
    expect(platform.messages(chat)).toHaveLength(3);
    const page = await fetch(url("getMe"));
    expect([page.status, page.headers.get("content-type")]).toEqual([502, "text/html"]);
    expect(await page.text()).toContain("<center><h1>502");
  });

  test("never answered, or later", async () => {
    const { platform, chat, ask } = await world();
    platform.faults.add({ fault: { kind: "hang", acts: true }, times: 1 });
    platform.faults.add({ fault: { kind: "delay", ms: 60 }, times: 1 });
    expect(await failed(ask("sendMessage", sent, { signal: AbortSignal.timeout(50) }))).toBe(true);
    expect(platform.messages(chat)).toHaveLength(2);
    const began = Date.now();
    expect((await ask("sendMessage", sent)).status).toBe(200);
    expect(Date.now() - began).toBeGreaterThanOrEqual(55);
  });

  test("by method, by look, after some, for some, by chance", async () => {
    const { platform, ask } = await world({ random: () => 0.5 });
    const remove = platform.faults.add({ fault: { kind: "unauthorized" }, methods: ["getMe"], skip: 1, times: 1 });
    const codes = async (method: string, times: number, params = {}) => {
      const all: number[] = [];
      for (let index = 0; index < times; index += 1) all.push((await ask(method, params)).status);
      return all;
    };
    expect(await codes("getMe", 3)).toEqual([200, 401, 200]);
    remove();
    platform.faults.add({ fault: { kind: "conflict" }, when: ({ params }) => params.text === "b" });
    expect([await codes("sendMessage", 1, { text: "a" }), await codes("sendMessage", 1, { text: "b" })]).toEqual([
      [200],
      [409],
    ]);
    platform.faults.clear();
    platform.faults.add({ fault: { kind: "unauthorized" }, probability: 0.5 });
    expect(await codes("getMe", 1)).toEqual([200]);
    platform.faults.add({ fault: { kind: "unauthorized" }, probability: 0.6 });
    expect(await codes("getMe", 1)).toEqual([401]);
  });

  test("updates that come twice, or the wrong way round", async () => {
    const { platform, ann, chat, ask } = await world();
    const ids = (answer: { body: { result: { update_id: number }[] } }) =>
      answer.body.result.map((one) => one.update_id);
    const [first = 0] = ids(await ask("getUpdates"));
    ann.say(chat, "b");
    ann.say(chat, "c");
    platform.faults.add({ fault: { kind: "repeat", count: 5 }, times: 1 });
    platform.faults.add({ fault: { kind: "reorder" }, times: 1 });
    expect(ids(await ask("getUpdates", { offset: first + 1 }))).toEqual([first, first + 1, first + 2]);
    expect(ids(await ask("getUpdates", { offset: first + 1 }))).toEqual([first + 2, first + 1]);
  });
});

describe("files", () => {
  async function withFile(bytes: Uint8Array, options: { size?: number } = {}) {
    const made = await world();
    made.ann.sendDocument(made.chat, bytes, { name: "notes.pdf", mime: "application/pdf", ...options });
    const { document } = (await made.ask("getUpdates")).body.result[1].message;
    const file = await made.ask("getFile", { file_id: document.file_id });
    const address = `${made.server.url}/file/bot${made.bot.token}/${file.body.result?.file_path}`;
    return { ...made, document, file, address };
  }
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

  test("come back byte by byte, whole or in ranges", async () => {
    const { document, file, address } = await withFile(bytes);
    expect(document).toMatchObject({ file_name: "notes.pdf", mime_type: "application/pdf", file_size: 1000 });
    expect(file.body.result.file_path).toMatch(/^documents\/file_\d+\.pdf$/);
    expect(new Uint8Array(await (await fetch(address)).arrayBuffer())).toEqual(bytes);
    const range = async (value: string) => {
      const response = await fetch(address, { headers: { range: value } });
      return [response.status, response.headers.get("content-range"), (await response.arrayBuffer()).byteLength];
    };
    expect(await range("bytes=990-")).toEqual([206, "bytes 990-999/1000", 10]);
    expect(await range("bytes=0-9")).toEqual([206, "bytes 0-9/1000", 10]);
    expect(await range("bytes=-5")).toEqual([206, "bytes 995-999/1000", 5]);
    expect(await range("bytes=1000-")).toEqual([416, "bytes */1000", 0]);
  });

  test("of more than 20 MB cannot be fetched, nor by another bot, nor without asking", async () => {
    const big = await withFile(bytes, { size: 20 * 1024 * 1024 + 1 });
    expect(big.file.body.description).toBe("Bad Request: file is too big");
    const other = big.platform.newBot({ username: "other_bot" });
    expect(big.platform.call(other.token, "getFile", { file_id: big.document.file_id })).toMatchObject({
      error_code: 400,
    });
    expect((await fetch(big.address)).status).toBe(404);
  });

  test("stop in the middle, end early, or go on too long", async () => {
    const { platform, address } = await withFile(bytes);
    platform.faults.add({ fault: { kind: "stall", bytes: 100 }, methods: ["file"], times: 1 });
    platform.faults.add({ fault: { kind: "cut", bytes: 100 }, methods: ["file"], times: 1 });
    platform.faults.add({ fault: { kind: "swell", bytes: 500 }, methods: ["file"], times: 1 });
    const fetched = async () =>
      (await (await fetch(address, { signal: AbortSignal.timeout(200) })).arrayBuffer()).byteLength;
    expect(await failed(fetched())).toBe(true);
    expect(await failed(fetched())).toBe(true);
    expect(await fetched()).toBe(1500);
    expect(await fetched()).toBe(1000);
  });

  test("uploads of more than 50 MB are refused, empty ones too", async () => {
    const { platform, bot, chat } = await world();
    const send = (bytes: Uint8Array, method = "sendDocument", field = "document") =>
      platform.call(bot.token, method, { chat_id: chat.id }, { [field]: { name: "a.bin", type: "", bytes } });
    expect(send(new Uint8Array(50 * 1024 * 1024 + 1))).toEqual({
      ok: false,
      error_code: 413,
      description: "Request Entity Too Large",
    });
    expect(send(new Uint8Array(0))).toMatchObject({ description: "Bad Request: file must be non-empty" });
    expect(send(bytes, "sendPhoto", "photo")).toMatchObject({ description: "Bad Request: IMAGE_PROCESS_FAILED" });
    expect(send(new Uint8Array(10 * 1024 * 1024 + 1), "sendPhoto", "photo")).toMatchObject({ error_code: 400 });
    expect(send(png, "sendPhoto", "photo")).toMatchObject({ result: { photo: [{ width: 1, height: 1 }] } });
  });
});

describe("grammY", () => {
  test("polls, answers, edits and stops, confirming what it took", async () => {
    const { platform, bot, ann, chat, client } = await world();
    const library = client();
    const edited = Promise.withResolvers<void>();
    library.on("message:text", async (context) => {
      const { message_id } = await context.reply("…", { disable_notification: true });
      await context.api.editMessageText(context.chat.id, message_id, `<b>${context.message.text}</b>`, {
        parse_mode: "HTML",
      });
      if (context.message.text === "hello") edited.resolve();
    });
    const stopped = library.start();
    ann.say(chat, "hello");
    await edited.promise;
    expect(platform.lastOfBot(chat)).toMatchObject({
      text: "hello",
      silent: true,
      edits: 1,
      entities: [{ type: "bold" }],
    });
    await library.stop();
    await stopped;
    expect(platform.pending(bot)).toEqual([]);
  });

  test("sends files and albums", async () => {
    const { platform, chat, client } = await world();
    const { api } = client();
    await api.sendDocument(chat.id, new InputFile(Buffer.from("caf\u00e9"), "menü.txt"), { caption: "the menu" });
    await api.sendMediaGroup(chat.id, [
      { type: "photo", media: new InputFile(png, "a.png"), caption: "two" },
      { type: "photo", media: new InputFile(png, "b.png") },
    ]);
    const [, document, first, second] = platform.messages(chat);
    expect(document).toMatchObject({ text: "the menu", file: { kind: "document", name: "menü.txt" } });
    expect(Buffer.from(document?.file?.bytes ?? []).toString()).toBe("caf\u00e9");
    expect(first?.mediaGroup).toBe(String(second?.mediaGroup));
    expect([first?.text, second?.text]).toEqual(["two", ""]);
    expect(Buffer.from(first?.file?.bytes ?? [])).toEqual(png);
    const single = api.sendMediaGroup(chat.id, [{ type: "photo", media: new InputFile(png, "a.png") }]);
    await expect(single).rejects.toThrow("2-10 items");
  });

  test("reports refusals and broken connections as what they are", async () => {
    const { platform, chat, client } = await world();
    const { api } = client();
    platform.faults.add({ fault: { kind: "flood", retryAfterS: 12 }, times: 1 });
    platform.faults.add({ fault: { kind: "lose" }, times: 1 });
    const flood: unknown = await api.sendMessage(chat.id, "x").catch((error: unknown) => error);
    expect(flood).toBeInstanceOf(GrammyError);
    expect(flood).toMatchObject({ error_code: 429, parameters: { retry_after: 12 } });
    expect(await api.sendMessage(chat.id, "x").catch((error: unknown) => error)).toBeInstanceOf(HttpError);
    expect(platform.lastOfBot(chat)?.text).toBe("x");
  });
});
