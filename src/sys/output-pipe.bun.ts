// `#output-pipe` under Bun, whose child processes write into sockets: those cannot be opened as /dev/stderr on Linux.
import { closeSync } from "node:fs";
import { Readable } from "node:stream";
import { openPipe } from "#ffi";
import { limits } from "../core/limits.ts";
import type { OpenOutputPipe } from "./output-pipe.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A pipe that is read when it has something, by the runtime's one poll of all descriptors. */
export const openOutputPipe: OpenOutputPipe = () => {
  const pipe = make();
  if (pipe === undefined) return undefined;
  try {
    // The reader takes a descriptor of its own and closes that by itself, so ours is not needed any more.
    return { writeFd: pipe.writeFd, readable: readableOf(Bun.file(pipe.readFd).stream().getReader()) };
  } catch {
    closeSync(pipe.writeFd);
    return undefined; // Too many open files: whoever asks gets that answer from the start of the process.
  } finally {
    closeSync(pipe.readFd);
  }
};

function make(): ReturnType<typeof openPipe> {
  try {
    return openPipe();
  } catch {
    return undefined; // No libc that can be called.
  }
}

/** Reads only what is asked for, so that a slow reader holds the writer back. */
function readableOf(reader: Reader): Readable {
  return new Readable({
    highWaterMark: limits.streamBufferBytes,
    read() {
      reader
        .read()
        .then(({ value, done }) => this.push(done ? null : value))
        .catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
    },
    destroy(error, callback) {
      // A reader that has failed says so again here; `error` has it already.
      void reader.cancel().catch((failed: unknown) => failed);
      callback(error);
    },
  });
}
