// The one gate that every inbound passes before it reaches a session. It denies by default.
import type { Address, Sender } from "../core/message.ts";
import type { Grant } from "../store/roles.ts";
import type { DropReason } from "../store/strangers.ts";
import { atLeast, higher, type Role, roleIn } from "./roles.ts";

/** What the gate knows of a door, from the instance's own configuration and never from the inbound. */
export interface Door {
  /** Whoever comes in is the operating system's user, let in by the socket's file mode. */
  local: boolean;
  /** Ids of the people whom settings name as admins of this adapter. */
  admins?: readonly string[];
  /** Who may write directly: everyone who is known, nobody but owner and admins, or those listed, who are known by it. */
  dm?: "everyone" | "none" | readonly string[];
  /** What becomes of a message from a stranger. */
  unknownSender?: "strict" | "request_approval" | "public";
}

/** Who wants in, and where. */
export interface Visitor extends Pick<Address, "adapter" | "conversation"> {
  sender: Sender;
}

/**
 * The role with which somebody comes in (`none`: a guest), or the one sentence why not. `ask`: an admin may be asked
 * to let them in.
 */
export type Admission =
  | { admitted: true; role: Role }
  | { admitted: false; reason: string; why: DropReason; ask: boolean };

/**
 * Judges who sent an inbound, anew for each one (SECURITY.md 5). A person is the platform's immutable id; the name
 * counts for nothing, and a bot never comes in, so that two bots cannot talk to each other for ever.
 * `grants` is asked only when the door itself does not decide.
 */
export function admit(
  visitor: Visitor,
  { door, agent, grants }: { door: Door; agent: string; grants: () => readonly Grant[] },
): Admission {
  const { conversation, sender } = visitor;
  if (door.local) return { admitted: true, role: "owner" };
  if (sender.isBot === true) return { admitted: false, reason: "Bots are not answered", why: "bot", ask: false };
  const direct = conversation.kind === "direct";
  const role = sender.id === "" ? "none" : roleOf(visitor, { door, agent, grants });
  if (direct && !atLeast(role, "admin") && !mayWriteDirectly(sender.id, door.dm ?? "everyone")) {
    const reason =
      role === "none" ? unknown(sender.id) : "Direct messages are off here: the settings name who may write directly";
    return { admitted: false, reason, why: role === "none" ? "strict" : "direct", ask: false };
  }
  if (role !== "none") return { admitted: true, role };
  const policy = door.unknownSender ?? "strict";
  if (policy === "public" && sender.id !== "") return { admitted: true, role: "none" };
  const ask = policy === "request_approval" && sender.id !== "";
  return { admitted: false, reason: unknown(sender.id), why: "strict", ask };
}

function roleOf(
  { conversation, sender }: Visitor,
  { door, agent, grants }: { door: Door; agent: string; grants: () => readonly Grant[] },
): Role {
  if (door.admins?.includes(sender.id) === true) return higher("admin", roleIn(grants(), { conversation, agent }));
  const given = roleIn(grants(), { conversation, agent });
  const listed = conversation.kind === "direct" && Array.isArray(door.dm) && door.dm.includes(sender.id);
  return listed ? higher("member", given) : given;
}

function mayWriteDirectly(id: string, dm: NonNullable<Door["dm"]>): boolean {
  return dm === "everyone" || (dm !== "none" && dm.includes(id));
}

/** What a stranger is told: by the id somebody who may can let them in. */
function unknown(id: string): string {
  const shown = /^[\w.@-]{1,64}$/.test(id) ? id : JSON.stringify(id);
  return `You are not known here: your id is ${shown}, and the owner can let you in`;
}
