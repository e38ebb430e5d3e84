// The fake gateway, version 10 in JSON: takes frames, tells events, and does what tests ask. It knows no sockets.
import { createBeginnings, refill } from "./beginnings.ts";
import { memberChunk } from "./chunk.ts";
import type { Moment } from "./faults.ts";
import { createLines, type Deps } from "./lines.ts";
import { may } from "./permissions.ts";
import { type Connection, closes, type GatewayOptions, type Line, op, type Session, type Wire } from "./protocol.ts";
import { isObject } from "./route.ts";
import { type Bot, type Emission, type Json, shardOf } from "./world.ts";

/** 120 events in 60 s, and 4096 bytes each: docs.discord.com/developers/events/gateway#sending-events. */
const framesMax = 120;
const framesMs = 60_000;
const frameBytesMax = 4096;

const journalKept = 100_000;

/** What a test sees of a session. */
export interface SessionView {
  id: string;
  bot: string;
  shard: readonly [number, number];
  intents: number;
  seq: number;
  connected: boolean;
  zombie: boolean;
  heartbeats: number;
}

/** Which connections an act is for. */
export interface Target {
  bot?: Bot;
  shard?: number;
}

export interface Gateway {
  readonly options: GatewayOptions;
  /** Opens a connection; the query is that of the address. */
  connect(wire: Wire, query: URLSearchParams): Line;
  emit(emission: Emission): void;
  sessions(): SessionView[];
  /** What came from clients: `identify`, `resume`, `heartbeat`, `close 4200`. */
  readonly journal: { at: number; what: string; shard: number | undefined; data: unknown }[];
  /** These act on every open connection, or on those that `at` names. */
  reconnect(at?: Target): void;
  invalidate(resumable: boolean, at?: Target): void;
  close(code: number, at?: Target): void;
  sever(at?: Target): void;
  askHeartbeat(at?: Target): void;
  /** From now on frames are taken and nothing is sent; false wakes it up again, and what was missed stays missed. */
  zombie(on: boolean, at?: Target): void;
  /** Forgets every session that has no connection: a resume gets op 9. */
  expire(): void;
  /** For GET /gateway/bot. */
  limitOf(bot: Bot): Json;
  /** Ends all without a word. */
  stop(): void;
}

export function createGateway(deps: Deps): Gateway {
  const lines = createLines(deps);
  const {
    world,
    faults,
    options,
    wireClock,
    sessions,
    connections,
    write,
    part,
    close,
    sever,
    invalid,
    watch,
    dispatch,
  } = lines;
  const { identify, resume } = createBeginnings(lines);
  const journal: Gateway["journal"] = [];
  const enter = (what: string, given: { shard: number | undefined; data?: unknown }) => {
    journal.push({ at: world.clock.now(), what, shard: given.shard, data: given.data });
    if (journal.length > journalKept) journal.shift();
  };

  /** Whether a fault took the place of what would have happened. */
  const faulted = (connection: Connection, moment: Moment, shard: number | undefined): boolean => {
    const fault = faults.ofSocket(moment, shard);
    switch (fault?.kind) {
      case undefined:
        return false;
      case "close":
        close(connection, fault.code);
        break;
      case "sever":
        sever(connection);
        break;
      case "invalid":
        invalid(connection, fault.resumable);
        break;
      case "reconnect":
        write(connection, { op: op.reconnect, d: null });
        break;
      case "zombie":
        connection.zombie = true;
        break;
      case "refuse":
      case "ignore":
        break;
    }
    return true;
  };

  const handle = (connection: Connection, frame: Json) => {
    const d = isObject(frame.d) ? frame.d : {};
    const note = (what: string, shard = connection.session?.shard[0]) => {
      enter(what, { shard, data: frame.d });
      return shard;
    };
    switch (frame.op) {
      case op.heartbeat:
        connection.heartbeats += 1;
        if (faulted(connection, "heartbeat", note("heartbeat"))) return;
        watch(connection);
        return write(connection, { op: op.acked });
      case op.identify: {
        const shard = Array.isArray(d.shard) ? Number(d.shard[0]) : 0;
        if (!faulted(connection, "identify", note("identify", shard))) identify(connection, d);
        return;
      }
      case op.resume: {
        const shard = note("resume", sessions.get(String(d.session_id))?.shard[0]);
        if (!faulted(connection, "resume", shard)) resume(connection, d);
        return;
      }
      default:
        if (frame.op !== op.presence && frame.op !== op.voice && frame.op !== op.members)
          return close(connection, closes.unknownOpcode, "Unknown opcode.");
        if (connection.session === undefined) return close(connection, closes.notAuthenticated, "Not authenticated.");
        note(frame.op === op.members ? "members" : "presence");
        if (frame.op === op.members) answerMembers(connection.session, d);
    }
  };
  const answerMembers = (session: Session, d: Json) => {
    const chunk = memberChunk(world, session.bot, d);
    if (chunk !== undefined) dispatch(session, "GUILD_MEMBERS_CHUNK", chunk);
  };

  const receive = (connection: Connection, text: string) => {
    if (!connection.open) return;
    const now = wireClock.monotonic();
    connection.frames = [...connection.frames.filter((at) => now - at < framesMs), now];
    if (connection.frames.length > framesMax) return close(connection, closes.rateLimited, "Rate limited.");
    const frame = parsed(text);
    if (frame === undefined || Buffer.byteLength(text) > frameBytesMax)
      return close(connection, closes.decode, "Error while decoding payload.");
    handle(connection, frame);
  };

  const each = ({ bot, shard }: Target = {}, act: (connection: Connection) => void) => {
    for (const connection of connections) {
      const { session } = connection;
      if (bot !== undefined && session?.bot !== bot) continue;
      if (shard === undefined || session?.shard[0] === shard) act(connection);
    }
  };

  return {
    options,
    journal,
    connect(wire, query) {
      const connection: Connection = {
        wire,
        session: undefined,
        zombie: false,
        open: true,
        frames: [],
        heartbeats: 0,
        patience: new AbortController(),
      };
      connections.add(connection);
      const line: Line = {
        receive: (text) => receive(connection, text),
        ended(code) {
          if (connection.open) enter(`close ${code}`, { shard: connection.session?.shard[0] });
          part(connection, code);
        },
      };
      if ((query.get("v") ?? "10") !== "10") close(connection, closes.invalidVersion, "Invalid API version.");
      else if ((query.get("encoding") ?? "json") !== "json" || query.has("compress"))
        close(connection, closes.decode, "The fake gateway speaks JSON without compression.");
      else if (!faulted(connection, "connect", undefined)) {
        write(connection, {
          op: op.hello,
          s: null,
          t: null,
          d: { heartbeat_interval: options.heartbeatIntervalMs, _trace: [] },
        });
        watch(connection);
      }
      return line;
    },
    emit({ event, intents: needed, guild, channel, only, data }) {
      for (const session of sessions.values()) {
        const { bot, shard } = session;
        if (only !== undefined && only !== bot) continue;
        if (shardOf(guild, shard[1]) !== shard[0]) continue;
        if (needed !== undefined && (session.intents & needed) === 0) continue;
        if (only === undefined && !concerns(bot, { guild, channel })) continue;
        if (guild?.unavailable === true && event !== "GUILD_DELETE") continue;
        const d = data(bot, session.intents);
        if (d !== undefined) dispatch(session, event, d);
      }
    },
    sessions: () => [...sessions.values()].map(viewSession),
    reconnect: (at) => each(at, (one) => write(one, { op: op.reconnect, d: null })),
    invalidate: (resumable, at) => each(at, (one) => invalid(one, resumable)),
    close: (code, at) => each(at, (one) => close(one, code)),
    sever: (at) => each(at, sever),
    askHeartbeat: (at) => each(at, (one) => write(one, { op: op.heartbeat, d: null })),
    zombie(on, at) {
      each(at, (one) => {
        one.zombie = on;
      });
    },
    expire() {
      for (const session of sessions.values()) if (session.connection === undefined) sessions.delete(session.id);
    },
    limitOf(bot) {
      refill(world, bot, options);
      return {
        total: options.identifiesADay,
        remaining: bot.identifiesLeft,
        reset_after: Math.max(0, bot.identifiesResetAt - world.clock.now()),
        max_concurrency: options.maxConcurrency,
      };
    },
    stop: () => each({}, sever),
  };
}

function concerns(bot: Bot, { guild, channel }: Pick<Emission, "guild" | "channel">): boolean {
  if (guild === undefined) return channel?.recipients?.includes(bot) ?? false;
  return guild.members.has(bot.id) && (channel === undefined || may(channel, bot, "VIEW_CHANNEL"));
}

function viewSession({ id, bot, shard, intents: wanted, seq, connection }: Session): SessionView {
  return {
    id,
    bot: bot.id,
    shard,
    intents: wanted,
    seq,
    connected: connection !== undefined,
    zombie: connection?.zombie ?? false,
    heartbeats: connection?.heartbeats ?? 0,
  };
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
