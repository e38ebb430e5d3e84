// What every request passes: names, origins, kinds and sizes of content, how often; and what every response carries.
import { afterEach, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { createWebApp } from "../../src/web/app.ts";
import type { WebPart } from "../../src/web/part.ts";
import { createFixture, type Different, type Fixture } from "./fixture.ts";

let fixture: Fixture | undefined;
const open = (different: Different = {}): Fixture => {
  fixture = createFixture(different);
  return fixture;
};
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

test("every response forbids frames, foreign scripts, guessing of types, keeping, and telling where from", async () => {
  const { get } = open();
  for (const path of ["/healthz", "/nowhere", "/assets/base.css", "/session/open/x"]) {
    const { headers } = await get(path);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe(path.startsWith("/assets") ? "no-cache" : "no-store");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("strict-transport-security")).toBeNull();
  }
});

test("only names of ours are answered, parsed and not matched by their beginning", async () => {
  const { get } = open({ url: "https://agent.example.com/a" });
  const status = async (host: string) => (await get("/healthz", { headers: { host } })).status;
  for (const host of ["agent.example.com", "agent.example.com:443", "127.0.0.1:8181", "localhost:9000", "[::1]:8181"]) {
    expect([host, await status(host)]).toEqual([host, 200]);
  }
  for (const host of [
    "evil.example.com",
    "127.0.0.1.evil.com",
    "127.evil.com",
    "agent.example.com.evil.com",
    "agent.example.com:8443",
    "agent.example.com@evil.com",
    "localhost.evil.com",
    "evil.com/agent.example.com",
    "10.0.0.5:8181",
    "",
  ]) {
    expect([host, await status(host)]).toEqual([host, 403]);
  }
});

test("on another address than loopback that very address is a name of ours", async () => {
  const { get } = open({ url: "https://agent.example.com", host: "10.0.0.5" });
  expect((await get("/healthz", { headers: { host: "10.0.0.5:8181" } })).status).toBe(200);
  expect((await get("/healthz", { headers: { host: "10.0.0.6:8181" } })).status).toBe(403);
  await fixture?.close();
  const all = open({ url: "https://agent.example.com", host: "0.0.0.0" });
  expect((await all.get("/healthz", { headers: { host: "10.0.0.6:8181" } })).status).toBe(200);
  expect((await all.get("/healthz", { headers: { host: "evil.example.com" } })).status).toBe(403);
});

test("what changes something comes from our own pages", async () => {
  const { post } = open({ url: "https://agent.example.com" });
  // Nothing takes a POST here: what the guard lets through finds no route.
  expect((await post("/session/1/")).status).toBe(404);
  const status = async (headers: Record<string, string>) => (await post("/session/1/", { headers })).status;
  expect(await status({ origin: "https://evil.example.com" })).toBe(403);
  expect(await status({ origin: "null" })).toBe(403);
  expect(await status({ origin: "http://127.0.0.1:8181.evil.com" })).toBe(403);
  expect(await status({ origin: "http://localhost:3000" })).toBe(403);
  expect(await status({ origin: "https://agent.example.com" })).toBe(404);
  expect(await status({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await status({ "sec-fetch-site": "same-origin" })).toBe(404);
});

test("a request without an origin changes nothing", async () => {
  const { answer } = open();
  const headers = { host: "127.0.0.1:8181", "content-type": "application/json" };
  const request = new Request("http://127.0.0.1:8181/session/1/", { method: "POST", body: "{}", headers });
  expect((await answer(request, { address: "127.0.0.1" })).status).toBe(403);
});

test("only JSON is taken", async () => {
  const { post } = open();
  const status = async (type: string) => (await post("/x", { headers: { "content-type": type } })).status;
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x"]) {
    expect([type, await status(type)]).toEqual([type, 415]);
  }
  expect(await status("application/json; charset=utf-8")).toBe(404);
  expect(await status("application/jsonx")).toBe(415);
});

test("ten megabytes are refused by the length that they name", async () => {
  const { post, get } = open();
  const body = "x".repeat(10 * 1024 * 1024);
  expect((await post("/x", { body, headers: { "content-length": String(body.length) } })).status).toBe(413);
  expect((await get("/healthz", { headers: { "content-length": String(body.length) } })).status).toBe(413);
});

test("so they are when they do not name it, by whatever reads them; less is read as it is", async () => {
  const { deps } = open();
  const reading: WebPart = {
    assets: {},
    mount(app) {
      app.post("/echo", async (context) => context.text(String((await context.req.text()).length)));
      return () => undefined;
    },
  };
  const app = createWebApp(deps, { parts: [reading], bound: "127.0.0.1", trustedProxies: [] });
  const send = (chunks: number) => {
    let left = chunks;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(1024).fill(120));
        else controller.close();
      },
    });
    const headers = { host: "127.0.0.1:8181", origin: "http://127.0.0.1:8181", "content-type": "application/json" };
    const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    return app.answer(new Request("http://127.0.0.1:8181/echo", init), { address: "127.0.0.1" });
  };
  const small = await send(64);
  expect([small.status, await small.text()]).toEqual([200, "65536"]);
  expect((await send(10_240)).status).toBe(413);
});

test("other methods, long addresses and unknown paths", async () => {
  const { get } = open();
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const refused = await get("/healthz", { method });
    expect([method, refused.status, refused.headers.get("allow")]).toEqual([method, 405, "GET, HEAD, POST"]);
  }
  expect((await get(`/${"x".repeat(limits.webUrlCharsMax)}`)).status).toBe(414);
  for (const path of [
    "/",
    "/../etc/passwd",
    "/assets/../../etc/passwd",
    "/assets/%2e%2e%2fapp.ts",
    "/assets/toString",
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
});

test("a problem is a page for people and JSON for programs, with nothing of the request in it", async () => {
  const { get } = open();
  const path = "/<script>alert(1)</script>";
  const page = await get(path, { headers: { accept: "text/html" } });
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const html = await page.text();
  expect(html).toContain("<h1>Nothing is here</h1>");
  expect(html).not.toContain("alert");
  expect(html).not.toContain("{{");
  const json = await get(path);
  expect(await json.json()).toEqual({
    error: { message: "Nothing is here", hint: "There is no page at this address." },
  });
});

test("whoever asks too often waits; neighbours in IPv6 count as one, and others are answered", async () => {
  const { get, time } = open();
  const from = "203.0.113.5";
  for (let count = 0; count < limits.webAddressBurst; count += 1) await get("/healthz", { from });
  const refused = await get("/healthz", { from });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect((await get("/healthz", { from: "203.0.113.6" })).status).toBe(200);
  time.past += 5_000;
  expect((await get("/healthz", { from })).status).toBe(200);
  for (let count = 0; count <= limits.webAddressBurst; count += 1)
    await get("/healthz", { from: `2001:db8::${count.toString(16)}` });
  expect((await get("/healthz", { from: "2001:db8:0:0:ffff::1" })).status).toBe(429);
  expect((await get("/healthz", { from: "2001:db8:0:1::1" })).status).toBe(200);
});

test("a proxy is believed about scheme and address when settings name it, and no further than that", async () => {
  const { get } = open({ url: "https://agent.example.com", trustedProxies: ["10.0.0.0/8", "::1"] });
  const forwarded = { "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.1, 203.0.113.9, 10.0.0.7" };
  const secure = async (from: string, headers: Record<string, string>) =>
    (await get("/healthz", { from, headers })).headers.get("strict-transport-security");
  expect(await secure("10.0.0.1", forwarded)).toBe("max-age=31536000");
  expect(await secure("::ffff:10.0.0.1", forwarded)).toBe("max-age=31536000");
  expect(await secure("127.0.0.1", forwarded)).toBeNull();
  expect(await secure("110.0.0.1", forwarded)).toBeNull();
  // Under the name of settings nobody comes but by the proxy that ends https there.
  expect(await secure("127.0.0.1", { host: "agent.example.com" })).toBe("max-age=31536000");
  // The nearest address that is no proxy is whom it counts for; what stands before it is anybody's word.
  for (let count = 0; count < limits.webAddressBurst; count += 1)
    await get("/healthz", { from: "10.0.0.1", headers: forwarded });
  expect((await get("/healthz", { from: "203.0.113.9" })).status).toBe(429);
  expect((await get("/healthz", { from: "198.51.100.1" })).status).toBe(200);
});

test("a path prefix is respected, whether the proxy takes it off or not", async () => {
  const { get } = open({ url: "https://example.com/agent/" });
  expect((await get("/agent/healthz")).status).toBe(200);
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/agenthealthz")).status).toBe(404);
  const html = await (await get("/agent/nowhere", { headers: { accept: "text/html" } })).text();
  expect(html).toContain('href="/agent/assets/base.css"');
});

test("assets are asked for again only when they changed", async () => {
  const { get } = open();
  const first = await get("/assets/viewer.js");
  expect(first.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const again = await get("/assets/viewer.js", { headers: { "if-none-match": first.headers.get("etag") ?? "" } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});
