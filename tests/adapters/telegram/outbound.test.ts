// What goes out to a Telegram chat, as a person sees it, and what becomes of it when the call fails.
import { expect, test } from "bun:test";
import type { ReplyTarget } from "../../../src/core/session.ts";
import { PlatformError, type PlatformMessage } from "../../../src/gateway/handle.ts";
import { connected, type Door } from "./door.ts";
import type { Chat } from "./fake/world.ts";

const direct = (chat: Chat): ReplyTarget => ({ adapter: "tg", conversation: { id: String(chat.id), kind: "direct" } });
const shared = (chat: Chat, thread?: number): ReplyTarget => ({
  adapter: "tg",
  conversation: { id: String(chat.id), kind: "shared" },
  ...(thread === undefined ? {} : { thread: String(thread) }),
});

/** A person who has written, so that the bot may answer. */
function someone(door: Door) {
  const person = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.privateChat(door.bot, person);
  const first = person.say(chat, "hello");
  return { person, chat, first, target: direct(chat) };
}

function said(door: Door, markdown: string, more: Partial<PlatformMessage> = {}): PlatformMessage {
  const [body = ""] = door.adapter.render(markdown, "final");
  return { body, buttons: [], audible: false, forming: false, nonce: "n", ...more };
}

/** The fate of a call that fails. */
async function fateOf(call: Promise<unknown>): Promise<Partial<PlatformError>> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    const { fate, everywhere, retryAfterMs, message } = error;
    return { fate, everywhere, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  throw new Error("It did not fail");
}

test("a message: marked up, without preview, silent unless it should ring, as an answer", async () => {
  await using door = await connected();
  const { chat, first, target } = someone(door);
  const ref = await door.adapter.post(target, said(door, "**bold** https://example.com", { replyTo: String(first) }));
  const [seen] = door.platform.messages(chat).filter(({ byBot }) => byBot);
  expect(seen).toMatchObject({
    id: Number(ref),
    text: "bold https://example.com",
    silent: true,
    replyTo: first,
    linkPreview: { is_disabled: true },
  });
  expect(seen?.entities).toContainEqual(expect.objectContaining({ type: "bold", text: "bold" }));
  await door.adapter.post(target, said(door, "ding", { audible: true, replyTo: "4711" }));
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "ding", silent: false });
  expect(door.platform.lastOfBot(chat)?.replyTo).toBeUndefined();
});

test("buttons stand beside each other where they are short", async () => {
  await using door = await connected();
  const { chat, target } = someone(door);
  const labels = [
    "Yes",
    "No",
    "Later",
    "Never again",
    "A label that has a line for itself, being so long",
    "Stop",
    " ",
  ];
  const buttons = labels.map((label, index) => ({ label, data: `12:${index}` }));
  const ref = await door.adapter.post(target, said(door, "choose", { buttons }));
  const rows = door.platform.lastOfBot(chat)?.buttons.map((row) => row.map(({ text }) => text));
  expect(rows).toEqual([
    ["Yes", "No", "Later"],
    ["Never again"],
    ["A label that has a line for itself, being so long"],
    ["Stop", "·"],
  ]);
  expect(door.platform.lastOfBot(chat)?.buttons[0]?.[1]?.data).toBe("12:1");
  await door.adapter.change(target, { ref, message: said(door, "chosen") });
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "chosen", buttons: [] });
});

test("topics of a forum", async () => {
  await using door = await connected();
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.newGroup({ title: "Forum", kind: "forum", members: [ada, door.bot] });
  const topic = door.platform.newTopic(chat, ada, "Plans");
  await door.adapter.post(shared(chat, topic), said(door, "in the topic"));
  await door.adapter.post(shared(chat), said(door, "in general"));
  await door.adapter.signal(shared(chat, topic), "typing");
  expect(door.platform.messages(chat, { thread: topic }).map(({ text }) => text)).toContain("in the topic");
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "in general" });
  expect(chat.actions).toMatchObject([{ action: "typing", thread: topic }]);
});

test("a message is changed; the same again is no error; one that is not there is gone", async () => {
  await using door = await connected();
  const { person, chat, target } = someone(door);
  const ref = await door.adapter.post(target, said(door, "one"));
  await door.adapter.change(target, { ref, message: said(door, "_two_") });
  await door.adapter.change(target, { ref, message: said(door, "_two_") });
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "two", edits: 1, linkPreview: { is_disabled: true } });
  person.remove(chat, Number(ref));
  expect(await fateOf(door.adapter.change(target, { ref, message: said(door, "three") }))).toMatchObject({
    fate: "gone",
  });
  expect(await fateOf(door.adapter.change(target, { ref: "x", message: said(door, "three") }))).toMatchObject({
    fate: "refused",
  });
});

test("a message is taken away; one that is too old says that it was", async () => {
  await using door = await connected();
  const { chat, target } = someone(door);
  const ref = await door.adapter.post(target, said(door, "one"));
  await door.adapter.change(target, { ref });
  expect(door.platform.lastOfBot(chat)).toBeUndefined();
  const old = await door.adapter.post(target, said(door, "two"));
  const refusal = {
    ok: false,
    error_code: 400,
    description: "Bad Request: message can't be deleted for everyone",
  } as const;
  door.platform.faults.add({ fault: { kind: "answer", answer: refusal }, methods: ["deleteMessage"], times: 1 });
  await door.adapter.change(target, { ref: old });
  expect(door.platform.lastOfBot(chat)?.text).toBe("(removed)");
  expect(await fateOf(door.adapter.change(target, { ref }))).toMatchObject({ fate: "gone" });
});

test("markup that Telegram does not take goes out as plain text, once", async () => {
  await using door = await connected();
  const { chat, target } = someone(door);
  const broken = { ...said(door, "x"), body: "<b>broken\u001Ebroken & plain" };
  const ref = await door.adapter.post(target, broken);
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "broken & plain", entities: [] });
  await door.adapter.change(target, { ref, message: { ...broken, body: "<i>again\u001Eplain again" } });
  expect(door.platform.lastOfBot(chat)?.text).toBe("plain again");
  expect(door.platform.messages(chat).filter(({ byBot }) => byBot)).toHaveLength(1);
  // A stored body that lost its form is shown as it is.
  await door.adapter.post(target, { ...broken, body: "no form <b>" });
  expect(door.platform.lastOfBot(chat)?.text).toBe("no form <b>");
});

test("rendering: never empty, one body while it forms, many for a long text, each of them accepted", async () => {
  await using door = await connected();
  const { chat, target } = someone(door);
  expect(door.adapter.render("", "final")).toHaveLength(1);
  expect(door.adapter.render("", "forming")).toHaveLength(1);
  expect(door.adapter.render("word ".repeat(5_000), "forming")).toHaveLength(1);
  const bodies = door.adapter.render("A **line** with `code`.\n\n".repeat(600), "final");
  expect(bodies.length).toBeGreaterThan(2);
  for (const body of bodies) await door.adapter.post(target, { ...said(door, "x"), body });
  expect(door.platform.messages(chat).filter(({ byBot }) => byBot)).toHaveLength(bodies.length);
  // Whoever counts sees that it does not end there.
  expect(door.adapter.render("word ".repeat(50_000), "final").length).toBeGreaterThan(10);
});

test("each failure says what became of the message", async () => {
  await using door = await connected();
  const { person, chat, target } = someone(door);
  const ref = await door.adapter.post(target, said(door, "one"));
  const post = () => door.adapter.post(target, said(door, "two"));
  const change = () => door.adapter.change(target, { ref, message: said(door, "changed") });
  const { faults } = door.platform;
  const methods = ["sendMessage", "editMessageText"];
  const cases = [
    [{ kind: "lose" }, "unknown", "later", true],
    [{ kind: "drop" }, "unknown", "later", true],
    [{ kind: "cut" }, "unknown", "later", true],
    [{ kind: "garbage" }, "unknown", "later", true],
    [{ kind: "html", status: 502 }, "unknown", "later", true],
    [{ kind: "html", status: 413 }, "refused", "refused", false],
    [{ kind: "flood", retryAfterS: 7 }, "later", "later", false],
    [{ kind: "unauthorized" }, "later", "later", true],
  ] as const;
  for (const [fault, sent, changed, everywhere] of cases) {
    const end = faults.add({ fault, methods });
    expect([fault.kind, await fateOf(post())]).toMatchObject([fault.kind, { fate: sent, everywhere }]);
    expect([fault.kind, await fateOf(change())]).toMatchObject([fault.kind, { fate: changed, everywhere }]);
    end();
  }
  faults.add({ fault: { kind: "flood", retryAfterS: 7 }, methods, times: 1 });
  expect(await fateOf(post())).toMatchObject({ retryAfterMs: 7_000 });
  person.block(chat);
  expect(await fateOf(post())).toMatchObject({
    fate: "refused",
    message: expect.stringContaining("blocked by the user"),
  });
  const nowhere = { ...target, conversation: { id: "424242", kind: "direct" as const } };
  expect(await fateOf(door.adapter.post(nowhere, said(door, "x")))).toMatchObject({
    fate: "refused",
    message: "Telegram did not take it: chat not found",
  });
  expect(door.said()).not.toContain(door.bot.token);
});

test("a call that never ends is of unknown fate; one that never began may be made later", async () => {
  let gone = false;
  const network = (async (...given: Parameters<typeof fetch>) =>
    gone ? await fetch("http://127.0.0.1:1/", given[1]) : await fetch(...given)) as typeof fetch;
  await using door = await connected({ fetch: network });
  const { target } = someone(door);
  door.platform.faults.add({ fault: { kind: "hang", acts: true }, methods: ["sendMessage"] });
  let fate: unknown;
  void fateOf(door.adapter.post(target, said(door, "one"))).then((found) => {
    fate = found;
  });
  await door.until(() => fate !== undefined, { advanceMs: 500 });
  expect(fate).toMatchObject({ fate: "unknown", message: "Telegram did not take it: no answer came in time" });
  gone = true;
  expect(await fateOf(door.adapter.post(target, said(door, "two")))).toMatchObject({ fate: "later", everywhere: true });
});

test("nothing is sent twice by the library or the runtime", async () => {
  await using door = await connected();
  const { chat, target } = someone(door);
  for (let n = 0; n < 5; n += 1) {
    await door.adapter.post(target, said(door, `before ${n}`));
    door.platform.faults.add({ fault: { kind: "lose" }, methods: ["sendMessage"], times: 1 });
    expect(await fateOf(door.adapter.post(target, said(door, `lost ${n}`)))).toMatchObject({ fate: "unknown" });
    expect(door.platform.messages(chat).filter(({ text }) => text === `lost ${n}`)).toHaveLength(1);
  }
});

test("a group that grew is followed, and what it did not take along is left out", async () => {
  await using door = await connected();
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.newGroup({ title: "Small", kind: "group", members: [ada, door.bot] });
  const first = ada.say(chat, "/stop@my_agent_bot");
  const next = door.platform.migrate(chat);
  await door.adapter.post(shared(chat), said(door, "where are you?", { replyTo: String(first) }));
  expect(door.platform.lastOfBot(next)).toMatchObject({ text: "where are you?" });
  await door.adapter.post(shared(chat), said(door, "here"));
  expect(door.platform.lastOfBot(next)?.text).toBe("here");
  expect(door.calls("sendMessage")).toBeLessThanOrEqual(3);
});

/** A PNG of this size, as far as its head goes. */
function picture(width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  return bytes;
}

test("files go out byte by byte; pictures are shown, odd ones are sent as files", async () => {
  await using door = await connected();
  const { chat, first, target } = someone(door);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const file = { name: '../a b\r\n"c".bin', bytes, caption: "**the** file", replyTo: String(first), nonce: "n" };
  await door.adapter.file(target, file);
  const sent = door.platform.lastOfBot(chat);
  expect(sent).toMatchObject({ text: "the file", replyTo: first, file: { kind: "document" } });
  expect(sent?.file?.name).not.toMatch(/[\r\n"\\/]/);
  expect(sent?.file?.name).toEndWith(".bin");
  expect(Buffer.compare(sent?.file?.bytes ?? new Uint8Array(), bytes)).toBe(0);
  await door.adapter.file(target, { name: "chart.png", bytes: picture(800, 600), nonce: "n" });
  expect(door.platform.lastOfBot(chat)).toMatchObject({ text: "", file: { kind: "photo" } });
  await door.adapter.file(target, { name: "strip.png", bytes: picture(9_000, 10), nonce: "n" });
  expect(door.platform.lastOfBot(chat)?.file).toMatchObject({ kind: "document", name: "strip.png" });
  await door.adapter.file(target, { name: "a.txt", bytes, caption: "long ".repeat(1_000), nonce: "n" });
  expect(door.platform.lastOfBot(chat)?.text.length).toBe(1_024);
  const empty = { name: "empty.txt", bytes: new Uint8Array(), nonce: "n" };
  expect(await fateOf(door.adapter.file(target, empty))).toMatchObject({ fate: "refused" });
  door.platform.faults.add({ fault: { kind: "lose" }, methods: ["sendDocument"], times: 1 });
  const before = door.platform.messages(chat).length;
  expect(await fateOf(door.adapter.file(target, file))).toMatchObject({ fate: "unknown" });
  expect(door.platform.messages(chat)).toHaveLength(before + 1);
});

test("signs: typing and seen, without ever failing, and not in a chat that is flooded", async () => {
  await using door = await connected();
  const { person, chat, first, target } = someone(door);
  await door.adapter.signal(target, "typing");
  await door.adapter.signal({ ...target, replyTo: String(first) }, "seen");
  expect(chat.actions).toMatchObject([{ action: "typing" }]);
  expect(door.platform.messages(chat)[0]?.reactions[door.bot.id]).toEqual(["👀"]);
  await door.adapter.signal({ ...target, replyTo: "999" }, "seen");
  await door.adapter.signal({ ...target, replyTo: "no number" }, "seen");
  door.platform.faults.add({ fault: { kind: "flood", retryAfterS: 20 }, methods: ["sendMessage"], times: 1 });
  await fateOf(door.adapter.post(target, said(door, "too much")));
  await door.adapter.signal(target, "typing");
  expect(chat.actions).toHaveLength(1);
  door.clock.advance(21_000);
  await door.adapter.signal(target, "typing");
  expect(chat.actions).toHaveLength(2);
  person.block(chat);
  await door.adapter.signal(target, "typing");
});
