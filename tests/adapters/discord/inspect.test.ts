// What setup and doctor see of a bot, and what `download` reads of a channel.
import { expect, test } from "bun:test";
import { discordPlatform } from "../../../src/adapters/discord/guide.ts";
import { historyOfDiscord } from "../../../src/adapters/discord/history.ts";
import { inspectDiscord } from "../../../src/adapters/discord/inspect.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import type { Log } from "../../../src/sys/log.ts";
import { room } from "./door.ts";
import { createDiscord, startDiscordServer } from "./fake/index.ts";

const nothing = () => undefined;
const log: Log = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log };

async function setUp() {
  const discord = createDiscord();
  const server = await startDiscordServer(discord);
  const settings = { botToken: "in settings", apiUrl: server.api };
  let token = discord.bot.token;
  const deps = { name: "dc", secret: () => token, fetch, clock: systemClock, log, listen: false };
  return {
    discord,
    settings,
    deps,
    setToken: (changed: string) => {
      token = changed;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

test("a bot that is well says who it is, where it is, and how it gets further", async () => {
  await using set = await setUp();
  room(set.discord);
  const { self, remarks } = await inspectDiscord(set.settings, set.deps);
  expect(self).toMatchObject({ id: set.discord.bot.id, name: "@helper" });
  expect(remarks.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(remarks.map(({ text }) => text).join("\n")).toMatch(
    /Home.*client_id=\d+&scope=bot\+applications\.commands&permissions=274878008384/,
  );
});

test("a missing intent, no server, and a wrong token are each said with the mend", async () => {
  await using set = await setUp();
  set.discord.bot.granted.clear();
  const { remarks } = await inspectDiscord(set.settings, set.deps);
  expect(remarks.find(({ level }) => level === "bad")).toMatchObject({
    text: expect.stringContaining("Message Content Intent"),
    mend: expect.stringContaining("developers/applications"),
  });
  expect(remarks.find(({ level }) => level === "warn")?.mend).toContain(
    "Invite it: https://discord.com/oauth2/authorize",
  );
  set.setToken("MTIz.not.known");
  const wrong = await inspectDiscord(set.settings, set.deps);
  expect(wrong).toMatchObject({ remarks: [{ about: "token", level: "bad" }, { about: "clock" }] });
  expect(wrong.self).toBeUndefined();
  set.setToken("two words");
  expect((await inspectDiscord(set.settings, set.deps)).remarks).toMatchObject([
    { about: "token", level: "bad", mend: expect.stringContaining("Reset Token") },
  ]);
  const { remarks: unreachable } = await inspectDiscord(
    { ...set.settings, apiUrl: "http://127.0.0.1:9/api" },
    { ...set.deps, secret: () => "MTIz.a.b" },
  );
  expect(unreachable).toMatchObject([{ about: "reach", level: "bad" }]);
});

test("a token tells the bot's id, and nothing else is one", () => {
  expect(discordPlatform.botOf(`${btoa("1300000000000000001").replaceAll("=", "")}.Gxxxxx.${"a".repeat(38)}`)).toBe(
    "1300000000000000001",
  );
  expect(discordPlatform.botOf("123456:ABC")).toBeUndefined();
  expect(discordPlatform.botOf("")).toBeUndefined();
  expect([discordPlatform.isPerson("1301000000000000001"), discordPlatform.isPerson("ann")]).toEqual([true, false]);
});

test("a channel's past is read from its beginning, page by page", async () => {
  await using set = await setUp();
  const { ann, channel } = room(set.discord);
  for (let count = 0; count < 230; count += 1) ann.say(channel, `n${count}`);
  ann.say(channel, "look", { mention: set.discord.bot, files: [{ name: "a.txt", bytes: new Uint8Array(2) }] });
  const lines: { text: string }[] = [];
  for await (const line of historyOfDiscord(set.settings, { ...set.deps, conversation: channel.id })) lines.push(line);
  expect(lines.map(({ text }) => text)).toEqual([...Array.from({ length: 230 }, (_, count) => `n${count}`), "look"]);
  expect(lines.at(-1)).toMatchObject({
    sender: { id: ann.id, displayName: "Ann", isBot: false },
    attachments: ["a.txt"],
    isMention: true,
    ts: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});

test("a channel that cannot be read is said to be", async () => {
  await using set = await setUp();
  const { channel } = room(set.discord);
  const read = async (conversation: string) => {
    for await (const _line of historyOfDiscord(set.settings, { ...set.deps, conversation }));
  };
  set.discord.deny(channel, ["VIEW_CHANNEL"], set.discord.bot);
  await expect(read(channel.id)).rejects.toMatchObject({
    code: "forbidden",
    hint: expect.stringContaining("Read Message History"),
  });
  await expect(read("123456789012345678")).rejects.toMatchObject({ code: "not-found" });
  await expect(read("general")).rejects.toMatchObject({ code: "usage" });
});
