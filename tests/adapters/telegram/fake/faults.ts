// What can go wrong between a bot and Telegram, as data: a plan of faults, and what a faulty exchange looks like.
import { createPlan, type Plan, type PlanRule } from "../../plan.ts";
import type { Answer } from "./world.ts";

/**
 * One fault. Those that say so happen after the platform did what it was asked ("acts"), so that the bot cannot know.
 * - `drop`: the connection ends before the request acts.
 * - `lose`: the request acts, the connection ends without an answer.
 * - `hang`: no answer ever, the connection stays open; `acts` (default false) says whether the request was done.
 * - `flood`: 429 with `retry_after` in seconds. `unauthorized`: 401. `conflict`: 409 as for two pollers.
 * - `html`: this status with a page of a proxy in place of JSON; `acts` as above.
 * - `cut`: acts, and the answer ends in the middle, at `bytes` (default half).
 * - `stall`: acts, and nothing comes after the first `bytes` of the answer; the connection stays open.
 * - `swell`: a download gives `bytes` more than the file has, without saying how many there will be.
 * - `garbage`: acts, status 200, and a body that is no JSON.
 * - `delay`: acts as usual, and the answer comes `ms` later.
 * - `repeat`: getUpdates gives confirmed updates once more, up to `count`, before the new ones.
 * - `reorder`: getUpdates gives its updates in the opposite order.
 * - `answer`: exactly this answer; the request does not act.
 */
export type Fault =
  | { kind: "drop" }
  | { kind: "lose" }
  | { kind: "hang"; acts?: boolean }
  | { kind: "flood"; retryAfterS: number }
  | { kind: "unauthorized" }
  | { kind: "conflict" }
  | { kind: "html"; status: number; acts?: boolean }
  | { kind: "cut"; bytes?: number }
  | { kind: "stall"; bytes: number }
  | { kind: "swell"; bytes: number }
  | { kind: "garbage" }
  | { kind: "delay"; ms: number }
  | { kind: "repeat"; count: number }
  | { kind: "reorder" }
  | { kind: "answer"; answer: Answer };

/** What a rule may look at; `file` is the method of downloads. */
interface Seen {
  method: string;
  params: Record<string, unknown>;
}

export type FaultRule = PlanRule<Fault, Seen>;
export type Faults = Plan<Fault, Seen>;

export const createFaults = (random: () => number): Faults => createPlan<Fault, Seen>(random);

/**
 * How a request ended, for whoever carries it (sockets, or a simulated network):
 * - `answer`: status and JSON; - `raw`: status, type and bytes that are no answer of the API;
 * - `part`: the status, the length of the `whole` body, this much of it, and then the end or silence;
 * - `closed`: the connection ended before a byte came back; - `silent`: it never ends by itself.
 * `acted` says whether the platform did what was asked; `delayMs` is waited first.
 */
export type Outcome = { acted: boolean; delayMs: number } & (
  | { kind: "answer"; answer: Answer }
  | { kind: "raw"; status: number; type: string; body: string }
  | { kind: "part"; status: number; body: string; whole: number; ending: "close" | "silence" }
  | { kind: "closed" }
  | { kind: "silent" }
);

/** Carries out `act` under a fault. */
export function underFault(fault: Fault | undefined, act: () => Answer): Outcome {
  const refusal = (error_code: number, description: string, retry_after?: number): Outcome => ({
    kind: "answer",
    acted: false,
    delayMs: 0,
    answer: {
      ok: false,
      error_code,
      description,
      ...(retry_after === undefined ? {} : { parameters: { retry_after } }),
    },
  });
  switch (fault?.kind) {
    case "drop":
      return { kind: "closed", acted: false, delayMs: 0 };
    case "lose":
      return { kind: "closed", acted: done(act), delayMs: 0 };
    case "hang":
      return { kind: "silent", acted: fault.acts === true && done(act), delayMs: 0 };
    case "flood":
      return refusal(429, `Too Many Requests: retry after ${fault.retryAfterS}`, fault.retryAfterS);
    case "unauthorized":
      return refusal(401, "Unauthorized");
    case "conflict":
      return refusal(409, pollConflict);
    case "html": {
      const body = `<html>\r\n<head><title>${fault.status}</title></head>\r\n<body>\r\n<center><h1>${fault.status}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
      return {
        kind: "raw",
        acted: fault.acts === true && done(act),
        delayMs: 0,
        status: fault.status,
        type: "text/html",
        body,
      };
    }
    case "cut":
      return part(act(), fault.bytes, "close");
    case "stall":
      return part(act(), fault.bytes, "silence");
    case "garbage":
      return {
        kind: "raw",
        acted: done(act),
        delayMs: 0,
        status: 200,
        type: "application/json",
        body: '{"ok":true,"result":\u{0}}',
      };
    case "answer":
      return { kind: "answer", acted: false, delayMs: 0, answer: fault.answer };
    case "delay":
      return { kind: "answer", acted: true, delayMs: fault.ms, answer: act() };
    default:
      return { kind: "answer", acted: true, delayMs: 0, answer: act() };
  }
}

export const pollConflict =
  "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

function part(answer: Answer, bytes: number | undefined, ending: "close" | "silence"): Outcome {
  const whole = JSON.stringify(answer);
  const body = whole.slice(0, bytes ?? whole.length >> 1);
  const status = answer.ok ? 200 : answer.error_code;
  return {
    kind: "part",
    acted: answer.ok,
    delayMs: 0,
    status,
    body,
    whole: new TextEncoder().encode(whole).length,
    ending,
  };
}

function done(act: () => Answer): boolean {
  return act().ok;
}
