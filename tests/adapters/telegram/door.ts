// A Telegram adapter at the fake Bot API, over real sockets, with a clock that goes on only when a test says so.
import { setTimeout as wait } from "node:timers/promises";
import type { Adapter, AdapterDeps } from "../../../src/adapters/adapter.ts";
import { openAdapter } from "../../../src/adapters/index.ts";
import type { AdapterSettings } from "../../../src/config/schema.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { Inbound, Receipt } from "../../../src/core/message.ts";
import type { Log, LogFields } from "../../../src/sys/log.ts";
import { createManualClock, type ManualClock } from "../../schedule/manual-clock.ts";
import { createPlatform, type Platform } from "./fake/platform.ts";
import { type FakeServer, startServer } from "./fake/server.ts";

type Bot = ReturnType<Platform["newBot"]>;

export interface Line {
  level: string;
  message: string;
  fields: LogFields;
}

/** What a test may set. */
export interface DoorOptions {
  receive?: (inbound: Inbound) => Promise<Receipt> | Receipt;
  memory?: Map<string, string>;
  /** True while a move cannot be stored. */
  movedFails?: () => boolean;
  settings?: Record<string, unknown>;
  commands?: AdapterDeps["commands"];
  admins?: string[];
  platform?: Platform;
  bot?: Bot;
  /** The token that settings hold; the bot's own by default. */
  token?: string;
  /** Another network in between. */
  fetch?: typeof fetch;
}

export interface Door extends AsyncDisposable {
  platform: Platform;
  server: FakeServer;
  bot: Bot;
  adapter: Adapter;
  clock: ManualClock;
  /** What was handed on, in the order of the calls. */
  received: Inbound[];
  /** Conversations that got another id. */
  moves: [from: string, to: string][];
  texts(): string[];
  memory: Map<string, string>;
  lines: Line[];
  /** Everything that could be read by people: log lines and health. */
  said(): string;
  /** How often a method was called. */
  calls(method: string): number;
  /** Waits for real until `holds`; the clock goes on by `advanceMs` at each look. */
  until(holds: () => boolean, options?: { advanceMs?: number; what?: string }): Promise<void>;
  /** The token that settings hold. */
  setToken(token: string): void;
}

function recorder(lines: Line[]): Log {
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

/** Waits for real, at most five seconds. */
export async function until(holds: () => boolean, what = "it"): Promise<void> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    if (holds()) return;
    await wait(5);
  }
  throw new Error(`Waited in vain until ${what}`);
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const clock = createManualClock(Date.now());
  const platform = options.platform ?? createPlatform();
  const bot = options.bot ?? platform.newBot({ username: "my_agent_bot", name: "Agent" });
  const server = await startServer(platform);
  const memory = options.memory ?? new Map<string, string>();
  const lines: Line[] = [];
  const received: Inbound[] = [];
  const moves: [from: string, to: string][] = [];
  let token = options.token ?? bot.token;
  let inputs = 0;
  const deps: AdapterDeps = {
    name: "tg",
    async receive(inbound) {
      received.push(inbound);
      inputs += 1;
      return (await options.receive?.(inbound)) ?? { state: "waiting", input: inputs, session: 1, place: 1 };
    },
    commands: options.commands ?? [{ name: "stop", summary: "Stop what runs", ownerOnly: false }],
    admins: () => options.admins ?? [],
    secret: () => token,
    memory: { get: (key) => memory.get(key), set: (key, value) => void memory.set(key, value) },
    moved(from, to) {
      if (options.movedFails?.() === true) throw new Failure("store", "the disk is full");
      moves.push([from, to]);
    },
    places: () => [],
    views: { home: () => undefined, models: async () => [], watch: () => () => undefined },
    clock,
    log: recorder(lines),
    fetch: options.fetch ?? fetch,
  };
  const settings = {
    type: "telegram",
    botToken: "in settings",
    apiRoot: server.url,
    groups: "all",
    ...options.settings,
  };
  const adapter = await openAdapter(settings as unknown as AdapterSettings, deps);
  const door: Door = {
    platform,
    server,
    bot,
    adapter,
    clock,
    received,
    moves,
    memory,
    lines,
    texts: () => received.map((one) => (one.kind === "message" ? one.text : one.kind)),
    said: () => JSON.stringify([lines, adapter.health()]),
    calls: (method) =>
      platform.requests.filter((request) => request.method.toLowerCase() === method.toLowerCase()).length,
    until: (holds, { advanceMs = 0, what } = {}) =>
      until(() => {
        if (holds()) return true;
        if (advanceMs > 0) clock.advance(advanceMs);
        return false;
      }, what),
    setToken(changed) {
      token = changed;
    },
    async [Symbol.asyncDispose]() {
      await adapter.close();
      await server.close();
    },
  };
  return door;
}

/** A door whose bot has greeted and waits in a long poll. */
export async function connected(options: DoorOptions = {}): Promise<Door> {
  const door = await openDoor(options);
  await door.until(() => door.adapter.health().state === "connected", { what: "the bot is connected" });
  await door.until(() => door.calls("getUpdates") >= 2, { what: "it polls" });
  return door;
}
