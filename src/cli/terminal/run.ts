// `remoteagent chat`: decides between the screen of a terminal and the plain form for pipes and scripts.
import type { Clock } from "../../sys/clock.ts";
import { runInteractive } from "./interactive.ts";
import { runPlain } from "./plain.ts";
import type { ChatConnection, Signals, TerminalInput, TerminalOutput } from "./port.ts";

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
  /** Called once the terminal is as it was before, however the chat ended. */
  onLeave?(): void | Promise<void>;
}

/**
 * Runs a chat to its end and gives the exit code: 0 the person left or the turn is done, 1 it failed or was
 * stopped, 143 and 129 after SIGTERM and SIGHUP. @throws Failure when the instance cannot be reached or refuses.
 */
export async function runChat(deps: ChatDeps): Promise<number> {
  const { input, output, options } = deps;
  const screen = input.isTTY === true && output.isTTY === true && !options.json && !options.plain;
  try {
    return await (screen ? runInteractive(deps) : runPlain(deps));
  } finally {
    await deps.onLeave?.();
  }
}
