// What the options of `chat` ask of the conversation, as commands that stand before all that is said in it.
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Receipt } from "../core/message.ts";
import type { ChatConnection, ScreenFrame } from "./terminal/port.ts";

/** A command that is given before anything is said. */
export interface Prelude {
  name: string;
  args: string;
}

/**
 * Gives the commands before the screen sees that it is connected: nothing is said to a conversation that is not
 * as it was asked for. @throws Failure `usage`, from the frames, when one of them is refused or fails.
 */
export function withPrelude(connection: ChatConnection, commands: Prelude[]): ChatConnection {
  if (commands.length === 0) return connection;
  const waited = new Set(commands.map((_, index) => `prelude-${index}`));
  let unsent: { error: unknown } | undefined;
  const give = async (): Promise<void> => {
    try {
      for (const [index, command] of commands.entries())
        await connection.send({ type: "command", id: `prelude-${index}`, ...command });
    } catch (error) {
      unsent = { error };
      connection.close();
    }
  };
  const frames = async function* (): AsyncGenerator<ScreenFrame> {
    const held: ScreenFrame[] = [];
    let given = false;
    for await (const frame of connection.frames) {
      if (waited.size === 0) {
        yield frame;
      } else if (frame.type === "receipt" && waited.has(frame.id)) {
        checkGiven(frame.receipt);
        waited.delete(frame.id);
        if (waited.size === 0) yield* held;
      } else {
        if (held.length >= limits.chatEarlyFramesMax)
          throw new Failure("internal", "Cannot chat: the instance does not answer what was asked first");
        held.push(frame);
        // Not awaited: when the connection is lost meanwhile, it is reading on that finds it again.
        if (frame.type === "hello" && !given) void give();
        given ||= frame.type === "hello";
      }
    }
    if (unsent !== undefined) throw unsent.error;
  };
  return { ...connection, frames: frames() };
}

function checkGiven(receipt: Receipt): void {
  if (receipt.state === "refused") throw new Failure("usage", receipt.reason);
  if (receipt.state !== "done" || receipt.ok) return;
  const [message = "", ...hint] = (receipt.answer?.markdown ?? "Cannot chat: what was asked first failed").split("\n");
  throw new Failure("usage", message, hint.length === 0 ? {} : { hint: hint.join("\n") });
}
