// From nothing to a conversation: the wizard on a real terminal, over the fake Bot API, with a fake person's thumbs.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createPlatform } from "../adapters/telegram/fake/platform.ts";
import { type FakeServer, startServer } from "../adapters/telegram/fake/server.ts";
import { openSeat, until } from "./seat.ts";

setDefaultTimeout(90_000);

const main = resolve(import.meta.dirname, "../../src/main.ts");
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A Telegram with one bot and one person, and the program over a state folder of its own. */
async function world(env: Record<string, string> = {}) {
  const platform = createPlatform();
  const server: FakeServer = await startServer(platform);
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_OWNER_ID: id } = env;
  const named = token === undefined ? {} : { token };
  const bot = platform.newBot({ username: "helper_bot", canReadAll: true, ...named });
  const known = id === undefined ? {} : { id: Number(id) };
  const ann = platform.newPerson({ firstName: "Ann", lastName: "Example", ...known });
  const chat = platform.privateChat(bot, ann);
  const seat = openSeat({ program: [process.execPath, main], env });
  closers.push(async () => {
    await seat.close();
    await server.close();
  });
  return { platform, server, bot, ann, chat, ...seat };
}

/** The code that stands in the link, as the person's program sends it. */
function payload(shown: string): string {
  const found = /t\.me\/helper_bot\?start=([\w-]+)/.exec(shown)?.[1];
  if (found === undefined) throw new Error(`There is no link:\n${shown}`);
  return found;
}

test("a person with a token gets to a conversation, and a second run asks nothing of it again", async () => {
  const { platform, server, bot, ann, chat, stateDir, settings, sit, call } = await world();
  const first = sit("setup", "--telegram-api", server.url);
  await first.answer("Number [1]", "8");
  await first.see("In Telegram");
  await first.answer("Number [1]", "1");
  await first.see("/newbot");
  await first.answer("Token (not shown)", bot.token);
  await first.see("This is @helper_bot: https://t.me/helper_bot");
  await first.see("runs as process");
  await first.see("press Start, and you own the bot");
  await first.see("Waiting for you to press Start");
  ann.start(chat, payload(first.shown()));
  await first.see(`Ann Example (id ${ann.id}) is the owner now`);
  await first.see("An answer has arrived");
  await first.answer("Number [1]", "1");
  await first.see("Setup is done");
  expect(await first.ended).toBe(0);
  expect(first.shown()).not.toContain(bot.token);
  const said = platform.messages(chat).filter(({ byBot }) => byBot);
  expect(said[0]?.text).toContain("You are the owner now");
  expect(said.length).toBeGreaterThan(1);
  const path = join(stateDir, "settings.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(settings()).toEqual({
    adapters: { telegram: { type: "telegram", botToken: bot.token, apiRoot: server.url } },
  });

  // It goes on there.
  ann.say(chat, "run echo 4711");
  await until(() => platform.lastOfBot(chat)?.text.includes("4711") === true);

  const before = readFileSync(path, "utf8");
  const second = sit("setup");
  await second.see("@helper_bot is connected and answers Ann Example");
  await second.see("All is set up");
  await second.answer("Number [1]", "1");
  expect(await second.ended).toBe(0);
  expect(second.shown()).not.toContain("Token");
  expect(second.shown()).not.toContain("?start=");
  expect(readFileSync(path, "utf8")).toBe(before);
  expect((await call("doctor")).out).toContain(`Its owner is Ann Example (${ann.id})`);
});

test("what is wrong with a token is told at once, and another one is asked for", async () => {
  const { platform, server, bot, settings, sit } = await world();
  const run = sit("setup", "--telegram-api", server.url);
  await run.answer("Number [1]", "8");
  await run.see("In Telegram");
  await run.answer("Number [1]", "1");
  await run.answer("Token (not shown)", "nonsense");
  await run.see("This has not the form of a token of Telegram");
  const revoked = bot.token;
  platform.revoke(bot);
  await run.answer("Token (not shown)", revoked);
  await run.see("does not know the bot token");
  await run.see("Give another token");
  await run.answer("Number [1]", "1");
  // The right one of a bot whose messages go elsewhere.
  bot.webhook = "https://elsewhere.example/secret-path";
  await run.answer("Token (not shown)", bot.token);
  await run.see("A webhook sends the bot's messages to elsewhere.example");
  await run.answer("Number [1]", "1");
  await run.see("the webhook is removed");
  await run.see("This is @helper_bot");
  await run.see("Waiting for you to press Start");
  run.type("\u0003");
  await run.see("Left. The bot is connected, and the code works until its time is over");
  expect(await run.ended).toBe(1);
  expect(bot.webhook).toBe("");
  expect(run.shown()).not.toContain("secret-path");
  expect(run.shown()).not.toContain(bot.token);
  expect(settings()).toHaveProperty("adapters.telegram.botToken", bot.token);
});

test("left half-way, it goes on where it was left, with the same code too", async () => {
  const { platform, server, bot, ann, chat, settings, sit, stateDir } = await world();
  const first = sit("setup", "--telegram-api", server.url);
  await first.answer("Number [1]", "8");
  await first.see("In Telegram");
  await first.answer("Number [1]", "1");
  await first.see("Token (not shown)");
  first.type("\u0003");
  await first.see("Left. What was done is kept");
  expect(await first.ended).toBe(1);
  expect(settings()).toEqual({});

  // The choice of the demo and the server are known; a token would go there.
  const again = sit("setup");
  await again.see(`The Telegram bot is asked for at ${server.url}, as you said before`);
  await again.see("The model is demo/offline");
  await again.see("In Telegram");
  await again.answer("Number [1]", "1");
  await again.see("Token (not shown)");
  again.type("\u0003");
  expect(await again.ended).toBe(1);

  // The network is away; the token is kept all the same.
  const gone = sit("setup", "--telegram-api", "http://127.0.0.1:9", "--telegram-token", bot.token);
  await gone.see("The model is demo/offline");
  await gone.see("Cannot reach the Bot API at 127.0.0.1:9: the connection was refused");
  await gone.see("Keep it as it is");
  await gone.answer("Number [1]", "3");
  await gone.see("Wrote ");
  await gone.see("Leave it so");
  await gone.answer("Number [1]", "2");
  await gone.see("Something is left to do");
  expect(await gone.ended).toBe(1);

  const second = sit("setup", "--telegram-api", server.url, "--telegram-token", bot.token);
  await second.see("The model is demo/offline");
  await second.see("Waiting for you to press Start");
  const code = payload(second.shown());
  second.type("\u0003");
  expect(await second.ended).toBe(1);
  // The bot listens already: who presses Start now is paired.
  ann.start(chat, code);
  await until(() => platform.lastOfBot(chat)?.text.includes("You are the owner now") === true);
  const third = sit("setup");
  await third.see("An answer has arrived");
  expect(await third.ended).toBe(0);
  expect(third.shown()).not.toContain("?start=");
  expect(platform.lastOfBot(chat)?.text).toContain("this chat works");
  expect(existsSync(join(stateDir, "setup.json"))).toBe(false);
});

test("a second program with the same token is noticed before anything is written", async () => {
  const { server, bot, sit, stateDir } = await world();
  const over = new AbortController();
  const polls = (async () => {
    while (!over.signal.aborted) {
      const url = `${server.url}/bot${bot.token}/getUpdates?timeout=20`;
      const answer = await fetch(url, { signal: over.signal }).catch(() => undefined);
      await answer?.text();
    }
  })();
  const run = sit("setup", "--telegram-api", server.url, "--telegram-token", bot.token);
  await run.answer("Number [1]", "8");
  await run.see("Another program takes the bot's messages with the same token");
  await run.see("Do without it now");
  await run.answer("Number [1]", "4");
  expect(await run.ended).toBe(1);
  over.abort();
  await polls;
  expect(JSON.parse(readFileSync(join(stateDir, "settings.json"), "utf8"))).toEqual({});
});

/** An answer in the form of the chat completions protocol. */
function spoken(text: string): Response {
  const chunk = (delta: object, finish: string | null) =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const body = `${chunk({ role: "assistant", content: text }, null)}${chunk({}, "stop")}data: [DONE]\n\n`;
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

test("what runs already is restarted, and a model that fails is told instead of an answer", async () => {
  const { platform, server, bot, ann, chat, sit, call } = await world();
  expect((await call("start")).code).toBe(0);
  let refuses = true;
  const model = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => (refuses ? new Response("{}", { status: 401 }) : spoken("Good morning, Ann.")),
  });
  closers.push(() => model.stop(true));
  const base = ["--provider", "local", "--base-url", `http://127.0.0.1:${model.port}/v1`, "--model", "m"];
  expect((await call("setup", "--yes", "--no-check", ...base)).code).toBe(0);
  const run = sit("setup", "--telegram-api", server.url, "--telegram-token", bot.token);
  await run.see("Asking local/m for one word");
  await run.answer("Choose the model or its key anew? [Y/n]", "n");
  await run.see("This is @helper_bot");
  await run.answer("Restart the running instance, so that it takes the settings? [Y/n]", "y");
  await run.see("runs as process");
  await run.see("Waiting for you to press Start");
  ann.start(chat, payload(run.shown()));
  await run.see("is the owner now");
  await run.answer("Try again? [Y/n]", "n");
  await run.see("Something is left to do");
  expect(await run.ended).toBe(1);
  expect(run.shown()).not.toContain("An answer has arrived");
  // The chat was told as well.
  expect(platform.messages(chat).filter(({ byBot }) => byBot)).toHaveLength(2);

  // With a model that answers it goes on from there.
  refuses = false;
  const again = sit("setup");
  await again.see("It answers");
  await again.see("An answer has arrived");
  expect(await again.ended).toBe(0);
  expect(again.shown()).not.toContain("?start=");
  expect(again.shown()).not.toContain("runs as process");
  expect(platform.lastOfBot(chat)?.text).toContain("Good morning, Ann.");
});

test("without questions: token and owner from the environment, unless told otherwise", async () => {
  const token = `4711:${"x".repeat(35)}`;
  const { server, settings, call } = await world({ TELEGRAM_BOT_TOKEN: token, TELEGRAM_OWNER_ID: "4712" });
  expect((await call("setup", "--yes", "--no-telegram")).code).toBe(0);
  expect(settings()).toEqual({});
  const done = await call("setup", "--yes", "--telegram-api", server.url, "--no-start");
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(settings()).toEqual({
    adapters: { telegram: { type: "telegram", botToken: { env: "TELEGRAM_BOT_TOKEN" }, apiRoot: server.url } },
  });
  const { out } = await call("roles", "list", "--json");
  expect(JSON.parse(out)).toMatchObject([{ user: "telegram/4712", role: "owner" }]);
});

test("without questions: the owner by id, and waiting for the first answer", async () => {
  const { platform, server, bot, ann, chat, settings, call, home } = await world();
  const file = join(home, "token");
  writeFileSync(file, `${bot.token}\n`);
  const flags = ["setup", "--yes", "--telegram-api", server.url];
  const done = await call(...flags, "--telegram-token-file", file, "--owner", String(ann.id));
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toContain("This is @helper_bot: https://t.me/helper_bot");
  expect(done.out).toContain(`Its owner is id ${ann.id}\n`);
  expect(settings()).toEqual({
    adapters: { telegram: { type: "telegram", botToken: { file }, apiRoot: server.url } },
  });
  ann.start(chat);
  await until(() => platform.lastOfBot(chat)?.text.includes("You are known here as owner") === true);
  const waited = await call(...flags, "--telegram-token-file", file, "--wait");
  expect(waited).toMatchObject({ code: 0, err: "" });
  expect(waited.out).toContain("An answer has arrived");
  // Nothing had changed, so nothing was restarted.
  expect(waited.out).not.toContain("runs as process");
  expect(platform.lastOfBot(chat)?.text).toContain("this chat works");
});

test("without questions: a code is printed, and a second bot gets a name of its own", async () => {
  const { platform, server, bot, settings, call } = await world();
  const flags = ["setup", "--yes", "--telegram-api", server.url];
  const first = await call(...flags, "--telegram-token", bot.token);
  expect(first.code).toBe(0);
  expect(first.out).toMatch(/https:\/\/t\.me\/helper_bot\?start=[\w-]{11}/);
  const other = platform.newBot({ username: "other_bot" });
  const second = await call(...flags, "--telegram-token", other.token, "--no-start");
  expect(second.code).toBe(0);
  expect(second.err).toContain("Note: Privacy mode is on");
  expect(Object.keys(settings().adapters as object)).toEqual(["telegram", "telegram-2"]);
  // The same bot with a new token stays where it is.
  const fresh = platform.revoke(other);
  expect((await call(...flags, "--telegram-token", fresh, "--no-start")).code).toBe(0);
  expect(settings()).toHaveProperty("adapters.telegram-2.botToken", fresh);
  expect(Object.keys(settings().adapters as object)).toHaveLength(2);
});

test("without questions: what is missing or wrong is said, and nothing of it is written", async () => {
  const { server, bot, call, stateDir } = await world();
  const flags = ["setup", "--yes", "--telegram-api", server.url];
  const asked = await call("setup");
  expect(asked).toMatchObject({ code: 2, out: "" });
  expect(asked.err).toContain("--yes is missing");
  for (const [code, words, extra] of [
    [2, "its token is missing", []],
    [2, "has not the form of one", ["--telegram-token", "nonsense"]],
    [2, "is no id of a person", ["--telegram-token", bot.token, "--owner", "@ann"]],
    [2, "Cannot tell whose owner", ["--slack-token", "xoxb-0", "--telegram-token", bot.token, "--owner", "1"]],
    [2, "its token is missing", ["--telegram-token", bot.token, "--discord-owner", "80351110224678912"]],
    [2, "is no address", ["--discord-api", "127.0.0.1"]],
    [2, "its app-level token is missing", ["--telegram-token", bot.token, "--slack-token", "xoxb-1-2-3-none"]],
    [2, "both from the command line and from a file", ["--telegram-token", "1:a", "--telegram-token-file", "x"]],
    [2, "it is missing", ["--telegram-token-file", "nowhere"]],
    [1, "does not know the bot token", ["--telegram-token", `1234567:${"x".repeat(35)}`]],
  ] as const) {
    const refused = await call(...flags, ...extra);
    expect([extra, refused.code]).toEqual([extra, code]);
    expect(refused.err).toContain(words);
  }
  bot.webhook = "https://elsewhere.example/x";
  const hooked = await call(...flags, "--telegram-token", bot.token);
  expect(hooked.code).toBe(1);
  expect(hooked.err).toContain("add --remove-webhook");
  expect(readFileSync(join(stateDir, "settings.json"), "utf8")).toBe("{}\n");
  const taken = await call(...flags, "--telegram-token", bot.token, "--remove-webhook", "--no-start");
  expect(taken.code).toBe(0);
  expect(bot.webhook).toBe("");
});
