// Whether the person behind a link may still see what it shows: asked anew for each request.
import { admit, type Door } from "../access/admission.ts";
import { atLeast } from "../access/roles.ts";
import type { LinkScope } from "../store/links.ts";
import type { Store } from "../store/store.ts";

/** What the right follows from. */
export interface RightsDeps {
  store: Pick<Store, "moves" | "roles" | "sessions" | "wirings">;
  /** None for an adapter that is not configured any more. */
  door(adapter: string): Door | undefined;
}

/**
 * The right to see a session: of members of the conversation in which the link was asked for, while the session belongs
 * to that conversation and its agent; of the owner always.
 */
export function maySee({ store, door }: RightsDeps): (link: LinkScope) => boolean {
  return ({ adapter, conversation: { id, kind }, user, session: wanted }) => {
    const known = door(adapter);
    const session = wanted === null ? undefined : store.sessions.get(wanted);
    if (known === undefined || session === undefined) return false;
    const conversation = { id: store.moves.current(adapter, id), kind };
    const admission = admit(
      { adapter, conversation, sender: { id: user, name: "" } },
      { door: known, agent: session.agent, grants: () => store.roles.of(adapter, user) },
    );
    if (!admission.admitted || !atLeast(admission.role, "member")) return false;
    if (admission.role === "owner") return true;
    const row = store.wirings.known(adapter, conversation.id);
    if (row === undefined || store.wirings.find(adapter, conversation.id)?.agent !== session.agent) return false;
    return store.sessions.reachedFrom(session.id, row);
  };
}
