// Names of people and channels, first messages of threads, and where people are reached: asked for when they are needed, and remembered.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import { channelOf, userOf } from "./payloads.ts";

interface Known<Value> {
  /** Undefined when Slack does not tell it. */
  value: Value | undefined;
  at: number;
}

export type Directory = ReturnType<typeof createDirectory>;

/** What is known of people and places. Nothing here throws: whoever has no name is shown by their id. */
export function createDirectory({ client, clock, log }: { client: Client } & Pick<AdapterDeps, "clock" | "log">) {
  const users = createRecent<Known<{ name: string; handle: string }>>(limits.adapterNotesMax);
  const channels = createRecent<Known<string>>(limits.adapterNotesMax);
  const directs = createRecent<string>(limits.adapterNotesMax);
  /** Ids by the name that they are mentioned by; null where several have it. */
  const handles = createRecent<string | null>(limits.adapterNotesMax);
  const asking = new Map<string, Promise<void>>();

  const isFresh = (known: Known<unknown> | undefined) =>
    known !== undefined && clock.monotonic() - known.at < limits.namesKeptMs;

  /** One question at a time about each thing. */
  const once = (key: string, ask: () => Promise<void>): Promise<void> => {
    const running = asking.get(key);
    if (running !== undefined) return running;
    if (asking.size >= limits.adapterNotesMax) return Promise.resolve();
    const asked = ask()
      .catch((error: unknown) => log.debug("A name is not known", { of: key, error: errorText(error) }))
      .finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };

  const learnUser = (id: string, value: { name: string; handle: string } | undefined) => {
    users.set(id, { value, at: clock.monotonic() });
    if (value === undefined || value.handle === "") return;
    const handle = value.handle.toLowerCase();
    const other = handles.get(handle);
    handles.set(handle, other === undefined || other === id ? id : null);
  };

  const askUser = (id: string) =>
    once(id, async () => {
      // One that cannot be asked for is not asked for with every message.
      if (!users.has(id)) users.set(id, { value: undefined, at: clock.monotonic() });
      learnUser(id, userOf(await client.call("users.info", { user: id })));
    });
  const askChannel = (id: string) =>
    once(id, async () => {
      if (!channels.has(id)) channels.set(id, { value: undefined, at: clock.monotonic() });
      channels.set(id, {
        value: channelOf(await client.call("conversations.info", { channel: id })),
        at: clock.monotonic(),
      });
    });
  const askDirect = (user: string) =>
    once(`direct-${user}`, async () => {
      const { channel } = await client.call("conversations.open", { users: user });
      const id = typeof channel === "object" && channel !== null && "id" in channel ? channel.id : undefined;
      if (typeof id === "string") directs.set(user, id);
    });

  return {
    names: {
      user: (id: string) => users.get(id)?.value?.name,
      channel: (id: string) => channels.get(id)?.value,
    },
    /** The id of the one person who is mentioned by this name. */
    handle: (name: string) => handles.get(name) ?? undefined,
    /** The direct conversation with a person, where it is known. */
    direct: (user: string) => directs.get(user),
    met: (user: string, channel: string) => directs.set(user, channel),
    /** Waits a moment for names that are not known; what takes longer is there the next time. */
    async prepare(needed: {
      users?: readonly string[];
      channels?: readonly string[];
      directOf?: string;
    }): Promise<void> {
      const missing = [
        ...(needed.users ?? []).filter((id) => !isFresh(users.get(id))).map(askUser),
        ...(needed.channels ?? []).filter((id) => !isFresh(channels.get(id))).map(askChannel),
        ...(needed.directOf === undefined || directs.has(needed.directOf) ? [] : [askDirect(needed.directOf)]),
      ];
      if (missing.length > 0) await within(clock, { work: Promise.all(missing), ms: limits.namesWaitMs });
    },
    /** Resolves when nothing is being asked any more. */
    async settled(): Promise<void> {
      await Promise.all(asking.values());
    },
  };
}
