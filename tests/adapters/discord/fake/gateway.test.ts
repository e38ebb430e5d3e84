// The fake gateway: sessions, resumes, close codes, intents, shards and faults, by raw sockets and the official client.
import { describe, expect, test } from "bun:test";
import { REST } from "@discordjs/rest";
import { WebSocketManager, WebSocketShardEvents } from "@discordjs/ws";
import { GatewayDispatchEvents, GatewayIntentBits } from "discord-api-types/v10";
import { createManualClock } from "../../../schedule/manual-clock.ts";
import { type Json, newId, shardOf } from "./index.ts";
import { intents } from "./intents.ts";
import { allIntents, createStage, until } from "./stage.ts";

const { GUILDS, GUILD_MESSAGES, GUILD_MESSAGE_REACTIONS, DIRECT_MESSAGES, MESSAGE_CONTENT, GUILD_MEMBERS } = intents;
const bare = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES;

const named = (frame: Json | undefined) => (frame?.d ?? {}) as Json;
const texts = (frames: Json[]) => frames.map((frame) => named(frame).content);

describe("a session", () => {
  test("begins with hello, READY and the guilds, and numbers what it tells", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    expect(named(await raw.until(({ op }) => op === 10)).heartbeat_interval).toBe(41_250);
    const ready = named(await raw.identify({ shard: [0, 1] }));
    expect(ready).toMatchObject({
      v: 10,
      user: { id: stage.discord.bot.id, bot: true },
      guilds: [{ id: stage.guild.id, unavailable: true }],
      application: { id: stage.discord.bot.id },
      shard: [0, 1],
    });
    expect(String(ready.resume_gateway_url)).toStartWith("ws://127.0.0.1:");
    const guild = named(await raw.until(({ t }) => t === "GUILD_CREATE"));
    expect(guild).toMatchObject({ id: stage.guild.id, unavailable: false, channels: [{ name: "general" }] });
    expect((guild.members as Json[]).length).toBe(3);
    const { id } = stage.ann.say(stage.channel, "hi", { mention: stage.discord.bot });
    const told = await raw.until(({ t }) => t === "MESSAGE_CREATE");
    expect(told).toMatchObject({ op: 0, s: 3 });
    expect(named(told)).toMatchObject({
      id,
      guild_id: stage.guild.id,
      channel_type: 0,
      author: { id: stage.ann.id, username: "ann" },
      member: { roles: [] },
      mentions: [{ id: stage.discord.bot.id, member: { roles: [] } }],
      content: `<@${stage.discord.bot.id}> hi`,
    });
    raw.send({ op: 1, d: 3 });
    await raw.until(({ op }) => op === 11);
    expect(stage.discord.gateway.sessions()).toMatchObject([{ seq: 3, connected: true, heartbeats: 1 }]);
  });

  test("without the members intent the guild comes with the bot alone", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify({ intents: GUILDS });
    const { members } = named(await raw.until(({ t }) => t === "GUILD_CREATE"));
    expect((members as { user: Json }[]).map(({ user }) => user.id)).toEqual([stage.discord.bot.id]);
  });

  test("goes on where it was: what was missed in order, then RESUMED", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    const ready = named(await raw.identify({ intents: bare | MESSAGE_CONTENT }));
    stage.ann.say(stage.channel, "one");
    await raw.until(({ t }) => t === "MESSAGE_CREATE");
    raw.close(4200);
    await until(() => stage.discord.gateway.sessions()[0]?.connected === false);
    for (const text of ["two", "three"]) stage.ann.say(stage.channel, text);
    const next = stage.socket("/resume?v=10&encoding=json");
    const resume = (d: Json) =>
      next.send({ op: 6, d: { token: stage.discord.bot.token, session_id: ready.session_id, seq: 3, ...d } });
    resume({});
    await next.until(({ t }) => t === "RESUMED");
    expect(next.events().map(({ t, s }) => [t, s])).toEqual([
      ["MESSAGE_CREATE", 4],
      ["MESSAGE_CREATE", 5],
      ["RESUMED", 6],
    ]);
    stage.ann.say(stage.channel, "four");
    await next.until(({ s }) => s === 7);
    expect(texts(next.events("MESSAGE_CREATE"))).toEqual(["two", "three", "four"]);
    expect(stage.discord.gateway.journal.map(({ what }) => what)).toEqual(["identify", "close 4200", "resume"]);
  });

  test("is over after 1000, after its time, and for who does not know it", async () => {
    await using stage = await createStage();
    const begin = async () => {
      const raw = stage.socket();
      return { raw, id: named(await raw.identify()).session_id };
    };
    const resume = async (session: unknown, more: Json = {}) => {
      const raw = stage.socket("/resume?v=10&encoding=json");
      raw.send({ op: 6, d: { token: stage.discord.bot.token, session_id: session, seq: 1, ...more } });
      return Promise.race([
        raw.code(),
        raw
          .until(({ op, t }) => op === 9 || t === "RESUMED")
          .then(({ op, d, t }) => (op === 9 ? `invalid ${String(d)}` : t)),
      ]);
    };
    const left = async (session: Awaited<ReturnType<typeof begin>>, code: number) => {
      session.raw.close(code);
      await until(() => stage.discord.gateway.sessions().every(({ connected }) => !connected));
    };
    const first = await begin();
    await left(first, 1000);
    expect(await resume(first.id)).toBe("invalid false");
    const second = await begin();
    await left(second, 4000);
    expect(await resume(second.id, { token: "wrong" })).toBe(4004);
    const other = stage.discord.newBot({ name: "other" });
    expect(await resume(second.id, { token: other.token })).toBe("invalid false");
    expect(await resume(second.id, { seq: 99 })).toBe(4007);
    const third = await begin();
    await left(third, 4000);
    stage.clock.advance(180_000);
    expect(await resume(third.id)).toBe("RESUMED");
    stage.discord.gateway.sever();
    stage.clock.advance(180_001);
    expect(await resume(third.id)).toBe("invalid false");
    const fourth = await begin();
    await left(fourth, 4000);
    stage.discord.gateway.expire();
    expect(await resume(fourth.id)).toBe("invalid false");
  });

  test("a heartbeat that does not come ends the connection", async () => {
    const wireClock = createManualClock(0);
    await using stage = await createStage({ wireClock });
    const raw = stage.socket();
    await raw.identify();
    wireClock.advance(41_250);
    raw.send({ op: 1, d: 1 });
    await raw.until(({ op }) => op === 11);
    wireClock.advance(41_250);
    expect(stage.discord.gateway.sessions()).toHaveLength(1);
    wireClock.advance(41_250);
    expect(await raw.code()).toBe(4009);
    expect(stage.discord.gateway.sessions()).toEqual([]);
  });
});

describe("close codes", () => {
  test("for what a client does wrong", async () => {
    await using stage = await createStage();
    const { discord } = stage;
    const closing = async (frames: (Json | string)[], query?: string) => {
      const raw = stage.socket(query);
      for (const frame of frames) raw.send(frame);
      return raw.code();
    };
    const identify = (d: Json = {}) => ({
      op: 2,
      d: { token: discord.bot.token, intents: bare, properties: {}, ...d },
    });
    expect(await closing([{ op: 99 }])).toBe(4001);
    expect(await closing(["{"])).toBe(4002);
    expect(await closing([JSON.stringify({ op: 1, d: "x".repeat(4096) })])).toBe(4002);
    expect(await closing([{ op: 3, d: {} }])).toBe(4003);
    expect(await closing([identify({ token: "wrong" })])).toBe(4004);
    expect(await closing([identify(), identify()])).toBe(4005);
    expect(await closing(Array.from({ length: 121 }, () => ({ op: 1, d: null })))).toBe(4008);
    expect(await closing([identify({ shard: [1, 1] })])).toBe(4010);
    expect(await closing([], "?v=9&encoding=json")).toBe(4012);
    expect(await closing([identify({ intents: 1 << 18 })])).toBe(4013);
    discord.bot.granted.delete("MESSAGE_CONTENT");
    expect(await closing([identify({ intents: bare | MESSAGE_CONTENT })])).toBe(4014);
    discord.bot.shardsNeeded = 2;
    expect(await closing([identify({ shard: [0, 1] })])).toBe(4011);
  });

  test("a revoked token ends what it began", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify();
    stage.discord.revoke();
    expect(await raw.code()).toBe(4004);
  });

  test("identifies too soon after one another get op 9, and a thousand a day reset the token", async () => {
    await using stage = await createStage({ gateway: { identifyEveryMs: 5000, identifiesADay: 2 } });
    const token = stage.discord.bot.token;
    const identify = () => {
      const raw = stage.socket("?v=10&encoding=json", token);
      raw.send({ op: 2, d: { token, intents: bare, properties: {} } });
      return raw;
    };
    await identify().until(({ t }) => t === "READY");
    expect((await identify().until(({ op }) => op === 9)).d).toBe(false);
    stage.discord.gateway.options.identifyEveryMs = 0;
    await identify().until(({ t }) => t === "READY");
    const { body } = await stage.call("GET", "/gateway/bot");
    expect(body).toMatchObject({ shards: 1, session_start_limit: { total: 2, remaining: 0, max_concurrency: 1 } });
    expect(await identify().code()).toBe(4004);
    expect((await stage.call("GET", "/users/@me")).status).toBe(200);
    expect(stage.discord.bot.token).not.toBe(token);
  });
});

describe("who hears what", () => {
  test("without the Message Content intent texts are empty, save where they are the bot's business", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify({ intents: bare });
    const file = { name: "a.txt", bytes: new Uint8Array(1) };
    stage.ann.say(stage.channel, "secret", { files: [file] });
    stage.ann.say(stage.channel, "for you", { mention: stage.discord.bot });
    const own = await stage.post({ content: "mine" });
    stage.ann.direct("alone");
    const reply = stage.ann.say(stage.channel, "quiet", { replyTo: { id: String(own.body.id) }, quietly: true });
    await raw.until(({ d }) => named({ d }).id === reply.id);
    const told = raw.events("MESSAGE_CREATE").map(named);
    expect(told.map(({ content }) => content)).toEqual(["", `<@${stage.discord.bot.id}> for you`, "mine", "alone", ""]);
    expect(told[0]).toMatchObject({ attachments: [], embeds: [], components: [] });
    expect(told[3]).toMatchObject({ channel_type: 1 });
    expect(told[3]).not.toHaveProperty("guild_id");
    expect(told[4]).toMatchObject({ referenced_message: { content: "mine" } });
    const full = stage.socket();
    await full.identify();
    stage.ann.say(stage.channel, "open", { files: [file] });
    expect(named(await full.until(({ t }) => t === "MESSAGE_CREATE"))).toMatchObject({
      content: "open",
      attachments: [{ filename: "a.txt" }],
    });
  });

  test("only what it asked for, and only what it can see", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify({ intents: GUILDS | GUILD_MESSAGE_REACTIONS });
    const message = stage.ann.say(stage.channel, "a");
    stage.ann.react(message, "👀");
    stage.discord.deny(stage.channel, ["VIEW_CHANNEL"]);
    stage.ann.react(message, "👍");
    const other = stage.discord.channel(stage.guild, "other");
    stage.ann.react(stage.ann.say(other, "b"), "🎉");
    await raw.until(({ t }) => t === "MESSAGE_REACTION_ADD", 2);
    expect(raw.events("MESSAGE_REACTION_ADD").map((one) => (named(one).emoji as Json).name)).toEqual(["👀", "🎉"]);
    expect(raw.events("MESSAGE_CREATE")).toEqual([]);
  });

  test("each guild has one shard, direct messages the first", async () => {
    await using stage = await createStage();
    const { discord, ann } = stage;
    const shards = await Promise.all(
      [0, 1].map(async (index) => {
        const raw = stage.socket();
        await raw.identify({ shard: [index, 2], intents: bare | MESSAGE_CONTENT });
        return raw;
      }),
    );
    const odd = () => {
      for (;;) {
        const id = newId(discord.world);
        if ((BigInt(id) >> 22n) % 2n === 1n) return id;
        stage.clock.advance(1);
      }
    };
    const guild = discord.guild("Odd", { people: [ann], id: odd() });
    expect(shardOf(guild, 2)).toBe(1);
    ann.say(discord.channel(guild, "general"), "odd");
    ann.direct("direct");
    await shards[1]?.until(({ t }) => t === "MESSAGE_CREATE");
    await shards[0]?.until(({ t }) => t === "MESSAGE_CREATE");
    expect(shards.map((raw) => texts(raw.events("MESSAGE_CREATE")))).toEqual([["direct"], ["odd"]]);
  });

  test("edits, previews, deletes, typing, threads, channels, outages", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify({ intents: allIntents });
    const { ann, channel, discord, guild } = stage;
    const first = ann.say(channel, "a https://example.com");
    ann.edit(first, "b https://example.com");
    discord.preview(first, { type: "link", url: "https://example.com" });
    ann.typing(channel);
    const thread = ann.startThread(first, "talk");
    ann.say(thread, "inside");
    discord.archive(thread);
    discord.removeChannel(thread);
    discord.moderate([ann.say(channel, "x"), ann.say(channel, "y")]);
    ann.delete(first);
    const liked = ann.say(channel, "r");
    ann.react(liked, "👀");
    ann.unreact(liked, "👀");
    discord.removeChannel(channel);
    discord.outage(guild, true);
    ann.direct("still");
    discord.outage(guild, false);
    discord.leave(guild, discord.bot);
    await raw.until(({ t }) => t === "GUILD_DELETE", 2);
    expect(
      raw
        .events()
        .slice(2)
        .map(({ t }) => t),
    ).toEqual([
      "MESSAGE_CREATE",
      "MESSAGE_UPDATE",
      "MESSAGE_UPDATE",
      "TYPING_START",
      "THREAD_CREATE",
      "MESSAGE_CREATE",
      "MESSAGE_UPDATE",
      "MESSAGE_CREATE",
      "THREAD_UPDATE",
      "THREAD_DELETE",
      "MESSAGE_CREATE",
      "MESSAGE_CREATE",
      "MESSAGE_DELETE_BULK",
      "MESSAGE_DELETE",
      "MESSAGE_CREATE",
      "MESSAGE_REACTION_ADD",
      "MESSAGE_REACTION_REMOVE",
      "CHANNEL_DELETE",
      "GUILD_DELETE",
      "MESSAGE_CREATE",
      "GUILD_CREATE",
      "GUILD_DELETE",
    ]);
    const updates = raw.events("MESSAGE_UPDATE").map(named);
    expect(updates[0]).toMatchObject({ content: "b https://example.com", author: { id: ann.id } });
    expect(updates[1]).toEqual({
      id: first.id,
      channel_id: channel.id,
      guild_id: guild.id,
      embeds: [{ type: "link", url: "https://example.com" }],
    });
    expect(updates[2]).toMatchObject({ flags: 32, thread: { id: first.id } });
    expect(named(raw.events("THREAD_CREATE")[0])).toMatchObject({
      id: first.id,
      newly_created: true,
      parent_id: channel.id,
    });
    expect((named(raw.events("MESSAGE_DELETE_BULK")[0]).ids as string[]).length).toBe(2);
    expect(raw.events("GUILD_DELETE").map(named)).toEqual([{ id: guild.id, unavailable: true }, { id: guild.id }]);
  });

  test("a guild in an outage is silent, an archived thread does not come with it", async () => {
    await using stage = await createStage();
    const { ann, channel, discord, guild } = stage;
    const [open, archived] = [ann.newThread(channel, "open"), ann.newThread(channel, "archived")];
    discord.archive(archived);
    const raw = stage.socket();
    await raw.identify();
    const { threads } = named(await raw.until(({ t }) => t === "GUILD_CREATE"));
    expect((threads as Json[]).map(({ id }) => id)).toEqual([open.id]);
    discord.outage(guild, true);
    ann.say(channel, "unheard");
    discord.outage(guild, false);
    ann.say(channel, "heard");
    await raw.until(({ t }) => t === "MESSAGE_CREATE");
    expect(texts(raw.events("MESSAGE_CREATE"))).toEqual(["heard"]);
  });

  test("members are found on request", async () => {
    await using stage = await createStage();
    const raw = stage.socket();
    await raw.identify({ intents: GUILDS | GUILD_MEMBERS });
    raw.send({ op: 8, d: { guild_id: stage.guild.id, query: "an", limit: 5, nonce: "n" } });
    const { members, nonce } = named(await raw.until(({ t }) => t === "GUILD_MEMBERS_CHUNK"));
    expect([nonce, (members as { user: Json }[]).map(({ user }) => user.username)]).toEqual(["n", ["ann"]]);
  });
});

describe("faults", () => {
  test("dispatches come twice, late, at a resume, or never", async () => {
    await using stage = await createStage();
    const { faults, gateway, bot } = stage.discord;
    const raw = stage.socket();
    const ready = named(await raw.identify({ intents: bare | MESSAGE_CONTENT }));
    const say = (text: string) => stage.ann.say(stage.channel, text);
    const about = (text: string) => (data: Json) => data.content === text;
    faults.add({ on: "dispatch", event: "MESSAGE_CREATE", when: about("twice"), fault: { kind: "duplicate" } });
    faults.add({ on: "dispatch", when: about("late"), fault: { kind: "reorder" } });
    faults.add({ on: "dispatch", when: about("withheld"), fault: { kind: "withhold" } });
    faults.add({ on: "dispatch", when: about("lost"), fault: { kind: "lose" } });
    for (const text of ["twice", "late", "next", "withheld", "lost"]) say(text);
    await raw.until(({ t }) => t === "MESSAGE_CREATE", 4);
    expect(texts(raw.events("MESSAGE_CREATE"))).toEqual(["twice", "twice", "next", "late"]);
    expect(raw.events("MESSAGE_CREATE").map(({ s }) => s)).toEqual([3, 3, 5, 4]);
    faults.add({ on: "dispatch", when: about("away"), fault: { kind: "sever" } });
    say("away");
    expect(await raw.code()).toBe(1006);
    const next = stage.socket("/resume?v=10&encoding=json");
    next.send({ op: 6, d: { token: bot.token, session_id: ready.session_id, seq: 5 } });
    await next.until(({ t }) => t === "RESUMED");
    expect(texts(next.events("MESSAGE_CREATE"))).toEqual(["withheld", "away"]);
    faults.add({ on: "dispatch", when: about("shut"), fault: { kind: "close", code: 1001 } });
    say("shut");
    expect(await next.code()).toBe(1001);
    expect(gateway.sessions()).toMatchObject([{ connected: false }]);
    expect(faults.counts()).toEqual({
      "dispatch duplicate": 1,
      "dispatch reorder": 1,
      "dispatch withhold": 1,
      "dispatch lose": 1,
      "dispatch sever": 1,
      "dispatch close": 1,
    });
  });

  test("connections are refused, muted, or ended at a moment", async () => {
    await using stage = await createStage();
    const { faults, gateway } = stage.discord;
    faults.add({ on: "socket", times: 1, fault: { kind: "refuse", status: 503 } });
    expect(await stage.socket().code()).toBe(1006);
    faults.add({ on: "socket", moment: "connect", times: 1, fault: { kind: "sever" } });
    expect(await stage.socket().code()).toBe(1006);
    faults.add({ on: "socket", moment: "identify", times: 1, fault: { kind: "close", code: 4000 } });
    const closed = stage.socket();
    closed.send({ op: 2, d: { token: stage.discord.bot.token, intents: bare } });
    expect(await closed.code()).toBe(4000);
    const raw = stage.socket();
    await raw.identify({ intents: bare | MESSAGE_CONTENT });
    gateway.askHeartbeat();
    await raw.until(({ op }) => op === 1);
    gateway.reconnect();
    await raw.until(({ op }) => op === 7);
    gateway.zombie(true);
    stage.ann.say(stage.channel, "unheard");
    raw.send({ op: 1, d: 2 });
    await until(() => gateway.sessions()[0]?.heartbeats === 1);
    gateway.zombie(false);
    stage.ann.say(stage.channel, "heard");
    await raw.until(({ t }) => t === "MESSAGE_CREATE");
    expect(texts(raw.events("MESSAGE_CREATE"))).toEqual(["heard"]);
    expect(raw.frames.some(({ op }) => op === 11)).toBe(false);
    gateway.invalidate(true);
    expect((await raw.until(({ op }) => op === 9)).d).toBe(true);
    gateway.close(4008);
    expect(await raw.code()).toBe(4008);
  });
});

describe("the official client", () => {
  test("connects, hears, and resumes after each kind of end", async () => {
    await using stage = await createStage({ rates: false });
    const { discord, server } = stage;
    const rest = new REST({ api: server.api }).setToken(discord.bot.token);
    const sessions = new Map<number, never>();
    const manager = new WebSocketManager({
      token: discord.bot.token,
      intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent,
      rest,
      retrieveSessionInfo: (shard) => sessions.get(shard) ?? null,
      updateSessionInfo: (shard, info) => void sessions.set(shard, info as never),
    });
    const heard: unknown[] = [];
    let resumed = 0;
    manager.on(WebSocketShardEvents.Dispatch, ({ data }) => {
      if (data.t === GatewayDispatchEvents.MessageCreate) heard.push(data.d.content);
    });
    manager.on(WebSocketShardEvents.Resumed, () => {
      resumed += 1;
    });
    manager.on(WebSocketShardEvents.Error, ({ error }) => void heard.push(error.message));
    await manager.connect();
    stage.ann.say(stage.channel, "a");
    await until(() => heard.length === 1);
    const ends = [() => discord.gateway.sever(), () => discord.gateway.reconnect(), () => discord.gateway.close(4000)];
    for (const [index, end] of ends.entries()) {
      end();
      await until(() => discord.gateway.sessions()[0]?.connected === false, "the end");
      stage.ann.say(stage.channel, `b${index}`);
      await until(() => resumed === index + 1, "a resume");
    }
    await until(() => heard.length === 4);
    expect(heard).toEqual(["a", "b0", "b1", "b2"]);
    await manager.destroy();
    expect(discord.gateway.sessions()).toEqual([]);
  });
});
