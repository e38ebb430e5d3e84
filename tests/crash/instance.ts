// One life of the built program: started, perhaps under strace that kills it at a given system call, and ended.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StatusReport } from "../../src/core/status.ts";
import { unixRequest } from "../../src/sys/unix-client.ts";

/** Nothing that a life does may take longer. */
export const deadlineMs = 60_000;

/** Whether kills can be injected at system calls. */
export const hasStrace = spawnSync("strace", ["-f", "-qqq", "-o", "/dev/null", "true"]).status === 0;

/** A system call at which the program dies, the n-th of its kind: the sync that ends a commit, or a write inside one. */
export interface Syscall {
  kind: "commit" | "write";
  n: number;
}

const namesOf = { commit: "fsync,fdatasync", write: "pwrite64" } as const;

export interface Life {
  /** The program's own number. */
  pid(): number | undefined;
  /** Kills it without a warning. */
  kill(): void;
  signal(name: "SIGTERM" | "SIGINT"): void;
  /** What it said: its log, and the reason of its end. */
  said(): string;
  alive(): boolean;
  /** Its exit code; null after a kill. */
  ended: Promise<number | null>;
}

/** Starts `program run` over a state folder. `at`: strace kills it there. */
export function startLife(
  program: string,
  { home, env, at }: { home: string; env: Record<string, string>; at?: Syscall | undefined },
): Life {
  const argv = [program, "run"];
  const injected = at === undefined ? argv : [...straceArgv(at), ...argv];
  const child = spawn(injected[0] ?? "", injected.slice(1), { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Uint8Array) => {
      said += new TextDecoder().decode(chunk);
    });
  let alive = true;
  const ended = new Promise<number | null>((resolve) => {
    child.once("close", (code, signal) => {
      alive = false;
      resolve(signal === null ? code : null);
    });
  });
  const pid = () => (at === undefined ? child.pid : traced(child));
  const send = (signal: NodeJS.Signals) => {
    const target = pid();
    if (!alive || target === undefined) return;
    try {
      process.kill(target, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  return { pid, kill: () => send("SIGKILL"), signal: send, said: () => said, alive: () => alive, ended };
}

function straceArgv({ kind, n }: Syscall): string[] {
  const names = namesOf[kind];
  // Without --seccomp-bpf, which would be quicker: strace 6.1 injects nothing with it.
  const quiet = ["-f", "-qqq", "-o", "/dev/null", "-e", "signal=none"];
  return ["strace", ...quiet, "-e", `trace=${names}`, "-e", `inject=${names}:signal=KILL:when=${n}`];
}

/** The program that strace started: its only child. */
function traced(strace: ChildProcess): number | undefined {
  try {
    const children = readFileSync(`/proc/${strace.pid}/task/${strace.pid}/children`, "utf8");
    const [first] = children.trim().split(" ");
    return first === undefined || first === "" ? undefined : Number(first);
  } catch {
    // It has ended.
    return undefined;
  }
}

/** What the instance says of itself, or nothing while none answers. */
export async function statusOf(stateDir: string): Promise<StatusReport | undefined> {
  try {
    const response = await unixRequest(join(stateDir, "remoteagent.sock"), "/v1/status", { timeoutMs: 5_000 });
    return response.status === 200 ? ((await response.json()) as StatusReport) : undefined;
  } catch {
    // Not up yet, or just killed.
    return undefined;
  }
}

/** Waits for a condition, with a deadline. */
export async function until(
  condition: () => boolean | undefined | Promise<boolean | undefined>,
  otherwise: () => string,
  ms = deadlineMs,
): Promise<void> {
  const deadline = performance.now() + ms;
  while ((await condition()) !== true) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await new Promise((resume) => setTimeout(resume, 5));
  }
}
