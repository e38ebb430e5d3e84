// Discord's events as inbounds, from payloads in the documented form.
import { describe, expect, test } from "bun:test";
import { type Dispatch, parseDispatch } from "../../../src/adapters/discord/dispatches.ts";
import { type Facts, readDelete, readEdit, readMessage, readReaction } from "../../../src/adapters/discord/inbound.ts";
import { snowflakeAt, timeOf } from "../../../src/adapters/discord/snowflake.ts";
import type { Inbound } from "../../../src/core/message.ts";
import fixtures from "./fixtures/messages.json" with { type: "json" };

const ann = "1301000000000000001";
const now = Date.parse("2024-11-18T09:30:00Z");
const facts: Facts = {
  adapter: "dc",
  self: { id: "1300000000000000001", name: "helper", isOwnRole: (id) => id === "1306000000000000007" },
  names: {
    channel: (id) => (id === "1307000000000000002" ? "random" : undefined),
    role: (id) => (id === "1306000000000000009" ? "Crew" : undefined),
  },
  now,
};
const shared = { conversation: { id: "1307000000000000001", kind: "shared" } } as const;
const direct = { conversation: { id: "1307000000000000001", kind: "direct" } } as const;

function read(name: Dispatch["name"], raw: unknown): Dispatch {
  const event = parseDispatch(name, structuredClone(raw));
  if (event === undefined || "problem" in event) throw new Error(event?.problem ?? "It is unknown");
  return event;
}

function created(raw: unknown) {
  const event = read("MESSAGE_CREATE", raw);
  if (event.name !== "MESSAGE_CREATE") throw new Error("It is another event");
  return event.body;
}

function updated(raw: unknown) {
  const event = read("MESSAGE_UPDATE", raw);
  if (event.name !== "MESSAGE_UPDATE") throw new Error("It is another event");
  return event.body;
}

function reacted(raw: unknown) {
  const event = read("MESSAGE_REACTION_ADD", raw);
  if (event.name !== "MESSAGE_REACTION_ADD") throw new Error("It is another event");
  return event.body;
}

function message(
  fixture: keyof typeof fixtures,
  { place = shared, change = {} }: { place?: { conversation: Inbound["conversation"] }; change?: object } = {},
) {
  return readMessage(created({ ...fixtures[fixture], ...change }), { facts, place });
}

describe("messages", () => {
  test("a mention is taken out, and whoever wrote is told by id with their name here", () => {
    expect(message("mention")).toEqual({
      adapter: "dc",
      conversation: { id: "1307000000000000001", kind: "shared" },
      kind: "message",
      id: "1308000000000000001",
      sender: { id: ann, name: "Annie" },
      sentAt: timeOf("1308000000000000001"),
      text: "what can you do?",
      addressed: true,
    });
  });

  test("a reply names what it answers, quotes it, and is meant for us when that was ours", () => {
    expect(message("reply")).toMatchObject({
      text: "and then?",
      addressed: true,
      replyTo: "1307900000000000001",
      quote: { sender: "helper", text: "Earlier **words** of @Ann B" },
    });
    const gone = message("reply-gone");
    expect(gone).toMatchObject({ replyTo: "1307900000000000001", addressed: false });
    expect(gone).not.toHaveProperty("quote");
  });

  test("a direct message is always meant for us", () => {
    expect(message("direct", { place: direct })).toMatchObject({
      addressed: true,
      text: "hello",
      sender: { id: ann, name: "Ann B" },
    });
  });

  test("marks become what people read; in code they stay", () => {
    expect(message("marks")).toMatchObject({
      text: "hi @Bobby of @Crew in #random :party: :wave: 2023-11-14 22:13 UTC `<@1300000000000000001>`",
      addressed: false,
    });
  });

  test("the role that a server made for the bot is the bot, everybody is not", () => {
    expect(message("own-role")).toMatchObject({ text: "help", addressed: true });
    expect(message("everyone")).toMatchObject({ text: "@everyone look", addressed: false });
  });

  test("only its name is a call, and what is not known of names stays", () => {
    expect(message("mention", { change: { content: "<@1300000000000000001>" } })).toMatchObject({
      text: "@helper",
      addressed: true,
    });
    expect(
      message("mention", { change: { content: "see <#1> <@9999>\u001F <@1300000000000000001>, please" } }),
    ).toMatchObject({
      text: "see <#1> <@9999>, please",
    });
  });

  test("files are references with a way back to their message", () => {
    const got = message("files");
    const [pdf, odd] = typeof got !== "string" && got.kind === "message" ? (got.files ?? []) : [];
    expect(pdf).toMatchObject({ name: "report.pdf", mime: "application/pdf", bytes: 4321 });
    expect(JSON.parse(pdf?.ref ?? "")).toMatchObject({
      channel: "1307000000000000001",
      message: "1308000000000000001",
      id: "1309000000000000001",
    });
    expect(odd).toMatchObject({ name: "attachment-1309000000000000002" });
    expect(odd).not.toHaveProperty("bytes");
  });

  test.each([
    ["voice", "[Voice message: 4 s]"],
    ["sticker", "[Sticker: Wumpus waves]"],
    ["poll", "[Poll: Lunch?, 1) Soup, 2) Bread]"],
    ["forward", "[Forwarded message]\n/stop"],
  ] as const)("%s in words", (fixture, text) => {
    expect(message(fixture)).toMatchObject({ text, addressed: false });
  });

  test("a forwarded mention or order is nobody's call", () => {
    const got = message("forward", { place: direct });
    expect(got).toMatchObject({ addressed: true, text: "[Forwarded message]\n/stop" });
    expect(got).not.toHaveProperty("replyTo");
  });

  test.each([
    ["webhook", "a webhook wrote it"],
    ["webhook-odd", "a webhook wrote it"],
    ["other-bot", "a bot wrote it"],
    ["pin", "it tells of a change in the channel"],
    ["thread-start", "it tells of a change in the channel"],
  ] as const)("%s is not answered", (fixture, reason) => {
    expect(message(fixture)).toBe(reason);
  });

  test("a message without shown content in a server is not for us", () => {
    expect(message("mention", { change: { content: "", mentions: [] } })).toBe("its words are not shown to us");
  });

  test("names that look like another's stay names: the id decides", () => {
    const author = { id: "1301000000000000666", username: "ann.b", global_name: "Ann B" };
    expect(message("mention", { change: { author, member: { nick: "Annie" } } })).toMatchObject({
      sender: { id: "1301000000000000666", name: "Annie" },
    });
  });

  test("long texts may be cut, and times of the future are now", () => {
    expect(message("mention", { change: { content: "x".repeat(1_950) } })).toMatchObject({ joinMs: 1_500 });
    expect(message("mention", { change: { id: snowflakeAt(now + 3_600_000) } })).toMatchObject({ sentAt: now });
  });
});

describe("edits, deletes, reactions", () => {
  const edit = (fixture: keyof typeof fixtures) => readEdit(updated(fixtures[fixture]), { facts, place: shared });

  test("a changed text is an edit, with the time of the change as its revision", () => {
    expect(edit("edit")).toMatchObject({
      kind: "edit",
      target: "1308000000000000001",
      revision: Date.parse("2024-11-18T09:12:00.500Z"),
      text: "what else?",
      sender: { id: ann },
    });
  });

  test.each([
    ["preview", "its text did not change"],
    ["partial-edit", "it tells of a part of a message only"],
  ] as const)("%s is none", (fixture, reason) => {
    expect(edit(fixture)).toBe(reason);
  });

  test("edits by bots and webhooks are none", () => {
    const changed = (more: object) => readEdit(updated({ ...fixtures.edit, ...more }), { facts, place: shared });
    expect(changed({ webhook_id: "1304000000000000001" })).toBe("a webhook wrote it");
    expect(changed({ author: { id: "1300000000000000001", bot: true } })).toBe("a bot wrote it");
  });

  test("a delete is its author's", () => {
    const author = { id: ann, name: "Annie" };
    expect(readDelete("1308000000000000001", { facts, place: shared, author })).toMatchObject({
      kind: "delete",
      target: "1308000000000000001",
      sender: author,
    });
  });

  test("a reaction is known by its place in the session, the same each time it is told", () => {
    const react = (fixture: "reaction" | "reaction-custom", number: string) =>
      readReaction(reacted(fixtures[fixture]), { facts, place: shared, added: true, number });
    expect(react("reaction", "s-4")).toMatchObject({
      kind: "reaction",
      emoji: "👍",
      added: true,
      target: "1308000000000000001",
      sender: { id: ann, name: "Annie" },
    });
    expect(react("reaction", "s-4")).toEqual(react("reaction", "s-4"));
    expect(react("reaction", "s-5")).not.toMatchObject({ id: (react("reaction", "s-4") as Inbound).id });
    expect(react("reaction-custom", "s-4")).toMatchObject({ emoji: ":party:", sender: { id: ann, name: ann } });
    const own = { ...fixtures.reaction, user_id: "1300000000000000001", member: undefined };
    expect(readReaction(reacted(own), { facts, place: shared, added: true, number: "1" })).toBe("a bot reacted");
  });
});

describe("what is not as documented", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["a text", "text"],
    ["nothing", {}],
    ["an id of letters", { ...fixtures.mention, id: "12; DROP" }],
    ["an id as a number", { ...fixtures.mention, id: 5 }],
    ["a channel that leads elsewhere", { ...fixtures.mention, channel_id: "../../users" }],
    ["nobody as author", { ...fixtures.mention, author: {} }],
    ["a type as text", { ...fixtures.mention, type: "0" }],
  ])("%s is named and skipped", (_what, raw) => {
    expect(parseDispatch("MESSAGE_CREATE", raw)).toMatchObject({
      problem: expect.stringContaining("MESSAGE_CREATE is malformed"),
    });
  });

  test("odd members that decide nothing cost nothing", () => {
    const odd = {
      attachments: [{ id: "x" }, 7],
      mentions: "?",
      sticker_items: [null],
      poll: 3,
      flags: "8192",
      member: [],
      embeds: {},
      edited_timestamp: 9,
    };
    expect(message("mention", { change: odd })).toMatchObject({ text: "what can you do?", addressed: true });
  });

  test("kinds that are not read are nothing", () => {
    expect(parseDispatch("PRESENCE_UPDATE", {})).toBeUndefined();
    expect(parseDispatch("constructor", {})).toBeUndefined();
  });

  test("no text takes long to read", () => {
    const began = performance.now();
    for (const content of [
      "<@".repeat(2_000),
      "`".repeat(4_000),
      "```".repeat(1_333),
      "<t:".repeat(1_300),
      "<@1300000000000000001>".repeat(180),
    ])
      message("mention", { change: { content } });
    expect(performance.now() - began).toBeLessThan(250);
  });
});

test("ids carry their time", () => {
  // The example of docs.discord.com/developers/reference#snowflakes.
  expect(timeOf("175928847299117063")).toBe(Date.parse("2016-04-30T11:18:25.796Z"));
  expect(timeOf(snowflakeAt(now))).toBe(now);
});
