// The fake gateway, version 10 in JSON: connections, sessions, dispatches, resumes. It knows no sockets.
import { type Clock, systemClock } from "../../../../src/sys/clock.ts";
import { viewGuildFor } from "./channels.ts";
import { memberChunk } from "./chunk.ts";
import type { DispatchFault, Faults, Moment } from "./faults.ts";
import { areKnown, flagsOf, intents, ungranted } from "./intents.ts";
import { may } from "./permissions.ts";
import { isObject } from "./route.ts";
import { viewUser } from "./views.ts";
import { type Bot, botOfToken, type Emission, type Json, shardOf, token, type World } from "./world.ts";

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

const op = {
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
const ending: number[] = [1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014];

/** 120 events in 60 s, and 4096 bytes each: docs.discord.com/developers/events/gateway#sending-events. */
const framesMax = 120;
const framesMs = 60_000;
const frameBytesMax = 4096;

/** Dispatches that a session keeps for a resume. */
const keptMax = 10_000;

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

interface Dispatch {
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

interface Connection {
  wire: Wire;
  session: Session | undefined;
  zombie: boolean;
  open: boolean;
  frames: number[];
  heartbeats: number;
  patience: AbortController;
}

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

export function createGateway(
  world: World,
  { faults, options, wireClock = systemClock }: { faults: Faults; options: GatewayOptions; wireClock?: Clock },
): Gateway {
  const sessions = new Map<string, Session>();
  const connections = new Set<Connection>();
  const identified = new Map<string, number>();
  const journal: Gateway["journal"] = [];

  const write = (connection: Connection, frame: Json) => {
    if (connection.open && !connection.zombie) connection.wire.send(JSON.stringify(frame));
  };
  const part = (connection: Connection, code: number | undefined) => {
    if (!connection.open) return;
    connection.open = false;
    connection.patience.abort();
    connections.delete(connection);
    const { session } = connection;
    if (session === undefined || session.connection !== connection) return;
    session.connection = undefined;
    session.detachedAt = world.clock.now();
    session.held = [];
    if (code !== undefined && ending.includes(code)) sessions.delete(session.id);
  };
  const close = (connection: Connection, code: number, reason = "") => {
    if (!connection.open) return;
    connection.wire.close(code, reason);
    part(connection, code);
  };
  const sever = (connection: Connection) => {
    if (!connection.open) return;
    connection.wire.sever();
    part(connection, undefined);
  };
  const invalid = (connection: Connection, resumable: boolean) => {
    const { session } = connection;
    if (!resumable && session !== undefined) sessions.delete(session.id);
    connection.session = undefined;
    if (session !== undefined) {
      session.connection = undefined;
      session.detachedAt = world.clock.now();
    }
    write(connection, { op: op.invalid, d: resumable });
  };

  /** A client that is silent for longer than the interval (and some grace) is cut off. */
  const watch = (connection: Connection) => {
    connection.patience.abort();
    const patience = new AbortController();
    connection.patience = patience;
    void wireClock.sleep(options.heartbeatIntervalMs * 1.5, patience.signal).then(() => {
      if (!patience.signal.aborted) close(connection, closes.sessionTimedOut, "Session timed out.");
    });
  };

  const deliver = (session: Session, one: Dispatch, fault: DispatchFault | undefined) => {
    const { connection } = session;
    if (connection === undefined || !connection.open) return;
    const send = (text: string) => {
      if (!connection.zombie) connection.wire.send(text);
    };
    switch (fault?.kind) {
      case "withhold":
      case "lose":
        return;
      case "reorder":
        session.held.push(one.text);
        return;
      case "close":
        close(connection, fault.code);
        return;
      case "sever":
        sever(connection);
        return;
      default:
        send(one.text);
        if (fault?.kind === "duplicate") send(one.text);
        for (const late of session.held.splice(0)) send(late);
    }
  };
  const dispatch = (session: Session, t: string, d: Json) => {
    session.seq += 1;
    const fault = t === "READY" || t === "RESUMED" ? undefined : faults.ofDispatch(t, d);
    const one = {
      s: session.seq,
      t,
      text: JSON.stringify({ op: op.dispatch, t, s: session.seq, d }),
      lost: fault?.kind === "lose",
    };
    session.kept.push(one);
    if (session.kept.length > keptMax) session.kept.shift();
    deliver(session, one, fault);
  };

  const ready = (connection: Connection, given: { bot: Bot; shard: [number, number]; wanted: number }) => {
    const { bot, shard, wanted } = given;
    const session: Session = {
      id: token(world, 32),
      bot,
      shard,
      intents: wanted,
      seq: 0,
      kept: [],
      connection,
      detachedAt: 0,
      held: [],
    };
    sessions.set(session.id, session);
    connection.session = session;
    const guilds = [...world.guilds.values()].filter(
      (guild) => guild.members.has(bot.id) && shardOf(guild, shard[1]) === shard[0],
    );
    dispatch(session, "READY", {
      v: 10,
      user: { ...viewUser(bot), verified: true, mfa_enabled: false, email: null, flags: 0 },
      guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
      session_id: session.id,
      session_type: "normal",
      resume_gateway_url: `${world.gatewayUrl}/resume`,
      shard,
      application: { id: bot.id, flags: flagsOf(bot) },
      private_channels: [],
      relationships: [],
      presences: [],
      user_settings: {},
      _trace: [],
    });
    if ((wanted & intents.GUILDS) === 0) return;
    const allMembers = (wanted & intents.GUILD_MEMBERS) !== 0;
    for (const guild of guilds) {
      if (!guild.unavailable) dispatch(session, "GUILD_CREATE", viewGuildFor({ world, bot }, guild, { allMembers }));
    }
  };

  const identify = (connection: Connection, d: Json) => {
    if (connection.session !== undefined)
      return close(connection, closes.alreadyAuthenticated, "Already authenticated.");
    const bot = botOfToken(world, String(d.token));
    if (bot === undefined) return close(connection, closes.authenticationFailed, "Authentication failed.");
    const shard: unknown[] = Array.isArray(d.shard) ? d.shard : [0, 1];
    const [index, count] = [Number(shard[0]), Number(shard[1])];
    if (!Number.isInteger(index) || !Number.isInteger(count) || index < 0 || index >= count)
      return close(connection, closes.invalidShard, "Invalid shard.");
    if (count < bot.shardsNeeded) return close(connection, closes.shardingRequired, "Sharding required.");
    const wanted = Number(d.intents);
    if (!areKnown(wanted)) return close(connection, closes.invalidIntents, "Invalid intent(s).");
    if (ungranted(bot, wanted).length > 0) return close(connection, closes.disallowedIntents, "Disallowed intent(s).");
    const now = wireClock.monotonic();
    const key = `${bot.id} ${index % options.maxConcurrency}`;
    const last = identified.get(key);
    if (last !== undefined && now - last < options.identifyEveryMs) return invalid(connection, false);
    identified.set(key, now);
    if (!countIdentify(world, bot, options)) {
      // Over the day's limit all sessions end and the token is reset: events/gateway#rate-limiting.
      bot.token = token(world, 60);
      for (const one of connections) if (one.session?.bot === bot) close(one, closes.authenticationFailed);
      return close(connection, closes.authenticationFailed, "Authentication failed.");
    }
    ready(connection, { bot, shard: [index, count], wanted });
  };

  const resume = (connection: Connection, d: Json) => {
    if (connection.session !== undefined)
      return close(connection, closes.alreadyAuthenticated, "Already authenticated.");
    const bot = botOfToken(world, String(d.token));
    if (bot === undefined) return close(connection, closes.authenticationFailed, "Authentication failed.");
    const session = sessions.get(String(d.session_id));
    const late =
      session?.connection === undefined && world.clock.now() - (session?.detachedAt ?? 0) > options.sessionMs;
    if (session === undefined || session.bot !== bot || late) {
      if (session !== undefined && late) sessions.delete(session.id);
      return invalid(connection, false);
    }
    const seq = Number(d.seq);
    if (!Number.isInteger(seq) || seq < 0 || seq > session.seq) {
      sessions.delete(session.id);
      return close(connection, closes.invalidSeq, "Invalid sequence.");
    }
    const first = session.kept[0]?.s ?? session.seq + 1;
    if (seq < first - 1) {
      sessions.delete(session.id);
      return invalid(connection, false);
    }
    if (session.connection !== undefined) sever(session.connection);
    session.connection = connection;
    connection.session = session;
    for (const one of session.kept) {
      if (one.s > seq && !one.lost && connection.open && !connection.zombie) connection.wire.send(one.text);
    }
    dispatch(session, "RESUMED", { _trace: [] });
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
      journal.push({ at: world.clock.now(), what, shard, data: frame.d });
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
          if (connection.open)
            journal.push({
              at: world.clock.now(),
              what: `close ${code}`,
              shard: connection.session?.shard[0],
              data: undefined,
            });
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

function refill(world: World, bot: Bot, { identifiesADay }: GatewayOptions): void {
  if (world.clock.now() < bot.identifiesResetAt) return;
  bot.identifiesLeft = identifiesADay;
  bot.identifiesResetAt = world.clock.now() + 24 * 60 * 60_000;
}

function countIdentify(world: World, bot: Bot, options: GatewayOptions): boolean {
  refill(world, bot, options);
  bot.identifiesLeft -= 1;
  return bot.identifiesLeft >= 0;
}
