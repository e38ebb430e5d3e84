// What a program must have that reads what it missed: what was said where it had been spoken to before.
import type { Common, Sent } from "./world.ts";

/** Older than this nobody need look for it, and clocks that were set are no excuse within it. */
const lookBackMs = 20 * 60 * 60_000;

/** True when the program had stored a message of that conversation, or of that thread, before this one was written. */
export function mayKnow({ sent, received, time }: Common, one: Sent): boolean {
  if (time.true() - one.at > lookBackMs || time.skew() !== 0) return false;
  const before = sent.filter(({ chat, thread, id }) => chat === one.chat && thread === one.thread && id !== one.id);
  return received.some(
    ({ kind, conversation, id, receipt, at }) =>
      kind === "message" &&
      receipt.state === "waiting" &&
      at < one.at &&
      conversation === one.chat &&
      before.some((other) => other.id === id),
  );
}

/** True when something newer of the same place came in: whoever asks for what came after that does not find it. */
export function isOvertaken({ sent, received }: Common, one: Sent): boolean {
  const after = sent.filter(({ chat, thread, at }) => chat === one.chat && thread === one.thread && at > one.at);
  return after.some(({ id }) => received.some((other) => other.conversation === one.chat && other.id === id));
}

/** What is owed and did not come in so far: it may be on its way, or the program waits before it asks again. */
export function unread({ sent, received, engine }: Common, owes: (sent: Sent) => boolean): string[] {
  // Stored, but not told of before the program died.
  const stored = "SELECT 1 FROM inputs WHERE conversation = ? AND external = ? LIMIT 1";
  const isThere = ({ chat, id }: Sent) =>
    received.some((one) => one.conversation === chat && one.id === id) || engine.rows(stored, chat, id).length > 0;
  return sent.filter((one) => one.addressed && !isThere(one) && owes(one)).map(({ id }) => `${id} is not read`);
}
