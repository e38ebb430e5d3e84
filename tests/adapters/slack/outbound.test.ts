// What goes out to Slack, as a person sees it, and what becomes of it when the call fails.
import { expect, test } from "bun:test";
import { limits } from "../../../src/core/limits.ts";
import { connected, direct, fateOf, saying, shared } from "./door.ts";

test("a message: blocks, text for phones, no previews, the nonce in its metadata", async () => {
  await using door = await connected();
  const ref = await door.adapter.post(shared(door.team), saying(door, "**bold** https://example.com & `x`"));
  const seen = door.slack.lastOfBot(door.team);
  expect(seen?.ts).toBe(ref);
  expect(seen?.text).toBe("*bold* <https://example.com|https://example.com> &amp; `x`");
  // Names and channels in plain words stay words.
  const text = { type: "mrkdwn", text: seen?.text, verbatim: true };
  expect(seen?.blocks?.[0]).toMatchObject({ type: "section", text });
  expect(seen?.flags).toMatchObject({ unfurlLinks: false, unfurlMedia: false });
  expect(seen?.metadata?.event_payload).toEqual({ nonce: "n-1" });
});

test("a thread's answer stands in the thread", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.team, "hello");
  await door.adapter.post(shared(door.team, ts), saying(door, "here"));
  expect(door.slack.thread(door.team, ts).map(({ text }) => text)).toEqual(["hello", "here"]);
});

test("buttons bear their delivery, and a change takes them away", async () => {
  await using door = await connected();
  const buttons = [
    { label: "Yes", data: "12:0" },
    { label: " ", data: "12:1" },
    { label: "x".repeat(90), data: "12:2" },
  ];
  const ref = await door.adapter.post(shared(door.team), saying(door, "Sure?", { buttons }));
  const actions = door.slack.lastOfBot(door.team)?.blocks?.at(-1);
  expect(actions).toMatchObject({
    type: "actions",
    elements: [{ action_id: "12:0", value: "12:0" }, { text: { text: "·" } }, {}],
  });
  await door.adapter.change(shared(door.team), { ref, message: saying(door, "Done") });
  expect(door.slack.lastOfBot(door.team)).toMatchObject({ text: "Done", blocks: [{ type: "section" }] });
});

test("the same change again is no error; a message that is gone is told", async () => {
  await using door = await connected();
  const ref = await door.adapter.post(shared(door.team), saying(door, "one"));
  await door.adapter.change(shared(door.team), { ref, message: saying(door, "two") });
  await door.adapter.change(shared(door.team), { ref, message: saying(door, "two") });
  await door.adapter.change(shared(door.team), { ref });
  expect(door.slack.lastOfBot(door.team)).toBeUndefined();
  expect(await fateOf(door.adapter.change(shared(door.team), { ref, message: saying(door, "three") }))).toMatchObject({
    fate: "gone",
  });
  expect(await fateOf(door.adapter.change(shared(door.team), { ref }))).toMatchObject({ fate: "gone" });
});

test("blocks that are refused go as plain words, all of them, and buttons stay", async () => {
  await using door = await connected();
  const fault = { kind: "error", error: "invalid_blocks" } as const;
  door.slack.faults.add({ fault, methods: ["chat.postMessage"], times: 1 });
  const long = `**hello** ${"word ".repeat(1_500)}end`;
  const buttons = [{ label: "Yes", data: "1:0" }];
  const ref = await door.adapter.post(shared(door.team), saying(door, long, { buttons }));
  const blocks = () => door.slack.lastOfBot(door.team)?.blocks ?? [];
  expect(new Set(blocks().map(({ type }) => type))).toEqual(new Set(["section", "actions"]));
  expect(blocks().at(-1)?.type).toBe("actions");
  expect(blocks()[0]).toMatchObject({ text: { type: "plain_text" } });
  expect(JSON.stringify(blocks())).toContain("end");
  door.slack.faults.add({ fault: { kind: "error", error: "msg_blocks_too_long" }, methods: ["chat.update"], times: 1 });
  await door.adapter.change(shared(door.team), { ref, message: saying(door, "short") });
  expect(blocks()).toMatchObject([{ type: "section", text: { type: "plain_text", text: "short" } }]);
});

test("a message of the longest kind may be changed to another", async () => {
  await using door = await connected();
  const ref = await door.adapter.post(shared(door.team), saying(door, "…", { forming: true }));
  const [body = ""] = door.adapter.render("Many words in a sentence. ".repeat(2_000), "final");
  await door.adapter.change(shared(door.team), { ref, message: saying(door, "", { body }) });
  expect(door.slack.lastOfBot(door.team)?.text.length).toBeLessThanOrEqual(4_000);
  expect(JSON.stringify(door.slack.lastOfBot(door.team)?.blocks).length).toBeGreaterThan(8_000);
});

const fates: [
  name: string,
  fault: Parameters<Awaited<ReturnType<typeof connected>>["slack"]["faults"]["add"]>[0]["fault"],
  post: object,
  change: object,
][] = [
  ["a connection that breaks", { kind: "lose" }, { fate: "unknown" }, { fate: "later" }],
  ["an answer that is cut off", { kind: "cut" }, { fate: "unknown" }, { fate: "later" }],
  ["a page in place of an answer", { kind: "html" }, { fate: "unknown" }, { fate: "later" }],
  [
    "a page of something in between that refuses",
    { kind: "status", status: 403 },
    { fate: "later", everywhere: true },
    { fate: "later", everywhere: true },
  ],
  ["a server that breaks", { kind: "status", status: 500 }, { fate: "unknown" }, { fate: "later" }],
  ["an internal error", { kind: "error", error: "internal_error" }, { fate: "unknown" }, { fate: "later" }],
  [
    "a limit",
    { kind: "limit", retryAfterS: 7 },
    { fate: "later", retryAfterMs: 7_000 },
    { fate: "later", retryAfterMs: 7_000 },
  ],
  ["an archived channel", { kind: "error", error: "is_archived" }, { fate: "refused" }, { fate: "refused" }],
  ["a deleted channel", { kind: "error", error: "channel_not_found" }, { fate: "refused" }, { fate: "refused" }],
  [
    "an edit that comes too late",
    { kind: "error", error: "edit_window_closed" },
    { fate: "refused" },
    { fate: "gone" },
  ],
  [
    "a revoked token",
    { kind: "error", error: "token_revoked" },
    { fate: "later", everywhere: true },
    { fate: "later", everywhere: true },
  ],
];
for (const [name, fault, post, change] of fates) {
  test(`the fate of a call: ${name}`, async () => {
    await using door = await connected();
    const target = shared(door.team);
    const ref = await door.adapter.post(target, saying(door, "one"));
    door.slack.faults.add({ fault, methods: ["chat.postMessage"], times: 1 });
    const { length } = door.slack.calls;
    expect(await fateOf(door.adapter.post(target, saying(door, "two")))).toMatchObject(post);
    // Nothing is sent twice by itself.
    expect(door.slack.calls.slice(length).filter(({ method }) => method === "chat.postMessage")).toHaveLength(1);
    door.slack.faults.add({ fault, methods: ["chat.update"], times: 1 });
    expect(await fateOf(door.adapter.change(target, { ref, message: saying(door, "three") }))).toMatchObject(change);
  });
}

test("a server that is away has surely not sent it", async () => {
  const door = await connected();
  await door.server.close();
  expect(await fateOf(door.adapter.post(shared(door.team), saying(door, "x")))).toMatchObject({
    fate: "later",
    everywhere: true,
  });
  await door[Symbol.asyncDispose]();
});

test("no answer in time is unknown", async () => {
  await using door = await connected();
  door.slack.faults.add({ fault: { kind: "hang", acts: true }, methods: ["chat.postMessage"], times: 1 });
  const sent = fateOf(door.adapter.post(shared(door.team), saying(door, "x")));
  await door.until(() => door.calls("chat.postMessage") === 1);
  door.clock.advance(limits.platformCallMs);
  expect(await sent).toMatchObject({ fate: "unknown" });
});

test("a missing scope is named with its mend, once, in health and in the error", async () => {
  await using door = await connected();
  door.slack.takeScope(door.app, "chat:write");
  const first = await fateOf(door.adapter.post(shared(door.team), saying(door, "x")));
  expect(first.fate).toBe("refused");
  expect(first.message).toContain("chat:write");
  expect(first.message).toContain("reinstall");
  await fateOf(door.adapter.post(shared(door.team), saying(door, "x")));
  expect(door.lines.filter(({ message }) => message === "A scope is missing")).toHaveLength(1);
  expect(door.adapter.health()).toMatchObject({ state: "connected" });
  expect(door.adapter.health().problem).toContain("chat:write");
});

test("what was sent is found by its nonce, and what was not is not", async () => {
  await using door = await connected();
  const target = shared(door.team);
  const since = door.clock.now();
  door.slack.faults.add({ fault: { kind: "lose" }, methods: ["chat.postMessage"], times: 1 });
  await fateOf(door.adapter.post(target, saying(door, "arrived", { nonce: "here" })));
  expect(await door.adapter.find?.(target, { nonce: "here", since, body: "wx" })).toBe(
    door.slack.lastOfBot(door.team)?.ts ?? "",
  );
  expect(await door.adapter.find?.(target, { nonce: "elsewhere", since, body: "wx" })).toBeUndefined();
  const ts = door.ann.say(door.team, "thread");
  const ref = await door.adapter.post(shared(door.team, ts), saying(door, "in it", { nonce: "thread" }));
  expect(await door.adapter.find?.(shared(door.team, ts), { nonce: "thread", since, body: "wx" })).toBe(ref);
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 3 }, methods: ["conversations.history"], times: 1 });
  const asked = Promise.resolve(door.adapter.find?.(target, { nonce: "here", since, body: "wx" }));
  expect(await fateOf(asked)).toMatchObject({ fate: "later", retryAfterMs: 3_000 });
  door.slack.takeScope(door.app, "channels:history");
  expect(
    await fateOf(Promise.resolve(door.adapter.find?.(target, { nonce: "here", since, body: "wx" }))),
  ).toMatchObject({
    fate: "refused",
  });
});

test("a command's answer is for one person, by the address that came with it", async () => {
  await using door = await connected();
  door.ann.slash(door.team, "/pi-status", "");
  await door.until(() => door.received.length === 1);
  const [command] = door.received;
  expect(command).toMatchObject({
    kind: "command",
    name: "status",
    args: "",
    answer: { as: "message" },
    conversation: { id: door.team.id, kind: "shared" },
  });
  const target = { ...shared(door.team), onlyFor: { user: door.ann.id, happening: command?.id ?? "" } };
  await door.adapter.post(target, saying(door, "fine"));
  expect(door.slack.ephemerals(door.team, door.ann).map(({ text }) => text)).toEqual(["fine"]);
  expect(door.calls("chat.postEphemeral")).toBe(0);
  expect(door.slack.messages(door.team)).toHaveLength(0);
});

test("the address works half an hour and five times; then an ephemeral message does", async () => {
  await using door = await connected();
  door.ann.slash(door.team, "/remoteagent", "status now");
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ name: "status", args: "now" });
  const target = { ...shared(door.team), onlyFor: { user: door.ann.id, happening: door.received[0]?.id ?? "" } };
  for (let count = 1; count <= 7; count += 1) {
    await door.adapter.post(target, saying(door, `answer ${count}`, { nonce: `n${count}` }));
  }
  expect(door.slack.ephemerals(door.team, door.ann)).toHaveLength(7);
  expect(door.calls("chat.postEphemeral")).toBe(2);
  // What nobody pressed in cannot be changed.
  expect(await fateOf(door.adapter.change(target, { ref: "only-n1", message: saying(door, "x") }))).toMatchObject({
    fate: "gone",
  });
});

test("somebody who is not there is not told there", async () => {
  await using door = await connected();
  const bob = door.slack.user("bob");
  const target = { ...shared(door.team), onlyFor: { user: bob.id, happening: "none" } };
  expect(await fateOf(door.adapter.post(target, saying(door, "secret")))).toMatchObject({ fate: "refused" });
  expect(await fateOf(door.adapter.file(target, { name: "a", bytes: new Uint8Array([1]), nonce: "f" }))).toMatchObject({
    fate: "refused",
  });
});

test("a private message changes after a button in it was pressed", async () => {
  await using door = await connected({
    receive: () => ({ state: "done", ok: true, answer: { markdown: "**Switched**" } }),
  });
  const target = { ...shared(door.team), onlyFor: { user: door.ann.id, happening: "none" } };
  const ref = await door.adapter.post(target, saying(door, "Which?", { buttons: [{ label: "S1", data: "7:0" }] }));
  const [shown] = door.slack.ephemerals(door.team, door.ann);
  door.ann.press({ channel: door.team, ts: shown?.ts ?? "" }, "7:0");
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ kind: "action", delivery: "7", value: "0", sender: { id: door.ann.id } });
  await door.until(() => door.slack.ephemerals(door.team, door.ann).some(({ text }) => text === "Switched"));
  await door.adapter.change(target, { ref, message: saying(door, "Chosen") });
  expect(door.slack.ephemerals(door.team, door.ann).map(({ text }) => text)).toContain("Chosen");
  expect(door.slack.ephemerals(door.team, door.ann).map(({ text }) => text)).not.toContain("Which?");
});

test("an answer in a thread is streamed: begun, appended, ended, and put in its last form", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.team, `${door.bot} go`);
  door.ann.say(door.team, `${door.bot} on`, { thread: ts });
  await door.until(() => door.received.length === 4);
  const target = shared(door.team, ts);
  const buttons = [{ label: "Stop", data: "1:0" }];
  const ref = await door.adapter.post(target, saying(door, "…", { forming: true, buttons }));
  for (const text of ["Hello", "Hello **wor", "Hello **world**\n\n`bash` …", "Hello **world**\n\nand more"]) {
    await door.adapter.change(target, { ref, message: saying(door, text, { forming: true }) });
  }
  expect(door.slack.lastOfBot(door.team)).toMatchObject({
    ts: ref,
    streaming: true,
    text: "Hello **world**\n\nand more",
  });
  expect(door.calls("chat.update")).toBe(0);
  await door.adapter.change(target, { ref, message: saying(door, "Hello **world**\n\nand more.") });
  expect(door.slack.lastOfBot(door.team)).toMatchObject({
    ts: ref,
    streaming: false,
    text: "Hello *world*\n\nand more.",
  });
  expect(door.slack.lastOfBot(door.team)?.metadata?.event_payload).toEqual({ nonce: "n-1" });
});

test("what does not only grow goes on by edits", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  const ref = await door.adapter.post(target, saying(door, "…", { forming: true }));
  await door.adapter.change(target, { ref, message: saying(door, "One", { forming: true }) });
  await door.adapter.change(target, { ref, message: saying(door, "Another", { forming: true }) });
  await door.adapter.change(target, { ref, message: saying(door, "Another one", { forming: true }) });
  expect(door.calls("chat.update")).toBe(2);
  expect(door.slack.lastOfBot(door.ann.dm())).toMatchObject({ streaming: false, text: "Another one" });
});

test("a stream that a life before left open is ended by the next change", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  const begun = door.slack.call("chat.startStream", {
    token: door.app.botToken,
    params: { channel: door.ann.dm().id, thread_ts: ts },
  });
  const ref = String(begun.body.ts);
  await door.adapter.change(target, { ref, message: saying(door, "the end") });
  expect(door.slack.lastOfBot(door.ann.dm())).toMatchObject({ ts: ref, streaming: false, text: "the end" });
});

test("a stream whose begin nobody knows of is found as its place", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  const since = door.clock.now();
  door.slack.faults.add({ fault: { kind: "lose" }, methods: ["chat.startStream"], times: 1 });
  const marker = saying(door, "…", { forming: true, nonce: "lost" });
  expect(await fateOf(door.adapter.post(target, marker))).toMatchObject({ fate: "unknown" });
  const ref = await door.adapter.find?.(target, { nonce: "lost", since, body: marker.body });
  expect(ref).toBe(door.slack.lastOfBot(door.ann.dm())?.ts ?? "");
  await door.adapter.change(target, { ref: ref ?? "", message: saying(door, "all of it") });
  expect(door.slack.thread(door.ann.dm(), ts).map(({ text }) => text)).toEqual(["go", "all of it"]);
});

test("where Slack does not stream, answers form by edits for good", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.ann.dm(), "go");
  const target = direct(door.ann, ts);
  door.slack.faults.add({ fault: { kind: "error", error: "unknown_method" }, methods: ["chat.startStream"] });
  for (const nonce of ["a", "b"]) {
    const ref = await door.adapter.post(target, saying(door, "…", { forming: true, nonce }));
    await door.adapter.change(target, { ref, message: saying(door, "text", { forming: true, nonce }) });
  }
  expect(door.calls("chat.startStream")).toBe(1);
  expect(door.slack.thread(door.ann.dm(), ts).map(({ text }) => text)).toEqual(["go", "text", "text"]);
});

test("at the top of a channel nothing is streamed", async () => {
  await using door = await connected();
  await door.adapter.post(shared(door.team), saying(door, "…", { forming: true }));
  expect(door.calls("chat.startStream")).toBe(0);
});

test("signs: eyes on what was seen, a status in assistant threads, nothing elsewhere", async () => {
  await using door = await connected();
  const seen = door.ann.say(door.team, `${door.bot} hi`);
  await door.adapter.signal({ ...shared(door.team), replyTo: seen }, "seen");
  await door.adapter.signal({ ...shared(door.team), replyTo: seen }, "seen");
  expect([...(door.slack.messages(door.team)[0]?.reactions.keys() ?? [])]).toEqual(["eyes"]);
  await door.adapter.signal(shared(door.team), "typing");
  const thread = door.ann.startAssistantThread();
  await door.adapter.signal(direct(door.ann, thread), "typing");
  expect(door.slack.assistant(door.ann.dm(), thread)?.status).toContain("thinking");
  expect(door.calls("assistant.threads.setStatus")).toBe(1);
});

test("a flooded conversation gets no signs", async () => {
  await using door = await connected();
  const seen = door.ann.say(door.team, "hi");
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 5 }, methods: ["chat.postMessage"], times: 1 });
  await fateOf(door.adapter.post(shared(door.team), saying(door, "x")));
  await door.adapter.signal({ ...shared(door.team), replyTo: seen }, "seen");
  expect(door.calls("reactions.add")).toBe(0);
  door.clock.advance(5_000);
  await door.adapter.signal({ ...shared(door.team), replyTo: seen }, "seen");
  expect(door.calls("reactions.add")).toBe(1);
});

test("names that one person has become mentions; names that two share do not", async () => {
  await using door = await connected();
  door.ann.say(door.team, "hello");
  await door.until(() => door.received.length === 1);
  await door.adapter.post(shared(door.team), saying(door, "@ann, look. @channel <!channel> @annabel"));
  expect(door.slack.lastOfBot(door.team)?.text).toBe(`<@${door.ann.id}>, look. @channel &lt;!channel&gt; @annabel`);
  const other = door.slack.user("eve");
  Object.assign(other.user, { name: "ann" });
  door.team.members.add(other.id);
  other.say(door.team, "I am ann");
  await door.until(() => door.received.length === 2);
  expect(door.received.map(({ sender }) => sender.id)).toEqual([door.ann.id, other.id]);
  await door.adapter.post(shared(door.team), saying(door, "@ann?"));
  expect(door.slack.lastOfBot(door.team)?.text).toBe("@ann?");
});

test("a file goes to its thread with its caption", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.team, "hello");
  const bytes = new TextEncoder().encode("a,b\n1,2\n");
  await door.adapter.file(shared(door.team, ts), { name: "table.csv", bytes, caption: "The **table**", nonce: "f" });
  const [file] = door.slack.uploads();
  expect(file).toMatchObject({ name: "table.csv", title: "table.csv" });
  expect(new TextDecoder().decode(file?.bytes)).toBe("a,b\n1,2\n");
  expect(door.slack.thread(door.team, ts).at(-1)).toMatchObject({ text: "The *table*", files: [file?.id ?? ""] });
});

test("a caption has no links: nothing switches their previews off", async () => {
  await using door = await connected();
  const caption = "[here](https://example.com/?key=1) and https://example.com/2 <!channel> a:b";
  await door.adapter.file(shared(door.team), { name: "a.txt", bytes: new Uint8Array([1]), caption, nonce: "f" });
  const text = door.slack.lastOfBot(door.team)?.text ?? "";
  expect(text).not.toMatch(/https?:\/\/|<(?!\/)/);
  expect(text.replaceAll("\u200b", "")).toBe(
    "here (https://example.com/?key=1) and https://example.com/2 &lt;!channel&gt; a:b",
  );
});

test("a file that nobody saw may be sent again; one that may be there is unknown", async () => {
  await using door = await connected();
  const file = { name: "a.txt", bytes: new Uint8Array([1, 2]), nonce: "f" };
  for (const method of ["files.getUploadURLExternal", "upload"]) {
    door.slack.faults.add({ fault: { kind: "lose" }, methods: [method], times: 1 });
    expect(await fateOf(door.adapter.file(shared(door.team), file))).toMatchObject({ fate: "later" });
  }
  door.slack.faults.add({ fault: { kind: "lose" }, methods: ["files.completeUploadExternal"], times: 1 });
  expect(await fateOf(door.adapter.file(shared(door.team), file))).toMatchObject({ fate: "unknown" });
  expect(await fateOf(door.adapter.file(shared(door.team), { ...file, bytes: new Uint8Array() }))).toMatchObject({
    fate: "refused",
  });
});

test("the limits of each tier are told with their wait, and no call is repeated by itself", async () => {
  await using door = await connected({ rates: true });
  const target = shared(door.team);
  const refs: string[] = [];
  const waits = new Set<number>();
  for (let count = 0; count < 90; count += 1) {
    const { length } = door.slack.calls;
    const sent = door.adapter.post(target, saying(door, `message ${count}`, { nonce: `n${count}` }));
    const ref = await sent.catch(async (error: unknown) => {
      const { fate, retryAfterMs } = await fateOf(Promise.reject(error));
      expect(fate).toBe("later");
      waits.add(retryAfterMs ?? 0);
      door.clock.advance(retryAfterMs ?? 0);
      return undefined;
    });
    if (ref !== undefined) refs.push(ref);
    expect(door.slack.calls.length).toBe(length + 1);
  }
  expect(waits.size).toBeGreaterThan(0);
  expect([...waits].every((ms) => ms >= 1_000)).toBe(true);
  const edits = refs.map((ref) =>
    door.adapter.change(target, { ref, message: saying(door, "changed") }).then(
      () => "done",
      () => "later",
    ),
  );
  expect(new Set(await Promise.all(edits))).toEqual(new Set(["done", "later"]));
});
