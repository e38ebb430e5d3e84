// The contract of chat commands: what a person asks of the program itself, in every adapter.
import type { InputId } from "../core/ids.ts";
import type { Inbound, Outgoing } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import type { ModelInfo } from "../models/model.ts";
import type { Proof } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import type { AdapterTraits } from "./handle.ts";
import type { Queue } from "./queue.ts";
import type { Resolved, SessionBook } from "./sessions.ts";

/** What commands may ask of the rest of the program. */
export interface CommandServices {
  store: Store;
  queue: Queue;
  book: SessionBook;
  /** All commands, for help. */
  commands: readonly Command[];
  /** The model that a session uses, as `provider/name[:level]`. */
  modelOf(session: Session | undefined): string;
  /** Checks a model's name. @throws Failure `settings`. */
  checkModel(name: string): Promise<ModelInfo>;
  availableModels(): Promise<ModelInfo[]>;
  /** MEMORY.md of the workspace and of a conversation. */
  memory(inbound: Inbound): Promise<{ workspace: string; conversation: string }>;
  /** What is true of the whole program, for `/status`, in lines. */
  statusLines(): string[];
  /** Kills the background commands of a session. */
  killBackground(session: number): Promise<Proof>;
  backgroundOf(session: number): { pid: number; command: string; startedAt: number }[];
  /** Waiting inputs were removed and start no turn. */
  onGone(inputs: InputId[]): void;
  /** Set while tools wait for the owner's word, with the reason. */
  confirmText(): string | undefined;
  /** Notes that tools may run without isolation. */
  confirmTools(): void;
  now(): number;
}

/** One call of a command. */
export interface CommandCall extends CommandServices {
  inbound: Inbound;
  args: string;
  resolved: Resolved;
  session: Session | undefined;
  traits: AdapterTraits;
  /** The caller's role as the server's own record has it. */
  owner: boolean;
}

/**
 * What a command answers. `apply` changes the store and runs in the transaction that notes the
 * command as done; it may answer what only it knows.
 */
export interface CommandEffect {
  answer?: Outgoing;
  apply?(): Outgoing | undefined;
}

/** One command. */
export interface Command {
  name: string;
  /** Shown after the name: `[session]`. */
  args?: string;
  summary: string;
  /** Also understood without a slash, as the whole message. */
  bare?: boolean;
  ownerOnly?: boolean;
  run(call: CommandCall): Promise<CommandEffect> | CommandEffect;
}

/** An answer of plain markdown. */
export function say(markdown: string): CommandEffect {
  return { answer: { markdown } };
}
