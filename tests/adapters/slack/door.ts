// A Slack adapter at the fake Slack, over real sockets, with a clock that goes on only when a test says so.
import { setTimeout as wait } from "node:timers/promises";
import type { Adapter, AdapterDeps, HomeView, KnownPlace } from "../../../src/adapters/adapter.ts";
import { openAdapter } from "../../../src/adapters/index.ts";
import { botEvents, botScopes } from "../../../src/adapters/slack/scopes.ts";
import type { AdapterSettings } from "../../../src/config/schema.ts";
import type { Inbound, Receipt } from "../../../src/core/message.ts";
import type { ReplyTarget } from "../../../src/core/session.ts";
import { PlatformError, type PlatformMessage } from "../../../src/gateway/handle.ts";
import type { Log, LogFields } from "../../../src/sys/log.ts";
import { createManualClock, type ManualClock } from "../../schedule/manual-clock.ts";
import {
  type App,
  type Channel,
  createSlack,
  type Person,
  type Slack,
  type SlackServer,
  startSlackServer,
} from "./fake/index.ts";

export interface Line {
  level: string;
  message: string;
  fields: LogFields;
}

/** What a test may set. */
export interface DoorOptions {
  receive?: (inbound: Inbound) => Promise<Receipt> | Receipt;
  places?: () => KnownPlace[];
  home?: (user: string) => HomeView | undefined;
  models?: () => Promise<string[]>;
  slack?: Slack;
  app?: App;
  name?: string;
  rates?: boolean;
  pingMs?: number;
  scopes?: string[];
  token?: string;
  fetch?: typeof fetch;
  server?: SlackServer;
}

/** The commands that the app of a test has. */
export const commands: AdapterDeps["commands"] = ["help", "model", "stop", "status"].map((name) => ({
  name,
  summary: `The command ${name}`,
  ownerOnly: false,
}));

export type Door = Awaited<ReturnType<typeof openDoor>>;

export function newSlack(
  clock: ManualClock,
  { rates = false, scopes = Object.keys(botScopes) }: DoorOptions = {},
): Slack {
  const slash = ["/remoteagent", ...commands.map(({ name }) => `/pi-${name}`)];
  return createSlack({ clock, rates, app: { name: "agent", scopes, events: [...botEvents], commands: slash } });
}

export async function openDoor(options: DoorOptions = {}) {
  const clock = createManualClock(1_800_000_000_000);
  const slack = options.slack ?? newSlack(clock, options);
  const { app = slack.app } = options;
  const server = options.server ?? (await startSlackServer(slack, { pingMs: options.pingMs ?? 3_600_000 }));
  const lines: Line[] = [];
  const received: Inbound[] = [];
  const watchers = new Set<() => void>();
  let inputs = 0;
  const deps: AdapterDeps = {
    name: options.name ?? "slack-a",
    async receive(inbound) {
      received.push(inbound);
      inputs += 1;
      return (await options.receive?.(inbound)) ?? { state: "waiting", input: inputs, session: 1, place: 1 };
    },
    commands,
    admins: () => [],
    secret: (ref) => (ref === "bot" ? (options.token ?? app.botToken) : app.appToken),
    memory: { get: () => undefined, set: () => undefined },
    moved: () => undefined,
    places: () => options.places?.() ?? [],
    views: {
      home: (user) => options.home?.(user),
      models: async () => (await options.models?.()) ?? [],
      watch(changed) {
        watchers.add(changed);
        return () => watchers.delete(changed);
      },
    },
    clock,
    log: recorder(lines),
    fetch: options.fetch ?? fetch,
  };
  const settings = { type: "slack", botToken: "bot", appToken: "app", apiUrl: server.apiUrl };
  const adapter: Adapter = await openAdapter(settings as unknown as AdapterSettings, deps);
  const ann = slack.user("ann");
  const team =
    slack.world.channels.size === 0
      ? slack.newChannel("team", { members: [ann, app] })
      : slack.world.channels.values().next().value;
  return {
    slack,
    app,
    server,
    adapter,
    clock,
    received,
    lines,
    watchers,
    deps,
    ann,
    team: team as Channel,
    bot: `<@${app.user.id}>`,
    texts: () => received.map((one) => (one.kind === "message" ? one.text : one.kind)),
    /** Everything that people could read: log lines and health. */
    said: () => JSON.stringify([lines, adapter.health()]),
    calls: (method: string) => slack.calls.filter((call) => call.method === method).length,
    links: () => slack.sockets.links(app).length,
    until: (holds: () => boolean, { advanceMs = 0, what = "it" } = {}) =>
      until(() => {
        if (holds()) return true;
        if (advanceMs > 0) clock.advance(advanceMs);
        return false;
      }, what),
    async [Symbol.asyncDispose]() {
      await closed(adapter, clock);
      slack.close();
      if (options.server === undefined) await server.close();
    },
  };
}

/** Closes, while the clock goes on for what waits a bounded time. */
export async function closed(adapter: Adapter, clock: ManualClock): Promise<void> {
  let over = false;
  const closing = adapter.close().then(() => {
    over = true;
  });
  for (let looks = 0; looks < 2_000 && !over; looks += 1) {
    await wait(2);
    if (looks > 50) clock.advance(200);
  }
  await closing;
}

/** A door whose socket is open. */
export async function connected(options: DoorOptions = {}): Promise<Door> {
  const door = await openDoor(options);
  await door.until(() => door.adapter.health().state === "connected", { what: "it is connected" });
  return door;
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

/** The direct conversation of a person, as a target. */
export function direct(person: Person, thread?: string): ReplyTarget {
  return {
    adapter: "slack-a",
    conversation: { id: person.dm().id, kind: "direct" },
    ...(thread === undefined ? {} : { thread }),
  };
}

export function shared(channel: Channel, thread?: string): ReplyTarget {
  return {
    adapter: "slack-a",
    conversation: { id: channel.id, kind: "shared" },
    ...(thread === undefined ? {} : { thread }),
  };
}

/** A message as the deliveries make it. */
export function saying(door: Door, markdown: string, more: Partial<PlatformMessage> = {}): PlatformMessage {
  const form = more.forming === true ? "forming" : "final";
  const [body = ""] = door.adapter.render(markdown, form);
  return { body, buttons: [], audible: false, forming: false, nonce: "n-1", ...more };
}

/** The fate of a call that fails. */
export async function fateOf(call: Promise<unknown>): Promise<Partial<PlatformError>> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    const { fate, everywhere, retryAfterMs, message } = error;
    return { fate, everywhere, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  throw new Error("It did not fail");
}
