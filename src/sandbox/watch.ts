// Watches memory and number of processes of running commands: one look at all of them at a time.
import { limits } from "../core/limits.ts";
import type { Clock } from "../sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";

/** One command under watch. */
export interface Watched {
  /** Its tree among everything that runs. */
  select(rows: readonly ProcessRow[]): ProcessRow[];
  memoryBytesMax: number;
  processesMax: number;
  /** Called once, at the first bound that is passed; the command is then watched no more. */
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
  // Deleting while walking is what a Map allows.
  for (const item of items.keys()) {
    const tree = item.select(rows).filter((row) => !row.dead);
    const exceeded = tree.length > item.processesMax ? "processes" : overMemory(item, tree, table);
    if (exceeded === undefined) continue;
    items.delete(item);
    item.onExceed(exceeded);
  }
}

function overMemory(item: Watched, tree: ProcessRow[], table: ProcessTable): "memory" | undefined {
  let bytes = 0;
  for (const row of tree) bytes += table.memoryBytes(row.pid);
  return bytes > item.memoryBytesMax ? "memory" : undefined;
}
