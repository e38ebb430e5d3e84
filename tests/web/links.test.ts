// Links: what opens them, for how long, for whom, and how the right goes.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { addExchange, addSession, createFixture, type Fixture, openLink } from "./fixture.ts";

let fixture: Fixture;
let session: number;
beforeEach(() => {
  fixture = createFixture();
  session = addSession(fixture);
  addExchange(fixture, { session, question: "hello", answer: "hi" });
});
afterEach(() => fixture.close());

const issue = (change: object = {}, how: { lastsMs: number; opens?: number } = { lastsMs: 86_400_000 }) => {
  const { adapter, user, conversation } = fixture.person;
  return fixture.links.issue({ purpose: "session", adapter, user, conversation, session, ...change }, how);
};
const opened = async (secret: string) => (await fixture.get(`/session/open/${secret}`)).status;

test("the address loses its secret, and the cookie is for this page alone", async () => {
  const { secret, id } = issue();
  const response = await fixture.get(`/session/open/${secret}`);
  expect(response.status).toBe(303);
  expect(response.headers.get("location")).toBe(`/session/${id}/`);
  const cookie = response.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(
    /^remoteagent-session=[0-9a-f]{64}; Path=\/session\/1\/; Max-Age=86400; HttpOnly; SameSite=Lax$/,
  );
  expect(cookie).not.toContain(secret);
});

test("over https the cookie is for https alone, and stands below the prefix", async () => {
  await fixture.close();
  fixture = createFixture({ url: "https://example.com/agent" });
  session = addSession(fixture);
  const { secret } = issue();
  const response = await fixture.get(`/agent/session/open/${secret}`, { headers: { host: "example.com" } });
  expect(response.headers.get("location")).toBe("/agent/session/1/");
  expect(response.headers.get("set-cookie")).toMatch(/Path=\/agent\/session\/1\/; .*; Secure$/);
});

test("nothing that opens a link is kept as it is", async () => {
  const { secret } = issue();
  const cookie = (await fixture.get(`/session/open/${secret}`)).headers.get("set-cookie") ?? "";
  const visit = /=([0-9a-f]{64})/.exec(cookie)?.[1] ?? "none";
  const { Database } = await import("bun:sqlite");
  const db = new Database(`${fixture.folder}/remoteagent.db`, { readonly: true });
  const all = JSON.stringify([db.query("SELECT * FROM links").all(), db.query("SELECT * FROM visits").all()]);
  db.close();
  expect(all).not.toContain(secret);
  expect(all).not.toContain(visit);
});

test("expired, guessed, misshapen and foreign ones get one answer", async () => {
  const { secret, id } = issue();
  const { path, headers } = await openLink(fixture, session);
  const answers = [
    await fixture.get(`/session/open/${"0".repeat(64)}`),
    await fixture.get("/session/open/short"),
    await fixture.get(`/session/${id}/`),
    await fixture.get(`/session/${id}/`, { headers }),
    await fixture.get("/session/999/", { headers }),
    await fixture.get("/session/x/timeline", { headers }),
    await fixture.get(path, { headers: { cookie: "remoteagent-session=nonsense" } }),
  ];
  fixture.time.past += 86_400_001;
  answers.push(await fixture.get(`/session/open/${secret}`), await fixture.get(path, { headers }));
  const [first, ...others] = await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()]));
  expect(first?.[0]).toBe(404);
  for (const other of others) expect(other).toEqual(first ?? []);
});

test("a link for another purpose opens no session", async () => {
  expect(await opened(issue({ purpose: "login" }).secret)).toBe(404);
  expect(await opened(issue().secret)).toBe(303);
});

test("one that may be opened once is used by that, and not by a look at where it leads", async () => {
  const { secret } = issue({}, { lastsMs: 1_000, opens: 1 });
  const look = await fixture.get(`/session/open/${secret}`, { method: "HEAD" });
  expect(look.headers.get("set-cookie")).toBeNull();
  expect(fixture.links.look(secret, "session")?.session).toBe(session);
  expect(await opened(secret)).toBe(303);
  expect(await opened(secret)).toBe(404);
  expect(fixture.links.look(secret, "session")).toBeUndefined();
});

test("two links in two tabs both go on, and a link opens on a phone and on a desktop", async () => {
  const one = await openLink(fixture, session);
  const two = await openLink(fixture, session);
  expect(one.path).not.toBe(two.path);
  const both = { cookie: `${one.headers.cookie}; ${two.headers.cookie}` };
  expect((await fixture.get(one.path, { headers: one.headers })).status).toBe(200);
  expect((await fixture.get(two.path, { headers: two.headers })).status).toBe(200);
  expect((await fixture.get(one.path, { headers: both })).status).toBe(200);
  const { secret } = issue();
  expect([await opened(secret), await opened(secret)]).toEqual([303, 303]);
});

test("too many browsers of one link: the oldest is out; too many links of one person: the oldest is void", async () => {
  const first = await openLink(fixture, session);
  for (let count = 0; count < limits.linksOfOneMax - 1; count += 1) issue();
  expect((await fixture.get(first.path, { headers: first.headers })).status).toBe(200);
  const last = issue();
  expect((await fixture.get(first.path, { headers: first.headers })).status).toBe(404);
  const cookies: string[] = [];
  for (let count = 0; count <= limits.linkVisitsMax; count += 1) {
    const response = await fixture.get(`/session/open/${last.secret}`);
    cookies.push(response.headers.get("set-cookie")?.split(";")[0] ?? "");
  }
  const status = async (cookie: string | undefined) =>
    (await fixture.get(`/session/${last.id}/`, { headers: { cookie: cookie ?? "" } })).status;
  expect([await status(cookies[0]), await status(cookies[1]), await status(cookies.at(-1))]).toEqual([404, 200, 200]);
});

test("guessing gets nowhere, and does not keep others out", async () => {
  const from = "203.0.113.5";
  for (let count = 0; count < limits.webGuessesMax; count += 1) {
    expect((await fixture.get(`/session/open/${count}`, { from })).status).toBe(404);
  }
  const { secret } = issue();
  expect((await fixture.get(`/session/open/${secret}`, { from })).status).toBe(429);
  expect((await fixture.get(`/session/open/${secret}`, { from: "203.0.113.6" })).status).toBe(303);
});

test("the right is looked up at each request: without the role there is nothing, and again with it", async () => {
  const { path, headers } = await openLink(fixture, session);
  const status = async () => (await fixture.get(`${path}timeline`, { headers })).status;
  const { grant } = fixture.person;
  fixture.store.roles.revoke(grant.id);
  expect(await status()).toBe(404);
  fixture.store.roles.give(grant);
  expect(await status()).toBe(200);
  delete fixture.doors.chat;
  expect(await status()).toBe(404);
});

test("so it is when the session leaves the conversation, or another agent answers there", async () => {
  const other = fixture.store.wirings.conversation("chat", { id: "other", kind: "shared", at: 1 });
  const elsewhere = fixture.store.sessions.create({ agent: "main", at: 1, title: "elsewhere" }).id;
  fixture.store.sessions.bind({ agent: "main", conversation: other }, elsewhere);
  expect(await opened(issue({ session: elsewhere }).secret)).toBe(404);
  const { path, headers } = await openLink(fixture, session);
  fixture.store.wirings.assign("cook", { adapter: "chat", conversation: "room", at: 1 });
  expect((await fixture.get(path, { headers })).status).toBe(404);
});

test("guests see nothing, a role of the direct chat gives nothing in the room, and the owner sees all", async () => {
  const guest = issue({ user: "8" });
  fixture.doors.chat = { local: false, dm: "everyone", unknownSender: "public" };
  expect(await opened(guest.secret)).toBe(404);
  const { grant } = fixture.person;
  fixture.store.roles.give({ ...grant, user: "9", surface: "direct" });
  expect(await opened(issue({ user: "9" }).secret)).toBe(404);
  const unbound = fixture.store.sessions.create({ agent: "main", at: 1 }).id;
  fixture.store.roles.give({ ...grant, user: "10", role: "owner", surface: "*" });
  expect(await opened(issue({ user: "10", session: unbound }).secret)).toBe(303);
  expect(await opened(issue({ user: "7", session: unbound }).secret)).toBe(404);
});

test("a conversation that bears another id now is still the same", async () => {
  const { path, headers } = await openLink(fixture, session);
  fixture.store.transaction(() =>
    fixture.store.moves.move({ adapter: "chat", from: "room", to: "new-room", at: 1, nonce: () => "n" }),
  );
  expect((await fixture.get(path, { headers })).status).toBe(200);
});
