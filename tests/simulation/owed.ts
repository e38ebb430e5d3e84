// What a program must have that reads what it missed: what was said where it had been spoken to before.
import { adapterName, type Common, type Sent } from "./world.ts";

/** Older than this nobody need look for it, and clocks that were set are no excuse within it. */
const lookBackMs = 20 * 60 * 60_000;

/** True when the program had a message of that conversation or thread before this one was written. */
export function mayKnow({ engine, received, time }: Common, sent: Sent): boolean {
  if (time.true() - sent.at > lookBackMs || time.skew() !== 0) return false;
  const known = received.some(
    ({ kind, conversation, id, receipt, at }) =>
      kind === "message" && conversation === sent.chat && id !== sent.id && at < sent.at && receipt.state === "waiting",
  );
  if (!known) return false;
  const place = "SELECT 1 FROM inputs WHERE adapter = ? AND conversation = ? AND body ->> '$.thread' IS ? LIMIT 1";
  return engine.rows(place, adapterName, sent.chat, sent.thread ?? null).length > 0;
}
