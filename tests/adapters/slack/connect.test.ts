// The line to Slack: acknowledged only when it is taken, replaced before it goes, and never believed for long.
import { expect, test } from "bun:test";
import { Failure } from "../../../src/core/failure.ts";
import { limits } from "../../../src/core/limits.ts";
import { connected, openDoor } from "./door.ts";

/** The envelopes of messages and commands, oldest first. */
function envelopes(door: Awaited<ReturnType<typeof connected>>) {
  return door.slack.sockets.envelopes.filter(({ app }) => app === door.app.id);
}

test("a message is taken, then acknowledged", async () => {
  const gate = Promise.withResolvers<void>();
  await using door = await connected({
    async receive() {
      await gate.promise;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.ann.say(door.team, `${door.bot} hello`);
  await door.until(() => door.received.length > 0);
  expect(envelopes(door).every(({ ackedAt }) => ackedAt === undefined)).toBe(true);
  gate.resolve();
  await door.until(() => envelopes(door).every(({ ackedAt }) => ackedAt !== undefined));
});

test("what cannot be stored is not acknowledged, and comes again", async () => {
  let fails = true;
  await using door = await connected({
    receive() {
      if (fails) throw new Failure("store", "The disk is full");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.ann.say(door.ann.dm(), "keep this");
  await door.until(() => door.received.length === 1);
  expect(envelopes(door)[0]?.ackedAt).toBeUndefined();
  fails = false;
  await door.until(() => envelopes(door)[0]?.ackedAt !== undefined, { advanceMs: 100 });
  expect(door.texts()).toEqual(["keep this", "keep this"]);
  const [first, second] = door.received;
  expect(second?.id).toBe(first?.id ?? "");
});

test("what Slack gave up sending is fetched", async () => {
  let fails = true;
  await using door = await connected({
    receive() {
      if (fails) throw new Failure("store", "The disk is full");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.slack.faults.add({ fault: { kind: "swallow" }, methods: ["envelope"], skip: 1 });
  door.ann.say(door.ann.dm(), "keep this");
  await door.until(() => door.received.length === 1);
  fails = false;
  await door.until(() => door.received.length === 2, { advanceMs: 1_000 });
  expect(door.texts()).toEqual(["keep this", "keep this"]);
  expect(door.calls("conversations.history")).toBe(1);
});

test("an envelope that comes twice is taken once at a time, and acknowledged both times", async () => {
  const gate = Promise.withResolvers<void>();
  await using door = await connected({
    async receive() {
      await gate.promise;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.slack.faults.add({ fault: { kind: "duplicate" }, methods: ["envelope"] });
  door.ann.say(door.ann.dm(), "once");
  await door.until(() => door.received.length > 0);
  gate.resolve();
  await door.until(() => envelopes(door)[0]?.ackedAt !== undefined);
  expect(door.texts()).toEqual(["once"]);
});

test("a mention comes as two events with one id", async () => {
  await using door = await connected();
  const ts = door.ann.say(door.team, `${door.bot} hello`);
  await door.until(() => door.received.length === 2);
  expect(door.received.map(({ kind, id }) => [kind, id])).toEqual([
    ["message", ts],
    ["message", ts],
  ]);
  expect(door.received[0]).toMatchObject({ addressed: true, text: "hello", sender: { id: door.ann.id, name: "ann" } });
});

test("messages of one conversation keep their order while names are asked for", async () => {
  await using door = await connected();
  door.slack.faults.add({ fault: { kind: "delay", ms: 60 }, methods: ["users.info"], times: 1 });
  const bob = door.slack.user("bob");
  door.team.members.add(bob.id);
  bob.say(door.team, "one");
  door.ann.say(door.team, "two");
  bob.say(door.team, "three");
  await door.until(() => door.received.length === 3);
  expect(door.texts()).toEqual(["one", "two", "three"]);
});

test("a name that never comes holds nothing up for long", async () => {
  await using door = await connected();
  door.slack.faults.add({ fault: { kind: "hang" }, methods: ["users.info"] });
  door.ann.say(door.team, "one");
  await door.until(() => door.received.length === 1, { advanceMs: 50 });
  expect(door.received[0]?.sender).toEqual({ id: door.ann.id, name: door.ann.id });
});

test("a stop overtakes what hangs before it", async () => {
  const gate = Promise.withResolvers<void>();
  await using door = await connected({
    async receive(inbound) {
      if (inbound.kind === "message" && inbound.text === "hang") await gate.promise;
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.ann.say(door.ann.dm(), "hang");
  await door.until(() => door.received.length === 1);
  door.ann.say(door.ann.dm(), "stop");
  await door.until(() => door.received.length === 2, { advanceMs: 50 });
  expect(door.texts()).toEqual(["hang", "stop"]);
  gate.resolve();
});

test("a socket that will end is replaced before it does, and nothing is looked for", async () => {
  await using door = await connected({ places: () => [] });
  const [first] = door.slack.sockets.links(door.app);
  door.slack.sockets.disconnect(door.app, { reason: "warning", end: false });
  await door.until(() => door.links() === 2);
  door.ann.say(door.ann.dm(), "both are read");
  door.ann.say(door.ann.dm(), "and acknowledged");
  await door.until(() => door.received.length === 2);
  await door.until(() => !door.slack.sockets.links(door.app).includes(first ?? ""), { advanceMs: 500 });
  expect(door.links()).toBe(1);
  await door.until(() => envelopes(door).every(({ ackedAt }) => ackedAt !== undefined));
  expect(door.adapter.health().state).toBe("connected");
});

for (const [name, end] of [
  [
    "a refresh that ends it at once",
    (door) => door.slack.sockets.disconnect(door.app, { reason: "refresh_requested" }),
  ],
  ["a close", (door) => door.slack.sockets.cut(door.app, { code: 1001 })],
  ["a break", (door) => door.slack.sockets.cut(door.app)],
] as [string, (door: Awaited<ReturnType<typeof connected>>) => void][]) {
  test(`after ${name} another socket opens, and what was missed is fetched once`, async () => {
    const seen: string[] = [];
    let dm = "";
    await using door = await connected({
      places: () =>
        seen.length === 0
          ? []
          : [{ conversation: { id: dm, kind: "direct" }, newest: { id: seen.at(-1) ?? "", sentAt: 0 } }],
      receive(inbound) {
        if (inbound.kind === "message") seen.push(inbound.id);
        return { state: "waiting", input: 1, session: 1, place: 1 };
      },
    });
    dm = door.ann.dm().id;
    door.ann.say(door.ann.dm(), "before");
    await door.until(() => door.received.length === 1);
    end(door);
    door.ann.say(door.ann.dm(), "meanwhile");
    await door.until(() => door.received.length >= 2, { advanceMs: 100 });
    await door.until(() => door.links() === 1);
    expect(new Set(door.texts())).toEqual(new Set(["before", "meanwhile"]));
  });
}

test("a socket that says nothing is asked, then replaced", async () => {
  await using door = await connected();
  door.slack.sockets.mute(door.app);
  await door.until(() => door.links() === 2, { advanceMs: limits.socketProbeMs / 2 });
  door.ann.say(door.ann.dm(), "hello");
  door.ann.say(door.ann.dm(), "again");
  await door.until(() => door.received.length > 0, { advanceMs: 500 });
  expect(door.lines.map(({ fields }) => fields.why)).toContain("silent");
});

test("a store that cannot say where to look costs nothing but the look", async () => {
  await using door = await connected({
    places() {
      throw new Failure("store", "The disk is gone");
    },
  });
  door.ann.say(door.ann.dm(), "hello");
  await door.until(() => door.received.length === 1);
});

test("a quiet socket that answers stays", async () => {
  await using door = await connected();
  const [first] = door.slack.sockets.links(door.app);
  for (let minutes = 0; minutes < 120; minutes += 1) {
    door.clock.advance(5_000);
    // A pong takes its way over the loopback.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(door.slack.sockets.links(door.app)).toEqual([first ?? ""]);
  expect(door.adapter.health().state).toBe("connected");
});

test("a server that comes back is found again, with pauses in between", async () => {
  await using door = await openDoor();
  door.slack.faults.add({ fault: { kind: "status", status: 503 }, methods: ["auth.test"], times: 3 });
  await door.until(() => door.adapter.health().state === "connected", { advanceMs: 200 });
  expect(door.calls("auth.test")).toBeGreaterThan(1);
});

test("a wait of no time at all is no reason to ask without pause", async () => {
  await using door = await openDoor();
  door.slack.faults.add({ fault: { kind: "limit", retryAfterS: 0 }, methods: ["apps.connections.open"] });
  await door.until(() => door.adapter.health().state === "down");
  for (let steps = 0; steps < 60; steps += 1) {
    door.clock.advance(1);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(door.calls("apps.connections.open")).toBe(1);
});

test("a revoked bot token is down with the mend, and no token is said", async () => {
  await using door = await connected();
  door.slack.revoke(door.app);
  const call = door.adapter.post(
    { adapter: "slack-a", conversation: { id: door.team.id, kind: "shared" } },
    { body: "whello", buttons: [], audible: false, forming: false, nonce: "n" },
  );
  await expect(call).rejects.toMatchObject({ fate: "later", everywhere: true });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 100 });
  expect(door.adapter.health().problem).toContain("adapters.slack-a.botToken");
  expect(door.adapter.health().problem).toContain("token_revoked");
  expect(door.said()).not.toContain(door.app.botToken);
});

test("a refused app token says which one it is", async () => {
  await using door = await openDoor();
  door.slack.revoke(door.app, { token: "app" });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 100 });
  expect(door.adapter.health().problem).toContain("adapters.slack-a.appToken");
});

test("an app token without its scope is told", async () => {
  await using door = await openDoor();
  door.app.appScopes.clear();
  door.slack.sockets.cut(door.app);
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 100 });
  expect(door.adapter.health().problem).toContain("connections:write");
});

test("Socket Mode that was switched off is told", async () => {
  await using door = await connected();
  door.slack.faults.add({ fault: { kind: "hang" }, methods: ["apps.connections.open"] });
  door.slack.sockets.disconnect(door.app, { reason: "link_disabled" });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 10 });
  expect(door.adapter.health().problem).toContain("Socket Mode switched off");
});

test("no greeting is no connection", async () => {
  await using door = await openDoor();
  door.slack.faults.add({ fault: { kind: "mute" }, methods: ["socket"] });
  await door.until(() => door.adapter.health().state === "down", { advanceMs: 500 });
  expect(door.adapter.health().problem).toContain("Cannot reach Slack");
});

test("our own messages and those of other bots are not taken", async () => {
  await using door = await connected();
  const other = door.slack.newApp({ name: "other" });
  door.team.members.add(other.user.id);
  door.slack.call("chat.postMessage", {
    token: other.botToken,
    params: { channel: door.team.id, text: `${door.bot} hi` },
  });
  door.slack.call("chat.postMessage", { token: door.app.botToken, params: { channel: door.team.id, text: "mine" } });
  door.ann.say(door.team, "last");
  await door.until(() => door.received.length > 0);
  expect(door.texts()).toEqual(["last"]);
  await door.until(() => envelopes(door).every(({ ackedAt }) => ackedAt !== undefined));
});

test("another program with the same app token is told", async () => {
  await using one = await connected();
  await using two = await connected({ slack: one.slack, server: one.server });
  expect(two.lines.map(({ message }) => message).join()).toContain("Another program");
  expect(one.lines.map(({ message }) => message).join()).not.toContain("Another program");
});

test("two workspaces are two lines, and one that fails leaves the other alone", async () => {
  await using one = await connected({ name: "slack-a" });
  await using two = await connected({ name: "slack-b" });
  one.slack.revoke(one.app);
  one.slack.sockets.cut(one.app);
  await one.until(() => one.adapter.health().state === "down" || one.adapter.health().state === "connected", {
    advanceMs: 100,
  });
  two.ann.say(two.ann.dm(), "hello");
  await two.until(() => two.received.length === 1);
  expect(two.received[0]?.adapter).toBe("slack-b");
});

test("close ends every connection and timer", async () => {
  const door = await connected();
  await door[Symbol.asyncDispose]();
  expect(door.links()).toBe(0);
  expect(door.watchers.size).toBe(0);
  const { length } = door.slack.calls;
  door.clock.advance(60 * 60_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(door.slack.calls.length).toBe(length);
  expect(door.clock.sleeping()).toBe(0);
});
