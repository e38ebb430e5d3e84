// Socket Mode of the fake Slack: greetings, tickets, acknowledgements, retries, goodbyes; with the official client too.
import { describe, expect, test } from "bun:test";
import { LogLevel, SocketModeClient } from "@slack/socket-mode";
import { kind, openSocket, type Stand, stand, until } from "./stand.ts";

/** Lets what was woken by the clock run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A logger of the official client that says nothing. */
function silent() {
  const nothing = () => {};
  const getLevel = () => LogLevel.ERROR;
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
    setLevel: nothing,
    setName: nothing,
    getLevel,
  };
}

async function advance({ clock }: Stand, ms: number): Promise<void> {
  clock.advance(ms);
  await settle();
}

describe("connections", () => {
  test("an address works once, and hello says how many there are", async () => {
    await using place = await stand();
    const first = await openSocket(place);
    await first.ready();
    expect(first.frames[0]).toMatchObject({
      type: "hello",
      num_connections: 1,
      connection_info: { app_id: place.slack.app.id },
      debug_info: { approximate_connection_time: 18_060 },
    });
    const second = await openSocket(place);
    await second.ready();
    expect(second.frames[0]?.num_connections).toBe(2);
    const again = new WebSocket(first.url);
    const failed = Promise.withResolvers<void>();
    again.addEventListener("error", () => failed.resolve());
    again.addEventListener("close", () => failed.resolve());
    await failed.promise;
    expect(place.slack.sockets.links(place.slack.app)).toHaveLength(2);
  });

  test("ten at most; the next one is told so", async () => {
    await using place = await stand();
    for (let index = 0; index < 10; index += 1) await (await openSocket(place)).ready();
    const late = await openSocket(place);
    await until(() => late.state.closed !== undefined);
    expect(late.frames).toMatchObject([{ type: "disconnect", reason: "too_many_websockets" }]);
    expect(place.slack.sockets.links(place.slack.app)).toHaveLength(10);
  });

  test("each envelope goes to one of them", async () => {
    await using place = await stand();
    const sockets = [await openSocket(place), await openSocket(place)];
    for (const one of sockets) await one.ready();
    for (let index = 0; index < 6; index += 1) place.ann.say(place.team, `m${index}`);
    await until(() => sockets.reduce((sum, one) => sum + one.events().length, 0) === 6);
    expect(sockets.map((one) => one.events().length)).toEqual([3, 3]);
  });

  test("goodbye comes with a reason, before the end or without one", async () => {
    await using place = await stand();
    const { slack } = place;
    for (const reason of ["refresh_requested", "link_disabled"] as const) {
      const one = await openSocket(place);
      await one.ready();
      slack.sockets.disconnect(slack.app, { reason });
      await until(() => one.state.closed !== undefined);
      expect(one.frames.at(-1)).toMatchObject({ type: "disconnect", reason });
    }
    const warned = await openSocket(place);
    await warned.ready();
    slack.sockets.disconnect(slack.app, { reason: "warning", end: false });
    await until(() => warned.frames.length === 2);
    place.ann.say(place.team, "still here");
    await until(() => warned.events().length === 1);
    slack.sockets.cut(slack.app, { code: 4321, reason: "bye" });
    await until(() => warned.state.closed === 4321);
  });

  test("the official client is greeted, acknowledges, and comes back after a refresh", async () => {
    await using place = await stand();
    const { slack, server, ann, team, bot } = place;
    const client = new SocketModeClient({
      appToken: slack.app.appToken,
      clientOptions: { slackApiUrl: server.apiUrl },
      clientPingTimeout: 100,
      logLevel: LogLevel.ERROR,
    });
    const heard: string[] = [];
    for (const name of ["message", "app_mention"]) {
      client.on(name, ({ ack, event }: { ack: () => Promise<void>; event: { type: string; ts: string } }) => {
        heard.push(`${event.type} ${event.ts}`);
        void ack();
      });
    }
    await client.start();
    const ts = ann.say(team, `${bot} hello`);
    await until(() => heard.length === 2);
    expect(heard).toEqual([`message ${ts}`, `app_mention ${ts}`]);
    await until(() => slack.sockets.pending().length === 0);
    const back = new Promise<void>((resolve) => client.once("connected", () => resolve()));
    slack.sockets.disconnect(slack.app, { reason: "refresh_requested" });
    await back;
    ann.say(team, "again");
    await until(() => heard.length === 3);
    await client.disconnect();
    expect(slack.sockets.links(slack.app)).toEqual([]);
  });
});

describe("pings", () => {
  const clientOf = ({ slack, server }: Stand) =>
    new SocketModeClient({
      appToken: slack.app.appToken,
      clientOptions: { slackApiUrl: server.apiUrl },
      clientPingTimeout: 90,
      serverPingTimeout: 200,
      logLevel: LogLevel.ERROR,
      logger: silent(),
    });

  test("both sides ping; the official client leaves a connection that fell silent", async () => {
    await using place = await stand({ pingMs: 20 });
    const { slack } = place;
    const client = clientOf(place);
    await client.start();
    const [first] = slack.sockets.links(slack.app);
    const back = new Promise<void>((resolve) => client.once("connected", () => resolve()));
    slack.sockets.mute(slack.app);
    await back;
    // Whether the client ends the silent connection is its own affair; on some runtimes it cannot.
    expect(slack.sockets.links(slack.app).filter((link) => link !== first)).toHaveLength(1);
    await client.disconnect();
  });
});

describe("acknowledgements", () => {
  test("without one an event comes again: at once, after a minute, after five, with its number and the same id", async () => {
    await using place = await stand();
    const { slack } = place;
    const one = await openSocket(place, { acks: false });
    await one.ready();
    place.ann.say(place.team, "a");
    await until(() => one.envelopes().length === 1);
    await advance(place, 2999);
    expect(slack.sockets.envelopes[0]?.attempts).toHaveLength(1);
    await advance(place, 1);
    expect(slack.sockets.envelopes[0]?.attempts).toHaveLength(2);
    await advance(place, 3000);
    await advance(place, 59_999);
    expect(slack.sockets.envelopes[0]?.attempts).toHaveLength(2);
    await advance(place, 1);
    expect(slack.sockets.envelopes[0]?.attempts).toHaveLength(3);
    await advance(place, 3000);
    await advance(place, 300_000);
    await advance(place, 3000);
    expect(slack.sockets.envelopes[0]).toMatchObject({ lost: true });
    await until(() => one.envelopes().length === 4);
    expect(
      one.envelopes().map(({ retry_attempt, retry_reason }) => `${String(retry_attempt)} ${String(retry_reason)}`),
    ).toEqual(["0 ", "1 timeout", "2 timeout", "3 timeout"]);
    const ids = one.envelopes().map(({ payload }) => (payload as { event_id: string }).event_id);
    expect(new Set(ids).size).toBe(1);
  });

  test("one that is late ends the retries", async () => {
    await using place = await stand();
    const one = await openSocket(place, { acks: false });
    await one.ready();
    place.ann.say(place.team, "a");
    await until(() => one.envelopes().length === 1);
    await advance(place, 3000);
    await until(() => one.envelopes().length === 2);
    one.ack(one.envelopes()[0] ?? {});
    await until(() => place.slack.sockets.envelopes[0]?.ackedAt !== undefined);
    await advance(place, 400_000);
    expect(one.envelopes()).toHaveLength(2);
  });

  test("an event finds the connection that comes later", async () => {
    await using place = await stand();
    place.ann.say(place.team, "a");
    await settle();
    expect(place.slack.sockets.envelopes[0]?.attempts.map(({ link }) => link)).toEqual([undefined, undefined]);
    const one = await openSocket(place);
    await one.ready();
    await advance(place, 60_000);
    await until(() => one.events().length === 1);
  });

  test("a command is sent once; who typed it is told when nobody answers", async () => {
    await using place = await stand({ app: { commands: ["/pi-new"] } });
    const { slack, ann, team } = place;
    const one = await openSocket(place, { acks: false });
    await one.ready();
    ann.slash(team, "/pi-new", "now");
    await until(() => one.envelopes().length === 1);
    await advance(place, 3000);
    await advance(place, 400_000);
    expect(one.envelopes()).toHaveLength(1);
    expect(slack.ephemerals(team, ann)[0]?.text).toContain("operation_timeout");
  });
});

describe("events", () => {
  test("a mention comes twice with one ts; in a direct conversation once", async () => {
    await using place = await stand();
    const { ann, team, bot } = place;
    const one = await openSocket(place);
    await one.ready();
    const ts = ann.say(team, `${bot} hi https://example.com`);
    ann.say(ann.dm(), `${bot} hi`);
    await until(() => one.events().length === 3);
    expect(one.events().map((event) => `${kind(event)} ${String(event.channel_type)}`)).toEqual([
      "message channel",
      "app_mention undefined",
      "message im",
    ]);
    expect(
      one
        .events()
        .slice(0, 2)
        .map((event) => event.ts),
    ).toEqual([ts, ts]);
    expect(one.events()[0]?.text).toBe(`${bot} hi <https://example.com>`);
  });

  test("changes, deletions, broadcasts, files, arrivals and previews have their subtypes", async () => {
    await using place = await stand();
    const { ann, team, slack } = place;
    const one = await openSocket(place);
    await one.ready();
    const ts = ann.say(team, "a");
    ann.edit(team, ts, "b");
    slack.unfurl(team, ts);
    ann.say(team, "c", { thread: ts, broadcast: true });
    ann.delete(team, ts);
    const other = ann.say(team, "d", { files: [{ name: "a.txt", bytes: new Uint8Array(3) }] });
    ann.delete(team, other);
    ann.invite(team, slack.user("bob"));
    slack.rename(team, "crew");
    ann.react(team, ann.say(team, "e"), "eyes");
    await until(() => one.events().length === 12);
    expect(one.events().map(kind)).toEqual([
      "message",
      "message/message_changed",
      "message/message_changed",
      "message/thread_broadcast",
      "message/message_changed",
      "message/file_share",
      "message/message_deleted",
      "message/channel_join",
      "member_joined_channel",
      "channel_rename",
      "message",
      "reaction_added",
    ]);
    const [, edit, preview, , tombstone] = one.events();
    expect(edit).toMatchObject({
      message: { text: "b", edited: { user: ann.id } },
      previous_message: { text: "a" },
      hidden: true,
    });
    expect(preview).toMatchObject({ message: { text: "b", ts }, previous_message: { text: "b" } });
    expect(tombstone).toMatchObject({ message: { subtype: "tombstone" } });
  });

  test("an edit that adds a mention is one; an edit that keeps it is not; a bot cannot mention itself", async () => {
    await using place = await stand();
    const { ann, team, bot, call } = place;
    const one = await openSocket(place);
    await one.ready();
    const ts = ann.say(team, "hello");
    ann.edit(team, ts, `${bot} hello`);
    ann.edit(team, ts, `${bot} hello again`);
    await call("chat.postMessage", { text: `${bot} that is me` });
    await until(() => one.events().filter(({ bot_id }) => bot_id !== undefined).length > 0);
    expect(one.events().map(kind)).toEqual([
      "message",
      "message/message_changed",
      "app_mention",
      "message/message_changed",
      "message",
    ]);
  });

  test("a bot hears itself", async () => {
    await using place = await stand();
    const { slack, call } = place;
    const one = await openSocket(place);
    await one.ready();
    const { ts } = await call("chat.postMessage", { text: "a" });
    await until(() => one.events().length === 1);
    expect(one.events()[0]).toMatchObject({
      ts,
      bot_id: slack.app.botId,
      user: slack.app.user.id,
      app_id: slack.app.id,
    });
  });

  test("only what was subscribed to, with its scope, in channels of one's own", async () => {
    await using place = await stand({ app: { events: ["message.im", "app_mention"], scopes: ["app_mentions:read"] } });
    const { ann, team, bot, slack } = place;
    const one = await openSocket(place);
    await one.ready();
    ann.say(team, "unheard");
    ann.say(ann.dm(), "without im:history");
    ann.say(slack.newChannel("far", { members: [ann] }), `${bot} not there`);
    ann.say(team, `${bot} heard`);
    slack.giveScope(slack.app, "im:history");
    ann.say(ann.dm(), "heard too");
    await until(() => one.events().length === 2);
    expect(one.events().map(kind)).toEqual(["app_mention", "message"]);
  });

  test("the home tab and assistant threads", async () => {
    await using place = await stand();
    const { ann, slack, call } = place;
    const one = await openSocket(place);
    await one.ready();
    ann.openHome();
    const ts = ann.startAssistantThread({ context: { channel_id: "C1" } });
    ann.moveAssistantThread(ts, { context: { channel_id: "C2" } });
    const dm = ann.dm();
    await call("assistant.threads.setTitle", { channel_id: dm.id, thread_ts: ts, title: "Hello" });
    await until(() => one.events().length === 4);
    expect(one.events().map(kind)).toEqual([
      "app_home_opened",
      "assistant_thread_started",
      "assistant_thread_context_changed",
      "message/message_changed",
    ]);
    expect(one.events()[3]).toMatchObject({ message: { subtype: "assistant_app_thread" } });
    await call("assistant.threads.setStatus", { channel_id: dm.id, thread_ts: ts, status: "is thinking" });
    expect(slack.assistant(dm, ts)).toMatchObject({
      title: "Hello",
      status: "is thinking",
      context: { channel_id: "C2" },
    });
    await call("chat.postMessage", { channel: dm.id, thread_ts: ts, text: "done" });
    expect(slack.assistant(dm, ts)?.status).toBe("");
  });
});
