// What can go wrong between a bot and Discord, as data: a plan of faults for requests, dispatches and sockets.

/**
 * A fault of one REST request. `acts` says whether the platform did what was asked, so that the bot cannot know.
 * - `reset`: the connection ends without an answer.
 * - `hang`: no answer ever, the connection stays open.
 * - `delay`: acts, and the answer comes `ms` later.
 * - `limited`: 429 that the bot's counting did not foresee; `scope` as in X-RateLimit-Scope.
 * - `error`: this status (5xx usually) with a JSON error.
 * - `html`: this status with a page of Cloudflare in place of JSON.
 * - `cut`: acts, and the answer ends in the middle, at `bytes` (default half).
 */
export type RequestFault =
  | { kind: "reset"; acts?: boolean }
  | { kind: "hang"; acts?: boolean }
  | { kind: "delay"; ms: number }
  | { kind: "limited"; retryAfterS: number; scope: "user" | "shared" | "global" }
  | { kind: "error"; status: number; code?: number; message?: string; acts?: boolean }
  | { kind: "html"; status: number; acts?: boolean }
  | { kind: "cut"; bytes?: number };

/**
 * A fault of one dispatch. All but `lose` leave it for a resume.
 * - `duplicate`: the frame comes twice. `reorder`: it comes after the next one.
 * - `withhold`: it is numbered but not sent; only a resume from before it brings it.
 * - `lose`: it is numbered and never comes, not by a resume either.
 * - `close`: the connection closes with this code in its place; `sever`: it ends without a code (1006).
 */
export type DispatchFault =
  | { kind: "duplicate" }
  | { kind: "reorder" }
  | { kind: "withhold" }
  | { kind: "lose" }
  | { kind: "close"; code: number }
  | { kind: "sever" };

/**
 * A fault when a client connects or sends a frame.
 * - `refuse`: the upgrade is answered with this HTTP status (only at `connect`).
 * - `close`, `sever`: the connection ends, with this code or without one.
 * - `invalid`: op 9. `reconnect`: op 7.
 * - `ignore`: the frame is not answered. `zombie`: nothing is answered from then on, and nothing sent.
 */
export type SocketFault =
  | { kind: "refuse"; status: number }
  | { kind: "close"; code: number }
  | { kind: "sever" }
  | { kind: "invalid"; resumable: boolean }
  | { kind: "reconnect" }
  | { kind: "ignore" }
  | { kind: "zombie" };

export type Moment = "connect" | "identify" | "resume" | "heartbeat";

interface Counting {
  /** So many fitting ones pass first. */
  skip?: number;
  /** So often at most; without it, always. */
  times?: number;
}

/** A request as a rule sees it: `route` is `POST /channels/:id/messages`, for downloads `GET /attachments`. */
export interface Asked {
  route: string;
  path: string;
  body: Record<string, unknown>;
}

export type FaultRule = Counting &
  (
    | { on: "request"; fault: RequestFault; route?: string; when?: (asked: Asked) => boolean }
    | { on: "dispatch"; fault: DispatchFault; event?: string; when?: (data: Record<string, unknown>) => boolean }
    | { on: "socket"; fault: SocketFault; moment?: Moment; shard?: number }
  );

export interface Faults {
  /** Adds a rule; the first rule that fits decides. Gives back what removes it. */
  add(rule: FaultRule): () => void;
  clear(): void;
  /** How often each has happened, as `request reset`, `dispatch lose`. */
  counts(): Record<string, number>;
  ofRequest(asked: Asked): RequestFault | undefined;
  ofDispatch(event: string, data: Record<string, unknown>): DispatchFault | undefined;
  ofSocket(moment: Moment, shard: number | undefined): SocketFault | undefined;
  /** The HTTP status with which an upgrade is refused, if a rule says so. */
  refusalOfConnect(): number | undefined;
}

export function createFaults(): Faults {
  let rules: { rule: FaultRule; seen: number; used: number }[] = [];
  const happened = new Map<string, number>();
  const find = (fits: (rule: FaultRule) => boolean): FaultRule | undefined => {
    const found = rules.find((one) => {
      if (!fits(one.rule)) return false;
      one.seen += 1;
      if (one.seen <= (one.rule.skip ?? 0) || one.used >= (one.rule.times ?? Number.POSITIVE_INFINITY)) return false;
      one.used += 1;
      return true;
    });
    if (found === undefined) return undefined;
    const key = `${found.rule.on} ${found.rule.fault.kind}`;
    happened.set(key, (happened.get(key) ?? 0) + 1);
    return found.rule;
  };
  return {
    add(rule) {
      const one = { rule, seen: 0, used: 0 };
      rules = [...rules, one];
      return () => {
        rules = rules.filter((other) => other !== one);
      };
    },
    clear() {
      rules = [];
    },
    counts: () => Object.fromEntries(happened),
    ofRequest(asked) {
      const rule = find(
        (one) => one.on === "request" && (one.route ?? asked.route) === asked.route && (one.when?.(asked) ?? true),
      );
      return rule?.on === "request" ? rule.fault : undefined;
    },
    ofDispatch(event, data) {
      const rule = find((one) => one.on === "dispatch" && (one.event ?? event) === event && (one.when?.(data) ?? true));
      return rule?.on === "dispatch" ? rule.fault : undefined;
    },
    ofSocket(moment, shard) {
      const rule = find(
        (one) =>
          one.on === "socket" &&
          one.fault.kind !== "refuse" &&
          (one.moment ?? moment) === moment &&
          (one.shard ?? shard) === shard,
      );
      return rule?.on === "socket" ? rule.fault : undefined;
    },
    refusalOfConnect() {
      const rule = find((one) => one.on === "socket" && one.fault.kind === "refuse");
      return rule?.fault.kind === "refuse" ? rule.fault.status : undefined;
    },
  };
}
