// One life of the program: the real gateway, store, deliveries and adapter over the ports of a world, until it dies.

import * as v from "valibot";
import type { Adapter, AdapterDeps } from "../../src/adapters/adapter.ts";
import { keepAlive } from "../../src/app/life.ts";
import { placesOf } from "../../src/app/views.ts";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import type { Inbound } from "../../src/core/message.ts";
import { commands } from "../../src/gateway/commands/index.ts";
import { createDeliveries } from "../../src/gateway/delivery/deliveries.ts";
import { createReplies } from "../../src/gateway/delivery/reply.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import { createHub } from "../../src/gateway/hub.ts";
import { fetchFrom, sayUnstored } from "../../src/gateway/platform.ts";
import type { KnownDoor } from "../../src/gateway/questions/reach.ts";
import { createBranches } from "../../src/gateway/turns/branches.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import type { Clock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { defineTool, textResult } from "../../src/tools/tool.ts";
import { createRedactor } from "../../src/vault/redact.ts";
import type { Chance } from "./chance.ts";
import { Killed } from "./database.ts";
import type { Flaw } from "./flaws.ts";
import { outsideOf, sandboxOf } from "./machine.ts";
import { createScript } from "./script.ts";
import { adapterName, type Lived, type World } from "./world.ts";

/** Where a life ends by itself: at the n-th happening of a kind. */
export interface Doom {
  what: "statement" | "committed" | "asked" | "acted";
  n: number;
}

export interface LifeDeps {
  world: World;
  chance: Chance;
  doom: Doom | undefined;
  /** What is broken on purpose. */
  flaw: Flaw | undefined;
}

export type Life = ReturnType<typeof createLife>;

const redactor = createRedactor(() => []);
const bash = defineTool({
  name: "bash",
  description: "Runs a command",
  schema: v.object({ command: v.string() }),
  effect: "inside",
  title: ({ command }) => `$ ${command}`,
  run: async () => textResult("never called"),
});

/** Makes a life that has not begun; `begin` does what a start does. */
export function createLife({ world, chance, doom, flaw }: LifeDeps) {
  const { engine, time } = world;
  let dead = false;
  let left = doom?.n ?? Number.POSITIVE_INFINITY;
  const kill = (how: string): void => {
    if (dead) return;
    dead = true;
    world.counts.kills += 1;
    if (engine.isOpen()) world.counts.inside += 1;
    engine.lose();
    // The tree dies with the program: the next start sweeps it before anything else.
    for (const process of world.processes.values()) process.alive = false;
    world.halting.clear();
    world.side.died?.();
    world.note(`killed ${how}`);
  };
  const life = {
    dead: () => dead,
    tick(what: Doom["what"]): void {
      if (doom?.what !== what || dead) return;
      left -= 1;
      if (left <= 0) kill(`at ${what} ${doom.n}`);
    },
  };
  const trouble = {
    ...life,
    full: world.full,
    ...(flaw?.forgets === undefined ? {} : { forgets: flaw.forgets }),
    tick(what: "statement" | "committed"): void {
      time.touch();
      life.tick(what);
    },
  };
  const clock = time.clockOf(life, chance.fork());
  const open = world.side.line({ life, chance: chance.fork() });
  let close: (drainMs: number) => Promise<void> = async () => undefined;
  return {
    dead: () => dead,
    kill,
    /** Nothing more ends it by itself. */
    spare(): void {
      left = Number.POSITIVE_INFINITY;
    },
    /** Starts the program as `app.ts` does. */
    begin(): void {
      world.counts.lives += 1;
      world.note("starts");
      const store = createStore(engine.connect(trouble));
      flaw?.store?.(store);
      const parts = compose({ world, store, clock, chance, flaw, life, open });
      close = parts.close;
    },
    /** An orderly stop: it drains, closes, and is gone. */
    async end(drainMs: number): Promise<void> {
      world.note(`stops (${drainMs} ms to drain)`);
      await close(drainMs);
      if (dead) return;
      kill("by its own end");
      world.counts.kills -= 1;
    },
  };
}

interface Composed {
  world: World;
  store: Store;
  clock: Clock;
  chance: Chance;
  flaw: Flaw | undefined;
  life: Lived;
  open: ReturnType<World["side"]["line"]>;
}

function compose(parts: Composed): { close(drainMs: number): Promise<void> } {
  const { world, store, clock, flaw, life } = parts;
  const log = logOf(world, life);
  const crashLoop = store.starts.crashLoop({ count: limits.startsShortMax, lifeMs: limits.startLifeMs });
  const start = store.starts.add(clock.now());
  const handles = new Map<string, Adapter>();
  const hub = createHub((error) => {
    if (!(error instanceof Killed)) world.violate("the program does not break", String(error));
  });
  const outbox = createDeliveries({ store, clock, log, redactor, loadFile: async (stored) => loadFile(world, stored) });
  const replies = createReplies({ store, outbox, clock, log, toolOutput: world.side.toolOutput, isLive: () => false });
  hub.subscribe(replies.follow);
  if (flaw?.listener !== undefined) hub.subscribe(flaw.listener);
  hub.subscribe(({ turn, event }) => {
    if (event.type !== "text")
      world.note(`turn ${turn}: ${event.type}${event.type === "ended" ? ` ${event.outcome}` : ""}`);
  });
  const gateway = createGateway({
    ...gatewayDeps(parts, log),
    hub,
    deliver: outbox.deliver,
    sendAgain: outbox.again,
    heard: outbox.heard,
    movedOut: outbox.moved,
    onStored: replies.stored,
    room: async () => undefined,
    fetchFile: (adapter, file, options) => fetchFrom(handles.get(adapter), { adapter, file, ...options }),
    sayUnstored: (inbound, outgoing) =>
      sayUnstored({ handle: handles.get(inbound.adapter), log }, { inbound, outgoing }),
  });
  const adapter = openAdapter(parts, {
    log,
    receive: (inbound, behind) => gateway.receive(inbound, world.side.traits, behind),
    moved: (from, to) => gateway.moved(adapterName, { from, to }),
  });
  const own = world.side.wrap?.(adapter, { life, chance: parts.chance }) ?? adapter;
  const handle = flaw?.handle?.(own) ?? own;
  handles.set(adapterName, adapter);
  outbox.attach(handle);
  if (flaw?.forgetful !== true) gateway.resume(crashLoop);
  const over = new AbortController();
  void keepAlive(
    { clock, log, starts: store.starts, onLived: crashLoop ? gateway.wakeWaiting : () => undefined },
    {
      start,
      signal: over.signal,
    },
  );
  return {
    async close(drainMs) {
      await gateway.close(drainMs);
      over.abort();
      replies.close();
      await outbox.close();
      await adapter.close();
      store.starts.ended(start, clock.now());
    },
  };
}

/** What the gateway is handed that is not of this life's own parts. */
function gatewayDeps({ world, store, clock, chance, flaw, life }: Composed, log: Log) {
  const { traits, files, side } = world;
  const outside = outsideOf(world, life);
  const script = createScript({ clock, outside, next: chance.fork().next, ...flaw?.script });
  const harness = flaw?.harness?.(script) ?? script;
  const hasty = flaw?.hasty === true;
  const sandbox: Sandbox = sandboxOf(world, { clock, chance: chance.fork(), hasty });
  const door: KnownDoor = {
    local: false,
    directIsUser: side.traits.directIsUser,
    unknownSender: flaw?.door ?? traits.unknownSender,
  };
  return {
    store,
    branches: createBranches({ load: (head) => store.entries.branch(head), sessionsMax: 8, bytesMax: 1_000_000 }),
    clock,
    log,
    redactor,
    commands,
    harness: async () => harness,
    openSandbox: async () => sandbox,
    setting: async () => ({
      request: {
        agent: "main",
        requester: "0",
        session: 1,
        workspace: "/workspace",
        writable: [],
        readable: [],
        folders: [],
        cwd: "/workspace",
        home: "/workspace",
      },
      system: async () => "You are simulated",
      tools: [bash],
    }),
    file: async (_row: unknown, stored: string) => loadFile(world, stored),
    services: () => ({
      memory: { read: async () => "", append: async () => undefined, replace: async () => undefined },
      schedule: { add: () => Promise.reject(new Error("none")), list: async () => [], cancel: async () => false },
      keep: async (file: { name: string }) => `attachments/${file.name}`,
      spill: async (name: string) => name,
    }),
    onMessage: () => undefined,
    onInbound: () => undefined,
    onGone: () => undefined,
    keepFile: async (inbound: Inbound, { name, bytes }: { name: string; bytes: Uint8Array }) => {
      if (world.full()) throw new Failure("store", "Cannot write: the disk is full");
      const stored = `attachments/${inbound.conversation.id}-${inbound.id}-${name}`;
      files.set(stored, bytes);
      return { name, bytes: bytes.byteLength, ref: stored, stored };
    },
    traits: () => side.traits,
    door: () => door,
    judge: async () => false,
    agents: () => ["main"],
    modelOf: () => "demo/offline",
    checkModel: () => Promise.reject(new Failure("settings", "There is one model alone")),
    availableModels: async () => [],
    memory: async () => ({ workspace: "", conversation: "" }),
    statusLines: () => [],
    killBackground: async () => ({ killed: [], survivors: [] }),
    backgroundOf: () => [],
    confirmText: () => undefined,
    confirmTools: () => undefined,
    sessionPage: () => Promise.reject(new Error("There are no pages here")),
    turnsParallelMax: 3,
    timeoutMs: 5 * 60_000,
  };
}

/** The adapter as it is, on the simulated line. */
function openAdapter(
  { world, store, clock, open, flaw, life }: Composed,
  { log, receive, moved }: { log: Log; receive: AdapterDeps["receive"]; moved(from: string, to: string): void },
): Adapter {
  const noted: AdapterDeps["receive"] = async (inbound, behind) => {
    const receipt = await receive(inbound, behind);
    if (life.dead()) return receipt;
    const { kind, conversation, id } = inbound;
    world.received.push({ kind, conversation: conversation.id, id, receipt, at: world.time.true() });
    const why = receipt.state === "refused" ? `: ${receipt.reason}` : "";
    world.note(`received ${inbound.kind} ${inbound.conversation.id}/${inbound.id}: ${receipt.state}${why}`);
    return receipt;
  };
  return open({
    name: adapterName,
    receive: flaw?.receive?.(noted) ?? noted,
    commands: commands.map(({ name, summary, ownerOnly = false }) => ({ name, summary, ownerOnly })),
    admins: () => [],
    secret: () => "",
    memory: {
      get: (key) => store.facts.get(`adapter/${key}`),
      set: (key, value) => store.facts.set(`adapter/${key}`, value),
    },
    moved,
    places: () => (flaw?.blind === true ? [] : placesOf(store, adapterName)),
    views: { home: () => undefined, models: async () => [], watch: () => () => undefined },
    clock,
    log,
    fetch,
  });
}

function loadFile(world: World, stored: string): Uint8Array {
  const found = world.files.get(stored);
  if (found === undefined) throw new Failure("not-found", `Cannot read ${JSON.stringify(stored)}: it is gone`);
  return found;
}

/** What the program says of itself; a dead one says nothing. */
function logOf(world: World, life: { dead(): boolean }): Log {
  const write = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    if (!life.dead()) world.note(`${level}: ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`);
  };
  const silent = () => undefined;
  const log: Log = {
    trace: silent,
    debug: silent,
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  return log;
}
