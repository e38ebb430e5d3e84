// All connections of a bot: each shard by itself, connected again whenever it was lost, with the rate that Discord allows.
import { GatewayCloseCodes as Close, GatewayIntentBits as Intent } from "discord-api-types/v10";
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { type End, type GatewaySession, openSocket, type Socket, type SocketOptions } from "./socket.ts";

/** What Discord says of the gateway, with our address if settings name one. */
export interface GatewayPlan {
  url: string;
  /** Settings name it. */
  fixed: boolean;
  shards: number;
  /** Shards that may identify at the same time. */
  concurrency: number;
  /** Sessions that may be begun until it is asked anew: one more than the day allows costs the bot its token. */
  starts: number;
}

export interface ShardEvents extends Pick<SocketOptions, "onHeard"> {
  onReady: SocketOptions["onReady"];
  onResumed(): void;
  onDispatch: SocketOptions["onDispatch"];
  /** A shard is without a connection, and why. */
  onLost(reason: string): void;
}

/** Why all of them were given up; without a code no session may be begun before it is asked how many are left. */
export interface Verdict {
  code: Close | undefined;
}

/**
 * Codes that another try does not mend: docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes.
 */
const final = new Set<Close>([
  Close.AuthenticationFailed,
  Close.InvalidShard,
  Close.ShardingRequired,
  Close.InvalidAPIVersion,
  Close.InvalidIntents,
  Close.DisallowedIntents,
]);

/** The intents that are asked for: docs.discord.com/developers/events/gateway#list-of-intents. */
const intents =
  Intent.Guilds |
  Intent.GuildMessages |
  Intent.GuildMessageReactions |
  Intent.DirectMessages |
  Intent.DirectMessageReactions |
  // Privileged: an owner switches it on.
  Intent.MessageContent;

const closeSchema = v.enum(Close);

/** Opens all shards. `done` resolves with the code that ended them, or undefined after `close`. */
export function openShards(
  plan: GatewayPlan,
  { token, clock, log, on }: { token: string; clock: Clock; log: Log; on: ShardEvents },
) {
  const closing = new AbortController();
  const turn = createTurns(plan.concurrency, clock);
  const sockets = new Map<number, Socket>();
  const alive = new Set<number>();
  let verdict: Verdict | undefined;
  let { starts } = plan;

  const attempt = async (id: number, session: GatewaySession | undefined): Promise<{ end: End; socket: Socket }> => {
    const socket = openSocket({
      url: plan.url,
      fixed: plan.fixed,
      token,
      intents,
      shard: [id, plan.shards],
      session,
      clock,
      identifyTurn: (signal) => turn(id, signal),
      onHeard: on.onHeard,
      onReady(ready) {
        alive.add(id);
        on.onReady(ready);
      },
      onResumed() {
        alive.add(id);
        on.onResumed();
      },
      onDispatch: on.onDispatch,
    });
    sockets.set(id, socket);
    const end = await socket.ended;
    alive.delete(id);
    return { end, socket };
  };

  /** One shard, for as long as all are open. */
  const run = async (id: number): Promise<void> => {
    let session: GatewaySession | undefined;
    let failures = 0;
    while (!closing.signal.aborted) {
      if (session === undefined && starts <= 0) {
        verdict ??= { code: undefined };
        return closing.abort();
      }
      if (session === undefined) starts -= 1;
      const began = clock.monotonic();
      const { end, socket } = await attempt(id, session);
      if (closing.signal.aborted) return;
      session = end.resumable ? socket.session() : undefined;
      log.info("A connection to the gateway ended", {
        shard: id,
        reason: end.reason,
        code: end.code,
        resumes: session !== undefined,
      });
      if (v.is(closeSchema, end.code) && final.has(end.code)) {
        verdict ??= { code: end.code };
        return closing.abort();
      }
      failures = clock.monotonic() - began > limits.stableLineMs || end.asked ? 0 : failures + 1;
      if (failures > 0) on.onLost(end.reason);
      // It is us who cannot go on with it, and what we fail at would come again with each resume.
      if (end.code === undefined && failures >= limits.receiveTriesMax) session = undefined;
      // A session that is over wants a moment of its own: events/gateway#resuming.
      await clock.sleep(end.asked ? 0 : pauseMs(clock, failures), closing.signal);
    }
  };
  const close = () => {
    closing.abort();
    for (const socket of sockets.values()) socket.close(false);
  };
  const done = Promise.all(Array.from({ length: plan.shards }, (_, id) => run(id))).then(() => verdict);
  closing.signal.addEventListener("abort", () => {
    for (const socket of sockets.values()) socket.close(false);
  });
  return {
    done,
    /** Whether every shard has a session that works. */
    whole: () => alive.size === plan.shards,
    close,
  };
}

/** A pause that grows with the failures in a row; chance keeps many bots from coming back at once. */
export function pauseMs(
  { random }: Pick<Clock, "random">,
  failures: number,
  { base, cap }: { base: number; cap: number } = { base: limits.reconnectMs, cap: limits.reconnectCapMs },
): number {
  const [byte = 0] = random(1);
  return Math.min(base * 2 ** Math.min(Math.max(failures, 1) - 1, 20), cap) * (0.5 + byte / 512);
}

/** Lets shards identify: those of one key five seconds apart (events/gateway#rate-limiting). */
function createTurns(concurrency: number, clock: Clock) {
  const next = new Map<number, number>();
  return async (shard: number, signal: AbortSignal): Promise<void> => {
    const key = shard % concurrency;
    const now = clock.monotonic();
    const at = Math.max(now, next.get(key) ?? now);
    next.set(key, at + limits.identifyEveryMs);
    await clock.sleep(at - now, signal);
  };
}
