// Where the answer to an inbound goes, and which inputs may share one.
import { type Inbound, isSamePerson } from "../core/message.ts";
import { wasMoved } from "../core/moved.ts";
import type { ReplyTarget, TurnRow } from "../core/session.ts";

/** Where the answer to an inbound goes. */
export function replyTarget(inbound: Inbound): ReplyTarget {
  const { adapter, conversation, thread, root } = inbound;
  // A correction that is taken after its turn is answered where the message stands that it corrects.
  const replyTo = inbound.kind === "message" ? inbound.id : inbound.kind === "edit" ? inbound.target : undefined;
  return {
    adapter,
    conversation,
    ...(thread === undefined ? {} : { thread }),
    ...(root === undefined ? {} : { root }),
    // Of before the conversation moved the platform knows nothing there.
    ...(replyTo === undefined || wasMoved(replyTo) ? {} : { replyTo }),
  };
}

/**
 * Where the program itself answers an inbound: to that person alone, where the door can do so for this very happening. A
 * turn that comes of it answers everybody.
 */
export function answerTarget(inbound: Inbound): ReplyTarget {
  const target = replyTarget(inbound);
  if (inbound.answer?.as !== "message") return target;
  const happening = inbound.id.startsWith(pressMark) ? inbound.id.slice(pressMark.length) : inbound.id;
  return { ...target, onlyFor: { user: inbound.sender.id, happening } };
}

/** Stands before the id of a press that became a command: both are counted apart. */
export const pressMark = "press:";

/** Two inputs with the same key have the same requester and the same place. */
export function shareKey({ sender, adapter, conversation, thread, root }: Inbound): string {
  return JSON.stringify([sender.id, sender.own ?? false, adapter, conversation.id, thread ?? null, root ?? null]);
}

/** Inputs share a turn only when requester and reply target are equal. */
export function mayJoin(inbound: Inbound, row: Pick<TurnRow, "requester" | "replyTo">): boolean {
  const { adapter, conversation, thread, root } = row.replyTo;
  return (
    isSamePerson(inbound.sender, row.requester) &&
    inbound.adapter === adapter &&
    inbound.conversation.id === conversation.id &&
    inbound.thread === thread &&
    inbound.root === root
  );
}
