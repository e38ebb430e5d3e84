// The line to the instance over a real socket: lost, found, refused, closed.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectChat } from "../../../src/cli/terminal/connection.ts";
import type { ScreenFrame } from "../../../src/cli/terminal/port.ts";
import type { ChatDown } from "../../../src/core/frame.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { createUnixClient } from "../../../src/sys/unix-client.ts";
import { failing } from "../../failing.ts";
import { state } from "./fakes.ts";

/** An instance on a real socket that does what the test says. */
class Instance {
  opens: Record<string, unknown>[] = [];
  ups: { connection: string; up: Record<string, unknown> }[] = [];
  streams: ServerResponse[] = [];
  onOpen: (stream: ServerResponse, open: Record<string, unknown>) => void = (stream) => this.hello(stream);
  /** Answers a frame that was posted; 204 unless the test says otherwise. */
  onUp: (response: ServerResponse) => void = (response) => response.writeHead(204).end();
  #server = createServer((request, response) => void this.#answer(request, response));
  #count = 0;

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const json = JSON.parse(body) as Record<string, unknown>;
    const connection = /^\/v1\/chat\/(.+)$/.exec(request.url ?? "")?.[1];
    if (connection === undefined) {
      this.opens.push(json);
      this.streams.push(response);
      this.onOpen(response, json);
    } else {
      this.ups.push({ connection, up: json });
      this.onUp(response);
    }
  }

  listen = (path: string) => new Promise<void>((resolve) => this.#server.listen(path, resolve));
  async stop(): Promise<void> {
    for (const stream of this.streams) stream.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
  hello(stream: ServerResponse, version = 1): void {
    this.#count += 1;
    const connection = `c${this.#count}`;
    this.write(stream, { type: "hello", version, connection, program: "p", pid: 1, alone: false, commands: [] });
    this.write(stream, { type: "state", state });
  }
  write(stream: ServerResponse, frame: ChatDown): void {
    stream.write(`${JSON.stringify(frame)}\n`);
  }
  notice(stream: ServerResponse, n: number): void {
    this.write(stream, { type: "event", n, turn: 1, session: 1, event: { type: "notice", text: `n${n}` } });
  }
}

let folder = "";
let instance = new Instance();
let close: () => void = () => undefined;
const path = () => join(folder, "socket");
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "line-"));
  instance = new Instance();
});
afterEach(async () => {
  close();
  await instance.stop();
  await rm(folder, { recursive: true, force: true });
});

function connect(attemptsMax?: number) {
  const client = createUnixClient(path());
  const line = connectChat({ client, clock: systemClock, conversation: "main", folder: "/x", attemptsMax });
  const frames: ScreenFrame[] = [];
  const ended = (async () => {
    for await (const frame of line.frames) frames.push(frame);
  })();
  ended.catch(() => undefined);
  close = () => {
    line.close();
    client.close();
  };
  return { line, frames, ended };
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 3_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error("The condition was not met in time");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const seen = (frames: readonly ScreenFrame[]) =>
  frames.flatMap((frame) => (frame.type === "event" && frame.event.type === "notice" ? [frame.event.text] : []));

describe("the line to the instance", () => {
  test("opens with version, conversation and folder, and posts to its connection", async () => {
    await instance.listen(path());
    const { line, frames } = connect();
    await line.send({ type: "say", id: "1", text: "hi" });
    expect(instance.opens).toEqual([{ type: "open", version: 1, conversation: "main", folder: "/x" }]);
    expect(instance.ups).toEqual([{ connection: "c1", up: { type: "say", id: "1", text: "hi" } }]);
    await until(() => frames.length === 2);
    expect(frames.map((frame) => frame.type)).toEqual(["hello", "state"]);
  });

  test("a lost line is opened again after the last event, and nothing comes twice", async () => {
    await instance.listen(path());
    const { frames } = connect();
    await until(() => instance.streams.length === 1);
    const [first] = instance.streams;
    for (const n of [1, 2, 3]) if (first !== undefined) instance.notice(first, n);
    await until(() => seen(frames).length === 3);
    instance.onOpen = (stream) => {
      instance.hello(stream);
      for (const n of [2, 3, 4, 5]) instance.notice(stream, n);
    };
    first?.destroy();
    await until(() => seen(frames).length === 5);
    expect(seen(frames)).toEqual(["n1", "n2", "n3", "n4", "n5"]);
    expect(instance.opens[1]).toMatchObject({ after: 3 });
    expect(frames.some((frame) => frame.type === "lost")).toBe(true);
  });

  test("what is sent while the line is lost arrives once it is back, under the same id", async () => {
    await instance.listen(path());
    const { line } = connect();
    await until(() => instance.streams.length === 1);
    instance.onUp = (response) => response.destroy();
    const sent = line.send({ type: "say", id: "7", text: "hi" });
    await until(() => instance.ups.length === 1);
    instance.onUp = (response) => response.writeHead(204).end();
    await sent;
    expect(instance.ups.map(({ connection, up }) => `${connection} ${String(up.id)}`)).toEqual(["c1 7", "c2 7"]);
  });

  test("a receipt that is lost with the line is asked for again, under the same id, until it comes", async () => {
    await instance.listen(path());
    const { line, frames } = connect();
    await line.send({ type: "say", id: "s1", text: "hi" });
    expect(instance.ups).toHaveLength(1);
    instance.streams[0]?.destroy();
    await until(() => instance.ups.length === 2);
    expect(instance.ups.map(({ connection, up }) => [connection, up.id])).toEqual([
      ["c1", "s1"],
      ["c2", "s1"],
    ]);
    instance.write(instance.streams[1] as ServerResponse, {
      type: "receipt",
      id: "s1",
      receipt: { state: "duplicate", input: 1 },
    });
    await until(() => frames.some(({ type }) => type === "receipt"));
    instance.streams[1]?.destroy();
    await until(() => instance.opens.length === 3);
    await line.send({ type: "say", id: "s2", text: "ho" });
    expect(instance.ups.map(({ up }) => up.id)).toEqual(["s1", "s1", "s2"]);
  });
  test("an instance that forgot the connection gets the frame on a new one", async () => {
    await instance.listen(path());
    const { line } = connect();
    await until(() => instance.streams.length === 1);
    let refused = 0;
    instance.onUp = (response) => {
      refused += 1;
      if (refused > 1) response.writeHead(204).end();
      else response.writeHead(404).end(JSON.stringify({ error: { code: "not-found", message: "Cannot go on: gone" } }));
    };
    await line.send({ type: "say", id: "1", text: "hi" });
    expect(instance.ups.at(-1)?.connection).toBe("c2");
  });

  test("a refused frame is the sender's to hear", async () => {
    await instance.listen(path());
    const { line } = connect();
    instance.onUp = (response) =>
      response
        .writeHead(400)
        .end(JSON.stringify({ error: { code: "usage", message: "Cannot read frame", hint: "h" } }));
    expect(await failing(line.send({ type: "say", id: "1", text: "hi" }))).toMatchObject({
      message: "Cannot read frame",
      hint: "h",
    });
  });

  test.each([
    [0, /remoteagent restart/],
    [2, /start the chat again/],
  ])("an instance of protocol %d says which side to restart", async (version, hint) => {
    await instance.listen(path());
    instance.onOpen = (stream) => instance.hello(stream, version);
    const { ended, line } = connect();
    expect(await failing(ended)).toMatchObject({ code: "usage", hint: expect.stringMatching(hint) });
    expect(await failing(line.send({ type: "say", id: "1", text: "" }))).toMatchObject({ code: "usage" });
  });

  test("a refusal to open keeps the instance's own words", async () => {
    await instance.listen(path());
    instance.onOpen = (stream) =>
      void stream
        .writeHead(400)
        .end(JSON.stringify({ error: { code: "usage", message: "Cannot use folder", hint: "other" } }));
    expect(await failing(connect().ended)).toMatchObject({ message: "Cannot use folder", hint: "other" });
  });

  test("an instance that does not run is told at once; one that is gone for good after some tries", async () => {
    expect(await failing(connect().ended)).toMatchObject({ code: "not-running" });
    await instance.listen(path());
    const { ended, frames } = connect(3);
    await until(() => frames.length === 2);
    await instance.stop();
    await rm(path(), { force: true });
    expect(await failing(ended)).toMatchObject({ code: "not-running" });
    expect(frames.filter((frame) => frame.type === "lost").length).toBe(2);
  });

  test("a stop that does not arrive lapses; it is not kept for the next instance", async () => {
    await instance.listen(path());
    const { line, frames } = connect();
    await until(() => frames.length === 2);
    instance.onUp = (response) => {
      response.destroy();
      for (const stream of instance.streams) stream.destroy();
    };
    const sent = line.send({ type: "command", id: "1", name: "stop", args: "" });
    expect(await failing(sent)).toMatchObject({ message: "The stop was not delivered: the connection was lost" });
    await until(() => instance.opens.length === 2);
    expect(instance.ups).toHaveLength(1);
  });

  test("closing ends the frames and what waits to be sent", async () => {
    await instance.listen(path());
    instance.onOpen = () => undefined;
    const { line, ended } = connect();
    const sent = line.send({ type: "say", id: "1", text: "hi" });
    await until(() => instance.opens.length === 1);
    line.close();
    await ended;
    expect(await failing(sent)).toMatchObject({ code: "not-running" });
  });

  test("a line that is no frame ends the chat with a sentence", async () => {
    await instance.listen(path());
    instance.onOpen = (stream) => void stream.write("rubbish\n");
    expect(await failing(connect().ended)).toMatchObject({
      code: "internal",
      message: expect.stringContaining("is not JSON"),
    });
  });
});
