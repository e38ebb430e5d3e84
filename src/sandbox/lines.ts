// How processes are named where people are told what was killed: by their own command lines, without what we put around.
import { posix } from "node:path";
import { limits } from "../core/limits.ts";
import type { ProcessRow, ProcessTable } from "../sys/process-tree.ts";

/** What a process was started as, bounded; its short name when that is all there is (it is beginning or ending). */
export function lineOf(table: ProcessTable, row: ProcessRow): string {
  return bounded(table.describe(row));
}

/** The line of `argv`, as {@link lineOf} says it for the process that it became. */
export function lineOfArgv(argv: readonly string[]): string {
  return bounded(argv.join(" "));
}

/** The lines of our own programs around one command, by which they are left out; `argv` is what was launched. */
export function wrapperLines(launched: {
  argv: readonly string[];
  prefix: readonly string[];
  contained: boolean;
  wrappers?: readonly string[];
}): Set<string> {
  const { argv, prefix, contained } = launched;
  const lines = new Set<string>(launched.wrappers);
  if (prefix.length > 0) lines.add(lineOfArgv([...prefix, ...argv]));
  if (contained) lines.add(lineOfArgv(argv)).add(posix.basename(argv[0] ?? ""));
  return lines;
}

function bounded(text: string): string {
  const line = text.trim();
  return line.length <= limits.processLineCharsMax ? line : `${line.slice(0, limits.processLineCharsMax - 1)}…`;
}
