// What is old and done leaves the store, in small steps that nobody waits for.
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { type Pruned, type PrunedTable, type PruneStep, prunedTables } from "../store/pruning.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** What pruning works with. `keepDays` 0 keeps everything. */
export interface PruningDeps {
  prune(table: PrunedTable, step: PruneStep): Pruned;
  clock: Pick<Clock, "now" | "sleep">;
  log: Log;
  keepDays: number;
}

/** Looks through the store now and then, until `signal` aborts. Never rejects. */
export async function keepPruned(deps: PruningDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, keepDays } = deps;
  if (keepDays === 0) return;
  for (let waitMs: number = limits.pruneFirstMs; ; waitMs = limits.pruneEveryMs) {
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    try {
      await pruneOnce(deps, signal);
    } catch (error) {
      log.warn("Cannot take out what is old", { error: errorText(error) });
    }
  }
}

/** One look through everything, with a pause after each step. */
export async function pruneOnce({ prune, clock, log, keepDays }: PruningDeps, signal: AbortSignal): Promise<void> {
  const before = clock.now() - keepDays * 86_400_000;
  for (const table of prunedTables) {
    let removed = 0;
    for (let after: number | undefined = 0; after !== undefined && !signal.aborted; ) {
      const step = prune(table, { before, after, rows: limits.pruneRows });
      removed += step.removed;
      after = step.next;
      await clock.sleep(limits.pruneStepMs, signal);
    }
    if (removed > 0) log.info("Took out what is old", { table, rows: removed, days: keepDays });
  }
}
