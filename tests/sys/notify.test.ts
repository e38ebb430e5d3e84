// sd_notify over real datagram sockets, a path and an abstract one, and libc's other services.
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { becomeSubreaper, reap, sendDatagram } from "#ffi";
import { createNotify } from "../../src/sys/notify.ts";
import { until, withFolder } from "./folder.ts";

const hasSystemd = process.platform === "linux" && Bun.which("python3") !== null;

/** Receives `count` datagrams at `address` (a path, or `@name`) with another language's sockets. */
function receiver(address: string, { count, out }: { count: number; out: string }) {
  const program = `
import socket, sys
address, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0" + address[1:] if address[0] == "@" else address)
s.settimeout(5)
print("ready", flush=True)
messages = [s.recv(4096).decode() for _ in range(count)]
open(out, "w").write("\\x00".join(messages))
`;
  const child = spawn("python3", ["-c", program, address, String(count), out], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { ready: new Promise((resolve) => child.stdout.once("data", resolve)), ended };
}

test.skipIf(!hasSystemd).each(["path", "abstract"])("messages arrive at a socket with a %s name", (kind) =>
  withFolder(async (folder) => {
    const address = kind === "path" ? join(folder, "notify") : `@remoteagent-test-${process.pid}-${Date.now()}`;
    const out = join(folder, "out");
    const { ready, ended } = receiver(address, { count: 4, out });
    await ready;
    const notify = createNotify({ socket: address, watchdogUsec: "30000000", watchdogPid: String(process.pid) });
    notify.ready("Serving");
    notify.status("two\nlines\u0000READY=1");
    notify.watchdog();
    notify.stopping();
    await ended;
    const messages = readFileSync(out, "utf8").split("\u0000WATCHDOG")[0];
    expect(messages).toContain("READY=1\nSTATUS=Serving");
    expect(readFileSync(out, "utf8")).toMatch(/STATUS=two lines[\s\S]*WATCHDOG=1[\s\S]*STOPPING=1$/);
    expect(notify.watchdogMs).toBe(30_000);
  }),
);

test("without a service manager nothing happens, and a wrong socket does no harm", () => {
  for (const socket of [undefined, "", "vsock:2:1", "@", "/nowhere/notify", `/${"x".repeat(200)}`]) {
    const notify = createNotify({ socket, watchdogUsec: "30000000" });
    notify.ready();
    notify.stopping("bye");
    expect([socket, notify.present]).toEqual([socket, socket?.startsWith("/") === true]);
    expect(notify.watchdogMs).toBe(notify.present ? 30_000 : undefined);
  }
  expect(sendDatagram("", "x")).toBe(false);
  expect(sendDatagram("/nowhere/notify", "x")).toBe(false);
});

test.each([
  ["60000000", 60_000],
  ["500", 1],
  ["0", undefined],
  ["-5", undefined],
  ["1e9", undefined],
  ["", undefined],
])("WATCHDOG_USEC=%j is %p ms", (usec, ms) => {
  expect(createNotify({ socket: "/run/notify", watchdogUsec: usec }).watchdogMs).toBe(ms);
});

test("a child that inherited the variables is not the one that is watched", () => {
  const environment = { socket: "/run/notify", watchdogUsec: "1000000", watchdogPid: "4711" };
  expect(createNotify(environment, { pid: 4711 }).watchdogMs).toBe(1000);
  expect(createNotify(environment, { pid: 4712 })).toMatchObject({ watchdogMs: undefined, present: true });
  expect(createNotify({ ...environment, watchdogPid: "" }, { pid: 4712 }).watchdogMs).toBe(1000);
});

test.skipIf(process.platform !== "linux")("orphans become children, and are collected when they are dead", () =>
  withFolder(async (folder) => {
    // In a process of its own: this one must not collect other tests' orphans.
    const out = join(folder, "pid");
    const script = join(import.meta.dirname, "subreaper.ts");
    const child = spawn(process.execPath, [script, out], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data: Buffer) => resolve(data.toString())),
    );
    expect(JSON.parse(said)).toEqual({ subreaper: true, adopted: true, reaped: true, again: false });
    const pid = await until(() => (existsSync(out) ? readFileSync(out, "utf8") : undefined));
    expect(existsSync(`/proc/${pid.trim()}`)).toBe(false);
  }),
);

test("only own children can be collected", () => {
  expect(reap(1)).toBe(false);
  expect(becomeSubreaper).toBeFunction();
});
