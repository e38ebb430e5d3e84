// setup: the wizard's dialogue, flags without questions, and older programs' settings.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Answers } from "../../src/cli/setup/answers.ts";
import { answersOfFlags, patchOf } from "../../src/cli/setup/answers.ts";
import { openDraft } from "../../src/cli/setup/draft.ts";
import { importSettings } from "../../src/cli/setup/import.ts";
import { Cancelled, createPrompt } from "../../src/cli/setup/prompt.ts";
import { interview } from "../../src/cli/setup/wizard.ts";
import type { FailureData } from "../../src/core/failure.ts";
import { program } from "./program.ts";

setDefaultTimeout(60_000);

/** A model server that speaks the chat completions protocol and wants the key `right`. */
let server: Server;
let address = "";
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.headers.authorization !== "Bearer right") {
      response.writeHead(401, { "content-type": "application/json" });
      response.end('{"error":{"message":"wrong key, says the server","type":"invalid_request_error"}}');
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const chunk = (delta: object, finish: string | null) =>
      response.write(
        `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
      );
    chunk({ role: "assistant", content: "ok" }, null);
    chunk({}, "stop");
    response.end("data: [DONE]\n\n");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => {
  server.close();
});

const own = (url: string) => [
  "setup",
  "--yes",
  "--provider",
  "local",
  "--base-url",
  url,
  "--model",
  "m",
  "--api-key-env",
  "KEY",
];

test("--yes tries the model, then writes; the settings are the person's alone", async () => {
  await using run = program({ KEY: "right" });
  const done = await run.call(...own(address));
  expect(done).toMatchObject({ code: 0, err: "" });
  const path = run.path("settings.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
    model: "local/m",
    models: { local: { apiKey: { env: "KEY" }, baseUrl: address, api: "openai-completions", models: ["m"] } },
  });
  expect((await run.call("doctor", "--online")).out).toContain("local/m answers");
  expect(done.out).toContain("It answers: local/m, which new sessions use");
  // Nothing asked for, nothing changed.
  const before = readFileSync(path, "utf8");
  expect(await run.call("setup", "--yes")).toMatchObject({ code: 0, err: "" });
  expect(readFileSync(path, "utf8")).toBe(before);
  // Back to the demo: the provider stays known, the choice is gone.
  expect((await run.call("setup", "--yes", "--provider", "demo")).out).toContain("New sessions use");
  expect(JSON.parse(readFileSync(path, "utf8"))).not.toHaveProperty("model");
});

test("a model that refuses leaves everything as it was", async () => {
  await using run = program({ KEY: "wrong" });
  const refused = await run.call(...own(address));
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("local");
  expect(refused.err).not.toContain("says the server");
  expect(readdirSync(run.stateDir)).toEqual([]);
  expect((await run.call(...own(address), "--no-check")).code).toBe(0);
  const before = readFileSync(run.path("settings.json"), "utf8");
  const unreachable = await run.call(...own("http://127.0.0.1:9/v1"));
  expect(unreachable.code).toBe(1);
  expect(readFileSync(run.path("settings.json"), "utf8")).toBe(before);
  const unset = await run.call("setup", "--yes", "--provider", "openai", "--api-key-env", "NOT_SET");
  expect(unset.code).not.toBe(0);
  expect(unset.err).toContain("NOT_SET");
});

test("what would make the settings wrong is not written", async () => {
  await using run = program();
  for (const extra of [
    ["--base-url", "nonsense"],
    ["--api", "smoke-signals"],
    ["--api-key-file", "/k"],
  ]) {
    const refused = await run.call(...own(address), ...extra);
    expect([extra, refused.code]).toEqual([extra, 2]);
  }
  expect(readdirSync(run.stateDir)).toEqual([]);
});

test("--import takes over each older form, and tells what it left out", async () => {
  await using run = program();
  const old = `${run.home}/old.json`;
  writeFileSync(
    old,
    '{"provider":"anthropic","model":"claude-sonnet-4-5","thinkingLevel":"low","logFormat":"json","logLevel":"debug","sessionScope":"thread"}',
  );
  const taken = await run.call("setup", "--import", old);
  expect(taken.code).toBe(0);
  expect(taken.err).toContain("sessionScope");
  expect(JSON.parse(readFileSync(run.path("settings.json"), "utf8"))).toEqual({
    model: "anthropic/claude-sonnet-4-5:low",
    log: { format: "json", level: "debug" },
  });
  for (const [text, words] of [
    ["{", "not JSON"],
    ["[]", "no JSON object"],
    ['{"colour":"red"}', "none of the keys"],
    ['{"logLevel":"loud"}', "log.level"],
    ['{"provider":5}', "provider"],
  ] as const) {
    writeFileSync(old, text);
    const refused = await run.call("setup", "--import", old);
    expect([text, refused.code]).toEqual([text, 2]);
    expect(refused.err).toContain(words);
  }
  expect((await run.call("setup", "--import", `${run.home}/nowhere`)).err).toContain("no such file");
  expect(JSON.parse(readFileSync(run.path("settings.json"), "utf8"))).toHaveProperty("log.level", "debug");
});

test("the nested form and the redesign's form are understood", () => {
  const nested = importSettings(
    JSON.stringify({
      llm: { provider: "openai", model: "gpt", thinkingLevel: "huge", autoReply: { model: "x" } },
      log: { level: "warn" },
      sentry: { dsn: "https://dsn" },
      sandbox: { cpus: "0.5" },
    }),
  );
  expect(nested.settings).toEqual({ model: "openai/gpt", log: { level: "warn" }, sentry: { dsn: "https://dsn" } });
  expect(nested.notes.join("\n")).toMatch(/huge[\s\S]*llm\.autoReply[\s\S]*sandbox/);
  const adapters = importSettings(
    '\ufeff{"adapters":{"slack-acme":{"type":"slack","botToken":"xoxb-1","appToken":"xapp-1","admins":["U1",2],"dm":"everyone","colour":1}}}',
  );
  expect(adapters.settings).toEqual({
    adapters: {
      "slack-acme": { type: "slack", botToken: "xoxb-1", appToken: "xapp-1", admins: ["U1", "2"], dm: "everyone" },
    },
  });
  expect(adapters.notes).toEqual(['Left out "adapters.slack-acme.colour": remoteagent has no such setting']);
  const wrong = () => importSettings('{"adapters":{"a":{"type":"slack","botToken":["secret-value"]}}}');
  expect(wrong).toThrow("adapters.a.botToken");
  expect(wrong).not.toThrow("secret-value");
});

/** A dialogue whose answers are typed one after another, and what the screen showed. */
function dialogue() {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  output.on("data", (chunk) => (shown += chunk));
  const prompt = createPrompt({ input, output });
  return {
    prompt,
    type: (...lines: string[]) => void input.write(lines.map((line) => `${line}\r`).join("")),
    input,
    output,
    shown: () => shown,
  };
}

test("what the wizard says goes on below its text on a narrow screen, and a link stays whole", async () => {
  const { prompt, type, output, shown } = dialogue();
  Object.assign(output, { columns: 40 });
  const link = `https://example.org/${"x".repeat(40)}`;
  prompt.say(`    ${link}\nIt works once. Whoever has it can use it.\n3  The answer is a token: paste it just here`);
  type("1");
  expect(await prompt.choose("Which one?", [{ value: "a", label: "A server of my own, with a gateway" }])).toBe("a");
  prompt.close();
  expect(shown()).toContain(`    ${link}\nIt works once. Whoever has it can use\nit.\n`);
  expect(shown()).toContain("3  The answer is a token: paste it just\n   here\n");
  expect(shown()).toContain("  1  A server of my own, with a gateway\n");
});

test("the wizard keeps its answers over a failed trial", async () => {
  const { prompt, type, shown } = dialogue();
  const tried: Answers[] = [];
  const failure: FailureData = { code: "provider.auth.final", message: "The key is wrong", hint: "Get a new one" };
  // anthropic, paste, key, default model; the key anew; a second failure is kept as it is.
  type("1", "1", "sk-first", "", "2", "1", "sk-second", "1", "5");
  const answers = await interview(prompt, {
    environment: () => undefined,
    attempt: async (answer) => {
      tried.push(answer);
      return failure;
    },
  });
  prompt.close();
  expect(tried.map((answer) => (answer.kind === "known" ? answer.key : ""))).toEqual([
    "sk-first",
    "sk-second",
    "sk-second",
  ]);
  expect(patchOf(answers)).toEqual({
    model: "anthropic/claude-sonnet-4-5",
    models: { anthropic: { apiKey: "sk-second" } },
  });
  expect(shown()).toContain("The key is wrong\nGet a new one");
});

test("who left before the model worked goes on with what they chose, but for a key that was pasted", async () => {
  const stateDir = mkdtempSync(join(tmpdir(), "ra-draft-"));
  try {
    const failure: FailureData = { code: "provider.auth.final", message: "The key is wrong" };
    const run = async (attempt: () => Promise<FailureData | undefined>, ...typed: string[]) => {
      const draft = openDraft({ stateDir });
      const { prompt, type } = dialogue();
      type(...typed);
      try {
        const given = { environment: () => undefined, attempt, before: draft.answers(), keep: draft.choose };
        return await interview(prompt, given);
      } finally {
        prompt.close();
      }
    };
    // A server of one's own with a key; it refuses, and the person leaves.
    const left = run(
      async () => failure,
      "7",
      "local",
      "http://127.0.0.1:1/v1",
      "1",
      "qwen",
      "y",
      "1",
      "sk-pasted",
      "\u0003",
    );
    await expect(left).rejects.toThrow(Cancelled);
    const path = join(stateDir, "setup.json");
    expect(readFileSync(path, "utf8")).not.toContain("sk-pasted");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const chosen = { kind: "own", provider: "local", model: "qwen", baseUrl: "http://127.0.0.1:1/v1" } as const;
    const api = "openai-completions";
    expect(await run(async () => undefined, "y", "y", "1", "sk-right")).toEqual({ ...chosen, api, key: "sk-right" });
    expect(await run(async () => undefined, "n", "8")).toEqual({ kind: "demo" });
    expect(openDraft({ stateDir }).answers()).toEqual({ kind: "demo" });
    writeFileSync(path, '{"answers":{"kind":"own"},"address":7}');
    expect(openDraft({ stateDir }).answers()).toBeUndefined();
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});

test("the wizard asks again for what cannot be, and shows no key", async () => {
  const { prompt, type, shown } = dialogue();
  const asked = interview(prompt, { environment: () => undefined, attempt: async () => undefined });
  type("99", "x", "7", "openai", "local", "ftp://x", "http://127.0.0.1:1/v1", "1", "qwen", "y", "1");
  while (!shown().includes("Key (not shown)")) await new Promise((resume) => setTimeout(resume, 5));
  type("very-secret");
  expect(await asked).toEqual({
    kind: "own",
    provider: "local",
    model: "qwen",
    baseUrl: "http://127.0.0.1:1/v1",
    api: "openai-completions",
    key: "very-secret",
  });
  prompt.close();
  expect(shown()).not.toContain("very-secret");
  expect(shown()).toContain("A number from 1 to 8");
});

test("a correction redraws the question with the answer", async () => {
  const { prompt, input, shown } = dialogue();
  const asked = prompt.choose("Which?", [{ value: "a", label: "A" }]);
  input.write("8\u007f1");
  await new Promise((resume) => setImmediate(resume));
  expect(shown().slice(shown().lastIndexOf("\u001b[0J"))).toBe("\u001b[0JNumber [1]: \u001b[13G1");
  input.write("\r");
  expect(await asked).toBe("a");
  prompt.close();
});

test("doctor says of a server without a key that it needs none", async () => {
  await using run = program({ KEY: "right" });
  const keyless = ["setup", "--yes", "--no-check", "--provider", "own", "--base-url", address, "--model", "m"];
  expect((await run.call(...keyless)).code).toBe(0);
  expect((await run.call("doctor")).out).toContain("own/m needs no key;");
  expect((await run.call(...own(address))).code).toBe(0);
  expect((await run.call("doctor")).out).toContain("local/m has a key;");
});

test("a running instance is told to take the settings at its restart", async () => {
  await using run = program();
  expect((await run.call("start")).code).toBe(0);
  const done = await run.call("setup", "--yes");
  expect(done.out).toContain("The running instance takes it at: remoteagent restart\n");
});

test("a mistyped provider is told from a server of one's own", () => {
  expect(() => answersOfFlags({ provider: "antropic" })).toThrow(
    'There is no provider "antropic": did you mean "anthropic"?',
  );
});

test("Ctrl-C and the end of the input leave", async () => {
  for (const leave of [(input: PassThrough) => input.write("\u0003"), (input: PassThrough) => input.end()]) {
    const { prompt, input } = dialogue();
    const asked = prompt.line("Anything");
    leave(input);
    const reason = (question: Promise<string>) => question.catch((error: unknown) => error);
    expect(await reason(asked)).toBeInstanceOf(Cancelled);
    expect(await reason(prompt.line("More"))).toBeInstanceOf(Cancelled);
    prompt.close();
  }
});

test("what is typed while something goes on is for nobody, and leaving ends it", async () => {
  const { prompt, input, type, shown } = dialogue();
  let release = () => {};
  const work = prompt.during(() => new Promise<string>((done) => (release = () => done("worked"))));
  prompt.progress("Waiting …");
  prompt.progress("Waiting …");
  type("y", "secret-looking");
  await new Promise((resume) => setImmediate(resume));
  release();
  expect(await work).toBe("worked");
  prompt.progress(undefined);
  expect(shown()).toBe("\r\u001b[KWaiting …\r\u001b[K");
  const asked = prompt.line("Name");
  type("Ann");
  expect(await asked).toBe("Ann");
  let signalled = false;
  const forever = prompt
    .during(
      (signal) =>
        new Promise<never>(() => {
          signal.addEventListener("abort", () => (signalled = true));
        }),
    )
    .catch((error: unknown) => error);
  input.write("\u0003");
  expect(await forever).toBeInstanceOf(Cancelled);
  expect(signalled).toBe(true);
  prompt.close();
});
