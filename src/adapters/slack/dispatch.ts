// What becomes of an envelope: it is taken, and only then acknowledged.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { Envelope } from "./payloads.ts";
import type { Socket } from "./socket.ts";

export interface DispatchDeps extends Pick<AdapterDeps, "clock" | "log"> {
  /** @returns whether the event may be acknowledged. */
  event(envelope: Envelope): Promise<boolean>;
  pressed(envelope: Envelope): Promise<void>;
}

export function createDispatch({ clock, log, event, pressed }: DispatchDeps) {
  const take = async (envelope: Envelope, socket: Socket): Promise<void> => {
    if (envelope.type === "events_api") {
      // What could not be taken is not acknowledged, and comes again.
      if (await event(envelope)) socket.acknowledge(envelope.envelope_id);
      return;
    }
    if (envelope.type === "slash_commands" || envelope.type === "interactive") {
      // Slack tells the person that it failed when this takes too long, and never sends it again.
      await within(clock, { work: pressed(envelope), ms: limits.interactionAckMs });
    }
    socket.acknowledge(envelope.envelope_id);
  };
  return (envelope: Envelope, socket: Socket): void => {
    void take(envelope, socket).catch((error: unknown) =>
      log.error("An envelope was not taken", { error: errorText(error) }),
    );
  };
}
