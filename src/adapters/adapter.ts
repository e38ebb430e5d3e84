// The contract of the family: one configured connection to a chat platform (CONTRACTS.md 6).
import type { Inbound, Outgoing, Receipt } from "../core/message.ts";
import type { ReplyTarget } from "../core/session.ts";

/** Platform differences as data. */
export interface AdapterTraits {
  /** Whoever writes is the operating system's user, let in by the socket's file mode: the owner. */
  local: boolean;
  /** The door shows turn events by itself (terminal, web) and needs no deliveries. */
  live: boolean;
}

/** What an adapter may do. */
export interface AdapterDeps {
  receive(inbound: Inbound): Promise<Receipt>;
}

/** An open adapter. */
export interface Adapter {
  readonly name: string;
  readonly traits: AdapterTraits;
  /** Sends one message. @throws Failure when it surely did not arrive. */
  post(target: ReplyTarget, outgoing: Outgoing): Promise<void>;
  close(): Promise<void>;
}
