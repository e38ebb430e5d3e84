// The shells of one container: some kept warm, as many more as commands need, none for a command that has ended.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Runner, RunnerChild, RunnerCommand } from "./runner.ts";

/** Commands of one container. */
export interface Runners {
  /**
   * Runs a command in the first shell that is free; new ones are started while commands wait. @throws Failure `sandbox`
   * when it cannot be started, or too many wait already.
   */
  run(command: RunnerCommand): Promise<RunnerChild>;
  /** Starts a shell for the next command, if none is free. */
  warm(): Promise<void>;
  /** Lets every shell go; running commands are not killed by that. */
  close(): void;
}

interface Pool {
  open(): Promise<Runner>;
  idle: Runner[];
  all: Set<Runner>;
  /** Shells that are being started. */
  making: number;
  waiting: PromiseWithResolvers<Runner>[];
  closed: boolean;
}

/** `open` starts a shell inside. */
export function createRunners(open: () => Promise<Runner>): Runners {
  const pool: Pool = { open, idle: [], all: new Set(), making: 0, waiting: [], closed: false };
  return {
    run: async (command) => (await take(pool)).run(command),
    warm: async () => {
      if (pool.idle.length === 0) give(pool, await take(pool));
    },
    close: () => {
      pool.closed = true;
      for (const runner of pool.all) runner.close();
      for (const { reject } of pool.waiting.splice(0)) reject(gone());
      pool.all.clear();
      pool.idle.length = 0;
    },
  };
}

function gone(): Failure {
  return new Failure("sandbox", "Cannot run a command: its sandbox is closed");
}

async function take(pool: Pool): Promise<Runner> {
  if (pool.closed) throw gone();
  for (let one = pool.idle.pop(); one !== undefined; one = pool.idle.pop()) if (one.usable()) return one;
  if (pool.waiting.length >= limits.execsWaitingMax) {
    throw new Failure("sandbox", `Cannot run a command: more than ${limits.execsWaitingMax} wait already`);
  }
  const place = Promise.withResolvers<Runner>();
  pool.waiting.push(place);
  grow(pool);
  return place.promise;
}

/** Starts shells for those that wait, a few at a time: commands are short, and most wait for one that is soon free. */
function grow(pool: Pool): void {
  const places = () => Math.min(limits.execStartsMax, pool.waiting.length, limits.execsMax - pool.all.size);
  while (!pool.closed && pool.making < places()) {
    pool.making += 1;
    pool.open().then(
      (runner) => {
        pool.making -= 1;
        pool.all.add(runner);
        runner.onFree(() => give(pool, runner));
        give(pool, runner);
      },
      (error: unknown) => {
        pool.making -= 1;
        pool.waiting.shift()?.reject(error);
        grow(pool);
      },
    );
  }
}

/** A shell that is free goes to whoever waits longest, stays warm, or goes; one that has ended makes room. */
function give(pool: Pool, runner: Runner): void {
  if (runner.usable() && !pool.closed) {
    const next = pool.waiting.shift();
    const kept = next === undefined && pool.idle.length < limits.warmShellsMax;
    if (kept) pool.idle.push(runner);
    next?.resolve(runner);
    if (kept || next !== undefined) return;
  }
  pool.all.delete(runner);
  runner.close();
  grow(pool);
}
