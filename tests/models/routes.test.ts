// Which models there are, with which key they are asked, and what is said when a name is wrong.
import { describe, expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Failure } from "../../src/core/failure.ts";
import { parseModelName, type ThinkingLevel } from "../../src/core/model-name.ts";
import { keyName } from "../../src/models/credentials.ts";
import type { ModelsDeps } from "../../src/models/models.ts";
import { providers } from "../../src/models/providers.ts";
import { mapLevel } from "../../src/models/routes.ts";
import { ask, bashTool, collect, failed, testModels } from "./fakes.ts";

function setup(
  environment: Record<string, string>,
  models: ModelsDeps["settings"]["models"] = {},
  deps: Partial<ModelsDeps> = {},
) {
  const sent: { url: string; headers: Headers; body: Record<string, unknown> }[] = [];
  const made = testModels({
    environment: (name) => environment[name],
    settings: { models },
    fetch: async (url, init) => {
      const body = typeof init?.body === "string" ? (JSON.parse(init.body) as Record<string, unknown>) : {};
      sent.push({ url: url instanceof Request ? url.url : url.toString(), headers: new Headers(init?.headers), body });
      return new Response('{"error":{"message":"enough"}}', { status: 400 });
    },
    ...deps,
  });
  return { ...made, sent };
}

async function refusal(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw new Error(`expected a Failure, got ${String(error)}`);
}

test("every provider loads, has models, and its preferred model is among them", async () => {
  for (const [name, entry] of Object.entries(providers)) {
    const provider = await entry.load();
    expect(provider.id).toBe(name);
    const ids = provider.getModels().map((model) => model.id);
    expect(ids.length).toBeGreaterThan(0);
    if (entry.preferred !== undefined) expect(ids).toContain(entry.preferred);
  }
});

test("where requests take the protocol's own module, every model of the provider speaks it", async () => {
  const direct = Object.values(providers).filter(({ wire }) => wire !== undefined);
  expect(direct.length).toBeGreaterThan(0);
  for (const { wire, load } of direct)
    expect([...new Set((await load()).getModels().map(({ api }) => api))]).toEqual([wire ?? "none"]);
});

describe("info", () => {
  const { models } = setup(
    {},
    {
      local: {
        api: "openai-completions",
        baseUrl: "http://127.0.0.1:1/v1",
        models: ["qwen3:30b"],
        contextWindow: 65_536,
      },
    },
  );
  const info = (name: string) => models.info(parseModelName(name));

  test("comes from the catalogue", async () => {
    expect(await info("anthropic/claude-sonnet-4-5")).toEqual({
      provider: "anthropic",
      name: "claude-sonnet-4-5",
      label: "Claude Sonnet 4.5 (latest)",
      contextWindow: 1_000_000,
      outputMax: 64_000,
      images: true,
      levels: ["off", "minimal", "low", "medium", "high"],
      price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    });
    expect((await info("openai/gpt-5.5")).levels).toEqual(["off", "low", "medium", "high", "xhigh"]);
  });
  test("of an own server from settings and defaults", async () => {
    expect(await info("local/qwen3:30b")).toMatchObject({
      contextWindow: 65_536,
      outputMax: 8_192,
      images: false,
      levels: ["off"],
    });
  });
  test("of the demo", async () => {
    expect(await info("demo/offline")).toMatchObject({ label: "Offline demo", price: { input: 0 } });
  });
  test.each([
    ["antropic/claude", 'Cannot use model "antropic/claude": no provider "antropic"', 'Did you mean "anthropic"'],
    ["anthropic/claude-sonet-4-5", "anthropic has no such model", 'Did you mean "claude-sonnet-4-5"'],
    ["local/qwen", "local has no such model", 'Did you mean "qwen3:30b"'],
    ["demo/online", 'no provider "demo"', '"demo'],
    ["constructor/x", 'no provider "constructor"', "baseUrl"],
    ["__proto__/x", 'no provider "__proto__"', "baseUrl"],
  ])("%s is unknown", async (name, message, hint) => {
    const failure = await refusal(info(name));
    expect(failure.code).toBe("settings");
    expect(failure.message).toContain(message);
    expect(failure.hint).toContain(hint);
  });
  test("an own server needs an address", async () => {
    const broken = setup(
      {},
      { a: { api: "openai-completions" }, b: { api: "openai-completions", baseUrl: "localhost:80" } },
    );
    expect((await refusal(broken.models.info({ provider: "a", name: "x" }))).hint).toContain("models.a.baseUrl");
    expect((await refusal(broken.models.info({ provider: "b", name: "x" }))).message).toContain("no http address");
  });
  test("a model newer than the catalogue is like its nearest relative", async () => {
    const newer = setup({}, { anthropic: { models: ["claude-sonnet-9"] } });
    expect(await newer.models.info({ provider: "anthropic", name: "claude-sonnet-9" })).toMatchObject({
      images: true,
      price: { input: 0 },
    });
  });
});

describe("keys", () => {
  const key = async (environment: Record<string, string>, models: ModelsDeps["settings"]["models"] = {}, deps = {}) => {
    const { models: made, sent } = setup(environment, models, deps);
    const { end } = await collect(made.stream(ask("anthropic/claude-sonnet-4-5")));
    return sent[0]?.headers.get("x-api-key") ?? failed(end).failure;
  };
  test("the vault is asked for the requester whom the request names, and for nobody else", async () => {
    const asked: unknown[] = [];
    const credential = async (...words: unknown[]) => void asked.push(words);
    const { models: made } = setup({ ANTHROPIC_API_KEY: "from-env" }, {}, { credential });
    const requester = { adapter: "tg", user: "57" };
    await collect(made.stream({ ...ask("anthropic/claude-sonnet-4-5"), requester }));
    await collect(made.stream(ask("anthropic/claude-sonnet-4-5")));
    expect(asked).toEqual([
      ["anthropic", requester],
      ["anthropic", undefined],
    ]);
    expect([keyName("anthropic"), keyName("google"), keyName("my-server")]).toEqual([
      "ANTHROPIC_API_KEY",
      "GEMINI_API_KEY",
      "MY_SERVER_API_KEY",
    ]);
  });
  test("vault, then settings, then environment", async () => {
    const environment = { ANTHROPIC_API_KEY: "from-env" };
    const settings = { anthropic: { apiKey: () => "from-settings" } };
    expect(await key(environment, settings, { credential: async () => "from-vault" })).toBe("from-vault");
    expect(await key(environment, settings, { credential: async () => undefined })).toBe("from-settings");
    expect(await key(environment, { anthropic: { apiKey: () => undefined } })).toBe("from-env");
  });
  test("are asked for at each use", async () => {
    const keys = ["first", "second"];
    const { models, sent } = setup({}, { anthropic: { apiKey: () => keys.shift() } });
    await collect(models.stream(ask("anthropic/claude-sonnet-4-5")));
    await collect(models.stream(ask("anthropic/claude-sonnet-4-5")));
    expect(sent.map((request) => request.headers.get("x-api-key"))).toEqual(["first", "second"]);
  });
  test("that are missing are named", async () => {
    expect(await key({})).toEqual({
      code: "provider.auth.final",
      message: 'Cannot ask model provider "anthropic": no key is configured',
      hint: "Set ANTHROPIC_API_KEY or models.anthropic.apiKey in settings.json",
    });
  });
  test("may be headers as well", async () => {
    const headers = () => ({ Authorization: "Bearer own" });
    const { models, sent } = setup({}, { local: { api: "openai-completions", baseUrl: "http://s.test", headers } });
    await collect(models.stream(ask("local/m")));
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer own");
  });
  test("that cannot be read are a failure of the settings", async () => {
    const unreadable = () => {
      throw new Failure("settings", 'Cannot read secret file "/x": it is missing');
    };
    expect(await key({}, { anthropic: { apiKey: unreadable } })).toMatchObject({ code: "settings" });
    const { models } = setup({ OPENAI_API_KEY: "k" }, { anthropic: { apiKey: unreadable } });
    expect(await models.fallback()).toEqual({ provider: "openai", name: "gpt-5.5" });
  });
  test("are not sent to a server that has none", async () => {
    const { models, sent } = setup(
      { OPENAI_API_KEY: "secret" },
      { local: { api: "openai-completions", baseUrl: "http://127.0.0.1:1/v1" } },
    );
    await collect(models.stream(ask("local/anything")));
    expect(sent[0]?.url).toBe("http://127.0.0.1:1/v1/chat/completions");
    expect(sent[0]?.headers.has("authorization")).toBe(false);
  });
});

describe("requests", () => {
  test("go to the address that settings or environment name", async () => {
    const environment = {
      ANTHROPIC_API_KEY: "k",
      OPENAI_API_KEY: "k",
      ANTHROPIC_BASE_URL: "http://a.test/",
      OPENAI_BASE_URL: "http://o.test/v1",
    };
    const { models, sent } = setup(environment, {
      openai: { baseUrl: "https://own.test/v1", headers: () => ({ "x-team": "blue" }) },
    });
    await collect(models.stream(ask("anthropic/claude-sonnet-4-5")));
    await collect(models.stream(ask("openai/gpt-5.5")));
    expect(sent.map((request) => request.url)).toEqual([
      "http://a.test/v1/messages?beta=true",
      "https://own.test/v1/responses",
    ]);
    expect(sent[1]?.headers.get("x-team")).toBe("blue");
    const other = setup(environment);
    await collect(other.models.stream(ask("openai/gpt-5.5")));
    expect(other.sent[0]?.url).toBe("http://o.test/v1/responses");
  });

  test.each([
    ["anthropic-messages", "http://s.test/v1/messages?beta=true"],
    ["openai-completions", "http://s.test/chat/completions"],
    ["openai-responses", "http://s.test/responses"],
  ] as const)("an own server speaks %s", async (api, url) => {
    const { models, sent } = setup({}, { own: { api, baseUrl: "http://s.test", models: ["m"], apiKey: () => "k" } });
    await collect(models.stream(ask("own/m")));
    expect(sent[0]?.url).toBe(url);
    expect(sent[0]?.body).toMatchObject({ model: "m", stream: true });
    expect(sent[0]?.headers.get("x-api-key") ?? sent[0]?.headers.get("authorization")).toMatch(/^(Bearer )?k$/);
  });

  test("a known provider may speak another protocol at another address", async () => {
    const { models, sent } = setup(
      { OPENAI_API_KEY: "k" },
      { openai: { api: "openai-completions", baseUrl: "http://s.test/v1" } },
    );
    await collect(models.stream(ask("openai/gpt-5.5")));
    expect(sent[0]?.url).toBe("http://s.test/v1/chat/completions");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer k");
  });

  test("carry the output limit, the tools and the thinking budget", async () => {
    const { models, sent } = setup({ ANTHROPIC_API_KEY: "k" });
    const request = ask("anthropic/claude-sonnet-4-5");
    await collect(models.stream({ ...request, outputMax: 20_000, model: { ...request.model, level: "medium" } }));
    await collect(models.stream({ ...request, outputMax: 10 ** 9 }));
    expect(sent[0]?.body).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 10_240 },
      tools: [{ name: "bash" }],
    });
    expect(sent[0]?.body.tools).toMatchObject([{ input_schema: bashTool.parameters }]);
    expect(sent[1]?.body).toMatchObject({ max_tokens: 64_000, thinking: { type: "disabled" } });
  });
});

test.each<[ThinkingLevel[], ThinkingLevel, ThinkingLevel]>([
  [["off", "low", "high"], "medium", "low"],
  [["off", "low", "high"], "xhigh", "high"],
  [["off", "low", "high"], "minimal", "off"],
  [["off"], "high", "off"],
  [["medium", "high"], "off", "medium"],
])("of the levels %p, %s becomes %s", (levels, wanted, expected) => {
  expect(mapLevel(levels, wanted)).toBe(expected);
});

describe("what can be chosen", () => {
  const local = { local: { api: "openai-completions", baseUrl: "http://127.0.0.1:1/v1", models: ["a", "b"] } } as const;
  test("models of providers with a key, own servers, and the demo", async () => {
    const { models } = setup({ GROQ_API_KEY: "k" }, local);
    const found = await models.available();
    expect([...new Set(found.map((model) => model.provider))].toSorted()).toEqual(["demo", "groq", "local"]);
    expect(found.filter((model) => model.provider === "local").map((model) => model.name)).toEqual(["a", "b"]);
  });
  test.each([
    ["the demo without any key", {}, {}, "demo/offline"],
    ["the first provider with a key", { OPENAI_API_KEY: "k", GEMINI_API_KEY: "k" }, {}, "openai/gpt-5.5"],
    ["Anthropic before others", { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k" }, {}, "anthropic/claude-sonnet-4-5"],
    ["an own server", {}, local, "local/a"],
    ["a provider in the settings", {}, { mistral: { apiKey: () => "k" } }, "mistral/devstral-medium-latest"],
    [
      "nothing for variables of other programs",
      { AWS_PROFILE: "x", HF_TOKEN: "x", GOOGLE_CLOUD_PROJECT: "x" },
      {},
      "demo/offline",
    ],
  ])("unasked: %s", async (_what, environment, settings, expected) => {
    const { models } = setup(environment, settings);
    expect(await models.fallback()).toEqual(parseModelName(expected));
  });
  test("the settings' model wins", async () => {
    const { models } = testModels({ settings: { model: "openai/gpt-5.5:high" }, environment: () => "k" });
    expect(await models.fallback()).toEqual({ provider: "openai", name: "gpt-5.5", level: "high" });
  });
});

test("an unknown model ends the stream with its failure and does not throw", async () => {
  const { models } = setup({});
  const { end, ends } = await collect(models.stream(ask("anthropic/claude-9")));
  expect(failed(end).failure.code).toBe("settings");
  expect(ends).toBe(1);
});

test("the demo needs no library", async () => {
  // In a folder without node_modules whatever loads the library fails.
  const folder = await mkdtemp(join(tmpdir(), "models-"));
  try {
    for (const part of ["core", "models", "sys"]) {
      await cp(join(import.meta.dirname, "../../src", part), join(folder, part), { recursive: true });
    }
    const script = `
      import { createModels } from "./models/models.ts";
      import { systemClock as clock } from "./sys/clock.ts";
      const models = createModels({ settings: {}, environment: () => undefined, version: "1", clock });
      const { provider } = await models.fallback();
      const request = { model: { provider, name: "offline" }, messages: [], tools: [], signal: new AbortController().signal };
      for await (const event of models.stream(request)) if (event.type === "text") break;
      const real = await models.info({ provider: "anthropic", name: "claude-sonnet-4-5" }).catch(() => "no library");
      process.stdout.write(provider + ", " + real);
    `;
    await writeFile(join(folder, "try.ts"), script);
    const { stdout } = await promisify(execFile)(process.execPath, ["--no-install", "try.ts"], { cwd: folder });
    expect(stdout).toBe("demo, no library");
  } finally {
    await rm(folder, { recursive: true });
  }
});
