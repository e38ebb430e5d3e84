// The built program against model servers written by others: tasks with tools, steering, and every way to fail.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { builtProgram } from "../built.ts";
import { createHome, type Ended, until } from "./program.ts";

setDefaultTimeout(90_000);

/** Words of the provider that no person may see. */
const raw = "raw-provider-words-0815";

let program: ReturnType<typeof builtProgram>;
let mock: LLMock;
const servers: Server[] = [];

beforeAll(async () => {
  program = builtProgram();
  mock = new LLMock({ port: 0 });
  await mock.start();
});
afterAll(async () => {
  program.remove();
  await mock.stop();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on loopback; its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A compatible server of one's own, by settings. */
const local = () => ({
  program: program.path,
  settings: {
    model: "local/some-model",
    models: { local: { api: "openai-completions", baseUrl: `${mock.url}/v1`, models: ["some-model"] } },
  },
});

const anthropic = () => ({
  program: program.path,
  settings: { model: "anthropic/claude-sonnet-4-5" },
  env: { ANTHROPIC_BASE_URL: mock.url, ANTHROPIC_API_KEY: "test-key-1234" },
});

/** A task of three tools in two rounds, as the model would have it. */
function script(task: string): void {
  const call = (name: string, args: object) => ({ name, arguments: JSON.stringify(args) });
  const turn = (results: number) => (request: { messages: { role: string; content: unknown }[] }) => {
    const text = JSON.stringify(request.messages);
    return text.includes(task) && request.messages.filter(({ role }) => role === "tool").length === results;
  };
  mock.on(
    { predicate: turn(0) },
    {
      content: "First I look around.",
      toolCalls: [
        call("bash", { command: "echo from-bash-$((20 + 22))" }),
        call("write", { path: "notes.md", content: `# ${task}\nwritten\n` }),
      ],
    },
  );
  mock.on({ predicate: turn(2) }, { toolCalls: [call("read", { path: "notes.md" })] });
  mock.on({ predicate: turn(3) }, { content: `The task **${task}** is done.` });
}

describe("a task with several tools", () => {
  const run = async (task: string, options: Parameters<typeof createHome>[0]) => {
    script(task);
    await using home = createHome(options);
    const { code, out, err } = await home.say(`Please do ${task}`);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toContain(`The task **${task}** is done.`);
    expect(readFileSync(join(home.scratch, "notes.md"), "utf8")).toBe(`# ${task}\nwritten\n`);
    const asked = JSON.stringify(mock.getRequests().map(({ body }) => body));
    expect(asked).toContain("from-bash-42");
    expect(err.match(/✓/g)).toHaveLength(3);
    expect(home.turns()).toMatchObject([{ state: "done", attempts: 1 }]);
  };

  test("Anthropic, by ANTHROPIC_BASE_URL", () => run("task-anthropic", anthropic()));

  test("OpenAI, by OPENAI_BASE_URL", () =>
    run("task-openai", {
      program: program.path,
      settings: { model: "openai/gpt-5.1" },
      env: { OPENAI_BASE_URL: `${mock.url}/v1`, OPENAI_API_KEY: "test-key-1234" },
    }));

  test("an OpenAI-compatible server, by settings", () => run("task-local", local()));
});

test("what is said while a turn runs steers it, and both see the answer", async () => {
  const command = "until [ -e go ]; do sleep 0.02; done; echo went";
  mock.on(
    { userMessage: "colour red", hasToolResult: false },
    { toolCalls: [{ name: "bash", arguments: JSON.stringify({ command }) }] },
  );
  mock.onMessage("also blue", { content: "Red and blue it is." });
  await using home = createHome(anthropic());
  await home.up();
  const first = home.start(["chat", "--print", "colour red"]);
  await until(
    async () => (await home.call(["status"])).out.includes("until"),
    () => `The call does not run: ${first.err()}`,
  );
  const second = home.start(["chat", "--print", "also blue"]);
  await until(
    async () => JSON.parse((await home.call(["status", "--json"])).out).waiting === 1,
    () => `Nothing waits: ${second.err()}`,
  );
  writeFileSync(join(home.scratch, "go"), "");
  for (const { code, out } of await Promise.all([first.ended, second.ended])) {
    expect(code).toBe(0);
    expect(out).toContain("Red and blue it is.");
  }
  expect(home.turns()).toHaveLength(1);
});

describe("what a provider can do wrong", () => {
  const sentence = (words: string) => new RegExp(`^Cannot get an answer from "[^"]+": [^\\n]*${words}`, "m");

  /** One sentence on stderr, nothing raw anywhere but in the log, and the turn is ended. */
  const checkFailed = ({ code, out, err }: Ended, words: string) => {
    expect({ words, code, out, err }).toMatchObject({ code: 1 });
    const last = err
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("Cannot get") && !line.includes("trying again"));
    expect({ words, last }).toMatchObject({ last: { length: 1 } });
    expect(err).toMatch(sentence(words));
    expect(`${out}${err}`).not.toContain(raw);
  };

  test("each error becomes one sentence; the provider's words are in the log alone", async () => {
    const statuses: Record<number, string> = {
      400: "did not accept the request",
      401: "does not accept the key",
      403: "does not accept the key",
      404: "does not know this model",
      408: "connection broke",
      429: "takes no more requests",
      500: "overloaded or failing",
      529: "overloaded or failing",
    };
    for (const status of Object.keys(statuses))
      mock.onMessage(`status ${status}`, {
        error: { message: `${raw} ${status}`, type: "some_error" },
        status: Number(status),
      });
    mock.onMessage("cut short", { content: "word ".repeat(200) }, { truncateAfterChunks: 3, chunkSize: 5 });
    const garbage = await serve((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: {"type": "message_start", ${raw}\n\n\u0000\u0001 garbage\n\n`);
    });
    const settings = {
      model: "anthropic/claude-sonnet-4-5",
      models: {
        garbage: { api: "anthropic-messages", baseUrl: garbage, apiKey: "k", models: ["g"] },
        gone: { api: "openai-completions", baseUrl: "http://127.0.0.1:9/v1", models: ["g"] },
      },
    };
    await using home = createHome({ ...anthropic(), settings });
    await home.up();
    // All at once, each in a conversation of its own: four of them are tried again for some seconds.
    const cases = Object.entries(statuses).map(([status, words]) => ({
      words,
      args: ["--session", `s${status}`, `status ${status}`],
    }));
    cases.push({ words: "connection broke", args: ["--session", "cut", "cut short"] });
    cases.push({
      words: "connection broke|cannot be read",
      args: ["--session", "garbage", "--model", "garbage/g", "hello"],
    });
    cases.push({ words: "cannot be reached", args: ["--session", "gone", "--model", "gone/g", "hello"] });
    const ended = await Promise.all(cases.map(({ args }) => home.call(["chat", "--print", ...args])));
    for (const [index, { words }] of cases.entries()) checkFailed(ended[index] as Ended, words);
    expect(home.log()).toContain(`${raw} 400`);
    await home.call(["stop"]);
    expect(home.turns().map(({ state }) => state)).toEqual(cases.map(() => "failed"));
    expect(readFileSync(join(home.stateDir, "remoteagent.db")).includes(raw)).toBe(false);
  });

  test("a call with broken JSON is not run: the model is asked again, and that is said", async () => {
    const call = (args: string) => ({ toolCalls: [{ name: "bash", arguments: args }] });
    mock.on(
      { userMessage: "broken call", hasToolResult: false, sequenceIndex: 0 },
      call('{"command": "touch broken-ran", '),
    );
    mock.on(
      { userMessage: "broken call", hasToolResult: false, sequenceIndex: 1 },
      call('{"command": "touch whole-ran"}'),
    );
    mock.on({ userMessage: "broken call", hasToolResult: true }, { content: "Now it worked." });
    // In Anthropic's form aimock mends what is broken.
    await using home = createHome(local());
    const { code, out, err } = await home.say("broken call");
    expect({ code, out, err }).toMatchObject({ code: 0 });
    expect(out).toContain("Now it worked.");
    expect(err).toContain("it sent a tool call that cannot be read: trying again");
    expect(existsSync(join(home.scratch, "broken-ran"))).toBe(false);
    expect(existsSync(join(home.scratch, "whole-ran"))).toBe(true);
  });

  test("a model that never answers is stopped by /stop, at once", async () => {
    const silent = await serve(() => undefined);
    const settings = {
      model: "silent/s",
      models: { silent: { api: "anthropic-messages", baseUrl: silent, apiKey: "k", models: ["s"] } },
    };
    await using home = createHome({ program: program.path, settings });
    await home.up();
    const chat = home.start(["chat", "--print", "hello"]);
    await until(
      async () => (await home.call(["status"])).out.includes("thinking"),
      () => `It does not ask: ${chat.err()}`,
    );
    const begun = performance.now();
    const stopped = await home.say("/stop");
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.out).toContain("Stopped.");
    expect(performance.now() - begun).toBeLessThan(15_000);
    const ended = await chat.ended;
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.err).toContain("Stopped");
    expect(home.turns()).toMatchObject([{ state: "stopped" }]);
  });

  test("a key that is missing is said with the place where it goes", async () => {
    await using home = createHome({ program: program.path, settings: { model: "anthropic/claude-sonnet-4-5" } });
    const { code, err } = await home.say("hello");
    expect(code).toBe(1);
    expect(err).toContain('Cannot ask model provider "anthropic": no key is configured');
    expect(err).toContain("ANTHROPIC_API_KEY");
  });
});
