// The line to Discord: the gateway's address, the shards on it, and what every end of them means.
import { GatewayCloseCodes as Close } from "discord-api-types/v10";
import * as v from "valibot";
import { errorText, Failure, failureText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterHealth } from "../../gateway/handle.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Client } from "./client.ts";
import { isTokenRefused, reasonOf, retryAfterOf } from "./errors.ts";
import { type GatewayPlan, openShards, pauseMs, type ShardEvents, type Verdict } from "./shards.ts";
import { snowflakeSchema } from "./snowflake.ts";
import { createStatus } from "./status.ts";

/** The bot's own account, and its application: older ones have two ids. */
export interface SelfUser {
  id: string;
  name: string;
  application: string;
}

export interface LineDeps {
  /** Name of the adapter in settings. */
  name: string;
  /** Address of the gateway in settings. */
  gatewayUrl: string | undefined;
  client: Client;
  clock: Clock;
  log: Log;
  /** Called before the first event of each new session; never throws. */
  onSelf(self: SelfUser): void;
  /** A session began, or may have missed something; never throws. */
  onGap(): void;
  /** Never throws. */
  onDispatch: ShardEvents["onDispatch"];
}

/** The open line. */
export interface Line {
  health(): AdapterHealth;
  /** Ends all connections at once. */
  close(): Promise<void>;
}

/** Why the line is down, how long to wait, and whether another token would mend it. */
interface Trouble {
  problem: string;
  ms: number;
  token?: boolean;
}

const gatewaySchema = v.looseObject({
  url: v.pipe(v.string(), v.regex(/^wss?:\/\//)),
  shards: v.pipe(v.number(), v.integer(), v.minValue(1)),
  session_start_limit: v.looseObject({
    remaining: v.pipe(v.number(), v.minValue(0)),
    reset_after: v.pipe(v.number(), v.minValue(0)),
    max_concurrency: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
});
const readySchema = v.looseObject({
  user: v.looseObject({ id: snowflakeSchema, username: v.pipe(v.string(), v.nonEmpty()) }),
  application: v.looseObject({ id: snowflakeSchema }),
});

const portal = "https://discord.com/developers/applications";

/** Opens the line; it connects by itself, and again whenever it was lost. */
export function openLine(deps: LineDeps): Line {
  const { clock, log, client } = deps;
  const closing = new AbortController();
  const status = createStatus(deps);
  let shardsLeast = 1;
  let open: ReturnType<typeof openShards> | undefined;

  /** Connects all shards, and stays until a code ends them. @throws what a call throws, and {@link NoStarts}. */
  const converse = async (): Promise<Verdict | undefined> => {
    const token = client.token();
    const plan = await planOf(deps, shardsLeast);
    if (closing.signal.aborted) return undefined;
    const shards = openShards(plan, {
      token,
      clock,
      log,
      on: {
        onHeard: status.heard,
        onReady(data) {
          const ready = v.safeParse(readySchema, data);
          if (ready.success) {
            const { user, application } = ready.output;
            status.greeted(`@${user.username}`);
            deps.onSelf({ id: user.id, name: user.username, application: application.id });
          } else log.error("Discord does not say who the bot is");
          if (shards.whole()) status.connected();
          deps.onGap();
        },
        onResumed() {
          if (shards.whole()) status.connected();
        },
        onDispatch: deps.onDispatch,
        onLost: (reason) => status.lost(`The connection to Discord at ${new URL(plan.url).host} is lost: ${reason}`),
      },
    });
    open = shards;
    const verdict = await shards.done;
    if (verdict?.code === Close.ShardingRequired) shardsLeast = Math.min(plan.shards * 2, limits.shardsMax);
    return verdict;
  };

  const run = async () => {
    let failures = 0;
    while (!closing.signal.aborted) {
      let trouble: Trouble;
      try {
        const verdict = await converse();
        if (verdict === undefined) return;
        failures = 1;
        trouble = troubleOfCode(verdict.code, deps);
      } catch (error) {
        if (closing.signal.aborted) return;
        failures += 1;
        trouble = troubleOf(error, { deps, failures });
      }
      status.lost(trouble.problem);
      await pause(trouble);
    }
  };
  /** Waits; a refused token only until settings hold another one. */
  const pause = async ({ ms, token }: Trouble): Promise<void> => {
    const before = tokenOr(client);
    for (let left = ms; left > 0 && !closing.signal.aborted; left -= limits.tokenLookMs) {
      await clock.sleep(Math.min(left, limits.tokenLookMs), closing.signal);
      if (token === true && tokenOr(client) !== before) return;
    }
  };
  const running = run().catch((error) => log.error("The line ended", { error: errorText(error) }));

  return {
    health: status.health,
    async close() {
      closing.abort();
      open?.close();
      await within(clock, { work: running, ms: limits.socketCloseMs });
    },
  };
}

function tokenOr(client: Client): string | undefined {
  try {
    return client.token();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** No session may be started any more today: another try would cost the bot its token. */
class NoStarts extends Error {
  readonly resetMs: number;
  constructor(resetMs: number) {
    super("No session may be started any more");
    this.resetMs = resetMs;
  }
}

/** Asks where the gateway is and how many shards the bot needs. */
async function planOf({ client, gatewayUrl }: LineDeps, shardsLeast: number): Promise<GatewayPlan> {
  const answer = v.parse(gatewaySchema, await client.call({ method: "GET", route: "/gateway/bot" }));
  const { remaining, reset_after: resetMs, max_concurrency: concurrency } = answer.session_start_limit;
  const shards = Math.min(Math.max(answer.shards, shardsLeast), limits.shardsMax);
  if (remaining < shards) throw new NoStarts(resetMs);
  const url = gatewayUrl ?? answer.url;
  return { url, fixed: gatewayUrl !== undefined, shards, concurrency, starts: remaining };
}

/** What a failed start means, in one sentence with the mend. */
function troubleOf(error: unknown, { deps, failures }: { deps: LineDeps; failures: number }): Trouble {
  const { name, clock, client } = deps;
  const ms = pauseMs(clock, failures);
  if (error instanceof Failure) return { problem: failureText(error), ms, token: true };
  if (isTokenRefused(error)) return tokenRefused(name, failures, clock);
  if (error instanceof NoStarts) {
    const problem = `Discord lets ${JSON.stringify(name)} start no more sessions for ${Math.ceil(error.resetMs / 60_000)} min`;
    return { problem, ms: Math.max(ms, Math.min(error.resetMs, limits.deliveryWaitMsMax)) };
  }
  const asked = retryAfterOf(error);
  if (asked !== undefined) {
    return {
      problem: `Discord asks ${JSON.stringify(name)} to wait ${Math.ceil(asked / 1000)} s`,
      ms: Math.max(asked, ms),
    };
  }
  if (v.isValiError(error)) return { problem: `${client.host} does not answer as Discord's API does`, ms };
  return { problem: `Cannot reach Discord at ${client.host}: ${reasonOf(error)}`, ms };
}

function tokenRefused(name: string, failures: number, clock: Clock): Trouble {
  return {
    problem: `Discord does not know the bot token of ${JSON.stringify(name)}; ${portal} makes a new one (Bot, Reset Token), which belongs into adapters.${name}.botToken`,
    ms: pauseMs(clock, failures, { base: limits.refusedTokenMs, cap: limits.refusedTokenCapMs }),
    token: true,
  };
}

/** What a close code means that ends all: topics/opcodes-and-status-codes#gateway-gateway-close-event-codes. */
function troubleOfCode(code: Close | undefined, { name, clock }: LineDeps): Trouble {
  const bot = JSON.stringify(name);
  const slowly = pauseMs(clock, 1, { base: limits.refusedTokenMs, cap: limits.refusedTokenCapMs });
  switch (code) {
    case undefined:
      return {
        problem: `Discord ended the sessions of ${bot} again and again; it is asked how many are left`,
        ms: limits.identifyEveryMs,
      };
    case Close.AuthenticationFailed:
      return tokenRefused(name, 1, clock);
    case Close.ShardingRequired:
      return {
        problem: `${bot} is in so many servers that Discord wants more shards; they are opened`,
        ms: limits.identifyEveryMs,
      };
    case Close.InvalidShard:
      return {
        problem: `Discord did not take a shard of ${bot}; it is asked anew how many there are`,
        ms: limits.identifyEveryMs,
      };
    case Close.DisallowedIntents:
      return {
        problem: `Discord does not give ${bot} the Message Content Intent: switch it on at ${portal} (the application, Bot, Privileged Gateway Intents)`,
        ms: slowly,
      };
    case Close.InvalidIntents:
      return {
        problem: `Discord does not know an intent that ${bot} asked for; a newer version of remoteagent may`,
        ms: slowly,
      };
    default:
      return {
        problem: `Discord wants another version of its gateway than ${bot} speaks; a newer remoteagent is needed`,
        ms: slowly,
      };
  }
}
