// Control groups where we may make them: a tree that cannot grow without end, cannot leave, and dies at one word.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { Log } from "../../sys/log.ts";
import type { Fence } from "../state.ts";

/** Makes a fence for each command; absent where the system gives us no group. */
export interface Fences {
  make(name: string, processesMax: number): Fence | undefined;
  /**
   * Removes empty groups whose name begins so: what was still held when its command ended, or left by a crash.
   * Answers whether none is left.
   */
  tidy(prefix: string): boolean;
}

/** What finding groups needs of the world; `readText` reads a small file of the host. */
export interface FencesDeps {
  log: Log;
  readText(path: string): string | undefined;
}

/** Groups that are tried again whenever a command ends. */
const heldTriesMax = 8;

/** The monitor, the init and the shell that are started around a command. */
const ownProcesses = 8;

/**
 * Finds the groups in which this process may make others: the second version's for killing, and whichever has the
 * `pids` controller for the bound (see cgroups(7)). Below systemd only an ordinary user's own groups and our own
 * service are ours to divide.
 */
export function findFences({ log, readText }: FencesDeps): Fences {
  const folders = groupFolders(readText);
  let usable = folders;
  // A group is held until its last dead process has been collected, which init may do a little later.
  const held = new Set<string>();
  const remove = (groups: string[]) => {
    const waiting = [...held].slice(0, heldTriesMax);
    for (const group of [...groups, ...waiting]) {
      if (removeGroup(group)) held.delete(group);
      else held.add(group);
    }
  };
  return {
    tidy: (prefix) =>
      folders
        .flatMap((folder) => foldersIn(folder).map((name) => ({ name, group: join(folder, name) })))
        .filter(({ name, group }) => name.startsWith(`remoteagent-${prefix}`) && !removeGroup(group)).length === 0,
    make: (name, processesMax) => {
      const made: string[] = [];
      for (const folder of usable) {
        const group = join(folder, `remoteagent-${name}`);
        try {
          mkdirSync(group);
          made.push(group);
        } catch (error) {
          // Not ours to divide, now or ever: commands then run without it.
          log.debug("Cannot make a control group", { group, error });
          usable = usable.filter((one) => one !== folder);
        }
      }
      if (made.length === 0) return countFence(readText, processesMax);
      for (const group of made) writeControl(group, "pids.max", String(processesMax + ownProcesses));
      return fence(made, () => remove(made));
    },
  };
}

function fence(groups: string[], remove: () => void): Fence {
  const files = groups.map((group) => `${group}/cgroup.procs`);
  return {
    // The shell puts itself in, and then becomes the command: nothing of it is ever outside.
    prefix: ["/bin/sh", "-c", enterScript, "sh", String(files.length), ...files],
    strike: () => {
      for (const group of groups) {
        writeControl(group, "pids.max", "0");
        writeControl(group, "cgroup.kill", "1");
      }
    },
    members: () =>
      readControl(groups[0] ?? "", "cgroup.procs")
        .split("\n")
        .filter(Boolean)
        .map(Number),
    wasFull: () => groups.some((group) => /^max [1-9]/m.test(readControl(group, "pids.events"))),
    remove,
  };
}

const enterScript =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1" || exit 126; shift; n=$((n-1)); done; exec "$@"';

/**
 * Where no group can be made: the kernel counts the threads of a user, so a bound of all that run now and the command's
 * own keeps a tree from growing without end and stops nothing else. It does not bind root.
 */
function countFence(readText: FencesDeps["readText"], processesMax: number): Fence | undefined {
  const running = /\/(\d+) /.exec(readText("/proc/loadavg") ?? "")?.[1];
  if (running === undefined) return undefined;
  return {
    prefix: ["/bin/sh", "-c", countScript, "sh", String(Number(running) + processesMax + ownProcesses)],
    strike: () => undefined,
    members: () => [],
    wasFull: () => false,
    remove: () => undefined,
  };
}

// Shells differ in the letter.
const countScript = '{ ulimit -S -u "$1" || ulimit -S -p "$1"; } 2>/dev/null; shift; exec "$@"';

/** Writes one control file; false where this version has no such file or it refuses. */
function writeControl(group: string, file: string, value: string): boolean {
  try {
    writeFileSync(join(group, file), value, { flag: "r+" });
    return true;
  } catch {
    return false; // Each version of control groups has only some of the files.
  }
}

function readControl(group: string, file: string): string {
  try {
    return readFileSync(join(group, file), "utf8");
  } catch {
    return ""; // Not in this version, or removed already.
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No such hierarchy any more.
  }
}

function removeGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group); // Still held, or gone already.
  }
}

/** Folders below which groups can be made: version 2 first, then version 1's `pids`. */
function groupFolders(readText: (path: string) => string | undefined): string[] {
  const mounts = (readText("/proc/self/mountinfo") ?? "").split("\n").flatMap((line) => parseMount(line) ?? []);
  const own = new Map(
    (readText("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
      const match = /^\d+:([^:]*):(.*)$/.exec(line);
      return match === null ? [] : [[match[1] ?? "", match[2] ?? "/"] as const];
    }),
  );
  const systemd = readText("/proc/1/comm")?.trim() === "systemd";
  const folders: string[] = [];
  for (const { root, point, type, options } of mounts) {
    const controller = type === "cgroup2" ? "" : type === "cgroup" && options.includes("pids") ? "pids" : undefined;
    const path = controller === undefined ? undefined : own.get(controller);
    if (path === undefined || (systemd && process.getuid?.() === 0 && !/\/remoteagent[^/]*\.service/.test(path)))
      continue;
    const folder = join(point, posix.relative(root, path));
    if (controller === "") folders.unshift(folder);
    else folders.push(folder);
  }
  return folders;
}

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
function parseMount(line: string): { root: string; point: string; type: string; options: string[] } | undefined {
  const match = /^\d+ \d+ \S+ (\S+) (\S+) .* - (\S+) \S+ (\S+)$/.exec(line);
  if (match === null) return undefined;
  const [, root = "", point = "", type = "", options = ""] = match;
  return { root, point, type, options: options.split(",") };
}
