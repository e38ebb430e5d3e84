// What goes out to Discord: each call once, each failure with its fate, each limit obeyed.
import { expect, test } from "bun:test";
import type { PlatformError } from "../../../src/gateway/handle.ts";
import { connected, room, targetOf, until, words } from "./door.ts";
import { createDiscord, type RequestFault } from "./fake/index.ts";

const create = "POST /channels/:id/messages";
const update = "PATCH /channels/:id/messages/:id";

async function setUp(options: Parameters<typeof createDiscord>[0] = {}) {
  const discord = createDiscord(options);
  const { ann, guild, channel } = room(discord);
  const door = await connected({ discord });
  return { discord, ann, guild, channel, door, adapter: door.adapter, target: targetOf(channel) };
}

/** What a call throws. */
async function failure(work: Promise<unknown>): Promise<PlatformError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) throw new Error("It did not fail");
  return error as PlatformError;
}

test("a message calls nobody, previews nothing, rings when it should, and answers what is there", async () => {
  const { discord, ann, channel, door, adapter, target } = await setUp();
  await using _door = door;
  const said = ann.say(channel, "hi");
  const body = `@everyone <@${ann.id}> https://example.com`;
  const quiet = await adapter.post(target, words(body, { replyTo: said.id }));
  const loud = await adapter.post(target, words("done", { replyTo: said.id, audible: true }));
  const gone = await adapter.post(target, words("late", { replyTo: "123456789012345678" }));
  expect(discord.message({ id: quiet })).toMatchObject({
    pings: [],
    pingsEveryone: false,
    silent: true,
    replyTo: said.id,
  });
  expect(discord.message({ id: quiet })?.flags).toBe(4 | 4096);
  expect(discord.message({ id: loud })).toMatchObject({ pings: ["ann"], silent: false });
  expect(discord.message({ id: gone })).toMatchObject({ text: "late", replyTo: undefined });
});

test("a change replaces text and buttons, the same again is no error, and without a message it is taken away", async () => {
  const { discord, door, adapter, target } = await setUp();
  await using _door = door;
  const ref = await adapter.post(target, words("…", { forming: true, buttons: [{ label: "Stop", data: "1:0" }] }));
  const message = words("all of it");
  await adapter.change(target, { ref, message });
  await adapter.change(target, { ref, message });
  expect(discord.message({ id: ref })).toMatchObject({ text: "all of it", components: [] });
  await adapter.change(target, { ref });
  expect(discord.message({ id: ref })?.deleted).toBe(true);
  expect((await failure(adapter.change(target, { ref, message }))).fate).toBe("gone");
});

test("few choices are buttons, many are a list", async () => {
  const { discord, door, adapter, target } = await setUp();
  await using _door = door;
  const buttons = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ label: `Choice ${index}`, data: `7:${index}` }));
  const few = await adapter.post(target, words("few", { buttons: buttons(5) }));
  const many = await adapter.post(
    target,
    words("many", { buttons: [...buttons(9), { label: "x".repeat(200), data: "7:9" }] }),
  );
  const parts = (id: string) =>
    discord.message({ id })?.components.flatMap((row) => row.components as { type: number }[]);
  expect(parts(few)?.map(({ type }) => type)).toEqual([2, 2, 2, 2, 2]);
  expect(parts(many)).toMatchObject([{ type: 3, options: { length: 10 } }]);
});

test.each<[RequestFault, string, boolean]>([
  [{ kind: "reset", acts: true }, "unknown", true],
  [{ kind: "reset" }, "unknown", true],
  [{ kind: "cut" }, "unknown", true],
  [{ kind: "error", status: 500, acts: true }, "unknown", true],
  [{ kind: "html", status: 502 }, "unknown", true],
  [{ kind: "html", status: 403 }, "later", true],
  [{ kind: "html", status: 413 }, "refused", false],
  [{ kind: "error", status: 403, code: 50013, message: "Missing Permissions" }, "refused", false],
  [{ kind: "error", status: 400, code: 50035, message: "Invalid Form Body" }, "refused", false],
  [{ kind: "error", status: 404, code: 10003, message: "Unknown Channel" }, "refused", false],
  [{ kind: "limited", retryAfterS: 7, scope: "user" }, "later", false],
  [{ kind: "limited", retryAfterS: 7, scope: "global" }, "later", true],
])("a send that meets %p is sent once, and its fate is %s", async (fault, fate, everywhere) => {
  const { discord, door, adapter, target } = await setUp();
  await using _door = door;
  discord.faults.add({ on: "request", fault, route: create });
  const error = await failure(adapter.post(target, words("once")));
  expect(error).toMatchObject({ name: "PlatformError", fate, everywhere });
  if (fault.kind === "limited") expect(error.retryAfterMs).toBeGreaterThan(6_900);
  expect(door.calls(create)).toBe(1);
});

test("what may have arrived is found, or surely not there", async () => {
  const { discord, ann, channel, door, adapter, target } = await setUp();
  await using _door = door;
  const since = Date.now();
  for (let count = 0; count < 120; count += 1) ann.say(channel, "noise");
  discord.faults.add({ on: "request", fault: { kind: "reset", acts: true }, route: create, times: 1 });
  discord.faults.add({ on: "request", fault: { kind: "reset" }, route: create, times: 1 });
  const [arrived, lost] = [words("the same words"), words("other words")];
  await failure(adapter.post(target, arrived));
  await failure(adapter.post(target, lost));
  const there = discord.messages(channel).filter(({ byBot }) => byBot);
  expect(there).toHaveLength(1);
  expect(await adapter.find?.(target, { nonce: arrived.nonce, body: arrived.body, since })).toBe(
    there[0]?.id as string,
  );
  expect(await adapter.find?.(target, { nonce: lost.nonce, body: lost.body, since })).toBeUndefined();
});

test("a repetition within minutes is the same message", async () => {
  const { discord, channel, door, adapter, target } = await setUp();
  await using _door = door;
  discord.faults.add({ on: "request", fault: { kind: "cut" }, route: create, times: 1 });
  const message = words("once", { nonce: "0123456789abcdef01234567" });
  await failure(adapter.post(target, message));
  const ref = await adapter.post(target, message);
  const mine = discord.messages(channel).filter(({ byBot }) => byBot);
  expect(mine.map(({ id }) => id)).toEqual([ref]);
  // A name of ours that is longer than Discord's is shortened, and stays the same.
  const long = words("stored nowhere", { nonce: `unstored-${"9".repeat(40)}` });
  expect(await adapter.post(target, long)).toBe(await adapter.post(target, long));
});

test("a search that Discord limits is for later, and says when", async () => {
  const { discord, door, adapter, target } = await setUp();
  await using _door = door;
  discord.faults.add({
    on: "request",
    fault: { kind: "limited", retryAfterS: 3, scope: "user" },
    route: "GET /channels/:id/messages",
  });
  const since = Date.now();
  expect(await failure(adapter.find?.(target, { nonce: "n", body: "b", since }) as Promise<unknown>)).toMatchObject({
    fate: "later",
  });
});

test("one limited channel holds up no other", async () => {
  const { discord, guild, door, adapter, target } = await setUp();
  await using _door = door;
  const other = targetOf(discord.channel(guild, "other"));
  const results = await Promise.all(
    Array.from({ length: 7 }, () => adapter.post(target, words("flood")).catch((error: PlatformError) => error)),
  );
  const limited = results.filter((one) => typeof one !== "string");
  expect(limited.length).toBeGreaterThanOrEqual(2);
  for (const error of limited) expect(error).toMatchObject({ fate: "later", everywhere: false });
  const began = performance.now();
  await adapter.post(other, words("free"));
  expect(performance.now() - began).toBeLessThan(1_000);
  // A channel that wants to be left alone gets no signs either.
  const before = door.calls("POST /channels/:id/typing");
  await adapter.signal(target, "typing");
  expect(door.calls("POST /channels/:id/typing")).toBe(before);
});

test("a missing permission is said with its mend, and stands in the log once", async () => {
  const { discord, channel, door, adapter, target } = await setUp();
  await using _door = door;
  discord.deny(channel, ["SEND_MESSAGES"], discord.bot);
  const [one] = [await failure(adapter.post(target, words("a"))), await failure(adapter.post(target, words("b")))];
  expect(one.fate).toBe("refused");
  expect(one.message).toContain(
    "give it View Channel, Send Messages, Read Message History and Attach Files in this channel",
  );
  expect(door.lines.filter(({ message }) => message === "The bot may not write in a channel")).toHaveLength(1);
});

test("a person who takes no direct messages is named as such", async () => {
  const { ann, door, adapter } = await setUp();
  await using _door = door;
  const channel = ann.directChannel();
  ann.directs(false);
  const error = await failure(adapter.post(targetOf(channel), words("psst")));
  expect(error).toMatchObject({ fate: "refused" });
  expect(error.message).toContain("takes no direct messages");
});

test("signs are shown: typing, and that a message was seen", async () => {
  const { discord, ann, channel, door, adapter } = await setUp();
  await using _door = door;
  const said = ann.say(channel, "hi");
  const target = targetOf(channel, { replyTo: said.id });
  await adapter.signal(target, "typing");
  await adapter.signal(target, "seen");
  expect(discord.typing(channel).map(({ user }) => user)).toEqual([discord.bot.id]);
  expect(discord.message(said)?.reactions).toEqual({ "👀": ["helper"] });
  discord.removeChannel(channel);
  await adapter.signal(target, "typing");
});

test("files go out with their words, and one that is too large is said to be", async () => {
  const { discord, door, adapter, target } = await setUp({ limits: { fileBytesMax: 1_000 } });
  await using _door = door;
  const bytes = new TextEncoder().encode("a,b\n1,2\n");
  const ref = await adapter.file(target, { name: "../out put.csv", bytes, caption: "**The** table", nonce: "file-1" });
  const [file] = discord.message({ id: ref })?.files ?? [];
  expect(new TextDecoder().decode(file?.bytes)).toBe("a,b\n1,2\n");
  expect(file?.name).not.toContain("/");
  expect(discord.message({ id: ref })?.text).toBe("**The** table");
  const error = await failure(adapter.file(target, { name: "big", bytes: new Uint8Array(2_000), nonce: "file-2" }));
  expect(error).toMatchObject({ fate: "refused" });
  expect(error.message).toContain("larger than this server takes");
});

test("files come in: whole, from Discord's hosts alone, by a new address when the old one has ended", async () => {
  const { discord, ann, channel, door, adapter } = await setUp({ limits: { linkMs: -1_000 } });
  await using _door = door;
  const bytes = new Uint8Array(50_000).map((_, index) => index % 251);
  ann.say(channel, "look", { mention: discord.bot, files: [{ name: "data.bin", bytes, type: "application/x-data" }] });
  await until(() => door.received.length === 1);
  const [inbound] = door.received;
  const [file] = inbound?.kind === "message" ? (inbound.files ?? []) : [];
  if (file === undefined) throw new Error("There is no file");
  expect(file).toMatchObject({ name: "data.bin", bytes: 50_000, mime: "application/x-data" });
  const { signal } = new AbortController();
  // The address of the event has ended; the next one is good.
  discord.world.limits.linkMs = 60_000;
  expect(await adapter.fetch(file, { bytesMax: 100_000, signal })).toEqual(bytes);
  expect(door.calls("GET /channels/:id/messages/:id")).toBe(1);
  await expect(adapter.fetch(file, { bytesMax: 1_000, signal })).rejects.toThrow("larger than");
  await expect(adapter.fetch({ name: file.name, ref: file.ref }, { bytesMax: 1_000, signal })).rejects.toThrow(
    "larger than",
  );
  const elsewhere = JSON.stringify({
    ...JSON.parse(file.ref),
    url: "https://cdn.discordapp.com.evil.example/attachments/1/2/x",
  });
  await expect(adapter.fetch({ ...file, ref: elsewhere }, { bytesMax: 100_000, signal })).rejects.toThrow(
    "not kept by Discord",
  );
  discord.faults.add({ on: "request", fault: { kind: "cut" }, route: "GET /attachments", times: 1 });
  const fresh = JSON.stringify({ ...JSON.parse(file.ref), url: `${JSON.parse(file.ref).url}` });
  expect(await adapter.fetch({ ...file, ref: fresh }, { bytesMax: 100_000, signal })).toEqual(bytes);
  discord.moderate([{ id: inbound?.id as string }]);
  discord.world.files.clear();
  await expect(adapter.fetch(file, { bytesMax: 100_000, signal })).rejects.toThrow("has it no more");
});

test("a token that is refused never stands in an error or the log", async () => {
  const { discord, door, adapter, target } = await setUp();
  await using _door = door;
  const before = discord.bot.token;
  discord.faults.add({ on: "request", fault: { kind: "reset" }, route: create });
  discord.faults.add({ on: "request", fault: { kind: "error", status: 500 }, route: update });
  const errors = [
    await failure(adapter.post(target, words("a"))),
    await failure(adapter.change(target, { ref: "123456789012345678", message: words("b") })),
  ];
  expect(errors.map(({ fate }) => fate)).toEqual(["unknown", "later"]);
  expect(JSON.stringify(errors.map((error) => [error.message, error.stack])) + door.said()).not.toContain(before);
});

test("who may not read a channel's past cannot say that something is not there", async () => {
  const { discord, ann, channel, door, adapter, target } = await setUp();
  await using _door = door;
  ann.say(channel, "hi");
  const sent = { nonce: "n", body: "lost", since: Date.now() + 120_000 };
  expect(await adapter.find?.(target, sent)).toBeUndefined();
  discord.deny(channel, ["READ_MESSAGE_HISTORY"], discord.bot);
  const error = await failure(adapter.find?.(target, sent) as Promise<unknown>);
  expect(error).toMatchObject({ fate: "unknown" });
  expect(error.message).toContain("Read Message History");
});
