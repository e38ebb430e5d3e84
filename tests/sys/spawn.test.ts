// Starting real processes: streams, further descriptors, environment, ends, and what cannot be started.
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Child, type SpawnOptions, spawnDetached, systemSpawn } from "../../src/sys/spawn.ts";
import { until, withFolder } from "./folder.ts";

const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
const start = (argv: string[], options: Partial<SpawnOptions> = {}): Promise<Child> =>
  systemSpawn(argv, { env, stdio: ["pipe", "pipe", "pipe"], ...options });
const read = (stream: Child["stdout"]) => (stream === null ? Promise.reject(new Error("no pipe")) : text(stream));

test("arguments arrive as they are, nothing is a shell, the environment is the given one", async () => {
  const child = await start(["sh", "-c", 'printf "%s|" "$@"; env', "sh", "a b", "$(id)", "", "記"], {
    env: { ...env, X: "1" },
  });
  const out = await read(child.stdout);
  expect(out).toStartWith("a b|$(id)||記|");
  expect(out).toContain("X=1");
  expect(out).not.toContain("HOME=");
  expect(await child.closed).toEqual({ code: 0 });
});

test("input is read, both outputs are apart, the code comes back", async () => {
  const child = await start(["sh", "-c", "cat; echo bad >&2; exit 7"]);
  child.stdin?.end("ein 記\n");
  const [out, err, exited] = await Promise.all([read(child.stdout), read(child.stderr), child.exited]);
  expect({ out, err, exited }).toEqual({ out: "ein 記\n", err: "bad\n", exited: { code: 7 } });
});

test("further descriptors are pipes of their own", async () => {
  const child = await start(["sh", "-c", "echo three >&3; cat <&4 >&3"], {
    stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
  });
  const out = text(child.pipe(3) ?? new ReadableStream());
  child.pipe(4)?.end("four");
  expect(await out).toBe("three\nfour");
  expect(child.pipe(5)).toBeNull();
  expect(await child.exited).toEqual({ code: 0 });
});

test("the child's new files get the modes asked for, and ours stay as they were", async () => {
  const before = process.umask(0);
  try {
    const child = await start(["sh", "-c", "umask"], { umask: 0o027 });
    expect(await read(child.stdout)).toMatch(/^0?027\n$/);
    expect(await start(["/no/such/program"], { umask: 0o027 }).then(String, String)).toContain("not found");
    expect(process.umask(0)).toBe(0);
  } finally {
    process.umask(before);
  }
});

test("a signal is told as such, and a process that is gone gets none", async () => {
  const child = await start(["sleep", "30"], { stdio: ["ignore", "ignore", "ignore"] });
  expect(child.stdout).toBeNull();
  expect(child.kill("SIGTERM")).toBe(true);
  expect(await child.exited).toEqual({ signal: "SIGTERM" });
  expect(child.kill("SIGKILL")).toBe(false);
});

test("the folder counts, and detached means a session of its own", () =>
  withFolder(async (folder) => {
    const child = await start(["sh", "-c", "pwd -P; ps -o sid= -p $$"], { cwd: folder, detached: true });
    const [pwd, session] = (await read(child.stdout)).trim().split("\n");
    expect(pwd).toBe(realpathSync(folder));
    expect(Number(session)).toBe(child.pid);
  }));

test("what cannot be started is refused in one sentence", () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, "text"), "hello");
    mkdirSync(join(folder, "dir"));
    const cases: [string[], Partial<SpawnOptions>, RegExp][] = [
      [[], {}, /: it is empty$/],
      [[""], {}, /: it is empty$/],
      [["no-such-program"], {}, /^Cannot start "no-such-program": program or folder not found$/],
      [[join(folder, "dir")], {}, /: permission denied$/],
      [[join(folder, "text")], {}, /: permission denied$/],
      [["true"], { cwd: join(folder, "none") }, /^Cannot start "true" in ".*": program or folder not found$/],
      [["echo", "a\u0000b"], {}, /^Cannot start "echo": /],
      [["echo", "x".repeat(4 * 1024 * 1024)], {}, /: arguments and environment are too long$/],
    ];
    for (const [argv, options, message] of cases) {
      const failure = await start(argv, options).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: "Failure", code: "sandbox" });
      expect((failure as Error).message).toMatch(message);
    }
  }));

test("a detached program goes on without us and writes into its private log", () =>
  withFolder(async (folder) => {
    const logPath = join(folder, "out.log");
    const child = await spawnDetached(["sh", "-c", "pwd; echo err >&2; ps -o sid= -p $$"], { env, logPath });
    expect(await child.exited).toEqual({ code: 0 });
    const lines = await until(() => {
      const found = readFileSync(logPath, "utf8").trim().split("\n");
      return found.length === 3 ? found : undefined;
    });
    expect(lines.map((line) => line.trim())).toEqual(["/", "err", String(child.pid)]);
    expect(statSync(logPath).mode & 0o777).toBe(0o600);
    symlinkSync(logPath, join(folder, "link"));
    expect(spawnDetached(["true"], { env, logPath: join(folder, "link") })).rejects.toThrow();
  }));
