// Buttons, commands, modals and response addresses of the fake Slack, with the times that they live.
import { expect, test } from "bun:test";
import { object, text } from "./params.ts";
import { openSocket, type Stand, said, stand, until, why } from "./stand.ts";
import type { Json } from "./world.ts";

const actions = {
  type: "actions",
  block_id: "row",
  elements: [{ type: "button", action_id: "go", value: "7", text: { type: "plain_text", text: "Go" } }],
};
const modal = (given: Json = {}): Json => ({
  type: "modal",
  title: { type: "plain_text", text: "Hi" },
  blocks: [],
  ...given,
});

/** Presses the button of a new message and gives the payload. */
async function pressed(place: Stand, { thread }: { thread?: string } = {}) {
  // Envelopes go to any connection; this one is to be the only one.
  place.slack.sockets.cut(place.slack.app);
  const socket = await openSocket(place);
  await socket.ready();
  const { ts } = await place.call("chat.postMessage", { text: "choose", blocks: [actions], thread_ts: thread });
  place.ann.press({ channel: place.team, ts: text(ts) }, "go");
  await until(() => socket.envelopes().some(({ type }) => type === "interactive"));
  const envelope = socket.envelopes().find(({ type }) => type === "interactive") ?? {};
  return { envelope, payload: object(envelope.payload) ?? {}, ts: text(ts) };
}

async function respond(url: unknown, body: Json): Promise<string> {
  const response = await fetch(String(url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return `${response.status} ${said((await response.json()) as Json)}`;
}

test("a press says who, where and what", async () => {
  await using place = await stand();
  const root = place.ann.say(place.team, "root");
  const { envelope, payload, ts } = await pressed(place, { thread: root });
  expect(envelope.accepts_response_payload).toBe(false);
  expect(payload).toMatchObject({
    type: "block_actions",
    user: { id: place.ann.id },
    channel: { id: place.team.id },
    container: { type: "message", message_ts: ts, thread_ts: root, is_ephemeral: false },
    message: { ts, text: "choose" },
    actions: [{ action_id: "go", block_id: "row", value: "7", type: "button" }],
  });
  expect(() => place.ann.press({ channel: place.team, ts }, "stop")).toThrow('nothing called "stop"');
});

test("a trigger opens one view within three seconds", async () => {
  await using place = await stand();
  const { call, clock, slack, ann } = place;
  const first = (await pressed(place)).payload.trigger_id;
  const open = async (trigger: unknown, view: Json = modal()) =>
    said(await call("views.open", { trigger_id: trigger, view }));
  expect(await open("nonsense")).toBe("invalid_trigger_id");
  expect(await open(first)).toBe("ok");
  expect(await open(first)).toBe("exchanged_trigger_id");
  expect(slack.views(ann)).toHaveLength(1);
  ann.press({ channel: place.team, ts: slack.messages(place.team)[0]?.ts ?? "" }, "go");
  const late = [...slack.world.triggers.keys()].at(-1);
  clock.advance(3001);
  expect(await open(late)).toBe("expired_trigger_id");
});

test("views are checked: title, blocks, metadata, a submit button for inputs", async () => {
  await using place = await stand();
  const { call } = place;
  const publish = (view: Json) =>
    call("views.publish", { user_id: place.ann.id, view: { type: "home", blocks: [], ...view } });
  expect(said(await publish({}))).toBe("ok");
  expect(why(await publish({ private_metadata: "x".repeat(3001) }))).toContain("/view/private_metadata");
  expect(said(await publish({ blocks: Array.from({ length: 100 }, () => ({ type: "divider" })) }))).toBe("ok");
  expect(said(await publish({ blocks: Array.from({ length: 101 }, () => ({ type: "divider" })) }))).toBe(
    "invalid_arguments",
  );
  expect(said(await publish({ type: "modal", title: undefined }))).toBe("invalid_arguments");
  expect(said(await publish({ hash: "x" }))).toBe("ok");
  expect(
    said(await call("views.publish", { user_id: place.ann.id, hash: "old", view: { type: "home", blocks: [] } })),
  ).toBe("hash_conflict");
  expect(said(await call("views.update", { view_id: "V0NOBODY", view: modal() }))).toBe("not_found");
  expect(place.slack.home(place.ann)?.content.blocks).toHaveLength(0);
});

test("a modal that is sent closes, shows errors, or shows another view, as the acknowledgement says", async () => {
  await using place = await stand();
  const { call, slack, ann } = place;
  const { payload } = await pressed(place);
  slack.sockets.cut(slack.app);
  const socket = await openSocket(place, { acks: false });
  await socket.ready();
  const opened = await call("views.open", {
    trigger_id: payload.trigger_id,
    view: JSON.stringify(modal({ callback_id: "ask", private_metadata: "m" })),
  });
  const id = text(object(opened.view)?.id);
  const submit = async (ack: Json | undefined) => {
    const before = socket.envelopes().length;
    ann.submit(id, { name: { input: { type: "plain_text_input", value: "Ann" } } });
    await until(() => socket.envelopes().length > before);
    const envelope = socket.envelopes().at(-1) ?? {};
    socket.ack(envelope, ack);
    await until(() => slack.sockets.envelopes.at(-1)?.ackedAt !== undefined);
    return envelope;
  };
  const sent = await submit({ response_action: "errors", errors: { name: "Too short" } });
  expect(sent).toMatchObject({
    accepts_response_payload: true,
    payload: {
      type: "view_submission",
      view: { callback_id: "ask", private_metadata: "m", state: { values: { name: { input: { value: "Ann" } } } } },
    },
  });
  expect(slack.views(ann)[0]?.content.errors).toEqual({ name: "Too short" });
  await submit({ response_action: "update", view: modal({ callback_id: "next" }) });
  expect(slack.views(ann)[0]?.content.callback_id).toBe("next");
  await submit(undefined);
  expect(slack.views(ann)).toEqual([]);
  expect(said(await call("views.update", { view_id: id, view: modal() }))).toBe("not_found");
});

test("a response address takes five posts within half an hour", async () => {
  await using place = await stand();
  const { slack, ann, team, clock } = place;
  const { payload, ts } = await pressed(place);
  const url = payload.response_url;
  expect(await respond(url, { text: "only you" })).toBe("200 ok");
  expect(slack.ephemerals(team, ann).map(({ text }) => text)).toEqual(["only you"]);
  expect(await respond(url, { text: "all", response_type: "in_channel" })).toBe("200 ok");
  expect(await respond(url, { text: "chosen", replace_original: true })).toBe("200 ok");
  expect(slack.messages(team).map(({ text }) => text)).toEqual(["chosen", "all"]);
  expect(await respond(url, {})).toBe("400 no_text");
  expect(await respond(url, { delete_original: true })).toBe("200 ok");
  expect(slack.messages(team).map(({ text }) => text)).toEqual(["all"]);
  expect(await respond(url, { text: "a sixth" })).toBe("404 used_url");
  expect(() => ann.press({ channel: team, ts }, "go")).toThrow("no message");
  clock.advance(1);
  const { payload: second } = await pressed(place);
  clock.advance(30 * 60_000 + 1);
  expect(await respond(second.response_url, { text: "late" })).toBe("404 expired_url");
});

test("a command is answered with its acknowledgement", async () => {
  await using place = await stand({ app: { commands: ["/pi-new"] } });
  const { slack, ann, team } = place;
  const socket = await openSocket(place, { acks: false });
  await socket.ready();
  ann.slash(team, "/pi-new", "a b");
  await until(() => socket.envelopes().length === 1);
  const [envelope = {}] = socket.envelopes();
  expect(envelope).toMatchObject({
    type: "slash_commands",
    accepts_response_payload: true,
    payload: { command: "/pi-new", text: "a b", channel_id: team.id, user_id: ann.id, channel_name: "team" },
  });
  socket.ack(envelope, { text: "made", response_type: "in_channel" });
  await until(() => slack.messages(team).length === 1);
  expect(slack.messages(team)[0]).toMatchObject({ text: "made", botId: slack.app.botId });
  expect(() => ann.slash(team, "/no-such")).toThrow("not a valid command");
});

test("a private message's button leads back to it", async () => {
  await using place = await stand();
  const { call, slack, ann, team } = place;
  const socket = await openSocket(place);
  await socket.ready();
  const { message_ts: ts } = await call("chat.postEphemeral", { text: "a", user: ann.id, blocks: [actions] });
  ann.press({ channel: team, ts: text(ts) }, "go");
  await until(() => socket.envelopes().length === 1);
  const payload = object(socket.envelopes()[0]?.payload) ?? {};
  expect(payload).toMatchObject({ container: { is_ephemeral: true, message_ts: ts } });
  expect(payload.message).toBeUndefined();
  expect(await respond(payload.response_url, { delete_original: true })).toBe("200 ok");
  expect(slack.ephemerals(team)).toEqual([]);
});

test("assistant prompts and statuses are checked", async () => {
  await using place = await stand();
  const { call, ann } = place;
  const at = { channel_id: ann.dm().id, thread_ts: ann.startAssistantThread() };
  const prompts = (count: number) => Array.from({ length: count }, () => ({ title: "a", message: "b" }));
  const ask = async (method: string, params: Json) =>
    said(await call(`assistant.threads.${method}`, { ...at, ...params }));
  expect(await ask("setSuggestedPrompts", { prompts: prompts(4) })).toBe("ok");
  expect(await ask("setSuggestedPrompts", { prompts: prompts(5) })).toBe("invalid_arguments");
  expect(await ask("setStatus", {})).toBe("invalid_arguments");
  expect(await ask("setStatus", { status: "", loading_messages: ["a"] })).toBe("ok");
  expect(await ask("setTitle", { title: "A", thread_ts: "1.000000" })).toBe("thread_not_found");
  expect(place.slack.assistant(ann.dm(), at.thread_ts)?.prompts?.prompts).toHaveLength(4);
});
