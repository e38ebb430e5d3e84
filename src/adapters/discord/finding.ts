// Whether a message arrived of which nobody could say so: its event tells by the nonce, else its words decide.
//
// Discord keeps no nonce: it stands in the answer to whoever sent and in the event, and not in what is read later
// (resources/message#create-message; the library says "lost if re-fetched" of it).
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import { PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import { platformError } from "./errors.ts";
import { pageMessages } from "./gaps.ts";
import { isAfter, snowflakeAt, snowflakeSchema } from "./snowflake.ts";

/** How much earlier than our clock says Discord's may have it. */
const clockMs = 60_000;

const foundSchema = v.looseObject({
  id: snowflakeSchema,
  author: v.looseObject({ id: snowflakeSchema }),
  content: v.fallback(v.string(), ""),
  message_reference: v.fallback(v.optional(v.looseObject({ message_id: v.string() })), undefined),
});
type Found = v.InferOutput<typeof foundSchema>;

function blind(): PlatformError {
  const message = "The bot cannot look for a message: give it Read Message History in this channel";
  return new PlatformError(message, { fate: "unknown" });
}

/** A message that is looked for. */
interface Wanted {
  nonce: string;
  body: string | undefined;
  /** What it answers, where it answers something. */
  replyTo: string | undefined;
  since: number;
}

export type Own = ReturnType<typeof createOwn>;

/** The bot's own messages, as far as they are known: from the answer to whoever sent, or from the event. */
export function createOwn() {
  const ids = createRecent<true>(limits.adapterNotesMax);
  const nonces = createRecent<string>(limits.adapterNotesMax);
  return {
    /** Discord said that this one was made. */
    note(id: string, nonce?: string): void {
      ids.set(id, true);
      if (nonce !== undefined) nonces.set(nonce, id);
    },
    has: ids.has,
    of: nonces.get,
  };
}

/** Makes the search of one bot. `own` messages are none that is looked for, but for the one that bears the nonce. */
export function createFinder({
  client,
  clock,
  self,
  own,
}: Pick<AdapterDeps, "clock"> & { client: Pick<Client, "call">; self(): string | undefined; own: Own }) {
  const page = async (channel: string, query: Record<string, string>): Promise<Found[]> => {
    let raw: unknown;
    try {
      raw = await client.call({ method: "GET", route: `/channels/${channel}/messages`, query });
    } catch (error) {
      throw platformError(error, "change");
    }
    const all = v.safeParse(v.array(foundSchema), raw);
    if (!all.success) throw new PlatformError("Discord answered a search with something else", { fate: "later" });
    return all.output.sort((a, b) => (isAfter(a.id, b.id) ? 1 : -1));
  };
  return async (channel: string, { nonce, body, replyTo, since }: Wanted): Promise<string | undefined> => {
    const told = own.of(nonce);
    if (told !== undefined) return told;
    const me = self();
    if (me === undefined)
      throw new PlatformError("Discord was not reached yet", { fate: "later", retryAfterMs: limits.reconnectMs });
    let after = snowflakeAt(Math.min(since, clock.now()) - clockMs);
    const words = body === undefined ? undefined : bare(body);
    for (let pages = 0; pages < limits.findPagesMax; pages += 1) {
      const found = await page(channel, { after, limit: String(pageMessages) });
      // Who may not read the past is shown an empty one: resources/message#get-channel-messages.
      if (pages === 0 && found.length === 0 && (await page(channel, { limit: "1" })).length === 0) throw blind();
      // Its event may have come while the page did: then it is among those that are known.
      const toldNow = own.of(nonce);
      if (toldNow !== undefined) return toldNow;
      const unknown = found.filter(({ id, author }) => author.id === me && !own.has(id));
      if (words === undefined && unknown.length > 0)
        throw new PlatformError("Nobody can say whether a file arrived", { fate: "unknown" });
      const likely = unknown.find(
        ({ content, message_reference: answered }) =>
          bare(content) === words && (answered === undefined || answered.message_id === replyTo),
      );
      if (likely !== undefined) return likely.id;
      if (found.length < pageMessages) return undefined;
      after = found.at(-1)?.id ?? after;
    }
    throw new PlatformError("Too much was written since to look for a message", { fate: "unknown" });
  };
}

/** Words without what Discord may change of them: white space, and what is not seen. */
export function bare(text: string): string {
  return text.normalize("NFC").replace(/\s|\p{Cf}|\p{Cc}|\p{Variation_Selector}/gu, "");
}
