// `#ffi` under Bun.
import { dlopen, ptr, read } from "bun:ffi";
import process from "node:process";
import { errnoSymbol, type Ffi, type Libc, libcNames, overLibc } from "./ffi.ts";

const common = {
  flock: { args: ["i32", "i32"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const;
const errnoAddress = { args: [], returns: "ptr" } as const;
const linuxOnly = {
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
} as const;

function open(): Libc {
  const { symbols, errno, linux } = load();
  return {
    flock: (fd, operation) => symbols.flock(fd, operation),
    waitpid: (pid, status, options) => symbols.waitpid(pid, ptr(status), options),
    socket: (domain, type, protocol) => symbols.socket(domain, type, protocol),
    sendto: (fd, data, bytes, flags, to, toBytes) =>
      Number(symbols.sendto(fd, ptr(data), BigInt(bytes), flags, ptr(to), toBytes)),
    close: (fd) => symbols.close(fd),
    errno: () => {
      const address = errno();
      return address === null ? 0 : read.i32(address, 0);
    },
    ...linux,
  };
}

function load() {
  const errors: unknown[] = [];
  for (const name of libcNames()) {
    try {
      const { symbols } = dlopen(name, common);
      const errno = dlopen(name, { [errnoSymbol]: errnoAddress }).symbols[errnoSymbol];
      if (errno === undefined) throw new Error(`${errnoSymbol} is missing`);
      return { symbols, errno, linux: process.platform === "linux" ? openLinux(name) : {} };
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `Cannot open libc: tried ${libcNames().join(", ")}`);
}

function openLinux(name: string): Pick<Libc, "prctl" | "pipe2" | "fcntl"> {
  const { symbols } = dlopen(name, linuxOnly);
  return {
    prctl: (option, ...values) => symbols.prctl(option, ...values),
    pipe2: (fds, flags) => symbols.pipe2(ptr(fds), flags),
    fcntl: (fd, command, argument) => symbols.fcntl(fd, command, argument),
  };
}

/** See the contract `Ffi`. */
export const { flock, becomeSubreaper, reap, sendDatagram, openPipe }: Ffi = overLibc(open);
