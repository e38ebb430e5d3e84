// The contract of chat commands: what a person asks of the program itself, in every adapter.

import type { Answer, AnswerResult } from "../../access/approvals.ts";
import type { Role } from "../../access/roles.ts";
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Address, Choice, Inbound, Outgoing } from "../../core/message.ts";
import type { Input, Session } from "../../core/session.ts";
import type { ModelInfo } from "../../models/model.ts";
import type { Proof } from "../../sandbox/sandbox.ts";
import type { Store } from "../../store/store.ts";
import type { AdapterTraits } from "../handle.ts";
import type { Queue } from "../queue/queue.ts";
import type { Resolved, SessionBook } from "../sessions.ts";

/** The pages that show sessions. */
export interface SessionPage {
  /** Reachable from other machines than this one, as far as settings say. */
  elsewhere: boolean;
  /** Makes a link for one person, in the caller's transaction. `conversation` is where it was asked for. */
  link(scope: Pick<Address, "adapter" | "conversation"> & { user: string; session: number }): { url: string };
}

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
  /** What was held or kept as context starts a turn, in the caller's transaction. @returns what is done after it. */
  release(inputs: readonly Input[]): () => void;
  /** Names of the agents that settings know. */
  agents(): string[];
  /**
   * Sends a message again, although it may have arrived, if it belongs to that place. In the caller's transaction.
   * @returns false when there is nothing to send.
   */
  sendAgain(delivery: number, place: Address): boolean;
  /** Answers a question as whoever wrote; with one sentence about what became of it. */
  answerQuestion(
    inbound: Inbound,
    answer: { traits: AdapterTraits; id: number; answer: Answer },
  ): Pick<AnswerResult, "ok" | "text">;
  /** Opens the web pages if they are not open yet. @throws Failure `state` when they cannot be. */
  sessionPage(): Promise<SessionPage>;
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
  role: Role;
  owner: boolean;
}

/**
 * What a command answers. `apply` changes the store and runs in the transaction that notes the
 * command as done; it may answer what only it knows.
 */
export interface CommandEffect {
  answer?: Outgoing;
  apply?(): Outgoing | undefined;
  /** Runs once that is committed. */
  after?(): void;
  /** The call is a message with this text instead; nothing else of the effect counts. */
  becomes?: string;
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
  /** The least role that may use it; everybody who is let in when absent. */
  least?: Role;
  /** It changes the session of everybody who writes in the place: in a shared one it is for members. */
  forAll?: boolean;
  /** Not in /help: it is for a platform's own button, or for the program. */
  hidden?: boolean;
  run(call: CommandCall): Promise<CommandEffect> | CommandEffect;
}

/** An answer of plain markdown, with buttons if there are any. */
export function say(markdown: string, choices: readonly Choice[] = []): CommandEffect {
  return { answer: { markdown, ...buttons(choices) } };
}

/** Buttons as a part of an outgoing message; no more than a person can choose from. */
export function buttons(choices: readonly Choice[]): Pick<Outgoing, "choices"> {
  return choices.length === 0 ? {} : { choices: choices.slice(0, limits.choicesMax) };
}
