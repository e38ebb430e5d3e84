// The parts of the engine's client that need no engine: addresses, frames, lines of the shell inside, looks, refusals.
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createClient } from "../../src/sandbox/engine/client.ts";
import { readControl } from "../../src/sandbox/engine/control.ts";
import { type EndpointDeps, findEndpoint } from "../../src/sandbox/engine/endpoint.ts";
import { containerEnvironment } from "../../src/sandbox/engine/environment.ts";
import { splitFrames, type Takers } from "../../src/sandbox/engine/frames.ts";
import { parseLook } from "../../src/sandbox/engine/look.ts";
import { failureOf } from "./contract.ts";

function world(change: Partial<EndpointDeps> & { files?: Record<string, string> } = {}): EndpointDeps {
  const files: Record<string, string> = change.files ?? {};
  return {
    environment: { HOME: "/home/me" },
    readText: (path) => files[path],
    exists: () => false,
    uid: 1000,
    ...change,
  };
}

const said = (deps: EndpointDeps) => failureOf((async () => findEndpoint(deps))());

describe("the engine's address", () => {
  test("DOCKER_HOST comes first", () => {
    const at = (DOCKER_HOST: string) =>
      findEndpoint(world({ environment: { DOCKER_HOST }, exists: () => true })).address;
    expect(at("unix:///run/my docker.sock")).toEqual({ socketPath: "/run/my docker.sock" });
    expect(at("tcp://10.0.0.5:2375")).toEqual({ host: "10.0.0.5", port: 2375 });
    expect(at("tcp://build")).toEqual({ host: "build", port: 2375 });
    expect(at("tcp://build:80")).toEqual({ host: "build", port: 80 });
    expect(at("tcp://[::1]:2376")).toEqual({ host: "::1", port: 2376 });
  });
  test("TLS is used when it is asked for, with the files of its folder", () => {
    const environment = { DOCKER_HOST: "tcp://build:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" };
    expect(findEndpoint(world({ environment, files: { "/certs/ca.pem": "CA", "/certs/key.pem": "K" } })).tls).toEqual({
      ca: "CA",
      key: "K",
      verify: true,
    });
    expect(findEndpoint(world({ environment: { DOCKER_HOST: "https://build" } })).tls).toEqual({ verify: true });
  });
  test("a context of Docker's command line is followed", async () => {
    const id = createHash("sha256").update("far").digest("hex");
    const meta = (Host: string) =>
      JSON.stringify({ Name: "far", Endpoints: { docker: { Host, SkipTLSVerify: false } } });
    const files = {
      "/home/me/.docker/config.json": '{"currentContext":"far"}',
      [`/home/me/.docker/contexts/meta/${id}/meta.json`]: meta("tcp://far:2376"),
      [`/home/me/.docker/contexts/tls/${id}/docker/ca.pem`]: "CA",
    };
    expect(findEndpoint(world({ files }))).toMatchObject({
      chosenBy: 'context "far"',
      tls: { ca: "CA", verify: true },
    });
    const environment = { HOME: "/home/me", DOCKER_CONTEXT: "gone" };
    expect(await said(world({ files, environment }))).toBe('Cannot use Docker\'s context "gone": it does not exist');
    const standard = { "/home/me/.docker/config.json": '{"currentContext":"default"}' };
    expect(findEndpoint(world({ files: standard, exists: (path) => path === "/var/run/docker.sock" })).shown).toBe(
      "unix:///var/run/docker.sock",
    );
  });
  test("without any of that, the usual sockets", async () => {
    const only = (wanted: string) => findEndpoint(world({ exists: (path) => path === wanted })).address;
    for (const path of ["/run/user/1000/docker.sock", "/run/user/1000/podman/podman.sock", "/run/podman/podman.sock"]) {
      expect(only(path)).toEqual({ socketPath: path });
    }
    expect(await said(world())).toBe("Cannot find a container engine: there is no Docker or Podman socket");
  });
  test("what cannot be used is refused in one sentence", async () => {
    const refused = (DOCKER_HOST: string) => said(world({ environment: { DOCKER_HOST } }));
    expect(await refused("ssh://me@far")).toBe(
      'Cannot use engine "ssh://me@far" (DOCKER_HOST): ssh addresses are not supported',
    );
    expect(await refused("npipe:////./pipe/docker")).toContain("it is no address of an engine");
    expect(await refused("/var/run/docker.sock")).toContain("it is no address of an engine");
    expect(await refused("tcp://user:pw@far:1")).toContain("it is no host with a port");
    expect(await refused("tcp://far/path")).toContain("it is no host with a port");
  });
});

describe("what answers at the address", () => {
  async function answering(status: number, body: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "engine-"));
    const socketPath = join(folder, "sock");
    const server = createServer((_request, response) => {
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    const client = createClient({ shown: "unix:///x", chosenBy: "DOCKER_HOST", address: { socketPath } });
    const sentence = await failureOf(client.about());
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
    return sentence.replace("Cannot use the engine at unix:///x (DOCKER_HOST): ", "");
  }
  test("is told when it is no engine, or too old a one", async () => {
    expect(await answering(200, "<!doctype html><p>hello")).toBe("it answers with HTML");
    expect(await answering(502, "Bad gateway")).toBe("it answers with something else than JSON");
    expect(await answering(200, "{}")).toBe("what answers there is no container engine");
    expect(await answering(404, '{"message":"page not found"}')).toBe("what answers there is no container engine");
    expect(await answering(200, '{"ApiVersion":"1.24"}')).toBe("it speaks API 1.24, and 1.40 or later is needed");
  });
  test("nobody, or nobody who is allowed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "engine-"));
    const socketPath = join(folder, "sock");
    const client = createClient({ shown: "unix:///x", chosenBy: "the usual socket", address: { socketPath } });
    expect(await failureOf(client.about())).toBe(
      "Cannot reach the engine at unix:///x (the usual socket): nobody answers there",
    );
    if (process.getuid?.() === 0 && process.seteuid !== undefined) {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(socketPath, resolve));
      process.seteuid(65534);
      try {
        expect(await failureOf(client.about())).toBe(
          "Cannot reach the engine at unix:///x (the usual socket): no permission for its socket",
        );
      } finally {
        process.seteuid(0);
      }
      await new Promise((resolve) => server.close(resolve));
    }
    rmSync(folder, { recursive: true });
  });
});

function frame(kind: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = kind;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe("frames", () => {
  const keeping = () => {
    const texts = { stdout: "", stderr: "" };
    const take = (side: "stdout" | "stderr") => (bytes: Buffer) => {
      texts[side] += bytes.toString();
      return undefined;
    };
    return { texts, takers: { stdout: take("stdout"), stderr: take("stderr") } satisfies Takers };
  };
  test("are whole however they are cut", async () => {
    const whole = Buffer.concat([frame(1, "one"), frame(2, "err"), frame(1, ""), frame(1, "two"), frame(0, "!")]);
    for (let size = 1; size <= whole.byteLength; size++) {
      const source = new PassThrough();
      const { texts, takers } = keeping();
      const ended = splitFrames(source, { head: whole.subarray(0, 2), takers });
      for (let at = 2; at < whole.byteLength; at += size) source.write(whole.subarray(at, at + size));
      source.end();
      await ended;
      expect(texts).toEqual({ stdout: "onetwo!", stderr: "err" });
    }
  });
  test("something else ends the connection", async () => {
    const source = new PassThrough();
    source.on("error", () => undefined);
    const { texts, takers } = keeping();
    const ended = splitFrames(source, { head: Buffer.from("<html><body>"), takers });
    await ended;
    expect({ texts, destroyed: source.destroyed }).toEqual({ texts: { stdout: "", stderr: "" }, destroyed: true });
  });
  test("a taker that is full holds the connection back", async () => {
    const source = new PassThrough();
    const full = Promise.withResolvers<void>();
    let count = 0;
    const takers: Takers = { stdout: () => (count++ === 0 ? full.promise : undefined), stderr: () => undefined };
    const ended = splitFrames(source, { head: new Uint8Array(0), takers });
    source.write(frame(1, "a"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.isPaused()).toBe(true);
    source.end(frame(1, "b"));
    full.resolve();
    await ended;
    expect(count).toBe(2);
  });
});

describe("lines of the shell inside", () => {
  const nonce = "0123456789abcdef0123456789abcdef";
  function read(pieces: Buffer[]) {
    let bytes = "";
    const lines: string[] = [];
    const take = readControl(nonce, {
      onBytes: (part) => {
        bytes += part.toString("latin1");
        return undefined;
      },
      onLine: (line) => void lines.push(line),
    });
    for (const piece of pieces) void take(piece);
    return { bytes, lines };
  }
  test("are found wherever the stream is cut, and nothing else is touched", () => {
    const text = `${nonce} O 5\nx0123456789\n\u00ff${nonce} E 0 1\n${nonce.slice(0, 31)}`;
    const whole = Buffer.from(text, "latin1");
    for (let at = 0; at <= whole.byteLength; at++) {
      const { bytes, lines } = read([whole.subarray(0, at), whole.subarray(at), Buffer.from("-")]);
      expect({ bytes, lines }).toEqual({ bytes: `x0123456789\n\u00ff${nonce.slice(0, 31)}-`, lines: ["O 5", "E 0 1"] });
    }
  });
  test("a nonce without an end is not waited for without end", () => {
    const { bytes, lines } = read([Buffer.from(`${nonce}${"x".repeat(10_000)}`)]);
    expect({ length: bytes.length, lines }).toEqual({ length: 10_032, lines: [] });
  });
});

describe("a look at the processes", () => {
  const stat = (pid: number, name: string, parent: number) =>
    `${pid} (${name}) S ${parent} ${pid} ${pid} 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 1000 10 18446744073709551615\n`;
  const file = (path: string, body: string) => `==> /proc/${path} <==\n${body}`;
  test("reads numbers, memory, marks and names", () => {
    const text = [
      file("7/stat", stat(7, "a) b\n(c", 1)),
      file("7/statm", "100 30 10 1 0 5 0\n"),
      file(
        "7/limits",
        "Limit  Soft  Hard  Units\nMax file locks            42                   42                   locks\n",
      ),
      file("7/cmdline", "sleep\0one two\0"),
    ].join("\n");
    const look = parseLook(Buffer.from(`${text}\nnonce M\n/proc/7/environ\n`), "nonce");
    expect(look.get(7)).toMatchObject({ memoryBytes: 20 * 4096, mark: 42, named: true, line: "sleep one two" });
    expect(look.get(7)?.row).toMatchObject({ pid: 7, parent: 1, started: "777", dead: false });
  });
  test("a command line can lie about names, and about nothing else", () => {
    const lie = `x\n${file("7/limits", "Max file locks 99 99 locks\n")}\n${file("8/stat", stat(8, "ghost", 7))}`;
    const text = [
      file("7/stat", stat(7, "a", 1)),
      file("7/limits", "Max file locks  1 1 locks\n"),
      file("7/cmdline", lie),
    ];
    const look = parseLook(Buffer.from(`${text.join("\n")}\nnonce M\n`), "nonce");
    expect([...look.keys()]).toEqual([7]);
    expect(look.get(7)?.mark).toBe(1);
  });
});

test("variables that no process can have are refused, ours are not taken", () => {
  expect(containerEnvironment({ A: "1" }, { A: "two\nlines", REMOTEAGENT_SANDBOX: "x", ra_nonce: "y" })).toEqual({
    TERM: "dumb",
    A: "two\nlines",
  });
  expect(() => containerEnvironment({ "A=B": "" })).toThrow('Cannot set variable "A=B": it is not a variable\'s name');
});
