// The terminal's half that lives in the instance, wired to the parts that it shows.
import { userInfo } from "node:os";
import process from "node:process";
import { openTerminal, type Terminal } from "../adapters/index.ts";
import { errorText } from "../core/failure.ts";
import { commands } from "../gateway/commands/index.ts";
import { keepInboundFile } from "../gateway/turns/services.ts";
import { checkFolder } from "../gateway/turns/setting.ts";
import { sandboxLabel, viewState } from "../gateway/view.ts";
import type { Middle } from "./middle.ts";
import type { StartOptions } from "./options.ts";
import type { Parts } from "./parts.ts";

/** The terminal's half that lives in the instance. */
export function openTerminalDoor(options: StartOptions, { parts, middle }: { parts: Parts; middle: Middle }): Terminal {
  const { config, alone, log, clock } = options;
  const { store, hub, driver } = parts;
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
    keepFile: (inbound, file) => keepInboundFile({ ...parts, clock }, { inbound, ...file }),
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
