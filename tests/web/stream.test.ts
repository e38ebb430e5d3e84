// The live stream: what happens as it happens, going on after a lost connection, and its end when the right goes.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { serve } from "#serve";
import { limits } from "../../src/core/limits.ts";
import { noUsage } from "../../src/core/usage.ts";
import { until } from "../gateway/fixture.ts";
import { addExchange, addSession, addTurn, createFixture, type Fixture, happen, openLink } from "./fixture.ts";

let fixture: Fixture;
let session: number;
const over: (() => unknown)[] = [];
beforeEach(() => {
  fixture = createFixture();
  session = addSession(fixture);
});
afterEach(async () => {
  for (const end of over.splice(0)) await end();
  await fixture.close();
});

interface Told {
  id?: string;
  event: string;
  data: Record<string, unknown>;
}

/** Reads a stream as a browser does. */
function listen(response: Response) {
  const told: Told[] = [];
  const state = { ended: false };
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  over.push(() => reader?.cancel());
  const read = async () => {
    let rest = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) break;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const fields = new Map(
          block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
        );
        const event = fields.get("event");
        const id = fields.get("id");
        if (event !== undefined)
          told.push({ event, data: JSON.parse(fields.get("data") ?? "{}"), ...(id === undefined ? {} : { id }) });
      }
    }
    state.ended = true;
  };
  const reading = read();
  return { told, state, reading, items: () => told.filter(({ event }) => event === "item") };
}

async function open(query = "", more: Record<string, string> = {}) {
  const { path, headers } = await openLink(fixture, session);
  const response = await fixture.get(`${path}events${query}`, { headers: { ...headers, ...more } });
  expect(response.status).toBe(200);
  return listen(response);
}

test("what happens is told in order, with places to go on from; a call's end changes its item", async () => {
  const live = await open();
  expect((await open()).told).toBeDefined();
  addExchange(fixture, { session, question: "hello", answer: "hi" });
  await until(() => live.items().length === 5);
  expect(live.items().map(({ id, data }) => [id, data.id, data.kind, data.ok])).toEqual([
    ["T1.2", "T1.2", "said", undefined],
    ["T1.3", "T1.3", "call", undefined],
    ["T1.4", "T1.3", "call", true],
    ["T1.5", "T1.5", "answer", undefined],
    ["T1.6", "T1.6", "ended", undefined],
  ]);
  const states = live.told.filter(({ event }) => event === "state").map(({ data }) => data.running);
  expect(states).toEqual([false, true, false]);
});

test("after a lost connection it goes on behind what was seen, and says nothing twice", async () => {
  addExchange(fixture, { session, question: "one", answer: "x" });
  const first = await open("?after=T1.4");
  await until(() => first.items().length === 2);
  addExchange(fixture, { session, question: "two", answer: "y" });
  // The browser's own word of what came last stands before the address.
  const second = await open("?after=T1.4", { "last-event-id": "T2.8" });
  await until(() => second.items().length === 4);
  expect(second.items()[0]).toMatchObject({ id: "T2.9", data: { kind: "call" } });
});

test("whoever was away for too long, or is where the branch is not, loads the page anew", async () => {
  fixture.store.transaction(() => {
    for (let index = 0; index < limits.viewCatchUpMax; index += 1)
      addExchange(fixture, { session, question: "q", answer: "a" });
  });
  const late = await open("?after=T1.4");
  await late.reading;
  expect(late.told.at(-1)).toMatchObject({ event: "reset" });
  const lost = await open("?after=T99999.1");
  await lost.reading;
  expect(lost.told.at(-1)).toMatchObject({ event: "reset" });
});

test("what only forms is shown now and then, without secrets and without a place", async () => {
  fixture.secrets.push("correct-horse-battery");
  const live = await open();
  const turn = addTurn(fixture, session);
  happen(fixture, { session, turn, event: { type: "started", resumed: false } });
  const say = (event: Parameters<typeof fixture.hub.publish>[0]["event"]) =>
    fixture.hub.publish({ n: 1, turn, session, event });
  for (const delta of ["It is **cor", "rect-horse", "-battery**"]) say({ type: "text", delta });
  const forming = () => live.told.filter(({ event }) => event === "forming").at(-1);
  await until(() => JSON.stringify(forming() ?? {}).includes("redacted"));
  expect(forming()?.id).toBeUndefined();
  expect(JSON.stringify(live.told)).not.toContain("horse");
  say({ type: "thinking", delta: "hm" });
  await until(() => forming()?.data.thinking === true);
  say({ type: "tool", step: "start", call: "c", name: "bash", title: "ls", input: {} });
  say({ type: "tool", step: "output", call: "c", text: "x".repeat(10_000) });
  await until(() => String(forming()?.data.output).length === limits.viewProgressCharsMax);
  happen(fixture, { session, turn, event: { type: "ended", outcome: "done", usage: noUsage } });
  await until(() => forming()?.data.turn === null);
});

test("other sessions are not heard", async () => {
  const live = await open();
  const other = addSession(fixture, "other");
  addExchange(fixture, { session: other, question: "private", answer: "x" });
  addExchange(fixture, { session, question: "mine", answer: "x" });
  await until(() => live.items().length >= 5);
  expect(JSON.stringify(live.told)).not.toContain("private");
});

test("an open stream ends when the right goes, before anything more is shown", async () => {
  const live = await open();
  addExchange(fixture, { session, question: "before", answer: "x" });
  await until(() => live.items().length === 5);
  fixture.store.roles.revoke(fixture.person.grant.id);
  addExchange(fixture, { session, question: "after", answer: "x" });
  await live.reading;
  expect(live.told.at(-1)?.event).toBe("closed");
  expect(JSON.stringify(live.told)).not.toContain("after");
});

test("so it does when the time of the link is over, although nothing happens", async () => {
  const live = await open();
  fixture.time.past += 86_400_001;
  await live.reading;
  expect(live.told.at(-1)?.event).toBe("closed");
}, 15_000);

test("so many pages of one link at a time, and one that closes makes room", async () => {
  const { path, headers } = await openLink(fixture, session);
  const opened = [];
  for (let count = 0; count < limits.viewStreamsOfOneMax; count += 1) {
    opened.push(listen(await fixture.get(`${path}events`, { headers })));
  }
  expect((await fixture.get(`${path}events`, { headers })).status).toBe(429);
  await over.pop()?.();
  expect((await fixture.get(`${path}events`, { headers })).status).toBe(200);
});

test("a browser that goes away is noticed, also when it says nothing", async () => {
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, fixture.answer);
  over.push(() => server.close());
  const { path, headers } = await openLink(fixture, session);
  for (let count = 0; count < limits.viewStreamsOfOneMax * 2; count += 1) {
    const leave = new AbortController();
    const response = await fetch(`http://127.0.0.1:${server.port}${path}events`, { headers, signal: leave.signal });
    expect(response.status).toBe(200);
    await response.body?.getReader().read();
    leave.abort();
    // Its place is free as soon as the server heard of it.
    await Bun.sleep(30);
  }
});

test("the end of the program ends it, and nothing of it is listened to any more", async () => {
  const live = await open();
  await fixture.close();
  await live.reading;
  expect(live.state.ended).toBe(true);
  fixture = createFixture();
});
