// The running program: what it says of itself, how it is reached, and how it ends.
import { serve } from "#serve";
import { namedAdapters, type Terminal } from "../adapters/index.ts";
import { createDispatch } from "../admin/dispatch.ts";
import { resources, vaultNoun } from "../admin/index.ts";
import { createSocket } from "../admin/socket.ts";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { StopReport } from "../core/status.ts";
import { statusReport } from "../gateway/status.ts";
import { removeStaleSocket } from "../sys/serve.ts";
import type { Doors } from "./doors.ts";
import type { Middle } from "./middle.ts";
import type { App, StartOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { quietly } from "./quietly.ts";
import { vaultNotices } from "./vault.ts";

/** The control socket: whoever holds the lock may take a stale path away. */
export async function openControlSocket(
  { config, log }: StartOptions,
  { parts, middle, running, terminal }: { parts: Parts; middle: Middle; running: App; terminal: Terminal },
) {
  const onError = (what: string, error: unknown) => log.error("A request failed", { what, error: errorText(error) });
  const dispatch = createDispatch({
    resources: [
      ...resources(() => ({
        ...parts.store,
        adapters: () => namedAdapters(config.settings.adapters),
        settleQuestion: middle.gateway.settleQuestion,
        sendAgain: (delivery: number) => middle.outbox.again(delivery),
        giveUp: middle.outbox.drop,
      })),
      vaultNoun(() => parts.vault),
    ],
    onError,
  });
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

/** The running program: what it says of itself, and how it ends. */
export function createRunning(
  options: StartOptions,
  {
    parts,
    middle,
    doors,
    closeAll,
    leave,
  }: {
    parts: Parts;
    middle: Middle;
    doors: Doors;
    closeAll: () => Promise<void>;
    leave: (reason: "stop" | "handover") => void;
  },
): App {
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
        adapters: doors.status(),
        notices: [...parts.notices, ...vaultNotices(parts.vault)],
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
