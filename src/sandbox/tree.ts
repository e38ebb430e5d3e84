// Which processes belong to a command, and how a whole tree is killed and seen to be dead.
import { AssertionError } from "../core/assert.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";
import { lineOf } from "./lines.ts";
import type { ProcessInfo, Proof } from "./sandbox.ts";

/** `pid` alone is reused; together with the start it names one process for good. */
export function processKey(row: ProcessRow): string {
  return `${row.pid}:${row.started}`;
}

/** The rows of `roots` and of everything below them, parents first. */
export function descendants(rows: readonly ProcessRow[], roots: ReadonlySet<number>): ProcessRow[] {
  const children = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = children.get(row.parent);
    if (siblings === undefined) children.set(row.parent, [row]);
    else siblings.push(row);
  }
  const found = rows.filter((row) => roots.has(row.pid));
  const seen = new Set(found.map((row) => row.pid));
  // The list grows while it is walked; each process enters once, so it ends.
  for (const row of found) {
    for (const child of children.get(row.pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
    }
  }
  return found;
}

/** What {@link killTree} works on. */
export interface KillPlan {
  /** Picks, from everything that runs, what must die. Called again and again until it finds nothing alive. */
  select(rows: readonly ProcessRow[]): ProcessRow[];
  /**
   * Stops every process before the first is killed, so that none can fork in between. Not needed in a pid namespace,
   * which the kernel takes down as a whole.
   */
  freeze: boolean;
  /** Waits this long for the last one to die. */
  proofMs: number;
  /** What was struck before the first look, by {@link processKey}. */
  struck?: Map<string, ProcessInfo>;
}

/** What killing needs of the world. */
export interface KillDeps {
  table: ProcessTable;
  clock: Clock;
}

/**
 * Kills what the plan selects, also what appears meanwhile, and looks until nothing of it is alive or `proofMs` is
 * over. `survivors` is what was still seen then (a process in an uninterruptible wait dies only when that ends).
 */
export async function killTree(plan: KillPlan, { table, clock }: KillDeps): Promise<Proof> {
  const deadline = clock.monotonic() + plan.proofMs;
  const met = plan.struck ?? new Map<string, ProcessInfo>();
  let alive: ProcessRow[] = [];
  let blind = false;
  let quiet = 0;
  let pauseMs = 1;
  while (quiet < quietRounds) {
    const seen = await look(plan, table);
    if (seen !== undefined) alive = seen;
    blind = seen === undefined;
    // A failed look proves nothing, so it is no quiet one.
    quiet = seen?.length === 0 ? quiet + 1 : 0;
    if (quiet > 0) continue;
    note(met, alive, table);
    if (plan.freeze) alive = await freeze(plan, alive, { met, table });
    await Promise.all(alive.map((row) => table.send(row, "SIGKILL")));
    if (clock.monotonic() >= deadline) break;
    await clock.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
  // Where nothing could be looked at, nothing is known to be dead.
  const unseen = blind && alive.length === 0 ? [...met.values(), unknown].slice(0, Math.max(1, met.size)) : [];
  const survivors = quiet > 0 ? [] : [...alive.map((row) => infoOf(row, met)), ...unseen];
  const left = new Set(survivors.map(({ pid }) => pid));
  return { killed: [...met.values()].filter(({ pid }) => !left.has(pid)), survivors };
}

const unknown: ProcessInfo = { pid: 0, command: "its processes, which cannot be looked at" };

/** What is alive of the plan's processes; `undefined` when the machine is too short of something to be looked at. */
async function look(plan: KillPlan, table: ProcessTable): Promise<ProcessRow[] | undefined> {
  try {
    return plan.select(await table.list()).filter((row) => !row.dead);
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    return undefined;
  }
}

/** A look at all processes is not one moment; a fork can slip through a single one. */
const quietRounds = 2;
const pauseMsMax = 50;

async function freeze(
  plan: KillPlan,
  first: ProcessRow[],
  { met, table }: { met: Map<string, ProcessInfo>; table: ProcessTable },
): Promise<ProcessRow[]> {
  const frozen = new Set<string>();
  let rows = first;
  for (let round = 0; round < limits.freezeRoundsMax; round++) {
    const fresh = rows.filter((row) => !frozen.has(processKey(row)));
    if (fresh.length === 0) break;
    for (const row of fresh) frozen.add(processKey(row));
    await Promise.all(fresh.map((row) => table.send(row, "SIGSTOP")));
    const seen = await look(plan, table);
    if (seen === undefined) break;
    rows = seen;
    note(met, rows, table);
  }
  return rows;
}

function note(met: Map<string, ProcessInfo>, rows: ProcessRow[], table: ProcessTable): void {
  for (const row of rows) {
    const key = processKey(row);
    if (!met.has(key) && met.size < proofRowsMax) met.set(key, { pid: row.pid, command: lineOf(table, row) });
  }
}

/** A fork bomb has tens of thousands; a proof names the first of them. */
const proofRowsMax = 1_000;

function infoOf(row: ProcessRow, met: Map<string, ProcessInfo>): ProcessInfo {
  return met.get(processKey(row)) ?? { pid: row.pid, command: row.command };
}
