// The person of a crash test: says things over the real chat connection, again and again until they are acknowledged.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { connectChat } from "../../src/cli/terminal/connection.ts";
import type { ChatConnection, ScreenFrame } from "../../src/cli/terminal/port.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createUnixClient, type UnixClient } from "../../src/sys/unix-client.ts";

export interface Person {
  /** Says a text; resolves with the input's number once it is acknowledged, or null when it was refused. */
  say(text: string): Promise<number | null>;
  /** Called for each frame. */
  onFrame: (frame: ScreenFrame) => void;
  leave(): Promise<void>;
}

/** A person at the terminal of the instance in `stateDir`, whoever answers there; stays through crashes. */
export function createPerson(stateDir: string): Person {
  const client: UnixClient = createUnixClient(join(stateDir, "remoteagent.sock"));
  const receipts = new Map<string, (input: number | null) => void>();
  let left = false;
  let connection = open();
  const person: Person = {
    onFrame: () => undefined,
    async say(text) {
      const id = randomBytes(12).toString("hex");
      const receipt = new Promise<number | null>((resolve) => receipts.set(id, resolve));
      for (let sent = false; !sent && !left; ) {
        const current = connection;
        sent = await current.send({ type: "say", id, text }).then(
          () => true,
          () => false,
        );
        // Nobody was there yet: the reader below opens another line.
        if (!sent) await new Promise((resume) => setTimeout(resume, 10));
      }
      return receipt;
    },
    async leave() {
      left = true;
      connection.close();
      await reading;
      client.close();
    },
  };
  const reading = read();
  return person;

  function open(): ChatConnection {
    return connectChat({ client, clock: systemClock, conversation: "main" });
  }

  async function read(): Promise<void> {
    while (!left) {
      try {
        for await (const frame of connection.frames) {
          if (frame.type === "receipt") {
            const { receipt } = frame;
            receipts.get(frame.id)?.("input" in receipt && receipt.input !== undefined ? receipt.input : null);
          }
          person.onFrame(frame);
        }
      } catch {
        // No instance was ever reached by this line.
        await new Promise((resume) => setTimeout(resume, 10));
      }
      if (!left) connection = open();
    }
  }
}
