// Which waiting inputs a turn may begin with now, and when it is worth to look again.
import { limits } from "../../core/limits.ts";
import type { Inbound } from "../../core/message.ts";
import type { Input, QueueMode } from "../../core/session.ts";
import { shareKey } from "../target.ts";

/** Inputs that one turn begins with, if any; the time to look again; inputs whose files are missing. */
export interface Ready {
  inputs?: Input[];
  at?: number;
  missing: Input[];
}

/** True while a file of the input is neither stored nor given up. */
export function filesMissing(inbound: Inbound): boolean {
  return (
    inbound.kind === "message" &&
    (inbound.files ?? []).some(({ stored, problem }) => stored === undefined && problem === undefined)
  );
}

/**
 * Until when an input waits for what belongs to it (an album, a split text, what was missed with it); 0 when it does not.
 * A wait beyond every bound comes from a clock that was set: it is over.
 */
export function joinUntil({ inbound, receivedAt }: Input, now: number): number {
  if (inbound.kind !== "message") return 0;
  const ms = Math.max(inbound.joinMs ?? 0, inbound.missed === true ? limits.missedJoinMs : 0);
  const until = receivedAt + Math.min(ms, limits.joinMsMax);
  return ms === 0 || until - now > limits.joinMsMax ? 0 : until;
}

/** The oldest waiting inputs of one requester and place that lack nothing. `waiting` is in its order. */
export function readyInputs(waiting: readonly Input[], { mode, now }: { mode: QueueMode; now: number }): Ready {
  const groups = new Map<string, Input[]>();
  for (const input of waiting) {
    const key = shareKey(input.inbound);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [input]);
    else group.push(input);
  }
  let at: number | undefined;
  const missing: Input[] = [];
  for (const group of groups.values()) {
    const inputs = mode === "followup" ? one(group, now) : group;
    const lacking = inputs.filter(({ inbound }) => filesMissing(inbound));
    missing.push(...lacking);
    if (lacking.length > 0) continue;
    // However long the rest goes on to come, the first does not wait for ever.
    const longest = (inputs[0]?.receivedAt ?? 0) + limits.joinMsMax;
    const until = Math.min(longest, Math.max(...inputs.map((input) => joinUntil(input, now))));
    if (until <= now) return { inputs, missing };
    at = Math.min(at ?? until, until);
  }
  return { missing, ...(at === undefined ? {} : { at }) };
}

/** The first with all that came as one with it. */
function one(group: readonly Input[], now: number): Input[] {
  const end = group.findIndex((input) => joinUntil(input, now) === 0);
  return group.slice(0, end === -1 ? group.length : end + 1);
}
