// A stretch of lines out of a file that is read in pieces, within the bounds of what a model is shown.

/** What was found of the wanted lines. */
export interface Lines {
  text: string;
  /** How many lines the text holds; the last may be cut. */
  count: number;
  /** True when the first line alone is too long, and only its beginning is in `text`. */
  cutLine: boolean;
  /** True when the file has lines after those. */
  more: boolean;
  /** Lines that were gone through. */
  seen: number;
}

/** Takes text in and picks the wanted lines out of it. */
export interface LineReader {
  /** True as long as more text is of use. */
  push(text: string): boolean;
  end(): Lines;
}

/** Wants up to `linesMax` lines from line `from` (1 is the first), up to `bytesMax` bytes. */
export function createLineReader({
  from,
  linesMax,
  bytesMax,
}: {
  from: number;
  linesMax: number;
  bytesMax: number;
}): LineReader {
  const kept: string[] = [];
  let keptBytes = 0;
  let number = 1;
  let pending = "";
  let pendingBytes = 0;
  let full = false;
  let cutLine = false;
  let more = false;
  const finish = () => {
    if (number >= from && !full) keep();
    else if (number >= from) more = true;
    number += 1;
    pending = "";
    pendingBytes = 0;
  };
  const keep = () => {
    const cost = pendingBytes + (kept.length === 0 ? 0 : 1);
    if (keptBytes + cost <= bytesMax) {
      kept.push(pending);
      keptBytes += cost;
      full = kept.length >= linesMax;
      return;
    }
    full = true;
    if (kept.length > 0) {
      more = true;
      return;
    }
    cutLine = true;
    kept.push(
      Buffer.from(pending)
        .subarray(0, bytesMax)
        .toString("utf8")
        .replace(/\uFFFD$/, ""),
    );
  };
  return {
    push(text) {
      let at = 0;
      while (at < text.length) {
        const newline = text.indexOf("\n", at);
        const piece = text.slice(at, newline < 0 ? text.length : newline);
        if (number >= from && !full && pendingBytes <= bytesMax) pending += piece;
        pendingBytes += Buffer.byteLength(piece);
        if (newline < 0) break;
        finish();
        at = newline + 1;
      }
      return !more;
    },
    end() {
      if (pendingBytes > 0) finish();
      return { text: kept.join("\n"), count: kept.length, cutLine, more, seen: number - 1 };
    },
  };
}
