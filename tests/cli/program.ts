// The real program as a process of its own, with a state folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const main = resolve(import.meta.dirname, "../../src/main.ts");
/** No verb may take longer than this in a test. */
const deadlineMs = 30_000;

/** How a call of the program ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A program that runs on. */
export interface Open {
  child: ChildProcess;
  out(): string;
  err(): string;
  ended: Promise<Ended>;
}

/** One state folder and the program over it. `close` ends what still runs and removes it. */
export function program(env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), "ra-cli-"));
  const stateDir = join(home, "state");
  const children = new Set<ChildProcess>();
  const environment = { PATH: process.env.PATH ?? "", HOME: home, REMOTEAGENT_STATE_DIR: stateDir, ...env };

  const openScript = (script: string, ...args: string[]): Open => {
    const child = spawn(process.execPath, [script, ...args], { env: environment, cwd: home });
    children.add(child);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
    const ended = new Promise<Ended>((done) =>
      child.once("close", (code) => {
        clearTimeout(timer);
        children.delete(child);
        done({ code, out, err });
      }),
    );
    return { child, out: () => out, err: () => err, ended };
  };
  const open = (...args: string[]): Open => openScript(main, ...args);
  const call = (...args: string[]): Promise<Ended> => {
    const opened = open(...args);
    opened.child.stdin?.end();
    return opened.ended;
  };
  return {
    home,
    stateDir,
    open,
    openScript,
    call,
    path: (name: string) => join(stateDir, name),
    /** The number of the running instance, as the lock file tells it. */
    holder: (): number => (JSON.parse(readFileSync(join(stateDir, "remoteagent.lock"), "utf8")) as { pid: number }).pid,
    /** Waits until `text` stands in what the opened program has said. */
    async said(opened: Open, text: string): Promise<void> {
      await until(() => `${opened.out()}${opened.err()}`.includes(text), `"${text}" was not said`);
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await call("stop", "--now");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean | Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + deadlineMs / 2;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

/** True while a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\d+ \(.*\) [ZX]/s.test(stat);
  } catch {
    return false;
  }
}
