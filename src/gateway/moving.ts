// A conversation bears another id from now on: its sessions, what waits there and what is on its way go along.
import { hashOf } from "../access/approvals.ts";
import type { Address, Inbound } from "../core/message.ts";
import { movedId } from "../core/moved.ts";
import type { TurnRow } from "../core/session.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { freshNonce } from "./delivery/pieces.ts";

/** What moves are made with. */
export interface MovingDeps {
  store: Store;
  clock: Pick<Clock, "now" | "random">;
  log: Log;
  /** Turns that run: where they answer is in memory too. */
  running(): readonly { row: TurnRow }[];
  /** What is on its way goes to the new place. */
  movedOut(adapter: string, move: { from: string; to: string }): void;
}

/** Moves a conversation of an adapter. Done again, it changes nothing. @throws Failure `store` when it could not be stored. */
export function moveConversation(
  deps: MovingDeps,
  { adapter, from, to: wanted }: { adapter: string; from: string; to: string },
): void {
  const { store, clock, log } = deps;
  const to = store.moves.current(adapter, wanted);
  // Back to where it came from, or done before.
  const target = to === from ? wanted : to;
  if (from === target || store.moves.current(adapter, from) === target) return;
  store.transaction(() => {
    for (const { id, arguments: text } of store.moves.questions(adapter, from)) {
      const exact = { ...(JSON.parse(text) as Record<string, unknown>), surface: target };
      store.moves.rename(id, { arguments: JSON.stringify(exact), hash: hashOf(exact) });
    }
    store.moves.move({ adapter, from, to: target, at: clock.now(), nonce: () => freshNonce(clock) });
  });
  log.info("A conversation has another id now", { adapter, from, to: target });
  for (const { row } of deps.running()) {
    const { replyTo } = row;
    if (replyTo.adapter !== adapter || replyTo.conversation.id !== from) continue;
    const { replyTo: _answered, ...place } = current(store, replyTo);
    row.replyTo = { ...place, ...(place.root === undefined ? {} : { root: movedId(from, place.root) }) };
  }
  deps.movedOut(adapter, { from, to: target });
}

/** An address with the id that its conversation bears now. */
export function current<Given extends Address>(store: Pick<Store, "moves">, given: Given): Given {
  const id = store.moves.current(given.adapter, given.conversation.id);
  return id === given.conversation.id ? given : { ...given, conversation: { ...given.conversation, id } };
}

/**
 * An inbound that still names its conversation by an older id, as the store has it: what was taken before is known again,
 * and what is new comes in where the conversation is now.
 */
export function currentInbound<Given extends Inbound>(store: Pick<Store, "moves">, inbound: Given): Given {
  const placed = current(store, inbound);
  if (placed === inbound || inbound.kind === "action" || inbound.kind === "command") return placed;
  const from = inbound.conversation.id;
  const root = inbound.root === undefined ? {} : { root: movedId(from, inbound.root) };
  if (inbound.kind === "message") {
    if (inbound.event !== undefined) return placed;
    const replyTo = inbound.replyTo === undefined ? {} : { replyTo: movedId(from, inbound.replyTo) };
    return { ...placed, ...root, id: movedId(from, inbound.id), ...replyTo };
  }
  return { ...placed, ...root, id: movedId(from, inbound.id), target: movedId(from, inbound.target) };
}
