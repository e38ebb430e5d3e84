// Runs commands for every kind of sandbox that starts local processes: their start, limits and end.
import type { Readable, Writable } from "node:stream";
import { assert } from "../core/assert.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Exited } from "../sys/spawn.ts";
import { kill, killEntries, mayHaveLeft, nothing, sweep } from "./kill.ts";
import { wrapperLines } from "./lines.ts";
import { meterOutput } from "./meter.ts";
import { markerReader, trackTree } from "./ownership.ts";
import type { Command, Exit, Proof, Running } from "./sandbox.ts";
import type { Entry, ExecDeps, Fence, Starting, State } from "./state.ts";
import { descendants } from "./tree.ts";
import { createWatch } from "./watch.ts";

/** How a command becomes a process of the host. */
export interface Launch {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** Descriptors from 3 on: open ones by number, or bytes to read. */
  extra: (number | Uint8Array)[];
  /** Its whole tree is below the started process and dies with it (a pid namespace). */
  contained: boolean;
  /** What keeps its tree together, where the system has something. */
  fence?: Fence;
  /** Lines of processes that become the command, as {@link wrapperLines} has them; never named among the killed. */
  wrappers?: string[];
  /** Called when the process has its copies of `extra`, or did not start. */
  release(): void;
}

/** Commands of one driver, over all its sandboxes. */
export interface Exec {
  /**
   * Starts `command` as `prepare` says; `prepare` gets the marker for the environment.
   * @throws Failure `sandbox` when it cannot be started, or was killed before it was.
   */
  start(command: Command, prepare: (marker: string) => Promise<Launch>): Promise<Running>;
  kill(scope?: string): Promise<Proof>;
  /** Kills what an earlier program with the same `owner` left behind. */
  sweep(): Promise<Proof>;
  running(): { scope: string; pid: number; command: string; startedAt: number }[];
}

/** Makes the runner. It holds no process when it is made. */
export function createExec(deps: ExecDeps): Exec {
  const state: State = {
    deps,
    entries: new Set(),
    starting: new Set(),
    loose: new Set(),
    crowded: false,
    watch: createWatch(deps),
    markers: markerReader(deps.table),
    counter: 0,
  };
  return {
    start: (command, prepare) => start(state, command, prepare),
    kill: (scope) => kill(state, scope),
    sweep: () => sweep(state),
    running: () =>
      [...state.entries].map(({ command, child, startedAt }) => ({
        scope: command.scope,
        pid: child.pid,
        command: command.argv.join(" "),
        startedAt,
      })),
  };
}

async function start(state: State, command: Command, prepare: (marker: string) => Promise<Launch>): Promise<Running> {
  state.counter += 1;
  const marker = `${state.deps.owner}.${state.deps.run}.${state.counter}`;
  const over = Promise.withResolvers<Proof>();
  const starting: Starting = { command, scope: command.scope, cancelled: false, over: over.promise };
  let proof = nothing;
  state.starting.add(starting);
  try {
    const entry = await launch(state, { command, marker, prepare });
    if (!entry.contained) noteLoose(state, command.scope);
    const started = running(state, entry);
    if (starting.cancelled) {
      proof = await killEntries(state, [entry]);
      throw new Failure("sandbox", `Cannot run ${JSON.stringify(command.argv[0])}: it was stopped`);
    }
    return started;
  } finally {
    state.starting.delete(starting);
    over.resolve(proof);
  }
}

/** A scope that lasts, as that of background commands, is kept until it is killed; of very many none. */
function noteLoose(state: State, scope: string): void {
  if (state.loose.size >= limits.looseScopesMax && !state.loose.has(scope)) {
    state.crowded = true;
    state.loose.clear();
  }
  state.loose.add(scope);
}

async function launch(
  state: State,
  { command, marker, prepare }: { command: Command; marker: string; prepare: (marker: string) => Promise<Launch> },
): Promise<Entry> {
  const plan = await prepare(marker);
  const child = await state.deps
    .spawn([...(plan.fence?.prefix ?? []), ...plan.argv], {
      cwd: plan.cwd,
      env: plan.env,
      detached: true,
      stdio: [
        command.stdin === null ? "ignore" : "pipe",
        "pipe",
        "pipe",
        ...plan.extra.map((one) => (typeof one === "number" ? one : ("pipe" as const))),
      ],
    })
    .finally(plan.release)
    .catch((error: unknown) => {
      plan.fence?.remove();
      throw error;
    });
  for (const [index, one] of plan.extra.entries()) if (typeof one !== "number") feed(child.pipe(index + 3), one);
  const entry: Entry = {
    marker,
    command,
    wrappers: wrapperLines({ ...plan, prefix: plan.fence?.prefix ?? [] }),
    child,
    contained: plan.contained,
    remote: state.deps.remote !== undefined,
    ...(plan.fence === undefined ? {} : { fence: plan.fence }),
    startedAt: state.deps.clock.now(),
    output: meterOutput(
      { stdout: piped(child.stdout), stderr: piped(child.stderr) },
      {
        bytesMax: command.limits?.outputBytes ?? limits.outputBytesMax,
        onExceed: () => void stop(state, entry, "output"),
      },
    ),
    exited: false,
    struck: false,
    seen: new Set(),
    killed: Promise.withResolvers(),
  };
  void child.exited.then(() => {
    entry.exited = true;
  });
  state.entries.add(entry);
  return entry;
}

/** Writes and closes. A command that ends before it has read everything is no fault of ours. */
function feed(pipe: Writable | null, bytes: Uint8Array): void {
  pipe?.on("error", () => undefined);
  pipe?.end(bytes);
}

function piped(stream: Readable | null): Readable {
  assert(stream !== null, "a command's output is piped");
  return stream;
}

function running(state: State, entry: Entry): Running {
  const { child, command } = entry;
  if (command.stdin instanceof Uint8Array) feed(child.stdin, command.stdin);
  else child.stdin?.on("error", () => undefined);
  return {
    pid: child.pid,
    stdin: command.stdin === "pipe" ? child.stdin : null,
    stdout: entry.output.stdout,
    stderr: entry.output.stderr,
    signal: (name) => {
      entry.sent = name;
      void signalCommand(state, entry, name);
    },
    done: finish(state, entry),
  };
}

/** Waits for the end, whichever it is. Never rejects. */
async function finish(state: State, entry: Entry): Promise<Exit> {
  const { clock } = state.deps;
  const bounds = entry.command.limits;
  const over = new AbortController();
  void clock.sleep(bounds?.timeMs ?? limits.commandMs, over.signal).then(() => {
    if (!over.signal.aborted) void stop(state, entry, "time");
  });
  const unwatch = state.watch.add({
    scope: entry.command.scope,
    select: (rows) => trackTree(entry, rows, state.deps.reaper()),
    memoryBytesMax: bounds?.memoryBytes ?? limits.memoryBytesMax,
    processesMax: bounds?.processes ?? limits.processesMax,
    onExceed: (limit) => void stop(state, entry, limit),
  });
  const ended = entry.child.exited.then(async (exit) => {
    if (!entry.struck) entry.limit ??= entry.fence?.wasFull();
    // What the command left behind ends with it, as it does by itself in a pid namespace.
    if (!entry.contained && mayHaveLeft(state, entry)) await killEntries(state, [entry], { release: false });
    await Promise.race([entry.output.ended, entry.killed.promise]);
    return exit;
  });
  const exit = await Promise.race([ended, entry.killed.promise]);
  over.abort();
  unwatch();
  state.entries.delete(entry);
  entry.fence?.remove();
  if (entry.limit !== undefined) return { limit: entry.limit };
  return exit === undefined ? { signal: "SIGKILL" } : exitOf(entry, exit);
}

/** In a pid namespace the monitor answers 128 + n for a signal; that is taken for one only when we sent it. */
function exitOf(entry: Entry, exit: Exited): Exit {
  if (entry.remote && entry.struck && "code" in exit && exit.code === killedCode) return { signal: "SIGKILL" };
  const numbers: Record<string, number> = { SIGINT: 130, SIGTERM: 143, SIGKILL: 137 };
  if ("code" in exit && entry.sent !== undefined && exit.code === numbers[entry.sent]) return { signal: entry.sent };
  return exit;
}

/** What a shell answers for a command that SIGKILL ended. */
const killedCode = 137;

async function stop(state: State, entry: Entry, limit: NonNullable<Entry["limit"]>): Promise<void> {
  if (entry.limit !== undefined || !state.entries.has(entry)) return;
  entry.limit = limit;
  const { survivors } = await killEntries(state, [entry]);
  if (survivors.length > 0) state.deps.log.error("A command outlived its kill", { limit, survivors });
}

async function signalCommand(state: State, entry: Entry, name: Parameters<Running["signal"]>[0]): Promise<void> {
  const { table, clock } = state.deps;
  for (let look = 0; look < signalLooksMax && !entry.exited; look++) {
    const rows = descendants(await table.list().catch(() => []), new Set([entry.child.pid]));
    // In a pid namespace: monitor, its init, and then the command itself, once the namespace is made.
    const target = entry.contained ? rows[2] : rows[0];
    if (target !== undefined && (await table.send(target, name))) return;
    await clock.sleep(limits.lookMs);
  }
}

/** A command that has not begun by then gets no signal any more. */
const signalLooksMax = 40;
