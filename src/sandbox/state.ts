// What is known of every command of a driver while it starts, runs and dies.
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";
import type { Child, Spawn } from "../sys/spawn.ts";
import type { Metered } from "./meter.ts";
import type { MarkerReader, Owned, Reap } from "./ownership.ts";
import type { Command, Proof } from "./sandbox.ts";
import type { Watch } from "./watch.ts";

/** A group of processes that none of its members can leave. */
export interface Fence {
  /** Comes before argv: a program that enters the group and then becomes the command. */
  prefix: string[];
  /** Lets nothing new begin in it, and kills what is in it as far as the system can. */
  strike(): void;
  members(): number[];
  /** What it was full of, when something was refused or killed for that. */
  wasFull(): "processes" | "memory" | undefined;
  /** Called when the command is over. */
  remove(): void;
}

/** What is known of commands that run elsewhere. */
export interface Remote {
  /** False when a command that has ended has surely left nothing behind. */
  left(child: Child): boolean;
  /** Of processes that nobody but a command can have started, where there are such. */
  stranger?(row: ProcessRow): boolean;
}

/** What running needs of the world. `owner` is equal for every start over the same state folder, `run` for none. */
export interface ExecDeps {
  clock: Clock;
  log: Log;
  table: ProcessTable;
  spawn: Spawn;
  owner: string;
  run: string;
  /** Set where the table shows processes of another place than this program's, such as a container. */
  remote?: Remote;
  /** Collects an orphan that became our child; `undefined` while orphans go elsewhere. */
  reaper(): Reap | undefined;
}

/** A started command until nothing of it is left. */
export interface Entry extends Owned {
  marker: string;
  command: Command;
  /** The lines of what we put around it. */
  wrappers: ReadonlySet<string>;
  startedAt: number;
  /** It runs in another place than this program; see {@link Remote}. */
  remote: boolean;
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
export interface Starting {
  command: Command;
  scope: string;
  cancelled: boolean;
  /** Resolves when it is one, or never will be: with what a kill that came meanwhile has reached. */
  over: Promise<Proof>;
}

export interface State {
  deps: ExecDeps;
  entries: Set<Entry>;
  starting: Set<Starting>;
  /** Scopes under which something was started outside of a pid namespace of its own since they were last killed. */
  loose: Set<string>;
  /** There were too many of them to be kept: what has ended in any scope may have left something. */
  crowded: boolean;
  watch: Watch;
  markers: MarkerReader;
  counter: number;
}
