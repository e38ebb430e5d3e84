// `#serve` under Bun and Deno: HTTP over a private unix socket and over loopback, streamed answers, errors.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { serve } from "#serve";
import { createUnixClient } from "../../src/sys/unix-client.ts";
import { withFolder } from "./folder.ts";

test("a unix socket is private, answers and streams", () =>
  withFolder(async (folder) => {
    const unix = join(folder, "a.sock");
    const server = await serve({ unix }, async (request) => {
      if (new URL(request.url).pathname === "/lines") return new Response("one\ntwo\n");
      return Response.json({ method: request.method, body: await request.text() });
    });
    const client = createUnixClient(unix);
    try {
      assert.equal(statSync(unix).mode & 0o777, 0o600);
      const answer = await client.request("/echo", { json: { a: 1 } });
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { method: "POST", body: '{"a":1}' });
      const lines: string[] = [];
      for await (const line of client.lines("/lines")) lines.push(line);
      assert.deepEqual(lines, ["one", "two"]);
      await assert.rejects(() => serve({ unix }, () => new Response("")), { name: "Failure", code: "state" });
    } finally {
      client.close();
      await server.close();
    }
  }));

test("loopback takes a free port and knows its peer", async () => {
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, (_request, peer) => new Response(peer.address ?? ""));
  try {
    assert.ok((server.port ?? 0) > 0);
    const answer = await fetch(`http://127.0.0.1:${server.port}/`);
    assert.equal(await answer.text(), "127.0.0.1");
  } finally {
    await server.close();
  }
});

test("a handler that throws is answered with 500, and the next request works", async () => {
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, (request) => {
    if (request.url.endsWith("/bad")) throw new Error("secret words");
    return new Response("good");
  });
  try {
    const bad = await fetch(`http://127.0.0.1:${server.port}/bad`);
    assert.equal(bad.status, 500);
    assert.doesNotMatch(await bad.text(), /secret/);
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "good");
  } finally {
    await server.close();
  }
});
