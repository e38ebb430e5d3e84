// The one gate that every inbound passes before it reaches a session. It denies by default.
import type { Inbound } from "../core/message.ts";
import type { Role } from "./roles.ts";

/** What the gate knows of a door, from the instance's own configuration and never from the inbound. */
export interface Door {
  /** Whoever comes in is the operating system's user, let in by the socket's file mode. */
  local: boolean;
  /** Ids of the people whom settings name as admins of this adapter. */
  admins?: readonly string[];
}

/** The role with which somebody comes in, or the one sentence why not. */
export type Admission = { admitted: true; role: Role } | { admitted: false; reason: string };

/**
 * Judges who sent an inbound. A person is the platform's immutable id; the name counts for nothing,
 * and a bot never comes in, so that two bots cannot talk to each other for ever.
 */
export function admit(inbound: Pick<Inbound, "adapter" | "sender">, door: Door): Admission {
  const { id, isBot = false } = inbound.sender;
  if (door.local) return { admitted: true, role: "owner" };
  if (isBot) return { admitted: false, reason: "Bots are not answered" };
  if (id !== "" && door.admins?.includes(id)) return { admitted: true, role: "admin" };
  return {
    admitted: false,
    reason: `You are not known here: your id is ${JSON.stringify(id)}, and the owner can let you in`,
  };
}
