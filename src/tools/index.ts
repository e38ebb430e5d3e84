// The family's table: what the agent can do.
import { limits } from "../core/limits.ts";
import type { Clock } from "../sys/clock.ts";
import { attach } from "./attach.ts";
import { createBash } from "./bash.ts";
import type { CommandBounds } from "./command.ts";
import { createEdit } from "./edit.ts";
import { createPathLock } from "./files.ts";
import { memory } from "./memory.ts";
import { read } from "./read.ts";
import { createSchedule } from "./schedule.ts";
import type { Tool } from "./tool.ts";
import { createWrite } from "./write.ts";

/** What the tools are made with. */
export interface ToolDeps {
  clock: Clock;
  /** Bounds of one command, where settings name other ones. */
  bounds?: Partial<CommandBounds>;
}

/** Every tool, once for the whole program: they hold the locks and the background commands of all turns. */
export function createTools({ clock, bounds }: ToolDeps): readonly Tool[] {
  const lock = createPathLock();
  return [
    createBash({
      clock,
      bounds: { memoryBytes: limits.memoryBytesMax, processes: limits.processesMax, ...bounds },
    }),
    read,
    createWrite({ lock }),
    createEdit({ lock }),
    attach,
    memory,
    createSchedule({ clock }),
  ];
}
