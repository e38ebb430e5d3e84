// The verbs' way to the person: two streams, and what is known of the screen behind them.
import { isatty } from "node:tty";
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

/**
 * The process's own streams, each made when it is first written to: making one takes longer than most verbs. A reader
 * that goes away (`| head`) ends the program without a word.
 */
export function processIo(): Io {
  const ready = new Set<"stdout" | "stderr">();
  const write = (name: "stdout" | "stderr", text: string): void => {
    const stream = process[name];
    if (!ready.has(name)) {
      ready.add(name);
      stream.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") process.exit(0);
        throw error;
      });
    }
    stream.write(text);
  };
  return {
    out: (text) => write("stdout", text),
    err: (text) => write("stderr", text),
    interactive: isatty(0) && isatty(1),
    get columns() {
      return isatty(1) ? process.stdout.columns || limits.pipeCells : limits.pipeCells;
    },
  };
}
