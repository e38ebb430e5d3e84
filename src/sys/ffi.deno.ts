// `#ffi` under Deno.
import process from "node:process";
import { errnoSymbol, type Ffi, type Libc, libcNames, overLibc } from "./ffi.ts";

type Native = "i32" | "i64" | "u64" | "usize" | "buffer" | "pointer";
type Symbols = Record<string, { parameters: Native[]; result: Native }>;
type Value = number | bigint | Uint8Array | Int32Array;
type Call = (...values: Value[]) => unknown;
/** The part of Deno that is used here; its own types are absent where the other runtime's compiler checks. */
interface DenoFfi {
  dlopen(name: string, symbols: Symbols): { symbols: Record<string, Call> };
  UnsafePointerView: new (pointer: unknown) => { getInt32(): number };
}
// Deno's own declaration differs in detail, so the global is looked up by name.
const deno = () => (globalThis as unknown as { Deno: DenoFfi }).Deno;

const symbolsOf: Symbols = {
  flock: { parameters: ["i32", "i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "i32"], result: "i64" },
  close: { parameters: ["i32"], result: "i32" },
  [errnoSymbol]: { parameters: [], result: "pointer" },
};
const linuxOnly: Symbols = {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
};

function open(): Libc {
  const linux = process.platform === "linux";
  const symbols = load(linux ? { ...symbolsOf, ...linuxOnly } : symbolsOf);
  const call = (name: string, ...values: Value[]) => Number(symbols[name]?.(...values));
  return {
    flock: (fd, operation) => call("flock", fd, operation),
    waitpid: (pid, status, options) => call("waitpid", pid, status, options),
    socket: (domain, type, protocol) => call("socket", domain, type, protocol),
    sendto: (fd, data, bytes, flags, to, toBytes) => call("sendto", fd, data, BigInt(bytes), flags, to, toBytes),
    close: (fd) => call("close", fd),
    errno: () => new (deno().UnsafePointerView)(symbols[errnoSymbol]?.()).getInt32(),
    ...(linux ? linuxCalls(call) : {}),
  };
}

function linuxCalls(call: (name: string, ...values: Value[]) => number): Pick<Libc, "prctl" | "pipe2" | "fcntl"> {
  return {
    prctl: (option, ...values) => call("prctl", option, ...values.map(BigInt)),
    pipe2: (fds, flags) => call("pipe2", fds, flags),
    fcntl: (fd, command, argument) => call("fcntl", fd, command, argument),
  };
}

function load(wanted: Symbols): Record<string, Call> {
  const errors: unknown[] = [];
  for (const name of libcNames()) {
    try {
      return deno().dlopen(name, wanted).symbols;
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, `Cannot open libc: tried ${libcNames().join(", ")}`);
}

/** See the contract `Ffi`. */
export const { flock, becomeSubreaper, reap, sendDatagram, openPipe }: Ffi = overLibc(open);
