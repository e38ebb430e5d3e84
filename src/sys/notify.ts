// What systemd is told of us (sd_notify(3)): ready, stopping, alive.
import process from "node:process";
import { sendDatagram } from "#ffi";

/** Messages to the service manager; all do nothing when there is none. None throws. */
export interface Notify {
  ready(status?: string): void;
  stopping(status?: string): void;
  status(text: string): void;
  /** "I live", to be sent more often than `watchdogMs`. */
  watchdog(): void;
  /** How often the service manager wants a sign of life, in milliseconds; undefined: not at all. */
  readonly watchdogMs: number | undefined;
  /** There is a service manager that listens. */
  readonly present: boolean;
}

/** What systemd hands out in the environment: NOTIFY_SOCKET (a path, or `@name`), WATCHDOG_USEC and WATCHDOG_PID. */
export interface NotifyEnvironment {
  socket?: string | undefined;
  watchdogUsec?: string | undefined;
  watchdogPid?: string | undefined;
}

/** The way to the service manager of this process, `pid`. */
export function createNotify(environment: NotifyEnvironment, { pid = process.pid }: { pid?: number } = {}): Notify {
  const { watchdogUsec, watchdogPid } = environment;
  // Only these two forms are unix sockets; vsock addresses and the like are for virtual machines.
  const socket = /^[/@]./.test(environment.socket ?? "") ? environment.socket : undefined;
  const send = (...lines: string[]) => {
    if (socket !== undefined) sendDatagram(socket, lines.join("\n"));
  };
  // A child that inherited the variables is not who is watched (sd_watchdog_enabled(3)).
  const watched = socket !== undefined && (!watchdogPid || watchdogPid === String(pid));
  // A line break would begin a message of its own.
  const statusLine = (text: string) => `STATUS=${text.replaceAll(/\s+/g, " ").trim()}`;
  const withStatus = (message: string, status?: string) =>
    status === undefined ? send(message) : send(message, statusLine(status));
  return {
    ready: (status) => withStatus("READY=1", status),
    stopping: (status) => withStatus("STOPPING=1", status),
    status: (text) => send(statusLine(text)),
    watchdog: () => send("WATCHDOG=1"),
    watchdogMs: watched ? watchdogMs(watchdogUsec) : undefined,
    present: socket !== undefined,
  };
}

function watchdogMs(usec: string | undefined): number | undefined {
  if (usec === undefined || !/^[1-9][0-9]{0,14}$/.test(usec)) return undefined;
  return Math.max(1, Math.floor(Number(usec) / 1000));
}
