// The family's table: what the agent can do.
import type { Clock } from "../sys/clock.ts";
import { attach } from "./attach.ts";
import { createBash } from "./bash.ts";
import { createEdit } from "./edit.ts";
import { createPathLock } from "./files.ts";
import { memory } from "./memory.ts";
import { read } from "./read.ts";
import { createSchedule } from "./schedule.ts";
import type { Tool } from "./tool.ts";
import { createWrite } from "./write.ts";

/** Every tool, once for the whole program: they hold the locks and the background commands of all turns. */
export function createTools({ clock }: { clock: Clock }): readonly Tool[] {
  const lock = createPathLock();
  return [
    createBash({ clock }),
    read,
    createWrite({ lock }),
    createEdit({ lock }),
    attach,
    memory,
    createSchedule({ clock }),
  ];
}
