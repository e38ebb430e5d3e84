// Starting real processes: streams, further descriptors, environment, ends, and what cannot be started.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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
    stdio: ["ignore", "pipe", "ignore"],
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

test("both outputs can be opened by name, and keep their order in one pipe", async () => {
  const script = "echo a; echo b > /dev/stdout; echo c >&2; echo d > /dev/stderr; echo e > /proc/self/fd/1";
  const child = await start(["sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, exited] = await Promise.all([read(child.stdout), read(child.stderr), child.closed]);
  expect({ out, err, exited }).toEqual({ out: "a\nb\ne\n", err: "c\nd\n", exited: { code: 0 } });
  const lines = Array.from({ length: 500 }, (_, n) => (n % 2 === 0 ? `echo ${n}` : `echo ${n} >&2`));
  const joined = await start(["sh", "-c", `exec 2>&1; ${lines.join("; ")}`], { stdio: ["ignore", "pipe", "pipe"] });
  joined.stderr?.resume();
  expect(await read(joined.stdout)).toBe(Array.from({ length: 500 }, (_, n) => `${n}\n`).join(""));
});

test("a writer whose reader goes away gets told", async () => {
  const child = await start(["sh", "-c", "while echo y; do :; done 2>/dev/null; exit 9"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout?.once("readable", () => child.stdout?.destroy());
  const exited = await child.closed;
  // A shell that does not ignore the signal dies of it; one that was started with it ignored sees the error.
  expect([JSON.stringify({ signal: "SIGPIPE" }), JSON.stringify({ code: 9 })]).toContain(JSON.stringify(exited));
});

test("no descriptor is left of 500 starts, whether they succeed, fail, or are not read to the end", async () => {
  const open = () => readdirSync("/proc/self/fd").length;
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const kinds: ((n: number) => Promise<unknown>)[] = [
    async () => {
      const child = await start(["sh", "-c", "echo a; echo b >&2"], { stdio });
      await Promise.all([read(child.stdout), read(child.stderr), child.closed]);
    },
    () => start(["no-such-program"], { stdio }).catch(() => undefined),
    () => start(["true"], { stdio, cwd: "/no/such/folder" }).catch(() => undefined),
    () => start(["echo", "a\u0000b"], { stdio }).catch(() => undefined),
    async () => {
      const child = await start(["sh", "-c", "echo a; exec sleep 30"], { stdio });
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.kill("SIGKILL");
      await child.closed;
    },
  ];
  for (const kind of kinds) await kind(0);
  await until(() => (open() > 0 ? true : undefined));
  const before = open();
  for (let n = 0; n < 100; n++) for (const kind of kinds) await kind(n);
  const after = await until(() => (open() <= before ? open() : undefined));
  expect(after).toBeLessThanOrEqual(before);
}, 30_000);

test("where no descriptor is left a start is refused, and works again afterwards", () =>
  withFolder(async (folder) => {
    const program = join(folder, "short.ts");
    writeFileSync(program, shortOfDescriptors);
    const child = await start(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", process.execPath, program]);
    const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
    expect(err).toBe("");
    expect(JSON.parse(out)).toEqual({ refused: true, leaked: 0, works: "yes\n" });
  }));

/** Uses up the descriptors, tries to start something with each number of them left, and then frees them. */
const shortOfDescriptors = `
import { closeSync, openSync, readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { systemSpawn } from ${JSON.stringify(join(import.meta.dir, "../../src/sys/spawn.ts"))};
const env = { PATH: process.env.PATH };
const start = () => systemSpawn(["echo", "yes"], { env, stdio: ["ignore", "pipe", "pipe"] });
const run = async () => {
  const child = await start();
  child.stderr.resume();
  const out = await text(child.stdout);
  await child.closed;
  return out;
};
await run();
const count = () => readdirSync("/proc/self/fd").length;
const settle = async (most) => {
  for (let look = 0; look < 200 && count() > most; look++) await Bun.sleep(5);
  return count();
};
const before = await settle(0);
const held = [];
try {
  for (let n = 0; n < 100; n++) held.push(openSync("/dev/null", "r"));
} catch (error) {
  // Until there are no more: that is what is wanted here, and nothing else.
  if (error.code !== "EMFILE") throw error;
}
let refused = false;
for (let left = 0; left < 14; left++) {
  await run().catch((error) => { if (error.name !== "Failure") throw error; refused = true; });
  const one = held.pop();
  if (one !== undefined) closeSync(one);
}
for (const fd of held) closeSync(fd);
const leaked = Math.max(0, (await settle(before)) - before);
process.stdout.write(JSON.stringify({ refused, leaked, works: await run() }));
`;
