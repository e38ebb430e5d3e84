// Takes apart the one stream in which an engine sends a command's stdout and stderr.
import type { Readable } from "node:stream";

/** Takes bytes as they come. A promise holds back what comes next, on both streams, until it resolves. */
export type Take = (bytes: Buffer) => Promise<void> | undefined;

/** Who takes the bytes of each stream. */
export interface Takers {
  stdout: Take;
  stderr: Take;
}

/**
 * Splits `source` into its frames: a head of 8 bytes (stream 0 to 2, three zeros, length as a big-endian number of 32
 * bits), then the bytes; see "Attach to a container" of the Engine API. Nothing is collected: what is held back stays
 * in the connection. Something else than frames ends the connection. @returns what resolves when it has ended.
 */
export function splitFrames(source: Readable, { head, takers }: { head: Uint8Array; takers: Takers }): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const state = { left: 0, take: takers.stdout, header: Buffer.alloc(0) as Buffer, waiting: 0 };
  /** Frames are small: those of one stream that came together are passed on together. */
  let parts: Buffer[] = [];
  const flush = () => {
    const [first] = parts;
    if (first === undefined) return;
    const full = state.take(parts.length === 1 ? first : Buffer.concat(parts));
    parts = [];
    if (full === undefined) return;
    state.waiting += 1;
    source.pause();
    void full.then(() => {
      state.waiting -= 1;
      if (state.waiting === 0) source.resume();
    });
  };
  const read = (chunk: Buffer) => {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (state.left > 0) {
        const part = rest.subarray(0, state.left);
        state.left -= part.byteLength;
        rest = rest.subarray(part.byteLength);
        parts.push(part);
        continue;
      }
      const missing = headBytes - state.header.byteLength;
      state.header = Buffer.concat([state.header, rest.subarray(0, missing)]);
      rest = rest.subarray(Math.min(missing, rest.byteLength));
      if (state.header.byteLength < headBytes) break;
      const kind = state.header[0] ?? 255;
      if (kind > 2 || state.header.readUIntBE(1, 3) !== 0) {
        source.destroy(new Error("The engine's stream has no frames"));
        return;
      }
      const take = kind === 2 ? takers.stderr : takers.stdout;
      if (take !== state.take) flush();
      state.take = take;
      state.left = state.header.readUInt32BE(4);
      state.header = Buffer.alloc(0);
    }
    flush();
  };
  for (const event of ["end", "close", "error"]) source.on(event, () => ended.resolve());
  if (head.byteLength > 0) read(Buffer.from(head));
  source.on("data", read);
  return ended.promise;
}

const headBytes = 8;

/** Passes a terminal's stream on as it is. @returns what resolves when it has ended. */
export function readRaw(source: Readable, { head, take }: { head: Uint8Array; take: Take }): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const read = (bytes: Buffer) => {
    const full = take(bytes);
    if (full === undefined) return;
    source.pause();
    void full.then(() => source.resume());
  };
  for (const event of ["end", "close", "error"]) source.on(event, () => ended.resolve());
  if (head.byteLength > 0) read(Buffer.from(head));
  source.on("data", read);
  return ended.promise;
}
