// The fake Discord's REST API refuses what the real one refuses, and answers as the real one answers.
import { describe, expect, test } from "bun:test";
import { DiscordAPIError, HTTPError, REST } from "@discordjs/rest";
import { createDiscord, type Json, startDiscordServer, timeOf } from "./index.ts";
import { createStage, said } from "./stage.ts";

const words = (count: number) => "x".repeat(count);
const buttons = (count: number): Json[] =>
  Array.from({ length: count }, (_, index) => ({ type: 2, style: 1, label: "b", custom_id: `b${index}` }));

describe("who asks", () => {
  test("no token, another's token and another scheme get 401, unknown paths 404 and 405", async () => {
    await using stage = await createStage();
    const ask = async (authorization: string, path = "/users/@me", method = "GET") => {
      const response = await fetch(`${stage.server.api}/v10${path}`, { method, headers: { authorization } });
      return { status: response.status, body: await response.json() };
    };
    expect(await ask("")).toEqual({ status: 401, body: { message: "401: Unauthorized", code: 0 } });
    expect((await ask("Bot nobody")).status).toBe(401);
    expect((await ask(`Bearer ${stage.discord.bot.token}`)).status).toBe(401);
    expect((await ask(`Bot ${stage.discord.bot.token}`)).body).toMatchObject({ id: stage.discord.bot.id, bot: true });
    expect((await ask(`Bot ${stage.discord.bot.token}`, "/nothing")).status).toBe(404);
    expect((await ask(`Bot ${stage.discord.bot.token}`, "/users/@me", "PUT")).status).toBe(405);
    const old = stage.discord.bot.token;
    stage.discord.revoke();
    expect((await ask(`Bot ${old}`)).status).toBe(401);
  });

  test("the application says which privileged intents it has", async () => {
    await using stage = await createStage();
    const { body } = await stage.call("GET", "/applications/@me");
    expect(body.flags).toBe((1 << 13) | (1 << 15) | (1 << 19));
    stage.discord.bot.granted.delete("MESSAGE_CONTENT");
    expect((await stage.call("GET", "/oauth2/applications/@me")).body.flags).toBe((1 << 13) | (1 << 15));
  });

  test("the official client hears of refusals and of success", async () => {
    const discord = createDiscord();
    const server = await startDiscordServer(discord);
    const rest = new REST({ api: server.api, timeout: 2000, retries: 0 }).setToken(discord.bot.token);
    const channel = discord.user("ann").directChannel();
    const files = [{ name: "a b.txt", data: Buffer.from("x") }];
    const made = (await rest.post(`/channels/${channel.id}/messages`, { body: { content: "hello" }, files })) as Json;
    expect(made).toMatchObject({ content: "hello", attachments: [{ filename: "a_b.txt", size: 1 }] });
    const gone = rest.patch(`/channels/${channel.id}/messages/${channel.id}`, { body: { content: "" } });
    const error = await gone.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DiscordAPIError);
    expect(error).toMatchObject({ status: 404, code: 10008 });
    discord.faults.add({ on: "request", fault: { kind: "html", status: 502 } });
    expect(await rest.get("/users/@me").catch((reason: unknown) => reason)).toBeInstanceOf(HTTPError);
    await server.close();
  });
});

describe("messages", () => {
  test("ids carry the time and grow", async () => {
    await using stage = await createStage();
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.push(stage.ann.say(stage.channel, "a").id);
    expect(ids.map(timeOf)).toEqual([1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000]);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
  });

  test("nothing, too much, and what is no text", async () => {
    await using stage = await createStage({ rates: false });
    expect(said(await stage.post({}))).toBe("400 50006");
    expect(said(await stage.post({ content: "  \n" }))).toBe("400 50006");
    expect(said(await stage.post({ content: words(2000) }))).toBe("200");
    expect(said(await stage.post({ content: words(2001) }))).toBe("400 50035 content BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post({ content: 5 }))).toBe("400 50035 content STRING_TYPE_CONVERT");
    expect((await stage.post({ content: " a " })).body.content).toBe("a");
    const response = await fetch(`${stage.server.api}/v10/channels/${stage.channel.id}/messages`, {
      method: "POST",
      headers: { authorization: `Bot ${stage.discord.bot.token}`, "content-type": "application/json" },
      body: "{",
    });
    expect(await response.json()).toMatchObject({ code: 50109 });
  });

  test("embeds: ten, and 6,000 characters in all of them", async () => {
    await using stage = await createStage({ rates: false });
    const many = (count: number, size: number) => ({
      embeds: Array.from({ length: count }, () => ({ description: words(size) })),
    });
    expect(said(await stage.post(many(10, 600)))).toBe("200");
    expect(said(await stage.post(many(11, 1)))).toBe("400 50035 embeds BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post(many(2, 3001)))).toBe("400 50035 embeds MAX_EMBED_SIZE_EXCEEDED");
    expect(said(await stage.post(many(1, 4097)))).toBe("400 50035 embeds 0 description BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post({ embeds: [{ title: words(257) }] }))).toBe(
      "400 50035 embeds 0 title BASE_TYPE_MAX_LENGTH",
    );
  });

  test("components: five rows of five buttons, ids of 100, labels of 80, 25 options", async () => {
    await using stage = await createStage({ rates: false });
    const rows = (...inner: Json[][]) => ({
      content: "a",
      components: inner.map((components) => ({ type: 1, components })),
    });
    const button = (given: Json) => rows([{ type: 2, style: 1, label: "b", custom_id: "c", ...given }]);
    const select = (count: number) =>
      rows([
        {
          type: 3,
          custom_id: "s",
          options: Array.from({ length: count }, (_, at) => ({ label: "l", value: `v${at}` })),
        },
      ]);
    const unique = (row: number) => buttons(5).map((one) => ({ ...one, custom_id: `${row} ${String(one.custom_id)}` }));
    expect(said(await stage.post(rows(...[1, 2, 3, 4, 5].map(unique))))).toBe("200");
    expect(said(await stage.post(rows(...[1, 2, 3, 4, 5, 6].map(unique))))).toBe(
      "400 50035 components BASE_TYPE_MAX_LENGTH",
    );
    expect(said(await stage.post(rows(buttons(6))))).toBe("400 50035 components 0 components BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post(button({ custom_id: words(101) })))).toContain("custom_id BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post(button({ label: words(81) })))).toContain("label BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post(button({ custom_id: undefined })))).toContain("custom_id BASE_TYPE_REQUIRED");
    expect(said(await stage.post(rows(buttons(1), buttons(1))))).toContain("COMPONENT_CUSTOM_ID_DUPLICATED");
    expect(said(await stage.post(select(25)))).toBe("200");
    expect(said(await stage.post(select(26)))).toContain("options BASE_TYPE_MAX_LENGTH");
    expect(said(await stage.post({ content: "a", components: buttons(1) }))).toContain("type BASE_TYPE_CHOICES");
  });

  test("files: ten, 10 MiB each, 25 MiB together; their addresses are signed and end", async () => {
    await using stage = await createStage({ rates: false });
    const form = (sizes: number[], json: Json = {}) => {
      const data = new FormData();
      data.append("payload_json", JSON.stringify(json));
      for (const [index, size] of sizes.entries())
        data.append(`files[${index}]`, new Blob([new Uint8Array(size)]), `f ${index}.bin`);
      return stage.call("POST", `/channels/${stage.channel.id}/messages`, data);
    };
    const mib = 1024 * 1024;
    const made = await form([3, 4], { attachments: [{ id: 1, filename: "two.bin", description: "second" }] });
    expect(made.body.attachments).toMatchObject([
      { filename: "f_0.bin", size: 3 },
      { filename: "two.bin", description: "second" },
    ]);
    expect(said(await form([10 * mib]))).toBe("200");
    expect(said(await form([10 * mib + 1]))).toBe("413 40005");
    expect(said(await form([9 * mib, 9 * mib, 9 * mib]))).toBe("413 40005");
    expect(said(await form(Array.from({ length: 11 }, () => 1)))).toBe("400 50035 attachments BASE_TYPE_MAX_LENGTH");
    const { url } = (made.body.attachments as { url: string }[])[0] ?? { url: "" };
    expect((await (await fetch(url)).bytes()).length).toBe(3);
    expect((await fetch(url.replace("hm=", "hm=0"))).status).toBe(404);
    stage.clock.advance(24 * 60 * 60_000);
    expect((await fetch(url)).status).toBe(404);
    const again = await stage.call("GET", `/channels/${stage.channel.id}/messages/${String(made.body.id)}`);
    expect((await fetch((again.body.attachments as { url: string }[])[0]?.url ?? "")).status).toBe(200);
  });

  test("the same nonce gives the earlier message for some minutes, when it is enforced", async () => {
    await using stage = await createStage({ rates: false });
    const first = await stage.post({ content: "a", nonce: "n1", enforce_nonce: true });
    expect(first.body.nonce).toBe("n1");
    expect((await stage.post({ content: "b", nonce: "n1", enforce_nonce: true })).body).toMatchObject({
      id: first.body.id,
      content: "a",
    });
    expect((await stage.post({ content: "c", nonce: "n1" })).body.id).not.toBe(first.body.id);
    expect((await stage.post({ content: "d", nonce: "n2", enforce_nonce: true })).body.content).toBe("d");
    stage.clock.advance(3 * 60_000 + 1);
    expect((await stage.post({ content: "e", nonce: "n1", enforce_nonce: true })).body.content).toBe("e");
    expect(said(await stage.post({ content: "f", nonce: words(26) }))).toBe("400 50035 nonce NONCE_TYPE_TOO_LONG");
    expect(stage.discord.messages(stage.channel).map(({ text }) => text)).toEqual(["a", "c", "d", "e"]);
  });

  test("a reply names its message; one that is gone fails unless told not to", async () => {
    await using stage = await createStage({ rates: false });
    const question = stage.ann.say(stage.channel, "?");
    const reply = (more: Json = {}, reference: Json = {}) =>
      stage.post({ content: "!", message_reference: { message_id: question.id, ...reference }, ...more });
    const first = await reply();
    expect(first.body).toMatchObject({
      type: 19,
      message_reference: { message_id: question.id, channel_id: stage.channel.id },
      referenced_message: { id: question.id, content: "?" },
      mentions: [{ id: stage.ann.id }],
    });
    expect((await reply({ allowed_mentions: { parse: [] } })).body.mentions).toEqual([]);
    stage.ann.delete(question);
    expect(said(await reply())).toBe("400 50035 message_reference MESSAGE_REFERENCE_UNKNOWN_MESSAGE");
    expect((await reply({}, { fail_if_not_exists: false })).body).toMatchObject({ type: 0, content: "!" });
    const later = await stage.call("GET", `/channels/${stage.channel.id}/messages/${String(first.body.id)}`);
    expect(later.body.referenced_message).toBeNull();
  });

  test("mentions ping as allowed_mentions says", async () => {
    await using stage = await createStage({ rates: false });
    const text = { content: `<@${stage.ann.id}> @everyone` };
    const pings = async (more: Json = {}) => ((await stage.post({ ...text, ...more })).body.mentions as Json[]).length;
    expect(await pings()).toBe(1);
    expect(await pings({ allowed_mentions: { parse: [] } })).toBe(0);
    expect(await pings({ allowed_mentions: { users: [stage.ann.id] } })).toBe(1);
    expect(
      said(await stage.post({ ...text, allowed_mentions: { parse: ["users"], users: [stage.ann.id] } })),
    ).toContain("EXCLUSIVE");
    expect((await stage.post(text)).body.mention_everyone).toBe(false);
    stage.discord.allow(stage.channel, ["MENTION_EVERYONE"], stage.discord.bot);
    expect((await stage.post(text)).body.mention_everyone).toBe(true);
  });

  test("flags: without a sound, without previews; others are not a bot's to set", async () => {
    await using stage = await createStage({ rates: false });
    const { body } = await stage.post({ content: "a", embeds: [{ title: "t" }], flags: 4 | 4096 | 128 });
    expect(body).toMatchObject({ flags: 4 | 4096, embeds: [] });
    expect(stage.discord.messages(stage.channel)[0]).toMatchObject({ silent: true, thinking: false });
  });

  test("history comes newest first, a page of at most 100, by before, after and around", async () => {
    await using stage = await createStage({ rates: false });
    const ids = Array.from({ length: 7 }, (_, index) => stage.ann.say(stage.channel, `m${index}`).id);
    const texts = async (query: string) =>
      ((await stage.call("GET", `/channels/${stage.channel.id}/messages?${query}`)).body as unknown as Json[]).map(
        ({ content }) => content,
      );
    expect(await texts("limit=2")).toEqual(["m6", "m5"]);
    expect(await texts(`limit=2&before=${ids[3]}`)).toEqual(["m2", "m1"]);
    expect(await texts(`limit=2&after=${ids[3]}`)).toEqual(["m5", "m4"]);
    expect(await texts(`limit=3&around=${ids[3]}`)).toEqual(["m4", "m3", "m2"]);
    const far = (limit: number) => stage.call("GET", `/channels/${stage.channel.id}/messages?limit=${limit}`);
    expect(said(await far(101))).toContain("400 50035 limit");
    expect(said(await far(0))).toContain("400 50035 limit");
  });

  test("an edit keeps what it does not name; it, and a delete, are for one's own", async () => {
    await using stage = await createStage({ rates: false });
    const { body } = await stage.post({ content: "a", components: [{ type: 1, components: buttons(1) }] });
    const at = (id: unknown) => `/channels/${stage.channel.id}/messages/${String(id)}`;
    stage.clock.advance(5);
    const edited = await stage.call("PATCH", at(body.id), { content: "b" });
    expect(edited.body).toMatchObject({ content: "b", edited_timestamp: "2027-01-15T08:00:00.005000+00:00" });
    expect((edited.body.components as Json[]).length).toBe(1);
    expect(said(await stage.call("PATCH", at(body.id), { content: "", components: [] }))).toBe("400 50006");
    const other = stage.ann.say(stage.channel, "mine");
    expect(said(await stage.call("PATCH", at(other.id), { content: "b" }))).toBe("403 50005");
    expect(said(await stage.call("DELETE", at(other.id)))).toBe("403 50013");
    stage.discord.allow(stage.channel, ["MANAGE_MESSAGES"], stage.discord.bot);
    expect(said(await stage.call("DELETE", at(other.id)))).toBe("204");
    expect(said(await stage.call("DELETE", at(body.id)))).toBe("204");
    expect(said(await stage.call("DELETE", at(body.id)))).toBe("404 10008");
    expect(said(await stage.call("PATCH", at(body.id), { content: "c" }))).toBe("404 10008");
    expect(stage.discord.message({ id: String(body.id) })?.forms.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(said(await stage.call("GET", "/channels/abc"))).toBe("400 50035 channel_id NUMBER_TYPE_COERCE");
  });

  test("old messages take a bounded number of edits", async () => {
    await using stage = await createStage({ rates: false, limits: { oldEditsMax: 2, oldEditsMs: 20_000 } });
    const { body } = await stage.post({ content: "a" });
    const edit = (content: string) =>
      stage.call("PATCH", `/channels/${stage.channel.id}/messages/${String(body.id)}`, { content });
    for (const text of ["b", "c", "d"]) expect(said(await edit(text))).toBe("200");
    stage.clock.advance(60 * 60_000 + 1);
    expect([said(await edit("e")), said(await edit("f")), said(await edit("g"))]).toEqual(["200", "200", "429 30046"]);
    stage.clock.advance(5000);
    const refused = await edit("h");
    expect([refused.headers.get("retry-after"), refused.body.retry_after]).toEqual(["15", 15]);
    stage.clock.advance(15_000);
    expect(said(await edit("h"))).toBe("200");
  });

  test("reactions: of Unicode or of one's own, 20 kinds", async () => {
    await using stage = await createStage({ rates: false });
    const { id } = stage.ann.say(stage.channel, "a");
    const react = (emoji: string, method = "PUT") =>
      stage.call(method, `/channels/${stage.channel.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}/@me`);
    expect(said(await react("👀"))).toBe("204");
    expect(said(await react("👀"))).toBe("204");
    stage.ann.react({ id }, "👀");
    expect(stage.discord.message({ id })?.reactions).toEqual({ "👀": ["helper", "ann"] });
    expect(said(await react("word"))).toBe("400 10014");
    expect(said(await react("👀", "DELETE"))).toBe("204");
    expect(stage.discord.message({ id })?.reactions).toEqual({ "👀": ["ann"] });
    for (let index = 1; index < 20; index += 1) stage.ann.react({ id }, `e:${index}`);
    expect(said(await react("👍"))).toBe("400 30010");
  });
});

describe("places", () => {
  test("what a bot may not see or do", async () => {
    await using stage = await createStage({ rates: false });
    const { discord, channel, post, call } = stage;
    expect(said(await call("GET", "/channels/123456789012345678"))).toBe("404 10003");
    const form = () => {
      const data = new FormData();
      data.append("files[0]", new Blob(["x"]), "x");
      return call("POST", `/channels/${channel.id}/messages`, data);
    };
    discord.deny(channel, ["ATTACH_FILES", "EMBED_LINKS"]);
    expect([said(await form()), said(await post({ embeds: [{ title: "t" }] }))]).toEqual(["403 50013", "403 50013"]);
    discord.deny(channel, ["SEND_MESSAGES"], discord.bot);
    expect(said(await post({ content: "a" }))).toBe("403 50013");
    expect(said(await call("POST", `/channels/${channel.id}/typing`))).toBe("403 50013");
    discord.allow(channel, ["SEND_MESSAGES"], discord.bot);
    const { id } = stage.ann.say(channel, "a");
    discord.deny(channel, ["READ_MESSAGE_HISTORY"]);
    expect((await call("GET", `/channels/${channel.id}/messages`)).body).toEqual([] as unknown as Json);
    expect(said(await post({ content: "a", message_reference: { message_id: id } }))).toBe("400 160002");
    discord.allow(channel, ["READ_MESSAGE_HISTORY"]);
    discord.deny(stage.guild, ["ADD_REACTIONS"]);
    expect(said(await call("PUT", `/channels/${channel.id}/messages/${id}/reactions/%F0%9F%91%80/@me`))).toBe(
      "403 50013",
    );
    discord.deny(channel, ["VIEW_CHANNEL"]);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/messages"],
      ["POST", "/typing"],
    ] as const)
      expect(said(await call(method, `/channels/${channel.id}${path}`))).toBe("403 50001");
    discord.leave(stage.guild, discord.bot);
    expect(said(await call("GET", `/guilds/${stage.guild.id}`))).toBe("403 50001");
  });

  test("direct channels: one for each person, closed to some", async () => {
    await using stage = await createStage({ rates: false });
    const open = (id: string) => stage.call("POST", "/users/@me/channels", { recipient_id: id });
    const first = await open(stage.ann.id);
    expect(first.body).toMatchObject({ type: 1, recipients: [{ id: stage.ann.id }] });
    expect((await open(stage.ann.id)).body.id).toBe(first.body.id);
    expect(stage.ann.directChannel().id).toBe(String(first.body.id));
    expect(said(await open(stage.discord.bot.id))).toBe("403 50007");
    expect(said(await open("12"))).toBe("404 10013");
    stage.ann.directs(false);
    expect(said(await open(stage.ann.id))).toBe("200");
    expect(said(await stage.post({ content: "a" }, stage.ann.directChannel()))).toBe("403 50007");
    const other = stage.discord.newBot({ name: "other" });
    expect(said(await stage.call("GET", `/channels/${stage.ann.directChannel(other).id}`))).toBe("403 50001");
  });

  test("threads: the id of their message, one for each, writing needs its own permission", async () => {
    await using stage = await createStage({ rates: false });
    const { call, channel, discord } = stage;
    const { id } = stage.ann.say(channel, "start");
    const start = (name: string, from = id) =>
      call("POST", `/channels/${channel.id}/messages/${from}/threads`, { name });
    expect(said(await start(""))).toContain("name BASE_TYPE_REQUIRED");
    expect(said(await start(words(101)))).toContain("name BASE_TYPE_MAX_LENGTH");
    const made = await start("talk");
    expect(made).toMatchObject({ status: 201, body: { id, type: 11, parent_id: channel.id, name: "talk" } });
    expect(said(await start("talk"))).toBe("400 160004");
    expect((await call("GET", `/channels/${channel.id}/messages/${id}`)).body).toMatchObject({
      flags: 32,
      thread: { id },
    });
    const first = (await call("GET", `/channels/${id}/messages`)).body as unknown as Json[];
    expect(first[0]).toMatchObject({ type: 21, referenced_message: { id, content: "start" } });
    discord.deny(channel, ["SEND_MESSAGES"]);
    expect(said(await stage.post({ content: "a" }, { id }))).toBe("200");
    discord.deny(channel, ["SEND_MESSAGES_IN_THREADS"]);
    expect(said(await stage.post({ content: "a" }, { id }))).toBe("403 50013");
    const alone = await call("POST", `/channels/${channel.id}/threads`, { name: "alone", type: 11 });
    expect(alone.status).toBe(201);
    expect(discord.messages(channel).at(-1)).toMatchObject({ kind: 18, text: "alone" });
    discord.deny(channel, ["CREATE_PUBLIC_THREADS"]);
    expect(said(await start("no", stage.ann.say(channel, "b").id))).toBe("403 50013");
  });

  test("an archived thread opens when somebody writes, a locked one does not", async () => {
    await using stage = await createStage({ rates: false });
    const thread = stage.ann.newThread(stage.channel, "t");
    stage.discord.archive(thread);
    expect(said(await stage.post({ content: "a" }, thread))).toBe("200");
    expect(thread.archived).toBe(false);
    stage.discord.archive(thread, { locked: true });
    expect(said(await stage.post({ content: "a" }, thread))).toBe("400 50083");
    stage.discord.removeChannel(thread);
    expect(said(await stage.post({ content: "a" }, thread))).toBe("404 10003");
  });

  test("guilds, their channels, and members by the beginning of a name", async () => {
    await using stage = await createStage({ rates: false });
    const { call, guild } = stage;
    stage.discord.join(guild, stage.discord.user("anna"));
    expect((await call("GET", `/guilds/${guild.id}`)).body).toMatchObject({ id: guild.id, name: "Team" });
    expect((await call("GET", `/guilds/${guild.id}/channels`)).body).toMatchObject([{ name: "general", type: 0 }]);
    const found = async (query: string) =>
      ((await call("GET", `/guilds/${guild.id}/members/search?${query}`)).body as unknown as { user: Json }[]).map(
        ({ user }) => user.username,
      );
    expect(await found("query=AN&limit=10")).toEqual(["ann", "anna"]);
    expect(await found("query=an")).toEqual(["ann"]);
    expect(await found("query=nn&limit=10")).toEqual([]);
    expect(said(await call("GET", `/guilds/${guild.id}/members/search?query=a&limit=1001`))).toContain("limit");
    expect(said(await call("GET", "/guilds/12"))).toBe("404 10004");
  });
});
