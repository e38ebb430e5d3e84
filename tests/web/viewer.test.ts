// The session page's data: the timeline in pages, search, files, and what it makes of what it should not be asked.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../../src/core/limits.ts";
import { noUsage } from "../../src/core/usage.ts";
import type { Item, ItemPage } from "../../src/web/viewer/item.ts";
import {
  addExchange,
  addInput,
  addSession,
  addTurn,
  createFixture,
  type Fixture,
  happen,
  keep,
  openLink,
} from "./fixture.ts";

let fixture: Fixture;
let session: number;
beforeEach(() => {
  fixture = createFixture();
  session = addSession(fixture);
});
afterEach(() => fixture.close());

/** A page of somebody who opened a link. */
async function visit(id = session) {
  const { path, headers } = await openLink(fixture, id);
  const get = (what: string, more: Record<string, string> = {}) =>
    fixture.get(`${path}${what}`, { headers: { ...headers, ...more } });
  const json = async <Body>(what: string): Promise<Body> => (await get(what)).json();
  return { get, json, page: (query = "") => json<ItemPage>(`timeline?${query}`) };
}
const texts = (items: readonly Item[]) => items.flatMap((item) => (item.kind === "said" ? [item.text] : []));

test("a turn: what was said, the call with its result in one, the answer, and what it took", async () => {
  addExchange(fixture, { session, question: "what is here?", answer: "A **readme**." });
  const { get, page } = await visit();
  const shell = await get("");
  expect(shell.headers.get("content-type")).toContain("text/html");
  expect(await shell.text()).toContain('<ol id="items"');
  const { items, older, newer, last } = await page();
  expect({ older, newer, last }).toEqual({ older: null, newer: null, last: "T1.6" });
  expect(items).toMatchObject([
    { id: "T1.2", session: "S001", kind: "said", from: "Ada", text: "what is here?" },
    { id: "T1.3", kind: "call", title: "ls -la", input: "ls -la", ok: true, ms: 340, output: "total 4\nREADME.md" },
    { id: "T1.5", kind: "answer" },
    { id: "T1.6", kind: "ended", outcome: "done", tokens: 1290, costUsd: 0.0123 },
  ]);
});

test("every kind of event", async () => {
  const turn = addTurn(fixture, session);
  const tell = (event: Parameters<typeof happen>[1]["event"]) => happen(fixture, { session, turn, event });
  tell({ type: "started", resumed: true });
  tell({ type: "tool", step: "start", call: "c", name: "edit", title: "edit a.ts", input: { path: "a.ts", old: "1" } });
  const body = { kind: "compaction", summary: "what was **before**", keepFrom: null, tokensBefore: 100 } as const;
  fixture.store.entries.append({ session, turn, parent: null, at: fixture.time.at + 1_000, body });
  tell({ type: "compacted", tokensBefore: 100, tokensAfter: 10 });
  tell({ type: "ask", approval: 5, text: "May I?", choices: [] });
  tell({ type: "notice", text: "careful" });
  tell({ type: "continuation", value: "opaque" });
  tell({ type: "usage", usage: noUsage });
  const error = { code: "tool", message: "It broke", hint: "Mend it" } as const;
  tell({ type: "ended", outcome: "failed", error, usage: noUsage });
  const { page } = await visit();
  expect((await page()).items).toMatchObject([
    { kind: "note", text: "Goes on after an interruption" },
    { kind: "call", name: "edit", input: JSON.stringify({ path: "a.ts", old: "1" }, undefined, 2) },
    { kind: "compacted", before: 100, after: 10, blocks: [{ type: "paragraph" }] },
    { kind: "question", state: "gone" },
    { kind: "note", text: "careful" },
    { kind: "ended", outcome: "failed", text: "It broke. Mend it" },
  ]);
});

test("a call whose id comes again has each its own result", async () => {
  const turn = addTurn(fixture, session);
  const call = { type: "tool", name: "bash", call: "same" } as const;
  for (const text of ["one", "two"]) {
    happen(fixture, { session, turn, event: { ...call, step: "start", title: text, input: {} } });
    happen(fixture, { session, turn, event: { ...call, step: "end", ok: true, ms: 1, text } });
  }
  const { items } = await (await visit()).page();
  expect(items).toMatchObject([
    { title: "one", output: "one" },
    { title: "two", output: "two" },
  ]);
});

test("long sessions come in pages, both ways, without a gap and without a repetition", async () => {
  const count = 260;
  fixture.store.transaction(() => {
    for (let index = 0; index < count; index += 1) {
      addExchange(fixture, { session, question: `question ${index}`, answer: `answer ${index}` });
    }
  });
  const { page } = await visit();
  const newest = await page();
  let seen = texts(newest.items);
  for (let at = newest.older; at !== null; ) {
    const earlier = await page(`before=${at}`);
    expect(earlier.newer).toBeNull();
    seen = [...texts(earlier.items), ...seen];
    at = earlier.older;
  }
  const all = Array.from({ length: count }, (_, index) => `question ${index}`);
  expect(seen).toEqual(all);
  const first = await page("first=1");
  expect(first.older).toBeNull();
  seen = texts(first.items);
  for (let at = first.newer; at !== null; ) {
    const later = await page(`after=${at}`);
    seen = [...seen, ...texts(later.items)];
    at = later.newer;
  }
  expect(seen).toEqual(all);
  const around = await page("around=T130.776");
  expect(around.items.some(({ id }) => id === "T130.776")).toBe(true);
  expect([around.older, around.newer].every((place) => place !== null)).toBe(true);
});

test("a fork shows what it was forked from, up to there, and each knows of the other", async () => {
  const parent = session;
  const said = (text: string, of: number) => {
    const turn = addExchange(fixture, { session: of, question: text, answer: `answer to ${text}` });
    const { head } = fixture.store.sessions.get(of) ?? { head: null };
    const message = { role: "user" as const, content: [{ type: "text" as const, text }], timestamp: 1 };
    const body = { kind: "message" as const, message };
    return fixture.store.entries.append({ session: of, turn, parent: head, at: 1, body }).id;
  };
  said("before", parent);
  const entry = said("fork here", parent);
  const fork = fixture.store.sessions.create({
    agent: "main",
    at: 1,
    title: "side",
    parent: { session: parent, entry },
  }).id;
  fixture.store.sessions.bind({ agent: "main", conversation: fixture.person.row, root: "t" }, fork);
  said("in the fork", fork);
  said("after", parent);
  const { page, json, get } = await visit(fork);
  expect(texts((await page()).items)).toEqual(["before", "fork here", "in the fork"]);
  expect((await page("first=1")).items.map((item) => item.session)).toContain("S002");
  expect(await json("about")).toMatchObject({ session: "S002", parent: { session: "S001", title: "Build broke" } });
  expect(await (await visit(parent)).json("about")).toMatchObject({ forks: [{ session: "S002", title: "side" }] });
  // What came after the fork is not the fork's.
  const later = fixture.store.turns.list({ session: parent, limit: 1 })[0]?.id ?? 0;
  expect((await get(`timeline?around=T${later}.${later * 6}`)).status).toBe(400);
});

test("of turns whose events have gone what was said is left; of entries without a turn all is there", async () => {
  const entry = (role: "user" | "assistant", text: string) => {
    const { head } = fixture.store.sessions.get(session) ?? { head: null };
    const message = { role, content: [{ type: "text", text }], timestamp: 1 } as never;
    fixture.store.entries.append({ session, turn: null, parent: head, at: 1, body: { kind: "message", message } });
  };
  entry("user", "imported question");
  entry("assistant", "imported answer");
  const turn = addTurn(fixture, session);
  const message = { adapter: "chat", conversation: "room", external: null, session, turn, at: 5 };
  fixture.store.messages.add({ ...message, direction: "in", sender: "Ada", text: "old question" });
  fixture.store.messages.add({ ...message, direction: "out", sender: "main", text: "old answer" });
  fixture.store.turns.end(turn, { outcome: "done", at: 6, usage: noUsage });
  addExchange(fixture, { session, question: "new question", answer: "x" });
  const { page } = await visit();
  const { items } = await page();
  expect(texts(items)).toEqual(["imported question", "old question", "new question"]);
  expect(items.filter(({ old }) => old)).toHaveLength(2);
  expect(texts((await page("first=1")).items)).toEqual(texts(items));
  expect(texts((await page("before=T1.0")).items)).toEqual(["imported question"]);
});

test("places of other sessions, and what is no place, are refused in one way", async () => {
  addExchange(fixture, { session, question: "mine", answer: "x" });
  const other = addSession(fixture, "other");
  addExchange(fixture, { session: other, question: "theirs", answer: "x" });
  const { get } = await visit();
  for (const query of [
    "before=T2.8",
    "around=T2.8",
    "after=T99.1",
    "before=E1",
    "before=x",
    "before=T1",
    "first=2",
    "before=",
  ]) {
    expect([query, (await get(`timeline?${query}`)).status]).toEqual([query, 400]);
  }
  expect((await get("item/T2.8")).status).toBe(400);
  expect((await get("events?after=T2.8x")).status).toBe(400);
  expect((await get(`search?q=${"x".repeat(limits.viewQueryCharsMax + 1)}`)).status).toBe(400);
});

test("long texts are cut, and come whole when they are asked for", async () => {
  addExchange(fixture, { session, question: "q".repeat(limits.viewTextCharsMax + 5), answer: "fine" });
  const { page, json } = await visit();
  const [said] = (await page()).items;
  expect(said).toMatchObject({ kind: "said", cut: true });
  expect(texts(said === undefined ? [] : [said])[0]).toHaveLength(limits.viewTextCharsMax);
  const whole = await json<Item>(`item/${said?.id}`);
  expect(whole.cut).toBeUndefined();
  expect(texts([whole])[0]).toHaveLength(limits.viewTextCharsMax + 5);
});

test("secrets that were added later are in nothing that is shown, found, or named", async () => {
  const secret = "correct-horse-battery";
  const turn = addTurn(fixture, session);
  const tell = (event: Parameters<typeof happen>[1]["event"]) => happen(fixture, { session, turn, event });
  const stored = keep(fixture, "notes.txt", "x");
  const files = [{ name: `${secret}.txt`, ref: "r", stored }];
  tell({ type: "taken", inputs: [addInput(fixture, { session, text: secret, files })], text: `use ${secret}` });
  tell({ type: "tool", step: "start", call: "c", name: "bash", title: `echo ${secret}`, input: { command: secret } });
  tell({ type: "tool", step: "end", call: "c", name: "bash", ok: true, ms: 1, text: btoa(`key ${secret}`) });
  tell({ type: "message", text: `It is **${secret}**, and ${[...secret].join("\u200b")}` });
  tell({ type: "file", stored, name: `${secret}.txt`, bytes: 1, caption: secret });
  tell({ type: "ask", approval: 1, text: secret, choices: [] });
  tell({ type: "notice", text: encodeURIComponent(secret) });
  tell({ type: "ended", outcome: "failed", error: { code: "tool", message: secret }, usage: noUsage });
  fixture.store.sessions.set(session, { title: `about ${secret}` });
  fixture.secrets.push(secret);
  const { get } = await visit();
  for (const path of ["timeline", "about", "item/T1.1", "search?q=correct", `search?q=${secret}`, "search?q=use"]) {
    const text = await (await get(path)).text();
    expect([path, text.includes("correct-horse"), text.includes(btoa(secret).slice(4, 20))]).toEqual([
      path,
      false,
      false,
    ]);
  }
  const { headers } = await get("file/T1.1.0");
  expect(headers.get("content-disposition")).not.toContain("horse");
  // Search by a part of it finds nothing: else it could be guessed letter by letter.
  expect(await (await get("search?q=horse")).json()).toEqual({ hits: [], more: null });
});

test("markup in every text stays text", async () => {
  const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>`;
  addExchange(fixture, {
    session,
    question: evil,
    answer: `${evil}\n\n[x](javascript:alert(1)) ![y](http://evil.example/p.png)`,
  });
  fixture.store.sessions.set(session, { title: evil });
  const { get, page } = await visit();
  expect(await (await get("")).text()).not.toContain("alert(1)");
  expect((await get("timeline")).headers.get("content-type")).toContain("application/json");
  const answer = (await page()).items.find(({ kind }) => kind === "answer");
  expect(JSON.stringify(answer)).toContain('"text":"<script>alert(1)</script>');
});

test("search finds all words in whatever was shown, newest first, in several goes", async () => {
  for (let index = 0; index < 30; index += 1) {
    addExchange(fixture, {
      session,
      question: `Question ${index}`,
      answer: index === 3 ? "The Needle, and ünïcode" : "hay",
    });
  }
  const { json } = await visit();
  interface Found {
    hits: { id: string; excerpt: string }[];
    more: string | null;
  }
  expect(await json<Found>("search?q=needle%20THE")).toMatchObject({
    hits: [{ excerpt: "The Needle, and ünïcode" }],
    more: null,
  });
  expect((await json<Found>("search?q=ÜNÏCODE")).hits).toHaveLength(1);
  expect(await json<Found>("search?q=%20")).toEqual({ hits: [], more: null });
  // A result is found under the call that it belongs to.
  const [first] = (await json<Found>("search?q=README.md")).hits;
  const { items } = await json<ItemPage>(`timeline?around=${first?.id}`);
  expect(items.find(({ id }) => id === first?.id)).toMatchObject({ kind: "call" });
  const pages: string[] = [];
  for (let more: string | null = ""; more !== null; ) {
    const found: Found = await json<Found>(`search?q=e${more === "" ? "" : `&before=${more}`}`);
    pages.push(...found.hits.map(({ id }) => id));
    more = found.more;
  }
  expect(new Set(pages).size).toBeGreaterThan(60);
});

test("files are found by their place, keep their names in order, and are run by no browser", async () => {
  const turn = addTurn(fixture, session);
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 1]);
  const html = keep(fixture, "page.html", "<script>alert(1)</script>");
  const file = (stored: string, name: string) =>
    happen(fixture, { session, turn, event: { type: "file", stored, name, bytes: 1 } });
  file(html, 'a"b\r\nSet-Cookie: x=1/../ü.html');
  file(keep(fixture, "image.png", png), "image.png");
  file(html, "really.png");
  const files = [
    { name: "photo.png", ref: "r", stored: keep(fixture, "photo.png", png) },
    { name: "gone.txt", ref: "r", problem: "it is too large" },
  ];
  const input = addInput(fixture, { session, text: "look", files });
  happen(fixture, { session, turn, event: { type: "taken", inputs: [input], text: "look" } });
  const { get, page } = await visit();
  const named = await get("file/T1.1");
  expect(await named.text()).toBe("<script>alert(1)</script>");
  expect(named.headers.get("content-type")).toBe("application/octet-stream");
  expect(named.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
  expect(named.headers.get("x-content-type-options")).toBe("nosniff");
  expect(named.headers.get("set-cookie")).toBeNull();
  expect(named.headers.get("content-disposition")).toBe(
    `attachment; filename="a_b__Set-Cookie_ x=1_..__.html"; filename*=UTF-8''a_b__Set-Cookie_%20x%3D1_.._%C3%BC.html`,
  );
  const image = await get("file/T1.2");
  expect(image.headers.get("content-type")).toBe("image/png");
  expect(image.headers.get("content-disposition")).toStartWith("inline");
  expect(new Uint8Array(await image.arrayBuffer())).toEqual(png);
  // It says that it is an image and is none.
  expect((await get("file/T1.3")).headers.get("content-type")).toBe("application/octet-stream");
  expect((await get("file/T1.4.0")).headers.get("content-type")).toBe("image/png");
  expect((await page()).items.at(-1)).toMatchObject({
    files: [
      { name: "photo.png", ref: "T1.4.0", image: true },
      { name: "gone.txt", problem: "it is too large" },
    ],
  });
  for (const ref of ["T1.4.1", "T1.4.9", "T1.4", "T1.9", "T2.1", "..%2f..%2fsettings.json", "E1", "T1.1.0"]) {
    expect([ref, (await get(`file/${ref}`)).status]).toEqual([ref, 400]);
  }
});

test("what lies outside of the workspace is no file, whatever a row or a link says", async () => {
  const turn = addTurn(fixture, session);
  keep(fixture, "x", "x");
  symlinkSync("/etc/passwd", join(fixture.folder, "attachments", "link"));
  for (const stored of ["../remoteagent.db", "/etc/passwd", "attachments/link", "attachments", "attachments/missing"]) {
    happen(fixture, { session, turn, event: { type: "file", stored, name: "x", bytes: 1 } });
  }
  const { get } = await visit();
  for (const n of [1, 2, 3, 4, 5]) expect([n, (await get(`file/T1.${n}`)).status]).toEqual([n, 400]);
});

test("a look at what is there opens no file and no stream", async () => {
  const turn = addTurn(fixture, session);
  const stored = keep(fixture, "x.txt", "x");
  happen(fixture, { session, turn, event: { type: "file", stored, name: "x", bytes: 1 } });
  const { path, headers } = await openLink(fixture, session);
  const before = readdirSync("/proc/self/fd").length;
  for (const what of ["file/T1.1", "events", "timeline", ""]) {
    const answer = await fixture.get(`${path}${what}`, { headers, method: "HEAD" });
    expect([what, answer.status, await answer.text()]).toEqual([what, 200, ""]);
  }
  expect((await fixture.get(path, { method: "HEAD" })).status).toBe(404);
  // A body that nobody reads holds nothing either.
  await fixture.get(`${path}file/T1.1`, { headers });
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});

test("sums are right for long sessions, and for the turn that just ends", async () => {
  const usage = { ...noUsage, input: 2, costUsd: 0.5 };
  fixture.store.transaction(() => {
    for (let index = 0; index < limits.viewSumTurns + 10; index += 1) {
      const turn = addTurn(fixture, session);
      fixture.store.turns.end(turn, { outcome: "done", at: 1, usage });
    }
  });
  const { json } = await visit();
  const turns = limits.viewSumTurns + 10;
  expect(await json("used")).toEqual({ turns, tokens: turns * 2, costUsd: turns / 2 });
  const turn = addTurn(fixture, session);
  expect(await json("used")).toMatchObject({ turns: turns + 1, tokens: turns * 2 });
  fixture.store.turns.end(turn, { outcome: "done", at: 1, usage });
  expect(await json("used")).toMatchObject({ turns: turns + 1, tokens: turns * 2 + 2 });
});

test("a link asks for no more than its share", async () => {
  const { get } = await visit();
  let status = 200;
  for (let count = 0; count <= limits.webLinkBurst && status === 200; count += 1) status = (await get("about")).status;
  expect(status).toBe(429);
});
