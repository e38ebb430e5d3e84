// The adapter as a whole: albums, buttons, menus, files that come in, and several bots at once.
import { expect, test } from "bun:test";
import { openAdapter } from "../../../src/adapters/index.ts";
import type { AdapterSettings } from "../../../src/config/schema.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { FileRef, Receipt } from "../../../src/core/message.ts";
import { PlatformError } from "../../../src/gateway/handle.ts";
import { connected, type Door } from "./door.ts";
import { createPlatform } from "./fake/platform.ts";

function someone(door: Door, firstName = "Ada") {
  const person = door.platform.newPerson({ firstName });
  const chat = door.platform.privateChat(door.bot, person);
  return { person, chat, target: { adapter: "tg", conversation: { id: String(chat.id), kind: "direct" as const } } };
}

test("an album whose first picture names the bot is meant as a whole", async () => {
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot", canReadAll: true });
  await using door = await connected({ platform, bot });
  expect(door.adapter.health().self).toBe("@my_agent_bot (reads all of its groups)");
  const ada = platform.newPerson({ firstName: "Ada" });
  const chat = platform.newGroup({ title: "G", members: [ada, bot] });
  const items = [1, 2, 3].map((n) => ({ kind: "photo" as const, bytes: new Uint8Array([n]) }));
  ada.sendAlbum(chat, items, { caption: "@my_agent_bot compare" });
  ada.sendAlbum(chat, items, { caption: "look, all" });
  await door.until(() => door.received.length === 6);
  const meant = door.received.map((one) => (one.kind === "message" ? [one.addressed, one.joinMs ?? 0] : []));
  expect(meant).toEqual([1, 1, 1, 0, 0, 0].map((addressed) => [addressed === 1, 1_500]));
});

test("a pressed button is an action, and is answered with what the gateway said", async () => {
  const receipts: Receipt[] = [
    { state: "done", ok: true },
    { state: "refused", reason: "This is for the owner; your id here is 7" },
    { state: "refused", reason: "not said", quiet: true },
    { state: "done", ok: true, answer: { markdown: `Allowed \`it\` ${"once ".repeat(100)}` } },
  ];
  await using door = await connected({
    receive: (inbound) =>
      inbound.kind === "action"
        ? (receipts.shift() ?? { state: "done", ok: true })
        : { state: "waiting", input: 1, session: 1, place: 1 },
  });
  const { person, chat, target } = someone(door);
  person.say(chat, "hello");
  const [body = ""] = door.adapter.render("choose", "final");
  const buttons = [{ label: "Yes", data: "12:0" }];
  const ref = Number(await door.adapter.post(target, { body, buttons, audible: true, forming: false, nonce: "n" }));
  const answers: (string | undefined)[] = [];
  for (let n = 1; n <= 4; n += 1) {
    const id = person.press(chat, ref, "Yes");
    await door.until(() => door.platform.callbacks().some((one) => one.id === id && one.answer !== undefined));
    answers.push(door.platform.callbacks().find((one) => one.id === id)?.answer?.text);
  }
  expect(door.received.filter(({ kind }) => kind === "action")).toMatchObject(
    Array.from({ length: 4 }, () => ({ delivery: "12", value: "0", sender: { id: String(person.id) } })),
  );
  expect(answers.map((text) => text ?? "")).toEqual([
    "",
    "This is for the owner; your id here is 7",
    "",
    expect.stringMatching(/^Allowed it once .*…$/),
  ]);
  expect((answers[3] ?? "").length).toBeLessThanOrEqual(200);
  // Too late, or a button of something else: the person does not wait, and nothing breaks.
  door.platform.faults.add({ fault: { kind: "flood", retryAfterS: 1 }, methods: ["answerCallbackQuery"], times: 1 });
  person.press(chat, ref, "Yes");
  await door.until(() => door.received.filter(({ kind }) => kind === "action").length === 5);
  await door.until(() => door.platform.pending(door.bot).length === 0);
  expect(door.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
});

test("menus: for everybody, for groups, for those who may do all; set again only when they changed", async () => {
  const commands = [
    { name: "help", summary: "Says what can be done", ownerOnly: false },
    { name: "secret-help", summary: "How secrets are kept", ownerOnly: false },
    { name: "shell", summary: "Runs a command", ownerOnly: true },
  ];
  const platform = createPlatform();
  const bot = platform.newBot({ username: "my_agent_bot" });
  const person = platform.newPerson({ firstName: "Ada" });
  person.start(platform.privateChat(bot, person));
  const memory = new Map<string, string>();
  const given = { platform, bot, memory, admins: [String(person.id), "no id"] };
  const menu = (scope: Record<string, unknown>) => {
    const answer = platform.call(bot.token, "getMyCommands", { scope });
    return answer.ok ? (answer.result as { command: string }[]).map(({ command }) => command) : answer;
  };
  {
    await using door = await connected({ ...given, commands });
    await door.until(() => door.calls("setMyCommands") === 3);
    expect(menu({ type: "all_private_chats" })).toEqual(["help", "secret_help"]);
    expect(menu({ type: "all_group_chats" })).toEqual(["help"]);
    expect(menu({ type: "chat", chat_id: person.id })).toEqual(["help", "secret_help", "shell"]);
    person.say(platform.privateChat(bot, person), "/secret_help");
    await door.until(() => door.texts().includes("/secret-help"));
  }
  {
    await using door = await connected({ ...given, commands });
    await door.until(() => door.calls("getUpdates") >= 2);
    expect(door.calls("setMyCommands")).toBe(3);
  }
  {
    await using door = await connected({ ...given, commands: commands.slice(1) });
    await door.until(() => door.calls("setMyCommands") === 6);
    expect(menu({ type: "all_group_chats" })).toEqual([]);
  }
});

test("whoever is paired has the whole menu at once", async () => {
  const admins: string[] = [];
  await using door = await connected({ admins, receive: () => ({ state: "done", ok: true }) });
  await door.until(() => door.calls("setMyCommands") === 2);
  const { person, chat } = someone(door);
  person.say(chat, "/help");
  await door.until(() => door.received.length === 1);
  admins.push(String(person.id));
  person.start(chat, "ABCD-EFGH");
  await door.until(() => door.calls("setMyCommands") === 3);
  expect(door.texts()).toEqual(["/help", "/start ABCD-EFGH"]);
});

/** A file that a person sent, as it came in. */
async function sentFile(door: Door, bytes: Uint8Array, size?: number): Promise<FileRef> {
  const { person, chat } = someone(door);
  const before = door.received.length;
  person.sendDocument(chat, bytes, { name: "data.bin", ...(size === undefined ? {} : { size }) });
  await door.until(() => door.received.length > before);
  const last = door.received.at(-1);
  const file = last?.kind === "message" ? last.files?.[0] : undefined;
  if (file === undefined) throw new Error("No file came in");
  return file;
}

const options = () => ({ bytesMax: 1_000_000, signal: new AbortController().signal });

/** Fetches with the clock going on, and says how it ended. */
async function fetched(door: Door, file: FileRef, given = options()): Promise<Uint8Array | Error> {
  let ended: Uint8Array | Error | undefined;
  door.adapter.fetch(file, given).then(
    (bytes) => {
      ended = bytes;
    },
    (error: Error) => {
      ended = error;
    },
  );
  await door.until(() => ended !== undefined, { advanceMs: 200, what: "the file is fetched" });
  return ended ?? new Error("never");
}

test("a file that comes in is fetched byte by byte, over breaks and stalls", async () => {
  await using door = await connected();
  const bytes = crypto.getRandomValues(new Uint8Array(300_000));
  const file = await sentFile(door, bytes);
  expect(file).toMatchObject({ name: "data.bin", bytes: 300_000 });
  const same = (found: Uint8Array | Error) => found instanceof Uint8Array && Buffer.compare(found, bytes) === 0;
  expect(same(await fetched(door, file))).toBe(true);
  const broken = [
    { kind: "cut", bytes: 100_000 },
    { kind: "stall", bytes: 50_000 },
    { kind: "drop" },
    { kind: "html", status: 502 },
    { kind: "cut", bytes: 20_000 },
  ] as const;
  for (const fault of broken) door.platform.faults.add({ fault, methods: ["file"], times: 1 });
  const before = door.calls("file");
  expect(same(await fetched(door, file))).toBe(true);
  const ranges = door.platform.requests.filter(({ method }) => method === "file").map(({ params }) => params.range);
  expect(ranges.slice(before).filter((range) => range !== undefined).length).toBeGreaterThanOrEqual(2);
  expect(door.said()).not.toContain(door.bot.token);
});

test("a file that is too large is refused before and while it comes, with one sentence", async () => {
  await using door = await connected();
  const file = await sentFile(door, new Uint8Array(5_000));
  const small = { ...options(), bytesMax: 4_000 };
  const refused = await fetched(door, file, small);
  expect(refused).toBeInstanceOf(Failure);
  expect((refused as Error).message).toBe('Cannot take the file "data.bin" (4.9 KiB): it is larger than 3.9 KiB');
  expect(door.calls("getFile")).toBe(0);
  door.platform.faults.add({ fault: { kind: "swell", bytes: 2_000_000 }, methods: ["file"], times: 1 });
  expect(await fetched(door, file)).toMatchObject({ code: "usage" });
  const large = await sentFile(door, new Uint8Array(10), 21 * 1024 * 1024);
  const told = await fetched(door, large, { ...options(), bytesMax: 50 * 1024 * 1024 });
  expect(told).toMatchObject({ code: "usage", message: expect.stringContaining("up to 20 MB") });
});

test("a file that is gone is told for good; a line that breaks, for later", async () => {
  await using door = await connected();
  const file = await sentFile(door, new Uint8Array(5_000));
  expect(await fetched(door, { ...file, ref: "nothing" })).toMatchObject({ code: "not-found" });
  door.platform.faults.add({ fault: { kind: "html", status: 404 }, methods: ["file"], times: 1 });
  expect(await fetched(door, file)).toMatchObject({ code: "not-found" });
  const path = (file_path: string) =>
    door.platform.faults.add({
      fault: { kind: "answer", answer: { ok: true, result: { file_id: "x", file_path } } },
      methods: ["getFile"],
      times: 1,
    });
  path("../../bot/getMe");
  expect(await fetched(door, file)).toMatchObject({ code: "not-found" });
  path("/var/lib/telegram/file");
  expect(await fetched(door, file)).toMatchObject({ code: "settings", hint: "Start it without --local" });
  const end = door.platform.faults.add({ fault: { kind: "drop" }, methods: ["file"] });
  const late = await fetched(door, file);
  expect(late).toBeInstanceOf(PlatformError);
  expect(late).toMatchObject({ fate: "later" });
  end();
  const stop = new AbortController();
  door.platform.faults.add({ fault: { kind: "hang" }, methods: ["file"] });
  const given = door.adapter.fetch(file, { bytesMax: 10_000, signal: stop.signal });
  await door.until(() => door.platform.faults.counts().hang === 1);
  stop.abort();
  expect(
    await given.then(
      () => "fetched",
      () => "given up",
    ),
  ).toBe("given up");
});

test("several bots do not get in each other's way", async () => {
  const platform = createPlatform();
  const bots = ["one_bot", "two_bot"].map((username) => platform.newBot({ username }));
  const [first, second] = bots;
  if (first === undefined || second === undefined) throw new Error("There are two");
  await using one = await connected({ platform, bot: first });
  await using two = await connected({ platform, bot: second });
  const ada = platform.newPerson({ firstName: "Ada" });
  ada.say(platform.privateChat(first, ada), "to the first");
  ada.say(platform.privateChat(second, ada), "to the second");
  await one.until(() => one.received.length === 1);
  await two.until(() => two.received.length === 1);
  expect([one.texts(), two.texts()]).toEqual([["to the first"], ["to the second"]]);
  expect([one.adapter.health().self, two.adapter.health().self]).toEqual(["@one_bot", "@two_bot"]);
});

test("a group that becomes a supergroup is followed as soon as it says so", async () => {
  await using door = await connected();
  const ada = door.platform.newPerson({ firstName: "Ada" });
  const chat = door.platform.newGroup({ title: "Small", kind: "group", members: [ada, door.bot] });
  const next = door.platform.migrate(chat);
  await door.until(() => door.memory.get(`moved-${chat.id}`) === String(next.id));
  expect(door.received).toEqual([]);
});

test("a type that this program does not have is a matter of settings", async () => {
  await using door = await connected();
  const settings = { type: "toString", admins: [], dm: "everyone", unknownSender: "strict" } satisfies AdapterSettings;
  const deps = { ...door, name: "x" } as unknown as Parameters<typeof openAdapter>[1];
  expect(openAdapter(settings, deps)).rejects.toThrow('Cannot open adapter "x": there is no type "toString"');
});
