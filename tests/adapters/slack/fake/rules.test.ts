// The fake Slack refuses what the real one refuses: tokens, scopes, limits, messages, histories, reactions, users.
import { describe, expect, test } from "bun:test";
import { WebClient } from "@slack/web-api";
import { said, stand, texts, why } from "./stand.ts";
import type { Json } from "./world.ts";

const section = (text: string): Json => ({ type: "section", text: { type: "mrkdwn", text } });
const button = (given: Json = {}): Json => ({
  type: "button",
  action_id: "go",
  text: { type: "plain_text", text: "Go" },
  ...given,
});

describe("tokens and scopes", () => {
  test("a token is asked for, must be known, live and of the right kind", async () => {
    await using place = await stand();
    const { slack } = place;
    const ask = (token: string | undefined, method = "auth.test") => slack.call(method, { token }).body.error;
    expect(ask(undefined)).toBe("not_authed");
    expect(ask("xoxb-nobody")).toBe("invalid_auth");
    expect(ask(slack.app.appToken)).toBe("not_allowed_token_type");
    expect(ask(slack.app.botToken, "apps.connections.open")).toBe("not_allowed_token_type");
    expect(ask(slack.app.botToken, "no.such")).toBe("unknown_method");
    slack.revoke(slack.app, { state: "inactive" });
    expect(ask(slack.app.botToken)).toBe("account_inactive");
    slack.revoke(slack.app);
    expect(ask(slack.app.botToken)).toBe("token_revoked");
  });

  test("a scope that is missing is named, and headers name all that are there", async () => {
    await using place = await stand({ app: { scopes: ["chat:write", "im:history"] } });
    const { slack, server, team } = place;
    const ask = async (method: string, params: Record<string, string>) => {
      const response = await fetch(server.apiUrl + method, {
        method: "POST",
        headers: { authorization: `Bearer ${slack.app.botToken}` },
        body: new URLSearchParams(params),
      });
      return { headers: response.headers, body: (await response.json()) as Json };
    };
    const users = await ask("users.list", {});
    expect(users.body).toEqual({
      ok: false,
      error: "missing_scope",
      needed: "users:read",
      provided: "chat:write,im:history",
    });
    expect(users.headers.get("x-oauth-scopes")).toBe("chat:write,im:history");
    expect(users.headers.get("x-accepted-oauth-scopes")).toBe("users:read");
    const history = await ask("conversations.history", { channel: team.id });
    expect(history.body).toMatchObject({ error: "missing_scope", needed: "channels:history" });
    slack.giveScope(slack.app, "channels:history");
    expect((await ask("conversations.history", { channel: team.id })).body.ok).toBe(true);
    slack.takeScope(slack.app, "chat:write");
    expect((await ask("chat.postMessage", { channel: team.id, text: "a" })).body.error).toBe("missing_scope");
  });

  test("a token may stand in a form, but not in a JSON body", async () => {
    await using place = await stand();
    const { slack, server } = place;
    const url = `${server.apiUrl}auth.test`;
    const form = await fetch(url, { method: "POST", body: new URLSearchParams({ token: slack.app.botToken }) });
    expect(said((await form.json()) as Json)).toBe("ok");
    const json = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: slack.app.botToken }),
    });
    expect(said((await json.json()) as Json)).toBe("not_authed");
    const headers = { "content-type": "application/json", authorization: `Bearer ${slack.app.botToken}` };
    const broken = await fetch(url, { method: "POST", headers, body: "{" });
    expect(said((await broken.json()) as Json)).toBe("invalid_json");
  });
});

describe("limits", () => {
  test("posting is about one a second in each channel", async () => {
    await using place = await stand({ rates: true });
    const { slack, clock, team, ann } = place;
    const post = (channel: string) =>
      slack.call("chat.postMessage", { token: slack.app.botToken, params: { channel, text: "a" } });
    expect([1, 2, 3].map(() => post(team.id).status)).toEqual([200, 200, 200]);
    const refused = post(team.id);
    expect(refused).toMatchObject({ status: 429, body: { ok: false, error: "ratelimited" } });
    expect(refused.headers["retry-after"]).toBe("3");
    expect(post(ann.dm().id).status).toBe(200);
    clock.advance(3000);
    expect(post(team.id).status).toBe(200);
  });

  test("other methods have tiers, for each method by itself", async () => {
    await using place = await stand({ rates: true });
    const { slack, clock } = place;
    const ask = (method: string) => slack.call(method, { token: slack.app.botToken }).status;
    const list = Array.from({ length: 23 }, () => ask("users.list"));
    expect(list.filter((status) => status === 200)).toHaveLength(22);
    expect(ask("conversations.list")).toBe(200);
    clock.advance(60_000);
    expect(ask("users.list")).toBe(200);
  });

  test("the official client hears of it as a rate limit", async () => {
    await using place = await stand();
    const { slack, server, team } = place;
    slack.faults.add({ fault: { kind: "limit", retryAfterS: 7 }, methods: ["chat.postMessage"], times: 1 });
    const web = new WebClient(slack.app.botToken, { slackApiUrl: server.apiUrl, rejectRateLimitedCalls: true });
    const post = () => web.apiCall("chat.postMessage", { channel: team.id, text: "a" });
    expect(await post().catch((error: unknown) => error)).toMatchObject({
      code: "slack_webapi_rate_limited_error",
      retryAfter: 7,
    });
    expect((await post()).ok).toBe(true);
  });
});

describe("posting", () => {
  test("the channel must be there, open to the bot, and not archived", async () => {
    await using place = await stand();
    const { slack, call, ann, team } = place;
    const post = async (channel: string) => said(await call("chat.postMessage", { channel, text: "a" }));
    expect(await post("C0NOBODY")).toBe("channel_not_found");
    expect(await post(slack.newChannel("open", { members: [ann] }).id)).toBe("not_in_channel");
    expect(await post(slack.newChannel("shut", { kind: "private", members: [ann] }).id)).toBe("channel_not_found");
    expect(await post("#team")).toBe("ok");
    slack.app.messagesTab = false;
    expect(await post(ann.id)).toBe("messages_tab_disabled");
    expect(() => ann.say(ann.dm(), "hello?")).toThrow("turned off");
    slack.app.messagesTab = true;
    expect(await post(ann.id)).toBe("ok");
    expect(slack.messages(ann.dm()).map(({ text }) => text)).toEqual(["a"]);
    slack.archive(team);
    expect(await post(team.id)).toBe("is_archived");
  });

  test("ts are unique in a channel, also when time stands still", async () => {
    await using place = await stand();
    const { call } = place;
    const given = [];
    for (let index = 0; index < 3; index += 1) given.push((await call("chat.postMessage", { text: "a" })).ts);
    expect(given).toEqual(["1800000000.000000", "1800000000.000001", "1800000000.000002"]);
  });

  test("what is empty is refused, what is too long is cut, markup is escaped", async () => {
    await using place = await stand();
    const { call, slack, team } = place;
    expect(said(await call("chat.postMessage", {}))).toBe("no_text");
    expect(said(await call("chat.postMessage", { markdown_text: "x".repeat(12_001) }))).toBe("msg_too_long");
    expect(said(await call("chat.postMessage", { markdown_text: "x", text: "y" }))).toBe("markdown_text_conflict");
    const long = await call("chat.postMessage", { text: "x".repeat(40_001) });
    expect(long.warning).toBe("message_truncated");
    expect(slack.messages(team)[0]?.text).toHaveLength(40_000);
    await call("chat.postMessage", { text: "a < b & c <@U1> &amp;" });
    expect(slack.messages(team)[1]?.text).toBe("a &lt; b &amp; c <@U1> &amp;");
  });

  test("threads: a reply, its ts as a parent, a broadcast, a thread that is not there", async () => {
    await using place = await stand();
    const { call, slack, ann, team } = place;
    const root = ann.say(team, "root");
    const reply = await call("chat.postMessage", { text: "one", thread_ts: root });
    await call("chat.postMessage", { text: "two", thread_ts: reply.ts, reply_broadcast: "true" });
    expect(slack.thread(team, root).map(({ text }) => text)).toEqual(["root", "one", "two"]);
    const { messages } = await call("conversations.history");
    expect(messages).toMatchObject([
      { text: "two", subtype: "thread_broadcast", root: { ts: root } },
      { text: "root" },
    ]);
    expect(said(await call("chat.startStream", { thread_ts: "1700000000.000000" }))).toBe("thread_not_found");
    expect(said(await call("chat.postMessage", { text: "x", thread_ts: "soon" }))).toBe("invalid_arguments");
  });

  test("a reply to a message that was deleted comes up in the channel, and the answer has no thread_ts", async () => {
    await using place = await stand();
    const { call, slack, ann, team } = place;
    const root = ann.say(team, "root");
    ann.delete(team, root);
    const answer = await call("chat.postMessage", { text: "lost", thread_ts: root });
    expect(said(answer)).toBe("ok");
    expect(answer.message).not.toHaveProperty("thread_ts");
    expect(slack.thread(team, root)).toEqual([]);
    expect(texts(await call("conversations.history"))).toEqual(["lost"]);
  });

  test("metadata is an event type and an object, and shows only when asked for", async () => {
    await using place = await stand();
    const { call } = place;
    const metadata = { event_type: "turn", event_payload: { key: "k1" } };
    const post = (value: unknown) => call("chat.postMessage", { text: "a", metadata: value });
    expect(said(await post(JSON.stringify(metadata)))).toBe("ok");
    expect(said(await post({ event_type: "turn" }))).toBe("invalid_metadata_format");
    expect(said(await post("no JSON"))).toBe("invalid_metadata_format");
    expect(said(await post({ ...metadata, event_payload: { key: "x".repeat(20_000) } }))).toBe("metadata_too_large");
    expect(JSON.stringify(await call("conversations.history"))).not.toContain("event_payload");
    const shown = await call("conversations.history", { include_all_metadata: true });
    expect(shown.messages).toMatchObject([{ metadata }]);
  });

  test("a private message: who sees it must be there", async () => {
    await using place = await stand();
    const { call, slack, ann, team } = place;
    expect(said(await call("chat.postEphemeral", { text: "a", user: ann.id }))).toBe("ok");
    expect(said(await call("chat.postEphemeral", { text: "a", user: slack.user("eve").id }))).toBe(
      "user_not_in_channel",
    );
    expect(slack.ephemerals(team, ann).map(({ text }) => text)).toEqual(["a"]);
    expect(slack.messages(team)).toEqual([]);
  });
});

describe("changing", () => {
  test("only what the bot wrote, and only while it is there", async () => {
    await using place = await stand({ editWindowMinutes: 5 });
    const { call, clock, ann, team } = place;
    const theirs = ann.say(team, "mine");
    const { ts } = await call("chat.postMessage", { text: "a" });
    const update = async (params: Json) => said(await call("chat.update", { ts, ...params }));
    expect(await update({ text: "b" })).toBe("ok");
    expect(await update({ ts: theirs, text: "b" })).toBe("cant_update_message");
    expect(await update({ ts: "1.000000", text: "b" })).toBe("message_not_found");
    expect(await update({ text: "x".repeat(4001) })).toBe("msg_too_long");
    expect(said(await call("chat.delete", { ts: theirs }))).toBe("cant_delete_message");
    clock.advance(6 * 60_000);
    expect(await update({ text: "c" })).toBe("edit_window_closed");
    expect(said(await call("chat.delete", { ts }))).toBe("ok");
    expect(said(await call("chat.delete", { ts }))).toBe("message_not_found");
    expect(await update({ text: "d" })).toBe("message_not_found");
  });

  test("text alone takes the place of blocks and shows as edited; attachments and metadata stay", async () => {
    await using place = await stand();
    const { call, slack, team } = place;
    const metadata = { event_type: "turn", event_payload: {} };
    const { ts } = await call("chat.postMessage", { text: "a", blocks: [section("A")], metadata });
    await call("chat.update", { ts, text: "b", blocks: [section("B")] });
    expect(slack.messages(team)[0]).toMatchObject({ text: "b", metadata });
    expect(slack.messages(team)[0]?.edited).toBeUndefined();
    await call("chat.update", { ts, text: "c" });
    expect(slack.messages(team)[0]).toMatchObject({ blocks: [{ type: "rich_text" }], metadata });
    expect(slack.messages(team)[0]?.edited?.user).toBe(slack.app.user.id);
    expect(slack.messages(team)[0]?.forms.map(({ text }) => text)).toEqual(["a", "b", "c"]);
  });

  test("a parent that is deleted stays as a tombstone as long as it has replies", async () => {
    await using place = await stand();
    const { call, ann, team } = place;
    const root = ann.say(team, "root");
    await call("chat.postMessage", { text: "reply", thread_ts: root });
    ann.delete(team, root);
    const { messages } = await call("conversations.replies", { ts: root });
    expect(messages).toMatchObject([{ subtype: "tombstone", user: "USLACKBOT" }, { text: "reply" }]);
    ann.delete(team, ann.say(team, "alone"));
    expect(texts(await call("conversations.history"))).toEqual(["This message was deleted."]);
  });
});

describe("blocks", () => {
  const cases: [string, Json[], string][] = [
    ["51 blocks", Array.from({ length: 51 }, () => ({ type: "divider" })), "no more than 50 items allowed"],
    ["a section of 3001 characters", [section("x".repeat(3001))], "must be less than 3001 characters"],
    ["an empty section", [section("")], "must be more than 0 characters"],
    [
      "a header of 151",
      [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }],
      "must be less than 151",
    ],
    ["a header in mrkdwn", [{ type: "header", text: { type: "mrkdwn", text: "x" } }], "unsupported type: mrkdwn"],
    [
      "26 buttons",
      [{ type: "actions", elements: Array.from({ length: 26 }, (_, at) => button({ action_id: `${at}` })) }],
      "no more than 25",
    ],
    [
      "a label of 76",
      [{ type: "actions", elements: [button({ text: { type: "plain_text", text: "x".repeat(76) } })] }],
      "less than 76",
    ],
    ["a value of 2001", [{ type: "actions", elements: [button({ value: "x".repeat(2001) })] }], "less than 2001"],
    ["an action id of 256", [{ type: "actions", elements: [button({ action_id: "x".repeat(256) })] }], "less than 256"],
    ["one action id twice", [{ type: "actions", elements: [button(), button()] }], "action_id already exists"],
    [
      "one block id twice",
      [
        { type: "divider", block_id: "a" },
        { type: "divider", block_id: "a" },
      ],
      "block_id already exists",
    ],
    ["a type that is none", [{ type: "paragraph" }], "unsupported type: paragraph"],
  ];
  for (const [name, blocks, expected] of cases) {
    test(`${name} is invalid_blocks`, async () => {
      await using place = await stand();
      const answer = await place.call("chat.postMessage", { text: "a", blocks });
      expect(said(answer)).toBe("invalid_blocks");
      expect(why(answer)).toContain(expected);
      expect(why(answer)).toContain("[ERROR]");
      expect(place.slack.messages(place.team)).toEqual([]);
    });
  }

  test("markdown blocks have 12,000 characters together; what fits is taken, as text too", async () => {
    await using place = await stand();
    const { call, slack, team } = place;
    const markdown = (length: number): Json => ({ type: "markdown", text: "x".repeat(length) });
    const post = async (blocks: unknown) => said(await call("chat.postMessage", { text: "a", blocks }));
    expect(await post([markdown(6000), markdown(6001)])).toBe("msg_blocks_too_long");
    expect(await post([1, 2, 3, 4, 5].map(() => section("x".repeat(2900))))).toBe("msg_blocks_too_long");
    expect(await post([markdown(6000), markdown(6000)])).toBe("ok");
    expect(await post(JSON.stringify([section("x".repeat(3000))]))).toBe("ok");
    expect(await post("{")).toBe("invalid_blocks_format");
    expect(slack.messages(team)[1]?.blocks?.[0]?.block_id).toBeString();
  });
});

describe("streams", () => {
  test("start in a thread, append, stop; then it is an ordinary message", async () => {
    await using place = await stand();
    const { call, slack, ann } = place;
    const dm = ann.dm();
    const root = ann.say(dm, "question");
    const ask = (method: string, params: Json) => call(method, { channel: dm.id, ...params });
    expect(said(await ask("chat.startStream", {}))).toBe("invalid_arguments");
    const { ts } = await ask("chat.startStream", { thread_ts: root, markdown_text: "one" });
    expect(said(await ask("chat.appendStream", { ts, markdown_text: "x".repeat(12_001) }))).toBe("msg_too_long");
    expect(said(await ask("chat.appendStream", { ts, markdown_text: " two" }))).toBe("ok");
    expect(said(await ask("chat.appendStream", { ts, chunks: [{ type: "what" }] }))).toBe("invalid_chunks");
    expect(said(await ask("chat.update", { ts, text: "x" }))).toBe("streaming_state_conflict");
    const metadata = { event_type: "turn", event_payload: {} };
    const end = { ts, blocks: [{ type: "actions", elements: [button()] }], metadata };
    expect(said(await ask("chat.stopStream", { ...end, chunks: [{ type: "markdown_text", text: "." }] }))).toBe("ok");
    expect(said(await ask("chat.stopStream", end))).toBe("message_not_in_streaming_state");
    expect(said(await ask("chat.appendStream", { ts, markdown_text: "x" }))).toBe("message_not_in_streaming_state");
    expect(slack.thread(dm, root)[1]).toMatchObject({ text: "one two.", metadata, streaming: false });
    expect(said(await ask("chat.update", { ts, text: "done" }))).toBe("ok");
  });

  test("in a channel the one who asked must be named; others' messages are no streams", async () => {
    await using place = await stand();
    const { call, ann, team, slack } = place;
    const root = ann.say(team, "question");
    const start = async (params: Json) => said(await call("chat.startStream", { thread_ts: root, ...params }));
    expect(await start({})).toBe("missing_recipient_team_id");
    expect(await start({ recipient_team_id: slack.world.team.id })).toBe("missing_recipient_user_id");
    expect(await start({ recipient_team_id: slack.world.team.id, recipient_user_id: ann.id })).toBe("ok");
    expect(said(await call("chat.appendStream", { ts: root, markdown_text: "a" }))).toBe("message_not_owned_by_app");
  });
});

describe("reading", () => {
  test("history is newest first, in pages, within bounds", async () => {
    await using place = await stand();
    const { call, ann, team, clock } = place;
    const all: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      all.push(ann.say(team, `m${index}`));
      clock.advance(1000);
    }
    const first = await call("conversations.history", { limit: 2 });
    expect(texts(first)).toEqual(["m4", "m3"]);
    expect(first.has_more).toBe(true);
    const { next_cursor: cursor } = first.response_metadata as Json;
    expect(texts(await call("conversations.history", { limit: 2, cursor }))).toEqual(["m2", "m1"]);
    expect(said(await call("conversations.history", { cursor: "bm8=" }))).toBe("invalid_cursor");
    expect(said(await call("conversations.history", { limit: 1001 }))).toBe("invalid_limit");
    const bounds = { oldest: all[1], latest: all[3] };
    expect(texts(await call("conversations.history", bounds))).toEqual(["m2"]);
    expect(texts(await call("conversations.history", { ...bounds, inclusive: true }))).toEqual(["m3", "m2", "m1"]);
    expect(said(await call("conversations.history", { channel: "C0NOBODY" }))).toBe("channel_not_found");
  });

  test("replies are oldest first, the parent before them on every page", async () => {
    await using place = await stand();
    const { call, ann, team } = place;
    const root = ann.say(team, "root");
    for (let index = 0; index < 3; index += 1) ann.say(team, `r${index}`, { thread: root });
    const first = await call("conversations.replies", { ts: root, limit: 2 });
    expect(texts(first)).toEqual(["root", "r0", "r1"]);
    expect(first.messages).toMatchObject([{ reply_count: 3, thread_ts: root }, { parent_user_id: ann.id }, {}]);
    const { next_cursor: cursor } = first.response_metadata as Json;
    expect(texts(await call("conversations.replies", { ts: root, limit: 2, cursor }))).toEqual(["root", "r2"]);
    expect(said(await call("conversations.replies", { ts: "1.000000" }))).toBe("thread_not_found");
  });

  test("lists, members, direct conversations, users, bots", async () => {
    await using place = await stand();
    const { call, slack, ann, team } = place;
    slack.newChannel("shut", { kind: "private", members: [ann] });
    const list = await call("conversations.list", { types: "public_channel,private_channel" });
    expect(list.channels).toMatchObject([{ id: team.id, is_member: true, is_private: false }]);
    expect(said(await call("conversations.list", { types: "secret" }))).toBe("invalid_types");
    expect((await call("conversations.members")).members).toEqual([ann.id, slack.app.user.id]);
    expect(said(await call("conversations.open", { channel: "" }))).toBe("users_list_not_supplied");
    const opened = await call("conversations.open", { channel: "", users: ann.id });
    expect(opened.channel).toEqual({ id: ann.dm().id });
    expect(said(await call("conversations.open", { channel: "", users: "U0NOBODY" }))).toBe("user_not_found");
    const many = await call("conversations.open", { channel: "", users: `${ann.id},${slack.user("bob").id}` });
    expect(slack.world.channels.get((many.channel as { id: string }).id)?.kind).toBe("mpim");
    expect((await call("users.info", { user: ann.id })).user).toMatchObject({ name: "ann", is_bot: false });
    expect(said(await call("users.info", { user: "U0NOBODY" }))).toBe("user_not_found");
    expect((await call("bots.info", { bot: slack.app.botId })).bot).toMatchObject({ user_id: slack.app.user.id });
    const page = await call("users.list", { limit: 1 });
    expect(page.members).toMatchObject([{ id: slack.app.user.id }]);
    expect(said(await call("users.list", { limit: 1, cursor: (page.response_metadata as Json).next_cursor }))).toBe(
      "ok",
    );
  });

  test("reactions are added and removed once", async () => {
    await using place = await stand();
    const { call, ann, team, slack } = place;
    const timestamp = ann.say(team, "a");
    const react = async (method: string, name = "eyes") => said(await call(method, { timestamp, name }));
    expect(await react("reactions.add")).toBe("ok");
    expect(await react("reactions.add")).toBe("already_reacted");
    expect(await react("reactions.add", "Not An Emoji")).toBe("invalid_name");
    expect((await call("reactions.get", { timestamp })).message).toMatchObject({
      reactions: [{ name: "eyes", count: 1, users: [slack.app.user.id] }],
    });
    expect(await react("reactions.remove")).toBe("ok");
    expect(await react("reactions.remove")).toBe("no_reaction");
    expect(said(await call("reactions.add", { timestamp: "1.000000", name: "eyes" }))).toBe("message_not_found");
  });
});
