// Slack looked at from outside: what doctor says of an app, its manifest, and the past of a conversation.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { manifestFile, manifestText } from "../../../scripts/slack-manifest.ts";
import type { HistoryLine } from "../../../src/adapters/history.ts";
import { inspectAdapter, readHistory } from "../../../src/adapters/index.ts";
import { slackPlatform } from "../../../src/adapters/slack/guide.ts";
import { manifestOf } from "../../../src/adapters/slack/manifest.ts";
import type { AdapterSettings } from "../../../src/config/schema.ts";
import { connected, type Door } from "./door.ts";

const settingsOf = (door: Door) =>
  ({ type: "slack", botToken: "bot", appToken: "app", apiUrl: door.server.apiUrl }) as unknown as AdapterSettings;

function inspect(door: Door) {
  return inspectAdapter(settingsOf(door), { ...door.deps, listen: false, clock: { ...door.clock, now: Date.now } });
}

test("the manifest in the documents is up to date (else: bun scripts/slack-manifest.ts)", () => {
  expect(readFileSync(manifestFile, "utf8")).toBe(manifestText());
});

test("the manifest opens what people need, and asks for no more than is used", () => {
  const { features, settings, oauth_config: oauth } = manifestOf([{ name: "stop", summary: "Stop", ownerOnly: false }]);
  expect(features.app_home).toEqual({
    home_tab_enabled: true,
    messages_tab_enabled: true,
    messages_tab_read_only_enabled: false,
  });
  expect(features.slash_commands.map(({ command }) => command)).toEqual(["/remoteagent", "/pi-stop"]);
  expect(settings).toMatchObject({ socket_mode_enabled: true, interactivity: { is_enabled: true } });
  expect(oauth.scopes.bot).not.toContain("chat:write.public");
  const many = Array.from({ length: 90 }, (_, index) => ({
    name: `c${index}`,
    summary: "s".repeat(500),
    ownerOnly: false,
  }));
  expect(manifestOf(many).features.slash_commands).toHaveLength(50);
});

test("an app as it should be", async () => {
  await using door = await connected();
  const found = await inspect(door);
  expect(found?.self).toMatchObject({ id: door.app.user.id, name: "@agent" });
  expect(found?.remarks.filter(({ level }) => level !== "ok")).toEqual([]);
});

test("scopes that are missing, tokens that are refused, a server that is away: each with its mend", async () => {
  const door = await connected();
  door.slack.takeScope(door.app, "files:read");
  expect(await inspect(door)).toMatchObject({
    remarks: expect.arrayContaining([
      expect.objectContaining({ level: "warn", text: expect.stringContaining("files:read") }),
    ]),
  });
  door.app.appScopes.clear();
  expect(await inspect(door)).toMatchObject({
    remarks: expect.arrayContaining([
      expect.objectContaining({ level: "bad", text: expect.stringContaining("connections:write") }),
    ]),
  });
  door.slack.revoke(door.app);
  expect((await inspect(door))?.remarks[0]).toMatchObject({ about: "token", level: "bad" });
  await door.server.close();
  const [away] = (await inspect(door))?.remarks ?? [];
  expect(away).toMatchObject({ about: "reach", level: "bad" });
  expect(JSON.stringify(away)).not.toContain("xoxb");
  await door[Symbol.asyncDispose]();
});

test("tokens and people's ids are known by their form", () => {
  expect(slackPlatform.botOf(["xoxb", "123456789", "987654321", "abc"].join("-"))).toBe("123456789-987654321");
  expect(slackPlatform.botOf("123:abc")).toBeUndefined();
  expect([slackPlatform.isPerson("U061F7AUR"), slackPlatform.isPerson("42")]).toEqual([true, false]);
});

test("the past of a conversation, oldest first, threads in their place", async () => {
  await using door = await connected();
  const root = door.ann.say(door.team, `${door.bot} one`);
  door.ann.say(door.team, "two");
  door.ann.say(door.team, "below one", { thread: root });
  door.slack.call("chat.postMessage", { token: door.app.botToken, params: { channel: door.team.id, text: "mine" } });
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 2 }, methods: ["conversations.history"], times: 1 });
  const lines: HistoryLine[] = [];
  let over = false;
  const read = async () => {
    const past = await readHistory(settingsOf(door), { ...door.deps, conversation: door.team.id });
    for await (const line of past ?? []) lines.push(line);
    over = true;
  };
  void read();
  await door.until(() => over, { advanceMs: 100 });
  expect(lines.map(({ text }) => text)).toEqual(["one", "below one", "two", "mine"]);
  expect(lines[0]).toMatchObject({
    id: root,
    isMention: true,
    sender: { id: door.ann.id, displayName: "ann", isBot: false },
  });
  expect(lines[1]).toMatchObject({ thread: root });
  expect(lines[3]).toMatchObject({ sender: { isBot: true } });
});

test("a conversation that the app is not in has a sentence", async () => {
  await using door = await connected();
  const read = async () => {
    for await (const _line of (await readHistory(settingsOf(door), { ...door.deps, conversation: "C0GONE" })) ?? [])
      break;
  };
  await expect(read()).rejects.toThrow('Cannot download "C0GONE"');
});
