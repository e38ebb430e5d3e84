// Which channels, threads and roles there are: told by the gateway, asked for when it did not, forgotten when too many.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import type { Names } from "./content.ts";
import { type Channel, channelSchema, type Dispatch, type Guild } from "./dispatches.ts";
import type { Place } from "./inbound.ts";

interface Known {
  name: string;
  /** The channel of a thread. */
  parent?: string;
}

/** Types of threads; all else with a parent is a channel in a category (resources/channel#channel-object-channel-types). */
const threadTypes = [10, 11, 12];
/** A direct channel. */
const directType = 1;

export type Channels = ReturnType<typeof createChannels>;

/** @param self the bot's own id, once known. */
export function createChannels({ client, self }: { client: Pick<Client, "call">; self(): string }) {
  const channels = createRecent<Known>(limits.discordChannelsMax);
  const roles = createRecent<string>(limits.discordChannelsMax);
  /** Roles that servers made for the bot. */
  const ownRoles = createRecent<true>(limits.adapterNotesMax);

  const noteChannel = ({ id, type, name = "", parent_id: parent }: Channel): Known => {
    const known = { name, ...(threadTypes.includes(type) && parent !== undefined ? { parent } : {}) };
    channels.set(id, known);
    return known;
  };
  const noteRole = ({ id, name = "", tags }: NonNullable<Guild["roles"]>[number]) => {
    roles.set(id, name);
    if (tags?.bot_id === self()) ownRoles.set(id, true);
  };
  const placeOf = (id: string, { parent }: Known): Place => ({
    conversation: { id: parent ?? id, kind: "shared" },
    ...(parent === undefined ? {} : { thread: id }),
  });

  return {
    /** Takes what an event says about channels; true when that was all it says. */
    note({ name, body }: Dispatch): boolean {
      switch (name) {
        case "GUILD_CREATE":
          for (const channel of [...(body.channels ?? []), ...(body.threads ?? [])]) noteChannel(channel);
          for (const role of body.roles ?? []) noteRole(role);
          return true;
        case "GUILD_ROLE_CREATE":
        case "GUILD_ROLE_UPDATE":
          noteRole(body.role);
          return true;
        case "CHANNEL_CREATE":
        case "CHANNEL_UPDATE":
        case "THREAD_CREATE":
        case "THREAD_UPDATE":
          noteChannel(body);
          return true;
        case "THREAD_LIST_SYNC":
          for (const thread of body.threads ?? []) noteChannel(thread);
          return true;
        case "CHANNEL_DELETE":
        case "THREAD_DELETE":
        case "GUILD_DELETE":
          return true;
        default:
          return false;
      }
    },
    /** Where a message of that channel belongs. @throws what the client throws, when it must be asked for. */
    async place(
      id: string,
      { guild, channel }: { guild: string | undefined; channel?: Channel | undefined },
    ): Promise<Place> {
      if (guild === undefined) return { conversation: { id, kind: "direct" } };
      const known = channel === undefined ? channels.get(id) : noteChannel(channel);
      if (known !== undefined) return placeOf(id, known);
      return placeOf(
        id,
        noteChannel(v.parse(channelSchema, await client.call({ method: "GET", route: `/channels/${id}` }))),
      );
    },
    /** False for a channel without a server that is no direct one. */
    isDirect: (channel: Channel | undefined) => channel === undefined || channel.type === directType,
    isOwnRole: (id: string) => ownRoles.has(id),
    names: { channel: (id) => channels.get(id)?.name, role: (id) => roles.get(id) } satisfies Names,
  };
}
