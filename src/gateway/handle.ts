// What the gateway needs of an open adapter (CONTRACTS.md 6); the adapters' contract builds on it.
import type { FileRef, Outgoing } from "../core/message.ts";
import type { ReplyTarget } from "../core/session.ts";

/** Platform differences as data. */
export interface AdapterTraits {
  /** Whoever writes is the operating system's user, let in by the socket's file mode: the owner. */
  local: boolean;
  /** The door shows turn events by itself (terminal, web) and needs no deliveries. */
  live: boolean;
  /** Top-level messages of a shared conversation: one session for all of them, or one for each root message. */
  sharedTop: "conversation" | "message";
  /**
   * What a thread is: a `place` of its own (a forum topic), or what was said below a `message`, whose id it bears. Below
   * a message whose session is its own a thread goes on with that one; else it forks the conversation's session there.
   */
  threads: "place" | "message";
  /** The id of a person's direct conversation is the person's own id. */
  directIsUser: boolean;
  /**
   * How a send of unknown fate is made safe: a `marker` is sent first and the text comes by edit, or `find` looks
   * whether it arrived before it is sent again.
   */
  repeat: "marker" | "find";
  /** Where the outputs of tools stand when they are wanted: in the answer, or in a thread below it. */
  details: "answer" | "thread";
  /** Least time between two edits of one message, in milliseconds. */
  editEveryMs: number;
  /** What forming answers of all conversations together may take, where there is such a limit. */
  editsPerMinute?: number;
  /** How long a "typing" is shown, in milliseconds. */
  typingMs: number;
}

/** A door that shows turns by itself: what the program says beside them is posted there. */
export interface LiveDoor {
  readonly name: string;
  readonly type: string;
  readonly traits: AdapterTraits;
  /** Shows one message of the program itself. @throws Failure when it surely did not arrive. */
  post(target: ReplyTarget, outgoing: Outgoing): Promise<void>;
}

/** A button as the platform sends it: `data` comes back in `action`. */
export interface Button {
  label: string;
  /** `<delivery>:<index>`; at most 64 bytes. */
  data: string;
}

/** One message in the platform's own form. */
export interface PlatformMessage {
  /** What {@link AdapterHandle.render} made. */
  body: string;
  buttons: readonly Button[];
  /** Platform id of the message that this one answers. */
  replyTo?: string;
  /** The phone rings. */
  audible: boolean;
  /** More will be put into it: a marker, or an answer that forms. The last change of a message has it false. */
  forming: boolean;
  /** Makes a repetition known, where the platform can. */
  nonce: string;
}

/** Why a call to a platform did not do what it should. */
export class PlatformError extends Error {
  override name = "PlatformError";
  /**
   * `refused`: it surely did not happen and never will. `later`: it surely did not happen, and may when repeated.
   * `unknown`: nobody can say whether it happened. `gone`: the message to change is not there any more.
   */
  readonly fate: "refused" | "later" | "unknown" | "gone";
  /** Earliest time of a repetition, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** It concerns the whole adapter (its rate, its token, its network) and not this conversation alone. */
  readonly everywhere: boolean;
  constructor(
    message: string,
    options: {
      fate: PlatformError["fate"];
      retryAfterMs?: number;
      everywhere?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fate = options.fate;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    this.everywhere = options.everywhere ?? false;
  }
}

/** What an adapter says of its connection. Times are Unix milliseconds. */
export interface AdapterHealth {
  /** `connected` means that something was received lately. */
  state: "connecting" | "connected" | "down";
  since: number;
  /** When something last came from the platform, even an empty answer. */
  heardAt: number | null;
  /** One sentence, with the mend, when it is down. */
  problem?: string;
  /** The bot's own name and address, once known: `@my_bot`. */
  self?: string;
}

/**
 * An open adapter as the gateway sees it. Calls are made by the deliveries, one at a time for each conversation. Each
 * either does what it says or throws a {@link PlatformError}; none repeats a send by itself.
 */
export interface AdapterHandle {
  readonly name: string;
  readonly type: string;
  readonly traits: AdapterTraits;
  /**
   * Standard markdown in the platform's form, one body for each message; pure, never empty. `forming` makes one. Of a
   * `final` text that takes more than `limits.answerPartsMax` messages it is enough to return one more than that: so
   * many are sent, and all of the text goes as a file behind them.
   */
  render(markdown: string, form: "final" | "forming"): string[];
  /** Sends a message. @returns its platform id. */
  post(target: ReplyTarget, message: PlatformMessage): Promise<string>;
  /** Changes a message; the same content again is no error. Without a message it is taken away. */
  change(target: ReplyTarget, change: { ref: string; message?: PlatformMessage }): Promise<void>;
  /** Sends a file. @returns its platform id. */
  file(
    target: ReplyTarget,
    file: { name: string; bytes: Uint8Array; caption?: string; replyTo?: string; nonce: string },
  ): Promise<string>;
  /**
   * Looks for what an earlier send may have left there; with `repeat: "find"`. `since` is when it may have been sent
   * first, Unix milliseconds. @returns its platform id, undefined when it surely did not arrive.
   * @throws PlatformError `later` when that cannot be said now, `unknown` or `refused` when it never can.
   */
  find?(target: ReplyTarget, sent: { nonce: string; body?: string; since: number }): Promise<string | undefined>;
  /** Best effort: shows that something happens (`typing`), or that a message was seen. May come beside another call. */
  signal(target: ReplyTarget, what: "typing" | "seen"): Promise<void>;
  /** Fetches a file that came in. @throws Failure with one sentence for the person when it is too large or gone. */
  fetch(file: FileRef, options: { bytesMax: number; signal: AbortSignal }): Promise<Uint8Array>;
  health(): AdapterHealth;
}
