// The fake Telegram refuses what the real one refuses, and tells bots what the real one tells them.
import { describe, expect, test } from "bun:test";
import { createPlatform, type PlatformOptions } from "./platform.ts";
import type { Answer, Json } from "./world.ts";

/** A clock that stands until it is moved, a bot, a person and their chat. */
function world(options: PlatformOptions = {}) {
  const clock = { ms: 1_800_000_000_000 };
  const platform = createPlatform({ now: () => clock.ms, ...options });
  const bot = platform.newBot({ username: "helper_bot" });
  const ann = platform.newPerson({ firstName: "Ann", username: "ann" });
  const chat = platform.privateChat(bot, ann);
  const call = (method: string, params: Json = {}) => platform.call(bot.token, method, { chat_id: chat.id, ...params });
  const updates = (params: Json = {}) =>
    (platform.call(bot.token, "getUpdates", params) as { result: (Json & { update_id: number })[] }).result;
  return { clock, platform, bot, ann, chat, call, updates };
}

function said(answer: Answer): string {
  return answer.ok ? "ok" : `${answer.error_code} ${answer.description}`;
}

const idOf = (answer: Answer) => (answer.ok ? Number((answer.result as Json).message_id) : 0);

describe("updates", () => {
  test("come again until confirmed by a higher offset", () => {
    const { ann, chat, updates } = world();
    for (const text of ["a", "b", "c"]) ann.say(chat, text);
    const first = updates({ limit: 2 });
    expect(first.map(({ message }) => (message as Json).text)).toEqual(["a", "b"]);
    expect(updates({ limit: 2 })).toEqual(first);
    const next = (first.at(-1)?.update_id ?? 0) + 1;
    expect(updates({ offset: next }).map(({ update_id }) => update_id)).toEqual([next]);
    expect(updates({ offset: 0 })).toHaveLength(1);
    expect(updates({ offset: next + 1 })).toEqual([]);
    expect(updates()).toEqual([]);
  });

  test("a negative offset counts from the end and forgets the rest", () => {
    const { ann, chat, updates } = world();
    for (const text of ["a", "b", "c"]) ann.say(chat, text);
    expect(updates({ offset: -1 }).map(({ message }) => (message as Json).text)).toEqual(["c"]);
    expect(updates()).toHaveLength(1);
  });

  test("are kept for a day, at most a hundred at once", () => {
    const { clock, ann, chat, updates } = world();
    for (let index = 0; index < 120; index += 1) ann.say(chat, `m${index}`);
    expect(updates({ limit: 1000 })).toHaveLength(100);
    expect(updates({ limit: "0" })).toHaveLength(1);
    clock.ms += 24 * 60 * 60 * 1000;
    expect(updates()).toEqual([]);
  });

  test("allowed_updates is remembered; reactions come only when named", () => {
    const { ann, chat, updates } = world();
    const id = ann.say(chat, "a");
    ann.react(chat, id, ["👍"]);
    updates({ allowed_updates: '["message_reaction"]' });
    ann.react(chat, id, []);
    ann.say(chat, "b");
    updates();
    expect(updates().map((one) => Object.keys(one)[1])).toEqual(["message", "message_reaction"]);
    updates({ allowed_updates: [] });
    ann.react(chat, id, ["👍"]);
    ann.say(chat, "c");
    expect(updates().map((one) => Object.keys(one)[1])).toEqual(["message", "message_reaction", "message"]);
  });

  test("a webhook and getUpdates exclude each other", () => {
    const { call } = world();
    expect(said(call("setWebhook", { url: "http://example.com" }))).toContain("An HTTPS URL must be provided");
    call("setWebhook", { url: "https://example.com/x" });
    expect(said(call("getUpdates"))).toBe(
      "409 Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
    call("deleteWebhook");
    expect(said(call("getUpdates"))).toBe("ok");
  });

  test("an edit, a reply with one level, an album, a voice message", () => {
    const { ann, chat, updates, platform } = world();
    const first = ann.say(chat, "one");
    const second = ann.say(chat, "two", { replyTo: first });
    ann.say(chat, "three", { replyTo: second });
    ann.edit(chat, first, "one!");
    ann.sendAlbum(
      chat,
      [
        { kind: "photo", bytes: new Uint8Array(3) },
        { kind: "photo", bytes: new Uint8Array(4) },
      ],
      { caption: "both" },
    );
    ann.sendVoice(chat, new Uint8Array(9), { durationS: 4 });
    const [, , third, edit, photo, other, voice] = updates() as unknown as {
      message: Json & { reply_to_message?: Json; photo?: Json[]; voice?: Json };
      edited_message?: Json;
    }[];
    expect(third?.message.reply_to_message).toMatchObject({ message_id: second, text: "two" });
    expect(third?.message.reply_to_message?.reply_to_message).toBeUndefined();
    expect(edit?.edited_message).toMatchObject({ message_id: first, text: "one!", edit_date: 1_800_000_000 });
    expect(photo?.message).toMatchObject({ caption: "both", media_group_id: other?.message.media_group_id });
    expect(photo?.message.photo?.at(-1)).toMatchObject({ width: 1280, file_size: 3 });
    expect(other?.message.caption).toBeUndefined();
    expect(voice?.message.voice).toMatchObject({ duration: 4, file_size: 9, mime_type: "audio/ogg" });
    expect(platform.messages(chat)[0]?.forms.map(({ text }) => text)).toEqual(["one", "one!"]);
  });
});

describe("groups", () => {
  function group(
    kind: "group" | "supergroup" | "forum" = "supergroup",
    options: PlatformOptions & { canReadAll?: boolean } = {},
  ) {
    const made = world(options);
    made.bot.canReadAll = options.canReadAll ?? false;
    const chat = made.platform.newGroup({ title: "Team", kind, members: [made.ann, made.bot] });
    const texts = () =>
      made.updates().flatMap(({ message }) => ((message as Json)?.text === undefined ? [] : [(message as Json).text]));
    return { ...made, chat, texts };
  }

  test("privacy mode lets commands and replies through, not mentions", () => {
    const { platform, bot, ann, chat, texts } = group();
    ann.say(chat, "hello all");
    ann.say(chat, "hello @helper_bot");
    ann.say(chat, "/help@helper_bot");
    ann.say(chat, "/help@other_bot");
    ann.say(chat, "/status");
    const sent = idOf(platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "hi" }));
    ann.say(chat, "an answer", { replyTo: sent });
    expect(texts()).toEqual(["/help@helper_bot", "/status", "an answer"]);
  });

  test("a world may let mentions through; a bot that reads all gets all", () => {
    const named = group("supergroup", { mentionsReach: true });
    named.ann.say(named.chat, "hello @Helper_Bot");
    expect(named.texts()).toEqual(["hello @Helper_Bot"]);
    const all = group("supergroup", { canReadAll: true });
    all.ann.say(all.chat, "hello all");
    expect(all.texts()).toEqual(["hello all"]);
  });

  test("a command for nobody goes to the bot that spoke last, and bots do not hear bots", () => {
    const { platform, bot, ann, chat, texts } = group();
    const other = platform.newBot({ username: "other_bot" });
    ann.add(chat, other);
    platform.call(other.token, "sendMessage", { chat_id: chat.id, text: "@helper_bot hi" });
    ann.say(chat, "/status");
    expect(texts()).toEqual([]);
    platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "me" });
    ann.say(chat, "/status");
    expect(texts()).toEqual(["/status"]);
  });

  test("topics: messages answer the one that opened them, the General topic is no thread", () => {
    const { platform, bot, ann, chat, updates } = group("forum", { canReadAll: true });
    const topic = platform.newTopic(chat, ann, "Work");
    ann.say(chat, "in it", { thread: topic });
    const message = updates().at(-1)?.message as Json;
    expect(message).toMatchObject({
      message_thread_id: topic,
      is_topic_message: true,
      reply_to_message: { forum_topic_created: { name: "Work" } },
    });
    const send = (thread: number) =>
      platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "x", message_thread_id: thread });
    expect(said(send(topic))).toBe("ok");
    expect(said(send(1))).toBe("400 Bad Request: message thread not found");
    expect(said(send(99))).toBe("400 Bad Request: message thread not found");
    expect(
      said(platform.call(bot.token, "sendChatAction", { chat_id: chat.id, action: "typing", message_thread_id: 1 })),
    ).toBe("ok");
    const reply = platform.call(bot.token, "sendMessage", {
      chat_id: chat.id,
      text: "y",
      reply_parameters: { message_id: Number(message.message_id) },
    });
    expect(reply.ok && (reply.result as Json).message_thread_id).toBe(topic);
  });

  test("a supergroup without topics shows a thread for replies and takes none", () => {
    const { platform, bot, ann, chat, updates } = group("supergroup", { canReadAll: true });
    const root = ann.say(chat, "root");
    ann.say(chat, "reply", { replyTo: root });
    expect(updates().at(-1)?.message).toMatchObject({ message_thread_id: root });
    const answer = platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "x", message_thread_id: root });
    expect(said(answer)).toBe("400 Bad Request: message thread not found");
  });

  test("kicked, left, read-only, upgraded", () => {
    const { platform, bot, ann, chat, updates } = group("group");
    const send = () => platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "x" });
    chat.readOnly = true;
    expect(said(send())).toContain("not enough rights");
    chat.readOnly = false;
    const next = platform.migrate(chat);
    expect(send()).toEqual({
      ok: false,
      error_code: 400,
      description: "Bad Request: group chat was upgraded to a supergroup chat",
      parameters: { migrate_to_chat_id: next.id },
    });
    ann.kick(next, bot);
    const answer = platform.call(bot.token, "sendMessage", { chat_id: next.id, text: "x" });
    expect(said(answer)).toBe("403 Forbidden: bot was kicked from the supergroup chat");
    expect(updates().at(-1)?.my_chat_member).toMatchObject({ new_chat_member: { status: "kicked" } });
  });

  test("one person's message is in nobody else's history", () => {
    const { clock, platform, bot, ann, chat } = group();
    const bob = platform.newPerson({ firstName: "Bob" });
    const whisper = (more: Json = {}) =>
      platform.call(bot.token, "sendMessage", {
        chat_id: chat.id,
        text: "psst",
        ephemeral_message_parameters: { receiver_user_id: ann.id, ...more },
      });
    expect(said(whisper())).toBe("400 Bad Request: QUERY_ID_INVALID");
    platform.call(bot.token, "sendMessage", {
      chat_id: chat.id,
      text: "ask",
      reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "a" }]] },
    });
    const query = ann.press(chat, platform.lastOfBot(chat)?.id ?? 0, "a");
    const sent = whisper({ callback_query_id: query });
    expect(sent.ok && sent.result).toMatchObject({ message_id: 0, receiver_user: { id: ann.id } });
    expect(platform.onlyFor(chat, ann).map(({ text }) => text)).toEqual(["psst"]);
    expect(platform.onlyFor(chat, bob)).toEqual([]);
    expect(platform.lastOfBot(chat)?.text).toBe("ask");
    clock.ms += 15_001;
    expect(said(whisper({ callback_query_id: query }))).toBe("400 Bad Request: QUERY_ID_INVALID");
  });
});

describe("sending", () => {
  test.each([
    [{ text: "" }, "400 Bad Request: message text is empty"],
    [{ text: " \n " }, "400 Bad Request: text must be non-empty"],
    [{ text: "x".repeat(4097) }, "400 Bad Request: message is too long"],
    [{ text: `<b>${"x".repeat(4096)}</b>`, parse_mode: "HTML" }, "ok"],
    [{ text: "🙂".repeat(2049) }, "400 Bad Request: message is too long"],
    [{ text: "\ud83d" }, "400 Bad Request: strings must be encoded in UTF-8"],
    [
      { text: "<b>x", parse_mode: "HTML" },
      "400 Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ],
    [{ text: "x", parse_mode: "Markdownish" }, "400 Bad Request: unsupported parse_mode"],
    [{ text: "x", reply_parameters: { message_id: 77 } }, "400 Bad Request: message to be replied not found"],
    [{ text: "x", reply_parameters: { message_id: 77, allow_sending_without_reply: true } }, "ok"],
    [{ text: "x", message_thread_id: 5 }, "400 Bad Request: message thread not found"],
    [{ text: "x", chat_id: 4 }, "400 Bad Request: chat not found"],
    [{ text: "x", chat_id: "" }, "400 Bad Request: chat_id is empty"],
    [{ text: "x", reply_markup: '{"inline_keyboard":[[{"text":"a","callback_data":"1"}]]}' }, "ok"],
    [{ text: "x", reply_markup: "{" }, "400 Bad Request: can't parse reply keyboard markup JSON object"],
    [
      { text: "x", reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "é".repeat(33) }]] } },
      "400 Bad Request: BUTTON_DATA_INVALID",
    ],
    [
      { text: "x", reply_markup: { inline_keyboard: [[{ text: "a" }]] } },
      "400 Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      { text: "x", reply_markup: { inline_keyboard: [[{ text: "a", url: "http://localhost:1" }]] } },
      "400 Bad Request: inline keyboard button URL 'http://localhost:1' is invalid: Wrong HTTP URL",
    ],
  ])("sendMessage %j", (params, expected) => {
    const { ann, chat, call } = world();
    ann.start(chat);
    expect(said(call("sendMessage", params))).toBe(expected);
  });

  test("a stranger, one met in a group, one who blocked, one who is gone", () => {
    const { platform, bot, ann, chat, call } = world();
    expect(said(call("sendMessage", { text: "x" }))).toBe("400 Bad Request: chat not found");
    const team = platform.newGroup({ title: "Team", members: [ann, bot] });
    expect(said(call("sendMessage", { text: "x" }))).toBe("403 Forbidden: bot can't initiate conversation with a user");
    expect(team.members.size).toBe(2);
    ann.start(chat);
    ann.block(chat);
    expect(said(call("sendMessage", { text: "x" }))).toBe("403 Forbidden: bot was blocked by the user");
    ann.unblock(chat);
    expect(said(call("sendMessage", { text: "x" }))).toBe("ok");
    ann.user.deactivated = true;
    expect(said(call("sendMessage", { text: "x" }))).toBe("403 Forbidden: user is deactivated");
  });

  test("two bots have two chats with one person, both with the person's id", () => {
    const { platform, ann, chat, call } = world();
    const other = platform.newBot({ username: "other_bot" });
    const second = platform.privateChat(other, ann);
    ann.start(chat);
    ann.start(second);
    call("sendMessage", { text: "from the first" });
    expect(second.id).toBe(chat.id);
    expect(platform.lastOfBot(second)).toBeUndefined();
  });

  test("tokens and methods", () => {
    const { platform, bot } = world();
    const strange = `1:${"A".repeat(35)}`;
    expect(said(platform.call("nonsense", "getMe"))).toBe("404 Not Found");
    expect(said(platform.call(strange, "getMe"))).toBe("401 Unauthorized");
    expect(said(platform.call(bot.token, "dance"))).toBe("404 Not Found: method not found");
    expect(said(platform.call(bot.token, "GETME"))).toBe("ok");
    const old = bot.token;
    platform.revoke(bot);
    expect(said(platform.call(old, "getMe"))).toBe("401 Unauthorized");
  });

  test("with limits on, the fourth message of a burst has to wait", () => {
    const { clock, ann, chat, call } = world({ rates: true });
    ann.start(chat);
    const send = () => call("sendMessage", { text: "x" });
    for (let index = 0; index < 3; index += 1) expect(said(send())).toBe("ok");
    expect(send()).toEqual({
      ok: false,
      error_code: 429,
      description: "Too Many Requests: retry after 3",
      parameters: { retry_after: 3 },
    });
    clock.ms += 3000;
    expect(said(send())).toBe("ok");
  });

  test("with limits on, a group takes twenty a minute", () => {
    const { clock, platform, bot, ann } = world({ rates: true });
    const chat = platform.newGroup({ title: "Team", members: [ann, bot] });
    const send = () => platform.call(bot.token, "sendMessage", { chat_id: chat.id, text: "x" });
    for (let index = 0; index < 20; index += 1) {
      expect(said(send())).toBe("ok");
      clock.ms += 1100;
    }
    expect(send()).toMatchObject({ error_code: 429, parameters: { retry_after: 38 } });
  });
});

describe("changing", () => {
  function sent(params: Json = {}) {
    const made = world();
    made.ann.start(made.chat);
    const id = idOf(made.call("sendMessage", { text: "one", ...params }));
    return { ...made, id, shown: () => made.platform.lastOfBot(made.chat) };
  }

  test("an edit changes the text and takes the buttons away", () => {
    const { id, call, shown } = sent({ reply_markup: { inline_keyboard: [[{ text: "a", callback_data: "a" }]] } });
    expect(said(call("editMessageText", { message_id: id, text: "<i>two</i>", parse_mode: "HTML" }))).toBe("ok");
    expect(shown()).toMatchObject({ text: "two", buttons: [], edits: 1, entities: [{ type: "italic", text: "two" }] });
    expect(shown()?.forms.map(({ text, buttons }) => [text, ...buttons.flat()].join(" "))).toEqual(["one a", "two"]);
  });

  test("the same again is refused, other people's and missing ones too", () => {
    const { id, ann, chat, call } = sent();
    const edit = (message_id: number, text: string) => said(call("editMessageText", { message_id, text }));
    expect(edit(id, "one")).toBe(
      "400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
    );
    expect(edit(ann.say(chat, "mine"), "x")).toBe("400 Bad Request: message can't be edited");
    expect(edit(999, "x")).toBe("400 Bad Request: message to edit not found");
    ann.remove(chat, id);
    expect(edit(id, "x")).toBe("400 Bad Request: message to edit not found");
    expect(said(call("editMessageReplyMarkup", { message_id: id }))).toBe("400 Bad Request: message to edit not found");
  });

  test("deleting: twice, and after two days", () => {
    const { clock, id, call } = sent();
    expect(said(call("deleteMessage", { message_id: id }))).toBe("ok");
    expect(said(call("deleteMessage", { message_id: id }))).toBe("400 Bad Request: message to delete not found");
    const old = idOf(call("sendMessage", { text: "old" }));
    clock.ms += 49 * 60 * 60 * 1000;
    expect(said(call("deleteMessage", { message_id: old }))).toBe(
      "400 Bad Request: message can't be deleted for everyone",
    );
  });

  test("a button press is answered once and soon", () => {
    const { clock, id, platform, ann, chat, call, updates } = sent({
      reply_markup: { inline_keyboard: [[{ text: "Yes", callback_data: "y:1" }]] },
    });
    const query = ann.press(chat, id, "Yes");
    expect(updates().at(-1)?.callback_query).toMatchObject({ id: query, data: "y:1", message: { message_id: id } });
    expect(said(call("answerCallbackQuery", { callback_query_id: query, text: "Done" }))).toBe("ok");
    expect(platform.callbacks()[0]?.answer).toMatchObject({ text: "Done", alert: false });
    const late = ann.press(chat, id, 0);
    clock.ms += 15_001;
    expect(said(call("answerCallbackQuery", { callback_query_id: late }))).toBe(
      "400 Bad Request: query is too old and response timeout expired or query ID is invalid",
    );
    expect(() => ann.press(chat, id, "No")).toThrow("no button");
  });

  test("reactions, typing, drafts, commands", () => {
    const { id, chat, call, ann, shown, updates } = sent();
    const react = (emoji: string) =>
      said(call("setMessageReaction", { message_id: id, reaction: [{ type: "emoji", emoji }] }));
    expect([react("👀"), react("❤️"), react("🐙")]).toEqual(["ok", "ok", "400 Bad Request: REACTION_INVALID"]);
    expect(Object.values(shown()?.reactions ?? {})).toEqual([["❤"]]);
    expect(said(call("sendChatAction", { action: "thinking" }))).toBe(
      "400 Bad Request: wrong parameter action in request",
    );
    call("sendChatAction", { action: "typing" });
    expect(chat.actions.map(({ action }) => action)).toEqual(["typing"]);
    expect(said(call("sendMessageDraft", { draft_id: 0, text: "x" }))).toContain("400");
    call("sendMessageDraft", { draft_id: 5, text: "", can_stop: true });
    call("sendMessageDraft", { draft_id: 5, text: "Thi", can_stop: true });
    expect(chat.drafts.get(5)?.forms).toEqual(["", "Thi"]);
    ann.stopDraft(chat);
    expect(updates().at(-1)?.stopped_message_generation).toMatchObject({ draft_id: 5 });
    expect(said(call("setMyCommands", { commands: [{ command: "Bad", description: "x" }] }))).toBe(
      "400 Bad Request: BOT_COMMAND_INVALID",
    );
    call("setMyCommands", {
      commands: [{ command: "new", description: "Start anew" }],
      scope: { type: "all_private_chats" },
    });
    expect(call("getMyCommands")).toEqual({ ok: true, result: [] });
    expect(call("getMyCommands", { scope: { type: "all_private_chats" } })).toMatchObject({
      result: [{ command: "new" }],
    });
  });
});

describe("people", () => {
  test("write in the group's name, quote, paste, send what a bot does not know", () => {
    const { platform, bot, ann, updates } = world();
    bot.canReadAll = true;
    const chat = platform.newGroup({ title: "Team", members: [ann, bot] });
    const first = ann.say(chat, "one two", { anonymously: true });
    ann.say(chat, "why?", { replyTo: first, quote: "two" });
    expect(ann.paste(chat, "x".repeat(5000))).toHaveLength(2);
    ann.sendOther(chat, { sticker: { emoji: "🙂" } });
    const messages = updates().map(({ message }) => message as Json);
    expect(messages[0]).toMatchObject({
      from: { is_bot: true, username: "GroupAnonymousBot" },
      sender_chat: { id: chat.id },
    });
    expect(messages[1]).toMatchObject({ quote: { text: "two", position: 4 }, reply_to_message: { message_id: first } });
    expect(messages.at(-1)).toMatchObject({ sticker: { emoji: "🙂" } });
    expect(() => ann.say(chat, "x".repeat(5000))).toThrow("too long");
  });

  test("a message that opened a topic does not answer itself", () => {
    const { platform, bot, ann, updates } = world();
    const chat = platform.newGroup({ title: "Team", kind: "forum", members: [ann, bot] });
    platform.newTopic(chat, ann, "Work");
    expect(updates().at(-1)?.message).not.toHaveProperty("reply_to_message");
  });
});
