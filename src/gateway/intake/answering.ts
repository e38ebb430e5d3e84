// What the program itself says to an inbound: on doors that do not show receipts by themselves it becomes a delivery.

import { limits } from "../../core/limits.ts";
import type { Inbound, Outgoing, Receipt } from "../../core/message.ts";
import type { ReplyTarget } from "../../core/session.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { AdapterTraits } from "../handle.ts";
import { answerTarget } from "../target.ts";
import { redactOutgoing } from "../turns/redacting.ts";

/** What answers are made with. */
export interface AnsweringDeps {
  clock: Clock;
  redactor: Redactor;
  /** Stores a message on its way out, in the caller's transaction. @returns its number. */
  deliver(target: ReplyTarget, outgoing: Outgoing, options: { kind: "reply" }): number;
}

export type Answering = ReturnType<typeof createAnswering>;

/** Answers beside turns. Each method runs inside the caller's transaction. Without traits nobody is told. */
export function createAnswering({ clock, redactor, deliver }: AnsweringDeps) {
  /** When whom was last refused with which words, the oldest first. */
  const refused = new Map<string, number>();
  const reply = (inbound: Inbound, traits: AdapterTraits | undefined, outgoing: Outgoing): void => {
    const noted = outgoing.noted === true && inbound.answer?.as === "note";
    if (traits?.live === false && !noted)
      deliver(answerTarget(inbound), redactOutgoing(outgoing, redactor), { kind: "reply" });
  };
  /** True when the same person heard the same words here a moment ago. */
  const repeats = (inbound: Inbound, reason: string): boolean => {
    const key = JSON.stringify([inbound.adapter, inbound.conversation.id, inbound.sender.id, reason]);
    const now = clock.monotonic();
    const before = refused.get(key);
    if (before !== undefined && now - before < limits.refusalEveryMs) return true;
    refused.delete(key);
    refused.set(key, now);
    for (const oldest of refused.keys()) {
      if (refused.size <= limits.refusalsKeptMax) break;
      refused.delete(oldest);
    }
    return false;
  };
  return {
    /** Says something to whoever wrote. */
    reply,
    /** The same, at most once a minute with the same words to a person in a place. */
    once(inbound: Inbound, traits: AdapterTraits, markdown: string): void {
      if (!repeats(inbound, markdown)) reply(inbound, traits, { markdown });
    },
    /** A refusal is said as well, the same one at most once a minute to a person in a place: a flood gets no flood. */
    refuse(inbound: Inbound, traits: AdapterTraits | undefined, reason: string): Receipt & { state: "refused" } {
      // A door that answers this very happening with a note shows the receipt.
      const shown = traits?.live !== false || inbound.answer?.as === "note";
      if (!shown && !repeats(inbound, reason)) reply(inbound, traits, { markdown: `${reason}.` });
      return { state: "refused", reason };
    },
  };
}
