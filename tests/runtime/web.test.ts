// The web pages of the program from source, under the runtime that runs this test: a link, a page, its data, its stream.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import test from "node:test";
import { adapterParts } from "../../src/adapters/index.ts";
import { startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { withFolder } from "./folder.ts";

const quiet: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
};

/** A state folder with one session in which something was said, and the given settings. */
async function prepare(folder: string, settings: object) {
  const stateDir = join(folder, "state");
  mkdirSync(stateDir, { mode: 0o700 });
  writeFileSync(join(stateDir, "settings.json"), JSON.stringify({ model: "demo/offline", ...settings }), {
    mode: 0o600,
  });
  const env = { HOME: folder, PATH: process.env.PATH ?? "" };
  const config = await loadConfig({ flags: { stateDir }, env, parts: adapterParts });
  const store = createStore(openStore(config.paths.database));
  const { id } = store.sessions.create({ agent: "main", at: 1, title: "Greeting" });
  const row = store.wirings.conversation("terminal", { id: "main", kind: "direct", at: 1 });
  store.sessions.bind({ agent: "main", conversation: row }, id);
  store.close();
  return config;
}

/** Says something over the control socket, as a screen does; the answer to it. */
async function ask(socket: string, text: string): Promise<string> {
  const { request } = await import("node:http");
  const lines = (path: string, body: object, until: (line: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const call = request({
        socketPath: socket,
        path,
        method: "POST",
        headers: { "content-type": "application/json" },
      });
      call.on("error", reject);
      call.on("response", (response) => {
        let rest = "";
        response.on("data", (bytes: Uint8Array) => {
          const parts = (rest + new TextDecoder().decode(bytes)).split("\n");
          rest = parts.pop() ?? "";
          for (const part of parts.filter((one) => one !== "")) {
            const line = JSON.parse(part) as Record<string, unknown>;
            if (line.type === "hello") {
              const say = { type: "say", id: crypto.randomUUID(), text };
              void lines(`/v1/chat/${String(line.connection)}`, say, () => true).catch(reject);
            }
            if (!until(line)) continue;
            resolve(line);
            call.destroy();
          }
        });
        response.on("end", () => resolve({}));
      });
      call.end(JSON.stringify(body));
    });
  const open = { type: "open", version: 1, conversation: "main" };
  const line = await lines("/v1/chat", open, ({ type }) => type === "receipt");
  const receipt = line.receipt as { answer?: { markdown: string } };
  return receipt.answer?.markdown ?? "";
}

async function visit(url: string) {
  const opened = await fetch(url, { redirect: "manual" });
  assert.equal(opened.status, 303);
  await opened.body?.cancel();
  const page = new URL(opened.headers.get("location") ?? "", url);
  const headers = { cookie: (opened.headers.get("set-cookie") ?? "").split(";")[0] ?? "" };
  return (path: string) => fetch(new URL(path, page), { headers });
}

test("without settings the pages open with the first link, on a free port of this machine, and again for old links", () =>
  withFolder(async (folder) => {
    const config = await prepare(folder, {});
    const start = () => startApp({ config, alone: false, version: "1", log: quiet, clock: systemClock });
    const first = await start();
    const answer = await ask(config.paths.socket, "/session");
    const url = /http:\/\/127\.0\.0\.1:\d+\/session\/open\/[0-9a-f]{64}/.exec(answer)?.[0] ?? "";
    assert.notEqual(url, "", answer);
    let get = await visit(url);
    const page = await (await get("")).text();
    assert.match(page, /<ol id="items"/);
    for (const asset of ["viewer.js", "items.js", "draw.js", "viewer.css", "base.css", "icon.svg"]) {
      const response = await get(`/assets/${asset}`);
      assert.equal(response.status, 200, asset);
      assert.notEqual((await response.text()).length, 0);
    }
    assert.equal(((await (await get("about")).json()) as { title: string }).title, "Greeting");
    const stream = await get("events");
    const reader = stream.body?.getReader();
    assert.match(new TextDecoder().decode((await reader?.read())?.value), /^retry: 1000/);
    await reader?.cancel();
    await first.stop({ reason: "stop", drainMs: 0 });
    await first.closed;
    await assert.rejects(fetch(url));
    // The link lives longer than the program: the next start opens the same port for it.
    const second = await start();
    get = await visit(url);
    assert.equal((await get("timeline")).status, 200);
    await (await get("healthz")).body?.cancel();
    await second.stop({ reason: "stop", drainMs: 0 });
    await second.closed;
  }));

test("with settings they open at the start, below the prefix; a port that is taken is told and ends nothing", () =>
  withFolder(async (folder) => {
    const { createServer } = await import("node:net");
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const config = await prepare(folder, { web: { url: "https://example.com/agent", port } });
    const start = () => startApp({ config, alone: false, version: "1", log: quiet, clock: systemClock });
    const blocked = await start();
    assert.match(
      blocked.status().notices.join("\n"),
      /The web pages are closed\. Cannot listen on .*the address is in use/,
    );
    assert.match(await ask(config.paths.socket, "/session"), /Cannot listen on/);
    await new Promise((resolve) => blocker.close(resolve));
    // What was in the way has gone: the next link opens them.
    assert.match(
      await ask(config.paths.socket, "/session"),
      /https:\/\/example\.com\/agent\/session\/open\/[0-9a-f]{64}/,
    );
    assert.equal(blocked.status().notices.join("\n").includes("closed"), false);
    const alive = await fetch(`http://127.0.0.1:${port}/agent/healthz`);
    assert.equal(await alive.text(), "ok\n");
    const ready = (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as { ready: boolean };
    assert.equal(ready.ready, true);
    assert.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), /remoteagent_database_bytes [1-9]/);
    await blocked.stop({ reason: "stop", drainMs: 0 });
    await blocked.closed;
  }));
