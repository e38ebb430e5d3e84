// The fake Telegram without sockets carries the same calls, in a time of its own.
import { describe, expect, test } from "bun:test";
import { createNetwork } from "./network.ts";
import { createPlatform, type Platform } from "./platform.ts";
import type { Json } from "./world.ts";

/** Settles when so many requests have come in; reading a body takes the runtime a few turns. */
async function arrived(platform: Platform, times: number) {
  for (let turn = 0; platform.requests.length < times; turn += 1) {
    if (turn > 10_000) throw new Error(`There were only ${platform.requests.length} requests`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a network without sockets", () => {
  test("carries calls, polls, faults and files in simulated time", async () => {
    const platform = createPlatform();
    const bot = platform.newBot({ username: "helper_bot" });
    const ann = platform.newPerson({ firstName: "Ann" });
    const chat = platform.privateChat(bot, ann);
    const naps: number[] = [];
    const over = Promise.withResolvers<void>();
    const sleep = (ms: number) => {
      naps.push(ms);
      return over.promise;
    };
    const network = createNetwork(platform, { apiRoot: "http://fake", sleep });
    const ask = async (method: string, params: Json, signal?: AbortSignal) => {
      const init = {
        method: "POST",
        body: JSON.stringify(params),
        headers: { "content-type": "application/json" },
        signal,
      };
      return (await network(`http://fake/bot${bot.token}/${method}`, init)).json();
    };
    const poll = ask("getUpdates", { timeout: 30 });
    await arrived(platform, 1);
    ann.sendDocument(chat, new Uint8Array([1, 2, 3]));
    const [{ message }] = (await poll).result;
    expect(naps).toEqual([30_000]);
    const { result } = await ask("getFile", { file_id: message.document.file_id });
    const address = `http://fake/file/bot${bot.token}/${result.file_path}`;
    const file = await network(address);
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    const part = await network(address, { headers: { range: "bytes=1-" } });
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, new Uint8Array([2, 3])]);
    platform.faults.add({ fault: { kind: "lose" }, times: 1 });
    expect(await ask("sendMessage", { chat_id: chat.id, text: "x" }).catch(({ code }) => code)).toBe("ECONNRESET");
    expect(platform.lastOfBot(chat)?.text).toBe("x");
    platform.faults.add({ fault: { kind: "hang" }, times: 1 });
    const gone = new AbortController();
    const hanging = ask("getMe", {}, gone.signal).catch(({ name }) => name);
    await arrived(platform, 6);
    gone.abort();
    expect(await hanging).toBe("AbortError");
    const last = ask("getUpdates", { timeout: 30, offset: 999_999_999_999 });
    await arrived(platform, 7);
    over.resolve();
    expect(await last).toEqual({ ok: true, result: [] });
  });
});
