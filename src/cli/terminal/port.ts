// What the screen needs of the world: a connection to the instance, streams, signals. Tests hand in their own.
import type { Readable, Writable } from "node:stream";
import type { ChatDown, ChatUp } from "../../core/frame.ts";
import type { Clock } from "../../sys/clock.ts";

/** A frame for the screen: from the instance, or `lost` from the connection itself while it tries again. */
export type ScreenFrame = ChatDown | { type: "lost"; reason: string };

/** One screen's line to the instance. */
export interface ChatConnection {
  /** Resolves when the instance has taken it; waits while the connection is lost. @throws Failure when it was refused. */
  send(up: Exclude<ChatUp, { type: "open" }>): Promise<void>;
  /** Ends after {@link close}. @throws Failure when the instance cannot be reached or speaks another protocol. */
  frames: AsyncIterable<ScreenFrame>;
  close(): void;
}

/** Standard input, as far as it is used. */
export type TerminalInput = Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown };
/** Standard output or error. A `resize` event tells of a new size. */
export type TerminalOutput = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** Signals of the process. */
export interface Signals {
  /** Calls `listener` for SIGINT, SIGTERM, SIGHUP and SIGCONT until the returned function is called. */
  listen(listener: (signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGCONT") => void): () => void;
  /** Stops the process as ctrl-z does. */
  suspend(): void;
}

/** What was asked for on the command line. */
export interface ChatOptions {
  conversation: string;
  folder?: string;
  /** Every frame as one JSON line. */
  json: boolean;
  /** Colours and other attributes. */
  color: boolean;
  /** The terminal shows OSC 8 links. */
  links?: boolean;
  /** No screen, even on a terminal (`--print`). */
  plain: boolean;
  /** File of the lines that were typed before. */
  historyPath: string;
  /** Said at once; without a screen it is all that is said. */
  message?: string;
}

/** What a chat is made of. */
export interface ChatDeps {
  /** Makes the line to the instance; called once. */
  connect(): ChatConnection;
  input: TerminalInput;
  output: TerminalOutput;
  /** Tools and notices of the plain form. */
  errors: TerminalOutput;
  signals: Signals;
  clock: Clock;
  options: ChatOptions;
  /** Given what brings the terminal's modes back at once, for a process that ends by an error; null when they are. */
  onRestore?(restore: (() => void) | null): void;
}

/** The signals of this process. */
export const processSignals: Signals = {
  listen(listener) {
    const names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGCONT"] as const;
    const handlers = names.map((name) => ({ name, handle: () => listener(name) }));
    for (const { name, handle } of handlers) process.on(name, handle);
    return () => {
      for (const { name, handle } of handlers) process.off(name, handle);
    };
  },
  suspend() {
    // The whole job, as the terminal's driver would: a shell script around us stops, too.
    process.kill(0, "SIGTSTP");
  },
};
