// `remoteagent chat`: decides between the screen of a terminal and the plain form for pipes and scripts.
import { runInteractive } from "./interactive.ts";
import { runPlain } from "./plain.ts";
import type { ChatDeps } from "./port.ts";

/**
 * Runs a chat to its end and gives the exit code: 0 the person left or the turn is done, 1 it failed or was
 * stopped, 143 and 129 after SIGTERM and SIGHUP. @throws Failure when the instance cannot be reached or refuses.
 */
export async function runChat(deps: ChatDeps): Promise<number> {
  const { input, output, options } = deps;
  const screen = input.isTTY === true && output.isTTY === true && !options.json && !options.plain;
  return await (screen ? runInteractive(deps) : runPlain(deps));
}
