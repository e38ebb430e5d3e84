// The composition root: a numbered boot list; what each step wires stands in app/.
import { openAdapters } from "./app/adapters.ts";
import { createDoors } from "./app/doors.ts";
import { keepAlive } from "./app/life.ts";
import { type Middle, openMiddle } from "./app/middle.ts";
import type { App, StartOptions } from "./app/options.ts";
import { openParts } from "./app/parts.ts";
import { keepPruned } from "./app/pruning.ts";
import { quietly } from "./app/quietly.ts";
import { createRunning, openControlSocket } from "./app/running.ts";
import { openTerminalDoor } from "./app/terminal.ts";
import { sweepFiles } from "./app/vault.ts";
import { createWebDoor } from "./app/web.ts";
import type { Config } from "./config/load.ts";
import { limits } from "./core/limits.ts";
import { checkHarness } from "./harness/index.ts";
import { sandboxKind } from "./sandbox/index.ts";
import { openStore } from "./store/db.ts";
import { createStore } from "./store/store.ts";

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
    const doors = createDoors(options.alone ? {} : config.settings.adapters);
    const web = createWebDoor(options, { parts, doors, middle: () => middle });
    const middle: Middle = openMiddle(options, { parts, doors, sessionPage: web.sessionPage });
    closers.push(() => web.close());
    closers.push(() => middle.scheduler.close());
    // 4. The doors: the control socket, with the terminal behind it.
    const terminal = openTerminalDoor(options, { parts, middle });
    middle.attach(terminal);
    const running = createRunning(options, { parts, middle, doors, closeAll, leave: terminal.leave });
    closers.push(() => terminal.adapter.close());
    const server = await openControlSocket(options, { parts, middle, running, terminal });
    closers.push(() => server.close());
    // 5. The adapters: what they bring is stored from now on; what goes out waits in the store until they are there.
    if (!options.alone) closers.push(await openAdapters(options, { parts, middle, doors }));
    closers.push(() => middle.outbox.close());
    // 6. What earlier lives left: processes first, then turns, then what waits.
    await quietly(log, () => parts.driver.sweep());
    await quietly(log, () => sweepFiles({ store, log }));
    // When a step from here on fails, no turn runs into what is closed; after a stop nothing is left to close.
    closers.push(() => middle.gateway.close(0));
    const { resumed, offered } = middle.gateway.resume(crashLoop);
    await middle.scheduler.start();
    if (!options.alone) await web.start();
    // 7. Signs of life; after a crash loop what waits is taken up once this start has lived.
    if (crashLoop) parts.notices.push(crashLoopNotice(store.inputs.waitingCount()));
    const life = new AbortController();
    closers.push(() => life.abort());
    const onLived = crashLoop ? middle.gateway.wakeWaiting : () => undefined;
    void keepAlive({ clock, log, starts: store.starts, onLived }, { start: startId, signal: life.signal });
    void keepPruned({ prune: store.prune, clock, log, keepDays: config.settings.limits.keepDays }, life.signal);
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
