// Watches memory and number of processes of running commands: one look at all of them at a time.
import { limits } from "../core/limits.ts";
import type { Clock } from "../sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";

/** One command under watch. */
export interface Watched {
  /** The bounds hold for all commands of a scope together. */
  scope: string;
  /** Its tree among everything that runs. */
  select(rows: readonly ProcessRow[]): ProcessRow[];
  memoryBytesMax: number;
  processesMax: number;
  /** Called once, at the first bound that is passed, for the scope's largest command; it is then watched no more. */
  onExceed(limit: "memory" | "processes"): void;
}

/** Looks only while there is something to look at. */
export interface Watch {
  /** The function that it returns ends the watching. */
  add(item: Watched): () => void;
}

/** One ticker for all commands. It slows down when only long-running ones are left. */
export function createWatch({ clock, table }: { clock: Clock; table: ProcessTable }): Watch {
  const items = new Map<Watched, { since: number }>();
  let ticking = false;
  const tick = async (): Promise<void> => {
    while (items.size > 0) {
      const newest = Math.max(...[...items.values()].map(({ since }) => since));
      const slow = clock.monotonic() - newest > limits.watchSlowAfterMs;
      await clock.sleep(slow ? limits.watchSlowMs : limits.watchMs);
      await look(items, table);
    }
    ticking = false;
  };
  return {
    add: (item) => {
      items.set(item, { since: clock.monotonic() });
      if (!ticking) {
        ticking = true;
        void tick();
      }
      return () => items.delete(item);
    },
  };
}

async function look(items: Map<Watched, { since: number }>, table: ProcessTable): Promise<void> {
  const rows = await table.list().catch(() => []);
  const scopes = Map.groupBy(items.keys(), ({ scope }) => scope);
  for (const members of scopes.values()) {
    const sizes = members.map((item) => sizeOf(item, { rows, table }));
    for (const limit of ["processes", "memory"] as const) {
      const sum = sizes.reduce((all, size) => all + size[limit], 0);
      // Commands of one scope are given the same bounds; should they differ, each keeps its own.
      const over = sizes.filter(({ item }) => sum > (limit === "memory" ? item.memoryBytesMax : item.processesMax));
      const [largest] = over.toSorted((a, b) => b[limit] - a[limit]);
      if (largest === undefined) continue;
      items.delete(largest.item);
      largest.item.onExceed(limit);
      break;
    }
  }
}

interface Size {
  item: Watched;
  processes: number;
  /** In bytes. */
  memory: number;
}

function sizeOf(item: Watched, { rows, table }: { rows: readonly ProcessRow[]; table: ProcessTable }): Size {
  const tree = item.select(rows).filter((row) => !row.dead);
  return { item, processes: tree.length, memory: tree.reduce((sum, row) => sum + table.memoryBytes(row.pid), 0) };
}
