// A Discord bot from its first connection to its end, at the fake Discord.
import { expect, test } from "bun:test";
import { connected, room, targetOf, until, words } from "./door.ts";
import { createDiscord } from "./fake/index.ts";

test("a mention comes in, and is answered where it stands", async () => {
  const discord = createDiscord();
  const { ann, channel } = room(discord);
  await using door = await connected({ discord });
  const said = ann.say(channel, "what can you do?", { mention: discord.bot });
  await until(() => door.received.length > 0, "the message is taken");
  expect(door.received[0]).toMatchObject({
    adapter: "dc",
    kind: "message",
    id: said.id,
    conversation: { id: channel.id, kind: "shared" },
    sender: { id: ann.id, name: "Ann" },
    text: "what can you do?",
    addressed: true,
  });
  const ref = await door.adapter.post(targetOf(channel), words("A lot.", { replyTo: said.id }));
  const [, answer] = discord.messages(channel);
  expect(answer).toMatchObject({ id: ref, text: "A lot.", byBot: true });
});
