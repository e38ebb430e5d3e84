// Files in the home for the time of a turn, in the real host sandbox.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { drivers } from "../../src/sandbox/index.ts";
import { openLater } from "../../src/sandbox/later.ts";
import { type PlacedDeps, placing } from "../../src/sandbox/placed.ts";
import type { Sandbox, SandboxRequest } from "../../src/sandbox/sandbox.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { processTable } from "../../src/sys/process-tree.ts";
import { systemSpawn } from "../../src/sys/spawn.ts";
import { failing } from "../failing.ts";
import { memoryLog } from "../gateway/fixture.ts";

let base: string;
let driver: Awaited<ReturnType<typeof drivers.host.load>>;
let notes: Map<string, readonly string[]>;
let filled: ReturnType<typeof placing>;
const log = memoryLog();
const bytesOf = (text: string) => new TextEncoder().encode(text);

function place(inner = driver): ReturnType<typeof placing> {
  const deps: PlacedDeps = {
    place: ({ home }) => home,
    placed: (where) => notes.get(where) ?? [],
    notePlaced: (where, paths) => void (paths.length === 0 ? notes.delete(where) : notes.set(where, paths)),
    log,
  };
  return placing(inner, deps);
}

beforeEach(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "ra-placed-")));
  for (const name of ["state", "workspace/own"]) mkdirSync(join(base, name), { recursive: true });
  notes = new Map();
  driver = await drivers.host.load({
    spawn: systemSpawn,
    clock: systemClock,
    log,
    table: processTable(),
    isolation: "auto",
    stateDir: join(base, "state"),
    environment: { PATH: "/usr/bin:/bin" },
  });
  filled = place();
});
afterEach(async () => {
  await driver.close();
  rmSync(base, { recursive: true, force: true });
});

const request = (files: SandboxRequest["files"], home = "a"): SandboxRequest => ({
  agent: "main",
  requester: "1",
  session: 1,
  workspace: join(base, "workspace"),
  writable: [join(base, "workspace/own")],
  readable: [],
  folders: [],
  cwd: join(base, "workspace/own"),
  home: join(base, "state/sandboxes", home),
  ...(files === undefined ? {} : { files }),
});
const inHome = (path: string, home = "a") => join(base, "state/sandboxes", home, "home", path);
const file = (path: string, content: string) => ({ path, bytes: bytesOf(content) });

async function run(sandbox: Sandbox, command: string): Promise<string> {
  const running = await sandbox.spawn({ argv: ["/bin/sh", "-c", command], scope: "turn-1", stdin: null });
  const [out, error] = await Promise.all([text(running.stdout), text(running.stderr), running.done]);
  return out + error;
}

test("they are there for the first command with mode 0600, and gone after the turn", async () => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251);
  const files = [file(".ssh/id", "the key\n"), { path: "deep/er/store.p12", bytes }, file("-odd name", "x")];
  const sandbox = await openLater(filled, request(files));
  // Nothing has run: nothing is there.
  expect(existsSync(inHome(".ssh/id"))).toBe(false);
  expect(
    await run(sandbox, "cat ~/.ssh/id; stat -c %a ~/.ssh/id ~/.ssh; wc -c <~/deep/er/store.p12; cat ~/-odd*"),
  ).toBe("the key\n600\n700\n70000\nx");
  expect(Buffer.compare(readFileSync(inHome("deep/er/store.p12")), bytes)).toBe(0);
  await sandbox.close();
  for (const { path } of files) expect(existsSync(inHome(path))).toBe(false);
  expect(notes.size).toBe(0);
});

test("a turn that runs nothing puts nothing anywhere", async () => {
  const sandbox = await openLater(filled, request([file("x", "y")]));
  await sandbox.close();
  expect([existsSync(inHome("x")), notes.size]).toEqual([false, 0]);
});

test("two turns in one home: the files stay until the last has ended, also when they overlap in any way", async () => {
  const files = [file("token", "of both")];
  const sandboxes = await Promise.all([1, 2, 3].map(() => filled.open(request(files))));
  const seen: string[] = [];
  for (const sandbox of sandboxes) {
    seen.push(await run(sandbox, "cat ~/token"));
    await sandbox.close();
  }
  expect(seen).toEqual(["of both", "of both", "of both"]);
  expect(existsSync(inHome("token"))).toBe(false);
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const sandbox = await filled.open(request(files));
      expect(await run(sandbox, "cat ~/token")).toBe("of both");
      await sandbox.close();
    }),
  );
  expect([existsSync(inHome("token")), notes.size]).toEqual([false, 0]);
});

test("what a life that was cut off left there is taken out by the next turn, with or without files of its own", async () => {
  for (const next of [undefined, [file("new", "2")]]) {
    const sandbox = await filled.open(request([file("old", "1")]));
    expect(await run(sandbox, "cat ~/old")).toBe("1");
    // The program ends here: nobody closes the turn. Another life knows what was noted.
    filled = place();
    const later = await filled.open(request(next));
    expect(existsSync(inHome("old"))).toBe(false);
    expect(existsSync(inHome("new"))).toBe(next !== undefined);
    await later.close();
    expect([existsSync(inHome("new")), notes.size]).toEqual([false, 0]);
  }
});

test("a file that cannot be put there ends the opening with a sentence, and leaves none of the others", async () => {
  mkdirSync(inHome("taken"), { recursive: true });
  const opening = filled.open(request([file("first", "1"), file("taken", "2")]));
  expect((await failing(opening)).message).toBe(
    'Cannot put "taken" of the vault into the home: a folder is in its place',
  );
  expect([existsSync(inHome("first")), notes.size]).toEqual([false, 0]);
  writeFileSync(inHome("wall"), "a file");
  const walled = filled.open(request([file("wall/x", "2")]));
  expect((await failing(walled)).message).toContain("its folder cannot be made");
});

test("a turn that changed the file, or put a link in its place, takes nothing else along", async () => {
  const sandbox = await filled.open(request([file("token", "1")]));
  await run(sandbox, "echo kept > ~/other; rm ~/token; ln -s ~/other ~/token");
  await sandbox.close();
  expect(existsSync(inHome("token"))).toBe(false);
  expect(readFileSync(inHome("other"), "utf8")).toBe("kept\n");
  expect(statSync(inHome(".")).isDirectory()).toBe(true);
});
