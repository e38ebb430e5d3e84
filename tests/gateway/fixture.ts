// A gateway over a real store with a scripted harness and a sandbox that only counts kills.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { terminalTraits } from "../../src/adapters/index.ts";
import type { TurnEvent } from "../../src/core/event.ts";
import type { Address, FileRef, Inbound, Message, Outgoing, Receipt } from "../../src/core/message.ts";
import type { ReplyTarget } from "../../src/core/session.ts";
import { noUsage } from "../../src/core/usage.ts";
import { commands } from "../../src/gateway/commands/index.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import type { AdapterTraits } from "../../src/gateway/handle.ts";
import { createHub, type Happening } from "../../src/gateway/hub.ts";
import { createBranches } from "../../src/gateway/turns/branches.ts";
import type { Harness, Turn } from "../../src/harness/harness.ts";
import type { Proof, Sandbox } from "../../src/sandbox/sandbox.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { systemClock } from "../../src/sys/clock.ts";
import type { Log } from "../../src/sys/log.ts";
import { createRedactor } from "../../src/vault/redact.ts";

/** How a scripted harness answers one turn. */
export type Script = (turn: Turn) => AsyncGenerator<TurnEvent>;

export const local: AdapterTraits = terminalTraits;
/** A platform such as Telegram: no screen of its own, a session for each root message of a group. */
export const remote: AdapterTraits = { ...local, local: false, live: false, sharedTop: "message", directIsUser: true };
/** Platforms whose threads hang at messages: of one a thread forks the conversation, of the other it goes on. */
const threaded: AdapterTraits = { ...remote, threads: "message", directIsUser: false };
const platforms: Readonly<Record<string, AdapterTraits>> = {
  terminal: local,
  slack: { ...threaded, sharedTop: "conversation" },
  discord: threaded,
};
const traitsOf = ({ adapter }: Pick<Inbound, "adapter">): AdapterTraits => platforms[adapter] ?? remote;
export const secret = "hunter2-hunter2-hunter2";

/** A log that keeps its lines. */
export function memoryLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const write = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log = {
    lines,
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  return log;
}

let counter = 0;

/** A message from the terminal's user, or from `sender`. */
export function message(
  text: string,
  change: Partial<Extract<Inbound, { kind: "message" }>> = {},
): Inbound & { kind: "message" } {
  counter += 1;
  return {
    kind: "message",
    adapter: "terminal",
    conversation: { id: "default", kind: "direct" },
    id: `m${counter}`,
    sender: { id: "0", name: "ann" },
    sentAt: counter,
    text,
    addressed: true,
    ...change,
  };
}

/** A message from a platform: in a group unless said otherwise, by an admin. */
export function posted(
  text: string,
  change: Partial<Extract<Inbound, { kind: "message" }>> = {},
): Inbound & { kind: "message" } {
  return message(text, {
    adapter: "tg",
    conversation: { id: "-100", kind: "shared" },
    sender: { id: "1", name: "ann" },
    sentAt: Date.now(),
    ...change,
  });
}

/** The same in the direct chat of its sender. */
export function direct(text: string, change: Partial<Extract<Inbound, { kind: "message" }>> = {}) {
  return posted(text, { conversation: { id: change.sender?.id ?? "1", kind: "direct" }, ...change });
}

/** The plainest turn: takes what waits and answers `text`. */
export async function* answer(turn: Turn, text: string): AsyncGenerator<TurnEvent> {
  yield { type: "started", resumed: turn.resumed };
  for (let input = turn.next(); input !== undefined; input = turn.next()) {
    const content = [{ type: "text" as const, text: input.text }];
    const entry = { kind: "message" as const, message: { role: "user" as const, content, timestamp: 1 } };
    yield { type: "taken", inputs: [input.id], text: input.text, entry };
  }
  for (const delta of text.split(/(?<= )/)) yield { type: "text", delta };
  yield { type: "message", text };
  yield { type: "ended", outcome: "done", usage: { ...noUsage, requests: 1 } };
}

/** A file-backed world that can be torn down and opened again, as after a crash. */
export function createWorld({ timeoutMs, more }: { timeoutMs?: number; more?: More } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-gateway-"));
  let opened = openWorld(folder, { script: (turn) => answer(turn, "fine"), timeoutMs, more });
  opened.gateway.resume(false);
  return {
    get now() {
      return opened;
    },
    /** Opens the same files anew without closing anything cleanly. */
    crash(script: Script) {
      opened.store.close();
      opened = openWorld(folder, { script, timeoutMs, more });
      return opened;
    },
    async remove() {
      await opened.gateway.close(0);
      opened.store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface World {
  said: { id: number; target: ReplyTarget; outgoing: Outgoing }[];
  heard: ReplyTarget[];
  again: { id: number; place: Address }[];
  unstored: string[];
  fetchFile(adapter: string, file: FileRef, options: { bytesMax: number; signal: AbortSignal }): Promise<Uint8Array>;
  judge(text: string, rules: string): Promise<boolean>;
  script: Script;
  killed: string[];
  proof: Proof;
  confirmed: boolean;
  gone: number[];
  openFails: Error | undefined;
  openHangs: boolean;
}

/** What is different from the rest of the world. */
export type More = Partial<Deps>;

type Deps = Parameters<typeof createGateway>[0];

/** The doors, and what goes out to them. */
function outside(store: ReturnType<typeof createStore>, world: World) {
  return {
    door: (adapter) => ({ local: adapter === "terminal", directIsUser: true, admins: ["1", "2"], dm: ["5", "6", "7"] }),
    traits: (adapter) => traitsOf({ adapter }),
    deliver(target, outgoing, { kind }) {
      const id = store.deliveries.add({
        target,
        kind,
        form: "markdown",
        nonce: crypto.randomUUID(),
        at: 1,
        body: outgoing.markdown,
        choices: outgoing.choices ?? [],
        ...(target.root === undefined ? {} : { root: target.root }),
      });
      world.said.push({ id, target, outgoing });
      return id;
    },
    keepFile: async (_inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef> => ({
      name: file.name,
      bytes: file.bytes.byteLength,
      ref: "kept",
      stored: `attachments/${file.name}`,
    }),
    heard: (target) => void world.heard.push(target),
    movedOut: () => undefined,
    sendAgain: (id, place) => {
      world.again.push({ id, place });
      return store.deliveries.get(id)?.conversation === place.conversation.id;
    },
    room: async () => undefined,
    fetchFile: (adapter, file, options) => world.fetchFile(adapter, file, options),
    sayUnstored: (_inbound, outgoing) => void world.unstored.push(outgoing.markdown),
    agents: () => ["main", "cook"],
    judge: (text, rules) => world.judge(text, rules),
  } satisfies Partial<Deps>;
}

/** What commands ask of the rest of the program. */
function answers(world: World) {
  return {
    modelOf: (session) => session?.model ?? "demo/offline",
    checkModel: async () => ({
      provider: "demo",
      name: "offline",
      label: "Demo",
      contextWindow: 1000,
      outputMax: 100,
      images: false,
      levels: ["off"],
      price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    }),
    availableModels: async () => [],
    memory: async () => ({ workspace: "likes tea", conversation: "" }),
    statusLines: () => [],
    killBackground: async (session) => {
      world.killed.push(`session-${session}`);
      return world.proof;
    },
    backgroundOf: () => [],
    confirmText: () => (world.confirmed ? undefined : "nothing isolates"),
    confirmTools: () => {
      world.confirmed = true;
    },
    sessionPage: async () => ({ elsewhere: true, link: ({ session }) => ({ url: `https://agent.test/${session}` }) }),
  } satisfies Partial<Deps>;
}

function openWorld(
  folder: string,
  { script, timeoutMs, more = {} }: { script: Script; timeoutMs?: number; more?: More | undefined },
) {
  const database = openStore(join(folder, "remoteagent.db"));
  const store = createStore(database);
  const log = memoryLog();
  const hub = createHub((error) => log.error(String(error)));
  const happenings: Happening[] = [];
  hub.subscribe((happening) => void happenings.push(happening));
  const branches = createBranches({ load: (head) => store.entries.branch(head), sessionsMax: 8, bytesMax: 1_000_000 });
  const world: World = {
    script,
    said: [],
    heard: [],
    again: [],
    unstored: [],
    fetchFile: async (_adapter, file) => new TextEncoder().encode(file.ref),
    judge: async () => false,
    killed: [],
    proof: { killed: [], survivors: [] },
    confirmed: false,
    gone: [],
    openFails: undefined,
    openHangs: false,
  };
  const harness: Harness = { name: "scripted", run: (turn) => world.script(turn) };
  const sandbox = countingSandbox(world);
  const gateway = createGateway({
    store,
    hub,
    branches,
    clock: systemClock,
    log,
    redactor: createRedactor(() => [secret]),
    harness: async () => harness,
    openSandbox: async () => {
      if (world.openFails !== undefined) throw world.openFails;
      if (world.openHangs) await new Promise(() => undefined);
      return sandbox;
    },
    setting: async () => ({
      request: {
        agent: "main",
        requester: "0",
        session: 1,
        workspace: folder,
        writable: [],
        readable: [],
        folders: [],
        cwd: folder,
        home: folder,
      },
      system: async () => "You are a test",
      tools: [],
    }),
    file: () => Promise.reject(new Error("No files here")),
    services: () => ({
      memory: { read: async () => "", append: async () => undefined, replace: async () => undefined },
      schedule: { add: () => Promise.reject(new Error("none")), list: async () => [], cancel: async () => false },
      keep: async (file) => `attachments/${file.name}`,
      spill: async (name) => name,
    }),
    onMessage: () => undefined,
    onInbound: () => undefined,
    onGone: (inputs) => void world.gone.push(...inputs),
    commands,
    ...outside(store, world),
    ...answers(world),
    turnsParallelMax: 4,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...more,
  });
  return {
    store,
    gateway,
    hub,
    log,
    happenings,
    world,
    send: (inbound: Inbound): Promise<Receipt> => gateway.receive(inbound, traitsOf(inbound)),
    schedule: (event: Message): Promise<Receipt> => gateway.receiveEvent(event, traitsOf(event)),
    /** From now on messages that trigger nothing are kept as context. */
    accumulate: () => database.exec("UPDATE wirings SET unmatched = 'accumulate'"),
    /** What the program itself said on the platform, oldest first. */
    said: () => world.said.map(({ outgoing }) => outgoing.markdown),
    /** The text that a command answers. */
    async ask(text: string): Promise<string> {
      const receipt = await gateway.receive(message(text), local);
      if (receipt.state === "refused") return receipt.reason;
      return receipt.state === "done" ? (receipt.answer?.markdown ?? "") : receipt.state;
    },
    /** Waits until nothing runs and nothing waits. */
    async quiet(): Promise<void> {
      await until(() => gateway.running().length === 0 && store.inputs.waitingCount() === 0);
    },
    events: (type: TurnEvent["type"]) => happenings.filter((happening) => happening.event.type === type),
  };
}

/** Waits for a condition, at most five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Never came true: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A turn that waits until it is let go. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** A sandbox that runs nothing and counts kills. */
export function countingSandbox(world: Pick<World, "killed" | "proof">): Sandbox {
  return {
    kind: "fake",
    root: "/workspace",
    cwd: "/workspace",
    generation: 1,
    isolation: "none",
    spawn: () => Promise.reject(new Error("Nothing is spawned here")),
    files: {
      read: () => Promise.reject(new Error("No files here")),
      write: () => Promise.reject(new Error("No files here")),
      list: () => Promise.resolve([]),
    },
    async kill(scope) {
      world.killed.push(scope);
      return world.proof;
    },
    close: () => Promise.resolve(),
  };
}
