// A conversation's past on stdout, with the built program: from Slack, from Discord, and from the store for Telegram.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createDiscord, startDiscordServer } from "../adapters/discord/fake/index.ts";
import { createSlack, startSlackServer } from "../adapters/slack/fake/index.ts";
import { createPlatform } from "../adapters/telegram/fake/platform.ts";
import { startServer } from "../adapters/telegram/fake/server.ts";
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

function home(adapters: object) {
  const made = createHome({ program: built.path, settings: { adapters }, env: { TZ: "UTC" } });
  closers.push(() => made[Symbol.asyncDispose]());
  return made;
}

async function slackWorld() {
  const slack = createSlack({ rates: true });
  const server = await startSlackServer(slack);
  closers.push(async () => {
    await server.close();
    slack.close();
  });
  const { app } = slack;
  const ann = slack.user("ann");
  const team = slack.newChannel("team", { members: [ann, app] });
  const settings = { type: "slack", botToken: app.botToken, appToken: app.appToken, apiUrl: server.apiUrl };
  return { slack, server, app, ann, team, settings };
}

const objects = (out: string) =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { id: string; text: string; thread?: string; attachments?: string[] });

test("Slack's past comes oldest first, threads in their place, as lines and as JSON", async () => {
  const { slack, ann, team, settings } = await slackWorld();
  const root = ann.say(team, "one\nand more", { files: [{ name: "a.txt", bytes: new Uint8Array(2) }] });
  ann.say(team, "two \u001b[31mred");
  ann.say(team, "below one", { thread: root });
  const run = home({ work: settings });
  // Slack wants to be left alone for a moment in between.
  slack.faults.add({ fault: { kind: "limit", retryAfterS: 1 }, methods: ["conversations.replies"], times: 1 });
  const shown = await run.call(["download", `work/${team.id}`]);
  expect(shown).toMatchObject({ code: 0, err: `3 messages of work/${team.id}\n` });
  const stamp = "\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\] ann: ";
  expect(shown.out).toMatch(
    new RegExp(
      `^${stamp}one\n    and more\n    \\[file: a.txt\\]\n    ${stamp}below one\n${stamp}two (?:\\[31m)?red\n$`,
    ),
  );
  // The only adapter need not be named.
  const json = await run.call(["download", "--json", team.id]);
  const lines = objects(json.out);
  expect(lines.map(({ text }) => text.split("\n")[0])).toEqual(["one", "below one", expect.stringContaining("two")]);
  expect(lines[1]).toMatchObject({ thread: root });
  expect(lines[0]).toMatchObject({ id: root, attachments: ["a.txt"] });
});

test("what stands in the way of Slack's past is one sentence, with the mend and the exit code", async () => {
  const { slack, server, app, team, settings } = await slackWorld();
  const run = home({ work: settings, other: { ...settings, botToken: "xoxb-nobody-0000" } });
  const wrong = async (...args: string[]) => {
    const { code, out, err } = await run.call(["download", ...args]);
    expect([out, err.split("\n").length]).toEqual(["", err.includes("\n", err.indexOf("\n") + 1) ? 3 : 2]);
    return { code, err };
  };
  expect(await wrong(team.id)).toEqual({ code: 2, err: expect.stringContaining("it is no <adapter>/<conversation>") });
  expect(await wrong("nowhere/1")).toEqual({ code: 2, err: expect.stringContaining("work, other, terminal") });
  expect(await wrong("work/")).toEqual({ code: 2, err: expect.stringContaining("it is no <adapter>/<conversation>") });
  expect(await wrong("work/C0GONE")).toEqual({ code: 1, err: expect.stringContaining("/invite") });
  expect(await wrong(`other/${team.id}`)).toEqual({
    code: 2,
    err: expect.stringContaining("does not take the bot token"),
  });
  slack.takeScope(app, "channels:history");
  expect(await wrong(`work/${team.id}`)).toEqual({ code: 2, err: expect.stringContaining("channels:history") });
  await server.close();
  expect(await wrong(`work/${team.id}`)).toEqual({ code: 1, err: expect.stringContaining("Cannot download") });
});

test("Ctrl-C leaves at once, and says how far it came", async () => {
  const { slack, ann, team, settings } = await slackWorld();
  const root = ann.say(team, "one");
  ann.say(team, "below one", { thread: root });
  slack.faults.add({ fault: { kind: "limit", retryAfterS: 3_600 }, methods: ["conversations.replies"], times: 10 });
  const run = home({ work: settings });
  const running = run.start(["download", team.id]);
  await until(
    () => running.out().includes("one"),
    () => `nothing came: ${running.err()}`,
  );
  running.child.kill("SIGINT");
  expect(await running.ended).toEqual({
    code: 1,
    out: expect.stringContaining("ann: one"),
    err: `Left after 1 message of work/${team.id}\n`,
  });
});

test("Discord's past, with the threads that hang at its messages", async () => {
  const discord = createDiscord();
  const server = await startDiscordServer(discord);
  closers.push(() => server.close());
  const ann = discord.user("ann");
  const guild = discord.guild("home", { people: [ann] });
  const room = discord.channel(guild, "room");
  for (let count = 0; count < 120; count += 1) ann.say(room, `n${count}`);
  const root = ann.say(room, "root");
  const thread = ann.startThread(root, "about it");
  ann.say(thread, "below");
  ann.say(room, "last");
  const run = home({ dc: { type: "discord", botToken: discord.bot.token, apiUrl: server.api } });
  const { code, out, err } = await run.call(["download", "--json", `dc/${room.id}`]);
  expect([code, err]).toEqual([0, `123 messages of dc/${room.id}\n`]);
  const lines = objects(out);
  expect(lines.slice(-3).map(({ text }) => text)).toEqual(["root", "below", "last"]);
  expect(lines.at(-2)).toMatchObject({ thread: root.id });
  discord.deny(room, ["VIEW_CHANNEL"], discord.bot);
  const denied = await run.call(["download", room.id]);
  expect(denied).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Read Message History") });
});

test("Telegram's past is what the store has, with a running instance and without one", async () => {
  const platform = createPlatform();
  const server = await startServer(platform);
  closers.push(() => server.close());
  const bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const ann = platform.newPerson({ firstName: "Ann" });
  const chat = platform.privateChat(bot, ann);
  const run = home({
    tg: { type: "telegram", botToken: bot.token, apiRoot: server.url, admins: [String(ann.id)] },
  });
  const empty = await run.call(["download", `tg/${ann.id}`]);
  expect(empty).toMatchObject({ code: 1, out: "", err: expect.stringContaining("nothing was said there") });
  await run.up();
  ann.say(chat, "run echo 4711");
  await until(
    () => platform.lastOfBot(chat)?.text.includes("bash is done") === true,
    () => "no answer came",
  );
  let during = "";
  await until(
    async () => {
      during = (await run.call(["download", `tg/${ann.id}`])).out;
      return during.includes("4711\n") && during.includes("main: ");
    },
    () => during,
  );
  expect(during).toMatch(/^\[.{19}\] Ann: run echo 4711\n\[.{19}\] main: /);
  expect((await run.call(["stop"])).code).toBe(0);
  const after = await run.call(["download", `tg/${ann.id}`, "--json"]);
  expect(objects(after.out)[0]).toMatchObject({ text: "run echo 4711", sender: { displayName: "Ann", isBot: false } });
});
