// What the program needs of libc beyond node:*; `#ffi` opens it with bun:ffi or Deno.dlopen, on the first call only.
import process from "node:process";

export type LockKind = "exclusive" | "shared" | "unlock";

/** What `#ffi` exports. Every call is short and never waits. */
export interface Ffi {
  /** flock(2), never waiting. False: somebody else holds it. @throws Error when the file system has no locks. */
  flock(fd: number, kind: LockKind): boolean;
  /** Makes orphans of our descendants our children (PR_SET_CHILD_SUBREAPER). False where the system has no such thing. */
  becomeSubreaper(): boolean;
  /** Takes the exit status of the dead child `pid`, so that it is no zombie; only for children that no other part waits for. */
  reap(pid: number): boolean;
  /** Sends one datagram to a unix socket, `@name` being an abstract one. False: it did not go out. */
  sendDatagram(path: string, text: string): boolean;
  /**
   * Makes a pipe that no child inherits by itself. Its reading end never waits. Undefined where the system has no
   * pipe2(2), or when too many files are open.
   */
  openPipe(): { readFd: number; writeFd: number } | undefined;
}

/** libc's functions with plain numbers, as both runtimes can call them. */
export interface Libc {
  flock(fd: number, operation: number): number;
  /** Absent where libc has none (macOS). */
  prctl?(option: number, a: number, b: number, c: number, d: number): number;
  /** Writes two numbers into `fds`. Absent where libc has none (macOS). */
  pipe2?(fds: Int32Array, flags: number): number;
  /** With a number as its argument. */
  fcntl?(fd: number, command: number, argument: number): number;
  waitpid(pid: number, status: Uint8Array, options: number): number;
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, data: Uint8Array, bytes: number, flags: number, to: Uint8Array, toBytes: number): number;
  close(fd: number): number;
  /** errno of the call just made. */
  errno(): number;
}

/** Names under which libc is found, in the order to try: glibc, musl, macOS. */
export function libcNames(): string[] {
  if (process.platform === "darwin") return ["libSystem.B.dylib"];
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  return ["libc.so.6", `libc.musl-${machine}.so.1`, "libc.so"];
}

/** Name of the function that gives errno's address. */
export const errnoSymbol = process.platform === "darwin" ? "__error" : "__errno_location";

const lockOperation: Record<LockKind, number> = { shared: 1 | 4, exclusive: 2 | 4, unlock: 8 };
/** EWOULDBLOCK: 11 on Linux, 35 on macOS. */
const wouldBlock = process.platform === "darwin" ? 35 : 11;
const eintr = 4;
const interruptsMax = 100;

/** Builds the functions of `#ffi` over libc, which `open` loads at the first call. */
export function overLibc(open: () => Libc): Ffi {
  let opened: Libc | undefined;
  const libc = () => {
    opened ??= open();
    return opened;
  };
  return {
    flock: (fd, kind) => flock(libc(), fd, kind),
    becomeSubreaper: () => process.platform === "linux" && libc().prctl?.(36, 1, 0, 0, 0) === 0,
    reap: (pid) => libc().waitpid(pid, new Uint8Array(4), 1) === pid,
    sendDatagram: (path, text) => sendDatagram(libc(), path, text),
    openPipe: () => openPipe(libc()),
  };
}

function flock(libc: Libc, fd: number, kind: LockKind): boolean {
  for (let attempt = 0; attempt < interruptsMax; attempt++) {
    if (libc.flock(fd, lockOperation[kind]) === 0) return true;
    const errno = libc.errno();
    if (errno === wouldBlock) return false;
    if (errno !== eintr) throw new Error(`flock failed with errno ${errno}`);
  }
  return false;
}

/** O_CLOEXEC, O_NONBLOCK and F_SETFL of Linux on every machine that the program is built for. */
const pipeCloseOnExec = 0o2000000;
const nonBlocking = 0o4000;
const setStatusFlags = 4;

function openPipe({ pipe2, fcntl, close }: Libc): { readFd: number; writeFd: number } | undefined {
  const fds = new Int32Array(2);
  if (pipe2 === undefined || fcntl === undefined || pipe2(fds, pipeCloseOnExec) !== 0) return undefined;
  const [readFd = -1, writeFd = -1] = fds;
  // Only this end: a program that writes expects to wait when its reader is slow.
  if (fcntl(readFd, setStatusFlags, nonBlocking) === 0) return { readFd, writeFd };
  close(readFd);
  close(writeFd);
  return undefined;
}

const unixFamily = 1;
const datagramType = 2;
/** SOCK_CLOEXEC, so that no child inherits the socket; macOS has no such flag. */
const closeOnExec = process.platform === "linux" ? 0o2000000 : 0;
/** MSG_DONTWAIT (and on Linux MSG_NOSIGNAL): a stuck receiver must not stop us. */
const sendFlags = process.platform === "linux" ? 0x40 | 0x4000 : 0x80;

function sendDatagram(libc: Libc, path: string, text: string): boolean {
  const address = socketAddress(path);
  if (address === undefined) return false;
  const fd = libc.socket(unixFamily, datagramType | closeOnExec, 0);
  if (fd < 0) return false;
  try {
    const data = new TextEncoder().encode(text);
    return libc.sendto(fd, data, data.byteLength, sendFlags, address, address.byteLength) === data.byteLength;
  } finally {
    libc.close(fd);
  }
}

/** `struct sockaddr_un` of unix(7); undefined for a path that does not fit. */
function socketAddress(path: string): Uint8Array | undefined {
  const name = new TextEncoder().encode(path);
  const nameBytesMax = process.platform === "linux" ? 107 : 103;
  if (name.byteLength === 0 || name.byteLength > nameBytesMax) return undefined;
  const abstract = path.startsWith("@");
  if (abstract) name[0] = 0;
  // An abstract name is as long as the address says; a path ends with a zero.
  const address = new Uint8Array(2 + name.byteLength + (abstract ? 0 : 1));
  if (process.platform === "darwin") address.set([address.byteLength, unixFamily]);
  else new DataView(address.buffer).setUint16(0, unixFamily, true);
  address.set(name, 2);
  return address;
}
