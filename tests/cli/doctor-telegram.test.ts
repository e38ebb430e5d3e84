// What doctor finds about a Telegram bot, over the fake Bot API, and what --fix does about it.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPlatform } from "../adapters/telegram/fake/platform.ts";
import { startServer } from "../adapters/telegram/fake/server.ts";
import { program, until } from "./program.ts";

setDefaultTimeout(60_000);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Found {
  area: string;
  level: "ok" | "warn" | "bad";
  text: string;
  mend?: string;
}

/** A state folder whose settings name one bot. */
async function world(more: object = {}) {
  const platform = createPlatform();
  const server = await startServer(platform);
  closers.push(() => server.close());
  const bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const run = program();
  closers.push(() => run[Symbol.asyncDispose]());
  const configure = (settings: object) =>
    writeFileSync(
      run.path("settings.json"),
      JSON.stringify({
        adapters: { tg: { type: "telegram", botToken: bot.token, apiRoot: server.url, ...settings } },
      }),
      { mode: 0o600 },
    );
  mkdirSync(run.stateDir, { mode: 0o700 });
  configure(more);
  const look = async (...args: string[]) => {
    const { out } = await run.call("doctor", "--json", ...args);
    return (JSON.parse(out) as Found[]).filter(({ area }) => area === "tg");
  };
  return { platform, server, bot, run, configure, look };
}

const levels = (found: Found[]) => found.map(({ level }) => level);

test("a bot with nothing wrong but that nobody owns it", async () => {
  const { look, run, bot, platform } = await world();
  const found = await look();
  expect(found.map(({ text }) => text)).toEqual([
    "The token is that of @helper_bot",
    "This machine's clock agrees with Telegram's",
    "In groups it sees every message, and answers those that are meant for it",
    "Nobody has paired with it, so it answers nobody",
  ]);
  expect(levels(found)).toEqual(["ok", "ok", "ok", "warn"]);
  expect(found[3]?.mend).toContain("remoteagent pair");
  // Looking has taken no message, and disturbed nobody who polls.
  expect(platform.requests.map(({ method }) => method)).toEqual(["getMe", "getWebhookInfo"]);
  expect(JSON.stringify(found)).not.toContain(bot.token);
  // Paired, and then stopped: it is known all the same.
  const ann = platform.newPerson({ firstName: "Ann" });
  const chat = platform.privateChat(bot, ann);
  expect((await run.call("start")).code).toBe(0);
  const { out } = await run.call("pair", "--json");
  ann.start(chat, (JSON.parse(out) as { code: string }).code);
  await until(() => platform.lastOfBot(chat) !== undefined, "no answer came");
  const running = await look();
  expect(running.map(({ text }) => text)).toContain(`Its owner is Ann (${ann.id})`);
  expect(running.map(({ text }) => text)).toContain("Connected as @helper_bot (reads all of its groups)");
  expect((await run.call("stop")).code).toBe(0);
  expect((await look()).at(-1)).toEqual({ area: "tg", level: "ok", text: `Its owner is Ann (${ann.id})` });
});

test("settings that name admins need nobody who pairs", async () => {
  const { look } = await world({ admins: ["4711"] });
  expect((await look()).at(-1)).toEqual({ area: "tg", level: "ok", text: "Settings name its admins: 4711" });
});

test("a token that is wrong, missing or revoked, and a server that is not there", async () => {
  const { look, bot, platform, configure } = await world();
  const fresh = platform.revoke(bot);
  const [revoked] = await look();
  expect(revoked).toMatchObject({ level: "bad", mend: expect.stringContaining("@BotFather") });
  expect(revoked?.text).toContain("does not know the bot token");
  configure({ botToken: "nonsense" });
  expect((await look())[0]).toMatchObject({ level: "bad", text: expect.stringContaining("has not the form of one") });
  configure({ botToken: { env: "NOT_SET_ANYWHERE" } });
  expect((await look())[0]).toMatchObject({ level: "bad", text: expect.stringContaining('"NOT_SET_ANYWHERE"') });
  configure({ botToken: fresh, apiRoot: "http://127.0.0.1:9" });
  const [away] = await look();
  expect(away).toEqual({
    area: "tg",
    level: "bad",
    text: "Cannot reach the Bot API at 127.0.0.1:9: the connection was refused",
    mend: "Is that server running, and is adapters.tg.apiRoot its address?",
  });
  expect(JSON.stringify(away)).not.toContain(fresh);
});

test("a webhook that was left over is found, and removed by --fix without losing what waits", async () => {
  const { look, bot, platform } = await world();
  bot.webhook = "https://elsewhere.example/secret-path";
  const person = platform.newPerson({ firstName: "Ann" });
  person.say(platform.privateChat(bot, person), "hello");
  const found = (await look()).find(({ text }) => text.includes("webhook"));
  expect(found).toMatchObject({ level: "bad", mend: expect.stringContaining("remoteagent doctor --fix") });
  expect(found?.text).toContain("elsewhere.example");
  expect(found?.text).not.toContain("secret-path");
  expect(bot.webhook).not.toBe("");
  const fixed = (await look("--fix")).find(({ text }) => text.includes("webhook"));
  expect(fixed).toMatchObject({ level: "ok", text: expect.stringContaining("mended, the webhook is removed") });
  expect(bot.webhook).toBe("");
  expect(platform.pending(bot)).toHaveLength(1);
});

test("privacy mode is told, unless groups are of no concern", async () => {
  const { look, bot, configure } = await world();
  bot.canReadAll = false;
  const found = (await look()).find(({ text }) => text.startsWith("Privacy mode is on"));
  expect(found).toMatchObject({ level: "warn", mend: expect.stringContaining("/setprivacy") });
  configure({ groups: "none" });
  expect((await look()).map(({ text }) => text)).toContain("It does not listen in groups");
});

test("another program with the same token: looked for with --online alone, or told by what runs", async () => {
  const { look, bot, server, run } = await world();
  const over = new AbortController();
  const polls = (async () => {
    while (!over.signal.aborted) {
      const url = `${server.url}/bot${bot.token}/getUpdates?timeout=20`;
      const answer = await fetch(url, { signal: over.signal }).catch(() => undefined);
      await answer?.text();
    }
  })();
  closers.push(async () => {
    over.abort();
    await polls;
  });
  expect(levels(await look())).not.toContain("bad");
  const found = (await look("--online")).filter(({ level }) => level === "bad");
  expect(found).toEqual([
    {
      area: "tg",
      level: "bad",
      text: "Another program takes the bot's messages with the same token",
      mend: expect.stringContaining("Stop it"),
    },
  ]);
  expect((await run.call("start")).code).toBe(0);
  let told: Found[] = [];
  await until(async () => {
    told = (await look()).filter(({ level }) => level === "bad");
    return told.length > 0;
  }, "the running instance did not tell");
  expect(told[0]?.text).toContain("Another program takes the messages");
});

test("a clock that is wrong is compared with the server's", async () => {
  const { look, configure, bot } = await world();
  const late = createServer((_request, response) => {
    response.writeHead(200, {
      "content-type": "application/json",
      date: new Date(Date.now() - 10 * 60_000).toUTCString(),
    });
    response.end(
      JSON.stringify({ ok: true, result: { id: bot.id, is_bot: true, first_name: "x", username: "helper_bot" } }),
    );
  });
  await new Promise<void>((ready) => late.listen(0, "127.0.0.1", ready));
  closers.push(() => late.close());
  configure({ apiRoot: `http://127.0.0.1:${(late.address() as AddressInfo).port}` });
  const found = (await look()).find(({ text }) => text.includes("clock"));
  expect(found).toMatchObject({ level: "warn", mend: "Set it: timedatectl set-ntp true" });
  expect(found?.text).toMatch(/^This machine's clock is (?:9|10)m ahead of Telegram's$/);
});

test("a bot that the running instance does not know is told", async () => {
  const { look, run, configure } = await world();
  writeFileSync(run.path("settings.json"), "{}", { mode: 0o600 });
  expect((await run.call("start")).code).toBe(0);
  configure({});
  expect((await look()).map(({ mend }) => mend)).toContain("remoteagent restart");
});
