// The built program as people have it, over a home of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import type { TurnRow } from "../../src/core/session.ts";
import { createStore, type Store } from "../../src/store/store.ts";

/** No command of a test may take longer. */
export const deadlineMs = 60_000;

/** How a command ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A command that runs on. */
export interface Running {
  child: ChildProcess;
  out(): string;
  err(): string;
  ended: Promise<Ended>;
}

export interface HomeOptions {
  /** The executable. */
  program: string;
  settings?: object;
  env?: Record<string, string>;
  /** What stands before the executable: `faketime`, `setpriv`. */
  before?: string[];
  /** Instead of `state` in the home. */
  stateDir?: string;
}

export type Home = ReturnType<typeof createHome>;

/** A home with a state folder. Disposing of it ends what runs in it. */
export function createHome({ program, settings, env = {}, before = [], stateDir: given }: HomeOptions) {
  const home = mkdtempSync(join(tmpdir(), "ra-e2e-"));
  const stateDir = given ?? join(home, "state");
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  if (settings !== undefined) writeFileSync(join(stateDir, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
  const environment = { PATH: process.env.PATH ?? "", HOME: home, REMOTEAGENT_STATE_DIR: stateDir, ...env };
  const open = new Set<Running>();

  /** Starts a command; `argv` is the whole of it. */
  const spawned = (argv: string[]): Running => {
    const child = spawn(argv[0] ?? "", argv.slice(1), { cwd: home, env: environment });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    // A command that refuses its input closes the pipe.
    child.stdin.on("error", () => undefined);
    const late = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
    const ended = new Promise<Ended>((resolve) => {
      child.once("close", (code) => {
        clearTimeout(late);
        open.delete(running);
        resolve({ code, out, err });
      });
    });
    const running: Running = { child, out: () => out, err: () => err, ended };
    open.add(running);
    return running;
  };
  const start = (args: string[], input: string | Uint8Array = "") => {
    const running = spawned([...before, program, ...args]);
    running.child.stdin?.end(input);
    return running;
  };
  const call = (args: string[], input?: string | Uint8Array): Promise<Ended> => start(args, input).ended;
  return {
    home,
    stateDir,
    spawned,
    start,
    call,
    scratch: join(stateDir, "workspace/channels/terminal/main/scratch"),
    /** Says something without a screen. */
    say: (text: string, ...args: string[]) => call(["chat", "--print", ...args, text]),
    /** Starts the instance; its process number. */
    async up(): Promise<number> {
      const started = await call(["start"]);
      if (started.code !== 0) throw new Error(`Cannot start: ${started.err}`);
      return (JSON.parse(readFileSync(join(stateDir, "remoteagent.lock"), "utf8")) as { pid: number }).pid;
    },
    /** All that the program wrote to its log. */
    log(): string {
      const folder = join(stateDir, "logs");
      return readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "utf8"))
        .join("");
    },
    /** Reads the store; to be used when nothing runs, or for a look. */
    read<Result>(work: (store: Store) => Result): Result {
      const db = openDatabase(join(stateDir, "remoteagent.db"));
      try {
        return work(createStore(db));
      } finally {
        db.close();
      }
    },
    turns(): TurnRow[] {
      return this.read((store) => store.turns.list());
    },
    async [Symbol.asyncDispose]() {
      for (const running of open) running.child.kill("SIGKILL");
      await call(["stop", "--now"]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  const deadline = performance.now() + deadlineMs / 2;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** True while a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** The most memory that a process ever had, in bytes. */
export function peakBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}
