// How a session of the fake gateway begins and goes on: identify, READY, resume.
import { viewGuildFor } from "./channels.ts";
import { areKnown, flagsOf, intents, ungranted } from "./intents.ts";
import type { Lines } from "./lines.ts";
import { type Connection, closes, type GatewayOptions, type Session } from "./protocol.ts";
import { viewUser } from "./views.ts";
import { type Bot, botOfToken, type Json, shardOf, token, type World } from "./world.ts";

/** Opcodes 2 and 6: docs.discord.com/developers/events/gateway#identifying and #resuming. */
export function createBeginnings(lines: Lines) {
  const { world, options, wireClock, sessions, connections, close, sever, invalid, dispatch } = lines;
  const identified = new Map<string, number>();

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

  return { identify, resume };
}

export function refill(world: World, bot: Bot, { identifiesADay }: GatewayOptions): void {
  if (world.clock.now() < bot.identifiesResetAt) return;
  bot.identifiesLeft = identifiesADay;
  bot.identifiesResetAt = world.clock.now() + 24 * 60 * 60_000;
}

function countIdentify(world: World, bot: Bot, options: GatewayOptions): boolean {
  refill(world, bot, options);
  bot.identifiesLeft -= 1;
  return bot.identifiesLeft >= 0;
}
