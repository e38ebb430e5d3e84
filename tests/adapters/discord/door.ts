// A Discord adapter at the fake Discord, over real sockets and in real time: only heartbeats and waits of the fake are short.
import { setTimeout as wait } from "node:timers/promises";
import type { Adapter, AdapterDeps, KnownPlace } from "../../../src/adapters/adapter.ts";
import { openAdapter } from "../../../src/adapters/index.ts";
import type { AdapterSettings } from "../../../src/config/schema.ts";
import type { Inbound, Receipt } from "../../../src/core/message.ts";
import type { ReplyTarget } from "../../../src/core/session.ts";
import type { PlatformMessage } from "../../../src/gateway/handle.ts";
import { type Clock, systemClock } from "../../../src/sys/clock.ts";
import type { Log, LogFields } from "../../../src/sys/log.ts";
import { type Channel, createDiscord, type Discord, type DiscordServer, startDiscordServer } from "./fake/index.ts";

/** What a test may set. */
export interface DoorOptions {
  receive?: (inbound: Inbound) => Promise<Receipt> | Receipt;
  memory?: Map<string, string>;
  settings?: Record<string, unknown>;
  commands?: AdapterDeps["commands"];
  models?: string[];
  /** Who is somebody here; everybody by default. */
  knows?: (user: string) => boolean;
  places?: () => readonly KnownPlace[];
  discord?: Discord;
  server?: DiscordServer;
  /** The token that settings hold; the bot's own by default. */
  token?: string;
  clock?: Clock;
  fetch?: typeof fetch;
}

export interface Door extends AsyncDisposable {
  discord: Discord;
  server: DiscordServer;
  adapter: Adapter;
  /** What was handed on, in the order of the calls. */
  received: Inbound[];
  texts(): string[];
  memory: Map<string, string>;
  lines: { level: string; message: string; fields: LogFields }[];
  /** Everything that could be read by people: log lines and health. */
  said(): string;
  /** How often a route was called. */
  calls(route: string): number;
  /** The token that settings hold. */
  setToken(token: string): void;
}

function recorder(lines: Door["lines"]): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const log: Log = {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return log;
}

/** Pauses between tries pass a hundred times as fast. */
export const hasty: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms >= 500 && ms <= 60_000 ? ms / 100 : ms, signal),
};

/** Waits for real, at most `ms` milliseconds. */
export async function until(holds: () => boolean, what = "it", ms = 8_000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await wait(5)) if (holds()) return;
  throw new Error(`Waited in vain until ${what}`);
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const discord = options.discord ?? createDiscord({ gateway: { identifyEveryMs: 0 } });
  const server = options.server ?? (await startDiscordServer(discord));
  const memory = options.memory ?? new Map<string, string>();
  const lines: Door["lines"] = [];
  const received: Inbound[] = [];
  let { token } = options;
  const deps: AdapterDeps = {
    name: "dc",
    async receive(inbound) {
      received.push(inbound);
      return (await options.receive?.(inbound)) ?? { state: "waiting", input: received.length, session: 1, place: 1 };
    },
    commands: options.commands ?? [
      { name: "stop", summary: "Stop what runs", ownerOnly: false },
      { name: "status", summary: "Show what goes on", ownerOnly: false },
      { name: "deny", summary: "Refuse what a question asks about", args: "<number>", ownerOnly: false },
      { name: "model", summary: "Show or set the model", args: "[provider/name]", ownerOnly: true },
    ],
    admins: () => [],
    secret: () => token ?? discord.bot.token,
    memory: { get: (key) => memory.get(key), set: (key, value) => void memory.set(key, value) },
    moved: () => undefined,
    places: options.places ?? (() => []),
    views: {
      home: (user) => ((options.knows?.(user) ?? true) ? { turns: [], schedules: [] } : undefined),
      models: async () => options.models ?? [],
      watch: () => () => undefined,
    },
    clock: options.clock ?? systemClock,
    log: recorder(lines),
    fetch: options.fetch ?? fetch,
  };
  const settings = { type: "discord", botToken: "in settings", apiUrl: server.api, ...options.settings };
  const adapter = await openAdapter(settings as unknown as AdapterSettings, deps);
  return {
    discord,
    server,
    adapter,
    received,
    memory,
    lines,
    texts: () => received.map((one) => (one.kind === "message" ? one.text : one.kind)),
    said: () => JSON.stringify([lines, adapter.health()]),
    calls: (route) => discord.calls.filter((call) => call.route === route).length,
    setToken(changed) {
      token = changed;
    },
    async [Symbol.asyncDispose]() {
      await adapter.close();
      if (options.server === undefined) await server.close();
    },
  };
}

/** A door whose bot is connected, and whose guilds it knows. */
export async function connected(options: DoorOptions = {}): Promise<Door> {
  const door = await openDoor(options);
  await until(() => door.adapter.health().state === "connected", `it is connected: ${door.said()}`);
  return door;
}

/** A server with a channel, Ann in it. */
export function room(discord: Discord) {
  const ann = discord.user("ann", { displayName: "Ann" });
  const guild = discord.guild("Home", { people: [ann] });
  return { ann, guild, channel: discord.channel(guild, "general") };
}

/** Where an answer goes. */
export function targetOf(channel: Channel, more: Partial<ReplyTarget> = {}): ReplyTarget {
  const kind = channel.guild === undefined ? "direct" : "shared";
  const parent = channel.parent;
  return {
    adapter: "dc",
    conversation: { id: parent?.id ?? channel.id, kind },
    ...(parent === undefined ? {} : { thread: channel.id }),
    ...more,
  };
}

let nonces = 0;

/** A message that goes out. */
export function words(body: string, more: Partial<PlatformMessage> = {}): PlatformMessage {
  nonces += 1;
  return { body, buttons: [], audible: false, forming: false, nonce: `nonce-${nonces}`, ...more };
}
