// What goes over the control socket's chat (`/v1/chat`), one JSON object a line.
import type { TurnEvent } from "./event.ts";
import type { EventNumber, InputId, SessionId, TurnId } from "./ids.ts";
import type { Outgoing, Receipt } from "./message.ts";

/** Protocol version: both sides must be equal, else the answer says which side to restart. */
export const protocolVersion = 1;

/** The header in which both sides of the control socket name it. */
export const protocolHeader = "x-remoteagent-protocol";

/** From the screen to the instance. */
export type ChatUp =
  /** First frame. `after`: show stored events after this number again (after a lost connection). */
  | { type: "open"; version: number; conversation: string; folder?: string; after?: EventNumber }
  /** `id` comes back in the `receipt`. Only `message` and `command` inbounds; address, sender and time are filled in here. */
  | { type: "say"; id: string; text: string; files?: { name: string; data: string }[] }
  | { type: "command"; id: string; name: string; args: string };

/** What the screen shows of the conversation's session. */
export interface ChatState {
  conversation: string;
  session: SessionId | null;
  sessionName: string;
  title: string;
  model: string;
  /** True for the offline demo model. */
  demo: boolean;
  running: TurnId | null;
  waiting: number;
  folder: string | null;
  /** Where commands run and what holds them there, in a few words: `host, bubblewrap`. */
  sandbox?: string;
  /** Tools need one confirmation first (no isolation here); the text says why. */
  confirm?: string;
}

/** A chat command as the screen offers it for completion; `name` has no slash. */
export interface ChatCommand {
  name: string;
  /** What follows the name, as a person reads it: `<session>`. */
  args?: string;
  summary: string;
}

/** From the instance to the screen. */
export type ChatDown =
  /** Always first. `connection` is the address of further frames of this screen. */
  | {
      type: "hello";
      version: number;
      connection: string;
      program: string;
      pid: number;
      alone: boolean;
      commands: ChatCommand[];
    }
  | { type: "state"; state: ChatState }
  /** `n` is the number of the stored event; deltas have the number of the last stored one. */
  | { type: "event"; n: EventNumber; turn: TurnId; session: SessionId; event: TurnEvent }
  /** Replaces what the screen shows of the answer that is just forming: somebody joined or came back. */
  | { type: "forming"; turn: TurnId; session: SessionId; text: string }
  /** A waiting input was removed and starts no turn. */
  | { type: "gone"; input: InputId }
  | { type: "receipt"; id: string; receipt: Receipt }
  /** Something said by the program itself and not by the agent. */
  | { type: "post"; outgoing: Outgoing }
  /** The instance goes away and where to go then. */
  | { type: "bye"; reason: "stop" | "handover" }
  | { type: "error"; message: string; hint?: string };
