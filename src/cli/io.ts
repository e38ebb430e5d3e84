// The verbs' way to the person: two streams, and what is known of the screen behind them.
import { limits } from "../core/limits.ts";

export interface Io {
  /** Results, for people and scripts. */
  out(text: string): void;
  /** Progress and errors. */
  err(text: string): void;
  /** True when a person sits at both ends. */
  interactive: boolean;
  /** Cells of a line of stdout; as good as unbounded when it is no terminal, or one that does not know its size. */
  columns: number;
}

/** The process's own streams. A reader that goes away (`| head`) ends the program without a word. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stdin.isTTY && process.stdout.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns || limits.pipeCells : limits.pipeCells,
  };
}
