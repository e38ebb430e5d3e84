// The contract suite's terminal: a screen on the control socket, which shows what its frames say.
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectChat } from "../../../src/cli/terminal/connection.ts";
import type { ChatConnection, ScreenFrame } from "../../../src/cli/terminal/port.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { createUnixClient } from "../../../src/sys/unix-client.ts";
import type { Member, Platform, Seen } from "./platform.ts";

export const terminal: Member = {
  name: "terminal",
  can: {
    rooms: false,
    threads: false,
    replies: false,
    edits: false,
    removals: false,
    reactions: false,
    buttons: false,
    commands: true,
    files: true,
    outages: false,
    markup: false,
  },
  roomSession: "one",
  textMax: Number.POSITIVE_INFINITY,
  editEveryMs: 0,
  open,
};

async function open(): Promise<Platform> {
  const seen: Seen[] = [];
  const byTurn = new Map<number, Seen>();
  let connection: ChatConnection | undefined;
  let stateDir = "";
  let ids = 0;
  let last: Parameters<ChatConnection["send"]>[0] | undefined;
  let again = false;

  const put = (text: string, mine: boolean): Seen => {
    const one: Seen = { id: String(++ids), text, buttons: [], files: [], mine, edits: 0 };
    seen.push(one);
    return one;
  };
  const take = (frame: ScreenFrame): void => {
    if (frame.type === "post") put(frame.outgoing.markdown, true);
    if (frame.type === "receipt" && "answer" in frame.receipt && frame.receipt.answer !== undefined)
      put(frame.receipt.answer.markdown, true);
    if (frame.type === "forming") answerOf(frame.turn).text = frame.text;
    if (frame.type !== "event") return;
    const { event, turn } = frame;
    const answer = answerOf(turn);
    if (event.type === "text") {
      answer.text += event.delta;
      answer.edits += 1;
    } else if (event.type === "tool" && event.step === "start") answer.text += `\n${event.title}\n`;
    else if (event.type === "file") answer.files.push({ name: event.name, bytes: kept(event.stored) });
    else if (event.type === "started" && event.resumed) answer.text = "";
    else if (event.type === "ended" && event.outcome === "stopped") answer.text += "\nStopped.";
  };
  const answerOf = (turn: number): Seen => {
    const known = byTurn.get(turn) ?? put("", true);
    byTurn.set(turn, known);
    return known;
  };
  const kept = (stored: string) => new Uint8Array(readFileSync(join(stateDir, "workspace", stored)));
  const connect = (): void => {
    const client = createUnixClient(join(stateDir, "remoteagent.sock"));
    const made = connectChat({ client, clock: systemClock, conversation: "default" });
    connection = made;
    void (async () => {
      // A line that ends for good has nothing more to show.
      try {
        for await (const frame of made.frames) if (connection === made) take(frame);
      } catch (error) {
        if (connection === made) put(`The line ended: ${String(error)}`, false);
      }
    })();
  };
  const send = async (up: Parameters<ChatConnection["send"]>[0]): Promise<void> => {
    if (again && last !== undefined) await connection?.send(last);
    again = false;
    last = up;
    await connection?.send(up);
  };
  return {
    ownerId: "",
    started(folder) {
      stateDir = folder;
      connection?.close();
      connect();
    },
    async say(text, { file } = {}) {
      const { id } = put(text, false);
      const data = file === undefined ? undefined : Buffer.from(file.bytes).toString("base64");
      await send({ type: "say", id, text, ...(file && data ? { files: [{ name: file.name, data }] } : {}) });
      return id;
    },
    command: (name, args) => send({ type: "command", id: put(`/${name} ${args}`, false).id, name, args }),
    edit: refuse,
    remove: refuse,
    react: refuse,
    press: refuse,
    botSays: refuse,
    seen: () => structuredClone(seen),
    repeat() {
      again = true;
    },
    async cut() {
      connection?.close();
      connect();
    },
    async reachable(yes) {
      if (!yes) connection?.close();
      else connect();
    },
    connections: () => 0,
    async close() {
      const made = connection;
      connection = undefined;
      made?.close();
    },
  };
}

async function refuse(): Promise<never> {
  throw new Error("A terminal has no such thing");
}
