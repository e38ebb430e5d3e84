// The contract of the family: one configured connection to a chat platform (CONTRACTS.md 6).
import type { AdapterHandle } from "../gateway/handle.ts";

/** An open adapter. `close` ends its connections; what is in flight then is told by the gateway later. */
export interface Adapter extends AdapterHandle {
  close(): Promise<void>;
}
