// The server and its client over a real socket: privacy, streams, sizes, errors, ends.
import { expect, test } from "bun:test";
import { lstatSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { serve } from "#serve";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { type Handler, removeStaleSocket } from "../../src/sys/serve.ts";
import { createUnixClient, linesOf, type UnixClient, unixRequest } from "../../src/sys/unix-client.ts";
import { withFolder } from "./folder.ts";

/** A server on a socket of its own, and a client of it. */
function withServer(handler: Handler, work: (client: UnixClient, unix: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const unix = join(folder, "a.sock");
    const server = await serve({ unix }, handler);
    const client = createUnixClient(unix);
    try {
      await work(client, unix);
    } finally {
      client.close();
      await server.close();
    }
  });
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.catch((reason: unknown) => reason);
  if (error instanceof Failure) return error;
  throw new Error(`Expected a Failure, got ${String(error)}`);
}

const endless: Handler = (request) => {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("first\n"));
      request.signal.addEventListener("abort", () => controller.close());
    },
  });
  return new Response(stream);
};

test("the socket is private and closes with its file", () =>
  withFolder(async (folder) => {
    const unix = join(folder, "a.sock");
    const before = process.umask(0);
    const server = await serve({ unix }, () => new Response("x"));
    process.umask(before);
    expect(statSync(unix).mode & 0o777).toBe(0o600);
    await server.close();
    await server.close();
    expect(lstatSync(unix, { throwIfNoEntry: false })).toBeUndefined();
  }));

test("an address that cannot be had is refused with the reason", () =>
  withFolder(async (folder) => {
    const answer = () => new Response("");
    const file = join(folder, "file");
    writeFileSync(file, "");
    const long = join(folder, "x".repeat(120));
    expect((await failureOf(serve({ unix: file }, answer))).message).toEndWith(": the address is in use");
    expect((await failureOf(serve({ unix: long }, answer))).message).toMatch(/longer than \d+ bytes$/);
    expect((await failureOf(serve({ unix: join(folder, "no/a") }, answer))).message).toEndWith(
      ": its folder is missing",
    );
    const first = await serve({ hostname: "127.0.0.1", port: 0 }, answer);
    const again = await failureOf(serve({ hostname: "127.0.0.1", port: first.port ?? 0 }, answer));
    expect(again).toMatchObject({ code: "state", hint: "Choose another port in settings" });
    await first.close();
  }));

test("a stale socket is removed, anything else at its place is not", () =>
  withFolder(async (folder) => {
    const unix = join(folder, "a.sock");
    removeStaleSocket(unix);
    writeFileSync(unix, "mine");
    expect(() => removeStaleSocket(unix)).toThrow("a file that is no socket is there");
    const stale = join(folder, "b.sock");
    // A killed process leaves its socket behind; this one is killed.
    const script = `Bun.listen({ unix: ${JSON.stringify(stale)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`;
    await Bun.spawn([process.execPath, "-e", script]).exited;
    expect((await failureOf(unixRequest(stale, "/"))).code).toBe("not-running");
    expect((await failureOf(serve({ unix: stale }, () => new Response("")))).code).toBe("state");
    removeStaleSocket(stale);
    const server = await serve({ unix: stale }, () => new Response("back"));
    expect(await (await unixRequest(stale, "/")).text()).toBe("back");
    await server.close();
  }));

test("requests carry method, body and status, many at once over kept connections", () =>
  withServer(
    async (request) => Response.json({ method: request.method, sum: await request.text() }, { status: 202 }),
    async (client) => {
      const answers = Array.from({ length: 50 }, async (_, index) => {
        const { status, json } = await client.request("/x", { json: { index, text: "記憶 👋" } });
        return { status, body: await json() };
      });
      for (const [index, answer] of (await Promise.all(answers)).entries()) {
        expect(answer).toEqual({
          status: 202,
          body: { method: "POST", sum: JSON.stringify({ index, text: "記憶 👋" }) },
        });
      }
      expect(await (await client.request("/x", { method: "DELETE" })).json()).toEqual({ method: "DELETE", sum: "" });
    },
  ));

test("what a handler throws does not go out", () =>
  withServer(
    () => {
      throw new Error("secret sauce");
    },
    async (client) => {
      const answer = await client.request("/");
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain("sauce");
    },
  ));

test("a body beyond the limit is cut off, also one without a length", () =>
  withServer(
    async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
    async (client, unix) => {
      const big = "x".repeat(limits.frameBytesMax);
      const outcome = await client.request("/", { json: big }).then(({ status }) => status, failureCode);
      expect([413, "not-running"]).toContain(outcome);
      const chunked = await sendChunks(unix, limits.frameBytesMax + 1024 * 1024);
      expect(chunked).not.toMatch(/^HTTP\/1\.1 200/);
      const fine = await client.request("/", { json: "x".repeat(1024 * 1024) });
      expect(fine.status).toBe(200);
    },
  ));

function failureCode(error: unknown): string {
  return error instanceof Failure ? error.code : String(error);
}

/** Sends a chunked body of `bytes` by hand, and gives the answer's beginning (empty when the connection is cut). */
function sendChunks(unix: string, bytes: number): Promise<string> {
  const chunk = Buffer.alloc(1024 * 1024, "x");
  const frame = Buffer.concat([Buffer.from(`${chunk.byteLength.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(unix);
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let sent = 0; sent < bytes; sent += chunk.byteLength) socket.write(frame);
    socket.write("0\r\n\r\n");
  });
}

test("lines come as they are sent, and leaving early ends the stream on the other side", async () => {
  const aborted = Promise.withResolvers<void>();
  const handler: Handler = (request, peer) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    return endless(request, peer);
  };
  await withServer(handler, async (client) => {
    for await (const line of client.lines("/")) {
      expect(line).toBe("first");
      break;
    }
    await aborted.promise;
  });
});

test("a signal ends a waiting reader with its reason", () =>
  withServer(endless, async (client) => {
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of client.lines("/", { signal: stop.signal })) stop.abort(new Error("enough"));
    })();
    expect(reading).rejects.toThrow("enough");
    await reading.catch(() => undefined);
    expect(client.request("/", { signal: stop.signal })).rejects.toThrow("enough");
  }));

test("a server that goes away in the middle is told, and so is one that never answers", async () => {
  await withFolder(async (folder) => {
    const unix = join(folder, "a.sock");
    const server = await serve({ unix }, endless);
    const client = createUnixClient(unix);
    const reading = (async () => {
      for await (const _ of client.lines("/")) await server.close();
    })();
    expect(await failureOf(reading)).toMatchObject({ code: "not-running", message: "RemoteAgent went away" });
    client.close();
  });
  await withServer(
    () => new Promise<Response>(() => undefined),
    async (client) => {
      const failure = await failureOf(client.request("/", { timeoutMs: 50 }));
      expect(failure.message).toBe("The running instance did not answer within 0.05 s");
    },
  );
});

test("nobody there is not running; a refused stream says its status", async () => {
  await withFolder(async (folder) => {
    const failure = await failureOf(unixRequest(join(folder, "none"), "/"));
    expect(failure).toMatchObject({ code: "not-running", message: "RemoteAgent is not running" });
  });
  await withServer(
    () => new Response("no such thing", { status: 404 }),
    async (client) => {
      const failure = await failureOf(client.lines("/x")[Symbol.asyncIterator]().next());
      expect(failure).toMatchObject({ code: "not-found", detail: "no such thing" });
    },
  );
});

async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 7, 1000])("lines are put together from chunks of %d bytes", async (size) => {
  const lines = await Array.fromAsync(linesOf(chunksOf('{"a":"é記👋"}\r\n\n\nzwei\nohne Ende', size)));
  expect(lines).toEqual(['{"a":"é記👋"}', "zwei", "ohne Ende"]);
});

test("a line without end is bounded", async () => {
  const reading = Array.fromAsync(linesOf(chunksOf(`ok\n${"x".repeat(100)}`, 10), { charsMax: 50 }));
  expect(reading).rejects.toThrow("Line is longer than 50 characters");
  await reading.catch(() => undefined);
});
