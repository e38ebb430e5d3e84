// Kills the trees of commands with proof: of a scope, of all, of one that passed a limit, of an earlier run.
import process from "node:process";
import { limits } from "../core/limits.ts";
import { within } from "../sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";
import { lineOf, lineOfArgv } from "./lines.ts";
import { markerName, trackTree, unknownOrphan } from "./ownership.ts";
import type { ProcessInfo, Proof } from "./sandbox.ts";
import type { Entry, Starting, State } from "./state.ts";
import { killTree, processKey } from "./tree.ts";

/** Nothing was there to be killed. */
export const nothing: Proof = { killed: [], survivors: [] };

/**
 * False when nothing of a scope can be alive: nothing was started, or all of it has ended in pid namespaces, which the
 * kernel empties before their end is told. It saves the walk through all processes at the end of each turn.
 */
function mayRun(state: State, scope: string): boolean {
  return (
    state.crowded ||
    state.loose.has(scope) ||
    [...state.entries].some(({ command }) => command.scope === scope) ||
    [...state.starting].some((one) => one.scope === scope)
  );
}

/** Kills everything of a scope, or of all that ever ran, and waits for the proof. Of what only starts, too. */
export async function kill(state: State, scope?: string): Promise<Proof> {
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
  if (scope !== undefined && proof.survivors.length === 0 && !again) state.loose.delete(scope);
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
export async function killEntries(
  state: State,
  entries: Entry[],
  { release = true, everything = false } = {},
): Promise<Proof> {
  const { table, clock, owner, run } = state.deps;
  const isSelf = (row: ProcessRow) => state.deps.remote === undefined && row.pid === process.pid;
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
        const orphan =
          state.deps.remote === undefined
            ? unknownOrphan(state.entries, { rows, reap: state.deps.reaper(), alone })
            : strangers(state, alone);
        doubtful = [];
        for (const row of rows) {
          if (found.has(processKey(row)) || isSelf(row)) continue;
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

/** Elsewhere: whose an orphan without any sign is; only one of the only command that runs is surely its. */
function strangers({ deps, entries }: State, alone: boolean): (row: ProcessRow) => "ours" | "doubt" | undefined {
  return (row) => {
    if (row.dead || deps.remote?.stranger?.(row) !== true) return undefined;
    if (alone) return "ours";
    return [...entries].some(({ seen }) => seen.has(processKey(row))) ? undefined : "doubt";
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

/** Where orphans become our children, one look at our children tells whether a command has left any. */
export function mayHaveLeft({ deps, entries }: State, entry: Entry): boolean {
  if (deps.remote !== undefined) return deps.remote.left(entry.child);
  if (deps.reaper() === undefined) return true;
  const known = new Set([...entries].map(({ child }) => child.pid));
  try {
    return deps.table.children(process.pid)?.some((pid) => !known.has(pid)) ?? true;
  } catch {
    return true; // Nothing is known now, so everything is looked at again.
  }
}

/**
 * Kills what an earlier program with the same owner left behind. Mostly there is nothing: then each process is looked at
 * once, for its marker alone.
 */
export async function sweep(state: State): Promise<Proof> {
  const { table, clock, owner, run } = state.deps;
  const isLeft = (pid: number): boolean => {
    const marker = table.variable(pid, markerName) ?? "";
    return marker.startsWith(`${owner}.`) && !marker.startsWith(`${owner}.${run}.`);
  };
  if (!mayBeLeft(table, isLeft)) return nothing;
  return killTree(
    {
      freeze: true,
      proofMs: limits.proofMs,
      select: (rows) => rows.filter(({ pid }) => isLeft(pid)),
    },
    { table, clock },
  );
}

/**
 * Whether any process is one of those. A fork can slip through a look, so a second one follows for those that appeared
 * meanwhile; the numbers of others that end cannot come round in that time.
 */
function mayBeLeft(table: ProcessTable, isLeft: (pid: number) => boolean): boolean {
  const seen = new Set<number>();
  try {
    for (let look = 0; look < 2; look++) {
      const fresh = table.pids?.().filter((pid) => !seen.has(pid));
      if (fresh === undefined || fresh.some(isLeft)) return true;
      for (const pid of fresh) seen.add(pid);
    }
    return false;
  } catch {
    return true; // Out of descriptors: nothing is known, so everything is looked at until something is.
  }
}
