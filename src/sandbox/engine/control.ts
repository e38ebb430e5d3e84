// Finds the lines of a shell inside among the bytes of the command that writes into the same stream.
import { limits } from "../../core/limits.ts";
import type { Take } from "./frames.ts";

/** What a stream is taken apart into. */
export interface ControlHandlers {
  /** The command's bytes. */
  onBytes: Take;
  /** A line of the shell, without nonce and end. */
  onLine(line: string): void;
}

/**
 * Passes on what comes: lines that begin with the nonce to `onLine`, everything else to `onBytes`. At most a nonce's
 * length is held back between two pieces, and one line.
 */
export function readControl(nonce: string, { onBytes, onLine }: ControlHandlers): Take {
  const mark = Buffer.from(nonce, "latin1");
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    let rest = held.byteLength === 0 ? chunk : Buffer.concat([held, chunk]);
    let full: Promise<void> | undefined;
    const pass = (part: Buffer) => {
      if (part.byteLength > 0) full = onBytes(part) ?? full;
    };
    for (;;) {
      const at = rest.indexOf(mark);
      const end = at === -1 ? -1 : rest.indexOf(10, at);
      // Only a forger writes the nonce without a line's end soon after it: then it is the command's.
      if (at === -1 || (end === -1 && rest.byteLength - at > limits.shellLineBytesMax)) {
        const keep = partial(rest, mark);
        pass(rest.subarray(0, rest.byteLength - keep));
        held = rest.subarray(rest.byteLength - keep);
        return full;
      }
      pass(rest.subarray(0, at));
      if (end === -1) {
        held = rest.subarray(at);
        return full;
      }
      onLine(rest.toString("latin1", at + mark.byteLength, end).trim());
      rest = rest.subarray(end + 1);
    }
  };
}

/** How many of the last bytes may be the beginning of `mark`. */
function partial(bytes: Buffer, mark: Buffer): number {
  const [first = 0] = mark;
  let at = bytes.indexOf(first, Math.max(0, bytes.byteLength - mark.byteLength + 1));
  while (at !== -1) {
    const count = bytes.byteLength - at;
    if (bytes.subarray(at).equals(mark.subarray(0, count))) return count;
    at = bytes.indexOf(first, at + 1);
  }
  return 0;
}
