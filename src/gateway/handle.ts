// What the gateway needs of an open adapter; the adapters' contract builds on it.
import type { Outgoing } from "../core/message.ts";
import type { ReplyTarget } from "../core/session.ts";

/** Platform differences as data. */
export interface AdapterTraits {
  /** Whoever writes is the operating system's user, let in by the socket's file mode: the owner. */
  local: boolean;
  /** The door shows turn events by itself (terminal, web) and needs no deliveries. */
  live: boolean;
}

/** An open adapter as the gateway sees it. */
export interface AdapterHandle {
  readonly name: string;
  readonly type: string;
  readonly traits: AdapterTraits;
  /** Sends one message of the program itself. @throws Failure when it surely did not arrive. */
  post(target: ReplyTarget, outgoing: Outgoing): Promise<void>;
}
