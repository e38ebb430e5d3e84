// The doors by the name of their adapter: what settings and platform say of each, and how it is reached.
import { terminalTraits } from "../adapters/index.ts";
import type { AdapterSettings } from "../config/schema.ts";
import { limits } from "../core/limits.ts";
import type { Address } from "../core/message.ts";
import type { StatusReport } from "../core/status.ts";
import type { AdapterHandle, AdapterTraits } from "../gateway/handle.ts";
import type { KnownDoor } from "../gateway/questions/reach.ts";
import type { EventTarget } from "../schedule/parse.ts";
import type { Moves } from "../store/moves.ts";
import type { Roles } from "../store/roles.ts";
import type { Wirings } from "../store/wirings.ts";

/** The name of the door that is always there. */
const terminal = "terminal";

/** A door that is not open, or was never configured: nobody in particular comes in there. */
const closedTraits: AdapterTraits = { ...terminalTraits, local: false, live: false };

export type Doors = ReturnType<typeof createDoors>;

/** The doors that settings name, and the terminal. Handles are attached as adapters open. */
export function createDoors(configured: Readonly<Record<string, AdapterSettings>>) {
  const handles = new Map<string, AdapterHandle>();
  const problems = new Map<string, string>();
  const traits = (adapter: string): AdapterTraits =>
    adapter === terminal ? terminalTraits : (handles.get(adapter)?.traits ?? closedTraits);
  return {
    traits,
    /** The handle of an open adapter. */
    handle: (adapter: string): AdapterHandle | undefined => handles.get(adapter),
    attach: (handle: AdapterHandle) => void handles.set(handle.name, handle),
    /** It cannot be opened; said in `status`. */
    refuse: (adapter: string, problem: string) => void problems.set(adapter, problem),
    /** What the gate goes by. */
    known(adapter: string): KnownDoor {
      const { local, directIsUser } = traits(adapter);
      const settings = Object.hasOwn(configured, adapter) ? configured[adapter] : undefined;
      if (settings === undefined) return { local, directIsUser };
      const { admins, dm, unknownSender } = settings;
      return { local, directIsUser, admins, dm, unknownSender };
    },
    /** Ids of those who may use the owner's commands there. */
    admins: (adapter: string, roles: Pick<Roles, "list">): string[] => [
      ...(Object.hasOwn(configured, adapter) ? (configured[adapter]?.admins ?? []) : []),
      ...roles.list({ adapter, role: "owner", limit: limits.menuAdminsMax }).map(({ user }) => user),
    ],
    status(): StatusReport["adapters"] {
      const others = Object.entries(configured).map(([name, { type }]) => {
        const health = handles.get(name)?.health();
        const reason = problems.get(name) ?? health?.problem;
        const state = health?.state ?? (problems.has(name) ? ("down" as const) : ("connecting" as const));
        const self = health?.self;
        return {
          name,
          type,
          state,
          ...(reason === undefined ? {} : { reason }),
          ...(self === undefined ? {} : { self }),
        };
      });
      return [{ name: terminal, type: terminal, state: "connected" }, ...others];
    },
    /**
     * Which conversation an event file means. Of one that is known its kind counts, whatever the file says: somebody
     * who is let in directly is nobody in a room (SECURITY.md 6).
     */
    resolve(
      { platform, conversation, kind }: EventTarget,
      { wirings, moves }: { wirings: Pick<Wirings, "kind">; moves: Pick<Moves, "current"> },
    ): Pick<Address, "adapter" | "conversation"> | { problem: string } {
      const adapter = platform ?? terminal;
      if (adapter !== terminal && !Object.hasOwn(configured, adapter))
        return { problem: `There is no adapter ${JSON.stringify(adapter)}` };
      const id = moves.current(adapter, conversation);
      return { adapter, conversation: { id, kind: wirings.kind(adapter, id) ?? kind ?? "direct" } };
    },
  };
}
