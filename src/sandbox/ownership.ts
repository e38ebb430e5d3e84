// Whose a process is: below a command, in its session, once seen there, or carrying its marker.
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";
import { descendants, processKey } from "./tree.ts";

/** Every process of a command carries this variable, whatever becomes of its parents. */
export const markerName = "REMOTEAGENT_SANDBOX";

/** What is known of one command's processes. */
export interface Owned {
  child: { pid: number };
  /** Its whole tree is below the started process and dies with it (a pid namespace). */
  contained: boolean;
  /** Its process has ended, so its number may mean another one. */
  exited: boolean;
  /** Says who is in its group, where it has one. */
  fence?: { members(): number[] };
  /** Living processes seen below it, also when they have left its tree since. */
  seen: Set<string>;
}

/** Collects a dead child. */
export type Reap = (pid: number) => boolean;

/** Looks at one moment's rows, and then answers for each its marker. */
export type MarkerReader = (rows: readonly ProcessRow[]) => (row: ProcessRow) => string | undefined;

/**
 * A process's marker, read once in its life: what it was started with says whose it is, whatever it has run since. Of
 * those that have ended nothing is kept.
 */
export function markerReader(table: ProcessTable): MarkerReader {
  let known = new Map<string, string | undefined>();
  return (rows) => {
    const before = known;
    known = new Map();
    for (const row of rows) {
      const key = processKey(row);
      if (before.has(key)) known.set(key, before.get(key));
    }
    return (row) => {
      const key = processKey(row);
      if (!known.has(key)) known.set(key, table.variable(row.pid, markerName));
      return known.get(key);
    };
  };
}

/**
 * Where orphans become our children, one in a session of its own can only come from a command: nothing else of this
 * program leaves our session but another instance of the program. It has thrown its marker away, so it is `ours` only
 * when no other command runs (`alone`); else, and when it has the name of this program, it is in `doubt`: some command's,
 * and nobody knows whose. Dead ones are collected here.
 */
export function unknownOrphan(
  owned: Iterable<Owned>,
  { rows, reap, alone }: { rows: readonly ProcessRow[]; reap: Reap | undefined; alone: boolean },
): (row: ProcessRow) => "ours" | "doubt" | undefined {
  const own = rows.find((row) => row.pid === process.pid);
  if (reap === undefined || own === undefined) return () => undefined;
  const trees = [...owned];
  return (row) => {
    if (row.parent !== own.pid || row.session === own.session) return undefined;
    if (trees.some(({ child }) => child.pid === row.pid)) return undefined;
    if (row.dead) {
      if (row.command !== own.command) reap(row.pid);
      return undefined;
    }
    if (alone && row.command !== own.command) return "ours";
    const claimed = trees.some(({ child, seen }) => row.session === child.pid || seen.has(processKey(row)));
    return claimed ? undefined : "doubt";
  };
}

/** The living and dead of a command's tree: below it, in its session, or once seen there. */
export function trackTree(entry: Owned, rows: readonly ProcessRow[], reap: Reap | undefined): ProcessRow[] {
  const { pid } = entry.child;
  const roots = new Set(entry.fence?.members());
  for (const row of rows) {
    const itself = row.pid === pid && !entry.exited;
    if (itself || (!entry.contained && row.session === pid) || entry.seen.has(processKey(row))) roots.add(row.pid);
  }
  const tree = descendants(rows, roots);
  entry.seen = new Set(tree.map(processKey));
  for (const row of tree) if (row.dead && row.parent === process.pid && row.pid !== pid) reap?.(row.pid);
  return tree;
}
