// Messages on their way in: made fit, stored in their session, and the turn that they start with them.
import { limits } from "../core/limits.ts";
import type { FileRef, Inbound, Receipt } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import { excerpt } from "../core/words.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Redactor } from "../vault/redact.ts";
import type { Queue } from "./queue.ts";
import type { SessionBook } from "./sessions.ts";

/** What messages are received with. */
export interface ReceiveDeps {
  store: Store;
  clock: Clock;
  redactor: Redactor;
  queue: Queue;
  book: SessionBook;
  /** Stores bytes as an attachment of a conversation. */
  keepFile(inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef>;
  /** The history view; never throws. */
  onInbound(inbound: Inbound): void;
}

type Message = Inbound & { kind: "message" };

/** Takes a message that was let in and is no command. @throws Failure `store` when it could not be stored. */
export async function receiveMessage(deps: ReceiveDeps, inbound: Message): Promise<Receipt> {
  const { store, queue } = deps;
  // Nothing is kept for what came before.
  const message = store.inputs.has(inbound) ? inbound : await withinLimits(deps, inbound);
  // The turn that it starts is stored with it: one commit, and a person waits for each.
  const { receipt, start } = store.transaction(() => {
    const receipt = place(deps, message);
    return { receipt, start: receipt.state === "waiting" ? queue.begin(receipt.session) : undefined };
  });
  start?.();
  if (receipt.state === "waiting" || receipt.state === "context") deps.onInbound(message);
  return receipt;
}

/** Inside the transaction: finds the session of a message and stores it there. */
function place(deps: ReceiveDeps, message: Message): Receipt {
  const { store, book } = deps;
  const resolved = book.resolve(message);
  if (resolved === undefined) return { state: "refused", reason: "No agent answers here" };
  const triggers = message.addressed || resolved.wiring.trigger === "all";
  if (!triggers && resolved.wiring.unmatched === "drop")
    return { state: "refused", reason: "The agent was not addressed" };
  const session =
    message.fresh === true ? book.apart(resolved, message) : triggers ? book.ensure(resolved) : resolved.session;
  if (triggers && session !== undefined && store.inputs.waitingCount(session.id) >= limits.waitingMax) {
    return {
      state: "refused",
      reason: `${limits.waitingMax} messages wait already; /queue shows them, /stop ends the turn`,
    };
  }
  return add(deps, { message, session, triggers });
}

/** Inside the transaction: the input, its place, and the message for search. */
function add(
  { store, clock, redactor }: ReceiveDeps,
  { message, session, triggers }: { message: Message; session: Session | undefined; triggers: boolean },
): Receipt {
  const at = clock.now();
  const state = triggers ? "waiting" : "context";
  const { input, fresh } = store.inputs.add(message, { state, session: session?.id ?? null, at });
  if (!fresh) return { state: "duplicate", input: input.id };
  store.messages.add({
    adapter: message.adapter,
    conversation: message.conversation.id,
    external: message.id,
    session: session?.id ?? null,
    turn: null,
    direction: "in",
    sender: message.sender.name,
    at: message.sentAt,
    text: redactor.exact(message.text),
  });
  if (!triggers || session === undefined) return { state: "context", input: input.id };
  store.sessions.touch(session.id, {
    at,
    title: excerpt(redactor.exact(message.text), 60),
  });
  return { state: "waiting", input: input.id, session: session.id, place: store.inputs.waitingCount(session.id) };
}

/** Text without halves of characters and without NUL, which no part further in would take. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "");
}

/** A text beyond the limit becomes a file that the agent can read, with its beginning in the message. */
async function withinLimits(deps: ReceiveDeps, inbound: Message): Promise<Message> {
  const text = cleanText(inbound.text);
  if (text.length <= limits.inputCharsMax) return { ...inbound, text };
  const file = await deps.keepFile(inbound, { name: "message.txt", bytes: new TextEncoder().encode(text) });
  const head = text.slice(0, limits.inputHeadChars).toWellFormed();
  return {
    ...inbound,
    text: `${head}…\n\n[The message has ${text.length} characters; all of it is in the attached file.]`,
    files: [...(inbound.files ?? []), file],
  };
}
