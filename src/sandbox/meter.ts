// A command's two output streams on their way out: counted together, cut at the limit, held back by a slow reader.
import { type Readable, Transform } from "node:stream";
import { limits } from "../core/limits.ts";

/** The metered streams of one command. */
export interface Metered {
  stdout: Readable;
  stderr: Readable;
  /** Resolves when both have been read to their ends or given up by their reader. */
  ended: Promise<void>;
  /** Ends both where they are, for a command that is dead while something else still holds its pipes. */
  cut(): void;
}

/**
 * Passes output on as it comes. Together at most `bytesMax` bytes pass; with the first byte more `onExceed` is called
 * once and the rest is thrown away. Nothing is collected: a stream that is not read stops its writer.
 */
export function meterOutput(
  sources: { stdout: Readable; stderr: Readable },
  options: { bytesMax: number; onExceed: () => void },
): Metered {
  let left = options.bytesMax;
  let exceeded = false;
  const take = (chunk: Uint8Array): Uint8Array => {
    const part = chunk.byteLength <= left ? chunk : chunk.subarray(0, left);
    left -= part.byteLength;
    if (part.byteLength < chunk.byteLength && !exceeded) {
      exceeded = true;
      options.onExceed();
    }
    return part;
  };
  const streams = [meterOne(sources.stdout, take), meterOne(sources.stderr, take)] as const;
  return {
    stdout: streams[0],
    stderr: streams[1],
    ended: Promise.all(streams.map(endOf)).then(() => undefined),
    cut: () => {
      for (const stream of streams) if (!stream.writableEnded) stream.end();
      sources.stdout.destroy();
      sources.stderr.destroy();
    },
  };
}

function meterOne(source: Readable, take: (chunk: Uint8Array) => Uint8Array): Transform {
  const metered = new Transform({
    highWaterMark: limits.streamBufferBytes,
    transform: (chunk: Uint8Array, _encoding, done) => {
      const part = take(chunk);
      done(null, part.byteLength === 0 ? undefined : part);
    },
  });
  // A reader that gives up must not block the command: the rest is read and thrown away, and still counted.
  metered.on("close", () => {
    if (source.readableEnded || source.destroyed) return;
    source.unpipe(metered);
    source.on("data", take);
    source.resume();
  });
  // A broken pipe of the host is the end of the output, as for any reader of it.
  source.on("error", () => metered.end());
  source.on("close", () => {
    if (!metered.writableEnded) metered.end();
  });
  metered.on("error", () => source.resume());
  return source.pipe(metered);
}

function endOf(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
  });
}
