// What was said while the gateway could not tell: fetched for the channels with a session, before anything newer of them.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterDeps, KnownPlace } from "../adapter.ts";
import type { Client } from "./client.ts";
import { type Message, parseMessage } from "./dispatches.ts";
import { isForbidden, reasonOf, statusOf } from "./errors.ts";
import type { Place } from "./inbound.ts";
import type { Lanes } from "./lanes.ts";
import type { Marks } from "./marks.ts";
import { isAfter } from "./snowflake.ts";

/** Messages of one page: docs.discord.com/developers/resources/message#get-channel-messages. */
export const pageMessages = 100;
/** Channels that are asked at the same time. */
const parallel = 4;

interface GapDeps extends Pick<AdapterDeps, "places" | "log"> {
  client: Pick<Client, "call">;
  lanes: Lanes;
  marks: Marks;
  /** Takes one message; @throws when it could not be stored. */
  take(message: Message, place: Place): Promise<void>;
}

/** @returns the function that fills what may be missing everywhere. */
export function createGaps(deps: GapDeps) {
  const { lanes, marks, log } = deps;
  const pending = new Set<string>();
  const turns = createTurns(parallel);

  const fill = async (channel: string, place: KnownPlace): Promise<void> => {
    const { conversation, thread } = place;
    let after = marks.of(channel, place.newest.id);
    if (after === undefined) return;
    let count = 0;
    for (; count < limits.gapMessagesMax; ) {
      const { messages, told } = await turns(() => fetchPage(deps, { channel, after: after ?? "" }));
      for (const message of messages) {
        await deps.take(message, { conversation, ...(thread === undefined ? {} : { thread }) });
        marks.set(channel, message.id);
        after = message.id;
      }
      count += messages.length;
      if (told < pageMessages || messages.length === 0) break;
    }
    if (count > 0) log.info("Read what was missed", { channel, messages: count });
    if (count >= limits.gapMessagesMax) log.warn("More was missed than is read", { channel, messages: count });
  };

  return (): void => {
    const places = [...deps.places()].sort((a, b) => b.newest.sentAt - a.newest.sentAt).slice(0, limits.gapPlacesMax);
    for (const place of places) {
      const channel = place.thread ?? place.conversation.id;
      if (pending.has(channel)) continue;
      pending.add(channel);
      const run = async () => {
        // Whatever comes from now on may be missing again.
        pending.delete(channel);
        await fill(channel, place);
      };
      if (!lanes.push({ lane: channel, run })) pending.delete(channel);
    }
  };
}

/**
 * The messages after one, oldest first, and how many Discord told of. What may not be read is nothing.
 * @throws what the client throws; what is over later is tried again by the lane.
 */
async function fetchPage(
  { client, log }: GapDeps,
  { channel, after }: { channel: string; after: string },
): Promise<{ messages: Message[]; told: number }> {
  try {
    const query = { after, limit: String(pageMessages) };
    const raw = await client.call({ method: "GET", route: `/channels/${channel}/messages`, query });
    return { messages: messagesOf(raw, log), told: Array.isArray(raw) ? raw.length : 0 };
  } catch (error) {
    if (!isForbidden(error) && statusOf(error) !== 404) throw error;
    log.warn("Cannot read what was missed in a channel", { channel, error: reasonOf(error) });
    return { messages: [], told: 0 };
  }
}

/** Messages as the API gives them, oldest first; what is malformed is left out. */
export function messagesOf(raw: unknown, log: Pick<AdapterDeps["log"], "warn">): Message[] {
  const messages = (Array.isArray(raw) ? raw : []).flatMap((one: unknown) => {
    try {
      return [parseMessage(one)];
    } catch (error) {
      log.warn("A message was not understood", { error: errorText(error) });
      return [];
    }
  });
  return messages.sort((a, b) => (isAfter(a.id, b.id) ? 1 : -1));
}

/** Lets so many work at a time. */
function createTurns(parallelMax: number) {
  let free = parallelMax;
  const waiting: (() => void)[] = [];
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
