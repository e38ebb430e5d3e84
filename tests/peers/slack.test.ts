// The Web API half of the Slack adapter, told the same story in our own fake and in an emulator written by others.
/**
 * The emulator knows no Socket Mode, so nothing comes in by itself: people's messages are read from history. Where the
 * two differ, and who is right (docs.slack.dev/reference/methods of the method):
 * - The emulator shows no `bot_id` in what a bot posted, Slack and the fake do (chat.postMessage, the example response).
 * - It answers a method that it does not have with status 404 and no `ok`; Slack says `unknown_method` with status 200,
 *   as the fake does. So streams and the assistant's status are in tests/adapters/slack alone.
 * - It takes any token for that of the admin; tokens that are refused are in tests/adapters/slack alone.
 * - It takes an upload of another length than was announced, and gives metadata of messages without being asked; the
 *   fake is the stricter one.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Adapter, AdapterDeps } from "../../src/adapters/adapter.ts";
import type { HistoryLine } from "../../src/adapters/history.ts";
import { inspectAdapter, openAdapter, readHistory } from "../../src/adapters/index.ts";
import { createClients } from "../../src/adapters/slack/client.ts";
import { createDirectory } from "../../src/adapters/slack/names.ts";
import type { AdapterSettings } from "../../src/config/schema.ts";
import { limits } from "../../src/core/limits.ts";
import type { ReplyTarget } from "../../src/core/session.ts";
import type { PlatformMessage } from "../../src/gateway/handle.ts";
import { systemClock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { fateOf, until } from "../adapters/slack/door.ts";
import { call, type Workspace, workspaces } from "./workspaces.ts";

const appToken = "xapp-1-none";
const quiet: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};

interface Seen {
  ts: string;
  user?: string;
  bot_id?: string;
  text: string;
  thread_ts?: string;
  metadata?: unknown;
  blocks?: { type: string; elements?: unknown[] }[];
  edited?: unknown;
  files?: { id: string; name: string; title: string; size: number }[];
  reactions?: { name: string; users: string[] }[];
}

type Seat = ReturnType<typeof takeSeat>;

/** An adapter in a workspace, and what the bot itself sees there. */
function takeSeat(space: Workspace, token = space.bot.token) {
  /** What Slack did to a message and told in its answer: cut texts. */
  const warnings: unknown[] = [];
  const watching = async (...given: Parameters<typeof fetch>): Promise<Response> => {
    const response = await fetch(...given);
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    if (isJson) warnings.push(...[((await response.clone().json()) as { warning?: unknown }).warning ?? []].flat());
    return response;
  };
  const deps: AdapterDeps = {
    name: "slack-a",
    receive: () => Promise.reject(new Error("Nothing can come in")),
    moved: () => undefined,
    places: () => [],
    views: { home: () => undefined, models: async () => [], watch: () => () => undefined },
    commands: [],
    admins: () => [],
    secret: (ref) => (ref === "bot" ? token : appToken),
    memory: { get: () => undefined, set: () => undefined },
    clock: systemClock,
    log: quiet,
    // The runtime's own fetch has members beside the call, which nobody uses here.
    fetch: watching as typeof fetch,
  };
  const slack = { botToken: "bot", appToken: "app", apiUrl: space.apiUrl };
  const settings = { type: "slack", ...slack } as unknown as AdapterSettings;
  const asBot = (method: string, args: Record<string, string>) =>
    call({ apiUrl: space.apiUrl, token: space.bot.token }, method, args);
  const messages = async (method: string, args: Record<string, string>) =>
    (await asBot(method, { include_all_metadata: "true", limit: "100", ...args })).messages as Seen[];
  return {
    deps,
    settings,
    warnings,
    clients: () => createClients(slack, deps),
    open: (): Promise<Adapter> => openAdapter(settings, deps),
    history: (channel: string) => messages("conversations.history", { channel }),
    replies: (channel: string, ts: string) => messages("conversations.replies", { channel, ts }),
    async one(channel: string, ts: string): Promise<Seen | undefined> {
      return (await messages("conversations.history", { channel })).find((message) => message.ts === ts);
    },
  };
}

for (const [name, { missing, start }] of Object.entries(workspaces)) {
  const suite = missing === undefined ? name : `${name}: left out, ${missing}`;
  describe.skipIf(missing !== undefined)(suite, () => {
    let space: Workspace;
    let seat: Seat;
    let adapter: Adapter;
    let rooms = 0;
    let room: string;
    // Hooks of what is left out would be counted as tests that were.
    if (missing === undefined) {
      beforeAll(async () => {
        space = await start();
      });
      afterAll(() => space?.close());
    }
    beforeEach(async () => {
      rooms += 1;
      room = await space.room(`room-${rooms}`);
      seat = takeSeat(space);
      adapter = await seat.open();
    });
    afterEach(async () => {
      await adapter.close();
      expect(seat.warnings).toEqual([]);
    });

    const at = (id: string, more: Partial<ReplyTarget> = {}): ReplyTarget => ({
      adapter: "slack-a",
      conversation: { id, kind: id === space.direct ? "direct" : "shared" },
      ...more,
    });
    const saying = (markdown: string, more: Partial<PlatformMessage> = {}): PlatformMessage => {
      const [body = ""] = adapter.render(markdown, more.forming === true ? "forming" : "final");
      return { body, buttons: [], audible: false, forming: false, nonce: "n-1", ...more };
    };
    const pastOf = async (conversation: string): Promise<HistoryLine[]> => {
      const lines: HistoryLine[] = [];
      for await (const line of (await readHistory(seat.settings, { ...seat.deps, conversation })) ?? [])
        lines.push(line);
      return lines;
    };
    const bytesOf = (ref: string, more: { bytes?: number } = {}, bytesMax = 10_000_000) =>
      adapter.fetch({ name: "file", ref, ...more }, { bytesMax, signal: new AbortController().signal });

    test("the bot is known by its token, which has every scope that is needed", async () => {
      await until(() => adapter.health().self === "@agent", "it is greeted");
      const found = await inspectAdapter(seat.settings, { ...seat.deps, listen: false, only: "botToken" });
      expect(found?.self).toMatchObject({ id: space.bot.id, name: "@agent" });
      expect(found?.remarks.filter(({ level }) => level !== "ok")).toEqual([]);
    });

    test("a message stands there in both forms, with its nonce and its buttons", async () => {
      const buttons = [{ label: "Yes & no", data: "d-1" }];
      const ts = await adapter.post(at(room), saying("**bold** <b> & `code`\n\n- one\n- two", { buttons }));
      const seen = await seat.one(room, ts);
      expect(seen).toMatchObject({ user: space.bot.id });
      expect(seen?.text).toContain("bold");
      expect(seen?.metadata).toEqual({ event_type: "remoteagent_delivery", event_payload: { nonce: "n-1" } });
      expect(seen?.blocks?.at(-1)).toMatchObject({ type: "actions", block_id: "n-1" });
      expect(seen?.blocks?.at(-1)?.elements).toMatchObject([{ action_id: "d-1", text: { text: "Yes & no" } }]);
      expect(seen?.blocks?.[0]).toMatchObject({
        type: "section",
        text: { type: "mrkdwn", text: "*bold* &lt;b&gt; &amp; `code`\n\n• one\n• two" },
      });
    });

    test("a marker becomes the answer at its place, and goes away once", async () => {
      const ref = await adapter.post(at(room), saying("…", { forming: true }));
      await adapter.change(at(room), { ref, message: saying("half", { forming: true }) });
      await adapter.change(at(room), { ref, message: saying("the _whole_ of it") });
      const seen = await seat.one(room, ref);
      expect(seen?.text).toContain("whole");
      expect(JSON.stringify(seen?.blocks)).not.toContain("half");
      expect(seen?.metadata).toMatchObject({ event_payload: { nonce: "n-1" } });
      await adapter.change(at(room), { ref });
      expect(await seat.one(room, ref)).toBeUndefined();
      expect(await fateOf(adapter.change(at(room), { ref }))).toMatchObject({ fate: "gone" });
      expect(await fateOf(adapter.change(at(room), { ref, message: saying("more") }))).toMatchObject({ fate: "gone" });
    });

    test("nobody changes what others wrote", async () => {
      const ref = await space.say(room, "mine");
      expect(await fateOf(adapter.change(at(room), { ref, message: saying("yours") }))).toMatchObject({ fate: "gone" });
      expect(await fateOf(adapter.change(at(room), { ref }))).toMatchObject({ fate: "gone" });
      expect((await seat.one(room, ref))?.text).toBe("mine");
    });

    test("a long answer stands below its question, part after part, and nothing is cut", async () => {
      const thread = await space.say(room, "tell me everything");
      const words = Array.from({ length: 3_000 }, (_, index) => `word-${index}`);
      const parts = adapter.render(words.join(" "), "final");
      expect(parts.length).toBeGreaterThan(1);
      for (const [index, body] of parts.entries())
        await adapter.post(at(room, { thread }), { ...saying(""), body, nonce: `part-${index}` });
      const [root, ...below] = await seat.replies(room, thread);
      expect(root?.ts).toBe(thread);
      expect(below.every(({ thread_ts }) => thread_ts === thread)).toBe(true);
      const shown = below.map(({ blocks }) => JSON.stringify(blocks)).join(" ");
      expect(shown.match(/word-\d+/g)?.map(String)).toEqual(words);
      expect((await seat.history(room)).some(({ text }) => text.includes("word-"))).toBe(false);
    });

    test("what was sent is found by its nonce behind a page of others and in its thread, and read with them", async () => {
      const since = Date.now();
      const ts = await adapter.post(at(room), saying("here I am", { nonce: "n-here" }));
      const thread = await space.say(room, "root");
      const below = await adapter.post(at(room, { thread }), saying("below", { nonce: "n-below" }));
      const find = (nonce: string, target: ReplyTarget) => adapter.find?.(target, { nonce, body: "", since });
      const noise = Array.from({ length: limits.gapPageMessages }, (_, index) => `noise ${index}`);
      for (const text of noise) await space.say(room, text);
      expect(await find("n-here", at(room))).toBe(ts);
      expect(await find("n-below", at(room, { thread }))).toBe(below);
      expect(await find("n-none", at(room))).toBeUndefined();
      expect(await find("n-here", at(room, { thread }))).toBeUndefined();
      const past = (await pastOf(room)).map(({ text }) => text);
      expect(past.slice(-noise.length - 3)).toEqual(["here I am", "root", "below", ...noise]);
    });

    test("a word to one person is in no history, and whoever is not there gets none", async () => {
      const target = (user: string) => at(room, { onlyFor: { user, happening: "none" } });
      const ref = await adapter.post(target(space.ann), saying("only for you"));
      expect((await seat.history(room)).some(({ text }) => text.includes("only for you"))).toBe(false);
      expect(await fateOf(adapter.change(target(space.ann), { ref, message: saying("x") }))).toMatchObject({
        fate: "gone",
      });
      expect(await fateOf(adapter.post(target(space.bob), saying("nor for you")))).toMatchObject({
        fate: "refused",
        message: expect.stringContaining("user_not_in_channel"),
      });
    });

    test("a file goes out with its words, below its question, byte by byte", async () => {
      const thread = await space.say(room, "draw it");
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256);
      const caption = "as *asked* & done";
      const ref = await adapter.file(at(room, { thread }), { name: 'ü "plan".png', bytes, caption, nonce: "n-1" });
      const message = (await seat.replies(room, thread)).find(({ files }) => files?.some(({ id }) => id === ref));
      expect(message).toMatchObject({ user: space.bot.id, thread_ts: thread });
      expect(message?.text).toContain("&amp; done");
      expect(message?.files).toMatchObject([{ title: 'ü "plan".png', size: bytes.length }]);
      expect(await bytesOf(ref)).toEqual(bytes);
    });

    test("a file of a person comes as it was sent, and not when it is too large or gone", async () => {
      const bytes = new Uint8Array([0, 255, 13, 10, 0, 128, 226, 130]);
      const ref = await space.give(space.direct, { name: "raw.bin", bytes });
      expect(await bytesOf(ref, { bytes: bytes.length })).toEqual(bytes);
      await expect(bytesOf(ref, {}, 4)).rejects.toThrow("larger than");
      await expect(bytesOf("F0NOSUCH")).rejects.toThrow("has it no more");
    });

    test("a message that was seen gets its eyes once", async () => {
      const ts = await space.say(room, "hello");
      for (let times = 0; times < 2; times += 1) await adapter.signal(at(room, { replyTo: ts }), "seen");
      expect((await seat.one(room, ts))?.reactions).toMatchObject([{ name: "eyes", users: [space.bot.id] }]);
    });

    test("people, places and direct conversations are known by name", async () => {
      const directory = createDirectory({ ...seat.deps, client: seat.clients().bot });
      await directory.prepare({ users: [space.ann, "U0NOBODY"], channels: [room], directOf: space.ann });
      expect(directory.names.user(space.ann)).toBe("ann");
      expect(directory.handle("ann")).toBe(space.ann);
      expect(directory.names.user("U0NOBODY")).toBeUndefined();
      expect(directory.names.channel(room)).toBe(`room-${rooms}`);
      expect(directory.direct(space.ann)).toBe(space.direct);
    });

    test("the past of a room, oldest first, with threads and files in their place", async () => {
      const root = await space.say(room, `<@${space.bot.id}> one`);
      await space.say(room, "two");
      await space.say(room, "below one", root);
      await adapter.post(at(room, { thread: root }), saying("mine"));
      await adapter.file(at(room), { name: "a.txt", bytes: new Uint8Array([65]), caption: "three", nonce: "n-2" });
      // Who joined is told differently by each.
      const said = (await pastOf(room)).filter(({ text }) => /one|two|mine|three/.test(text));
      expect(said.map(({ text }) => text)).toEqual(["one", "below one", "mine", "two", "three"]);
      expect(said[0]).toMatchObject({ id: root, isMention: true, sender: { id: space.ann, displayName: "ann" } });
      expect(said.slice(1, 3)).toMatchObject([{ thread: root }, { thread: root, sender: { id: space.bot.id } }]);
      expect(said[4]).toMatchObject({ attachments: ["a.txt"] });
    });

    test("what is not there, and where the bot is not, has a sentence", async () => {
      await expect(pastOf("C0GONE")).rejects.toThrow('Cannot download "C0GONE"');
      expect(await fateOf(adapter.post(at("C0GONE"), saying("x")))).toMatchObject({ fate: "refused" });
    });

    test("a scope that is missing is named, with the mend", async () => {
      const poor = takeSeat(space, space.poorToken);
      const handle = await poor.open();
      const sent = handle.file(at(room), { name: "a.txt", bytes: new Uint8Array([65]), nonce: "n-1" });
      expect(await fateOf(sent)).toMatchObject({
        fate: "refused",
        message: expect.stringContaining("the scope files:write (files that the agent sends) is missing"),
      });
      await handle.close();
    });
  });
}
