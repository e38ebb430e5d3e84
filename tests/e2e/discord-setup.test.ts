// Discord from nothing to a first answer, with the built program: asked for at a terminal, and without questions.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDiscord, startDiscordServer } from "../adapters/discord/fake/index.ts";
import { createSlack, startSlackServer } from "../adapters/slack/fake/index.ts";
import { createPlatform } from "../adapters/telegram/fake/platform.ts";
import { startServer } from "../adapters/telegram/fake/server.ts";
import { builtProgram } from "../built.ts";
import { openSeat, until } from "./seat.ts";

setDefaultTimeout(90_000);

let built: ReturnType<typeof builtProgram>;
const closers: (() => unknown)[] = [];
beforeAll(() => {
  built = builtProgram();
});
afterAll(() => built.remove());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A Discord with a bot that is in no server, and one person who has one. */
async function world() {
  const discord = createDiscord({ gateway: { identifyEveryMs: 0 } });
  const server = await startDiscordServer(discord);
  const { bot } = discord;
  const ann = discord.user("ann");
  const guild = discord.guild("home", { people: [ann], bots: [] });
  const seat = openSeat({ program: [built.path] });
  closers.push(async () => {
    await seat.close();
    await server.close();
  });
  const words = () =>
    discord
      .messages(ann.directChannel())
      .filter(({ by }) => by === bot.name)
      .map(({ text, embeds }) => `${text}${JSON.stringify(embeds)}`)
      .join("\n");
  return { discord, server, bot, ann, guild, words, ...seat };
}

/** The code that is to be sent. */
function codeIn(shown: string): string {
  const found = /^ {4}([\w-]{8,20})\r?$/m.exec(shown)?.[1];
  if (found === undefined) throw new Error(`There is no code:\n${shown}`);
  return found;
}

test("a person gets over the intent, the invitation and a code to a first answer, and then to Telegram", async () => {
  const { discord, server, bot, ann, guild, words, settings, sit } = await world();
  const telegram = createPlatform();
  const bots = await startServer(telegram);
  closers.push(() => bots.close());
  const other = telegram.newBot({ username: "helper_bot", canReadAll: true });
  const person = telegram.newPerson({ firstName: "Ann" });
  const chat = telegram.privateChat(other, person);

  bot.granted.clear();
  const run = sit("setup", "--discord-api", server.api, "--telegram-api", bots.url);
  await run.answer("Number [1]", "8");
  await run.see("3  In Discord");
  await run.answer("Number [1]", "3");
  await run.see("2  Under Bot, switch on the Message Content Intent, and save");
  await run.answer("Token (not shown)", "nonsense");
  await run.see("This has not the form of a token of Discord: three groups of letters with dots");
  await run.answer("Token (not shown)", bot.token);
  await run.see("The Message Content Intent is switched off");
  bot.granted.add("MESSAGE_CONTENT");
  await run.answer("Number [1]", "1");
  await run.see(`This is @${bot.name}`);
  await run.see("runs as process");
  await run.see(`client_id=${bot.id}&scope=bot+applications.commands&permissions=274878008384`);
  await run.see("Waiting until the bot is let in");
  discord.join(guild, bot);
  await run.see("It is let in");
  await run.see(`Waiting for the code in a direct chat with @${bot.name}`);
  ann.direct(codeIn(run.shown()));
  await run.see(`(id ${ann.id}) is the owner now`);
  await run.see("An answer has arrived");
  expect(words()).toContain("this chat works");

  // One after the other, in one go.
  await run.see("Where else?");
  await run.answer("Number [1]", "2");
  await run.answer("Token (not shown)", other.token);
  await run.see("This is @helper_bot");
  await run.answer("Restart the running instance", "y");
  await run.see("Waiting for you to press Start");
  const [, code = ""] = /t\.me\/helper_bot\?start=([\w-]+)/.exec(run.shown()) ?? [];
  person.start(chat, code);
  await run.see("An answer has arrived");
  await run.see("Where else?");
  await run.answer("Number [1]", "1");
  await run.see("Setup is done");
  expect(await run.ended).toBe(0);
  expect(run.shown()).not.toContain(bot.token);
  expect(settings()).toEqual({
    adapters: {
      discord: { type: "discord", botToken: bot.token, apiUrl: server.api },
      telegram: { type: "telegram", botToken: other.token, apiRoot: bots.url },
    },
  });
  ann.direct("run echo 4711");
  await until(() => words().includes("4711"));
});

test("without questions: the token from a file, the invitation printed, the owner and the answer waited for", async () => {
  const { discord, server, bot, ann, guild, words, settings, home, call } = await world();
  const file = join(home, "token");
  writeFileSync(file, `${bot.token}\n`, { mode: 0o600 });
  const flags = ["setup", "--yes", "--discord-api", server.api, "--discord-token-file", file];
  const first = await call(...flags);
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toContain("permissions=274878008384");
  expect(first.out).toMatch(/^ {4}[\w-]{8,20}$/m);
  expect(settings()).toEqual({ adapters: { discord: { type: "discord", botToken: { file }, apiUrl: server.api } } });
  const waited = call(...flags, "--discord-owner", ann.id, "--wait");
  discord.join(guild, bot);
  await until(() => discord.calls.filter(({ path }) => path.endsWith("/users/@me/guilds")).length >= 4);
  ann.direct("hello");
  expect(await waited).toMatchObject({ code: 0, err: "", out: expect.stringContaining("An answer has arrived") });
  expect(words()).not.toBe("");
  // All is done already.
  expect(await call(...flags, "--wait")).toMatchObject({ code: 0, err: "" });
  discord.revoke();
  const revoked = await call(...flags);
  expect(revoked).toMatchObject({ code: 1, err: expect.stringContaining("does not know the bot token") });
});

test("without questions: several platforms by one command, with one start for all", async () => {
  const { discord, server, bot, ann, guild, settings, call } = await world();
  discord.join(guild, bot);
  const slack = createSlack();
  const workspace = await startSlackServer(slack);
  closers.push(async () => {
    await workspace.close();
    slack.close();
  });
  const { app } = slack;
  const ofDiscord = ["--discord-api", server.api, "--discord-token", bot.token, "--discord-owner", ann.id];
  const ofSlack = ["--slack-token", app.botToken, "--slack-app-token", app.appToken];
  const done = await call("setup", "--yes", ...ofDiscord, "--slack-api", workspace.apiUrl, ...ofSlack);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out.match(/runs as process/g)).toHaveLength(1);
  expect(done.out).toContain(`Go on there, as id ${ann.id}`);
  expect(done.out).toContain("Send this to @remoteagent in a direct chat, and you own the bot");
  expect(Object.keys(settings().adapters as object)).toEqual(["slack", "discord"]);
});
