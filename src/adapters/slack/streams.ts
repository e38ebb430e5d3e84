// Slack's own streaming of an answer: begun at its place, appended while it only grows, ended before anything else is done to it.
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import { isCode, isMethodMissing, platformError, reasonOf, retryAfterOf } from "./errors.ts";

/** Refusals in a row after which it is not tried any more. */
const refusalsMax = 3;

/** Where a message stands. */
interface Spot {
  channel: string;
  ts: string;
}

export type Streams = ReturnType<typeof createStreams>;

export function createStreams({
  client,
  clock,
  log,
  team,
}: { client: Client; team(): string | undefined } & Pick<AdapterDeps, "clock" | "log">) {
  /** What each open stream shows. One that is forgotten is ended by the first other change to it. */
  const open = createRecent<{ sent: string }>(limits.adapterNotesMax);
  /** Who spoke last in a thread: a stream outside of direct conversations is for one person. */
  const speakers = createRecent<string>(limits.adapterNotesMax);
  let refusals = 0;
  /** Until when none is begun. Monotonic. */
  let notBefore = 0;

  // A ts is unique in its channel alone.
  const keyOf = ({ channel, ts }: Spot) => `${channel}:${ts}`;
  const at = ({ conversation, thread }: ReplyTarget) => `${conversation.id}:${thread ?? ""}`;
  /** @throws what the call threw, when it may be made later: only a stream that is ended can be changed. */
  const stop = async (spot: Spot): Promise<void> => {
    if (!open.has(keyOf(spot))) return;
    try {
      await client.call("chat.stopStream", { ...spot });
    } catch (error) {
      if (platformError(error, "change").fate === "later") throw error;
      log.debug("A stream was not ended", { error: reasonOf(error) });
    }
    open.delete(keyOf(spot));
  };

  return {
    spoke: (conversation: string, thread: string | undefined, user: string) =>
      speakers.set(`${conversation}:${thread ?? ""}`, user),
    isOpen: (spot: Spot) => open.has(keyOf(spot)),
    /**
     * Begins an answer. @returns its ts; undefined when Slack has no stream for this place.
     * @throws what the call threw, when nobody can say whether it began
     */
    async start(target: ReplyTarget): Promise<string | undefined> {
      const { conversation, thread } = target;
      const user = speakers.get(at(target));
      const direct = conversation.kind === "direct";
      if (thread === undefined || refusals >= refusalsMax || (!direct && (user === undefined || team() === undefined)))
        return undefined;
      if (clock.monotonic() < notBefore) return undefined;
      try {
        const { ts } = await client.call("chat.startStream", {
          channel: conversation.id,
          thread_ts: thread,
          ...(user === undefined ? {} : { recipient_user_id: user, recipient_team_id: team() }),
        });
        if (typeof ts !== "string") return undefined;
        open.set(keyOf({ channel: conversation.id, ts }), { sent: "" });
        refusals = 0;
        return ts;
      } catch (error) {
        const wait = isCode(error, "ratelimited") ? retryAfterOf(error) : undefined;
        if (wait !== undefined) {
          // Some twenty streams may begin in a minute; an answer that forms by edits need not wait for that.
          notBefore = clock.monotonic() + wait;
          return undefined;
        }
        if (!isMethodMissing(error)) throw error;
        const forGood =
          isCode(error, "unknown_method") || isCode(error, "missing_scope") || isCode(error, "feature_not_enabled");
        refusals = forGood ? refusalsMax : refusals + 1;
        log.info("Slack does not stream here; answers form by edits", { error: reasonOf(error), forGood });
        return undefined;
      }
    },
    /** Shows what was added. @returns whether the stream shows `text` now; else it is ended. */
    async grow(spot: Spot, text: string | undefined): Promise<boolean> {
      const stream = open.get(keyOf(spot));
      if (stream === undefined) return false;
      if (text?.startsWith(stream.sent) !== true) {
        await stop(spot);
        return false;
      }
      const added = text.slice(stream.sent.length);
      if (added.trim() === "") return true;
      try {
        await client.call("chat.appendStream", { ...spot, markdown_text: added });
        stream.sent = text;
        return true;
      } catch (error) {
        if (error instanceof Error && isCode(error, "ratelimited")) throw error;
        // What it shows is not known any more.
        await stop(spot);
        return false;
      }
    },
    stop,
    /** Ends a stream that an earlier life left open, as far as that goes. */
    async end(spot: Spot): Promise<void> {
      open.set(keyOf(spot), { sent: "" });
      await stop(spot);
    },
  };
}
