// The end of a text of any length, within a number of lines and bytes.
import { limits } from "../core/limits.ts";

/** The end of what was pushed. `shown…` count what is kept, the others everything. */
export interface TailView {
  text: string;
  shownLines: number;
  totalLines: number;
  totalBytes: number;
  /** True when something is missing at the beginning. */
  cut: boolean;
}

/** Keeps the end of a text in bounded memory. */
export interface Tail {
  push(text: string): void;
  view(): TailView;
}

/** A tail of at most `linesMax` lines and `bytesMax` bytes; of a line that is too long itself its end is kept. */
export function createTail({ linesMax = limits.toolLinesMax, bytesMax = limits.toolBytesMax } = {}): Tail {
  // Twice the bound is let in before it is cut, so that cutting costs little for each byte.
  let kept = "";
  let newlinesSeen = 0;
  let totalBytes = 0;
  let cut = false;
  const shrink = () => {
    const short = lastLines(lastBytes(kept, bytesMax), linesMax);
    if (short.length < kept.length) cut = true;
    kept = short;
  };
  return {
    push(text) {
      if (text === "") return;
      totalBytes += Buffer.byteLength(text);
      newlinesSeen += newlines(text);
      kept += text;
      if (kept.length > bytesMax * 2) shrink();
    },
    view() {
      shrink();
      const isOpen = kept !== "" && !kept.endsWith("\n");
      const text = isOpen ? kept : kept.slice(0, -1);
      const shownLines = newlines(kept) + (isOpen ? 1 : 0);
      return { text, shownLines, totalLines: newlinesSeen + (isOpen ? 1 : 0), totalBytes, cut };
    },
  };
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** The last `max` bytes, beginning with a whole line where that costs less than half of them, else with a whole character. */
function lastBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  let from = bytes.length - max;
  while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  const end = bytes.subarray(from).toString("utf8");
  const line = bytes[from - 1] === 0x0a ? 0 : end.indexOf("\n") + 1;
  return line < end.length / 2 ? end.slice(line) : end;
}

/** The last `max` lines; a newline at the very end begins no new one. */
function lastLines(text: string, max: number): string {
  let at = text.endsWith("\n") ? text.length - 1 : text.length;
  for (let count = 0; count < max; count++) {
    at = at === 0 ? -1 : text.lastIndexOf("\n", at - 1);
    if (at < 0) return text;
  }
  return text.slice(at + 1);
}
