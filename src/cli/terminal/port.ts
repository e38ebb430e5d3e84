// What the screen needs of the world: a connection to the instance, streams, signals. Tests hand in their own.
import type { Readable, Writable } from "node:stream";
import type { ChatDown, ChatUp } from "../../core/frame.ts";

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
    process.kill(process.pid, "SIGTSTP");
  },
};
