// Runs commands for every kind of sandbox that starts local processes: limits, kill with proof, what still runs.
import type { Readable, Writable } from "node:stream";
import { assert } from "../core/assert.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { type Clock, within } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";
import type { Child, Exited, Spawn } from "../sys/spawn.ts";
import { lineOf, lineOfArgv, wrapperLines } from "./lines.ts";
import { type Metered, meterOutput } from "./meter.ts";
import {
  type MarkerReader,
  markerName,
  markerReader,
  type Owned,
  type Reap,
  trackTree,
  unknownOrphan,
} from "./ownership.ts";
import type { Command, Exit, ProcessInfo, Proof, Running } from "./sandbox.ts";
import { descendants, killTree, processKey } from "./tree.ts";
import { createWatch, type Watch } from "./watch.ts";

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
  /** Called when the process has its copies of `extra`, or did not start. */
  release(): void;
}

/** A group of processes that none of its members can leave. */
export interface Fence {
  /** Comes before argv: a program that enters the group and then becomes the command. */
  prefix: string[];
  /** Lets nothing new begin in it, and kills what is in it as far as the system can. */
  strike(): void;
  members(): number[];
  /** Whether something was refused because it was full. */
  wasFull(): boolean;
  /** Called when the command is over. */
  remove(): void;
}

/** What running needs of the world. `owner` is equal for every start over the same state folder, `run` for none. */
export interface ExecDeps {
  clock: Clock;
  log: Log;
  table: ProcessTable;
  spawn: Spawn;
  owner: string;
  run: string;
  /** Collects an orphan that became our child; `undefined` while orphans go elsewhere. */
  reaper(): Reap | undefined;
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

/** A started command until nothing of it is left. */
interface Entry extends Owned {
  marker: string;
  command: Command;
  /** The lines of what we put around it. */
  wrappers: ReadonlySet<string>;
  startedAt: number;
  child: Child;
  output: Metered;
  fence?: Fence;
  /** A kill has begun; what fails in the tree from now on is its doing. */
  struck: boolean;
  limit?: "time" | "output" | "memory" | "processes";
  sent?: NodeJS.Signals;
  /** Resolves when it was killed, proven or given up. */
  killed: PromiseWithResolvers<void>;
}

/** A command on its way to becoming a process. */
interface Starting {
  command: Command;
  scope: string;
  cancelled: boolean;
  /** Resolves when it is one, or never will be: with what a kill that came meanwhile has reached. */
  over: Promise<Proof>;
}

interface State {
  deps: ExecDeps;
  entries: Set<Entry>;
  starting: Set<Starting>;
  /** Scopes under which something was started since they were last killed; true: only in pid namespaces of its own. */
  used: Map<string, boolean>;
  watch: Watch;
  markers: MarkerReader;
  counter: number;
}

/** Makes the runner. It holds no process when it is made. */
export function createExec(deps: ExecDeps): Exec {
  const state: State = {
    deps,
    entries: new Set(),
    starting: new Set(),
    used: new Map(),
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
  state.used.set(command.scope, state.used.get(command.scope) ?? true);
  try {
    const entry = await launch(state, { command, marker, prepare });
    if (!entry.contained) state.used.set(command.scope, false);
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

const nothing: Proof = { killed: [], survivors: [] };

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
    if (!entry.struck && entry.fence?.wasFull() === true) entry.limit ??= "processes";
    // What the command left behind ends with it, as it does by itself in a pid namespace.
    if (!entry.contained && mayHaveLeft(state)) await killEntries(state, [entry], { release: false });
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

/** Where orphans become our children, one look at our children tells whether a command has left any. */
function mayHaveLeft({ deps, entries }: State): boolean {
  if (deps.reaper() === undefined) return true;
  const known = new Set([...entries].map(({ child }) => child.pid));
  try {
    return deps.table.children(process.pid)?.some((pid) => !known.has(pid)) ?? true;
  } catch {
    return true; // Nothing is known now, so everything is looked at again.
  }
}

/** In a pid namespace the monitor answers 128 + n for a signal; that is taken for one only when we sent it. */
function exitOf(entry: Entry, exit: Exited): Exit {
  const numbers: Record<string, number> = { SIGINT: 130, SIGTERM: 143, SIGKILL: 137 };
  if ("code" in exit && entry.sent !== undefined && exit.code === numbers[entry.sent]) return { signal: entry.sent };
  return exit;
}

async function stop(state: State, entry: Entry, limit: NonNullable<Entry["limit"]>): Promise<void> {
  if (entry.limit !== undefined || !state.entries.has(entry)) return;
  entry.limit = limit;
  const { survivors } = await killEntries(state, [entry]);
  if (survivors.length > 0) state.deps.log.error("A command outlived its kill", { limit, survivors });
}

/**
 * False when nothing of a scope can be alive: nothing was started, or all of it has ended in pid namespaces, which the
 * kernel empties before their end is told. It saves the walk through all processes at the end of each turn.
 */
function mayRun(state: State, scope: string): boolean {
  const contained = state.used.get(scope);
  if (contained === undefined) return false;
  if (!contained) return true;
  return (
    [...state.entries].some(({ command }) => command.scope === scope) ||
    [...state.starting].some((one) => one.scope === scope)
  );
}

async function kill(state: State, scope?: string): Promise<Proof> {
  // Most turns run nothing: a look at every process of the machine would be most of what they cost.
  if (scope !== undefined && !mayRun(state, scope)) return nothing;
  const wanted = (one: { scope: string }) => scope === undefined || one.scope === scope;
  const starting = [...state.starting].filter(wanted);
  for (const one of starting) one.cancelled = true;
  const entries = [...state.entries].filter(({ command }) => wanted(command));
  const proof = joinProofs(
    await Promise.all([
      killEntries(state, entries, { everything: scope === undefined }),
      ...starting.map((one) => killStarting(state, one)),
    ]),
  );
  const again = [...state.starting, ...[...state.entries].map(({ command }) => command)].some(wanted);
  if (scope !== undefined && proof.survivors.length === 0 && !again) state.used.delete(scope);
  return proof;
}

/** Waits for the death of a command that was cancelled while it started; one that does not come to that is alive. */
async function killStarting({ deps: { clock } }: State, { command, over }: Starting): Promise<Proof> {
  if (await within(clock, { work: over, ms: limits.proofMs })) return over;
  return { killed: [], survivors: [{ pid: 0, command: `${lineOfArgv(command.argv)} (still being started)` }] };
}

/** What some kills reached together; two of them may have met the same process. */
function joinProofs(proofs: readonly Proof[]): Proof {
  const byPid = (list: ProcessInfo[]) => [...new Map(list.map((one) => [one.pid, one])).values()];
  const survivors = proofs.flatMap((proof) => proof.survivors);
  const killed = byPid(proofs.flatMap((proof) => proof.killed));
  return { killed: killed.filter(({ pid }) => !survivors.some((one) => one.pid === pid)), survivors };
}

/**
 * Kills the trees of some commands, or of all that ever ran. `release` also lets `done` resolve with output that
 * nobody reads.
 */
async function killEntries(
  state: State,
  entries: Entry[],
  { release = true, everything = false } = {},
): Promise<Proof> {
  const { table, clock, owner, run } = state.deps;
  const markers = new Set(entries.map(({ marker }) => marker));
  const owns = (marker: string) => markers.has(marker) || (everything && marker.startsWith(`${owner}.${run}.`));
  const struck = new Map<string, ProcessInfo>();
  /** Orphans of the last look that may be of these commands. */
  let doubtful: ProcessRow[] = [];
  for (const entry of entries) await strike(state, entry, struck);
  const proof = await killTree(
    {
      struck,
      freeze: everything || entries.some(({ contained }) => !contained),
      proofMs: limits.proofMs,
      select: (rows) => {
        const found = new Map<string, ProcessRow>();
        for (const entry of entries)
          for (const row of trackTree(entry, rows, state.deps.reaper())) found.set(processKey(row), row);
        const alone = [...state.entries].every((entry) => entries.includes(entry));
        const marked = state.markers(rows);
        const orphan = unknownOrphan(state.entries, { rows, reap: state.deps.reaper(), alone });
        doubtful = [];
        for (const row of rows) {
          if (found.has(processKey(row)) || row.pid === process.pid) continue;
          const marker = marked(row);
          const whose = marker === undefined ? orphan(row) : owns(marker) ? "ours" : undefined;
          if (whose === "ours") found.set(processKey(row), row);
          else if (whose === "doubt") doubtful.push(row);
        }
        return [...found.values()];
      },
    },
    { table, clock },
  );
  if (release) {
    for (const entry of entries) {
      entry.killed.resolve();
      entry.output.cut();
    }
  }
  const ours = (line: string) => entries.some(({ wrappers }) => wrappers.has(line));
  const unclaimed = doubtful.map((row) => ({ pid: row.pid, command: `${lineOf(table, row)} (perhaps another's)` }));
  return {
    killed: proof.killed.filter(({ command }) => !ours(command)),
    survivors: [...proof.survivors, ...unclaimed],
  };
}

/**
 * The first blow, before anything is counted: of a tree that grows as fast as it can, counting alone takes too long.
 * The kernel takes a pid namespace down with its init, which is the only child of the monitor.
 */
async function strike({ deps: { table } }: State, entry: Entry, struck: Map<string, ProcessInfo>): Promise<void> {
  entry.struck = true;
  try {
    const rows = await someOf(entry, table);
    for (const row of rows) struck.set(processKey(row), { pid: row.pid, command: lineOf(table, row) });
    nameRoot(entry, rows, struck);
    entry.fence?.strike();
    const init = rows.find((row) => row.parent === entry.child.pid);
    if (entry.contained && init !== undefined) await table.send(init, "SIGKILL");
  } catch {
    // The machine is short of something: the tree is looked for as a whole next, again and again.
    entry.fence?.strike();
  }
}

/** A command that has not become itself yet shows only what we put around it: it is told by what it was to become. */
function nameRoot(entry: Entry, rows: readonly ProcessRow[], struck: Map<string, ProcessInfo>): void {
  const root = rows.find(({ pid }) => pid === entry.child.pid);
  if (root === undefined) return;
  const begun = rows.some((row) => {
    const line = struck.get(processKey(row))?.command ?? "";
    return !entry.wrappers.has(line) && (row !== root || line !== row.command);
  });
  if (!begun) struck.set(processKey(root), { pid: root.pid, command: lineOfArgv(entry.command.argv) });
}

/** The living of a tree from its root on, as many as are found at once without looking at all processes. */
async function someOf(entry: Entry, table: ProcessTable): Promise<ProcessRow[]> {
  const rows: ProcessRow[] = [];
  const pids = entry.exited ? (entry.fence?.members() ?? []) : [entry.child.pid];
  // The list grows while it is walked, up to its bound.
  for (const pid of pids) {
    const row = await table.find(pid);
    if (row !== undefined && !row.dead) rows.push(row);
    if (pids.length < struckMax) pids.push(...(table.children(pid) ?? []));
    if (rows.length >= struckMax) break;
  }
  return rows;
}

const struckMax = 256;

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

async function sweep(state: State): Promise<Proof> {
  const { table, clock, owner, run } = state.deps;
  return killTree(
    {
      freeze: true,
      proofMs: limits.proofMs,
      select: (rows) =>
        rows.filter((row) => {
          const marker = table.variable(row.pid, markerName) ?? "";
          return marker.startsWith(`${owner}.`) && !marker.startsWith(`${owner}.${run}.`);
        }),
    },
    { table, clock },
  );
}
