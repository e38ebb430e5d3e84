// The kernel calls that nothing in a sandbox may make, as a BPF program for `bwrap --seccomp`.
//
// A deny list: what developers use stays (ptrace for debuggers, io, sockets, namespaces but the user's). Denied is
// what widens the attack surface of the kernel or reaches across the pid namespace:
// the kernel's key rings (not separated by namespaces), BPF and performance events, kernel images and modules,
// file handles (open files outside the mounts), userfaultfd, io_uring (its work passes by this filter), the kernel
// log, clocks, swap and quotas, set-user-id files, entering or making user namespaces (full rights over fresh kernel objects), and
// typing into a terminal (TIOCSTI, TIOCLINUX). Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and
// include/uapi/asm-generic/unistd.h. Foreign ABIs (32-bit, x32) are refused as a whole, since their numbers differ.

/** `[x86_64, aarch64]`; `null` where the architecture does not have the call. */
const denied: Record<string, readonly [number | null, number | null]> = {
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bpf: [321, 280],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  delete_module: [176, 106],
  finit_module: [313, 273],
  init_module: [175, 105],
  ioperm: [173, null],
  iopl: [172, null],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  open_by_handle_at: [304, 265],
  perf_event_open: [298, 241],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  userfaultfd: [323, 282],
};

/** "Not there" instead of "not allowed": their callers have another way and take it only for ENOSYS. */
const absent: Record<string, readonly [number, number]> = {
  clone3: [435, 435],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  // Its mode stands in memory, where no filter can look.
  openat2: [437, 437],
};

/**
 * Calls that give a file its mode, and which argument that is: a set-user-id program that root leaves in a folder of the
 * owner's is root for everyone outside. `flags`: the mode counts only when they make a file.
 */
const moded: Record<string, { numbers: readonly [number | null, number | null]; mode: number; flags?: number }> = {
  chmod: { numbers: [90, null], mode: 1 },
  creat: { numbers: [85, null], mode: 1 },
  fchmod: { numbers: [91, 52], mode: 1 },
  fchmodat: { numbers: [268, 53], mode: 2 },
  fchmodat2: { numbers: [452, 452], mode: 2 },
  mknod: { numbers: [133, null], mode: 1 },
  mknodat: { numbers: [259, 33], mode: 2 },
  open: { numbers: [2, null], mode: 2, flags: 1 },
  openat: { numbers: [257, 56], mode: 3, flags: 2 },
};
/** S_ISUID and S_ISGID (inode(7)). */
const setId = 0o6000;
/** O_CREAT and the own bit of O_TMPFILE. */
const makesFile = 0x40 | 0x400000;

const flagged: Record<string, readonly [number, number]> = { clone: [56, 220], unshare: [272, 97] };
const ioctl: readonly [number, number] = [16, 29];

const architectures = { x64: { column: 0, audit: 0xc000003e }, arm64: { column: 1, audit: 0xc00000b7 } } as const;

const cloneNewUser = 0x10000000;
const terminalInput = [0x5412, 0x541c];
const x32Bit = 0x40000000;

/** Where `struct seccomp_data` keeps things; both architectures are little endian, so the low word comes first. */
const at = { number: 0, architecture: 4, arguments: 16 };
const argument = (index: number) => at.arguments + index * 8;
const load = 0x20;
const equal = 0x15;
const atLeast = 0x35;
const anyBit = 0x45;
const answer = 0x06;
const allow = 0x7fff0000;
const eperm = 0x00050000 | 1;
const enosys = 0x00050000 | 38;

type Instruction = [code: number, whenTrue: number, whenFalse: number, value: number];

/**
 * The filter for one architecture (`process.arch`), as the bytes of `struct sock_filter[]`;
 * `undefined` for an architecture without a list.
 */
export function seccompProgram(architecture: string): Uint8Array | undefined {
  if (architecture !== "x64" && architecture !== "arm64") return undefined;
  const { column, audit } = architectures[architecture];
  const refuse = (number: number, reason: number): Instruction[] => [
    [equal, 0, 1, number],
    [answer, 0, 0, reason],
  ];
  const program: Instruction[] = [
    [load, 0, 0, at.architecture],
    [equal, 1, 0, audit],
    [answer, 0, 0, enosys],
    [load, 0, 0, at.number],
  ];
  if (architecture === "x64") program.push([atLeast, 0, 1, x32Bit], [answer, 0, 0, enosys]);
  for (const numbers of Object.values(denied)) {
    const number = numbers[column];
    if (number !== null) program.push(...refuse(number, eperm));
  }
  for (const numbers of Object.values(absent)) program.push(...refuse(numbers[column], enosys));
  for (const numbers of Object.values(flagged)) {
    program.push(
      [equal, 0, 4, numbers[column]],
      [load, 0, 0, argument(0)],
      [anyBit, 0, 1, cloneNewUser],
      [answer, 0, 0, eperm],
      [answer, 0, 0, allow],
    );
  }
  for (const { numbers, mode, flags } of Object.values(moded)) {
    const number = numbers[column];
    if (number !== null) program.push(...refuseSetId(number, { mode, flags }));
  }
  const checks = terminalInput.flatMap((request) => refuse(request, eperm));
  program.push([equal, 0, checks.length + 1, ioctl[column]], [load, 0, 0, argument(1)], ...checks);
  program.push([answer, 0, 0, allow]);
  return assemble(program);
}

/** A new file or mode with a set-id bit is refused; any other passes. */
function refuseSetId(number: number, { mode, flags }: { mode: number; flags: number | undefined }): Instruction[] {
  const checks: Instruction[] = [
    [load, 0, 0, argument(mode)],
    [anyBit, 0, 1, setId],
    [answer, 0, 0, eperm],
    [answer, 0, 0, allow],
  ];
  // Of a call that makes no file the mode is whatever the register held.
  if (flags !== undefined) checks.unshift([load, 0, 0, argument(flags)], [anyBit, 0, 3, makesFile]);
  return [[equal, 0, checks.length, number], ...checks];
}

function assemble(program: Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, whenTrue, whenFalse, value]] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, whenTrue);
    view.setUint8(index * 8 + 3, whenFalse);
    view.setUint32(index * 8 + 4, value, true);
  }
  return bytes;
}
