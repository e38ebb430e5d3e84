// The web pages: first bytes, the viewer's data, long sessions in a browser, live events, and what all of it takes.
import { createServer } from "node:net";
import { serve } from "#serve";
import { noUsage } from "../../src/core/usage.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createLinks } from "../../src/web/links.ts";
import { browserPath, launch, openPage } from "../browser/browser.ts";
import { addSession, addTurn, createFixture, happen, openLink } from "../web/fixture.ts";
import { residentMegabytes } from "./life.ts";
import { databaseOf, startProgram } from "./programs.ts";
import { type Found, type Note, type Row, row } from "./row.ts";
import { launchOf, type Setup, seeded } from "./setup.ts";
import { type Summary, summarise } from "./statistics.ts";

const sizes = { full: { long: 10_000, huge: 1_000_000 }, quick: { long: 10_000, huge: 20_000 } };
const counts = {
  full: { requests: 300, parallel: 3_000, pages: 10, events: 200 },
  quick: { requests: 20, parallel: 200, pages: 2, events: 10 },
};
/** Requests that one link and one address may make at once stay below this. */
const ofOneLink = 300;

/** Everything that a page needs, from a program with a short, a long and a very long session. */
export async function measureWeb(setup: Setup): Promise<Found> {
  const unused = await measureUnused(setup);
  const folder = await seeded(setup);
  const port = await freePort();
  const links = fill(setup, { folder, port });
  const program = await startProgram(launchOf(setup, { name: "remoteagent", folder }));
  try {
    const open = residentMegabytes(program.pid);
    const rows = await firstBytes(setup, { port, links });
    const parallel = await perSecond(setup, { port, links });
    const browser = browserPath === undefined ? { rows: [], notes: [] } : await inBrowser(setup, { port, links });
    const live = await liveEvents(setup);
    const memory = (name: string, ours: number): Row =>
      row({ name, unit: "MB", against: "itself", base: summarise([unused]), ours: summarise([ours]) });
    return {
      rows: [
        ...rows,
        ...browser.rows,
        live,
        memory("pages open beside never asked for, resident memory", open),
        memory("pages used, the same", residentMegabytes(program.pid)),
      ],
      notes: [parallel, ...browser.notes],
    };
  } finally {
    await program.stop();
  }
}

/** Memory of a program of which nobody asks for a page. */
async function measureUnused(setup: Setup): Promise<number> {
  const program = await startProgram(launchOf(setup, { name: "remoteagent", folder: await seeded(setup) }));
  await settle(setup);
  const megabytes = residentMegabytes(program.pid);
  await program.stop();
  return megabytes;
}

async function settle({ quick }: Setup): Promise<void> {
  await Bun.sleep(quick ? 500 : 5_000);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Secrets of links, as many as are needed; each is used by one visitor. */
interface Links {
  short(): string;
  long(): string;
  huge(): string;
}

/** Writes the sessions, and links to them for as many people as it takes. */
function fill(setup: Setup, { folder, port }: { folder: string; port: number }): Links {
  const store = createStore(openStore(databaseOf.remoteagent(folder)));
  const size = sizes[setup.quick ? "quick" : "full"];
  const links = createLinks({ store, clock: systemClock, may: () => true });
  const make = (entries: number, user: string) => {
    const session = addHistory(store, entries);
    const conversation = { id: "web", kind: "direct" as const };
    const secrets = store.transaction(() =>
      Array.from({ length: 60 }, (_, index) => {
        const scope = { purpose: "session", adapter: "terminal", conversation, session, user: `${user}${index}` };
        return links.issue(scope, { lastsMs: 86_400_000 }).secret;
      }),
    );
    return () => secrets.pop() ?? "";
  };
  const made = { short: make(30, "s"), long: make(size.long, "l"), huge: make(size.huge, "h") };
  store.facts.set("web-port", String(port));
  store.close();
  return made;
}

const answer =
  "The build fails since the change to the parser: the **new branch** returns early, so the list stays empty.\n\n- `one`\n- two\n";

/** A session with so many events that a page shows, in turns of five. */
function addHistory(store: ReturnType<typeof createStore>, entries: number): number {
  return store.transaction(() => {
    const at = Date.now();
    const { id } = store.sessions.create({ agent: "main", at, title: `A session with ${entries} entries` });
    const replyTo = { adapter: "terminal", conversation: { id: "web", kind: "direct" as const } };
    for (let index = 0; index < entries / 4; index += 1) {
      const turn = store.turns.create({
        session: id,
        agent: "main",
        requester: { id: "0", name: "Ada" },
        replyTo,
        at,
      }).id;
      const add = (event: Parameters<typeof store.turns.append>[1]["event"]) => store.turns.append(turn, { event, at });
      const call = { type: "tool", call: "c", name: "bash" } as const;
      add({ type: "taken", inputs: [], text: `question ${index}: what broke the build last night?` });
      add({ ...call, step: "start", title: `grep -n error build-${index}.log`, input: { command: "grep" } });
      add({ ...call, step: "end", ok: true, ms: 12, text: "src/parser.ts:120:14 error: expected 3 items\n".repeat(8) });
      add({ type: "message", text: `${index}: ${answer}` });
      add({ type: "ended", outcome: "done", usage: noUsage });
      store.turns.end(turn, { outcome: "done", at, usage: noUsage });
    }
    return id;
  });
}

interface Place {
  port: number;
  links: Links;
}

/** Opens a link, as a browser of its own. */
async function visit(port: number, secret: string) {
  const origin = `http://127.0.0.1:${port}`;
  const opened = await fetch(`${origin}/session/open/${secret}`, { redirect: "manual" });
  const path = opened.headers.get("location");
  if (path === null) throw new Error(`A link does not open: ${opened.status}`);
  const headers = { cookie: opened.headers.get("set-cookie")?.split(";")[0] ?? "" };
  return { headers, url: (what: string) => (what.startsWith("/") ? origin + what : `${origin}${path}${what}`) };
}

/** From the request to the first byte of the answer, one after the other. */
async function times(count: number, url: string, headers: Record<string, string>): Promise<Summary> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = performance.now();
    const response = await fetch(url, { headers });
    found.push(performance.now() - at);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    await response.arrayBuffer();
    // Slower than any bound on how often somebody may ask.
    await Bun.sleep(11);
  }
  return summarise(found);
}

async function firstBytes(setup: Setup, { port, links }: Place): Promise<Row[]> {
  const count = counts[setup.quick ? "quick" : "full"].requests;
  const short = await visit(port, links.short());
  const base = await times(count, short.url("/healthz"), {});
  const pages: [string, string, () => string][] = [
    ["page", "", links.short],
    ["script", "/assets/viewer.js", links.short],
    ["about", "about", links.short],
    ["used", "used", links.short],
    ["newest of 10,000", "timeline", links.long],
    ["beginning of 10,000", "timeline?first=1", links.long],
    [`newest of ${sizes[setup.quick ? "quick" : "full"].huge.toLocaleString("en")}`, "timeline", links.huge],
    ["used, of as many", "used", links.huge],
    ["search, one go in as many", "search?q=nowhere", links.huge],
  ];
  const rows: Row[] = [];
  for (const [name, path, link] of pages) {
    const { url, headers } = await visit(port, link());
    // The first one reads what the others find in memory.
    await (await fetch(url(path), { headers })).arrayBuffer();
    const ours = await times(count, url(path), headers);
    const target = path.startsWith("search") ? undefined : ({ p95: 5 } as const);
    rows.push(
      row({ name: `first byte: ${name}`, unit: "ms", against: "itself", base, ours, ...(target && { target }) }),
    );
  }
  return rows;
}

/** The viewer's data as fast as it comes, sixteen at a time. */
async function perSecond(setup: Setup, { port, links }: Place): Promise<Note> {
  const total = counts[setup.quick ? "quick" : "full"].parallel;
  let left = total;
  const visitors = await Promise.all(Array.from({ length: 16 }, () => visit(port, links.long())));
  const at = performance.now();
  let answered = 0;
  await Promise.all(
    visitors.map(async ({ url, headers }) => {
      for (let own = 0; own < ofOneLink && left > 0; own += 1) {
        left -= 1;
        const response = await fetch(url("timeline"), { headers });
        await response.arrayBuffer();
        if (response.ok) answered += 1;
      }
    }),
  );
  const seconds = (performance.now() - at) / 1_000;
  return { name: "viewer's data, pages of 100 items, sixteen at a time", value: answered / seconds, unit: "a second" };
}

/** From the click to a page that can be used, in a real browser. */
async function inBrowser(setup: Setup, { port, links }: Place): Promise<Found> {
  const count = counts[setup.quick ? "quick" : "full"].pages;
  const browser = await launch();
  const measure = async (link: () => string): Promise<Summary> => {
    const found: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const { page } = await openPage(browser, { address: `http://127.0.0.1:${port}/session/open/${link()}` });
      found.push(await page.evaluate(() => performance.getEntriesByName("interactive")[0]?.startTime ?? Number.NaN));
      await page.context().close();
    }
    return summarise(found);
  };
  try {
    const base = await measure(links.short);
    const line = (name: string, ours: Summary): Row =>
      row({
        name: `${name} to interactive, in Chromium`,
        unit: "ms",
        against: "itself",
        base,
        ours,
        target: { p95: 300 },
      });
    const size = sizes[setup.quick ? "quick" : "full"];
    return {
      rows: [
        line("10,000 entries", await measure(links.long)),
        line(`${size.huge.toLocaleString("en")} entries`, await measure(links.huge)),
      ],
      notes: [{ name: "30 entries to interactive, in Chromium", value: base.median, unit: "ms" }],
    };
  } finally {
    await browser.close();
  }
}

/** From an event's commit to its arrival at whoever watches; beside it, an answer of the same server. */
async function liveEvents(setup: Setup): Promise<Row> {
  const fixture = createFixture();
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, fixture.answer);
  try {
    const session = addSession(fixture);
    const turn = addTurn(fixture, session);
    const { path, headers } = await openLink(fixture, session);
    const origin = `http://127.0.0.1:${server.port}`;
    const base = await times(counts.quick.requests, `${origin}/healthz`, {});
    const stream = await fetch(`${origin}${path}events`, { headers });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    const found: number[] = [];
    for (let index = 0; index < counts[setup.quick ? "quick" : "full"].events; index += 1) {
      happen(fixture, { session, turn, event: { type: "message", text: `event ${index}: ${answer}` } });
      const at = performance.now();
      for (let text = ""; !text.includes(`event ${index}:`); ) text += (await reader?.read())?.value ?? "";
      found.push(performance.now() - at);
      await Bun.sleep(5);
    }
    await reader?.cancel();
    return row({
      name: "live event, from its commit to the browser's socket",
      unit: "ms",
      against: "itself",
      base,
      ours: summarise(found),
    });
  } finally {
    await server.close();
    await fixture.close();
  }
}
