// The fake Discord's rate limits, and what breaks when a test says so.
import { describe, expect, test } from "bun:test";
import { REST } from "@discordjs/rest";
import { createDiscord, startDiscordServer } from "./index.ts";
import { createStage, said } from "./stage.ts";

describe("limits", () => {
  test("five messages in five seconds and channel, told in headers", async () => {
    await using stage = await createStage();
    for (let left = 4; left >= 0; left -= 1) {
      const { headers } = await stage.post({ content: "a" });
      expect(headers.get("x-ratelimit-limit")).toBe("5");
      expect(headers.get("x-ratelimit-remaining")).toBe(String(left));
      expect(headers.get("x-ratelimit-reset-after")).toBe("5.000");
      expect(headers.get("x-ratelimit-reset")).toBe("1800000005.000");
    }
    stage.clock.advance(3500);
    const refused = await stage.post({ content: "a" });
    expect(refused.status).toBe(429);
    expect(refused.body).toEqual({ message: "You are being rate limited.", retry_after: 1.5, global: false });
    expect(refused.headers.get("retry-after")).toBe("2");
    expect(refused.headers.get("x-ratelimit-scope")).toBe("user");
    expect(refused.headers.get("x-ratelimit-bucket")).toMatch(/^[0-9a-f]{32}$/);
    expect(said(await stage.post({ content: "a" }, stage.ann.directChannel()))).toBe("200");
    stage.clock.advance(1500);
    expect(said(await stage.post({ content: "a" }))).toBe("200");
    expect(stage.discord.rates?.invalids(stage.discord.bot.id)).toBe(1);
  });

  test("edits have a bucket of their own", async () => {
    await using stage = await createStage();
    const { body } = await stage.post({ content: "a" });
    const edit = () =>
      stage.call("PATCH", `/channels/${stage.channel.id}/messages/${String(body.id)}`, { content: "b" });
    for (let index = 0; index < 5; index += 1) expect(said(await edit())).toBe("200");
    expect((await edit()).status).toBe(429);
    expect(said(await stage.post({ content: "a" }))).toBe("200");
  });

  test("fifty requests a second in all", async () => {
    await using stage = await createStage();
    for (let index = 0; index < 50; index += 1) await stage.call("GET", `/channels/${index % 2 === 0 ? "1" : "2"}`);
    const refused = await stage.call("GET", "/users/@me");
    expect(refused.body).toMatchObject({ global: true });
    expect(refused.headers.get("x-ratelimit-global")).toBe("true");
    expect(refused.headers.get("x-ratelimit-scope")).toBe("global");
    stage.clock.advance(1000);
    expect(said(await stage.call("GET", "/users/@me"))).toBe("200");
  });

  test("answers to interactions are not counted", async () => {
    await using stage = await createStage();
    await stage.call("PUT", `/applications/${stage.discord.bot.id}/commands`, [{ name: "a", description: "d" }]);
    const answer = { type: 4, data: { content: "a" } };
    const asked = Array.from({ length: 60 }, () => stage.ann.slash(stage.channel, "a"));
    for (const { id, token } of asked)
      expect(said(await stage.call("POST", `/interactions/${id}/${token}/callback`, answer))).toBe("204");
    expect(said(await stage.call("GET", "/users/@me"))).toBe("200");
  });

  test("a shared limit is nobody's fault", async () => {
    await using stage = await createStage();
    const { faults, rates, bot } = stage.discord;
    for (const scope of ["shared", "user"] as const)
      faults.add({ on: "request", times: 1, fault: { kind: "limited", retryAfterS: 1, scope } });
    expect((await stage.call("GET", "/users/@me")).headers.get("x-ratelimit-scope")).toBe("shared");
    expect(rates?.invalids(bot.id)).toBe(0);
    expect((await stage.call("GET", "/users/@me")).headers.get("x-ratelimit-scope")).toBe("user");
    expect(rates?.invalids(bot.id)).toBe(1);
  });

  test("ten thousand invalid requests in ten minutes bring Cloudflare's page", async () => {
    await using stage = await createStage();
    const { bot, rates } = stage.discord;
    for (let index = 0; index < 9999; index += 1) rates?.invalid(bot.id);
    stage.discord.deny(stage.channel, ["VIEW_CHANNEL"]);
    expect(said(await stage.post({ content: "a" }))).toBe("403 50001");
    const banned = await stage.call("GET", "/users/@me");
    expect(banned.status).toBe(429);
    expect(banned.headers.get("content-type")).toStartWith("text/html");
    expect(banned.headers.get("retry-after")).toBe("600");
    stage.clock.advance(600_000);
    expect(said(await stage.call("GET", "/users/@me"))).toBe("200");
  });

  test("the official client waits out what the headers tell", async () => {
    const discord = createDiscord();
    const server = await startDiscordServer(discord);
    const rest = new REST({ api: server.api }).setToken(discord.bot.token);
    const { id } = discord.user("ann").say(discord.user("ann").directChannel(), "a");
    const path = `channels/${discord.user("ann").directChannel().id}/messages/${id}/reactions`;
    await Promise.all(["👀", "👍", "🎉"].map((emoji) => rest.put(`/${path}/${encodeURIComponent(emoji)}/@me`)));
    expect(Object.keys(discord.message({ id })?.reactions ?? {})).toEqual(["👀", "👍", "🎉"]);
    expect(discord.calls.filter(({ status }) => status === 429)).toEqual([]);
    await server.close();
  });
});

describe("faults", () => {
  const route = "POST /channels/:id/messages";

  test("before and after the effect, counted, and gone when removed", async () => {
    await using stage = await createStage({ rates: false });
    const { discord, post } = stage;
    const texts = () => discord.messages(stage.channel).map(({ text }) => text);
    const failed = (content: string) =>
      post({ content }).then(
        () => "answered",
        () => "failed",
      );
    discord.faults.add({ on: "request", route, times: 1, fault: { kind: "reset" } });
    discord.faults.add({ on: "request", route, times: 1, fault: { kind: "reset", acts: true } });
    discord.faults.add({ on: "request", route, times: 1, fault: { kind: "cut" } });
    expect([await failed("a"), await failed("b"), await failed("c"), await failed("d")]).toEqual([
      "failed",
      "failed",
      "failed",
      "answered",
    ]);
    expect(texts()).toEqual(["b", "c", "d"]);
    expect(discord.faults.counts()).toEqual({ "request reset": 2, "request cut": 1 });
    expect(discord.calls.map(({ fault, status }) => [fault, status])).toEqual([
      ["reset", undefined],
      ["reset", 200],
      ["cut", 200],
      [undefined, 200],
    ]);
    const remove = discord.faults.add({ on: "request", route, fault: { kind: "error", status: 503 } });
    expect([(await post({ content: "e" })).status, (await stage.call("GET", "/users/@me")).status]).toEqual([503, 200]);
    remove();
    expect((await post({ content: "f" })).status).toBe(200);
    discord.faults.add({ on: "request", skip: 1, times: 1, fault: { kind: "html", status: 502, acts: true } });
    expect([(await post({ content: "g" })).status, (await post({ content: "h" })).text]).toEqual([
      200,
      expect.stringContaining("<html>"),
    ]);
    discord.faults.add({
      on: "request",
      when: ({ body }) => body.content === "i",
      fault: { kind: "limited", retryAfterS: 0.3, scope: "shared" },
    });
    const limited = await post({ content: "i" });
    expect(limited.headers.get("x-ratelimit-scope")).toBe("shared");
    expect(limited.body).toEqual({ message: "You are being rate limited.", retry_after: 0.3, global: false });
    discord.faults.clear();
    expect((await post({ content: "i" })).status).toBe(200);
    expect(texts().slice(3)).toEqual(["f", "g", "h", "i"]);
  });

  test("a slow answer comes, one that hangs does not", async () => {
    await using stage = await createStage({ rates: false });
    stage.discord.faults.add({ on: "request", times: 1, fault: { kind: "delay", ms: 40 } });
    const began = performance.now();
    expect((await stage.call("GET", "/users/@me")).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThanOrEqual(39);
    stage.discord.faults.add({ on: "request", fault: { kind: "hang", acts: true } });
    const hanging = fetch(`${stage.server.api}/v10/users/@me`, { signal: AbortSignal.timeout(30) });
    expect(await hanging.catch((error: Error) => error.name)).toBe("TimeoutError");
  });

  test("downloads fail as requests do", async () => {
    await using stage = await createStage({ rates: false });
    const sent = stage.ann.say(stage.channel, "", {
      files: [{ name: "a.txt", bytes: new Uint8Array(100), type: "text/plain" }],
    });
    const { body } = await stage.call("GET", `/channels/${stage.channel.id}/messages/${sent.id}`);
    const { url } = (body.attachments as { url: string }[])[0] ?? { url: "" };
    stage.discord.faults.add({ on: "request", route: "GET /attachments", times: 1, fault: { kind: "cut" } });
    expect(
      await fetch(url)
        .then((response) => response.bytes())
        .catch(() => "failed"),
    ).toBe("failed");
    const whole = await fetch(url);
    expect([whole.headers.get("content-type"), (await whole.bytes()).length]).toEqual(["text/plain", 100]);
  });
});
