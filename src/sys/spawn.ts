// Starting processes, as a port: the real one here, played ones in tests.
import { type ChildProcess, spawn as nodeSpawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { openOutputPipe } from "#output-pipe";
import { Failure } from "../core/failure.ts";
import type { OutputPipe } from "./output-pipe.ts";

/** A child's descriptor: nothing, a pipe to us, our own, or the number of a descriptor of ours. */
export type Stdio = "ignore" | "pipe" | "inherit" | number;

export interface SpawnOptions {
  cwd?: string;
  /** The whole environment of the child; nothing is inherited. */
  env: Record<string, string>;
  /** In a session and process group of its own, so that it outlives us or is killed as a group. */
  detached?: boolean;
  /** File mode bits that the child's new files do not get; absent: ours. */
  umask?: number;
  /** Descriptors 0, 1, 2 and further ones. */
  stdio: readonly Stdio[];
}

export type Exited = { code: number } | { signal: string };

/** A started process. Piped streams must be consumed. */
export interface Child {
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** The pipe at descriptor `fd` of 3 and up; null when there is none. */
  pipe(fd: number): (Readable & Writable) | null;
  /** Resolves when the process has ended; its pipes may still hold output. Never rejects. */
  readonly exited: Promise<Exited>;
  /** Resolves when it has ended and its piped outputs were read to their ends, or destroyed. */
  readonly closed: Promise<Exited>;
  /** Sends a signal to this process alone. False: it is gone. */
  kill(signal: NodeJS.Signals): boolean;
  /** We may end before it does. */
  unref(): void;
}

/**
 * Starts `argv[0]` with the other items as its arguments; there is no shell.
 * @throws Failure `sandbox` when it cannot be started (program or folder missing, no rights, too many processes).
 */
export type Spawn = (argv: readonly string[], options: SpawnOptions) => Promise<Child>;

/** Starts real processes. */
export const systemSpawn: Spawn = async (argv, options) => {
  const [program, ...args] = argv;
  if (program === undefined || program === "") throw new Failure("sandbox", "Cannot start a command: it is empty");
  const output = openOutput(options.stdio);
  let child: ChildProcess;
  // A child takes ours, and it is made before the call is over.
  const before = options.umask === undefined ? undefined : process.umask(options.umask);
  try {
    child = nodeSpawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env,
      detached: options.detached ?? false,
      stdio: output.stdio,
    });
  } catch (error) {
    // A zero byte in an argument, or a missing program, is thrown at once in some runtimes.
    output.drop();
    throw spawnFailure(program, options.cwd, error);
  } finally {
    if (before !== undefined) process.umask(before);
    output.given();
  }
  const exited = new Promise<Exited>((resolve) => child.once("exit", (code, signal) => resolve(exitOf(code, signal))));
  const closed = new Promise<Exited>((resolve) => child.once("close", (code, signal) => resolve(exitOf(code, signal))));
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      output.drop();
      reject(spawnFailure(program, options.cwd, error));
    });
  });
  // A kill that fails later is told by its result; an event without a listener would end the program.
  child.on("error", () => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Failure("sandbox", `Cannot start ${JSON.stringify(program)}: it has no process id`);
  return {
    pid,
    stdin: child.stdin,
    stdout: output.pipes.get(1)?.readable ?? child.stdout,
    stderr: output.pipes.get(2)?.readable ?? child.stderr,
    pipe: (fd) => (child.stdio[fd] ?? null) as (Readable & Writable) | null,
    exited,
    closed: output.closed.then(() => closed),
    kill: (signal) => child.kill(signal),
    unref: () => child.unref(),
  };
};

/** What a child writes into: pipes of ours where the runtime has something else, so that they can be opened by name. */
interface Output {
  stdio: Stdio[];
  pipes: ReadonlyMap<number, OutputPipe>;
  /** Resolves when the reading ends are closed. */
  closed: Promise<unknown>;
  /** The child has its copies of the writing ends, or there is none: ours would keep the pipes from ending. */
  given(): void;
  /** There is no child: nobody is going to read. */
  drop(): void;
}

function openOutput(wanted: readonly Stdio[]): Output {
  const pipes = new Map<number, OutputPipe>();
  const stdio = wanted.map((one, fd) => {
    const pipe = one === "pipe" && (fd === 1 || fd === 2) ? openOutputPipe() : undefined;
    if (pipe === undefined) return one;
    pipes.set(fd, pipe);
    return pipe.writeFd;
  });
  const ends = [...pipes.values()].map(({ readable }) => new Promise((resolve) => readable.once("close", resolve)));
  return {
    stdio,
    pipes,
    closed: Promise.all(ends),
    given: () => {
      for (const { writeFd } of pipes.values()) closeSync(writeFd);
    },
    drop: () => {
      for (const { readable } of pipes.values()) readable.destroy();
    },
  };
}

function exitOf(code: number | null, signal: string | null): Exited {
  return signal === null ? { code: code ?? 0 } : { signal };
}

const reasons: Record<string, string> = {
  ENOENT: "program or folder not found",
  ENOTDIR: "the folder is a file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOEXEC: "it is no program",
  E2BIG: "arguments and environment are too long",
  EAGAIN: "too many processes",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
  ENOMEM: "out of memory",
  ETXTBSY: "the program is being written",
};

function spawnFailure(program: string, cwd: string | undefined, error: unknown): Failure {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "";
  const text = error instanceof Error ? error.message : String(error);
  const place = cwd === undefined ? "" : ` in ${JSON.stringify(cwd)}`;
  return new Failure("sandbox", `Cannot start ${JSON.stringify(program)}${place}: ${reasons[code] ?? text}`, {
    cause: error,
    detail: text,
  });
}

/**
 * Starts a program that goes on without us (`start`): own session, no input, output appended to `logPath` (0600),
 * working folder `/`, so that it holds no mount.
 */
export async function spawnDetached(
  argv: readonly string[],
  { env, logPath }: { env: Record<string, string>; logPath: string },
): Promise<Child> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const log = openSync(logPath, flags, 0o600);
  try {
    const child = await systemSpawn(argv, { cwd: "/", env, detached: true, stdio: ["ignore", log, log] });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}
