// The web over a real store, with a person who may see a session, and hands on everything that it goes by.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Door } from "../../src/access/admission.ts";
import { parseMarkdown } from "../../src/adapters/markdown.ts";
import type { TurnEvent } from "../../src/core/event.ts";
import type { Message } from "../../src/core/message.ts";
import { noUsage } from "../../src/core/usage.ts";
import { createHub } from "../../src/gateway/hub.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createRedactor } from "../../src/vault/redact.ts";
import { webAddress } from "../../src/web/address.ts";
import { createWebApp } from "../../src/web/app.ts";
import { createLinks } from "../../src/web/links.ts";
import { ops } from "../../src/web/ops/routes.ts";
import type { WebParts } from "../../src/web/part.ts";
import { createRates } from "../../src/web/rates.ts";
import { maySee } from "../../src/web/rights.ts";
import { viewer } from "../../src/web/viewer/routes.ts";
import { memoryLog } from "../gateway/fixture.ts";

/** What is different from the rest. */
export interface Different {
  url?: string;
  host?: string;
  trustedProxies?: string[];
}

export type Fixture = ReturnType<typeof createFixture>;

/** Everything of the web but its socket. */
export function createFixture({ url, host = "127.0.0.1", trustedProxies = [] }: Different = {}) {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-web-"));
  const store = createStore(openStore(join(folder, "remoteagent.db")));
  const log = memoryLog();
  const hub = createHub((error) => log.error(String(error)));
  const time = { at: 1_790_000_000_000, past: 0 };
  const clock = {
    ...systemClock,
    now: () => time.at + time.past,
    monotonic: () => time.past,
  };
  const secrets: string[] = [];
  const doors: Record<string, Door> = { terminal: { local: true }, chat: { local: false, dm: "everyone" } };
  const redactor = createRedactor(() => secrets);
  const vitals = {
    version: "1.2.3",
    startedAt: time.at,
    pulse: async () => undefined,
    adapters: () => [{ name: "chat", type: "telegram", state: "connected" as const }],
    health: () => ({ state: "connected" as const, since: 0, heardAt: time.at - 2_500 }),
    running: () => 1,
    databaseBytes: () => 4096,
    memoryBytes: () => 1024,
    token: () => "token-of-the-tests" as string | undefined,
  };
  const parts: WebParts = {
    store,
    hub,
    redact: redactor.all,
    markdown: parseMarkdown,
    door: (adapter) => doors[adapter],
    modelOf: (session) => session.model ?? "demo/offline",
    running: (session) => store.turns.list({ session, state: "running", limit: 1 })[0],
    workspace: folder,
    vitals,
    clock,
    log,
  };
  const links = createLinks({ store, clock, may: maySee({ store, door: parts.door }) });
  const where = { port: 8181 };
  const deps = { ...parts, links, rates: createRates(clock), address: () => webAddress({ url, host }, where.port) };
  const app = createWebApp(deps, { parts: [ops, viewer], bound: host, trustedProxies });
  return {
    folder,
    store,
    hub,
    log,
    time,
    secrets,
    doors,
    vitals,
    links,
    where,
    deps,
    answer: app.answer,
    person: createPerson(store, time),
    /** Asks as somebody on this machine does, unless told otherwise. */
    get(path: string, { headers = {}, from = "127.0.0.1", method = "GET" }: Asked = {}): Promise<Response> {
      const name = headers.host ?? "127.0.0.1:8181";
      const request = new Request(`http://127.0.0.1:8181${path}`, { method, headers: { host: name, ...headers } });
      return app.answer(request, { address: from });
    },
    post(path: string, { headers = {}, body = "{}" }: { headers?: Record<string, string>; body?: BodyInit } = {}) {
      const request = new Request(`http://127.0.0.1:8181${path}`, {
        method: "POST",
        body,
        headers: {
          host: "127.0.0.1:8181",
          origin: "http://127.0.0.1:8181",
          "content-type": "application/json",
          ...headers,
        },
      });
      return app.answer(request, { address: "127.0.0.1" });
    },
    async close(): Promise<void> {
      app.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Asked {
  headers?: Record<string, string>;
  from?: string;
  method?: string;
}

/** Somebody known on the platform `chat`, and the conversation that they are in. */
function createPerson(store: ReturnType<typeof createStore>, time: { at: number }) {
  const conversation = { id: "room", kind: "shared" as const };
  const row = store.wirings.conversation("chat", { ...conversation, at: time.at });
  const grant = store.roles.give({
    adapter: "chat",
    user: "7",
    role: "member",
    agent: "",
    surface: "room",
    givenBy: "the test",
    givenAt: time.at,
  });
  return { adapter: "chat", user: "7", conversation, row, grant };
}

/** A session of the room, empty. */
export function addSession({ store, person, time }: Fixture, title = "Build broke"): number {
  const { id } = store.sessions.create({ agent: "main", at: time.at, title });
  store.sessions.bind({ agent: "main", conversation: person.row }, id);
  return id;
}

/** Opens a link for the person. @returns the page's path and the header that shows who they are. */
export async function openLink(
  fixture: Fixture,
  session: number,
): Promise<{ path: string; headers: { cookie: string } }> {
  const { adapter, user, conversation } = fixture.person;
  const { secret } = fixture.links.issue(
    { purpose: "session", adapter, user, conversation, session },
    { lastsMs: 86_400_000 },
  );
  const opened = await fixture.get(`/session/open/${secret}`);
  const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? "";
  return { path: opened.headers.get("location") ?? "", headers: { cookie } };
}

/** What somebody said, as it came in. */
export function addInput(
  fixture: Fixture,
  { session, text, files }: { session: number; text: string; files?: Message["files"] },
) {
  const inbound: Message = {
    kind: "message",
    adapter: "chat",
    conversation: fixture.person.conversation,
    id: crypto.randomUUID(),
    sender: { id: "7", name: "Ada" },
    sentAt: fixture.time.at,
    text,
    addressed: true,
    ...(files === undefined ? {} : { files }),
  };
  return fixture.store.inputs.add(inbound, { state: "done", session, at: fixture.time.at }).input.id;
}

/** A turn of the person. */
export function addTurn({ store, person, time }: Fixture, session: number): number {
  return store.turns.create({
    session,
    agent: "main",
    requester: { id: person.user, name: "Ada" },
    replyTo: { adapter: person.adapter, conversation: person.conversation },
    at: time.at,
  }).id;
}

/** Stores an event, and tells it to whoever listens. */
export function happen(
  fixture: Fixture,
  { session, turn, event }: { session: number; turn: number; event: TurnEvent },
): number {
  const { store, hub, time } = fixture;
  time.at += 1_000;
  const n = store.turns.append(turn, { event, at: time.at });
  if (event.type === "ended") {
    store.turns.end(turn, { outcome: event.outcome, at: time.at, usage: event.usage });
  }
  hub.publish({ n, turn, session, event });
  return n;
}

/** A whole turn: a question, a call, an answer. @returns its number. */
export function addExchange(
  fixture: Fixture,
  { session, question, answer }: { session: number; question: string; answer: string },
): number {
  const turn = addTurn(fixture, session);
  const input = addInput(fixture, { session, text: question });
  const events: TurnEvent[] = [
    { type: "started", resumed: false, model: "demo/offline" },
    { type: "taken", inputs: [input], text: question },
    { type: "tool", step: "start", call: "c1", name: "bash", title: "ls -la", input: { command: "ls -la" } },
    { type: "tool", step: "end", call: "c1", name: "bash", ok: true, ms: 340, text: "total 4\nREADME.md" },
    { type: "message", text: answer },
    { type: "ended", outcome: "done", usage: { ...noUsage, input: 1200, output: 90, costUsd: 0.0123, requests: 2 } },
  ];
  for (const event of events) happen(fixture, { session, turn, event });
  return turn;
}

/** Puts a file below the workspace. @returns its path there. */
export function keep({ folder }: Fixture, name: string, bytes: Uint8Array | string): string {
  mkdirSync(join(folder, "attachments"), { recursive: true });
  writeFileSync(join(folder, "attachments", name), bytes);
  return `attachments/${name}`;
}
