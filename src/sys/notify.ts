// What systemd is told of us (sd_notify(3)): ready, stopping, alive.
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
}

/** `socket` is NOTIFY_SOCKET (a path, or `@name`), `watchdogUsec` is WATCHDOG_USEC, both as systemd hands them out. */
export function createNotify(socket: string | undefined, watchdogUsec?: string): Notify {
  const send = (...lines: string[]) => {
    // Only these two forms are unix sockets; vsock addresses and the like are for virtual machines.
    if (socket === undefined || !/^[/@]./.test(socket)) return;
    sendDatagram(socket, lines.join("\n"));
  };
  // A line break would begin a message of its own.
  const statusLine = (text: string) => `STATUS=${text.replaceAll(/\s+/g, " ").trim()}`;
  const withStatus = (message: string, status?: string) =>
    status === undefined ? send(message) : send(message, statusLine(status));
  return {
    ready: (status) => withStatus("READY=1", status),
    stopping: (status) => withStatus("STOPPING=1", status),
    status: (text) => send(statusLine(text)),
    watchdog: () => send("WATCHDOG=1"),
    watchdogMs: socket === undefined ? undefined : watchdogMs(watchdogUsec),
  };
}

function watchdogMs(usec: string | undefined): number | undefined {
  if (usec === undefined || !/^[1-9][0-9]{0,14}$/.test(usec)) return undefined;
  return Math.max(1, Math.floor(Number(usec) / 1000));
}
