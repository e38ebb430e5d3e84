// Whether a message arrived of which nobody could say so: looked for among the bot's own, by its nonce or its words.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import { PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
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
  nonce: v.fallback(v.optional(v.union([v.string(), v.number()])), undefined),
});
type Found = v.InferOutput<typeof foundSchema>;

function blind(): PlatformError {
  const message = "The bot cannot look for a message: give it Read Message History in this channel";
  return new PlatformError(message, { fate: "unknown" });
}

/** Makes the search of one bot. `sent` are messages of ours that are known: they are none that is looked for. */
export function createFinder({
  client,
  clock,
  self,
  sent,
}: Pick<AdapterDeps, "clock"> & {
  client: Pick<Client, "call">;
  self(): string | undefined;
  sent: { has(id: string): boolean };
}) {
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
  return async (
    channel: string,
    { nonce, body, since }: { nonce: string; body: string | undefined; since: number },
  ): Promise<string | undefined> => {
    const me = self();
    if (me === undefined)
      throw new PlatformError("Discord was not reached yet", { fate: "later", retryAfterMs: limits.reconnectMs });
    let after = snowflakeAt(Math.min(since, clock.now()) - clockMs);
    let likely: string | undefined;
    let unclear = false;
    for (let pages = 0; pages < limits.findPagesMax; pages += 1) {
      const found = await page(channel, { after, limit: String(pageMessages) });
      // Who may not read the past is shown an empty one: resources/message#get-channel-messages.
      if (pages === 0 && found.length === 0 && (await page(channel, { limit: "1" })).length === 0) throw blind();
      for (const message of found) {
        if (message.author.id !== me) continue;
        if (message.nonce !== undefined && String(message.nonce) === nonce) return message.id;
        // A message that bears another nonce is another one; without one its words decide.
        if (body === undefined && message.nonce === undefined && !sent.has(message.id)) unclear = true;
        const same = message.nonce === undefined && body !== undefined && message.content === body.trim();
        if (same && !sent.has(message.id)) likely ??= message.id;
      }
      after = found.at(-1)?.id ?? after;
      if (found.length < pageMessages) {
        if (unclear) throw new PlatformError("Nobody can say whether a file arrived", { fate: "unknown" });
        return likely;
      }
    }
    if (likely !== undefined) return likely;
    throw new PlatformError("Too much was written since to look for a message", { fate: "unknown" });
  };
}
