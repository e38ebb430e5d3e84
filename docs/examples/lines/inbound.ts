// What the platform tells → an inbound, or nothing for what is not for us. Pure: this half is tested with payloads alone.
import * as v from "valibot";
import type { Inbound } from "../../../src/core/message.ts";

const event = v.object({
  /** Rises with each event; the next poll confirms it. */
  n: v.pipe(v.number(), v.safeInteger()),
  id: v.string(),
  at: v.number(),
  room: v.string(),
  direct: v.boolean(),
  by: v.object({ id: v.string(), name: v.string(), bot: v.boolean() }),
  kind: v.picklist(["said", "pressed"]),
  /** What was said, or the data of the button. */
  text: v.string(),
  /** It was said to us by name. */
  toUs: v.boolean(),
});

export const answerSchema = v.object({ events: v.array(v.unknown()) });

/** The number of an event, and what it is. @throws ValiError for what is none. */
export function readEvent(raw: unknown, adapter: string): { n: number; inbound?: Inbound } {
  const { n, id, at, room, direct, by, kind, text, toUs } = v.parse(event, raw);
  // Bots that answer each other never end.
  if (by.bot) return { n };
  const base = {
    adapter,
    conversation: { id: room, kind: direct ? ("direct" as const) : ("shared" as const) },
    id,
    sender: { id: by.id, name: by.name },
    sentAt: at,
  };
  if (kind === "said") return { n, inbound: { ...base, kind: "message", text, addressed: direct || toUs } };
  const [delivery = "", value = ""] = text.split(":");
  return { n, inbound: { ...base, kind: "action", delivery, value } };
}
