// The contract of the family: one configured connection to a chat platform (CONTRACTS.md 6).
import type { SecretRef } from "../config/secret.ts";
import type { TurnId } from "../core/ids.ts";
import type { Address, Inbound, Receipt } from "../core/message.ts";
import type { Behind } from "../core/succession.ts";
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
  /** What stands behind the name, `[session]` or `<number>`; a command without it takes nothing. */
  args?: string;
  ownerOnly: boolean;
}

/** A conversation, or a thread of it, that has a session. */
export interface KnownPlace {
  conversation: Address["conversation"];
  thread?: string;
  /** The newest message that came in from there. */
  newest: { id: string; sentAt: number };
}

/** What one person may see of what goes on, for surfaces such as a home page. Times are Unix milliseconds. */
export interface HomeView {
  turns: readonly {
    turn: TurnId;
    /** Title of its session. */
    title: string;
    startedAt: number;
    /** When something last happened in it. */
    activeAt: number;
    /** What it does now, in a few words; empty when it thinks. */
    doing: string;
    conversation: Address["conversation"];
    thread?: string;
  }[];
  /** Files of `events/` and when each is due next. */
  schedules: readonly { file: string; nextAt: number; conversation: Address["conversation"] }[];
}

/** What surfaces are made from: the gateway's own knowledge, read at each use. */
export interface Views {
  /** An owner or admin sees everything of this adapter, a member what is theirs, anybody else undefined. */
  home(user: string): HomeView | undefined;
  /** Names that `/model` takes, of models that have what they need. */
  models(): Promise<readonly string[]>;
  /** Calls back whenever a turn of this adapter begins, or ends. @returns the function that ends it. */
  watch(changed: () => void): () => void;
}

/** What an adapter is given, whatever its platform. */
export interface AdapterDeps {
  /** Name of the adapter in settings. */
  name: string;
  /**
   * Takes one outside happening. When it resolves, the happening is stored (or refused) and may be acknowledged to the
   * platform; when it throws, it must not be, and comes again. `behind`: others of its conversation are still coming in.
   */
  receive(inbound: Inbound, behind?: Behind): Promise<Receipt>;
  /**
   * The conversation `from` bears the id `to` from now on; its sessions and what waits for it go along. Done again, it
   * changes nothing. @throws Failure `store` when it could not be stored.
   */
  moved(from: string, to: string): void;
  /** The conversations in which something was said to us, with the newest that came from each: where to look for gaps. */
  places(): readonly KnownPlace[];
  /** What a surface beside the conversations shows. */
  views: Views;
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
