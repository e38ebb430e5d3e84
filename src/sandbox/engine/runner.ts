// One shell inside a container that runs commands one after the other, each as a child with streams of its own.
import { PassThrough, type Readable, Writable } from "node:stream";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Child, Exited } from "../../sys/spawn.ts";
import { readControl } from "./control.ts";
import type { ExecStream } from "./engine.ts";

/** One command for a runner. `env` is added to the container's own. */
export interface RunnerCommand {
  argv: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** The number that becomes the limit on file locks. */
  mark: number;
  stdin: boolean;
}

/** A started command; `left`: it may have left something behind (known once it has exited). */
export interface RunnerChild extends Child {
  left: boolean;
}

/** A shell inside. */
export interface Runner {
  /** Where setsid is inside; empty: there is none, and the shell runs one command only. */
  readonly setsid: string;
  /** False once it cannot take another command. */
  usable(): boolean;
  /** @throws Failure `sandbox` when the command cannot be started; the runner may then still be usable. */
  run(command: RunnerCommand): Promise<RunnerChild>;
  /** Called whenever it has become free, and when it has ended. */
  onFree(listener: () => void): void;
  /** Ends it; what it runs is not killed by that. */
  close(): void;
}

/** What a runner is made of: an exec of `runnerScript`, and the nonce that was not yet sent. */
export interface RunnerParts {
  stream: ExecStream;
  nonce: string;
  clock: Clock;
  /** For the refusals: where, as people name it. */
  place: string;
}

interface Running {
  stdout: PassThrough;
  stderr: PassThrough;
  begun: PromiseWithResolvers<number>;
  exited: PromiseWithResolvers<Exited>;
  left: boolean;
  stdin: boolean;
  /** Of its two streams, those that have ended. */
  over: Set<"stdout" | "stderr">;
  /** A stream whose reader is behind: resolves when it has caught up. */
  full: { stdout?: Promise<void>; stderr?: Promise<void> };
}

interface State extends RunnerParts {
  ready: PromiseWithResolvers<string>;
  current?: Running;
  dead: boolean;
  free: (() => void)[];
}

/** Introduces itself to the shell. @throws Failure `sandbox` when there is none, or it does not answer. */
export async function createRunner(parts: RunnerParts): Promise<Runner> {
  const state: State = { ...parts, ready: Promise.withResolvers(), dead: false, free: [] };
  const { stream, nonce, clock, place } = parts;
  stream.read({
    stdout: readControl(nonce, {
      onBytes: (bytes) => pass(state, { side: "stdout", bytes }),
      onLine: (line) => heard(state, line),
    }),
    stderr: readControl(nonce, {
      onBytes: (bytes) => pass(state, { side: "stderr", bytes }),
      onLine: () => end(state, "stderr"),
    }),
  });
  state.ready.promise.catch(() => undefined);
  void stream.ended.then(() => lost(state));
  stream.socket.write(`${nonce}\n`);
  if (!(await within(clock, { work: state.ready.promise.catch(() => ""), ms: limits.wardenMs }))) {
    stream.socket.destroy();
    throw new Failure("sandbox", `Cannot run commands in ${place}: its shell does not answer`);
  }
  const setsid = await state.ready.promise;
  return {
    setsid,
    usable: () => !state.dead && state.current === undefined,
    run: (command) => run(state, command),
    onFree: (listener) => void state.free.push(listener),
    close: () => close(state),
  };
}

/** Bytes of the command on one of its streams. Those that nobody wants any more are thrown away. */
function pass(
  { current }: State,
  { side, bytes }: { side: "stdout" | "stderr"; bytes: Buffer },
): Promise<void> | undefined {
  const target = current?.[side];
  if (current === undefined || target === undefined || target.destroyed || target.writableEnded) return undefined;
  if (target.write(bytes)) return undefined;
  // Several pieces may come before the connection stands still; they wait for the same moment.
  current.full[side] ??= new Promise((resolve) => {
    const go = () => {
      target.off("drain", go);
      target.off("close", go);
      delete current.full[side];
      resolve();
    };
    target.on("drain", go);
    target.on("close", go);
  });
  return current.full[side];
}

/** A line of the shell. Those that do not fit are a forger's, and change nothing. */
function heard(state: State, line: string): void {
  const [kind, first = "", second = ""] = line.split(" ");
  const { current } = state;
  if (kind === "R") state.ready.resolve(second);
  else if (kind === "O") current?.begun.resolve(Number(first));
  else if (kind === "F") current?.begun.reject(new Error(first));
  else if (kind === "E" && current !== undefined) {
    current.left = second !== "0";
    // It ended without a word: the shell refused something before the command began.
    current.begun.reject(new Error("shell"));
    const code = Number(first);
    current.exited.resolve({ code: Number.isInteger(code) ? code : 255 });
    end(state, "stdout");
  }
}

function end(state: State, side: "stdout" | "stderr"): void {
  const { current } = state;
  if (current === undefined) return;
  current[side].end();
  current.over.add(side);
  if (current.over.size < 2) return;
  delete state.current;
  if (current.stdin) close(state);
  for (const listener of state.free) listener();
}

/** The connection is gone: the container ended, or somebody killed the shell, and with it what we know of the command. */
function lost(state: State): void {
  state.dead = true;
  state.ready.reject(
    new Failure("sandbox", `Cannot run commands in ${state.place}: it has no shell that stays`, {
      hint: "Its image needs a POSIX shell at /bin/sh",
    }),
  );
  const { current } = state;
  if (current !== undefined) {
    delete state.current;
    current.left = true;
    current.begun.reject(new Error("gone"));
    current.exited.resolve({ signal: "SIGKILL" });
    current.stdout.end();
    current.stderr.end();
  }
  for (const listener of state.free) listener();
}

async function run(state: State, command: RunnerCommand): Promise<RunnerChild> {
  const streams = { highWaterMark: limits.streamBufferBytes };
  const current: Running = {
    stdout: new PassThrough(streams),
    stderr: new PassThrough(streams),
    begun: Promise.withResolvers(),
    exited: Promise.withResolvers(),
    left: true,
    stdin: command.stdin,
    over: new Set(),
    full: {},
  };
  current.begun.promise.catch(() => undefined);
  state.current = current;
  state.stream.socket.write(encode(command));
  let pid: number;
  try {
    pid = await begun(state, current);
  } catch (error) {
    current.stdout.destroy();
    current.stderr.destroy();
    throw refusal(command, { reason: error instanceof Error ? error.message : "", place: state.place });
  }
  const closed = current.exited.promise.then(async (exit) => {
    await Promise.all([current.stdout, current.stderr].map(streamEnd));
    return exit;
  });
  return {
    pid,
    stdin: command.stdin ? inputOf(state) : null,
    stdout: current.stdout,
    stderr: current.stderr,
    pipe: () => null,
    exited: current.exited.promise,
    closed,
    kill: () => false,
    unref: () => undefined,
    get left() {
      return current.left;
    },
  };
}

async function begun(state: State, current: Running): Promise<number> {
  const work = current.begun.promise.then(
    () => undefined,
    () => undefined,
  );
  if (!(await within(state.clock, { work, ms: limits.engineCallMs }))) {
    state.stream.socket.destroy();
    throw new Error("silent");
  }
  return current.begun.promise;
}

/** The command's input: what is written goes into the connection, and its end is the connection's half end. */
function inputOf({ stream: { socket } }: State): Writable {
  return new Writable({
    highWaterMark: limits.streamBufferBytes,
    write: (chunk: Uint8Array, _encoding, done) => {
      if (socket.destroyed || socket.writableEnded) done(new Error("The command has ended"));
      else if (socket.write(chunk)) done();
      else {
        const go = () => {
          socket.off("drain", go);
          socket.off("close", go);
          done();
        };
        socket.on("drain", go);
        socket.on("close", go);
      }
    },
    final: (done) => {
      socket.end();
      done();
    },
  });
}

/** A command as the shell reads it. Only what a line cannot hold is escaped, for `printf %b`. */
function encode({ argv, cwd, env, mark, stdin }: RunnerCommand): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const values = [cwd, ...argv, ...variables].map((text) =>
    text.includes("\n") ? `%${text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}` : `=${text}`,
  );
  return `${mark} ${argv.length} ${variables.length} ${stdin ? 1 : 0}\n${values.join("\n")}\n`;
}

function refusal({ argv, cwd }: RunnerCommand, { reason, place }: { reason: string; place: string }): Failure {
  const program = JSON.stringify(argv[0] ?? "");
  const inFolder = `Cannot run ${program} in ${JSON.stringify(cwd)}`;
  const sentences: Record<string, string> = {
    missing: `Cannot run ${program}: program not found`,
    noexec: `Cannot run ${program}: it is not executable`,
    nowhere: `${inFolder}: the folder does not exist`,
    nofolder: `${inFolder}: it is not a folder`,
    closed: `${inFolder}: permission is denied`,
    variable: `Cannot run ${program}: a variable has a name that the shell inside keeps for itself`,
    shell: `Cannot run ${program}: a variable has a name that the shell inside keeps for itself`,
    silent: `Cannot run ${program}: ${place} does not answer`,
  };
  return new Failure("sandbox", sentences[reason] ?? `Cannot run ${program}: ${place} is gone`);
}

function close(state: State): void {
  if (state.dead) return;
  state.dead = true;
  const { stream, clock } = state;
  // The shell ends when its input does. Its last words are still read, so that it does not wait for us with them.
  stream.socket.end();
  void within(clock, { work: stream.ended, ms: limits.shellEndMs }).then(() => stream.socket.destroy());
}

function streamEnd(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
  });
}
