// Slack from nothing to a first answer, with the built program: asked for at a terminal, and without questions.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manifestText } from "../../scripts/slack-manifest.ts";
import { botEvents, botScopes } from "../../src/adapters/slack/scopes.ts";
import { createSlack, startSlackServer } from "../adapters/slack/fake/index.ts";
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

/** A workspace with an app as the manifest makes it, and one person. */
async function world(env: Record<string, string> = {}) {
  const slack = createSlack({
    app: { scopes: Object.keys(botScopes), events: [...botEvents], commands: ["/pi-help"] },
  });
  const server = await startSlackServer(slack);
  const { app } = slack;
  const ann = slack.user("ann");
  const seat = openSeat({ program: [built.path], env });
  closers.push(async () => {
    await seat.close();
    await server.close();
    slack.close();
  });
  const words = () =>
    slack
      .messages(ann.dm())
      .filter(({ botId }) => botId === app.botId)
      .map(({ text, blocks }) => `${text}${JSON.stringify(blocks ?? [])}`)
      .join("\n");
  const keep = (name: string, token: string) => {
    writeFileSync(join(seat.home, name), `${token}\n`, { mode: 0o600 });
    return join(seat.home, name);
  };
  return { slack, server, app, ann, words, keep, ...seat };
}

/** The code that is to be sent. */
function codeIn(shown: string): string {
  const found = /^ {4}([\w-]{8,20})\r?$/m.exec(shown)?.[1];
  if (found === undefined) throw new Error(`There is no code:\n${shown}`);
  return found;
}

test("a person gets from the manifest over two tokens to a first answer", async () => {
  const { slack, server, app, ann, words, stateDir, settings, sit, call } = await world();
  const run = sit("setup", "--slack-api", server.apiUrl);
  await run.answer("Number [1]", "8");
  await run.see("2  In Slack");
  await run.answer("Number [1]", "2");
  await run.see("1  Open https://api.slack.com/apps");
  await run.see("slack-manifest.json");
  await run.answer("Show the manifest here, to copy it? [y/N]", "y");
  await run.see('"socket_mode_enabled": true');
  const manifest = JSON.parse(readFileSync(join(stateDir, "slack-manifest.json"), "utf8"));
  expect(manifest).toHaveProperty("oauth_config.scopes.bot", Object.keys(botScopes).toSorted());
  // The wrong one of the two is known by its form.
  await run.answer("Bot token (not shown)", app.appToken);
  await run.see("This has not the form of a bot token of Slack: xoxb-");
  await run.answer("Bot token (not shown)", `xoxb-${"0".repeat(20)}`);
  await run.see("does not take adapters.slack.botToken (invalid_auth)");
  await run.answer("Number [1]", "1");
  // Without this scope nobody could pair with it.
  slack.takeScope(app, "im:history");
  await run.answer("Bot token (not shown)", app.botToken);
  await run.see("The app lacks im:history (direct messages)");
  slack.giveScope(app, "im:history");
  await run.answer("Number [1]", "1");
  await run.see("This is @remoteagent:");
  // Another app's token opens a line on which nothing ever comes.
  await run.answer("App-level token (not shown)", slack.newApp({ name: "other" }).appToken);
  await run.see("The two tokens are of different apps");
  await run.answer("Number [1]", "1");
  app.appScopes.clear();
  await run.answer("App-level token (not shown)", app.appToken);
  await run.see("The app-level token lacks the scope connections:write");
  await run.see("Give another app-level token");
  app.appScopes.add("connections:write");
  await run.answer("Number [1]", "2");
  await run.see("The app-level token works");
  await run.see("runs as process");
  await run.see("Waiting for the code in a direct chat with @remoteagent");
  ann.say(ann.dm(), codeIn(run.shown()));
  await run.see(`(id ${ann.id}) is the owner now`);
  await run.see("An answer has arrived");
  await run.answer("Number [1]", "1");
  await run.see("Setup is done");
  expect(await run.ended).toBe(0);
  expect(words()).toContain("this chat works");
  expect(run.shown()).not.toContain(app.botToken);
  expect(run.shown()).not.toContain(app.appToken);
  expect(statSync(join(stateDir, "settings.json")).mode & 0o777).toBe(0o600);
  expect(settings()).toEqual({
    adapters: { slack: { type: "slack", botToken: app.botToken, appToken: app.appToken, apiUrl: server.apiUrl } },
  });
  ann.say(ann.dm(), "run echo 4711");
  await until(() => words().includes("4711"));
  expect((await call("doctor")).out).toMatch(/Its owner is .*\(U/);
});

test("left between the two tokens, it goes on with the second", async () => {
  const { server, app, settings, sit } = await world();
  const first = sit("setup", "--slack-api", server.apiUrl, "--slack-token", app.botToken);
  await first.answer("Number [1]", "8");
  await first.answer("Show the manifest here", "");
  await first.see("This is @remoteagent");
  await first.see("App-level token (not shown)");
  first.type("\u0003");
  await first.see("Left. What was done is kept");
  expect(await first.ended).toBe(1);
  expect(settings()).toHaveProperty("adapters.slack.botToken", app.botToken);

  const second = sit("setup");
  await second.see('Cannot read secret from variable "SLACK_APP_TOKEN": it is not set');
  await second.see("Give the app-level token anew");
  await second.answer("Number [1]", "1");
  await second.answer("App-level token (not shown)", app.appToken);
  await second.see("Waiting for the code");
  second.type("\u0003");
  expect(await second.ended).toBe(1);
  expect(settings()).toHaveProperty("adapters.slack.appToken", app.appToken);
});

test("without questions: both tokens from files, the owner by id, and the first answer waited for", async () => {
  const { slack, server, app, ann, words, keep, settings, call } = await world();
  const files = [keep("bot", app.botToken), keep("app", app.appToken)] as const;
  const flags = ["setup", "--yes", "--slack-api", server.apiUrl];
  const tokens = ["--slack-token-file", files[0], "--slack-app-token-file", files[1]];
  const half = await call(...flags, "--slack-token-file", files[0]);
  expect(half.code).toBe(2);
  expect(half.err).toContain("its app-level token is missing");
  expect(half.err).toContain("--slack-app-token-file <path>, or in SLACK_APP_TOKEN");
  slack.takeScope(app, "chat:write");
  const poor = await call(...flags, ...tokens);
  expect(poor).toMatchObject({ code: 1, err: expect.stringContaining("The app lacks chat:write (writing)") });
  slack.giveScope(app, "chat:write");
  expect(settings()).toEqual({});

  const done = await call(...flags, ...tokens, "--slack-owner", ann.id);
  expect(done).toMatchObject({ code: 0, err: "" });
  expect(done.out).toContain("This is @remoteagent");
  expect(settings()).toEqual({
    adapters: {
      slack: { type: "slack", botToken: { file: files[0] }, appToken: { file: files[1] }, apiUrl: server.apiUrl },
    },
  });
  const waited = call(...flags, ...tokens, "--wait");
  ann.say(ann.dm(), "hello");
  const ended = await waited;
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(words()).not.toBe("");
});

test("without questions: tokens of the environment, where all that it takes are set", async () => {
  const { server, app, settings, call } = await world({ SLACK_BOT_TOKEN: "xoxb-somebody-elses-bot" });
  // One of two may be meant for another program.
  expect((await call("setup", "--yes")).code).toBe(0);
  expect(settings()).toEqual({});
  const tokens = ["--slack-token", app.botToken, "--slack-app-token", app.appToken];
  const done = await call("setup", "--yes", "--slack-api", server.apiUrl, "--no-start", ...tokens);
  expect(done.code).toBe(0);
  expect(settings()).toHaveProperty("adapters.slack.botToken", app.botToken);
});

test("the manifest is printed alone, as the documents have it", async () => {
  const { call } = await world();
  const { code, out } = await call("setup", "--slack-manifest");
  expect(code).toBe(0);
  expect(out).toBe(manifestText());
});
