// Takes apart the one stream in which an engine sends a command's stdout and stderr.
import { PassThrough, type Readable } from "node:stream";
import { limits } from "../../core/limits.ts";

/** The two streams of one command. A reader of the one that is slow holds back both: they come in one connection. */
export interface Frames {
  stdout: Readable;
  stderr: Readable;
  /** Resolves when the connection has ended, in whichever way. */
  ended: Promise<void>;
}

/**
 * Splits `source` into its frames: a head of 8 bytes (stream 0 to 2, three zeros, length as a big-endian number of 32
 * bits), then the bytes; see "Attach to a container" of the Engine API. Nothing is collected: what the reader
 * does not take stays in the connection. What is no such stream ends both with an error.
 */
export function splitFrames(source: Readable, head: Uint8Array): Frames {
  const stdout = new PassThrough({ highWaterMark: limits.streamBufferBytes });
  const stderr = new PassThrough({ highWaterMark: limits.streamBufferBytes });
  const ended = Promise.withResolvers<void>();
  const state = { left: 0, target: stdout as PassThrough | undefined, header: Buffer.alloc(0) };
  const waiting = new Set<PassThrough>();
  const finish = () => {
    for (const stream of [stdout, stderr]) if (!stream.writableEnded && !stream.destroyed) stream.end();
    ended.resolve();
  };
  const give = (target: PassThrough | undefined, bytes: Buffer) => {
    // A reader that gave up gets nothing more; the connection is emptied all the same.
    if (target === undefined || target.destroyed || target.writableEnded) return;
    if (target.write(bytes) || waiting.has(target)) return;
    waiting.add(target);
    source.pause();
    const go = () => {
      target.off("drain", go);
      target.off("close", go);
      waiting.delete(target);
      if (waiting.size === 0) source.resume();
    };
    target.on("drain", go);
    target.on("close", go);
  };
  const take = (chunk: Buffer) => {
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (state.left > 0) {
        const part = rest.subarray(0, state.left);
        state.left -= part.byteLength;
        rest = rest.subarray(part.byteLength);
        give(state.target, part);
        continue;
      }
      const missing = headBytes - state.header.byteLength;
      state.header = Buffer.concat([state.header, rest.subarray(0, missing)]);
      rest = rest.subarray(Math.min(missing, rest.byteLength));
      if (state.header.byteLength < headBytes) return;
      const kind = state.header[0] ?? 255;
      if (kind > 2 || state.header.readUIntBE(1, 3) !== 0) {
        source.destroy(new Error("The engine's stream has no frames"));
        return;
      }
      state.target = kind === 2 ? stderr : stdout;
      state.left = state.header.readUInt32BE(4);
      state.header = Buffer.alloc(0);
    }
  };
  source.on("data", take);
  source.on("end", finish);
  source.on("close", finish);
  source.on("error", finish);
  if (head.byteLength > 0) take(Buffer.from(head));
  return { stdout, stderr, ended: ended.promise };
}

const headBytes = 8;
