// What `#output-pipe` exports: pipes for a child's output, where the runtime's own would be something else.
import type { Readable } from "node:stream";

/** A pipe from a child to us. */
export interface OutputPipe {
  /** Given to the child; to be closed here as soon as the child has its copy, or will never have one. */
  writeFd: number;
  /** Ends when the last process has closed the other end. Destroying it closes ours. */
  readable: Readable;
}

/** Makes a pipe; undefined where there is none to be had, or none is needed. Never throws. */
export type OpenOutputPipe = () => OutputPipe | undefined;
