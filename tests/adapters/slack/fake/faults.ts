// What can go wrong between an app and the fake Slack, as data.
import { createPlan, type Plan, type PlanRule } from "../../plan.ts";
import type { Json } from "./world.ts";

/**
 * One fault of a request. Methods are those of the Web API, and `upload`, `download`, `response_url` for the other
 * addresses. "Acts" means that the platform did what was asked, so that the app cannot know.
 * - `drop`: the connection ends before the request acts. `lose`: it acts, and the connection ends without an answer.
 * - `hang`: no answer ever, the connection stays open; `acts` (default false) says whether the request was done.
 * - `limit`: 429 with `Retry-After`. `error`: `ok: false` with this code. Neither acts.
 * - `status`: this HTTP status (5xx) with a page in place of JSON; `acts` as above. `html`: the same with status 200.
 * - `cut`: acts, and the answer ends in the middle, at `bytes` (default half).
 * - `delay`: acts at once, and the answer comes `ms` later.
 *
 * One fault of a socket. Its methods are `socket` (a connection that is being opened), `envelope` (one that is sent)
 * and `ack` (one that came in).
 * - `socket`: `drop` ends it before the handshake; `hang` accepts and never answers; `mute` is half open: the handshake
 *   is done, and then nothing is said, no hello, no pong; `status` answers the handshake with this status.
 * - `envelope`: `swallow` loses it on the way; `duplicate` sends it twice; `reorder` keeps it until after the next;
 *   `close` closes the socket with `code` in its place; `drop` ends the connection in its place; `delay` sends it later;
 *   `mute` makes the connection half open from there on.
 * - `ack`: `swallow` loses it, so that the envelope comes again.
 */
export type Fault =
  | { kind: "drop" }
  | { kind: "lose" }
  | { kind: "hang"; acts?: boolean }
  | { kind: "limit"; retryAfterS: number }
  | { kind: "error"; error: string; extra?: Json }
  | { kind: "status"; status: number; acts?: boolean }
  | { kind: "html"; acts?: boolean }
  | { kind: "cut"; bytes?: number }
  | { kind: "delay"; ms: number }
  | { kind: "mute" }
  | { kind: "swallow" }
  | { kind: "duplicate" }
  | { kind: "reorder" }
  | { kind: "close"; code: number; reason?: string };

/** What a rule may look at. For `envelope`, `params` is the envelope. */
export interface Seen {
  method: string;
  params: Json;
}

export type FaultRule = PlanRule<Fault, Seen>;
export type Faults = Plan<Fault, Seen>;

export const createFaults = (random: () => number): Faults => createPlan<Fault, Seen>(random);
