// Tells whether a file or folder is still the one that was read, without reading it again.
import { lstatSync } from "node:fs";

/** A change this recent may be followed by another one with the same times: file systems count in ticks of some milliseconds. */
const settleNs = 100_000_000n;

/**
 * What identifies the present content of `paths`: which file it is, how long, and when it was changed. Equal stamps mean
 * equal content. @returns `undefined` when one was changed after `sinceMs` (Unix milliseconds), or so shortly before it
 * that the stamp could not tell a next change.
 */
export function stampOf(paths: readonly string[], sinceMs: number): string | undefined {
  const settled = BigInt(sinceMs) * 1_000_000n - settleNs;
  let stamp = "";
  for (const path of paths) {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) {
      stamp += "-;";
      continue;
    }
    if (found.mtimeNs > settled || found.ctimeNs > settled) return undefined;
    stamp += `${found.dev}.${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs};`;
  }
  return stamp;
}
