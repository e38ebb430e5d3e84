// What doctor finds of Slack and Discord, with the built program: what is well, and each hindrance with its mend.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { botEvents, botScopes } from "../../src/adapters/slack/scopes.ts";
import { createDiscord, startDiscordServer } from "../adapters/discord/fake/index.ts";
import { createSlack, startSlackServer } from "../adapters/slack/fake/index.ts";
import { builtProgram } from "../built.ts";
import { createHome, until } from "./program.ts";

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

interface Found {
  area: string;
  level: "ok" | "warn" | "bad";
  text: string;
  mend?: string;
}

function home(adapters: object) {
  const run = createHome({ program: built.path, settings: { adapters } });
  closers.push(() => run[Symbol.asyncDispose]());
  const look = async () => {
    const { out } = await run.call(["doctor", "--json"]);
    return (JSON.parse(out) as Found[]).filter(({ area }) => area in adapters);
  };
  return { run, look, ills: async () => (await look()).filter(({ level }) => level !== "ok") };
}

test("Slack: an app that is well, a scope that is missing, tokens that are taken back", async () => {
  const slack = createSlack({ app: { scopes: Object.keys(botScopes), events: [...botEvents] } });
  const server = await startSlackServer(slack);
  closers.push(async () => {
    await server.close();
    slack.close();
  });
  const { app } = slack;
  const settings = { type: "slack", botToken: app.botToken, appToken: app.appToken, apiUrl: server.apiUrl };
  const { look, ills, run } = home({ work: { ...settings, admins: [slack.user("ann").id] } });
  const well = await look();
  expect(well.map(({ level }) => level)).not.toContain("bad");
  expect(well.map(({ text }) => text)).toEqual([
    "The bot token is that of @remoteagent",
    "This machine's clock agrees with Slack's",
    "The app has every scope that it needs",
    "Socket Mode is on, and the app-level token opens it",
    expect.stringContaining("Settings name its admins"),
  ]);
  slack.takeScope(app, "files:read");
  expect(await ills()).toEqual([
    {
      area: "work",
      level: "warn",
      text: "The app lacks files:read (files that people send)",
      mend: expect.stringContaining("remoteagent setup --slack-manifest"),
    },
  ]);
  slack.giveScope(app, "files:read");
  slack.revoke(app, { token: "app" });
  expect(await ills()).toEqual([
    {
      area: "work",
      level: "bad",
      text: expect.stringContaining("does not take adapters.work.appToken (token_revoked)"),
      mend: expect.stringContaining("Basic Information, App-Level Tokens"),
    },
  ]);
  slack.revoke(app);
  const [revoked] = await ills();
  expect(revoked).toMatchObject({ level: "bad", mend: expect.stringContaining("OAuth & Permissions") });
  expect(revoked?.text).toContain("does not take adapters.work.botToken (token_revoked)");
  expect(JSON.stringify(revoked)).not.toContain(app.botToken);
  expect((await run.call(["doctor"])).code).toBe(1);
});

test("Discord: no server yet, an intent that is off, a token that was reset, and what a running instance says", async () => {
  const discord = createDiscord({ gateway: { identifyEveryMs: 0 } });
  const server = await startDiscordServer(discord);
  closers.push(() => server.close());
  const { bot } = discord;
  const ann = discord.user("ann");
  const guild = discord.guild("home", { people: [ann], bots: [] });
  const { look, ills, run } = home({
    dc: { type: "discord", botToken: bot.token, apiUrl: server.api, admins: [ann.id] },
  });
  expect(await ills()).toEqual([
    {
      area: "dc",
      level: "warn",
      text: "The bot is in no server, and people reach it through one they share",
      mend: expect.stringContaining(`client_id=${bot.id}&scope=bot+applications.commands&permissions=274878008384`),
    },
  ]);
  discord.join(guild, bot);
  expect(await ills()).toEqual([]);
  await run.up();
  await until(
    async () => (await look()).some(({ text }) => text.startsWith("Connected as")),
    () => "it did not connect",
  );
  expect((await run.call(["stop"])).code).toBe(0);
  bot.granted.clear();
  expect(await ills()).toEqual([
    {
      area: "dc",
      level: "bad",
      text: expect.stringContaining("The Message Content Intent is switched off"),
      mend: expect.stringContaining("Privileged Gateway Intents"),
    },
  ]);
  discord.revoke();
  const [reset] = await ills();
  expect(reset).toMatchObject({ level: "bad", mend: expect.stringContaining("Reset Token") });
});
