// Loading the configuration: order of sources, problems told at once, secrets looked up and never shown.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig, systemEnvironment } from "../../src/config/load.ts";
import type { Flags } from "../../src/config/overrides.ts";
import { stateDirectory, statePaths } from "../../src/config/paths.ts";
import { Failure } from "../../src/core/failure.ts";
import { parts, withHome } from "./folder.ts";

interface Given {
  settings?: unknown;
  flags?: Flags;
  env?: Record<string, string>;
}

/** Loads with `settings` (text as it is, else as JSON) in the state folder of `home`. */
async function load(home: string, { settings, flags, env }: Given = {}) {
  const stateDir = join(home, ".remoteagent");
  if (settings !== undefined) {
    mkdirSync(stateDir, { mode: 0o700, recursive: true });
    const text = typeof settings === "string" ? settings : JSON.stringify(settings);
    writeFileSync(join(stateDir, "settings.json"), text, { mode: 0o600 });
  }
  return loadConfig({ flags, env: { HOME: home, ...env }, parts });
}

async function failure(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Failure) return error;
  throw new Error(`Expected a Failure, got ${String(error)}`);
}

describe("what is there", () => {
  test("nothing configured gives the defaults and a private state folder", () =>
    withHome(async (home) => {
      const config = await load(home);
      expect(config.stateDir).toBe(join(home, ".remoteagent"));
      expect(statSync(config.stateDir).mode & 0o777).toBe(0o700);
      expect(config.workspace).toBe(join(config.stateDir, "workspace"));
      expect(config.paths).toEqual(statePaths(config.stateDir));
      expect(config.settings).toEqual({
        models: {},
        harness: "native",
        sandbox: "host",
        isolation: "auto",
        adapters: {},
        agents: {},
        log: { format: "console", level: "info" },
        limits: {
          turnsParallel: 64,
          memoryMb: 4096,
          processes: 512,
          attachmentsDayMb: 1024,
          attachmentsMb: 10_240,
          keepDays: 365,
        },
        toolOutput: "summary",
        vault: { injectOnHost: false },
        sentry: {},
      });
      expect(config.problems).toEqual([]);
      // Reading must not leave anything behind.
      expect(readdirSync(config.stateDir)).toEqual([]);
    }));

  test("the documented settings are taken as they are", () =>
    withHome(async (home) => {
      mkdirSync(join(home, "code"));
      const { settings, workspace } = await load(home, {
        settings: {
          $schema: "https://example.com/settings.schema.json",
          model: "ollama/qwen3:30b",
          models: {
            anthropic: { apiKey: { env: "ANTHROPIC_API_KEY" }, baseUrl: "https://example.com/v1" },
            local: { api: "openai-completions", baseUrl: "http://127.0.0.1:8080/v1", models: ["qwen3-coder"] },
          },
          workspace: "~/work",
          adapters: { bird: { type: "pigeon", botToken: "coo", admins: ["1"], dm: ["1", "2"] } },
          agents: { main: { model: "openai/gpt-5.5:high", folders: [{ path: "~/code", access: "rw" }] } },
          web: { url: "https://agent.example.com", host: "0.0.0.0", trustedProxies: ["10.0.0.0/8", "::1"] },
          log: { format: "json" },
          limits: { timeoutSeconds: 600 },
          budget: { usdPerDay: 2.5 },
          sandbox: "firecracker:vm1:/srv/vm1:root:2222",
        },
      });
      expect(workspace).toBe(join(home, "work"));
      expect(settings.adapters.bird).toEqual({
        type: "pigeon",
        botToken: "coo",
        loft: "roof",
        admins: ["1"],
        dm: ["1", "2"],
        unknownSender: "strict",
      });
      expect(settings.agents.main?.folders).toEqual([{ path: join(home, "code"), access: "rw" }]);
      expect(settings.log).toEqual({ format: "json", level: "info" });
      expect(settings.web?.port).toBe(8181);
    }));

  test("an empty file and a byte order mark are no problem", () =>
    withHome(async (home) => {
      expect((await load(home, { settings: "  \n" })).settings.sandbox).toBe("host");
      expect((await load(home, { settings: '\ufeff{"sandbox": "image:debian"}' })).settings.sandbox).toBe(
        "image:debian",
      );
    }));
});

describe("order of sources", () => {
  test("flag, then environment, then file, then default", () =>
    withHome(async (home) => {
      const settings = { log: { level: "error" } };
      const env = { REMOTEAGENT_LOG_LEVEL: "debug" };
      expect((await load(home, { settings, env, flags: { logLevel: "trace" } })).settings.log.level).toBe("trace");
      expect((await load(home, { settings, env })).settings.log.level).toBe("debug");
      expect((await load(home, { settings })).settings.log.level).toBe("error");
      expect((await load(home, { settings: {} })).settings.log.level).toBe("info");
      // A variable that is set to nothing is not set.
      expect((await load(home, { settings, env: { REMOTEAGENT_LOG_LEVEL: "" } })).settings.log.level).toBe("error");
    }));

  test("the forerunners' variables stand behind our own", () =>
    withHome(async (home) => {
      const env = {
        MAMA_LINK_URL: "https://a.example",
        MAMA_LINK_PORT: "9000",
        MAMA_AI_MODEL: "m",
        MAMA_AI_PROVIDER: "openai",
      };
      const { settings } = await load(home, { env });
      expect(settings.web).toMatchObject({ url: "https://a.example", port: 9000 });
      expect(settings.model).toBe("openai/m");
      const ours = { ...env, REMOTEAGENT_WEB_URL: "https://b.example", REMOTEAGENT_MODEL: "anthropic/x" };
      const config = await load(home, { env: ours });
      expect(config.settings.web?.url).toBe("https://b.example");
      expect(config.settings.model).toBe("anthropic/x");
    }));

  test("the state folder has its own order, and relative paths their own places", () =>
    withHome(async (home) => {
      expect(stateDirectory({ stateDir: "/a" }, { REMOTEAGENT_STATE_DIR: "/b", HOME: home })).toBe("/a");
      expect(stateDirectory({}, { REMOTEAGENT_STATE_DIR: "~/b", MAMA_STATE_DIR: "/c", HOME: home })).toBe(
        join(home, "b"),
      );
      expect(stateDirectory({}, { MAMA_STATE_DIR: "/c", HOME: home })).toBe("/c");
      expect(stateDirectory({ stateDir: "here" }, { HOME: home })).toBe(join(process.cwd(), "here"));
      expect((await load(home, { settings: { workspace: "mine" } })).workspace).toBe(join(home, ".remoteagent/mine"));
      expect((await load(home, { settings: {}, flags: { workspace: "mine" } })).workspace).toBe(
        join(process.cwd(), "mine"),
      );
    }));
});

describe("problems", () => {
  test("all are told together, each with path and value, or with the variable that it came from", () =>
    withHome(async (home) => {
      const settings = {
        modle: "a/b",
        model: "nothing",
        log: { level: "loud", fromat: "json" },
        sandbox: "cage",
        agents: { main: { folders: [{ path: "relative", access: "x" }] } },
        adapters: { tg: { type: "telegramm" }, bird: { type: "pigeon", bottoken: "1234:secret" } },
        web: { port: 0, host: "127.evil.com" },
        limits: { processes: 1.5 },
      };
      const env = { REMOTEAGENT_ISOLATION: "maybe" };
      const { code, message } = await failure(load(home, { settings, env }));
      expect(code).toBe("settings");
      const [first, ...lines] = message.split("\n").map((line) => line.trim());
      expect(first).toBe(`Cannot use settings "${home}/.remoteagent/settings.json": ${lines.length} problems`);
      expect(lines.sort()).toEqual(
        [
          'modle "a/b": unknown setting, did you mean "model"?',
          'model "nothing": expected "provider/name" or "provider/name:level"',
          'log.level "loud": expected one of "trace", "debug", "info", "warn", "error"',
          'log.fromat "json": unknown setting, did you mean "format"?',
          'sandbox "cage": expected "host", "container:<name>", "image:<image>", "firecracker:<vm>:<host-path>[:<user>[:<port>]]" or "cloudflare:<id>"',
          'agents.main.folders[0].path "relative": expected an absolute path, or one that begins with ~/',
          'agents.main.folders[0].access "x": expected one of "ro", "rw"',
          'adapters.tg.type "telegramm": expected one of "drum", "pigeon"',
          "adapters.bird.botToken: missing",
          'adapters.bird.bottoken …: unknown setting, did you mean "botToken"?',
          "web.port 0: expected a port from 1 to 65535",
          'web.host "127.evil.com": expected an address such as "127.0.0.1" or "0.0.0.0"',
          "limits.processes 1.5: expected a whole number from 8 to 100000",
          'REMOTEAGENT_ISOLATION "maybe": expected one of "auto", "bubblewrap", "none"',
        ].sort(),
      );
    }));

  test("what is secret is not shown, wherever it stands", () =>
    withHome(async (home) => {
      const secret = "sk-very-secret-0123456789";
      const settings = {
        models: {
          a: { apiKey: ["list", secret], headers: { "x-a": { value: secret } }, baseUrl: `ftp://user:${secret}@host` },
          b: { apikey: secret, apiKey: "" },
        },
        sentry: { dsn: { env: secret } },
        adapters: { bird: { type: "pigeon", botToken: { text: secret }, weird: secret } },
      };
      const { message } = await failure(load(home, { settings }));
      expect(message).not.toContain(secret);
      expect(message.split("\n")).toHaveLength(1 + 8);
    }));

  test("a value with line breaks and controls forges no line", () =>
    withHome(async (home) => {
      const { message } = await failure(load(home, { settings: { harness: "x\n  log.level: fine\u001b[31m\u202e" } }));
      expect(message.split("\n")).toHaveLength(2);
      expect(message).not.toMatch(/[\u001b\u202e]/);
    }));

  test.each([
    ["a list", "[1]", /settings\.json \[…\]: expected an object/],
    ["a number", "7", /settings\.json 7: expected an object/],
    ["adapters as a list", '{"adapters": []}', /adapters \[…\]: expected an object/],
    ["log as text", '{"log": "debug"}', /log "debug": expected an object/],
    ["a dangerous name", '{"agents": {"__proto__": {}, "../x": {}}}', /agents\."\.\.\/x"/],
    ["an open web without https", '{"web": {"host": "0.0.0.0"}}', /web\.url: expected an https:\/\/ address/],
    ["a secret in an address", '{"web": {"url": "https://a/?token=1"}}', /web\.url .*without user, query and fragment/],
    ["a bad proxy", '{"web": {"trustedProxies": ["10.0.0.0/33"]}}', /web\.trustedProxies\[0\] "10\.0\.0\.0\/33"/],
    ["a container without a name", '{"sandbox": "container:"}', /sandbox "container:"/],
  ])("%s is refused", (_name, settings, expected) =>
    withHome(async (home) => {
      const { code, message } = await failure(load(home, { settings }));
      expect(code).toBe("settings");
      expect(message).toMatch(expected);
    }),
  );

  test("log given as text stays a problem when a variable lies over it", () =>
    withHome(async (home) => {
      const given = { settings: { log: "debug" }, env: { REMOTEAGENT_LOG_LEVEL: "info" } };
      expect((await failure(load(home, given))).message).toContain('log "debug": expected an object');
    }));

  test("folders may neither contain the state folder nor be a part of it, links included", () =>
    withHome(async (home) => {
      mkdirSync(join(home, ".remoteagent/tools"), { recursive: true, mode: 0o700 });
      symlinkSync(join(home, ".remoteagent"), join(home, "innocent"));
      for (const path of ["~", "/", "~/innocent/tools", "~/innocent/not-yet"].map((p) => (p === "~" ? "~/" : p))) {
        const { message } = await failure(load(home, { settings: { agents: { main: { folders: [{ path }] } } } }));
        expect(message).toContain("agents.main.folders[0].path");
        expect(message).toContain("state folder");
      }
      expect((await failure(load(home, { settings: { workspace: "~" } }))).message).toContain("workspace");
      mkdirSync(join(home, ".remoteagent-not"));
      await load(home, { settings: { agents: { main: { folders: [{ path: "~/.remoteagent-not" }] } } } });
    }));

  test("folders are stored by their real path, and are neither the workspace nor the system's", () =>
    withHome(async (home) => {
      mkdirSync(join(home, "code/app"), { recursive: true });
      mkdirSync(join(home, "code/ws"));
      symlinkSync(join(home, "code/app"), join(home, "app"));
      symlinkSync(join(home, "code/ws"), join(home, "ws"));
      const loadWith = (path: string, access: string) =>
        load(home, { settings: { workspace: "~/ws", agents: { main: { folders: [{ path, access }] } } } });
      const { settings, workspace } = await loadWith("~/app", "rw");
      expect(workspace).toBe(join(home, "code/ws"));
      expect(settings.agents.main?.folders).toEqual([
        { path: join(home, "code/app"), access: "rw", link: join(home, "app") },
      ] as never);
      expect((await failure(loadWith("~/code", "ro"))).message).toContain("it holds the workspace");
      expect((await failure(loadWith("~/code/ws/skills", "ro"))).message).toContain("it is inside the workspace");
      expect((await failure(loadWith("/etc", "rw"))).message).toContain("it belongs to the system");
      await loadWith("/etc", "ro");
    }));

  test("broken files are named with the reason", () =>
    withHome(async (home) => {
      const broken = await failure(load(home, { settings: '{\n  "log": {"level": "info",}\n}' }));
      expect(broken.message).toContain("line 2, column 27: expected a name in double quotes");
      const file = join(home, ".remoteagent/settings.json");
      writeFileSync(file, new Uint8Array([0x7b, 0xff, 0x7d]));
      expect((await failure(load(home))).message).toContain("it is not UTF-8 text");
      writeFileSync(file, "x".repeat(2 * 1024 * 1024));
      expect((await failure(load(home))).message).toContain("it is longer than 1048576 bytes");
    }));

  test("a file that others read is warned about, one that others write is refused", () =>
    withHome(async (home) => {
      await load(home, { settings: {} });
      const file = join(home, ".remoteagent/settings.json");
      chmodSync(file, 0o644);
      const { problems } = await load(home);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({ path: "settings.json", value: "0644" });
      expect(problems[0]?.message).toContain("chmod 0600");
      chmodSync(file, 0o662);
      expect(await failure(load(home))).toMatchObject({ code: "settings", hint: `Mend it with: chmod 0600 '${file}'` });
    }));
});

describe("secrets", () => {
  test("are looked up at each use and known to the redactor from then on", () =>
    withHome(async (home) => {
      const file = join(home, "token");
      writeFileSync(file, "from-file-1\n");
      const env: Record<string, string> = { KEY: "from-env" };
      const settings = { models: { a: { apiKey: "from-text", headers: { "x-org": "from-header" } } } };
      const config = await load(home, { settings, env });
      // What looks like a secret in the environment must not come out again, whoever asks for it or not.
      expect([...config.secretValues()].sort()).toEqual(["from-env", "from-header", "from-text"]);
      expect(config.secret({ env: "KEY" })).toBe("from-env");
      expect(config.secret({ file })).toBe("from-file-1");
      writeFileSync(file, "from-file-2");
      expect(config.secret({ file: "~/token" })).toBe("from-file-2");
      expect(config.environment("KEY")).toBe("from-env");
      expect(config.environment("NOPE")).toBeUndefined();
      expect([...config.secretValues()]).toContain("from-file-1");
      expect([...config.secretValues()]).toContain("from-file-2");
      expect(process.env.KEY).not.toBe("from-env");
    }));

  test("that are not there are refused in one sentence each", () =>
    withHome(async (home) => {
      const { secret } = await load(home);
      expect(() => secret({ env: "NOPE" })).toThrow('Cannot read secret from variable "NOPE": it is not set');
      expect(() => secret({ file: "none" })).toThrow(`from file "${home}/.remoteagent/none": it is missing`);
      expect(() => secret({ file: home })).toThrow("it is not a file");
      writeFileSync(join(home, "empty"), "\n");
      expect(() => secret({ file: "~/empty" })).toThrow("it is empty");
    }));

  test("children get a place and a language, and no keys", () =>
    withHome(async (home) => {
      const env = { PATH: "/bin", ANTHROPIC_API_KEY: "k", LANG: "C", OPENAI_BASE_URL: "http://x", SLACK_TOKEN: "t" };
      const config = await load(home, { env });
      expect(config.env).toEqual({ HOME: home, PATH: "/bin", LANG: "C", OPENAI_BASE_URL: "http://x" });
    }));

  test("the environment is handed on without what would run foreign code in us", () => {
    process.env.BUN_OPTIONS = "";
    try {
      expect(Object.keys(systemEnvironment())).not.toContain("BUN_OPTIONS");
      expect(systemEnvironment().PATH).toBe(process.env.PATH ?? "");
    } finally {
      delete process.env.BUN_OPTIONS;
    }
  });
});
