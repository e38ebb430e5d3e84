// The gateway with everything that it is handed, what goes out of it, and the scheduler that feeds it.
import type { Terminal } from "../adapters/index.ts";
import { limits } from "../core/limits.ts";
import { parseModelName } from "../core/model-name.ts";
import type { CommandServices } from "../gateway/commands/command.ts";
import { commands } from "../gateway/commands/index.ts";
import { createDeliveries, type Outbox } from "../gateway/delivery/deliveries.ts";
import { createReplies, type Replies } from "../gateway/delivery/reply.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { postElsewhere, writeAnswer, writeInbound } from "../gateway/history.ts";
import { createJudge } from "../gateway/intake/judge.ts";
import { fetchFrom, sayUnstored, takeAway } from "../gateway/platform.ts";
import { type Cards, createCards } from "../gateway/questions/cards.ts";
import { createBranches } from "../gateway/turns/branches.ts";
import { keepInboundFile, loadFile, turnServices } from "../gateway/turns/services.ts";
import { createSettingBook, type SettingBook } from "../gateway/turns/setting.ts";
import { sessionScope } from "../gateway/turns/turn.ts";
import { sandboxLines } from "../gateway/view.ts";
import { createHarnesses } from "../harness/index.ts";
import { createScheduler, type Scheduler } from "../schedule/runner.ts";
import { localTimeZone } from "../sys/calendar.ts";
import { createTools } from "../tools/index.ts";
import { createQuota } from "../workspace/quota.ts";
import type { Doors } from "./doors.ts";
import type { StartOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { secretsOf, vaultServices } from "./vault.ts";

/** The gateway with everything that it is handed, and the scheduler that feeds it. */
export interface Middle {
  gateway: Gateway;
  scheduler: Scheduler;
  settings: SettingBook;
  outbox: Outbox;
  /** Lets the program's own words out by the terminal. */
  attach(terminal: Terminal): void;
}

/** What its pieces are made from. */
interface Whole {
  parts: Parts;
  doors: Doors;
  timeZone: string;
}

/** What turns are made of: what their sandbox shows, what the prompt says, which tools they have. */
function openSettings(options: StartOptions, { parts, doors, timeZone }: Whole): SettingBook {
  const { config, log, clock } = options;
  const { memoryMb, processes } = config.settings.limits;
  return createSettingBook({
    layout: parts.layout,
    sandboxes: config.paths.sandboxes,
    agent: (name) => config.settings.agents[name] ?? {},
    driver: parts.driver,
    isolationWaived: config.settings.isolation === "none",
    health: parts.health,
    facts: parts.store.facts,
    secrets: secretsOf(options, parts),
    now: () => clock.now(),
    tools: createTools({ clock, bounds: { memoryBytes: memoryMb * 1_048_576, processes } }),
    timeZone,
    log,
    isLocal: (adapter) => doors.traits(adapter).local,
  });
}

/** What goes out: messages with their fate, and turns as they are shown. */
function openWayOut(
  { config, log, clock }: StartOptions,
  { parts, doors }: Whole,
): {
  outbox: Outbox;
  replies: Replies;
  cards: Cards;
} {
  const { store, layout, redactor, hub } = parts;
  const outbox = createDeliveries({
    store,
    clock,
    log: log.child({ part: "deliveries" }),
    redactor,
    loadFile: (stored) => loadFile(layout, stored),
  });
  const replies = createReplies({
    store,
    outbox,
    clock,
    log,
    toolOutput: config.settings.toolOutput,
    isLive: (adapter) => doors.traits(adapter).live,
  });
  hub.subscribe(replies.follow);
  const cards = createCards({ store, outbox, log });
  hub.subscribe(cards.follow);
  return { outbox, replies, cards };
}

/** What the commands of the chat ask of the rest of the program. */
function commandServices(
  { config }: StartOptions,
  { parts, settings, sessionPage }: { parts: Parts; settings: SettingBook } & Pick<CommandServices, "sessionPage">,
) {
  const { driver, models } = parts;
  return {
    sessionPage,
    commands,
    agents: () => [...new Set(["main", ...Object.keys(config.settings.agents)])],
    checkModel: (name: string) => models.info(parseModelName(name)),
    availableModels: () => models.available(),
    memory: settings.memory,
    statusLines: () => sandboxLines(parts.health()),
    killBackground: (session: number) => driver.kill(sessionScope(session)),
    backgroundOf: (session: number) => driver.running().filter((found) => found.scope === sessionScope(session)),
    confirmText: settings.confirmText,
    confirmTools: settings.confirm,
  };
}

/** Makes it; nothing runs before `gateway.resume` and `scheduler.start`. */
export function openMiddle(
  options: StartOptions,
  { parts, doors, sessionPage }: Pick<Whole, "parts" | "doors"> & Pick<CommandServices, "sessionPage">,
): Middle {
  const { config, log, clock } = options;
  const { store, layout } = parts;
  let terminal: Terminal | undefined;
  const timeZone = localTimeZone();
  const settings = openSettings(options, { parts, doors, timeZone });
  const scheduler = createScheduler({
    eventsDir: layout.events,
    store: store.schedules,
    clock,
    log: log.child({ part: "schedule" }),
    receive: (event) => gateway.receiveEvent(event, doors.traits(event.adapter)),
    resolve: (target) => doors.resolve(target, store),
  });
  const harnesses = createHarnesses((name) => ({
    models: parts.models,
    clock,
    log: log.child({ part: name }),
    timeZone,
  }));
  const { outbox, replies, cards } = openWayOut(options, { parts, doors, timeZone });
  const { attachmentsDayMb, attachmentsMb } = config.settings.limits;
  const quota = createQuota({
    channels: layout.channels,
    dayBytesMax: attachmentsDayMb * 1_048_576,
    bytesMax: attachmentsMb * 1_048_576,
    clock,
  });
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
    ...commandServices(options, { parts, settings, sessionPage }),
    traits: doors.traits,
    door: doors.known,
    deliver: outbox.deliver,
    sendAgain: outbox.again,
    heard: outbox.heard,
    onStored: replies.stored,
    onAnswered: cards.close,
    movedOut: outbox.moved,
    fetchFile: (adapter, file, how) => fetchFrom(doors.handle(adapter), { adapter, file, ...how }),
    sayUnstored: (inbound, outgoing) =>
      sayUnstored({ handle: doors.handle(inbound.adapter), log }, { inbound, outgoing }),
    takeAway: (inbound, ref) => takeAway({ handle: doors.handle(inbound.adapter), log }, { inbound, ref }),
    judge: createJudge({ models: parts.models, model: () => parts.modelOf(undefined), clock, log }),
    harness: (session) => harnesses(config.settings.agents[session.agent]?.harness ?? config.settings.harness),
    ...vaultServices(options, parts),
    setting: settings.of,
    services: (row, sandbox) =>
      turnServices(
        { layout, clock, redactor: parts.redactor, schedule: (turn) => scheduler.of(turn.replyTo, turn.requester) },
        { row, sandbox },
      ),
    file: (_row, stored) => loadFile(layout, stored),
    room: ({ adapter, conversation }, bytes) =>
      quota.problem(layout.conversation(adapter, conversation.id).attachments, bytes),
    async keepFile(inbound, file) {
      const kept = await keepInboundFile({ ...parts, clock }, { inbound, ...file });
      quota.kept(file.bytes.byteLength);
      return kept;
    },
    onInbound: (inbound) => writeInbound(parts, inbound),
    onMessage: (message) => {
      writeAnswer(parts, message);
      postElsewhere({ gateway, door: terminal?.adapter, log }, message);
    },
    onGone: (inputs) => terminal?.gone(inputs),
    turnsParallelMax: config.settings.limits.turnsParallel,
    ...(timeoutSeconds === undefined ? {} : { timeoutMs: timeoutSeconds * 1000 }),
  });
  return {
    gateway,
    scheduler,
    settings,
    outbox,
    attach(opened) {
      terminal = opened;
    },
  };
}
