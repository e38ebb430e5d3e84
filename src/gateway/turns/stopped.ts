// What a stop has ended, and the words that claim no more of it than was seen.
import type { InputId, SessionId } from "../../core/ids.ts";
import type { Outgoing } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import type { ProcessInfo } from "../../sandbox/sandbox.ts";

/** How many killed processes are named. */
const namedMax = 5;

/** What a stop has ended, and what is still to be stored of it. */
export interface Stopped {
  session: SessionId;
  /** A turn was ended. */
  ended: boolean;
  /** What runs is somebody else's, and goes on. */
  foreign: boolean;
  killed: ProcessInfo[];
  survivors: ProcessInfo[];
  /** What waited when the stop was said, and is to be removed; what came later is not meant. */
  waiting: InputId[];
  /** Nothing runs in this process: a turn that waits for an answer since an earlier life may be open. */
  mayBeSuspended: boolean;
  /** Lets the session go on. */
  release(): void;
}

/** The answer to a stop that found nothing. */
export const idle: Outgoing = { markdown: "Nothing is running.", noted: true };

/** What is said of a stop. `removed` is undefined when nothing could be stored. */
export function answerOf(
  stopped: Stopped,
  { suspended, removed }: { suspended: boolean; removed: number | undefined },
): Outgoing {
  const { ended, foreign, killed, survivors, waiting } = stopped;
  const left = removed === undefined && waiting.length > 0;
  if (!(ended || foreign || suspended || left) && (removed ?? 0) + killed.length + survivors.length === 0) return idle;
  const markdown = stopText({ stopped: ended || suspended, foreign, killed, survivors, removed: removed ?? 0, left });
  // By the button, what was stopped says so itself.
  return { markdown, ...(survivors.length === 0 && (removed ?? 0) === 0 && !left ? { noted: true } : {}) };
}

/** What was stopped, in words that claim no more than was seen. */
function stopText(facts: {
  stopped: boolean;
  foreign: boolean;
  killed: ProcessInfo[];
  survivors: ProcessInfo[];
  removed: number;
  left: boolean;
}): string {
  const lines: string[] = [];
  if (facts.survivors.length > 0) {
    lines.push(`Not everything could be stopped. Still alive: ${names(facts.survivors)}.`);
  } else {
    const ended = facts.stopped ? "Stopped." : "Nothing was running.";
    lines.push(facts.foreign ? "What runs here is somebody else's, and guests end only their own." : ended);
  }
  if (facts.killed.length > 0) lines.push(`Killed: ${names(facts.killed)}.`);
  if (facts.removed > 0)
    lines.push(`${facts.removed} waiting message${facts.removed === 1 ? " was" : "s were"} removed.`);
  if (facts.left) lines.push("What waits could not be removed: nothing can be stored now.");
  return lines.join(" ");
}

function names(processes: ProcessInfo[]): string {
  const shown = processes.slice(0, namedMax).map((found) => `\`${excerpt(found.command, 60)}\` (${found.pid})`);
  return `${shown.join(", ")}${processes.length > namedMax ? ` and ${processes.length - namedMax} more` : ""}`;
}
