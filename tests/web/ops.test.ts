// What is said to whoever watches over the program, and to whom.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { noUsage } from "../../src/core/usage.ts";
import { addExchange, addSession, addTurn, createFixture, type Fixture, happen } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture({ url: "https://agent.example.com", trustedProxies: ["127.0.0.1"] });
});
afterEach(() => fixture.close());

test("anybody hears that it lives, and nothing else", async () => {
  const answer = await fixture.get("/healthz", { from: "203.0.113.5", headers: { host: "agent.example.com" } });
  expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
});

test("the rest is for this machine past no proxy, and for whoever has the token", async () => {
  const status = async (headers: Record<string, string> = {}, from = "127.0.0.1") =>
    (await fixture.get("/metrics", { headers, from })).status;
  expect(await status()).toBe(200);
  expect(await status({}, "::1")).toBe(200);
  expect(await status({}, "203.0.113.5")).toBe(401);
  expect(await status({ host: "agent.example.com" })).toBe(401);
  for (const trace of ["x-forwarded-for", "forwarded", "via", "cf-connecting-ip", "x-real-ip", "x-forwarded-proto"]) {
    expect([trace, await status({ [trace]: "127.0.0.1" })]).toEqual([trace, 401]);
  }
  const token = { authorization: "Bearer token-of-the-tests" };
  expect(await status(token, "203.0.113.5")).toBe(200);
  expect(await status({ authorization: "Bearer token-of-the-test" }, "203.0.113.5")).toBe(401);
  expect(await status({ authorization: "token-of-the-tests" }, "203.0.113.5")).toBe(401);
  fixture.vitals.token = () => undefined;
  expect(await status({ authorization: "Bearer undefined" }, "203.0.113.5")).toBe(401);
  fixture.vitals.token = () => {
    throw new Error("its file is gone");
  };
  expect(await status(token, "203.0.113.5")).toBe(401);
  expect(fixture.log.lines.join("\n")).toContain("its file is gone");
});

test("ready means that the store answers, the loop moves, and each adapter was heard of", async () => {
  const ready = async () => {
    const answer = await fixture.get("/readyz");
    const body: { ready: boolean; checks: { name: string; ok: boolean }[] } = await answer.json();
    return [answer.status, body.ready, ...body.checks.filter(({ ok }) => !ok).map(({ name }) => name)];
  };
  expect(await ready()).toEqual([200, true]);
  fixture.vitals.adapters = () => [{ name: "chat", type: "telegram", state: "down" as never }];
  expect(await ready()).toEqual([503, false, "adapter chat"]);
  fixture.vitals.adapters = () => [];
  fixture.vitals.pulse = () => Promise.reject(new Error("stuck"));
  expect(await ready()).toEqual([503, false, "loop"]);
  fixture.vitals.pulse = () => new Promise(() => undefined);
  expect(await ready()).toEqual([503, false, "loop"]);
});

test("figures are Prometheus text, with labels that cannot break out", async () => {
  const session = addSession(fixture);
  addExchange(fixture, { session, question: "a", answer: "b" });
  const turn = addTurn(fixture, session);
  happen(fixture, { session, turn, event: { type: "ended", outcome: "failed", usage: noUsage } });
  fixture.vitals.adapters = () => [{ name: 'a"b\\c\nd', type: "telegram", state: "connected" as const }];
  const target = { adapter: "chat", conversation: fixture.person.conversation };
  fixture.store.deliveries.add({ target, kind: "reply", form: "final", nonce: "x", at: 1, choices: [] });
  const answer = await fixture.get("/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  for (const line of [
    'remoteagent_turns_total{outcome="done"} 1',
    'remoteagent_turns_total{outcome="failed"} 1',
    "remoteagent_tool_calls_total 1",
    "remoteagent_tokens_total 1290",
    "remoteagent_cost_usd_total 0.0123",
    'remoteagent_deliveries{fate="pending"} 1',
    String.raw`remoteagent_adapter_connected{adapter="a\"b\\c\nd",type="telegram"} 1`,
    "remoteagent_memory_bytes 1024",
    "remoteagent_database_bytes 4096",
    'remoteagent_build_info{version="1.2.3"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect(text).toMatch(/^remoteagent_adapter_silent_seconds\{.*\} 2\.5$/m);
  for (const line of text.trimEnd().split("\n")) {
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) remoteagent_\w+ .+|remoteagent_\w+(?:\{.*\})? -?[\d.e+-]+)$/);
  }
});
