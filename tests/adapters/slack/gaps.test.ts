// What was said while nobody listened: fetched in its order, once, within bounds, and before what comes after it.
import { expect, test } from "bun:test";
import type { KnownPlace } from "../../../src/adapters/adapter.ts";
import { Failure } from "../../../src/core/failure.ts";
import { createManualClock } from "../../schedule/manual-clock.ts";
import { connected, newSlack, openDoor } from "./door.ts";

/** A workspace in which things were said before the adapter opens. */
function before(options: { rates?: boolean; scopes?: string[] } = {}) {
  const slack = newSlack(createManualClock(1_800_000_000_000 - 60_000), options);
  const ann = slack.user("ann");
  const team = slack.newChannel("team", { members: [ann, slack.app] });
  const known = ann.say(team, "known");
  const place: KnownPlace = { conversation: { id: team.id, kind: "shared" }, newest: { id: known, sentAt: 0 } };
  return { slack, ann, team, known, place, mention: `<@${slack.app.user.id}>` };
}

test("after a start, oldest first, with threads that began meanwhile", async () => {
  const { slack, ann, team, known, place, mention } = before();
  ann.say(team, "one");
  const root = ann.say(team, `${mention} two`);
  ann.say(team, "below two", { thread: root });
  ann.say(team, "three");
  await using door = await connected({ slack, places: () => [place] });
  await door.until(() => door.received.length === 4);
  expect(door.texts()).toEqual(["one", "two", "below two", "three"]);
  expect(door.received[1]).toMatchObject({ addressed: true, id: root, conversation: place.conversation });
  expect(door.received[2]).toMatchObject({ thread: root });
  expect(door.received.map(({ id }) => id)).not.toContain(known);
});

test("a thread is a place of its own", async () => {
  const { slack, ann, team, known, place } = before();
  const first = ann.say(team, "below, known", { thread: known });
  ann.say(team, "below, missed", { thread: known });
  const thread: KnownPlace = { ...place, thread: known, newest: { id: first, sentAt: 0 } };
  await using door = await connected({ slack, places: () => [thread] });
  await door.until(() => door.received.length === 1);
  expect(door.received[0]).toMatchObject({ text: "below, missed", thread: known });
});

test("what is said meanwhile waits for what was missed", async () => {
  const { slack, ann, team, place } = before();
  ann.say(team, "missed");
  slack.faults.add({ fault: { kind: "delay", ms: 80 }, methods: ["conversations.history"] });
  await using door = await connected({ slack, places: () => [place] });
  ann.say(team, "live");
  await door.until(() => door.received.length >= 2);
  expect(door.texts()[0]).toBe("missed");
  expect(door.texts().at(-1)).toBe("live");
});

test("a limit is waited for", async () => {
  const { slack, ann, team, place } = before();
  ann.say(team, "missed");
  slack.faults.add({ fault: { kind: "limit", retryAfterS: 20 }, methods: ["conversations.history"], times: 2 });
  await using door = await connected({ slack, places: () => [place] });
  await door.until(() => door.calls("conversations.history") === 1);
  door.clock.advance(19_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(door.calls("conversations.history")).toBe(1);
  await door.until(() => door.received.length === 1, { advanceMs: 500 });
});

test("a missing scope is told once, and the line works on", async () => {
  const { slack, ann, team, place } = before();
  slack.takeScope(slack.app, "channels:history");
  slack.app.events.delete("message.channels");
  ann.say(team, "missed");
  await using door = await connected({ slack, places: () => [place, { ...place, thread: place.newest.id }] });
  await door.until(() => door.adapter.health().problem !== undefined);
  expect(door.adapter.health()).toMatchObject({ state: "connected" });
  expect(door.adapter.health().problem).toContain("channels:history");
  ann.say(ann.dm(), "live");
  await door.until(() => door.received.length === 1);
});

test("more than a page, and no more than the bound", async () => {
  const { slack, ann, team, place } = before();
  for (let count = 0; count < 1_100; count += 1) ann.say(team, `m${count}`);
  await using door = await connected({ slack, places: () => [place] });
  await door.until(() => door.received.length === 1_000);
  expect(door.texts().at(-1)).toBe("m1099");
  expect(door.texts()[0]).toBe("m100");
});

test("a place that is gone does not keep the others from being looked into", async () => {
  const { slack, ann, team, place } = before();
  ann.say(team, "missed");
  const gone: KnownPlace = { conversation: { id: "C0GONE", kind: "shared" }, newest: { id: "abc", sentAt: 5_000 } };
  await using door = await openDoor({ slack, places: () => [gone, place] });
  await door.until(() => door.received.length === 1);
});

test("a store that stays full for long loses nothing of what Slack gave up sending", async () => {
  let fails = true;
  await using door = await connected({
    receive() {
      if (fails) throw new Failure("store", "The disk is full");
      return { state: "waiting", input: 1, session: 1, place: 1 };
    },
  });
  door.slack.faults.add({ fault: { kind: "swallow" }, methods: ["envelope"], skip: 1 });
  door.ann.say(door.ann.dm(), "keep this");
  await door.until(() => door.received.length === 3, { advanceMs: 1_000 });
  fails = false;
  await door.until(() => door.received.length === 4, { advanceMs: 1_000 });
  expect(new Set(door.texts())).toEqual(new Set(["keep this"]));
});

test("a place that could not be looked into is looked into again, and one that is gone is not", async () => {
  const { slack, ann, team, place } = before();
  ann.say(team, "missed");
  const gone: KnownPlace = { conversation: { id: "C0GONE", kind: "shared" }, newest: { id: "abc", sentAt: 5_000 } };
  slack.faults.add({ fault: { kind: "status", status: 503 }, methods: ["conversations.history"], times: 1 });
  slack.faults.add({ fault: { kind: "lose" }, methods: ["conversations.history"], times: 1 });
  await using door = await connected({ slack, places: () => [place, gone] });
  await door.until(() => door.received.length === 1, { advanceMs: 1_000 });
  expect(door.texts()).toEqual(["missed"]);
  const calls = door.calls("conversations.history");
  for (let minutes = 0; minutes < 10; minutes += 1) {
    door.clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(door.calls("conversations.history")).toBe(calls);
});

test("gaps that come while one is being filled make no second queue", async () => {
  const { slack, ann, place } = before();
  const places: KnownPlace[] = [];
  for (let count = 0; count < 20; count += 1) {
    const { id } = slack.newChannel(`c${count}`, { members: [ann, slack.app] });
    places.push({ ...place, conversation: { id, kind: "shared" } });
  }
  slack.faults.add({ fault: { kind: "limit", retryAfterS: 30 }, methods: ["conversations.history"], times: 2 });
  await using door = await connected({ slack, places: () => places });
  await door.until(() => door.calls("conversations.history") === 2);
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    const opened = door.calls("apps.connections.open");
    slack.sockets.cut(door.app);
    await door.until(() => door.calls("apps.connections.open") > opened && door.links() === 1, { advanceMs: 100 });
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(door.calls("conversations.history")).toBe(2);
  await door.until(() => door.calls("conversations.history") >= 22, { advanceMs: 500 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  // The two that were asked before the later gaps are asked once more.
  expect(door.calls("conversations.history")).toBeLessThanOrEqual(24);
});

test("a past whose pages never end is left at some point", async () => {
  const { slack, ann, team, place } = before();
  ann.say(team, "missed");
  let pages = 0;
  const endless = (async (url: string, init?: RequestInit) => {
    if (!url.endsWith("/conversations.history")) return await fetch(url, init);
    pages += 1;
    return Response.json({ ok: true, messages: [], response_metadata: { next_cursor: "again" } });
  }) as typeof fetch;
  await using door = await connected({ slack, places: () => [place], fetch: endless });
  ann.say(team, "live");
  await door.until(() => door.received.length === 1);
  expect(pages).toBeLessThanOrEqual(1_000);
});
