// Slack's payloads as inbounds: the documented forms in, one meaning out, and nothing from anybody but their sender.
import { describe, expect, test } from "bun:test";
import { type Facts, namesNeeded, readEvent } from "../../../src/adapters/slack/inbound.ts";
import { readInteractive, readSlash } from "../../../src/adapters/slack/interactive.ts";
import { keyOf, microsOf, stampOf } from "../../../src/adapters/slack/payloads.ts";
import { readText } from "../../../src/adapters/slack/text.ts";
import events from "./fixtures/events.json" with { type: "json" };
import interactions from "./fixtures/interactions.json" with { type: "json" };

const people: Record<string, string> = { U061F7AUR: "ann", U2222222: "bob" };
const facts: Facts = {
  adapter: "slack-a",
  self: { user: "U0LAN0Z89", bot: "B0LAN0Z89", team: "T061EG9R6", name: "agent" },
  names: { user: (id) => people[id], channel: (id) => (id === "C2222222" ? "general" : undefined) },
  now: 1_800_000_000_000,
};
/** An event in its callback, with changes. */
function wrapped(event: object): object {
  return { token: "t", team_id: "T061EG9R6", type: "event_callback", event_id: "Ev1", event };
}
function read(name: keyof typeof events, changes: object = {}) {
  return readEvent(wrapped({ ...events[name], ...changes }), facts);
}
function inbound(name: keyof typeof events, changes: object = {}) {
  const reading = read(name, changes);
  if (reading.kind !== "inbound") throw new Error(`It is ${JSON.stringify(reading)}`);
  return reading.inbound;
}

describe("messages", () => {
  test("a mention and the message of the same ts are one happening", () => {
    const mention = inbound("app_mention");
    const message = inbound("channel_message", {
      text: events.app_mention.text,
      ts: events.app_mention.ts,
      user: events.app_mention.user,
    });
    expect(mention).toEqual(message);
    expect(mention).toMatchObject({
      kind: "message",
      addressed: true,
      text: "is it everything a river should be?",
      conversation: { kind: "shared" },
    });
  });
  test("without a mention it is not addressed, and may be context", () => {
    expect(inbound("channel_message")).toMatchObject({ addressed: false, sender: { id: "U2222222", name: "bob" } });
  });
  test("a direct message is addressed; a group of people is shared", () => {
    expect(inbound("direct_message")).toMatchObject({
      addressed: true,
      conversation: { id: "D024BE91L", kind: "direct" },
    });
    expect(inbound("direct_message", { channel: "G024BE91L", channel_type: "mpim" })).toMatchObject({
      addressed: false,
      conversation: { kind: "shared" },
    });
  });
  test("a thread bears its root's ts; the root itself is at the top", () => {
    expect(inbound("thread_reply")).toMatchObject({ thread: "1482960137.003543", addressed: false });
    expect(inbound("thread_reply", { ts: "1482960137.003543" }).thread).toBeUndefined();
    expect(inbound("thread_broadcast")).toMatchObject({
      thread: "1482960137.003543",
      quote: { text: "the root", sender: "ann" },
    });
  });
  test("what stands above a thread is quoted where it is known", () => {
    const reading = readEvent(wrapped(events.thread_reply), {
      ...facts,
      parent: () => ({ sender: "ann", text: "above" }),
    });
    expect(reading).toMatchObject({ inbound: { quote: { sender: "ann", text: "above" } } });
  });
  test("a file comes as a reference; what lies elsewhere as words", () => {
    expect(inbound("file_share")).toMatchObject({
      text: "look",
      files: [{ name: "tedair.gif", mime: "image/gif", bytes: 137531, ref: "F2H5D9UE4" }],
    });
    const [file] = events.file_share.files;
    const elsewhere = inbound("file_share", {
      files: [{ ...file, mode: "external", url_private: "https://docs.example.com/x" }],
    });
    expect(elsewhere).toMatchObject({ text: "look\n[File elsewhere: tedair.gif https://docs.example.com/x]" });
    expect("files" in elsewhere).toBe(false);
    expect(inbound("file_share", { files: [{ ...file, mode: "hidden_by_limit" }] })).toMatchObject({
      files: [{ problem: "the workspace's plan hides it" }],
    });
  });
  test("a file without words is a message, and a name alone is one", () => {
    expect(inbound("file_share", { text: "" })).toMatchObject({ text: "" });
    expect(inbound("app_mention", { text: "<@U0LAN0Z89>" })).toMatchObject({ text: "@agent", addressed: true });
  });
  test("what is passed on is marked as somebody else's", () => {
    const attachments = [{ is_share: true, author_name: "Eve", text: "stop &amp; go" }];
    expect(inbound("direct_message", { text: "", attachments })).toMatchObject({
      text: "[Forwarded from Eve]\nstop & go",
    });
  });
  test("bots, ourselves, Slack and changes of the conversation are nobody", () => {
    for (const changes of [
      { user: "U0LAN0Z89" },
      { bot_id: "B0LAN0Z89", user: undefined },
      { bot_id: "B9", subtype: "bot_message" },
      { bot_id: "B9" },
      { user: "USLACKBOT" },
      { user: undefined },
      { subtype: "channel_join" },
      { subtype: "channel_topic" },
      { subtype: "assistant_app_thread" },
      { hidden: true },
      { text: "" },
    ])
      expect(read("channel_message", changes)).toMatchObject({ kind: "ignored" });
  });
  test("what is meant for the app in another workspace is not for us", () => {
    const given = (authorizations: unknown) =>
      readEvent({ ...wrapped(events.direct_message), authorizations }, facts).kind;
    const ours = { enterprise_id: null, team_id: "T061EG9R6", user_id: "U0LAN0Z89", is_bot: true };
    const theirs = { ...ours, team_id: "T0OTHER", user_id: "U0OTHERBOT" };
    expect([[ours], [theirs], [theirs, ours], [], undefined, "x", [{ ...theirs, is_bot: false }]].map(given)).toEqual([
      "inbound",
      "ignored",
      "inbound",
      "inbound",
      "inbound",
      "inbound",
      "inbound",
    ]);
  });
  test("somebody is their id, whatever they are called", () => {
    const other = inbound("channel_message", {
      user: "U061F7AUR",
      username: "bob",
      user_profile: { display_name: "bob" },
    });
    expect(other.sender).toEqual({ id: "U061F7AUR", name: "ann" });
  });
  test("a date that cannot be is now", () => {
    expect(inbound("channel_message", { ts: "99999999999.000000" }).sentAt).toBe(facts.now);
  });
});

describe("changes", () => {
  test("an edit, with a revision that rises", () => {
    const edit = inbound("message_changed");
    expect(edit).toMatchObject({
      kind: "edit",
      id: "1355517523.000005",
      target: "1355517523.000005",
      text: "Hello, world!",
      sender: { id: "U2222222" },
    });
    expect(edit.revision).toBe(1_355_517_536_000_001);
  });
  test("a preview, a reply below, our own stream: not edited by anybody", () => {
    const { message } = events.message_changed;
    const { edited: _edited, ...never } = message;
    expect(read("message_changed", { message: never })).toMatchObject({ kind: "ignored" });
    expect(read("message_changed", { previous_message: { ...message, text: "before" } })).toMatchObject({
      kind: "ignored",
    });
    expect(read("message_changed", { previous_message: { ...never, text: message.text } })).toMatchObject({
      kind: "ignored",
    });
    expect(read("message_changed", { message: { ...message, user: "U0LAN0Z89" } })).toMatchObject({ kind: "ignored" });
  });
  test("a removal, also of a root whose thread stays", () => {
    expect(inbound("message_deleted")).toMatchObject({
      kind: "delete",
      target: "1358878749.000002",
      sender: { id: "U2222222" },
    });
    const message = { ...events.message_changed.message, subtype: "tombstone", user: "USLACKBOT" };
    expect(inbound("message_changed", { message })).toMatchObject({
      kind: "delete",
      target: "1355517523.000005",
      sender: { id: "U2222222" },
    });
    expect(read("message_deleted", { previous_message: undefined })).toMatchObject({ kind: "ignored" });
  });
  test("reactions come and go; those to files and those of ours are not told", () => {
    expect(inbound("reaction_added")).toMatchObject({
      kind: "reaction",
      target: "1360782400.498405",
      emoji: "thumbsup",
      added: true,
    });
    expect(inbound("reaction_added", { type: "reaction_removed" })).toMatchObject({ added: false });
    expect(read("reaction_added", { item: { type: "file", file: "F1" } })).toMatchObject({ kind: "ignored" });
    expect(read("reaction_added", { user: "U0LAN0Z89" })).toMatchObject({ kind: "ignored" });
  });
  test("pages and assistant threads are not messages", () => {
    expect(read("app_home_opened")).toEqual({ kind: "home", user: "U061F7AUR" });
    expect(read("app_home_opened", { tab: "messages" })).toMatchObject({ kind: "ignored" });
    expect(read("assistant_thread_started")).toMatchObject({
      kind: "assistant",
      channel: "D123ABC456",
      thread: "1729999327.187299",
    });
  });
});

describe("text", () => {
  const plain = (raw: string) => readText(raw, { names: facts.names, self: "U0LAN0Z89" });
  test.each([
    ["<@U061F7AUR> &amp; <@U999> &lt;b&gt;", "@ann & @U999 <b>"],
    ["<@U999|eve>", "@eve"],
    ["<#C2222222> <#C9|random> <#C9>", "#general #random #C9"],
    ["<!here> <!channel|channel> <!subteam^S1|@team> <!subteam^S1>", "@here @channel @team @S1"],
    ["<!date^1392734382^{date}|Feb 18>", "Feb 18"],
    ["<https://a.b/c|a link> <https://a.b|a.b> <https://a.b/>", "[a link](https://a.b/c) https://a.b https://a.b/"],
    ["<mailto:x@y.z|x@y.z>", "x@y.z"],
    ["a <@U0LAN0Z89> b", "a b"],
    ["1 < 2 <broken", "1 < 2 <broken"],
    ["&amp;lt;", "&lt;"],
  ])("%s", (raw, text) => expect(plain(raw).text).toBe(text));
  test("our name is heard and left out", () => {
    expect(plain("<@U0LAN0Z89>  do it")).toEqual({ text: "do it", mentioned: true });
    expect(plain("<@U0LAN0Z89|agent> do it").mentioned).toBe(true);
    expect(plain("&lt;@U0LAN0Z89&gt;").mentioned).toBe(false);
  });
  test("names that are needed are found, within a bound", () => {
    expect(namesNeeded(wrapped({ ...events.channel_message, text: "<@U1A> <#C1A> <#C2A|known>" }))).toEqual({
      users: ["U2222222", "U1A"],
      channels: ["C1A"],
    });
    const many = Array.from({ length: 500 }, (_, index) => `<@U${index}X>`).join("");
    expect(namesNeeded(wrapped({ ...events.channel_message, text: many })).users.length).toBeLessThan(40);
  });
});

describe("what is pressed", () => {
  test("slash commands of both forms", () => {
    const slash = (changes: object) =>
      readSlash({ ...interactions.slash, ...changes }, { ...facts, direct: () => "D1B" });
    expect(slash({})).toMatchObject({
      trigger: "13345224609.738474920.8088930838d88f008e0",
      responseUrl: "https://hooks.slack.com/commands/1234/5678",
      inbound: {
        kind: "command",
        name: "model",
        args: "openai/x @ann",
        conversation: { id: "C2147483705", kind: "shared" },
        answer: { as: "message" },
      },
    });
    expect(slash({ command: "/remoteagent", text: "status all of it" })).toMatchObject({
      inbound: { name: "status", args: "all of it" },
    });
    expect(slash({ command: "/remoteagent", text: "" })).toMatchObject({ inbound: { name: "help", args: "" } });
    expect(slash({ command: "/remoteagent", text: "/pi-stop" })).toMatchObject({ inbound: { name: "stop" } });
    expect(slash({ channel_id: "D1B", channel_name: "directmessage" })).toMatchObject({
      inbound: { conversation: { id: "D1B", kind: "direct" } },
    });
  });
  test("a command in a conversation of two others is answered where we are", () => {
    const at = { ...facts, direct: () => "DOURS" };
    expect(readSlash({ ...interactions.slash, channel_id: "DTHEIRS" }, at)).toMatchObject({
      inbound: { conversation: { id: "DOURS" } },
    });
  });
  test("a button, an option, and what is none of ours", () => {
    const press = (changes: object) => readInteractive({ ...interactions.button, ...changes }, facts);
    expect(press({})).toMatchObject({
      inbound: {
        kind: "action",
        delivery: "12",
        value: "1",
        thread: "1482960137.003543",
        conversation: { id: "CBR2V3XEX", kind: "shared" },
      },
    });
    const [action] = interactions.button.actions;
    expect(press({ actions: [{ ...action, action_id: "more", selected_option: { value: "12:3" } }] })).toMatchObject({
      inbound: { delivery: "12", value: "3" },
    });
    expect(press({ actions: [{ ...action, action_id: "12:x" }] })).toMatchObject({ kind: "ignored" });
    expect(press({ actions: [] })).toMatchObject({ kind: "ignored", malformed: true });
    expect(press({ type: "shortcut" })).toMatchObject({ kind: "ignored" });
  });
  test("the same press has one id, another has another", () => {
    const press = (changes: object) => readInteractive({ ...interactions.button, ...changes }, facts);
    const id = (pressed: ReturnType<typeof press>) => (pressed.kind === "inbound" ? pressed.inbound.id : "");
    expect(id(press({}))).toBe(id(press({})));
    const [action] = interactions.button.actions;
    expect(id(press({ actions: [{ ...action, action_ts: "1548426417.840181" }] }))).not.toBe(id(press({})));
  });
  test("a chosen model is that command, in the place where the window was opened", () => {
    expect(readInteractive(interactions.submission, facts)).toMatchObject({
      inbound: {
        kind: "command",
        name: "model",
        args: "openai/gpt-5",
        conversation: { id: "C1", kind: "shared" },
        sender: { id: "U061F7AUR" },
      },
    });
    const { view } = interactions.submission;
    expect(
      readInteractive({ ...interactions.submission, view: { ...view, private_metadata: "{}" } }, facts),
    ).toMatchObject({ kind: "ignored" });
    expect(
      readInteractive({ ...interactions.submission, view: { ...view, callback_id: "other" } }, facts),
    ).toMatchObject({ kind: "ignored" });
  });
});

test("whatever comes is read or ignored, never thrown at anybody", () => {
  const odd = [
    null,
    1,
    "x",
    [],
    {},
    { type: "message" },
    { type: "message", channel: 5, ts: "x" },
    { type: "reaction_added" },
    { type: "app_mention", channel: "C1", ts: "1.1", text: 5, files: "no", edited: 3 },
  ];
  for (const event of odd) {
    for (const payload of [event, wrapped(event as object)]) {
      expect(["ignored", "inbound"]).toContain(readEvent(payload, facts).kind);
      expect(namesNeeded(payload)).toBeDefined();
    }
    expect(readSlash(event, { ...facts, direct: () => undefined }).kind).toBe("ignored");
    expect(readInteractive(event, facts).kind).toBe("ignored");
  }
});

test("a repetition has the key of the first", () => {
  const envelope = (id: string) => ({ envelope_id: id, type: "events_api", payload: wrapped(events.channel_message) });
  expect(keyOf(envelope("one"))).toBe(keyOf(envelope("two")));
  expect(keyOf({ envelope_id: "x", type: "slash_commands", payload: {} })).toBe("x");
});

test("a ts is whole microseconds", () => {
  expect(microsOf("1355517536.000001")).toBe(1_355_517_536_000_001);
  expect(stampOf(1_355_517_536_123)).toBe("1355517536.123000");
  expect(stampOf(-5)).toBe("0.000000");
});
