// The contract of the family: one configured connection to a chat platform (CONTRACTS.md 6).
import type { Inbound, Receipt } from "../core/message.ts";
import type { AdapterHandle } from "../gateway/handle.ts";

/** What every adapter gets. */
export interface AdapterDeps {
  /** Hands in one outside happening; it is stored once this resolves. */
  receive(inbound: Inbound): Promise<Receipt>;
}

/** An open adapter. `close` ends its connections; what is in flight then is told by the gateway later. */
export interface Adapter extends AdapterHandle {
  close(): Promise<void>;
}
