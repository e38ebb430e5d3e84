// Finds the session that an inbound belongs to, and makes it when there is none.
import { Failure } from "../core/failure.ts";
import { type EntryId, parsePublicId, publicId, type SessionId, type TurnId } from "../core/ids.ts";
import type { Inbound } from "../core/message.ts";
import type { Session, SessionOptions } from "../core/session.ts";
import type { Place } from "../store/sessions.ts";
import type { Store } from "../store/store.ts";
import type { Wiring } from "../store/wirings.ts";
import type { Clock } from "../sys/clock.ts";
import type { AdapterTraits } from "./handle.ts";

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
export function createSessionBook({ store, clock }: BookDeps) {
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
  const create = (
    resolved: Resolved,
    { folder = null, options = {} }: { folder?: string | null; options?: SessionOptions } = {},
  ): Session => {
    const session = store.sessions.create({ agent: resolved.wiring.agent, at: clock.now(), folder, options });
    store.sessions.bind(resolved.place, session.id);
    return session;
  };
  /** The place around a root or thread: what is chosen there holds for sessions that begin in it. */
  const basePlace = ({ place: { root: _root, ...base } }: Resolved): Place => base;
  const base = (resolved: Resolved): Session | undefined =>
    resolved.place.root === undefined ? resolved.session : store.sessions.at(basePlace(resolved));
  return {
    resolve,
    /** The inbound with the root of its session, which the gateway alone finds. See {@link findRoot}. */
    rooted: <Given extends Inbound>(inbound: Given, options: { traits: AdapterTraits; command: boolean }): Given =>
      withRoot(store, { inbound, ...options }),
    /** The session of the conversation around a thread or root; the session itself where there is no such. */
    base,
    /** The same, made when there is none. */
    ensureBase(resolved: Resolved): Session {
      const place = basePlace(resolved);
      return store.sessions.at(place) ?? create({ ...resolved, place });
    },
    find,
    create,
    /** A session of its own for an event, bound to no place; a repeated hand-over gets the one it had. */
    apart(resolved: Resolved, message: Inbound): Session {
      const known = store.inputs.message(message.adapter, { conversation: message.conversation.id, id: message.id });
      const had = known?.session == null ? undefined : store.sessions.get(known.session);
      if (had !== undefined) return had;
      // Where the agent may only look, that holds for what a schedule says there as well.
      const plan = (resolved.session ?? base(resolved))?.options.plan;
      const options = plan === undefined ? {} : { plan };
      return store.sessions.create({ agent: resolved.wiring.agent, at: clock.now(), options });
    },
    /** The session of a place; a thread's first message forks its conversation's session as it stands. */
    ensure(resolved: Resolved): Session {
      if (resolved.session !== undefined) return resolved.session;
      const parent = resolved.place.root === undefined ? undefined : store.sessions.at(basePlace(resolved));
      if (parent === undefined) return create(resolved);
      return fork({ store, clock }, { parent, resolved });
    },
    /**
     * Rebinds a place to another session. @throws Failure `not-found`, in the same words for a foreign
     * session and a missing one, unless `all` (the owner) or the session is reached from here.
     */
    switchTo(resolved: Resolved, { wanted, all }: { wanted: string; all: boolean }): Session {
      const id: SessionId | undefined = parsePublicId(wanted);
      const session = id === undefined ? undefined : store.sessions.get(id);
      // Which agent answers here is for admins to choose: its folders and rights are its own.
      const here = (found: Session) =>
        found.agent === resolved.wiring.agent && store.sessions.reachedFrom(found.id, resolved.conversation);
      const allowed = session !== undefined && (all || here(session));
      if (session === undefined || !allowed) {
        throw new Failure("not-found", `Cannot switch to session ${JSON.stringify(wanted)}: there is none`, {
          hint: "/sessions lists them",
        });
      }
      store.sessions.bind(resolved.place, session.id);
      return session;
    },
  };
}

/** What the book works with. */
interface BookDeps {
  store: Store;
  clock: Clock;
}

/** A fork copies nothing: it starts at an entry of its parent, and with what was chosen there. */
function fork({ store, clock }: BookDeps, { parent, resolved }: { parent: Session; resolved: Resolved }): Session {
  const { batch: _batch, autoReply: _autoReply, ...options } = parent.options;
  const child = store.sessions.create({
    agent: parent.agent,
    at: clock.now(),
    title: parent.title === "" ? "" : `${parent.title} (from ${publicId(parent.id)})`,
    model: parent.model,
    folder: parent.folder,
    options,
    parent: { session: parent.id, entry: forkPoint(store, { parent, turn: rootTurn(store, resolved) }) },
  });
  store.sessions.bind(resolved.place, child.id);
  return child;
}

/** The turn of the message that a thread begins at, whoever wrote it. */
function rootTurn(store: Store, { conversation, place: { root } }: Resolved): TurnId | undefined {
  const known = root === undefined ? undefined : store.wirings.place(conversation);
  if (root === undefined || known === undefined) return undefined;
  const { adapter, external } = known;
  const asked = store.inputs.message(adapter, { conversation: external, id: root })?.turn;
  return asked ?? store.deliveries.byRef(adapter, external, root)?.turn ?? undefined;
}

/**
 * The newest entry of the parent at or before the turn in which the thread's root was said, and before every turn that
 * is still open: that one may take its entries back.
 */
function forkPoint(
  store: Store,
  { parent, turn: last }: { parent: Session; turn: TurnId | undefined },
): EntryId | null {
  let id = parent.head;
  while (id !== null) {
    const entry = store.entries.get(id);
    if (entry === undefined) return null;
    const turn = entry.turn === null ? undefined : store.turns.get(entry.turn);
    const sealed = turn === undefined || turn.endedAt !== null;
    // Turns of other sessions stand only before the point where this parent was itself forked.
    const after = turn !== undefined && last !== undefined && turn.session === parent.id && turn.id > last;
    if (sealed && !after) return id;
    id = entry.parent;
  }
  return null;
}

/**
 * The root of the session that an inbound belongs to, on platforms where each top-level message of a shared conversation
 * has a session of its own: a message that answers nothing is itself the root, an answer belongs to the root of what it
 * answers, and whatever comes from a thread below a message to the root of that. A command that answers nothing has none:
 * it is about the conversation.
 */
function withRoot<Given extends Inbound>(
  store: Store,
  { inbound, traits, command }: { inbound: Given; traits: AdapterTraits; command: boolean },
): Given {
  const { root: _root, ...plain } = inbound;
  if (traits.sharedTop !== "message" || inbound.conversation.kind !== "shared") return plain as Given;
  if (inbound.thread !== undefined) {
    if (traits.threads === "place") return plain as Given;
    return { ...plain, root: findRoot(store, { inbound, target: inbound.thread }) } as Given;
  }
  if (inbound.kind !== "message") return plain as Given;
  if (inbound.replyTo === undefined) return command ? (plain as Given) : ({ ...plain, root: inbound.id } as Given);
  return { ...plain, root: findRoot(store, { inbound, target: inbound.replyTo }) } as Given;
}

/** Of a message that came in or that we sent; one that nobody knows is itself the root. */
function findRoot(
  store: Store,
  { inbound: { adapter, conversation }, target }: { inbound: Inbound; target: string },
): string {
  const said = store.messages.byExternal(adapter, conversation.id, target);
  if (said?.root != null) return said.root;
  return store.deliveries.byRef(adapter, conversation.id, target)?.root ?? target;
}

/** Where the session of an inbound is bound, by the wiring's mode. */
function placeOf(inbound: Inbound, { wiring, conversation }: { wiring: Wiring; conversation: number }): Place {
  const agent = wiring.agent;
  // The root is the gateway's own finding: where a thread goes on with a session, that counts.
  const root = inbound.root ?? inbound.thread;
  const thread = root === undefined ? {} : { root };
  switch (wiring.mode) {
    case "agent-shared":
      return { agent };
    case "shared":
      return { agent, conversation };
    case "per-user":
      // The machine's own user has no session besides the conversation's.
      return { agent, conversation, ...thread, ...(inbound.sender.own === true ? {} : { user: inbound.sender.id }) };
    case "per-thread":
      return { agent, conversation, ...thread };
  }
}
