// What stands above a thread in which we are addressed, for a gateway that does not have it.
import { limits } from "../../core/limits.ts";
import type { Inbound } from "../../core/message.ts";
import { within } from "../../sys/clock.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import { reasonOf } from "./errors.ts";
import { readPage } from "./find.ts";
import { type Facts, quoteOf } from "./inbound.ts";
import type { Directory } from "./names.ts";

export interface ParentDeps extends Pick<AdapterDeps, "clock" | "log"> {
  client: Client;
  directory: Pick<Directory, "prepare">;
  facts(): Facts | undefined;
}

export type Parents = ReturnType<typeof createParents>;

export function createParents({ client, directory, facts, clock, log }: ParentDeps) {
  /** First messages of threads; null for those that cannot be read. */
  const known = createRecent<{ sender: string; text: string } | null>(limits.adapterNotesMax);
  const ask = async (channel: string, thread: string): Promise<void> => {
    try {
      const { messages } = await readPage(client, { channel, thread, limit: 1, inclusive: true });
      const parent = messages.find(({ ts }) => ts === thread);
      if (parent?.user !== undefined) await directory.prepare({ users: [parent.user] });
      const now = facts();
      if (parent !== undefined && now !== undefined) known.set(`${channel}:${thread}`, quoteOf(parent, now));
    } catch (error) {
      log.debug("What stands above a thread is not known", { error: reasonOf(error) });
    }
  };
  return {
    of: (channel: string, thread: string) => known.get(`${channel}:${thread}`) ?? undefined,
    /** Waits a moment for it, once for each thread. */
    async prepare({ conversation, thread, ...inbound }: Inbound): Promise<void> {
      const addressed = inbound.kind === "message" && inbound.addressed;
      if (!addressed || thread === undefined || known.has(`${conversation.id}:${thread}`)) return;
      known.set(`${conversation.id}:${thread}`, null);
      await within(clock, { work: ask(conversation.id, thread), ms: limits.namesWaitMs });
    },
  };
}
