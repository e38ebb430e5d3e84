// What interactions show, to whom, and that nobody is left waiting: also when Discord or the program has too much to do.
import { expect, test } from "bun:test";
import { parseDispatch } from "../../../src/adapters/discord/dispatches.ts";
import { limits } from "../../../src/core/limits.ts";
import type { Receipt } from "../../../src/core/message.ts";
import { connected, type DoorOptions, room, targetOf, until, words } from "./door.ts";
import { createDiscord } from "./fake/index.ts";

async function setUp(options: DoorOptions = {}) {
  const discord = options.discord ?? createDiscord({ rates: false, gateway: { identifyEveryMs: 0 } });
  const { ann, guild, channel } = room(discord);
  const eve = discord.user("eve");
  discord.join(guild, eve);
  const door = await connected({ ...options, discord });
  await until(() => discord.commands().length > 0, "the menu is set");
  return { discord, ann, eve, channel, door, adapter: door.adapter };
}

test("a stranger learns no model's name, neither by completion nor by a form", async () => {
  const known = new Set<string>();
  const { ann, eve, channel, door } = await setUp({ models: ["secret/model"], knows: (user) => known.has(user) });
  await using _door = door;
  known.add(ann.id);
  const [hers, strangers] = [ann, eve].map((one) => one.complete(channel, "model", { args: "" }));
  await until(() => hers?.choices() !== undefined && strangers?.choices() !== undefined, "both are completed");
  expect([hers?.choices()?.length, strangers?.choices()?.length]).toEqual([1, 0]);
  const asked = eve.slash(channel, "model");
  // As for every command that she may not use, the program says so.
  await until(() => door.received.length === 1 || asked.modal() !== undefined);
  expect(asked.modal()).toBeUndefined();
});

test("what a receipt says previews no link", async () => {
  const reason = "See https://example.com/secret first";
  const { discord, ann, channel, door, adapter } = await setUp({ receive: () => ({ state: "refused", reason }) });
  await using _door = door;
  ann.slash(channel, "status");
  const buttons = [{ label: "One", data: "7:0" }];
  const card = await adapter.post(targetOf(channel), words("card", { buttons }));
  ann.press({ id: card }, "7:0");
  const said = () => discord.ephemeral(channel, ann).filter(({ text }) => text.includes("example.com"));
  await until(() => said().length === 2, "both are said");
  expect(said().map(({ flags }) => flags & 4)).toEqual([4, 4]);
});

test("nothing is left thinking when Discord wants its end later", async () => {
  const { discord, ann, channel, door } = await setUp({ receive: () => ({ state: "done", ok: true }) });
  await using _door = door;
  discord.faults.add({
    on: "request",
    fault: { kind: "limited", retryAfterS: 1, scope: "user" },
    route: "DELETE /webhooks/:id/:token/messages/:id",
    times: 1,
  });
  ann.slash(channel, "status");
  await until(() => door.received.length === 1);
  await until(() => discord.ephemeral(channel, ann).length === 0, "nothing thinks");
});

test("a command for which there is no room is said to be dropped", async () => {
  const { promise, resolve } = Promise.withResolvers<Receipt>();
  const { discord, ann, channel, door } = await setUp({ receive: () => promise });
  await using _door = door;
  for (let count = 0; count <= limits.socketPendingMax * 2; count += 1)
    ann.say(channel, "stop", { mention: discord.bot });
  await until(() => door.said().includes("Too many events wait"), "it is full");
  ann.slash(channel, "status");
  await until(() => discord.ephemeral(channel, ann).some(({ text }) => text.includes("again")), "it is said");
  resolve({ state: "done", ok: true });
}, 20_000);

test("where something was said is never guessed: a server's id that is none costs the event", () => {
  const body = { id: "10", channel_id: "11", type: 0, author: { id: "12" }, content: "hi" };
  expect(parseDispatch("MESSAGE_CREATE", body)).toMatchObject({ name: "MESSAGE_CREATE" });
  expect(parseDispatch("MESSAGE_CREATE", { ...body, guild_id: 13 })).toEqual({
    problem: "MESSAGE_CREATE is malformed: guild_id",
  });
});
