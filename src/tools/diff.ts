// A small unified diff of replacements whose places are known.
import { limits } from "../core/limits.ts";

const contextLines = 3;
const lineCharsMax = 500;

/** What was replaced: the same `oldText` at each of `places` (offsets, ascending) by `newText`. */
export interface Replacements {
  places: readonly number[];
  oldText: string;
  newText: string;
}

/** A stretch of whole lines (0 is the first) that became others. */
interface Hunk {
  start: number;
  removed: string[];
  added: string[];
}

/** The changes of `text` as a unified diff without file names, at most `limits.diffLinesMax` lines. */
export function renderDiff(text: string, replacements: Replacements): string {
  const lines = text.split("\n");
  const out: string[] = [];
  let shift = 0;
  for (const hunk of hunksOf(text, { ...replacements, lines })) {
    const from = Math.max(0, hunk.start - contextLines);
    const end = hunk.start + hunk.removed.length;
    const before = lines.slice(from, hunk.start);
    const after = lines.slice(end, end + contextLines);
    const around = before.length + after.length;
    out.push(
      `@@ -${from + 1},${around + hunk.removed.length} +${from + 1 + shift},${around + hunk.added.length} @@`,
      ...before.map((line) => ` ${line}`),
      ...hunk.removed.map((line) => `-${line}`),
      ...hunk.added.map((line) => `+${line}`),
      ...after.map((line) => ` ${line}`),
    );
    shift += hunk.added.length - hunk.removed.length;
    if (out.length > limits.diffLinesMax) break;
  }
  const shown = out.slice(0, limits.diffLinesMax).map(tidy);
  return out.length > shown.length ? `${shown.join("\n")}\n[The diff is longer]` : shown.join("\n");
}

/** Replacements that touch the same lines become one hunk; lines that stayed as they were leave it. */
function hunksOf(text: string, { places, oldText, newText, lines }: Replacements & { lines: string[] }): Hunk[] {
  const hunks: Hunk[] = [];
  let lineStart = 0;
  let line = 0;
  let index = 0;
  while (index < places.length && hunks.length < limits.diffLinesMax) {
    const first = places[index] ?? 0;
    while (lineStart + (lines[line]?.length ?? 0) < first) lineStart += (lines[line++]?.length ?? 0) + 1;
    let end = first;
    let built = text.slice(lineStart, first);
    let stop: number;
    do {
      built += text.slice(end, places[index]) + newText;
      end = (places[index] ?? 0) + oldText.length;
      const newline = text.indexOf("\n", end);
      stop = newline < 0 ? text.length : newline;
      index += 1;
    } while (index < places.length && (places[index] ?? 0) <= stop);
    built += text.slice(end, stop);
    hunks.push(trimmed({ start: line, removed: text.slice(lineStart, stop).split("\n"), added: built.split("\n") }));
  }
  return hunks;
}

function trimmed({ start, removed, added }: Hunk): Hunk {
  const short = Math.min(removed.length, added.length);
  let head = 0;
  while (head < short && removed[head] === added[head]) head += 1;
  let foot = 0;
  while (foot < short - head && removed.at(-1 - foot) === added.at(-1 - foot)) foot += 1;
  return {
    start: start + head,
    removed: removed.slice(head, removed.length - foot),
    added: added.slice(head, added.length - foot),
  };
}

function tidy(line: string): string {
  const whole = line.replace(/\r$/, "");
  return whole.length <= lineCharsMax ? whole : `${whole.slice(0, lineCharsMax)}…`;
}
