// The fake Telegram over HTTP keeps the Bot API's rules and carries a real client library.
import { afterEach, expect, test } from "bun:test";
import { Bot } from "grammy";
import { createPlatform } from "./fake/platform.ts";
import { startServer } from "./fake/server.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function world() {
  const platform = createPlatform();
  const server = await startServer(platform);
  closers.push(() => server.close());
  const bot = platform.newBot({ username: "helper_bot" });
  const ann = platform.newPerson({ firstName: "Ann", username: "ann" });
  const chat = platform.privateChat(bot, ann);
  return { platform, server, bot, ann, chat };
}

test("a library polls, answers and stops", async () => {
  const { platform, server, bot, ann, chat } = await world();
  const client = new Bot(bot.token, { client: { apiRoot: server.url } });
  const answered = Promise.withResolvers<void>();
  client.on("message:text", async (context) => {
    await context.reply(`You said: ${context.message.text}`);
    answered.resolve();
  });
  const stopped = client.start();
  ann.say(chat, "hello");
  await answered.promise;
  expect(platform.lastOfBot(chat)?.text).toBe("You said: hello");
  await client.stop();
  await stopped;
  expect(platform.pending(bot)).toEqual([]);
});
