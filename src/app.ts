// The composition root: a numbered boot list, the only file that knows every folder.
import { userInfo } from "node:os";
import process from "node:process";
import { becomeSubreaper, reap } from "#ffi";
import { serve } from "#serve";
import { admit } from "./access/admission.ts";
import { openTerminal, type Terminal, terminalTraits } from "./adapters/index.ts";
import { createDispatch } from "./admin/dispatch.ts";
import { resources } from "./admin/index.ts";
import { createSocket } from "./admin/socket.ts";
import type { Config } from "./config/load.ts";
import { errorText } from "./core/failure.ts";
import { limits } from "./core/limits.ts";
import type { Address } from "./core/message.ts";
import { formatModelName, parseModelName } from "./core/model-name.ts";
import type { Session } from "./core/session.ts";
import type { StatusReport, StopReport } from "./core/status.ts";
import { createBranches } from "./gateway/branches.ts";
import { commands } from "./gateway/commands/index.ts";
import { createGateway, type Gateway } from "./gateway/gateway.ts";
import type { AdapterTraits } from "./gateway/handle.ts";
import { postElsewhere, writeAnswer, writeInbound } from "./gateway/history.ts";
import { createHub } from "./gateway/hub.ts";
import { keepAlive } from "./gateway/life.ts";
import { keepInboundFile, loadFile, turnServices } from "./gateway/services.ts";
import { checkFolder, createSettingBook, type SettingBook } from "./gateway/setting.ts";
import { idleSettings, statusReport } from "./gateway/status.ts";
import { sessionScope } from "./gateway/turn.ts";
import { sandboxLabel, sandboxLines, viewState } from "./gateway/view.ts";
import { checkHarness, createHarnesses } from "./harness/index.ts";
import { configuredModels } from "./models/configured.ts";
import type { Models } from "./models/model.ts";
import { openDriver, sandboxKind } from "./sandbox/index.ts";
import type { SandboxHealth } from "./sandbox/sandbox.ts";
import type { EventTarget } from "./schedule/parse.ts";
import { createScheduler, type Scheduler } from "./schedule/runner.ts";
import { openStore } from "./store/db.ts";
import { createStore, type Store } from "./store/store.ts";
import { localTimeZone } from "./sys/calendar.ts";
import type { Clock } from "./sys/clock.ts";
import type { Log } from "./sys/log.ts";
import { processTable } from "./sys/process-tree.ts";
import { removeStaleSocket } from "./sys/serve.ts";
import { systemSpawn } from "./sys/spawn.ts";
import { createTools } from "./tools/index.ts";
import { createRedactor } from "./vault/redact.ts";
import { createLayout } from "./workspace/layout.ts";
import { createTranscript } from "./workspace/transcript.ts";

/** What a start needs. The caller holds the instance's lock and keeps it until `closed`. */
export interface StartOptions {
  config: Config;
  /** A terminal chat that runs the agent by itself: no adapter but the terminal. */
  alone: boolean;
  version: string;
  log: Log;
  clock: Clock;
}

/** The running program. */
export interface App {
  status(): StatusReport;
  /**
   * Takes nothing new, drains, kills what is left with proof, closes everything. A second call joins the first;
   * with `drainMs: 0` it also ends the wait of the first.
   */
  stop(options: { drainMs: number; reason: "stop" | "handover" }): Promise<StopReport>;
  /** Goes once through store and scheduler, and resolves when both have answered. @throws the error of either. */
  pulse(): Promise<void>;
  closed: Promise<void>;
}

/** What stands between the store and the doors. */
interface Parts {
  store: Store;
  startId: number;
  driver: Awaited<ReturnType<typeof openDriver>>;
  hub: ReturnType<typeof createHub>;
  models: Models;
  redactor: ReturnType<typeof createRedactor>;
  layout: ReturnType<typeof createLayout>;
  transcript: ReturnType<typeof createTranscript>;
  modelOf(session: Session | undefined): string;
  /** What the driver last said of itself; it is asked in the background, since the answer takes a while. */
  health(): SandboxHealth | undefined;
  /** What the owner should know, for `status`. */
  notices: string[];
}

/** Boots the program. @throws Failure with the reason why it cannot start; nothing stays open then. */
export async function startApp(options: StartOptions): Promise<App> {
  const { config, log, clock } = options;
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await quietly(log, close);
  };
  try {
    // 0. Settings that name parts which this program does not have: a sandbox that is not there must not become another.
    checkParts(config);
    // 1. The store, and what it says of the last lives.
    const store = createStore(openStore(config.paths.database, { copies: config.paths.backups }));
    closers.push(() => store.close());
    const crashLoop = store.starts.crashLoop({ count: limits.startsShortMax, lifeMs: limits.startLifeMs });
    const startId = store.starts.add(clock.now());
    // 2. What a turn works with: models, workspace, sandbox, redaction.
    const parts = await openParts(options, { store, startId });
    closers.push(() => parts.driver.close());
    closers.push(() => parts.transcript.settled());
    // 3. The middle: gateway and scheduler.
    const middle = openMiddle(options, parts);
    closers.push(() => middle.scheduler.close());
    // 4. The doors: the control socket, with the terminal behind it.
    const terminal = openTerminalDoor(options, { parts, middle });
    middle.attach(terminal);
    const running = createRunning(options, { parts, middle, closeAll, leave: terminal.leave });
    closers.push(() => terminal.adapter.close());
    const server = await openControlSocket(options, { parts, running, terminal });
    closers.push(() => server.close());
    // 5. What earlier lives left: processes first, then turns, then what waits.
    await quietly(log, () => parts.driver.sweep());
    const { resumed, offered } = middle.gateway.resume(crashLoop);
    await middle.scheduler.start();
    // 6. Signs of life; after a crash loop what waits is taken up once this start has lived.
    if (crashLoop) parts.notices.push(crashLoopNotice(store.inputs.waitingCount()));
    const life = new AbortController();
    closers.push(() => life.abort());
    const onLived = crashLoop ? middle.gateway.wakeWaiting : () => undefined;
    void keepAlive({ clock, log, starts: store.starts, onLived }, { start: startId, signal: life.signal });
    log.info("Started", { resumed: resumed.length, offered: offered.length, crashLoop });
    return running;
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function crashLoopNotice(waiting: number): string {
  const what = `The program ended ${limits.startsShortMax} times shortly after its start, so no turn goes on by itself`;
  return waiting === 0 ? what : `${what}; ${waiting} waiting are taken up after a minute`;
}

/** @throws Failure `settings` for a sandbox or a harness that this program does not have. */
function checkParts({ settings }: Config): void {
  for (const { sandbox, harness } of [settings, ...Object.values(settings.agents)]) {
    if (sandbox !== undefined) sandboxKind(sandbox);
    if (harness !== undefined) checkHarness(harness);
  }
}

/** Models, workspace, sandbox driver, redaction. */
async function openParts(
  { config, log, clock, version }: StartOptions,
  { store, startId }: Pick<Parts, "store" | "startId">,
): Promise<Parts> {
  const { settings } = config;
  const layout = createLayout(config.workspace);
  await layout.prepare();
  const models = configuredModels(config, { version, clock, log: log.child({ part: "models" }) });
  const chosen = formatModelName(await models.fallback());
  const driver = await openDriver(settings.sandbox, {
    spawn: systemSpawn,
    clock,
    log: log.child({ part: "sandbox" }),
    table: processTable(),
    isolation: settings.isolation,
    stateDir: config.stateDir,
    environment: config.env,
    orphans: { becomeSubreaper, reap },
  });
  let health: SandboxHealth | undefined;
  void quietly(log, async () => {
    health = await driver.check();
  });
  return {
    store,
    startId,
    driver,
    hub: createHub((error) => log.error("A listener failed", { error: errorText(error) })),
    models,
    redactor: createRedactor(() => config.secretValues()),
    layout,
    transcript: createTranscript({ log, root: layout.root }),
    modelOf: (session) => session?.model ?? settings.agents[session?.agent ?? "main"]?.model ?? chosen,
    health: () => health,
    notices: idleSettings(config),
  };
}

/** The gateway with everything that it is handed, and the scheduler that feeds it. */
interface Middle {
  gateway: Gateway;
  scheduler: Scheduler;
  settings: SettingBook;
  /** Lets the program's own words out by the terminal. */
  attach(terminal: Terminal): void;
}

function openMiddle(options: StartOptions, parts: Parts): Middle {
  const { config, log, clock } = options;
  const { store, layout, driver } = parts;
  const { memoryMb, processes } = config.settings.limits;
  let terminal: Terminal | undefined;
  const timeZone = localTimeZone();
  const settings = createSettingBook({
    layout,
    sandboxes: config.paths.sandboxes,
    agent: (name) => config.settings.agents[name] ?? {},
    driver,
    isolationWaived: config.settings.isolation === "none",
    health: parts.health,
    facts: store.facts,
    now: () => clock.now(),
    tools: createTools({ clock, bounds: { memoryBytes: memoryMb * 1_048_576, processes } }),
    timeZone,
    log,
    isLocal: (adapter) => doors[adapter]?.local === true,
  });
  const scheduler = createScheduler({
    eventsDir: layout.events,
    store: store.schedules,
    clock,
    log: log.child({ part: "schedule" }),
    receive: (inbound) => gateway.receive(inbound, doors[inbound.adapter] ?? noTraits),
    resolve: resolveTarget,
  });
  const harnesses = createHarnesses((name) => ({
    models: parts.models,
    clock,
    log: log.child({ part: name }),
    timeZone,
  }));
  const timeoutSeconds = config.settings.limits.timeoutSeconds;
  const gateway = createGateway({
    ...parts,
    clock,
    log: log.child({ part: "gateway" }),
    branches: createBranches({
      load: (head) => store.entries.branch(head),
      sessionsMax: limits.cachedSessionsMax,
      bytesMax: limits.cachedBytesMax,
    }),
    commands,
    admit: (inbound, traits) => admit(inbound, { local: traits.local }),
    harness: (session) => harnesses(config.settings.agents[session.agent]?.harness ?? config.settings.harness),
    openSandbox: (request) => driver.open(request),
    setting: settings.of,
    services: (row, sandbox) =>
      turnServices(
        { layout, clock, redactor: parts.redactor, schedule: (turn) => scheduler.of(turn.replyTo, turn.requester) },
        { row, sandbox },
      ),
    file: (_row, stored) => loadFile(layout, stored),
    keepFile: (inbound, file) => keepInboundFile({ layout, clock }, { inbound, ...file }),
    onInbound: (inbound) => writeInbound(parts, inbound),
    onMessage: (message) => {
      writeAnswer(parts, message);
      postElsewhere({ gateway, door: terminal?.adapter, log }, message);
    },
    checkModel: (name) => parts.models.info(parseModelName(name)),
    availableModels: () => parts.models.available(),
    memory: settings.memory,
    statusLines: () => sandboxLines(parts.health()),
    killBackground: (session) => driver.kill(sessionScope(session)),
    backgroundOf: (session) => driver.running().filter((found) => found.scope === sessionScope(session)),
    confirmText: settings.confirmText,
    confirmTools: settings.confirm,
    onGone: (inputs) => terminal?.gone(inputs),
    turnsParallelMax: config.settings.limits.turnsParallel,
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
  });
  return {
    gateway,
    scheduler,
    settings,
    attach(opened) {
      terminal = opened;
    },
  };
}

/** The terminal's half that lives in the instance. */
function openTerminalDoor(options: StartOptions, { parts, middle }: { parts: Parts; middle: Middle }): Terminal {
  const { config, alone, log, clock } = options;
  const { store, hub, layout, driver } = parts;
  const { gateway, settings } = middle;
  const view = {
    store,
    gateway,
    modelOf: parts.modelOf,
    sandboxLabel: () => sandboxLabel(config.settings.sandbox, parts.health()),
    confirmText: settings.confirmText,
  };
  const { uid } = userInfo();
  return openTerminal({
    receive: gateway.receive,
    subscribe: hub.subscribe,
    forming: hub.forming,
    ready: async () => void (await driver.check()),
    state: (place) => viewState(view, place),
    useFolder(place, folder) {
      gateway.useFolder(place, checkFolder(folder, config));
    },
    eventsAfter: (session, after) => store.turns.eventsOfSession(session, { after }),
    turnEvents: (turn) => store.turns.events(turn),
    keepFile: (inbound, file) => keepInboundFile({ layout, clock }, { inbound, ...file }),
    seen: (session) => Number(store.facts.get(`seen-${session}`) ?? store.turns.lastEvent()),
    saw: (session, n) => store.facts.set(`seen-${session}`, String(n)),
    commands: commands.map(({ name, args, summary }) => ({ name, summary, ...(args === undefined ? {} : { args }) })),
    user: { id: String(uid), name: config.env.USER ?? config.env.LOGNAME ?? userName() },
    pid: process.pid,
    program: `remoteagent ${options.version}`,
    alone,
    now: () => clock.now(),
    randomId: () => Buffer.from(clock.random(12)).toString("hex"),
    onError: (error) => log.error("A terminal request failed", { error: errorText(error) }),
  });
}

/** A service may run without USER, and a container's user may have no name at all. */
function userName(): string {
  try {
    const { username } = userInfo();
    return username === "" || username === "unknown" ? "owner" : username;
  } catch {
    return "owner"; // libc knows no entry for the user.
  }
}

/** The control socket: whoever holds the lock may take a stale path away. */
async function openControlSocket(
  { config, log }: StartOptions,
  { parts, running, terminal }: { parts: Parts; running: Running; terminal: Terminal },
) {
  const onError = (what: string, error: unknown) => log.error("A request failed", { what, error: errorText(error) });
  const dispatch = createDispatch({ resources: resources(() => parts.store), onError });
  const answer = createSocket({
    status: running.status,
    requestStop: (reason, drainMs) => running.stop({ reason, drainMs }),
    admin: dispatch,
    chat: terminal.chat,
    onError,
  });
  removeStaleSocket(config.paths.socket);
  return serve({ unix: config.paths.socket }, answer);
}

type Running = App;

/** The running program: what it says of itself, and how it ends. */
function createRunning(
  options: StartOptions,
  {
    parts,
    middle,
    closeAll,
    leave,
  }: { parts: Parts; middle: Middle; closeAll: () => Promise<void>; leave: (reason: "stop" | "handover") => void },
): Running {
  const { log, clock } = options;
  const startedAt = clock.now();
  let stopping: Promise<StopReport> | undefined;
  let close: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const stop: App["stop"] = async ({ drainMs, reason }) => {
    const begun = clock.monotonic();
    log.info("Stopping", { reason, drainMs });
    try {
      const { drained, interrupted, proof } = await middle.gateway.close(drainMs);
      const background = await parts.driver.kill();
      leave(reason);
      await quietly(log, () => parts.store.starts.ended(parts.startId, clock.now()));
      const report: StopReport = {
        drained,
        interrupted,
        killed: [...proof.killed, ...background.killed],
        survivors: [...proof.survivors, ...background.survivors],
        ms: Math.round(clock.monotonic() - begun),
      };
      log.info("Stopped", { ...report });
      return report;
    } finally {
      // Whatever broke on the way, the program ends; the answer to whoever asked goes out first.
      void clock.sleep(limits.lastWordMs).then(closeAll).finally(close);
    }
  };
  return {
    status: () =>
      statusReport({
        ...options,
        ...parts,
        startedAt,
        gateway: middle.gateway,
        model: parts.modelOf(undefined),
        health: parts.health(),
        adapters: Object.keys(doors).map((name) => ({ name, type: name, state: "connected" })),
        notices: parts.notices,
      }),
    stop(how) {
      // Whoever asks again and wants no wait ends the wait of the first.
      if (stopping !== undefined && how.drainMs === 0) middle.gateway.hurry();
      stopping ??= stop(how);
      return stopping;
    },
    async pulse() {
      parts.store.inputs.waitingCount();
      await middle.scheduler.settled();
    },
    closed,
  };
}

/** The doors by the name of their adapter: what is true of whoever comes in there. */
const doors: Readonly<Record<string, AdapterTraits>> = { terminal: terminalTraits };
const noTraits: AdapterTraits = { ...terminalTraits, local: false, live: false };

/** Which conversation an event file means. */
function resolveTarget({
  platform,
  conversation,
  kind,
}: EventTarget): Pick<Address, "adapter" | "conversation"> | { problem: string } {
  const [only] = Object.keys(doors);
  const adapter = platform ?? only ?? "";
  if (!Object.hasOwn(doors, adapter)) return { problem: `There is no adapter ${JSON.stringify(adapter)}` };
  return { adapter, conversation: { id: conversation, kind: kind ?? "direct" } };
}

/** Runs what must not stop the rest; what it throws is logged. */
async function quietly(log: Log, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn("A part failed", { error: errorText(error) });
  }
}
