// Updates in the documented form as inbounds; and updates in no form at all, which must do no harm.
import { describe, expect, test } from "bun:test";
import { type Facts, type Reading, readUpdate } from "../../../src/adapters/telegram/inbound.ts";
import { limits } from "../../../src/core/limits.ts";
import type { Inbound } from "../../../src/core/message.ts";
import groups from "./fixtures/groups.json" with { type: "json" };
import media from "./fixtures/media.json" with { type: "json" };
import others from "./fixtures/others.json" with { type: "json" };
import personal from "./fixtures/private.json" with { type: "json" };

const now = 1_790_000_100_000;
const facts: Facts = {
  adapter: "tg",
  self: { id: 7_000_000_001, username: "My_Agent_Bot" },
  groups: "all",
  commands: new Set(["stop", "status", "help", "secret-help"]),
  albums: new Set<string>(),
  now,
};

const read = (update: unknown, known: Partial<Facts> = {}): Reading => readUpdate(update, { ...facts, ...known });

function inboundOf(update: unknown, known: Partial<Facts> = {}): Inbound {
  const reading = read(update, known);
  if (reading.kind !== "inbound" || reading.inbounds[0] === undefined) throw new Error(JSON.stringify(reading));
  return reading.inbounds[0];
}

function messageOf(update: unknown, known: Partial<Facts> = {}): Inbound & { kind: "message" } {
  const inbound = inboundOf(update, known);
  if (inbound.kind !== "message") throw new Error(`It is of kind ${inbound.kind}`);
  return inbound;
}

const whyIgnored = (update: unknown, known: Partial<Facts> = {}) => {
  const reading = read(update, known);
  return reading.kind === "ignored" ? reading.reason : reading.kind;
};

describe("private chats", () => {
  test("a text, whole", () => {
    expect(inboundOf(personal.text)).toEqual({
      kind: "message",
      adapter: "tg",
      conversation: { id: "5000001", kind: "direct" },
      id: "10",
      sender: { id: "5000001", name: "Ada Lovelace" },
      sentAt: 1_790_000_000_000,
      text: "hello",
      addressed: true,
    });
  });

  test("commands go on as they are, under the program's own names", () => {
    expect(messageOf(personal.command).text).toBe("/model anthropic/claude");
    expect(messageOf(personal.start).text).toBe("/start ABCD-EFGH");
    expect(messageOf(personal["underscored command"]).text).toBe("/secret-help");
    expect(messageOf(personal.path).text).toBe("/etc/hosts is odd");
  });

  test("links and code are markdown, other marks are not", () => {
    expect(messageOf(personal.marked).text).toBe(
      "👍🏽 see [the docs](https://example.com/a%28b%29), run `ls -la` and\n```ts\nlet a = 1;\n```\nbut not ~~this~~",
    );
  });

  test("what is answered is named, and what was chosen of it stands above", () => {
    expect(messageOf(personal["reply to the bot"])).toMatchObject({
      replyTo: "9",
      text: "and then?",
      quote: { sender: "Agent", text: "first this" },
    });
    expect(messageOf(personal["reply to oneself"])).toMatchObject({
      replyTo: "8",
      quote: { sender: "Ada Lovelace", text: "an older thought" },
    });
    expect(messageOf(personal["chosen quote"]).text).toBe("> then that\n\nwhy?");
    const elsewhere = messageOf(personal["reply from another chat"]);
    expect(elsewhere.text).toBe("> News wrote: the news\n\nsee");
    expect(elsewhere.replyTo).toBeUndefined();
  });

  test("what is forwarded says so, and is no command", () => {
    expect(messageOf(personal["forwarded from a person"]).text).toBe("[Forwarded from Bob]\n/reset");
    expect(messageOf(personal["forwarded from somebody hidden"]).text).toBe("[Forwarded from A friend]\npsst");
    expect(messageOf(personal["forwarded from a channel"]).text).toBe("[Forwarded from News]\nnews");
  });

  test("a text that the client split waits for its rest", () => {
    expect(messageOf(personal["split by the client"]).joinMs).toBe(limits.splitJoinMs);
    expect(messageOf(personal.text).joinMs).toBeUndefined();
  });

  test("topics, and texts through inline bots", () => {
    expect(messageOf(personal.topic)).toMatchObject({ thread: "77", text: "in a topic" });
    expect(messageOf(personal["through an inline bot"]).text).toBe("found it");
  });

  test("a private chat that is not the sender's is not believed", () => {
    const forged = structuredClone(personal.text);
    forged.message.chat.id = 999;
    expect(whyIgnored(forged)).toContain("not the sender's");
  });

  test("a date that cannot be is now", () => {
    const late = structuredClone(personal.text);
    late.message.date = 4_000_000_000;
    expect(messageOf(late).sentAt).toBe(now);
  });
});

describe("groups", () => {
  test("addressed by mention, by id, by reply or by command, and not else", () => {
    const addressed = Object.fromEntries(
      Object.entries(groups).flatMap(([name, update]) => {
        const reading = read(update);
        const [inbound] = reading.kind === "inbound" ? reading.inbounds : [];
        return inbound?.kind === "message" ? [[name, [inbound.addressed, inbound.text]]] : [];
      }),
    );
    expect(addressed).toEqual({
      "not for us": [false, "lunch?"],
      mention: [true, "hey what is this"],
      "mention in front": [true, "go"],
      "mention after an emoji": [true, "🚀🚀 go"],
      "mention by id": [true, "go"],
      "mention of another by id": [false, "Bob, go"],
      "mention of another": [false, "@rival_bot go"],
      "only the name": [true, "@my_agent_bot"],
      "name without entity": [false, "mail me at x@my_agent_bot"],
      "lying mention": [false, "hello there, all"],
      "reply to the bot": [true, "go on"],
      "reply to a person": [true, "translate"],
      "command for us": [true, "/status now"],
      "command for nobody": [false, "/status"],
      "stop for nobody": [true, "/stop"],
      "forum topic": [true, "hi"],
      "topic that the bot made": [false, "hi"],
      "reply in a forum topic": [true, "hi"],
      "reply thread without topics": [false, "me too"],
      "small group": [true, "hi"],
    });
  });

  test("nobody but people comes in, and only what they say", () => {
    const reasons = Object.fromEntries(
      Object.entries(groups).flatMap(([name, update]) => {
        const reading = read(update);
        return reading.kind === "ignored" ? [[name, reading.reason]] : [];
      }),
    );
    const service = "it tells of a change in the chat, or holds nothing that is known";
    const nameless = "it was written in the name of a chat, not of a person";
    expect(reasons).toEqual({
      "command for another": "the command is for another bot",
      "another bot": "a bot wrote it",
      ourselves: "a bot wrote it",
      "anonymous admin": nameless,
      "in the name of a channel": nameless,
      "automatic forward": "a channel posted it",
      "member joined": service,
      "title changed": service,
      pinned: service,
      "came from a group": service,
      channel: "it stands in a channel",
    });
  });

  test("a topic is a thread, and its first message is nobody's answer", () => {
    const first = messageOf(groups["forum topic"]);
    expect([first.thread, first.replyTo, first.quote]).toEqual(["55", undefined, undefined]);
    expect(messageOf(groups["reply in a forum topic"])).toMatchObject({ thread: "55", replyTo: "60" });
    const chain = messageOf(groups["reply thread without topics"]);
    expect([chain.thread, chain.replyTo]).toEqual([undefined, "44"]);
  });

  test("a group that grew says where it went", () => {
    expect(read(groups["became a supergroup"])).toEqual({ kind: "moved", from: "-4242", to: "-1007777777777" });
  });

  test("settings bound the groups", () => {
    const reason = "the bot does not listen in this group";
    expect(whyIgnored(groups.mention, { groups: "none" })).toBe(reason);
    expect(whyIgnored(groups.mention, { groups: ["-1"] })).toBe(reason);
    expect(whyIgnored(groups.mention, { groups: ["-1001234567890"] })).toBe("inbound");
    expect(whyIgnored(personal.text, { groups: "none" })).toBe("inbound");
  });
});

describe("content", () => {
  test("files are references: the largest photo, the rest as it is", () => {
    const files = Object.fromEntries(
      Object.entries(media).flatMap(([name, update]) => {
        const found = messageOf(update).files;
        return found === undefined ? [] : [[name, found.map(({ name, mime, bytes, ref }) => [ref, name, mime, bytes])]];
      }),
    );
    expect(files).toEqual({
      photo: [["large", "photo-10.jpg", "image/jpeg", 150_000]],
      "photo without words": [["one", "photo-10.jpg", "image/jpeg", 1_200]],
      document: [["doc1", "../../report.pdf", "application/pdf", 2_048]],
      "document without a name": [["doc2", "document-10", "application/octet-stream", undefined]],
      animation: [["anim", "cat.mp4", "video/mp4", 900]],
      voice: [["voice1", "voice-10.ogg", "audio/ogg", 12_000]],
      audio: [["audio1", "song.mp3", "audio/mpeg", 3_000_000]],
      video: [["video1", "video-10.mp4", "video/mp4", 700_000]],
      "video note": [["note1", "video-10.mp4", "video/mp4", 70_000]],
      "album, first": [["a1", "photo-10.jpg", "image/jpeg", 1_200]],
      "album, second": [["a2", "photo-11.jpg", "image/jpeg", 1_200]],
    });
    expect(messageOf(media.photo).text).toBe("what is it?");
  });

  test("what is neither text nor file is said in words", () => {
    const words = Object.fromEntries(
      Object.entries(media).flatMap(([name, update]) => {
        const { files, text } = messageOf(update);
        return files === undefined ? [[name, text]] : [];
      }),
    );
    expect(words).toEqual({
      location: "[Location: 52.5163, 13.3777]",
      venue: "[Location: Gate, Square 1, 52.5163, 13.3777]",
      contact: "[Contact: Eve, +491234]",
      poll: "[Poll: Tea?, 1) Yes, 2) No]",
      sticker: "[Sticker: 😀]",
      dice: "[Dice: 🎲, 4]",
      checklist: "[Checklist: Trip, [x] Tickets, [ ] Bags]",
      story: "[A story, which bots cannot open]",
      game: "[A game, which bots cannot open]",
    });
  });

  test("an album is one thing: addressed together, and waited for", () => {
    const first = read(media["album, first"]);
    expect(first).toMatchObject({ album: "13900000000000001", inbounds: [{ addressed: true, text: "compare" }] });
    const second = media["album, second"];
    expect(messageOf(second).addressed).toBe(false);
    const known = { albums: new Set(["13900000000000001"]) };
    expect(messageOf(second, known)).toMatchObject({ addressed: true, joinMs: limits.splitJoinMs });
  });
});

describe("other happenings", () => {
  test("edits name what they change, and come after each other", () => {
    const edit = inboundOf(others.edit);
    expect(edit).toMatchObject({ kind: "edit", id: "10", target: "10", text: "hello, you" });
    const later = structuredClone(others.edit);
    later.update_id += 1;
    expect(inboundOf(later).revision).toBeGreaterThan(edit.revision ?? 0);
    later.edited_message.edit_date += 1;
    later.update_id -= 50;
    expect(inboundOf(later).revision).toBeGreaterThan(edit.revision ?? 0);
    expect(inboundOf(others["edited mention"])).toMatchObject({ text: "hey what is this" });
    expect(inboundOf(others["edited caption"])).toMatchObject({ text: "new words" });
    expect(whyIgnored(others["live location moves"])).toBe("a live location moved");
  });

  test("a pressed button is an action of whoever pressed, in its place", () => {
    const reading = read(others["pressed button"]);
    expect(reading).toMatchObject({
      kind: "button",
      callback: "4382bfdwdsb323b2d9",
      inbounds: [
        {
          kind: "action",
          id: "4382bfdwdsb323b2d9",
          sender: { id: "5000001" },
          delivery: "12",
          value: "0",
          sentAt: now,
          answer: { as: "note" },
        },
      ],
    });
    expect(read(others["pressed in a topic"])).toMatchObject({ inbounds: [{ thread: "55" }] });
    expect(read(others["pressed under an old message"])).toMatchObject({ inbounds: [{ delivery: "12" }] });
    const { callback_query: query } = others["pressed button"];
    const byBot = { ...others["pressed button"], callback_query: { ...query, from: { ...query.from, is_bot: true } } };
    expect(read(byBot)).toMatchObject({ kind: "button", inbounds: [] });
    // Nothing to do but to end the waiting of whoever pressed.
    for (const name of ["pressed with foreign data", "pressed in inline mode"] as const) {
      expect(read(others[name])).toEqual({ kind: "button", callback: "4382bfdwdsb323b2d9", inbounds: [] });
    }
  });

  test("reactions, each change by itself", () => {
    const reading = read(others.reaction);
    const found = reading.kind === "inbound" ? reading.inbounds : [];
    expect(found.map((one) => (one.kind === "reaction" ? [one.emoji, one.added, one.target] : []))).toEqual([
      ["👍", false, "90"],
      ["🔥", true, "90"],
      ["custom:55", true, "90"],
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(3);
    expect(whyIgnored(others["anonymous reaction"])).toBe("nobody reacted by name");
  });

  test("the bot's own place in a chat", () => {
    expect(read(others.blocked)).toMatchObject({ kind: "member", conversation: "5000001", status: "kicked" });
    expect(read(others["added to a group"])).toMatchObject({ kind: "member", title: "Engine room", status: "member" });
  });

  test("kinds that were not asked for are not understood", () => {
    for (const name of ["channel post", "poll closed"] as const) {
      expect(read(others[name])).toMatchObject({ kind: "ignored", malformed: true });
    }
  });
});

describe("what is not as it should be", () => {
  test("no update at all", () => {
    for (const odd of [undefined, null, 1, "", [], {}, { update_id: "1" }, { update_id: -1, message: {} }]) {
      expect(read(odd)).toMatchObject({ kind: "ignored", malformed: true });
    }
  });

  test("members of another kind cost only themselves", () => {
    const odd = structuredClone(personal.text) as { message: Record<string, unknown> };
    Object.assign(odd.message, { entities: "x", photo: 7, reply_to_message: [], quote: 1 });
    expect(messageOf(odd).text).toBe("hello");
  });

  test("a member that makes a sender nobody, or a text no order, counts in any form", () => {
    const odd = structuredClone(personal.command) as { message: Record<string, unknown> };
    odd.message.forward_origin = 5;
    expect(messageOf(odd).text).toBe("[Forwarded from somebody]\n/model anthropic/claude");
    odd.message.sender_chat = [];
    expect(whyIgnored(odd)).toContain("not of a person");
  });

  test("entities that lie beyond the text, between the halves of a character, or over each other", () => {
    const lying = structuredClone(personal.text) as { message: Record<string, unknown> };
    lying.message.text = "a🚀b";
    lying.message.entities = [
      { type: "code", offset: 2, length: 1 },
      { type: "code", offset: 0, length: 2 },
      { type: "code", offset: 3, length: 9_000 },
      { type: "code", offset: -1, length: 2 },
      { type: "code", offset: 1e9, length: 1 },
      { type: "text_link", offset: 0, length: 4, url: "javascript alert" },
      { type: "pre", offset: 1, length: 2 },
      { type: "code", offset: 1, length: 2 },
    ];
    expect(messageOf(lying).text).toBe("a\n```\n🚀\n```\nb");
  });

  test("ten megabytes are read in a moment", () => {
    const long = structuredClone(personal.text) as { message: Record<string, unknown> };
    long.message.text = "`x` ".repeat(2_621_440);
    long.message.entities = Array.from({ length: 50_000 }, (_, index) => ({
      type: "code",
      offset: index * 4,
      length: 3,
    }));
    const started = performance.now();
    expect(messageOf(long).text.length).toBeGreaterThan(10_000_000);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

/** A small generator, the same for the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Tree = Record<string, unknown> | unknown[];

/** Changes one place somewhere in `tree`: another value, none, one from elsewhere. */
function mutate(tree: Tree, pick: (below: number) => number): void {
  const places: [Tree, string][] = [];
  const walk = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Tree, key]);
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(tree);
  const [node, key] = places[pick(places.length)] ?? [tree, ""];
  const odd: unknown[] = [
    undefined,
    null,
    "",
    "\u0000\uD83D",
    0,
    -1,
    1.5,
    Number.NaN,
    2 ** 60,
    [],
    {},
    true,
    [[[]]],
    "/stop@My_Agent_Bot",
    ["x"],
    { length: 1e9 },
    { toString: 1 },
    "__proto__",
  ];
  const other = places[pick(places.length)];
  const value = pick(4) === 0 && other !== undefined ? (other[0] as Record<string, unknown>)[other[1]] : undefined;
  const record = node as Record<string, unknown>;
  if (pick(6) === 0) delete record[key];
  else record[key] = structuredClone(value ?? odd[pick(odd.length)]);
}

/** Whoever the update itself names as its sender. */
function senderIn(update: Record<string, unknown>): unknown {
  for (const kind of ["message", "edited_message", "callback_query", "message_reaction"] as const) {
    const body = update[kind] as { from?: { id?: unknown }; user?: { id?: unknown } } | undefined;
    if (body !== undefined) return kind === "message_reaction" ? body?.user?.id : body?.from?.id;
  }
  return undefined;
}

test("ten thousand mutated updates: nothing is thrown, and nobody speaks for another", () => {
  const originals: Record<string, unknown>[] = [personal, groups, media, others].flatMap((set) => Object.values(set));
  let came = 0;
  for (let seed = 1; seed <= 10_000; seed += 1) {
    const pick = chance(seed);
    const update = structuredClone(originals[pick(originals.length)] ?? {});
    for (let count = 1 + pick(4); count > 0; count -= 1) mutate(update, pick);
    const reading = read(update);
    const inbounds = "inbounds" in reading ? reading.inbounds : [];
    for (const inbound of inbounds) {
      came += 1;
      expect(inbound.sender.id).toBe(String(senderIn(update)));
      expect(inbound.sender.id).toMatch(/^[1-9]\d*$/);
      expect(inbound.conversation.id).toMatch(/^-?[1-9]\d*$/);
      if (inbound.conversation.kind === "direct") expect(inbound.conversation.id).toBe(inbound.sender.id);
      expect(Number.isFinite(inbound.sentAt)).toBe(true);
    }
  }
  expect(came).toBeGreaterThan(2_000);
});
