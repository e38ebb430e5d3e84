// The shells of one container: some kept warm, as many more as commands need, none for a command that has ended.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { createGate } from "./gate.ts";
import type { Runner, RunnerChild, RunnerCommand } from "./runner.ts";

/** Commands of one container. */
export interface Runners {
  /** Runs a command in a shell that is free, or in a new one. Waits while too many run. @throws Failure `sandbox`. */
  run(command: RunnerCommand): Promise<RunnerChild>;
  /** Starts a shell for the next command, if none is free. */
  warm(): Promise<void>;
  /** Lets every shell go; running commands are not killed by that. */
  close(): void;
}

/** `open` starts a shell inside. */
export function createRunners(open: () => Promise<Runner>): Runners {
  const idle: Runner[] = [];
  const all = new Set<Runner>();
  const starts = createGate({ places: limits.execStartsMax, waitingMax: limits.execsWaitingMax });
  const places = createGate({ places: limits.execsMax, waitingMax: limits.execsWaitingMax });
  let closed = false;
  const free = (): Runner | undefined => {
    for (let one = idle.pop(); one !== undefined; one = idle.pop()) {
      if (one.usable()) return one;
      all.delete(one);
    }
    return undefined;
  };
  const keep = (runner: Runner) => {
    if (!runner.usable()) all.delete(runner);
    else if (closed || idle.length >= limits.warmShellsMax) {
      all.delete(runner);
      runner.close();
    } else idle.push(runner);
  };
  const make = async (): Promise<Runner> => {
    const leave = await starts.enter();
    try {
      const runner = await open();
      all.add(runner);
      runner.onIdle(() => keep(runner));
      return runner;
    } finally {
      leave();
    }
  };
  return {
    run: async (command) => {
      const leave = await places.enter();
      try {
        if (closed) throw new Failure("sandbox", "Cannot run a command: its sandbox is closed");
        const child = await (free() ?? (await make())).run(command);
        void child.exited.then(leave);
        return child;
      } catch (error) {
        leave();
        throw error;
      }
    },
    warm: async () => {
      if (!closed && idle.length === 0) keep(await make());
    },
    close: () => {
      closed = true;
      for (const runner of all) runner.close();
      all.clear();
      idle.length = 0;
    },
  };
}
