// What an event asks for: messages, edits, deletes and reactions handed on in the order of their channel.
import { createHash } from "node:crypto";
import { errorText } from "../../core/failure.ts";
import type { Inbound } from "../../core/message.ts";
import { isStop } from "../../gateway/turns/stop.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createAuthors } from "./authors.ts";
import type { Channels } from "./channels.ts";
import { type Dispatch, type Interaction, type Message, parseDispatch } from "./dispatches.ts";
import { reasonOf, statusOf } from "./errors.ts";
import type { Own } from "./finding.ts";
import { type Facts, type Place, type Reading, readDelete, readEdit, readMessage, readReaction } from "./inbound.ts";
import type { Lanes } from "./lanes.ts";
import type { Marks } from "./marks.ts";
import type { ShardEvents } from "./shards.ts";

interface IntakeDeps extends Pick<AdapterDeps, "receive" | "log"> {
  channels: Channels;
  lanes: Lanes;
  marks: Marks;
  facts(): Facts;
  /** Where the bot's own messages are noted: what arrived of those nobody answered for. */
  own: Pick<Own, "note">;
  /** Takes an interaction; never throws. */
  interact(interaction: Interaction): Promise<void>;
  /** Something is or was missing. */
  onGap(): void;
}

export function createIntake(deps: IntakeDeps) {
  const { channels, lanes, marks, log } = deps;
  const authors = createAuthors();

  const hand = async (reading: Reading): Promise<void> => {
    if (typeof reading === "string") log.debug("An event is not for the agent", { reason: reading });
    else await deps.receive(reading);
  };
  const takeMessage = async (message: Message, place: Place): Promise<void> => {
    const reading = readMessage(message, { facts: deps.facts(), place });
    if (typeof reading !== "string") authors.note(message.id, reading.sender);
    await hand(reading);
  };
  /** What stands in a channel, once it is known which that is; nothing where we may not look. */
  const inPlace = async (
    { channel_id: channel, guild_id: guild }: { channel_id: string; guild_id?: string | undefined },
    work: (place: Place) => Promise<void>,
  ): Promise<void> => {
    let place: Place;
    try {
      place = await channels.place(channel, { guild });
    } catch (error) {
      const status = statusOf(error);
      if (status !== 403 && status !== 404) throw error;
      return log.warn("Nothing is known of a channel", { channel, error: reasonOf(error) });
    }
    await work(place);
  };

  const deleted = (ids: readonly string[], at: { channel_id: string; guild_id?: string | undefined }) => {
    const run = () =>
      inPlace(at, async (place) => {
        for (const id of ids) {
          const author = authors.of(id);
          await hand(
            author === undefined
              ? "whose message was deleted is not known"
              : readDelete(id, { facts: deps.facts(), place, author }),
          );
        }
      });
    lanes.push({ lane: at.channel_id, run });
  };

  /** @param number the event's place in its session. */
  const take = ({ name, body }: Dispatch, number: string): void => {
    switch (name) {
      case "MESSAGE_CREATE": {
        if (body.nonce !== undefined && body.author.id === deps.facts().self.id)
          deps.own.note(body.id, String(body.nonce));
        const { channel_id: lane, id } = body;
        const urgent = mayStop(body, deps.facts());
        const mark = async () => marks.set(lane, id);
        const run = () => inPlace(body, (place) => takeMessage(body, place));
        // What overtakes others does not stand for them: they may not be stored yet.
        const done = lanes.push({ lane, urgent, run: urgent ? run : () => run().then(mark) });
        if (urgent && done) lanes.push({ lane, run: mark });
        break;
      }
      case "MESSAGE_UPDATE":
        lanes.push({
          lane: body.channel_id,
          run: () => inPlace(body, (place) => hand(readEdit(body, { facts: deps.facts(), place }))),
        });
        break;
      case "MESSAGE_DELETE":
        deleted([body.id], body);
        break;
      case "MESSAGE_DELETE_BULK":
        deleted(body.ids, body);
        break;
      case "MESSAGE_REACTION_ADD":
      case "MESSAGE_REACTION_REMOVE": {
        const added = name === "MESSAGE_REACTION_ADD";
        const run = () =>
          inPlace(body, (place) => hand(readReaction(body, { facts: deps.facts(), place, added, number })));
        lanes.push({ lane: body.channel_id, run });
        break;
      }
      case "INTERACTION_CREATE":
        void deps.interact(body);
        break;
      default:
        break;
    }
  };

  const onDispatch: ShardEvents["onDispatch"] = ({ name, data, seq, session, lost }) => {
    // What is missing is asked for before what came.
    if (lost) {
      log.info("Events were lost", { before: seq });
      deps.onGap();
    }
    try {
      const parsed = parseDispatch(name, data);
      if (parsed === undefined) return;
      if ("problem" in parsed) return log.warn("An event was not understood", { reason: parsed.problem });
      if (!channels.note(parsed)) take(parsed, `${digest(session)}-${seq}`);
    } catch (error) {
      log.error("An event was skipped", { name, error: errorText(error) });
    }
  };
  return { onDispatch, takeMessage };
}

/** Whether a message may be a stop, which waits for nothing; its place may not be known yet. */
function mayStop(message: Message, facts: Facts): boolean {
  if ((message.content?.length ?? 0) > 100) return false;
  const kind = message.guild_id === undefined ? "direct" : "shared";
  const reading: Inbound | string = readMessage(message, {
    facts,
    place: { conversation: { id: message.channel_id, kind } },
  });
  return typeof reading !== "string" && isStop(reading) !== undefined;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
