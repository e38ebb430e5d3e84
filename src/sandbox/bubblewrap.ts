// Bubblewrap: turns a list of what may be seen into the arguments that make Linux show nothing else.
import { posix } from "node:path";
import { isWithin } from "../core/folder.ts";
import type { Bind } from "./paths.ts";

/** One thing of the host's system that is put into the sandbox. `try`: left out when it has vanished meanwhile. */
export type SystemEntry = { kind: "ro" | "try"; path: string } | { kind: "link"; path: string; target: string };

/** A bind whose source is held open as descriptor `fd` of bwrap, or is taken by path where bwrap cannot do that. */
export type HeldBind = Bind & { fd?: number };

/** Everything that decides the inside of one command's sandbox. */
export interface BubblewrapPlan {
  system: readonly SystemEntry[];
  binds: readonly HeldBind[];
  /** Paths below /proc that root could change the machine by. */
  procReadOnly: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Made by an ordinary user: only a user namespace gives the right to the others. */
  userNamespace: boolean;
  seccompFd?: number;
}

/** Shared memory of one command; it counts as nobody's memory, so it is small. */
const sharedMemoryBytes = 256 * 1024 * 1024;

/**
 * What root keeps inside: handling files and processes as root does, and nothing that reaches the machine. For an
 * ordinary user there is nothing to keep.
 */
const rootCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

/**
 * The options of bwrap for `plan`, to be given by `--args`, so that no environment stands in a command line that
 * other users of the machine can read. The network is the host's.
 */
export function bubblewrapOptions(plan: BubblewrapPlan): string[] {
  const options = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--unshare-uts"];
  options.push("--unshare-cgroup-try");
  if (plan.userNamespace) options.push("--unshare-user");
  else {
    options.push("--cap-drop", "ALL");
    for (const name of rootCapabilities) options.push("--cap-add", `CAP_${name}`);
  }
  // Made here, they can be entered by everyone; the ones that bwrap makes on its way cannot.
  const places = [...plan.system.map(({ path }) => path), ...plan.binds.map(({ inside }) => inside)];
  for (const path of foldersAbove(places)) options.push("--dir", path);
  for (const entry of plan.system) options.push(...systemOption(entry));
  options.push("--proc", "/proc");
  for (const path of plan.procReadOnly) options.push("--ro-bind", path, path);
  options.push("--dev", "/dev", "--perms", "1777", "--size", String(sharedMemoryBytes), "--tmpfs", "/dev/shm");
  options.push("--dir", "/run", "--dir", "/var", "--dir", "/workspace");
  if (!places.some((path) => isWithin(path, "/var/tmp"))) options.push("--symlink", "../tmp", "/var/tmp");
  // Parents before what lies in them, or they would cover it.
  const binds = [...plan.binds].sort((a, b) => a.inside.length - b.inside.length);
  for (const bind of binds) options.push(...bindOption(bind));
  options.push("--remount-ro", "/dev", "--remount-ro", "/");
  if (plan.seccompFd !== undefined) options.push("--seccomp", String(plan.seccompFd));
  for (const [name, value] of Object.entries(plan.env)) options.push("--setenv", name, value);
  options.push("--chdir", plan.cwd);
  return options;
}

function foldersAbove(paths: string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let folder = posix.dirname(path); folder !== "/"; folder = posix.dirname(folder)) found.add(folder);
  }
  return [...found].filter((folder) => !paths.some((path) => isWithin(folder, path))).sort();
}

function systemOption(entry: SystemEntry): string[] {
  if (entry.kind === "link") return ["--symlink", entry.target, entry.path];
  return [entry.kind === "try" ? "--ro-bind-try" : "--ro-bind", entry.path, entry.path];
}

function bindOption({ fd, host, inside, access }: HeldBind): string[] {
  const option = access === "ro" ? "--ro-bind" : "--bind";
  return fd === undefined ? [option, host, inside] : [`${option}-fd`, String(fd), inside];
}

/** The bytes for `--args`: each option ended by a zero. */
export function optionBytes(options: readonly string[]): Uint8Array {
  return new TextEncoder().encode(options.map((option) => `${option}\0`).join(""));
}
