// The fake Discord's commands and interactions: what can be registered, asked and answered, and until when.
import { describe, expect, test } from "bun:test";
import type { InteractionView, Json } from "./index.ts";
import { createStage, said } from "./stage.ts";

type Stage = Awaited<ReturnType<typeof createStage>>;

const ask: Json = {
  name: "ask",
  description: "Asks",
  options: [
    { type: 3, name: "text", description: "What", required: true },
    { type: 4, name: "count", description: "How often" },
    { type: 11, name: "file", description: "With it" },
    { type: 3, name: "model", description: "Which", autocomplete: true },
  ],
};
const session: Json = {
  name: "session",
  description: "Sessions",
  options: [
    { type: 2, name: "old", description: "Old ones", options: [{ type: 1, name: "drop", description: "Drops" }] },
  ],
};
const row: Json = {
  type: 1,
  components: [
    { type: 2, style: 1, label: "Yes", custom_id: "yes" },
    { type: 2, style: 2, label: "No", custom_id: "no", disabled: true },
  ],
};
const choice: Json = {
  type: 1,
  components: [{ type: 3, custom_id: "pick", options: ["a", "b"].map((value) => ({ label: value, value })) }],
};

const register = (stage: Stage, commands: unknown, guild = "") =>
  stage.call(
    "PUT",
    `/applications/${stage.discord.bot.id}${guild === "" ? "" : `/guilds/${guild}`}/commands`,
    commands,
  );
const callback = (stage: Stage, { id, token }: InteractionView, body: Json, query = "") =>
  stage.call("POST", `/interactions/${id}/${token}/callback${query}`, body);
const webhook = (stage: Stage, { token }: InteractionView, method: string, path = "", body?: Json) =>
  stage.call(method, `/webhooks/${stage.discord.bot.id}/${token}${path}`, body);

describe("commands", () => {
  test("are overwritten as a whole, and keep their ids by name", async () => {
    await using stage = await createStage({ rates: false });
    const first = await register(stage, [ask, session]);
    expect(stage.discord.commands().map(({ name }) => name)).toEqual(["ask", "session"]);
    const second = await register(stage, [session]);
    expect((second.body as unknown as Json[])[0]?.id).toBe((first.body as unknown as Json[])[1]?.id);
    await register(stage, [ask], stage.guild.id);
    expect(stage.discord.commands(stage.guild)).toMatchObject([{ name: "ask", guild_id: stage.guild.id }]);
    expect(stage.discord.commands().map(({ name }) => name)).toEqual(["session"]);
    expect(said(await register(stage, [ask], "12"))).toBe("404 10004");
  });

  test("names, descriptions, options and numbers have their rules", async () => {
    await using stage = await createStage({ rates: false });
    const named = (name: string): Json => ({ name, description: "d" });
    const option = (given: Json) => [{ ...named("a"), options: [{ type: 3, name: "o", description: "d", ...given }] }];
    const told = async (commands: unknown) => said(await register(stage, commands));
    expect(await told([named("has space")])).toBe("400 50035 0 name APPLICATION_COMMAND_INVALID_NAME");
    expect(await told([named("Upper")])).toBe("400 50035 0 name APPLICATION_COMMAND_INVALID_NAME");
    expect(await told([named("x".repeat(33))])).toBe("400 50035 0 name BASE_TYPE_MAX_LENGTH");
    expect(await told([{ name: "a" }])).toBe("400 50035 0 description BASE_TYPE_REQUIRED");
    expect(await told([{ ...named("a"), description: "x".repeat(101) }])).toBe(
      "400 50035 0 description BASE_TYPE_MAX_LENGTH",
    );
    expect(await told([named("a"), named("a")])).toBe("400 50035 1 APPLICATION_COMMANDS_DUPLICATE_NAME");
    expect(await told(Array.from({ length: 101 }, (_, at) => named(`c${at}`)))).toBe("400 30032");
    expect(await told(option({ type: 12 }))).toBe("400 50035 0 options 0 type BASE_TYPE_CHOICES");
    expect(await told(option({ choices: Array.from({ length: 26 }, () => ({ name: "n", value: "v" })) }))).toContain(
      "choices BASE_TYPE_MAX_LENGTH",
    );
    expect(await told(option({ autocomplete: true, choices: [{ name: "n", value: "v" }] }))).toContain(
      "AUTOCOMPLETE_INVALID",
    );
    const late = [
      { type: 3, name: "o", description: "d" },
      { type: 3, name: "p", description: "d", required: true },
    ];
    expect(await told([{ ...named("a"), options: late }])).toContain(
      "options 1 APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    );
    const long = Array.from({ length: 25 }, (_, at) => ({
      type: 3,
      name: `o${at}`,
      description: "d",
      choices: Array.from({ length: 4 }, (_, value) => ({ name: "n".repeat(50), value: `${value}${"v".repeat(50)}` })),
    }));
    expect(await told([{ ...named("a"), options: long }])).toBe("400 50035 0 APPLICATION_COMMAND_TOO_LARGE");
    for (const part of [0, 1])
      expect(await told(Array.from({ length: 100 }, (_, at) => named(`p${part}-${at}`)))).toBe("200");
    expect(await told([named("one-more")])).toBe("400 30034");
    stage.clock.advance(24 * 60 * 60_000);
    expect(await told([named("one-more")])).toBe("200");
  });

  test("what nobody registered, nobody can call", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [ask, session]);
    const { ann, channel } = stage;
    expect(() => ann.slash(channel, "other")).toThrow('There is no command "/other" here');
    expect(() => ann.slash(channel, "ask")).toThrow('"text" is required');
    expect(() => ann.slash(channel, "ask", { text: "a", more: "b" })).toThrow('has no option "more"');
    expect(() => ann.slash(channel, "ask", { text: "a", count: "b" })).toThrow('"count" does not take "b"');
    expect(() => ann.slash(channel, "session")).toThrow('"/session" needs a subcommand');
  });
});

describe("interactions", () => {
  test("come with who asks, where, and with what", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [ask, session]);
    const raw = stage.socket();
    await raw.identify({ intents: 0 });
    const file = { name: "a b.txt", bytes: new Uint8Array(2) };
    stage.ann.slash(stage.channel, "ask", { text: "why", count: 2, file });
    stage.ann.slash(stage.ann.directChannel(), "session old drop");
    await raw.until(({ t }) => t === "INTERACTION_CREATE", 2);
    const [first, second] = raw.events("INTERACTION_CREATE").map(({ d }) => d as Json);
    expect(first).toMatchObject({
      type: 2,
      guild_id: stage.guild.id,
      channel_id: stage.channel.id,
      member: { user: { id: stage.ann.id } },
      data: { name: "ask", options: [{ name: "text", value: "why" }, { name: "count", value: 2 }, { name: "file" }] },
    });
    const { resolved } = (first?.data ?? {}) as { resolved?: { attachments: Record<string, Json> } };
    expect(Object.values(resolved?.attachments ?? {})).toMatchObject([{ filename: "a_b.txt", size: 2 }]);
    expect(second).toMatchObject({
      user: { id: stage.ann.id },
      data: { name: "session", options: [{ name: "old", type: 2, options: [{ name: "drop", type: 1 }] }] },
    });
    expect(second).not.toHaveProperty("guild_id");
  });

  test("are answered once, within three seconds", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [session]);
    const called = () => stage.ann.slash(stage.channel, "session old drop");
    const answer = { type: 4, data: { content: "done" } };
    const first = called();
    expect(first.state()).toBe("waiting");
    expect(said(await webhook(stage, first, "POST", "", { content: "early" }))).toBe("404 10015");
    stage.clock.advance(3000);
    expect(said(await callback(stage, first, answer))).toBe("204");
    expect(said(await callback(stage, first, answer))).toBe("400 40060");
    expect([first.state(), first.answer()?.text]).toEqual(["answered", "done"]);
    const second = called();
    stage.clock.advance(3001);
    expect(second.state()).toBe("failed");
    expect(said(await callback(stage, second, answer))).toBe("404 10062");
    expect(said(await callback(stage, { ...second, token: "other" }, answer))).toBe("404 10062");
    const third = called();
    expect(said(await callback(stage, third, { type: 6 }))).toBe("400 50035 type BASE_TYPE_CHOICES");
    expect(said(await callback(stage, third, { type: 8, data: { choices: [] } }))).toBe(
      "400 50035 type BASE_TYPE_CHOICES",
    );
    expect(said(await callback(stage, third, { type: 4, data: {} }))).toBe("400 50006");
    const told = await callback(stage, third, answer, "?with_response=true");
    expect(told.body).toMatchObject({
      interaction: { type: 2, response_message_ephemeral: false },
      resource: { message: { content: "done" } },
    });
  });

  test("a deferred answer is filled in, followed up, taken away, for 15 minutes", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [session]);
    const asked = stage.ann.slash(stage.channel, "session old drop");
    await callback(stage, asked, { type: 5, data: { flags: 64 } });
    expect([asked.state(), asked.answer()?.thinking]).toEqual(["thinking", true]);
    const first = await webhook(stage, asked, "POST", "", { content: "first" });
    expect(asked.answer()).toMatchObject({ id: String(first.body.id), text: "first", thinking: false, onlyFor: "ann" });
    await webhook(stage, asked, "PATCH", "/messages/@original", { content: "second" });
    const more = await webhook(stage, asked, "POST", "", { content: "more" });
    expect([asked.state(), asked.answer()?.text, asked.followups().map(({ text }) => text)]).toEqual([
      "answered",
      "second",
      ["more"],
    ]);
    expect((await webhook(stage, asked, "GET", "/messages/@original")).body).toMatchObject({
      content: "second",
      flags: 64,
    });
    expect(stage.discord.messages(stage.channel).map(({ text }) => text)).toEqual(["more"]);
    expect(stage.discord.ephemeral(stage.channel, stage.ann).map(({ text }) => text)).toEqual(["second"]);
    expect(said(await stage.call("GET", `/channels/${stage.channel.id}/messages/${String(first.body.id)}`))).toBe(
      "404 10008",
    );
    const reply = { content: "x", message_reference: { message_id: String(first.body.id) } };
    expect(said(await stage.post(reply))).toContain("MESSAGE_REFERENCE_UNKNOWN_MESSAGE");
    expect(said(await webhook(stage, asked, "DELETE", `/messages/${String(more.body.id)}`))).toBe("204");
    expect(said(await webhook(stage, asked, "PATCH", `/messages/${String(more.body.id)}`, { content: "x" }))).toBe(
      "404 10008",
    );
    stage.clock.advance(15 * 60_000);
    expect(said(await webhook(stage, asked, "DELETE", "/messages/@original"))).toBe("204");
    stage.clock.advance(1);
    expect(said(await webhook(stage, asked, "GET", "/messages/@original"))).toBe("401 50027");
    expect(said(await webhook(stage, { ...asked, token: "other" }, "POST", "", { content: "x" }))).toBe("404 10015");
  });

  test("buttons and selects change their message, or answer to it", async () => {
    await using stage = await createStage({ rates: false });
    const { ann, post } = stage;
    const { body } = await post({ content: "sure?", components: [row, choice] });
    const message = { id: String(body.id) };
    expect(() => ann.press(message, "maybe")).toThrow('There is no component "maybe"');
    expect(() => ann.press(message, "no")).toThrow('"no" is disabled');
    expect(() => ann.select(message, "pick", ["c"])).toThrow('There is no choice "c"');
    expect(() => ann.select(message, "pick", ["a", "b"])).toThrow("does not take 2 choices");
    const raw = stage.socket();
    await raw.identify({ intents: 0 });
    const pressed = ann.press(message, "yes");
    const told = (await raw.until(({ t }) => t === "INTERACTION_CREATE")).d as Json;
    expect(told).toMatchObject({
      type: 3,
      data: { custom_id: "yes", component_type: 2 },
      message: { id: message.id, content: "sure?" },
    });
    expect(said(await callback(stage, pressed, { type: 7, data: { content: "was: yes", components: [] } }))).toBe(
      "204",
    );
    expect(stage.discord.message(message)).toMatchObject({ text: "was: yes", components: [] });
    const other = await post({ content: "again?", components: [choice] });
    const picked = ann.select({ id: String(other.body.id) }, "pick", ["b"]);
    expect(((await raw.until(({ t }) => t === "INTERACTION_CREATE", 2)).d as Json).data).toMatchObject({
      custom_id: "pick",
      values: ["b"],
    });
    expect(said(await callback(stage, picked, { type: 6 }))).toBe("204");
    await webhook(stage, picked, "PATCH", "/messages/@original", { content: "picked b", components: [] });
    expect(stage.discord.message({ id: String(other.body.id) })?.text).toBe("picked b");
  });

  test("a modal is shown, sent in, and answered", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [session]);
    const asked = stage.ann.slash(stage.channel, "session old drop");
    const input: Json = { type: 4, custom_id: "why", label: "Why", style: 2, max_length: 5 };
    const modal = { custom_id: "form", title: "Form", components: [{ type: 1, components: [input] }] };
    expect(said(await callback(stage, asked, { type: 9, data: { ...modal, title: "x".repeat(46) } }))).toBe(
      "400 50035 data title BASE_TYPE_MAX_LENGTH",
    );
    expect(said(await callback(stage, asked, { type: 9, data: modal }))).toBe("204");
    expect(asked.modal()).toMatchObject({ custom_id: "form" });
    expect(() => stage.ann.submit(asked, {})).toThrow('"why" is required');
    expect(() => stage.ann.submit(asked, { why: "because" })).toThrow('"why" is too long');
    const raw = stage.socket();
    await raw.identify({ intents: 0 });
    const sent = stage.ann.submit(asked, { why: "so" });
    expect((await raw.until(({ t }) => t === "INTERACTION_CREATE")).d).toMatchObject({
      type: 5,
      data: { custom_id: "form", components: [{ components: [{ custom_id: "why", value: "so" }] }] },
    });
    expect(said(await callback(stage, sent, { type: 9, data: modal }))).toBe("400 50035 type BASE_TYPE_CHOICES");
    expect(said(await callback(stage, sent, { type: 4, data: { content: "ok", flags: 64 } }))).toBe("204");
    expect(() => stage.ann.submit(asked, { why: "so" })).toThrow("showed no modal");
  });

  test("an option completes itself", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [ask]);
    const typed = stage.ann.complete(stage.channel, "ask", { model: "cl" });
    const choices = (count: number) => ({
      type: 8,
      data: { choices: Array.from({ length: count }, (_, at) => ({ name: `n${at}`, value: `v${at}` })) },
    });
    expect(said(await callback(stage, typed, { type: 4, data: { content: "a" } }))).toContain("type BASE_TYPE_CHOICES");
    expect(said(await callback(stage, typed, choices(26)))).toContain("choices BASE_TYPE_MAX_LENGTH");
    expect(said(await callback(stage, typed, choices(25)))).toBe("204");
    expect(typed.choices()).toHaveLength(25);
    expect(() => stage.ann.complete(stage.channel, "ask", { text: "a" })).toThrow("does not complete itself");
  });

  test("answers need no permission to write, and no token but the one in the path", async () => {
    await using stage = await createStage({ rates: false });
    await register(stage, [session]);
    stage.discord.deny(stage.channel, ["VIEW_CHANNEL"], stage.discord.bot);
    const raw = stage.socket();
    await raw.identify({ intents: 0 });
    const { id, token, answer } = stage.ann.slash(stage.channel, "session old drop");
    const response = await fetch(`${stage.server.api}/v10/interactions/${id}/${token}/callback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type: 4, data: { content: "done" } }),
    });
    expect([response.status, answer()?.text]).toEqual([204, "done"]);
    expect(response.headers.get("x-ratelimit-bucket")).toBeNull();
    const told = await raw.until(({ t }) => t === "INTERACTION_CREATE");
    expect((told.d as Json).app_permissions).toBe("0");
  });
});

describe("people", () => {
  test("do what people can do, and nothing else", async () => {
    await using stage = await createStage({ rates: false });
    const { ann, channel, discord, guild } = stage;
    const bob = discord.user("bob");
    expect(discord.user("ann")).toBe(ann);
    expect(() => bob.say(channel, "hi")).toThrow("bob is not in this channel");
    discord.join(guild, bob);
    const first = bob.say(channel, "hi", { silent: true });
    expect(() => ann.edit(first, "ho")).toThrow("ann did not write");
    expect(() => ann.say(channel, " ")).toThrow("empty");
    expect(() => ann.say(channel, "x".repeat(2001))).toThrow("too long");
    const reply = ann.say(channel, "ho", { replyTo: first, mention: discord.bot });
    expect(discord.message(reply)).toMatchObject({ replyTo: first.id, pings: ["bob", "helper"], kind: 19 });
    bob.delete(first);
    expect(() => ann.react(first, "👀")).toThrow("There is no message");
    expect(discord.messages(channel, { deleted: true })[0]).toMatchObject({ text: "hi", deleted: true, silent: true });
    ann.typing(channel);
    expect(discord.typing(channel)).toEqual([{ user: ann.id, at: stage.clock.now() }]);
  });
});
