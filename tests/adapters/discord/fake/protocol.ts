// The fake gateway's words: opcodes, close codes, limits, and what a connection and a session are.
import type { Bot } from "./world.ts";

/** docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes */
export const closes = {
  unknownError: 4000,
  unknownOpcode: 4001,
  decode: 4002,
  notAuthenticated: 4003,
  authenticationFailed: 4004,
  alreadyAuthenticated: 4005,
  invalidSeq: 4007,
  rateLimited: 4008,
  sessionTimedOut: 4009,
  invalidShard: 4010,
  shardingRequired: 4011,
  invalidVersion: 4012,
  invalidIntents: 4013,
  disallowedIntents: 4014,
} as const;

export const op = {
  dispatch: 0,
  heartbeat: 1,
  identify: 2,
  presence: 3,
  voice: 4,
  resume: 6,
  reconnect: 7,
  members: 8,
  invalid: 9,
  hello: 10,
  acked: 11,
} as const;

/** Codes after which a session is over: the same table's "Reconnect", and closing by the client with 1000 or 1001. */
export const ending: number[] = [1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014];

export interface GatewayOptions {
  /** What hello says, in ms. */
  heartbeatIntervalMs: number;
  /** How long a session without a connection can be resumed, in ms. The real time is not documented. */
  sessionMs: number;
  /** Identifies of one key are this far apart, in ms; what comes earlier gets op 9. */
  identifyEveryMs: number;
  maxConcurrency: number;
  identifiesADay: number;
}

/** Discord's numbers: events/gateway#rate-limiting and what its hello says. */
export const realGateway: GatewayOptions = {
  heartbeatIntervalMs: 41_250,
  sessionMs: 180_000,
  identifyEveryMs: 5000,
  maxConcurrency: 1,
  identifiesADay: 1000,
};

/** The far end of a connection. */
export interface Wire {
  send(text: string): void;
  /** Closes with a code. */
  close(code: number, reason: string): void;
  /** Ends without one; the client sees 1006. */
  sever(): void;
}

/** One connection, as whoever carries it speaks to it. */
export interface Line {
  receive(text: string): void;
  /** The client closed, or the connection ended (1006). */
  ended(code: number): void;
}

export interface Dispatch {
  s: number;
  t: string;
  text: string;
  lost: boolean;
}

export interface Session {
  readonly id: string;
  readonly bot: Bot;
  readonly shard: readonly [number, number];
  readonly intents: number;
  seq: number;
  kept: Dispatch[];
  connection: Connection | undefined;
  detachedAt: number;
  /** Waits for the next one, after a `reorder`. */
  held: string[];
}

export interface Connection {
  wire: Wire;
  session: Session | undefined;
  zombie: boolean;
  open: boolean;
  frames: number[];
  heartbeats: number;
  patience: AbortController;
}
