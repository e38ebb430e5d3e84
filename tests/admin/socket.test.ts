// The routes of the control socket: bodies, versions, refusals.
import { expect, test } from "bun:test";
import { createSocket, type SocketDeps } from "../../src/admin/socket.ts";
import { Failure } from "../../src/core/failure.ts";
import { protocolHeader, protocolVersion } from "../../src/core/frame.ts";
import { limits } from "../../src/core/limits.ts";
import type { StatusReport, StopReport } from "../../src/core/status.ts";

const report: StopReport = { drained: [1], interrupted: [], killed: [], survivors: [], ms: 5 };
const status: StatusReport = {
  version: "0.1.0",
  protocol: protocolVersion,
  pid: 42,
  startedAt: 0,
  alone: false,
  stateDir: "/s",
  workspace: "/w",
  model: "demo/demo",
  demo: true,
  sandbox: { kind: "host", isolation: "none", works: true },
  adapters: [],
  turns: [],
  waiting: 0,
  commands: [],
  memoryBytes: 1,
  notices: [],
};

function socket(change: Partial<SocketDeps> = {}) {
  const stops: [string, number][] = [];
  const errors: unknown[] = [];
  const answer = createSocket({
    status: () => status,
    requestStop: async (reason, drainMs) => {
      stops.push([reason, drainMs]);
      return report;
    },
    admin: async ({ id, args }) => ({ id, ok: true, data: args }),
    chat: async (request) => new Response(new URL(request.url).pathname),
    onError: (_route, error) => errors.push(error),
    ...change,
  });
  const call = (path: string, init: RequestInit = {}) => answer(new Request(`http://instance${path}`, init));
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  return { call, post, stops, errors };
}

test("status, stop, admin and chat are answered with our version beside", async () => {
  const { call, post, stops } = socket();
  const answer = await call("/v1/status");
  expect(await answer.json()).toEqual(status);
  expect(answer.headers.get(protocolHeader)).toBe(String(protocolVersion));
  expect(await (await post("/v1/stop", { drainMs: 0 })).json()).toEqual(report);
  expect(await (await post("/v1/stop", "")).json()).toEqual(report);
  expect(stops).toEqual([
    ["stop", 0],
    ["stop", limits.drainMs],
  ]);
  const frame = { id: "1", command: "turns-list", args: { limit: 3 } };
  expect(await (await post("/v1/admin", frame)).json()).toEqual({ id: "1", ok: true, data: { limit: 3 } });
  expect(await (await post("/v1/chat", "")).text()).toBe("/v1/chat");
  expect(await (await post("/v1/chat/abc", "")).text()).toBe("/v1/chat/abc");
});

test("unknown paths are 404 and wrong methods 405", async () => {
  const { call, post } = socket();
  for (const path of ["/", "/v1", "/v1/status/x", "/v1/chat/a/b", "/v1/constructor", "/v1/status%2f"])
    expect((await call(path)).status).toBe(404);
  const answer = await post("/v1/status", {});
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET");
  expect((await call("/v1/stop")).status).toBe(405);
  expect((await call("/v1/chat", { method: "PUT", body: "" })).status).toBe(405);
});

test("a wrong body is refused in one sentence and nothing happens", async () => {
  const { post, call, stops } = socket();
  const bad = ["{", "[]", "null", '{"drainMs":-1}', '{"drainMs":"5"}', '{"drainMs":5,"x":1}', '{"drainMs":1e12}'];
  for (const body of bad) expect([body, (await post("/v1/stop", body)).status]).toEqual([body, 400]);
  for (const body of ["{}", '{"id":1,"command":"a","args":{}}', '{"id":"1","command":"","args":{}}'])
    expect((await post("/v1/admin", body)).status).toBe(400);
  const invalid = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
  expect((await call("/v1/stop", { method: "POST", body: invalid })).status).toBe(400);
  expect(stops).toEqual([]);
});

test("a body is bounded, whether or not it says how long it is", async () => {
  const { call } = socket();
  const big = "x".repeat(limits.adminBodyBytesMax + 1);
  expect((await call("/v1/admin", { method: "POST", body: big })).status).toBe(413);
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
  expect((await call("/v1/admin", { method: "POST", body: endless })).status).toBe(413);
  expect(pulled).toBeLessThan(40);
});

test("another version is told which side to restart, and may still see status and stop it", async () => {
  const { post, call, stops } = socket();
  const as = (version: number | string) => ({ [protocolHeader]: String(version) });
  const newer = await post("/v1/admin", { id: "1", command: "help", args: {} }, as(protocolVersion + 1));
  expect(newer.status).toBe(409);
  expect(await newer.json()).toMatchObject({ error: { hint: expect.stringContaining("remoteagent restart") } });
  const older = await post("/v1/chat", "", as(protocolVersion - 1));
  expect(older.status).toBe(409);
  expect(await older.json()).toMatchObject({ error: { hint: expect.stringContaining("calling program") } });
  expect((await post("/v1/chat", "", as("nonsense"))).status).toBe(409);
  expect((await call("/v1/status", { headers: as(99) })).status).toBe(200);
  expect((await post("/v1/stop", {}, as(99))).status).toBe(200);
  expect(stops).toHaveLength(1);
});

test("only a terminal chat that runs alone hands over", async () => {
  const running = socket();
  const refused = await running.post("/v1/handover", {});
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining("process 42") } });
  expect(running.stops).toEqual([]);
  const alone = socket({ status: () => ({ ...status, alone: true }) });
  expect(await (await alone.post("/v1/handover", { drainMs: 1 })).json()).toEqual(report);
  expect(alone.stops).toEqual([["handover", 1]]);
});

test("what breaks inside is logged and not shown", async () => {
  const broken = socket({
    chat: () => Promise.reject(new Error("raw detail")),
    requestStop: () => Promise.reject(new Failure("sandbox", "Cannot stop: a tree lives")),
  });
  const answer = await broken.post("/v1/chat", "");
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain("raw detail");
  expect(broken.errors).toHaveLength(1);
  expect(await (await broken.post("/v1/stop", {})).json()).toMatchObject({ error: { code: "sandbox" } });
});
