// Edits, deletes and reactions: what became of a message after it was sent (CONTRACTS.md 1).
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { type Inbound, isSamePerson, type Receipt } from "../../core/message.ts";
import type { Input } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { Queue } from "../queue/queue.ts";
import type { Fetching } from "./fetching.ts";
import { cleanText } from "./receive.ts";

/** What edits are received with. */
export interface EditDeps {
  store: Store;
  clock: Clock;
  queue: Queue;
  redactor: Redactor;
  fetching: Pick<Fetching, "drop">;
  /** Waiting inputs were removed and start no turn; never throws. */
  onGone(inputs: InputId[]): void;
}

/** An edit: of a waiting input it replaces the text, of a running one it steers, later it is history. */
export function receiveEdit({ store, clock, queue, redactor }: EditDeps, edited: Inbound & { kind: "edit" }): Receipt {
  const inbound = { ...edited, text: cleanText(edited.text).slice(0, limits.inputCharsMax) };
  const receipt = store.transaction((): Receipt => {
    const at = clock.now();
    const original = store.inputs.message(inbound.adapter, {
      conversation: inbound.conversation.id,
      id: inbound.target,
    });
    if (original === undefined && !keepsAll(store, inbound))
      return { state: "refused", reason: "The message that was edited is not known here", quiet: true };
    const session = original?.session ?? null;
    const own = original !== undefined && isSamePerson(original.inbound.sender, inbound.sender);
    const offered = original?.state === "waiting" && queue.isOffered(original.id);
    // Nobody has read it yet: it waits, is held, or is kept as context for a later turn.
    const unread =
      original !== undefined &&
      own &&
      ((original.state === "waiting" && !offered) ||
        original.state === "held" ||
        (original.state === "context" && original.turn === null));
    if (unread && original.inbound.kind === "message") {
      store.inputs.replaceBody(original.id, { ...original.inbound, text: inbound.text });
      const { adapter, conversation } = inbound;
      const text = redactor.exact(inbound.text);
      store.messages.setText(inbound.target, { adapter, conversation: conversation.id, text });
      const { input, fresh } = store.inputs.add(inbound, { state: "done", session, at });
      return fresh ? { state: "done", ok: true, input: input.id } : { state: "duplicate", input: input.id };
    }
    const steers = (original?.state === "taken" || (own && offered)) && session !== null;
    // It belongs where the original does, and only its own person corrects it.
    const { input, fresh } = store.inputs.add(corrected(inbound, original), {
      state: steers ? "waiting" : "context",
      session,
      at,
    });
    if (!fresh) return { state: "duplicate", input: input.id };
    return steers ? { state: "waiting", input: input.id, session, place: 1 } : { state: "context", input: input.id };
  });
  if (receipt.state === "waiting") queue.wake(receipt.session);
  return receipt;
}

/** True where also what starts nothing is kept: an edit of anything else belongs to what was dropped. */
function keepsAll({ wirings }: Store, { adapter, conversation }: Inbound): boolean {
  return wirings.find(adapter, conversation.id)?.unmatched === "accumulate";
}

/** An edit in the place of what it edits: platforms do not tell the thread or root of an edit reliably. */
function corrected(inbound: Inbound & { kind: "edit" }, original: Input | undefined): Inbound & { kind: "edit" } {
  if (original === undefined) return inbound;
  const { thread, root } = original.inbound;
  const { thread: _thread, root: _root, ...plain } = inbound;
  return { ...plain, ...(thread === undefined ? {} : { thread }), ...(root === undefined ? {} : { root }) };
}

/** A delete takes a message back that no turn has taken; of anything later it is only recorded. So are reactions. */
export function receiveOther(deps: EditDeps, inbound: Inbound): Receipt {
  const { store, clock } = deps;
  let gone: InputId | undefined;
  const receipt = store.transaction((): Receipt => {
    const at = clock.now();
    const target = inbound.kind === "delete" ? inbound.target : undefined;
    const original =
      target === undefined
        ? undefined
        : store.inputs.message(inbound.adapter, { conversation: inbound.conversation.id, id: target });
    const { input, fresh } = store.inputs.add(inbound, { state: "context", session: original?.session ?? null, at });
    if (!fresh) return { state: "duplicate", input: input.id };
    const unread = original?.state === "waiting" || original?.state === "held" || original?.state === "context";
    if (original !== undefined && unread) {
      store.inputs.set(original.id, "removed");
      if (original.state === "waiting") gone = original.id;
    }
    return { state: "context", input: input.id };
  });
  if (gone !== undefined) {
    deps.fetching.drop([gone]);
    deps.onGone([gone]);
  }
  return receipt;
}
