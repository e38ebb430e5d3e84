// Interactions that can still be answered: for a quarter of an hour each, to the one person who used it.
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { PlatformError } from "../../gateway/handle.ts";
import type { Clock } from "../../sys/clock.ts";
import { createRecent } from "../recent.ts";

/** One interaction that is acknowledged, or is about to be. */
export interface Ticket {
  application: string;
  token: string;
  user: string;
  /** Whether Discord took the acknowledgement; until then nothing can be answered. Never rejects. */
  acknowledged: Promise<boolean>;
  /** When it ends, on the clock that only grows. */
  until: number;
  /** A message that says "thinking" stands there and waits for the first answer; a button has none. */
  deferred: boolean;
  /** In a server: what is answered is seen by that person alone. In a direct chat there is nobody else. */
  shared: boolean;
  /** Nonce of what took the place of that message. */
  first?: string;
}

export type Tickets = ReturnType<typeof createTickets>;

export function createTickets({ clock }: { clock: Pick<Clock, "monotonic"> }) {
  const tickets = createRecent<Ticket>(limits.adapterNotesMax);
  const live = (happening: string): Ticket | undefined => {
    const ticket = tickets.get(happening);
    return ticket === undefined || ticket.until <= clock.monotonic() ? undefined : ticket;
  };
  return {
    live,
    add(happening: string, ticket: Omit<Ticket, "until">): Ticket {
      const added = { ...ticket, until: clock.monotonic() + limits.interactionAnswerMs };
      tickets.set(happening, added);
      return added;
    },
    /** The interaction that a target is answered through. @throws PlatformError `refused` when it is over, or another's. */
    of({ onlyFor }: ReplyTarget): Ticket | undefined {
      if (onlyFor === undefined) return undefined;
      const ticket = live(onlyFor.happening);
      if (ticket === undefined || ticket.user !== onlyFor.user) throw overError();
      return ticket;
    },
  };
}

/** What was asked for privately cannot be answered there any more: it goes another way. */
export function overError(): PlatformError {
  return new PlatformError("Discord takes no more private answer to this", { fate: "refused" });
}

/** The route of an interaction's answers; `message` is one of them. */
export function ticketRoute({ application, token }: Ticket, message?: string): `/${string}` {
  return `/webhooks/${application}/${token}${message === undefined ? "" : `/messages/${message}`}`;
}
