// Edits, deletes and reactions: what became of a message after it was sent (CONTRACTS.md 1).
import { limits } from "../core/limits.ts";
import type { Inbound, Receipt } from "../core/message.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Queue } from "./queue.ts";
import { cleanText } from "./receive.ts";

/** What edits are received with. */
export interface EditDeps {
  store: Store;
  clock: Clock;
  queue: Queue;
}

/** An edit: of a waiting input it replaces the text, of a running one it steers, later it is history. */
export function receiveEdit({ store, clock, queue }: EditDeps, edited: Inbound & { kind: "edit" }): Receipt {
  const inbound = { ...edited, text: cleanText(edited.text).slice(0, limits.inputCharsMax) };
  const receipt = store.transaction((): Receipt => {
    const at = clock.now();
    const original = store.inputs.message(inbound.adapter, {
      conversation: inbound.conversation.id,
      id: inbound.target,
    });
    const session = original?.session ?? null;
    if (original?.state === "waiting" && original.inbound.kind === "message") {
      store.inputs.replaceBody(original.id, { ...original.inbound, text: inbound.text });
      const { input, fresh } = store.inputs.add(inbound, { state: "done", session, at });
      return fresh ? { state: "done", ok: true, input: input.id } : { state: "duplicate", input: input.id };
    }
    const steers = original?.state === "taken" && session !== null;
    const { input, fresh } = store.inputs.add(inbound, { state: steers ? "waiting" : "context", session, at });
    if (!fresh) return { state: "duplicate", input: input.id };
    return steers ? { state: "waiting", input: input.id, session, place: 1 } : { state: "context", input: input.id };
  });
  if (receipt.state === "waiting") queue.wake(receipt.session);
  return receipt;
}

/** A delete takes a waiting input back; of anything later it is only recorded. So are reactions. */
export function receiveOther({ store, clock }: EditDeps, inbound: Inbound): Receipt {
  return store.transaction((): Receipt => {
    const at = clock.now();
    const target = inbound.kind === "delete" ? inbound.target : undefined;
    const original =
      target === undefined
        ? undefined
        : store.inputs.message(inbound.adapter, { conversation: inbound.conversation.id, id: target });
    const { input, fresh } = store.inputs.add(inbound, { state: "context", session: original?.session ?? null, at });
    if (fresh && original?.state === "waiting") store.inputs.set(original.id, "removed");
    return { state: fresh ? "context" : "duplicate", input: input.id };
  });
}
