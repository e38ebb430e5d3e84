// Slash commands, buttons, lists and forms: acknowledged in time, answered to the one who asked, and to nobody else.
import { expect, test } from "bun:test";
import type { Inbound, Receipt } from "../../../src/core/message.ts";
import type { PlatformError } from "../../../src/gateway/handle.ts";
import { connected, type DoorOptions, room, targetOf, until, words } from "./door.ts";
import { createDiscord, type InteractionView } from "./fake/index.ts";

const answered: Receipt = { state: "done", ok: true, answer: { markdown: "It is idle." } };
const menu = "PUT /applications/:id/commands";

async function setUp(options: DoorOptions & { receipt?: (inbound: Inbound) => Receipt | Promise<Receipt> } = {}) {
  const discord = options.discord ?? createDiscord({ gateway: { identifyEveryMs: 0 } });
  const { ann, guild, channel } = room(discord);
  const door = await connected({ receive: options.receipt ?? (() => answered), ...options, discord });
  await until(() => discord.commands().length > 0 || options.settings !== undefined, "the menu is set");
  const privately = (view: InteractionView, user = ann.id) =>
    targetOf(channel, { onlyFor: { user, happening: view.id } });
  return { discord, ann, guild, channel, door, adapter: door.adapter, privately };
}

test("commands stand in the menu once, with what they take, and are set again only when they change", async () => {
  const { discord, door } = await setUp();
  await door[Symbol.asyncDispose]();
  expect(discord.commands().map(({ name, options = [] }) => [name, options.length])).toEqual([
    ["stop", 0],
    ["status", 0],
    ["deny", 1],
    ["model", 1],
  ]);
  await using again = await connected({ discord, memory: door.memory });
  await using fewer = await connected({
    discord,
    memory: door.memory,
    commands: [{ name: "stop", summary: "Stop", ownerOnly: false }],
  });
  await until(() => discord.commands().length === 1, "the shorter list is set");
  expect([again, fewer].map((one) => one.calls(menu))).toEqual([2, 2]);
});

test("servers that settings name get the commands as their own, and the global ones go", async () => {
  const first = await setUp();
  const { discord, guild, door } = first;
  await door[Symbol.asyncDispose]();
  await using _again = await connected({ discord, memory: door.memory, settings: { guilds: [guild.id] } });
  await until(() => discord.commands(guild).length === 4 && discord.commands().length === 0, "they moved");
});

test("a command is answered to its person alone, by as many messages as it takes", async () => {
  const { discord, ann, channel, door, adapter, privately } = await setUp();
  await using _door = door;
  const view = ann.slash(channel, "status");
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({
    kind: "command",
    name: "status",
    args: "",
    id: view.id,
    sender: { id: ann.id, name: "Ann" },
    conversation: { id: channel.id, kind: "shared" },
    answer: { as: "message" },
  });
  await until(() => view.state() === "thinking");
  const target = privately(view);
  const ref = await adapter.post(target, words("It is idle.", { buttons: [{ label: "Stop", data: "1:0" }] }));
  await adapter.change(target, { ref, message: words("It is *really* idle.") });
  await adapter.post(target, words("More of it."));
  await adapter.file(target, { name: "all.md", bytes: new Uint8Array(3), nonce: "f" });
  expect(view.state()).toBe("answered");
  expect(discord.ephemeral(channel, ann).map(({ text }) => text)).toEqual(["It is *really* idle.", "More of it.", ""]);
  expect(discord.messages(channel)).toEqual([]);
});

test("the first private answer may be repeated, another one is nobody's to judge", async () => {
  const { discord, ann, channel, door, adapter, privately } = await setUp();
  await using _door = door;
  const view = ann.slash(channel, "status");
  await until(() => view.state() === "thinking" && door.received.length === 1);
  const target = privately(view);
  discord.faults.add({
    on: "request",
    fault: { kind: "reset", acts: true },
    times: 1,
    route: "PATCH /webhooks/:id/:token/messages/:id",
  });
  const first = words("It is idle.");
  await expect(adapter.post(target, first)).rejects.toMatchObject({ fate: "later" });
  expect(await adapter.find?.(target, { nonce: first.nonce, since: 0 })).toBeUndefined();
  await adapter.post(target, first);
  expect(discord.ephemeral(channel, ann)).toHaveLength(1);
  await expect(adapter.find?.(target, { nonce: "another", since: 0 }) as Promise<unknown>).rejects.toMatchObject({
    fate: "unknown",
  });
});

test("when the time is over, or somebody else is meant, it is refused: it goes another way", async () => {
  const discord = createDiscord({ limits: { interactionMs: 1 } });
  const { ann, channel, door, adapter, privately } = await setUp({ discord });
  await using _door = door;
  const view = ann.slash(channel, "status");
  await until(() => door.received.length === 1);
  const late = (work: Promise<unknown>) => work.catch((error: PlatformError) => error.fate);
  expect(await late(adapter.post(privately(view, "123456789012345678"), words("not yours")))).toBe("refused");
  expect(await late(adapter.post(privately({ ...view, id: "123456789012345678" }), words("unknown")))).toBe("refused");
  expect(await late(adapter.post(privately(view), words("too late")))).toBe("refused");
  expect(discord.messages(channel)).toEqual([]);
});

test("three seconds are kept while the program is slow", async () => {
  const { promise, resolve } = Promise.withResolvers<Receipt>();
  const { ann, channel, door } = await setUp({ receipt: () => promise });
  await using _door = door;
  const views = Array.from({ length: 4 }, () => ann.slash(channel, "status"));
  await until(() => views.every((view) => view.state() === "thinking"), "all are acknowledged", 2_500);
  resolve(answered);
});

test("what no delivery says is said by the receipt, and nothing is left thinking", async () => {
  const receipts: Receipt[] = [
    { state: "refused", reason: "Only admins may do that" },
    { state: "refused", reason: "Nobody knows you", quiet: true },
    { state: "done", ok: true },
    { state: "waiting", input: 1, session: 1, place: 1 },
  ];
  const { discord, ann, channel, door } = await setUp({ receipt: () => receipts.shift() ?? answered });
  await using _door = door;
  for (let count = 1; count <= 4; count += 1) {
    ann.slash(channel, "status");
    await until(() => door.received.length === count);
  }
  await until(() => discord.ephemeral(channel, ann).every(({ thinking }) => !thinking), "nothing thinks");
  expect(discord.ephemeral(channel, ann).map(({ text }) => text)).toEqual([
    "Only admins may do that.",
    "It has begun; the answer comes here.",
  ]);
});

test("in a direct chat the answer is an ordinary message", async () => {
  const { discord, ann, door, adapter } = await setUp();
  await using _door = door;
  const channel = ann.directChannel();
  const view = ann.slash(channel, "status");
  await until(() => door.received.length === 1);
  expect(door.received[0]?.conversation).toEqual({ id: channel.id, kind: "direct" });
  const target = targetOf(channel, { onlyFor: { user: ann.id, happening: view.id } });
  await adapter.post(target, words("It is idle."));
  await adapter.post(target, words("More of it."));
  expect(discord.messages(channel).map(({ text }) => text)).toEqual(["It is idle.", "More of it."]);
});

test("a command that needs something asks for it in a form", async () => {
  const { ann, channel, door } = await setUp();
  await using _door = door;
  const asked = ann.slash(channel, "deny");
  await until(() => asked.modal() !== undefined, "the form is shown");
  expect(door.received).toEqual([]);
  const view = ann.submit(asked, { args: " 12 " });
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ kind: "command", name: "deny", args: "12", id: view.id });
  ann.slash(channel, "deny", { args: "13" });
  await until(() => door.received.length === 2);
  expect(door.received[1]).toMatchObject({ name: "deny", args: "13" });
});

test("a model is chosen from a list, completed as it is typed, or shown when there are none", async () => {
  const models = ["demo/offline", "anthropic/claude-haiku-4-5", "anthropic/claude-sonnet-4-5"];
  const { ann, channel, door } = await setUp({ models });
  await using _door = door;
  const asked = ann.slash(channel, "model");
  await until(() => asked.modal() !== undefined);
  expect(JSON.stringify(asked.modal())).toContain("anthropic/claude-haiku-4-5");
  const typed = ann.complete(channel, "model", { args: "HAI" });
  await until(() => typed.choices() !== undefined);
  expect(typed.choices()).toEqual([{ name: "anthropic/claude-haiku-4-5", value: "anthropic/claude-haiku-4-5" }]);
  models.length = 0;
  ann.slash(channel, "model");
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ kind: "command", name: "model", args: "" });
});

test("a form's choice comes back as the argument", async () => {
  const { discord, ann, channel, door } = await setUp();
  await using _door = door;
  // As Discord sends what was chosen in a list of a form.
  const view = ann.slash(channel, "deny");
  await until(() => view.modal() !== undefined);
  const interaction = discord.world.interactions.get(view.id);
  if (interaction === undefined) throw new Error("There is no interaction");
  interaction.modal = {
    custom_id: "args:model",
    components: [{ type: 18, component: { type: 3, custom_id: "args", values: ["a/b"], required: false } }],
  };
  const components = [{ type: 18, id: 1, component: { type: 3, id: 2, custom_id: "args", values: ["a/b"] } }];
  const id = String(BigInt(view.id) + 1n);
  const submitted = {
    ...interaction,
    id,
    token: `${interaction.token}x`,
    kind: 5,
    answered: undefined,
    data: { custom_id: "args:model", components },
  };
  discord.world.interactions.set(id, submitted);
  discord.world.emit({
    event: "INTERACTION_CREATE",
    intents: undefined,
    guild: channel.guild,
    data: () => ({
      id,
      application_id: discord.bot.id,
      type: 5,
      token: submitted.token,
      channel_id: channel.id,
      channel: { id: channel.id, type: 0 },
      guild_id: channel.guild?.id,
      member: { user: { id: ann.id, username: "ann" } },
      data: submitted.data,
    }),
  });
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ kind: "command", name: "model", args: "a/b" });
});

test("a pressed button and a chosen line are actions, with a word to whoever pressed", async () => {
  const receipts: Receipt[] = [
    { state: "done", ok: true, answer: { markdown: "Stopped." } },
    { state: "refused", reason: "Not yours to answer" },
  ];
  const { discord, ann, channel, door, adapter } = await setUp({ receipt: () => receipts.shift() ?? answered });
  await using _door = door;
  const buttons = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ label: `${index}`, data: `7:${index}` }));
  const few = await adapter.post(targetOf(channel), words("few", { buttons: buttons(2) }));
  const many = await adapter.post(targetOf(channel), words("many", { buttons: buttons(8) }));
  ann.press({ id: few }, "7:1");
  await until(() => door.received.length === 1);
  const pressed = ann.select({ id: many }, "list-7:0", ["7:6"]);
  await until(() => door.received.length === 2);
  expect(door.received).toMatchObject([
    { kind: "action", delivery: "7", value: "1", answer: { as: "note" }, sender: { id: ann.id } },
    { kind: "action", delivery: "7", value: "6", id: pressed.id },
  ]);
  await until(() => discord.ephemeral(channel, ann).length === 1, "the refusal is shown");
  expect(discord.ephemeral(channel, ann)[0]?.text).toBe("Not yours to answer.");
  expect(discord.message({ id: few })?.text).toBe("few");
});

test("an interaction that Discord forgot is taken all the same, and answered another way", async () => {
  const discord = createDiscord({ limits: { answerMs: -1 } });
  const { ann, channel, door, adapter, privately } = await setUp({ discord });
  await using _door = door;
  const view = ann.slash(channel, "stop");
  await until(() => door.received.length === 1);
  await expect(adapter.post(privately(view), words("Stopped."))).rejects.toMatchObject({ fate: "refused" });
});

test("a callback whose answer was lost is given again, and harms nothing", async () => {
  const { discord, ann, channel, door } = await setUp();
  await using _door = door;
  discord.faults.add({
    on: "request",
    fault: { kind: "reset", acts: true },
    times: 1,
    route: "POST /interactions/:id/:token/callback",
  });
  const view = ann.slash(channel, "status");
  await until(() => door.received.length === 1);
  expect(view.state()).toBe("thinking");
});

test("a command in a thread belongs to the thread", async () => {
  const { ann, channel, door } = await setUp();
  await using _door = door;
  const thread = ann.newThread(channel, "below");
  ann.slash(thread, "status");
  await until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ conversation: { id: channel.id, kind: "shared" }, thread: thread.id });
});

test("a command that is told twice is answered once, and what stands for its answer stays", async () => {
  const receipts: Receipt[] = [answered, { state: "duplicate", input: 1 }];
  const { discord, ann, channel, door, adapter, privately } = await setUp({
    receipt: () => receipts.shift() ?? answered,
  });
  await using _door = door;
  discord.faults.add({ on: "dispatch", fault: { kind: "duplicate" }, event: "INTERACTION_CREATE", times: 1 });
  const view = ann.slash(channel, "status");
  await until(() => door.received.length === 2);
  await adapter.post(privately(view), words("It is idle."));
  expect(discord.ephemeral(channel, ann).map(({ text }) => text)).toEqual(["It is idle."]);
});

test("a stop does not wait until Discord takes its acknowledgement", async () => {
  const { discord, ann, channel, door, adapter, privately } = await setUp();
  await using _door = door;
  discord.faults.add({
    on: "request",
    fault: { kind: "delay", ms: 1_500 },
    route: "POST /interactions/:id/:token/callback",
  });
  const began = performance.now();
  const view = ann.slash(channel, "stop");
  await until(() => door.received.length === 1);
  expect(performance.now() - began).toBeLessThan(1_000);
  // Its answer does.
  await adapter.post(privately(view), words("Stopped."));
  expect(performance.now() - began).toBeGreaterThan(1_400);
  expect(discord.ephemeral(channel, ann).map(({ text }) => text)).toEqual(["Stopped."]);
});
