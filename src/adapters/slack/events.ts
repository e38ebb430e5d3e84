// What an event asks for: it is read, prepared and handed over in the order of its conversation.
import type { Inbound } from "../../core/message.ts";
import { isStop } from "../../gateway/turns/stop.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { Gaps } from "./gaps.ts";
import { type Facts, namesNeeded, type Reading, readEvent } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { Directory } from "./names.ts";
import type { Parents } from "./parents.ts";
import { type Envelope, keyOf } from "./payloads.ts";
import type { Streams } from "./streams.ts";
import type { Surface } from "./surface.ts";

export interface EventDeps extends Pick<AdapterDeps, "log" | "receive"> {
  intake: Intake;
  directory: Directory;
  parents: Parents;
  streams: Streams;
  surface: Surface;
  gaps: Gaps;
  /** Undefined until the bot's own name is known. */
  facts(): Facts | undefined;
}

/** Takes events. What it gives back resolves with whether the event may be acknowledged. */
export function createEvents(deps: EventDeps) {
  const { log, intake, directory, parents, surface } = deps;

  const read = (payload: unknown): Reading => {
    const facts = deps.facts();
    if (facts === undefined) return { kind: "ignored", reason: "the bot's own name is not known yet" };
    return readEvent(payload, { ...facts, parent: parents.of });
  };
  const hand = async (inbound: Inbound): Promise<void> => {
    const { conversation, thread, sender } = inbound;
    const receipt = await deps.receive(inbound);
    // A stranger neither gets a stream nor names a thread.
    if (inbound.kind !== "message" || receipt.state === "refused") return;
    deps.streams.spoke(conversation.id, thread, sender.id);
    void surface.titled(conversation.id, thread, inbound.text);
  };
  const take = async (envelope: Envelope, inbound: Inbound): Promise<boolean> => {
    const { conversation, thread, sender, id } = inbound;
    if (conversation.kind === "direct") directory.met(sender.id, conversation.id);
    const taken = await intake.take({
      key: keyOf(envelope),
      lane: conversation.id,
      urgent: isStop(inbound) !== undefined,
      async run() {
        await Promise.all([directory.prepare(namesNeeded(envelope.payload)), parents.prepare(inbound)]);
        // Once more, with the names that are known now.
        const again = read(envelope.payload);
        if (again.kind === "inbound") await hand(again.inbound);
      },
    });
    if (!taken && inbound.kind === "message") {
      deps.gaps.owe({ conversation, id, ...(thread === undefined ? {} : { thread }) });
    }
    return taken;
  };

  return async (envelope: Envelope): Promise<boolean> => {
    const reading = read(envelope.payload);
    switch (reading.kind) {
      case "ignored":
        log[reading.malformed === true ? "warn" : "debug"]("An event is not for the agent", { reason: reading.reason });
        return true;
      case "home":
        surface.opened(reading.user);
        return true;
      case "assistant":
        directory.met(reading.user, reading.channel);
        void surface.greet(reading);
        return true;
      case "inbound":
        return await take(envelope, reading.inbound);
    }
  };
}
