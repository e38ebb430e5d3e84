// Finds the session that an inbound belongs to, and makes it when there is none.
import { Failure } from "../core/failure.ts";
import { type EntryId, parsePublicId, publicId, type SessionId } from "../core/ids.ts";
import type { Inbound } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import type { Place } from "../store/sessions.ts";
import type { Store } from "../store/store.ts";
import type { Wiring } from "../store/wirings.ts";
import type { Clock } from "../sys/clock.ts";

/** Where an inbound belongs: the wiring that answers and the place its session is bound to. */
export interface Resolved {
  wiring: Wiring;
  place: Place;
  /** Row number of the conversation. */
  conversation: number;
  session: Session | undefined;
}

export type SessionBook = ReturnType<typeof createSessionBook>;

/** Session lookup over the store. Every method runs inside the caller's transaction. */
export function createSessionBook({ store, clock }: { store: Store; clock: Clock }) {
  const resolve = (inbound: Inbound): Resolved | undefined => {
    const wiring = store.wirings.find(inbound.adapter, inbound.conversation.id);
    if (wiring === undefined) return undefined;
    const conversation = store.wirings.conversation(inbound.adapter, { ...inbound.conversation, at: clock.now() });
    const place = placeOf(inbound, { wiring, conversation });
    return { wiring, place, conversation, session: store.sessions.at(place) };
  };
  /** The session that a place leads to now; makes nothing. */
  const find = (inbound: Inbound): Session | undefined => {
    const wiring = store.wirings.find(inbound.adapter, inbound.conversation.id);
    const conversation = store.wirings.known(inbound.adapter, inbound.conversation.id);
    if (wiring === undefined || conversation === undefined) return undefined;
    return store.sessions.at(placeOf(inbound, { wiring, conversation }));
  };
  const create = (resolved: Resolved, { folder = null }: { folder?: string | null } = {}): Session => {
    const session = store.sessions.create({ agent: resolved.wiring.agent, at: clock.now(), folder });
    store.sessions.bind(resolved.place, session.id);
    return session;
  };
  return {
    resolve,
    find,
    create,
    /** A session of its own for an event, bound to no place; a repeated hand-over gets the one it had. */
    apart(resolved: Resolved, message: Inbound): Session {
      const known = store.inputs.message(message.adapter, { conversation: message.conversation.id, id: message.id });
      const had = known?.session == null ? undefined : store.sessions.get(known.session);
      return had ?? store.sessions.create({ agent: resolved.wiring.agent, at: clock.now() });
    },
    /** The session of a place; a thread's first message forks its conversation's session as it stands. */
    ensure(resolved: Resolved): Session {
      if (resolved.session !== undefined) return resolved.session;
      const { root, ...base } = resolved.place;
      const parent = root === undefined ? undefined : store.sessions.at(base);
      if (parent === undefined) return create(resolved);
      return fork(parent, resolved);
    },
    /**
     * Rebinds a place to another session. @throws Failure `not-found`, in the same words for a foreign
     * session and a missing one, unless `all` (the owner) or the session is reached from here.
     */
    switchTo(resolved: Resolved, { wanted, all }: { wanted: string; all: boolean }): Session {
      const id: SessionId | undefined = parsePublicId(wanted);
      const session = id === undefined ? undefined : store.sessions.get(id);
      const allowed = session !== undefined && (all || store.sessions.reachedFrom(session.id, resolved.conversation));
      if (session === undefined || !allowed) {
        throw new Failure("not-found", `Cannot switch to session ${JSON.stringify(wanted)}: there is none`, {
          hint: "/sessions lists them",
        });
      }
      store.sessions.bind(resolved.place, session.id);
      return session;
    },
  };

  /** A fork copies nothing: it starts at the parent's newest entry that no running turn may still take back. */
  function fork(parent: Session, resolved: Resolved): Session {
    const child = store.sessions.create({
      agent: parent.agent,
      at: clock.now(),
      title: parent.title === "" ? "" : `${parent.title} (from ${publicId(parent.id)})`,
      model: parent.model,
      folder: parent.folder,
      parent: { session: parent.id, entry: sealedHead(store, parent) },
    });
    store.sessions.bind(resolved.place, child.id);
    return child;
  }
}

/** The newest entry before the turn that is still open, if one is. */
function sealedHead(store: Store, parent: Session): EntryId | null {
  let id = parent.head;
  while (id !== null) {
    const entry = store.entries.get(id);
    if (entry === undefined) return null;
    const turn = entry.turn === null ? undefined : store.turns.get(entry.turn);
    if (turn === undefined || turn.endedAt !== null) return id;
    id = entry.parent;
  }
  return null;
}

/** Where the session of an inbound is bound, by the wiring's mode. */
function placeOf(inbound: Inbound, { wiring, conversation }: { wiring: Wiring; conversation: number }): Place {
  const agent = wiring.agent;
  const thread = inbound.thread === undefined ? {} : { root: inbound.thread };
  switch (wiring.mode) {
    case "agent-shared":
      return { agent };
    case "shared":
      return { agent, conversation };
    case "per-user":
      return { agent, conversation, ...thread, user: inbound.sender.id };
    case "per-thread":
      return { agent, conversation, ...thread };
  }
}
