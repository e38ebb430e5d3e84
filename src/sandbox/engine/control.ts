// Finds the lines of a shell inside among the bytes of the command that writes into the same stream.
import type { Readable } from "node:stream";
import { limits } from "../../core/limits.ts";

/** What a stream is taken apart into. */
export interface ControlHandlers {
  /** The command's bytes. False: the next ones wait until `resume` is called. */
  onBytes(bytes: Buffer): boolean;
  /** A line of the shell, without nonce and end. */
  onLine(line: string): void;
}

/**
 * Passes on what `source` brings: lines that begin with the nonce to `onLine`, everything else to `onBytes`. At most a
 * nonce's length is held back between two pieces, and one line. @returns what lets a stream that was held back go on.
 */
export function readControl(source: Readable, nonce: string, handlers: ControlHandlers): { resume(): void } {
  const mark = Buffer.from(nonce, "latin1");
  let held: Buffer = Buffer.alloc(0);
  const bytes = (part: Buffer) => {
    if (part.byteLength > 0 && !handlers.onBytes(part)) source.pause();
  };
  source.on("data", (chunk: Buffer) => {
    let rest = held.byteLength === 0 ? chunk : Buffer.concat([held, chunk]);
    held = Buffer.alloc(0);
    for (;;) {
      const at = rest.indexOf(mark);
      if (at === -1) {
        const keep = partial(rest, mark);
        bytes(rest.subarray(0, rest.byteLength - keep));
        held = rest.subarray(rest.byteLength - keep);
        return;
      }
      bytes(rest.subarray(0, at));
      const end = rest.indexOf(10, at);
      if (end === -1) {
        held = rest.subarray(at);
        // Only a forger writes the nonce without a line's end; then the stream cannot be told apart any more.
        if (held.byteLength > limits.shellLineBytesMax) source.destroy();
        return;
      }
      handlers.onLine(rest.toString("latin1", at + mark.byteLength, end).trim());
      rest = rest.subarray(end + 1);
    }
  });
  return { resume: () => void source.resume() };
}

/** How many of the last bytes may be the beginning of `mark`. */
function partial(bytes: Buffer, mark: Buffer): number {
  for (let count = Math.min(mark.byteLength - 1, bytes.byteLength); count > 0; count--) {
    if (bytes.subarray(bytes.byteLength - count).equals(mark.subarray(0, count))) return count;
  }
  return 0;
}
