// What comes in from outside and what goes back: one form for every door.

/** Who wrote: the platform's immutable id decides, names are for display only (SECURITY.md 3). */
export interface Sender {
  id: string;
  name: string;
  isBot?: boolean;
  /**
   * The machine's own user, who put an event file there that names nobody. The schedule alone sets it; the gateway takes
   * it off whatever comes by another door.
   */
  own?: true;
}

/** The same person on one adapter. Somebody who bears the id of the machine's own user there is somebody else. */
export function isSamePerson(one: Sender, other: Sender): boolean {
  return one.id === other.id && one.own === other.own;
}

/** Where it was written. `adapter` is the adapter's configured name, not the platform's. */
export interface Address {
  adapter: string;
  conversation: { id: string; kind: "direct" | "shared" };
  /** Platform thread or topic, where the platform has them. */
  thread?: string;
  /**
   * Id of the message that the session began with, where each top-level message of a shared conversation has a session
   * of its own. The gateway finds it; what a door says here counts for nothing.
   */
  root?: string;
}

/** A file that came with a message: fetched after the acknowledgement and before the turn. */
export interface FileRef {
  /** Name as the sender gave it; untrusted. */
  name: string;
  mime?: string;
  bytes?: number;
  /** Opaque to all but its adapter, which fetches it. */
  ref: string;
  /** Path below the workspace once it is stored. */
  stored?: string;
  /** Why it will never be stored, in one clause: `it is larger than 20 MiB`. */
  problem?: string;
}

/** What every inbound carries. `id` is the platform's id of the happening; `sentAt` is Unix milliseconds. */
interface InboundBase extends Address {
  id: string;
  /** Rises with each edit of the same message; 0 for the first form. */
  revision?: number;
  sender: Sender;
  sentAt: number;
  /**
   * The door can answer this very happening (a button, a slash command) to that person alone: with a short `note` made
   * of the receipt, or with whole `message`s, which come to it as deliveries whose target has `onlyFor`.
   */
  answer?: { as: "note" | "message"; deadlineMs: number };
}

/** One outside happening, as a door hands it to `gateway.receive` (CONTRACTS.md 1). */
export type Inbound =
  | (InboundBase & {
      kind: "message";
      text: string;
      files?: FileRef[];
      /** True when the agent was addressed: a direct chat, a mention, a reply to it. */
      addressed: boolean;
      /** Id of the message that this one answers. */
      replyTo?: string;
      /** What of that message is quoted, as the platform told it. */
      quote?: { sender: string; text: string };
      /** The sender is likely not done (a text split by the client, an album): a turn begins so many milliseconds later. */
      joinMs?: number;
      /** Set by a schedule: the event's file name; the turn is told that nobody typed this. */
      event?: string;
      /** Set by a schedule that wants a session of its own instead of the conversation's. */
      fresh?: boolean;
      /** The gateway's own note: it was sent while nobody was there to read it. */
      missed?: boolean;
      /** The gateway's own note of a held message: it waits for a word to go on, or for the rest of a batch. */
      held?: "missed" | "batch";
    })
  | (InboundBase & { kind: "edit"; target: string; text: string })
  | (InboundBase & { kind: "delete"; target: string })
  | (InboundBase & { kind: "reaction"; target: string; emoji: string; added: boolean })
  /** A button was pressed: the delivery's row number and the index of the choice in that row, both as the platform gave them back. */
  | (InboundBase & { kind: "action"; delivery: string; value: string })
  | (InboundBase & { kind: "command"; name: string; args: string });

/** What somebody wrote. */
export type Message = Inbound & { kind: "message" };

/** What became of an inbound, once it is stored. */
export type Receipt =
  /** Stored; `place` is the position among the waiting inputs of its session, 1 = next. */
  | { state: "waiting"; input: number; session: number; place: number }
  /** Kept as context, no turn starts. */
  | { state: "context"; input: number }
  /** Stored before: a re-delivery, nothing happens again. */
  | { state: "duplicate"; input: number }
  /** A command; its answer, if any, is in `answer`. `ok: false`: it could not be done, and the answer says why. */
  | { state: "done"; ok: boolean; input?: number; answer?: Outgoing }
  /** Not let in or not taken; one sentence why. `quiet`: it is not said to whoever wrote. */
  | { state: "refused"; reason: string; quiet?: boolean };

/**
 * A button or list choice under a message. `value` is the chat command that it stands for (`/switch S002`): pressing is
 * saying it, in that place and with the rights of whoever presses.
 */
export interface Choice {
  value: string;
  label: string;
}

/** A kept file on its way out. */
export interface OutgoingFile {
  /** Path below the workspace. */
  stored: string;
  name: string;
  bytes: number;
  caption?: string;
}

/** What goes out: standard markdown, converted by the adapter. */
export interface Outgoing {
  markdown: string;
  choices?: Choice[];
  files?: OutgoingFile[];
  /** Id of the one user who may read it: sent privately, or not at all. */
  onlyFor?: string;
  /** It is in the chat already: where the door can show whoever acted a note of it, no message of its own is sent. */
  noted?: true;
}
