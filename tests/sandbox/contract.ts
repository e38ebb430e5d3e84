// What every kind of sandbox must do; each kind runs the whole suite by one line in its test file.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Readable } from "node:stream";
import { text as collectText } from "node:stream/consumers";
import { limits } from "../../src/core/limits.ts";
import type { Command, Exit, Running, Sandbox, SandboxDriver } from "../../src/sandbox/sandbox.ts";

/** One kind, ready to be tried. The sandbox starts in an empty writable folder and has `sh` and `python3`. */
export interface ContractCase {
  driver: SandboxDriver;
  sandbox: Sandbox;
  /** Opens a second hold on the same place. */
  reopen(): Promise<Sandbox>;
  close(): Promise<void>;
}

/** A finished command. */
export interface Result {
  out: string;
  err: string;
  exit: Exit;
}

/** Runs a shell script to its end. */
export async function shell(sandbox: Sandbox, script: string, options: Partial<Command> = {}): Promise<Result> {
  return finished(await spawnShell(sandbox, script, options));
}

/** Starts a shell script. */
export function spawnShell(sandbox: Sandbox, script: string, options: Partial<Command> = {}): Promise<Running> {
  return sandbox.spawn({ argv: ["/bin/sh", "-c", script], scope: "turn-1", stdin: null, ...options });
}

/** Reads a command's output to its end. */
export async function finished(running: Running): Promise<Result> {
  const [out, err, exit] = await Promise.all([collectText(running.stdout), collectText(running.stderr), running.done]);
  return { out, err, exit };
}

/** Waits until the output so far has `wanted`. */
export async function outputWith(stream: Readable, wanted: string): Promise<string> {
  let seen = "";
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded) throw new Error(`ended without ${wanted}: ${seen}`);
      await new Promise((resolve) => {
        stream.once("readable", resolve);
        stream.once("end", resolve);
      });
      continue;
    }
    seen += chunk.toString();
    if (seen.includes(wanted)) return seen;
  }
}

/** What a thrown failure says. */
export async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("It did not fail");
}

const bytes = (value: string) => new TextEncoder().encode(value);
const words = (value: Uint8Array) => new TextDecoder().decode(value);

/** Programs that try to outlive a kill; each prints `ready` once its worst is running. */
const nasty: Record<string, string> = {
  "one that ignores every signal": `trap '' INT TERM HUP QUIT; echo ready; while :; do sleep 1; done`,
  "one in a session of its own": `setsid sleep 3600 & sleep 0.1; echo ready; wait`,
  nohup: `nohup sleep 3600 >/dev/null 2>&1 & sleep 0.1; echo ready; wait`,
  "a double fork that has left its pipes and session": `(setsid sh -c 'exec >/dev/null 2>&1 </dev/null; sleep 3600 & exit' &) ; sleep 0.3; echo ready; sleep 3600`,
  "one without our environment": `(env -i setsid sleep 3600 >/dev/null 2>&1 &) ; sleep 0.6; echo ready; sleep 3600`,
  "one that starts itself again": `cat >again.sh <<'END'
trap '' TERM
while :; do setsid sh -c 'sleep 0.2; exec sh ./again.sh' >/dev/null 2>&1 & sleep 0.05; [ "$(ls | wc -l)" -gt 0 ] || exit; wait; done
END
sh again.sh & sleep 0.5; echo ready; wait`,
  "a bounded fork bomb": `cat >bomb.py <<'END'
import os, time
for level in range(6):
    os.fork()
if os.getpid() % 2: os.setsid() if os.getpgid(0) != os.getpid() else None
time.sleep(3600)
END
python3 bomb.py & sleep 0.5; echo ready; wait`,
};

/** The suite. `make` is called once; `name` says the kind and what is special about it. */
export function sandboxContract(name: string, make: () => Promise<ContractCase>): void {
  describe(`sandbox contract: ${name}`, () => {
    let kind: ContractCase;
    const at = () => kind.sandbox;
    beforeAll(async () => {
      kind = await make();
    });
    afterAll(() => kind.close());
    describe("commands", () => commands(at));
    describe("input and output", () => streams(at));
    describe("limits", () => boundaries(at));
    describe("kill", () => kills(() => kind));
    describe("files", () => files(at));
    describe("many at once and the end", () => lives(() => kind));
  });
}

function commands(at: () => Sandbox): void {
  test("says what it is", async () => {
    expect(at().kind.length).toBeGreaterThan(0);
    expect(at().root.startsWith("/")).toBe(true);
    expect(at().cwd.startsWith("/")).toBe(true);
    expect(at().generation).toBeGreaterThanOrEqual(1);
  });
  test("runs argv as it is, without a shell", async () => {
    const awkward = ["a b", "$HOME", "*", ";", "-n", "", "é\n'\""];
    const running = await at().spawn({ argv: ["printf", "%s|", ...awkward], scope: "turn-1", stdin: null });
    expect((await finished(running)).out).toBe(`${awkward.join("|")}|`);
  });
  test("answers exit codes, and the signal that ended it", async () => {
    expect((await shell(at(), "exit 0")).exit).toEqual({ code: 0 });
    expect((await shell(at(), "exit 37")).exit).toEqual({ code: 37 });
    const running = await at().spawn({ argv: ["sleep", "3600"], scope: "turn-1", stdin: null });
    running.stdout.resume();
    running.stderr.resume();
    await new Promise((resolve) => setTimeout(resolve, 150));
    running.signal("SIGTERM");
    expect(await running.done).toEqual({ signal: "SIGTERM" });
  });
  test("delivers a signal to the command, which may act on it", async () => {
    const running = await spawnShell(at(), `trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done`);
    await outputWith(running.stdout, "ready");
    running.signal("SIGINT");
    expect(await outputWith(running.stdout, "caught")).toContain("caught");
    running.stdout.resume();
    running.stderr.resume();
    expect(await running.done).toEqual({ code: 5 });
  });
  test("starts in the sandbox's folder, or in the one asked for", async () => {
    expect((await shell(at(), "pwd -P")).out.trim()).toBe(at().cwd);
    await shell(at(), "mkdir -p 'deep/a b'");
    expect((await shell(at(), "pwd -P", { cwd: "deep/a b" })).out.trim()).toBe(`${at().cwd}/deep/a b`);
    expect((await shell(at(), "pwd -P", { cwd: `${at().cwd}/deep/..` })).out.trim()).toBe(at().cwd);
  });
  test("adds the command's variables to a small environment", async () => {
    const { out } = await shell(at(), "env", { env: { GREETING: "hello there\nagain" } });
    expect(out).toContain("GREETING=hello there\nagain");
    for (const name of ["PATH", "HOME", "TERM"]) expect(out).toMatch(new RegExp(`^${name}=.`, "m"));
  });
  test("home and temporary folder can be written and are kept", async () => {
    await shell(at(), `echo kept >"$HOME/note"; echo kept >"\${TMPDIR:-/tmp}/note"`);
    expect((await shell(at(), `cat "$HOME/note" "\${TMPDIR:-/tmp}/note"`)).out).toBe("kept\nkept\n");
  });
  test("refuses what cannot be started with one sentence", async () => {
    const spawn = (command: Partial<Command>) =>
      failureOf(at().spawn({ argv: ["true"], scope: "turn-1", stdin: null, ...command }));
    expect(await spawn({ argv: ["no-such-program"] })).toBe('Cannot run "no-such-program": program not found');
    expect(await spawn({ argv: ["./deep"] })).toBe('Cannot run "./deep": it is not executable');
    expect(await spawn({ argv: [] })).toBe("Cannot run a command: it is empty");
    expect(await spawn({ argv: ["true", "a\0b"] })).toBe('Cannot run "true": an argument has a NUL character');
    expect(await spawn({ argv: ["true", "x".repeat(200_000)] })).toBe('Cannot run "true": its arguments are too long');
    expect(await spawn({ cwd: "/no/such/folder" })).toBe(
      'Cannot run "true" in "/no/such/folder": the folder does not exist',
    );
    expect(await spawn({ cwd: "a\0b" })).toBe('Cannot use path "a\\u0000b": it has a NUL character');
    expect(await spawn({ env: { "A=B": "c" } })).toBe('Cannot set variable "A=B": it is not a variable\'s name');
    expect(await spawn({ env: { A: "x\0y" } })).toBe('Cannot set variable "A": its value has a NUL character');
  });
}

function streams(at: () => Sandbox): void {
  test("keeps both streams apart and whole", async () => {
    const { out, err } = await shell(at(), "echo out; echo err >&2; printf 'no newline'");
    expect(out).toBe("out\nno newline");
    expect(err).toBe("err\n");
  });
  test("gives no input, all input at once, or a pipe", async () => {
    expect((await shell(at(), "cat | wc -c")).out.trim()).toBe("0");
    const big = new Uint8Array(1_000_000).fill(65);
    expect((await shell(at(), "wc -c", { stdin: big })).out.trim()).toBe("1000000");
    const running = await spawnShell(at(), 'while read -r line; do echo "got $line"; done', { stdin: "pipe" });
    running.stdin?.write("one\n");
    await outputWith(running.stdout, "got one");
    running.stdin?.end("two\n");
    expect((await finished(running)).out).toContain("got two");
  });
  test("a command that does not read its input ends as usual", async () => {
    expect((await shell(at(), "exit 4", { stdin: new Uint8Array(4_000_000) })).exit).toEqual({ code: 4 });
  });
  test("output arrives while the command runs", async () => {
    const running = await spawnShell(at(), "echo first; read -r _; echo second", { stdin: "pipe" });
    expect(await outputWith(running.stdout, "first")).toBe("first\n");
    running.stdin?.end("\n");
    expect((await finished(running)).out).toBe("second\n");
  });
  test("both streams can be opened by name", async () => {
    const script = "echo a >/dev/stdout; echo b >/dev/stderr; echo c >/proc/self/fd/1; echo d | tee /dev/stderr";
    const result = await shell(at(), script);
    expect(result).toEqual({ out: "a\nc\nd\n", err: "b\nd\n", exit: { code: 0 } });
    const joined = await shell(at(), "exec 2>&1; echo a; echo b >/dev/stderr; echo c >/dev/stdout; echo d >&2");
    expect(joined.out).toBe("a\nb\nc\nd\n");
  });
  test("passes bytes that are no text", async () => {
    const running = await spawnShell(at(), "printf '\\377\\000\\200'");
    running.stderr.resume();
    const chunks: Buffer[] = [];
    for await (const chunk of running.stdout) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString("hex")).toBe("ff0080");
  });
  test("a slow reader holds the writer back", async () => {
    const script = `python3 -c "
import sys, os
for n in range(200):
    os.write(1, b'x' * 65536)
    os.write(2, b'%d\\n' % n)
"`;
    const running = await spawnShell(at(), script);
    let count = 0;
    running.stderr.on("data", (chunk: Buffer) => {
      count += chunk.toString().split("\n").length - 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(count).toBeLessThan(30);
    running.stdout.resume();
    expect(await running.done).toEqual({ code: 0 });
    expect(count).toBe(200);
  });
  test("a reader that gives up does not block the command", async () => {
    const running = await spawnShell(at(), "head -c 5000000 /dev/zero; exit 6");
    running.stderr.resume();
    running.stdout.once("readable", () => running.stdout.destroy());
    expect(await running.done).toEqual({ code: 6 });
  });
  test("what a command leaves in the background ends with it", async () => {
    const started = performance.now();
    const { exit, out } = await shell(at(), "sleep 3600 & (setsid sleep 3600 &) ; echo over");
    expect({ exit, out }).toEqual({ exit: { code: 0 }, out: "over\n" });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
}

function boundaries(at: () => Sandbox): void {
  test("time", async () => {
    const { exit, out } = await shell(at(), "trap '' TERM; echo begun; sleep 3600", { limits: { timeMs: 300 } });
    expect(exit).toEqual({ limit: "time" });
    expect(out).toBe("begun\n");
  });
  test("output, both streams together, cut to the byte", async () => {
    const script = "head -c 600000 /dev/zero; head -c 600000 /dev/zero >&2; sleep 3600";
    const running = await spawnShell(at(), script, { limits: { outputBytes: 1_000_000 } });
    let total = 0;
    for (const stream of [running.stdout, running.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        total += chunk.byteLength;
      });
    }
    expect(await running.done).toEqual({ limit: "output" });
    expect(total).toBe(1_000_000);
  });
  test("output that is just within its limit passes", async () => {
    const { exit } = await shell(at(), "head -c 1000 /dev/zero", { limits: { outputBytes: 1000 } });
    expect(exit).toEqual({ code: 0 });
  });
  test("memory of the whole tree", async () => {
    const script = `python3 -c "
import os, time
os.fork()
hold = bytearray(60 * 1024 * 1024)
time.sleep(60)
"`;
    expect((await shell(at(), script, { limits: { memoryBytes: 80 * 1024 * 1024 } })).exit).toEqual({
      limit: "memory",
    });
  });
  test("processes of the whole tree", async () => {
    const script = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    expect((await shell(at(), script, { limits: { processes: 8 } })).exit).toEqual({ limit: "processes" });
  });
  test("processes of all commands of a scope together: the largest goes", async () => {
    const bounds = { scope: "crowd", limits: { processes: 14 } };
    const script = (count: number) => `${"sleep 60 & ".repeat(count)} wait`;
    const small = await spawnShell(at(), script(6), bounds);
    const alone = await spawnShell(at(), script(9), { ...bounds, scope: "alone" });
    const large = await spawnShell(at(), script(9), bounds);
    for (const { stdout, stderr } of [small, large, alone]) for (const stream of [stdout, stderr]) stream.resume();
    expect(await large.done).toEqual({ limit: "processes" });
    expect((await at().kill("crowd")).survivors).toEqual([]);
    expect((await at().kill("alone")).survivors).toEqual([]);
    expect([await small.done, await alone.done]).toEqual([{ signal: "SIGKILL" }, { signal: "SIGKILL" }]);
  });
  test("a limit is met even when nobody reads", async () => {
    const running = await spawnShell(at(), "yes", { limits: { timeMs: 300 } });
    expect(await running.done).toEqual({ limit: "time" });
  });
}

function kills(kind: () => ContractCase): void {
  for (const [name, script] of Object.entries(nasty)) {
    test(`kills ${name}`, async () => {
      const { sandbox, driver } = kind();
      const running = await spawnShell(sandbox, script, { scope: "nasty" });
      running.stderr.resume();
      await outputWith(running.stdout, "ready");
      const proof = await sandbox.kill("nasty");
      expect(proof.survivors).toEqual([]);
      expect(proof.killed.length).toBeGreaterThan(0);
      expect(await running.done).toEqual({ signal: "SIGKILL" });
      expect(driver.running().filter(({ scope }) => scope === "nasty")).toEqual([]);
      // Killed again: nothing was left to be found.
      expect(await sandbox.kill("nasty")).toEqual({ killed: [], survivors: [] });
    });
  }
  test("kills one scope and leaves the others alone", async () => {
    const { sandbox } = kind();
    const keep = await spawnShell(sandbox, "echo ready; read -r _; echo alive", { scope: "keep", stdin: "pipe" });
    const drop = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "drop" });
    await outputWith(keep.stdout, "ready");
    await outputWith(drop.stdout, "ready");
    expect((await sandbox.kill("drop")).survivors).toEqual([]);
    expect(await drop.done).toEqual({ signal: "SIGKILL" });
    keep.stdin?.end("\n");
    expect(await finished(keep)).toMatchObject({ out: "alive\n", exit: { code: 0 } });
  });
  test("kills while nobody reads and the command is stuck in its output", async () => {
    const { sandbox } = kind();
    const running = await spawnShell(sandbox, "yes", { scope: "stuck" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await sandbox.kill("stuck")).survivors).toEqual([]);
    expect(await running.done).toEqual({ signal: "SIGKILL" });
  });
  test("stops a command that is just being started", async () => {
    const { sandbox } = kind();
    const starting = spawnShell(sandbox, "sleep 3600", { scope: "early" });
    const [result, proof] = await Promise.allSettled([starting, sandbox.kill("early")]);
    if (result?.status === "fulfilled") expect(await result.value.done).toEqual({ signal: "SIGKILL" });
    else expect(String(result?.reason)).toContain("it was stopped");
    if (proof.status === "rejected") throw proof.reason;
    expect(proof.value.survivors).toEqual([]);
    // It may have become the shell, or what the shell became.
    expect(proof.value.killed[0]?.command).toMatch(/^(\/bin\/sh -c )?sleep 3600$/);
    expect((await sandbox.kill("early")).killed).toEqual([]);
  });
  test("names what it killed as the person wrote it, and nothing that was put around", async () => {
    const { sandbox } = kind();
    const sleeper = `python3 -c 'print("up", flush=True); import time; time.sleep(3600)'`;
    const script = `${sleeper} one & setsid ${sleeper} two & ${sleeper} ${"x".repeat(9_000)}; true`;
    const running = await spawnShell(sandbox, script, { scope: "named" });
    running.stderr.resume();
    await outputWith(running.stdout, "up\nup\nup\n");
    const lines = (await sandbox.kill("named")).killed.map(({ command }) => command);
    const line = 'python3 -c print("up", flush=True); import time; time.sleep(3600)';
    // Where python3 is a script that looks for the real one, the real one has its path.
    expect(lines.map((one) => one.replace(/^\S*\/(?=python3)/, "")).toSorted()).toEqual([
      expect.stringMatching(/^\/bin\/sh -c python3 -c .*…$/),
      `${line} one`,
      `${line} two`,
      expect.stringMatching(/^python3 -c print.* x+…$/),
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBe(limits.processLineCharsMax);
  });
  test("kills an unknown scope without any effect", async () => {
    expect(await kind().sandbox.kill("never-heard-of")).toEqual({ killed: [], survivors: [] });
  });
}

function files(at: () => Sandbox): void {
  const read = (path: string, range = { length: 1_000 }) => at().files.read(path, range);
  test("writes, reads, and reads a part", async () => {
    await at().files.write("files/new/a.txt", bytes("0123456789"));
    expect(words((await read("files/new/a.txt")).bytes)).toBe("0123456789");
    const part = await at().files.read(`${at().cwd}/files/new/a.txt`, { offset: 3, length: 4 });
    expect({ part: words(part.bytes), size: part.size }).toEqual({ part: "3456", size: 10 });
    expect(await at().files.read("files/new/a.txt", { offset: 50, length: 4 })).toEqual({
      bytes: new Uint8Array(0),
      size: 10,
    });
    expect((await at().files.read("files/new/a.txt", { length: 0 })).size).toBe(10);
  });
  test("replaces a file as a whole, and keeps its mode", async () => {
    await shell(at(), "printf long-old-text >replaced; chmod 750 replaced");
    await at().files.write("replaced", bytes("new"));
    expect(
      (await shell(at(), "cat replaced; ls -l replaced | cut -c1-10; ls -a | grep -c remoteagent-write")).out,
    ).toBe("new-rwxr-x---\n0\n");
  });
  test("writes an empty file and one of many bytes", async () => {
    await at().files.write("empty", new Uint8Array(0));
    expect((await read("empty")).size).toBe(0);
    const big = new Uint8Array(3_000_000).map((_, index) => index % 251);
    await at().files.write("big", big);
    const back = await at().files.read("big", { length: 5_000_000 });
    expect(Buffer.compare(back.bytes, big)).toBe(0);
  });
  test("writes through a link and leaves the link", async () => {
    await shell(at(), "mkdir -p target; printf old >target/real; ln -sf target/real link");
    await at().files.write("link", bytes("new"));
    expect((await shell(at(), "cat target/real; readlink link")).out).toBe("newtarget/real\n");
  });
  test("names of every kind are only names", async () => {
    for (const name of ["-rf", "--help", "a b", "$(touch hacked)", "`touch hacked`", "new\nline", "ü-é-漢", "'\"\\"]) {
      await at().files.write(`names/${name}`, bytes(name));
      expect(words((await read(`names/${name}`)).bytes)).toBe(name);
    }
    await at().files.write("-n", bytes("dash"));
    expect(words((await read("-n")).bytes)).toBe("dash");
    const listed = (await at().files.list("names")).map(({ name }) => name);
    expect(listed).toContain("new\nline");
    expect(listed).toHaveLength(8);
    expect((await shell(at(), "find . -name 'hacked*'")).out).toBe("");
  });
  test("lists with kinds, hidden ones too", async () => {
    await shell(
      at(),
      "mkdir -p list/folder; touch list/file list/.hidden; mkfifo list/pipe; ln -s nowhere list/broken",
    );
    const listed = (await at().files.list("list")).sort((a, b) => a.name.localeCompare(b.name, "en"));
    expect(Object.fromEntries(listed.map(({ name, kind }) => [name, kind]))).toEqual({
      ".hidden": "file",
      broken: "other",
      file: "file",
      folder: "folder",
      pipe: "other",
    });
    await shell(at(), "mkdir -p nothing");
    expect(await at().files.list("nothing")).toEqual([]);
  });
  test("says what is wrong", async () => {
    expect(await failureOf(read("missing"))).toBe('Cannot read "missing": it does not exist');
    expect(await failureOf(read("list"))).toBe('Cannot read "list": it is a folder');
    expect(await failureOf(read("list/pipe"))).toBe('Cannot read "list/pipe": it is not a regular file');
    expect(await failureOf(read(""))).toBe('Cannot use path "": it is empty');
    expect(await failureOf(read("a\0b"))).toBe('Cannot use path "a\\u0000b": it has a NUL character');
    expect(await failureOf(read("x".repeat(5_000)))).toContain("it is longer than 4096 bytes");
    expect(await failureOf(read("big", { length: 1e12 }))).toContain("bytes at once");
    expect(await failureOf(read("big", { length: -1 }))).toContain("not made of whole numbers");
    expect(await failureOf(at().files.write("list", bytes("x")))).toBe('Cannot write "list": it is a folder');
    expect(await failureOf(at().files.write("list/file/below", bytes("x")))).toBe(
      'Cannot write "list/file/below": its folder cannot be made',
    );
    expect(await failureOf(at().files.list("list/file"))).toBe('Cannot list "list/file": it is not a folder');
    expect(await failureOf(at().files.list("missing"))).toBe('Cannot list "missing": it does not exist');
  });
}

function lives(kind: () => ContractCase): void {
  test("runs many at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const running = await kind().sandbox.spawn({ argv: ["echo", String(index)], scope: "many", stdin: null });
        return (await finished(running)).out.trim();
      }),
    );
    expect(results).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
    expect(kind().driver.running()).toEqual([]);
  }, 30_000);
  test("tells what runs", async () => {
    const { sandbox, driver } = kind();
    const running = await sandbox.spawn({ argv: ["sleep", "3600"], scope: "session-9", stdin: null });
    const [row] = driver.running();
    expect(row).toMatchObject({ scope: "session-9", command: "sleep 3600", pid: running.pid });
    expect(Math.abs(Date.now() - (row?.startedAt ?? 0))).toBeLessThan(60_000);
    await sandbox.kill("session-9");
  });
  test("a closed hold starts nothing, and what it left can still be killed", async () => {
    const { driver } = kind();
    const sandbox = await kind().reopen();
    const running = await spawnShell(sandbox, "echo ready; sleep 3600", { scope: "background" });
    await outputWith(running.stdout, "ready");
    await sandbox.close();
    expect(await failureOf(spawnShell(sandbox, "true"))).toContain("its sandbox is closed");
    expect(driver.running().map(({ scope }) => scope)).toEqual(["background"]);
    expect((await driver.kill("background")).survivors).toEqual([]);
    expect(await running.done).toEqual({ signal: "SIGKILL" });
  });
  test("closing the driver kills everything and ends it", async () => {
    const { sandbox, driver } = kind();
    const all = await Promise.all(["a", "b"].map((scope) => spawnShell(sandbox, "setsid sleep 3600", { scope })));
    await driver.close();
    for (const running of all) expect(await running.done).toEqual({ signal: "SIGKILL" });
    expect(driver.running()).toEqual([]);
    expect(await failureOf(kind().reopen())).toContain("it is closed");
  });
}
