// The contract of the family: one configured connection to a chat platform (CONTRACTS.md 6).
import type { SecretRef } from "../config/secret.ts";
import type { Inbound, Receipt } from "../core/message.ts";
import type { AdapterHandle } from "../gateway/handle.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** An open adapter. */
export interface Adapter extends AdapterHandle {
  /** Ends its connections; what is in flight then is judged by the deliveries at the next start. */
  close(): Promise<void>;
}

/** A chat command as a platform's own menu shows it. */
export interface MenuCommand {
  name: string;
  summary: string;
  ownerOnly: boolean;
}

/** What an adapter is given, whatever its platform. */
export interface AdapterDeps {
  /** Name of the adapter in settings. */
  name: string;
  /**
   * Takes one outside happening. When it resolves, the happening is stored (or refused) and may be acknowledged to the
   * platform; when it throws, it must not be, and comes again.
   */
  receive(inbound: Inbound): Promise<Receipt>;
  /** The commands for the platform's menu. */
  commands: readonly MenuCommand[];
  /** Ids of those who may use the owner's commands, as far as they are known, for their menus. */
  admins(): readonly string[];
  /** A secret of the adapter's settings, looked up at each use. @throws Failure `settings` when it is not there. */
  secret(ref: SecretRef): string;
  /** What survives a restart and is the adapter's own, such as where it stopped reading. */
  memory: { get(key: string): string | undefined; set(key: string, value: string): void };
  clock: Clock;
  log: Log;
  /** The network; replaced in tests. */
  fetch: typeof fetch;
}
