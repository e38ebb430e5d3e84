// Control groups where we may make them: a tree that cannot grow without end, cannot leave, and dies at one word.
import { join, posix } from "node:path";
import type { Log } from "../../sys/log.ts";
import type { Fence } from "../state.ts";
import { delegate, delegatedPath } from "./delegation.ts";
import { type GroupFiles, groupFiles } from "./group-files.ts";

/** Makes a fence for each command; absent where the system gives us no group. */
export interface Fences {
  make(name: string, bounds: FenceBounds): Fence | undefined;
  /**
   * Removes empty groups whose name begins so: what was still held when its command ended, or left by a crash.
   * Answers whether none is left.
   */
  tidy(prefix: string): boolean;
}

/** What one command may have at most. */
export interface FenceBounds {
  processesMax: number;
  memoryBytesMax: number;
}

/** What finding groups needs of the world; `readText` reads a small file of the host. */
export interface FencesDeps {
  log: Log;
  readText(path: string): string | undefined;
  /** Absent: the kernel's. */
  files?: GroupFiles;
}

/** Groups that are tried again whenever a command ends. */
const heldTriesMax = 8;

/** The monitor, the init and the shell that are started around a command. */
const ownProcesses = 8;

/**
 * Finds the groups in which this process may make others: the second version's for killing, and whichever has the
 * `pids` controller for the bound (see cgroups(7)). Below systemd only an ordinary user's own groups and our own
 * service are ours to divide; in the latter, this process moves into a leaf, so that the others can have controllers.
 */
export function findFences({ log, readText, files = groupFiles }: FencesDeps): Fences {
  const { folders, delegated } = groupFolders(readText);
  if (delegated !== undefined) delegate(delegated, { files, log });
  let usable = folders;
  // A group is held until its last dead process has been collected, which init may do a little later.
  const held = new Set<string>();
  const remove = (groups: string[]) => {
    const waiting = [...held].slice(0, heldTriesMax);
    for (const group of [...groups, ...waiting]) {
      if (files.remove(group)) held.delete(group);
      else held.add(group);
    }
  };
  return {
    tidy: (prefix) =>
      folders
        .flatMap((folder) => files.list(folder).map((name) => ({ name, group: join(folder, name) })))
        .filter(({ name, group }) => name.startsWith(`remoteagent-${prefix}`) && !files.remove(group)).length === 0,
    make: (name, { processesMax, memoryBytesMax }) => {
      const made: string[] = [];
      for (const folder of usable) {
        const group = join(folder, `remoteagent-${name}`);
        if (files.make(group)) {
          made.push(group);
          continue;
        }
        // Not ours to divide, now or ever: commands then run without it.
        log.debug("Cannot make a control group", { group });
        usable = usable.filter((one) => one !== folder);
      }
      if (made.length === 0) return countFence(readText, processesMax);
      for (const group of made) {
        files.write(group, "pids.max", String(processesMax + ownProcesses));
        files.write(group, "memory.max", String(memoryBytesMax));
        files.write(group, "memory.oom.group", "1");
      }
      return fence(made, { files, remove: () => remove(made) });
    },
  };
}

function fence(groups: string[], { files, remove }: { files: GroupFiles; remove(): void }): Fence {
  const doors = groups.map((group) => `${group}/cgroup.procs`);
  const told = (file: string, pattern: RegExp) => groups.some((group) => pattern.test(files.read(group, file)));
  return {
    // The shell puts itself in, and then becomes the command: nothing of it is ever outside.
    prefix: ["/bin/sh", "-c", enterScript, "sh", String(doors.length), ...doors],
    strike: () => {
      for (const group of groups) {
        files.write(group, "pids.max", "0");
        files.write(group, "cgroup.kill", "1");
      }
    },
    members: () =>
      files
        .read(groups[0] ?? "", "cgroup.procs")
        .split("\n")
        .filter(Boolean)
        .map(Number),
    wasFull: () => {
      if (told("pids.events", /^max [1-9]/m)) return "processes";
      return told("memory.events", /^oom_kill [1-9]/m) ? "memory" : undefined;
    },
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
    wasFull: () => undefined,
    remove: () => undefined,
  };
}

// Shells differ in the letter.
const countScript = '{ ulimit -S -u "$1" || ulimit -S -p "$1"; } 2>/dev/null; shift; exec "$@"';

/**
 * Folders below which groups can be made: version 2 first, then version 1's `pids`; and which of them, if any, is a
 * group of version 2 that was delegated to us.
 */
function groupFolders(readText: FencesDeps["readText"]): { folders: string[]; delegated?: string } {
  const mounts = (readText("/proc/self/mountinfo") ?? "").split("\n").flatMap((line) => parseMount(line) ?? []);
  const own = new Map(
    (readText("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
      const match = /^\d+:([^:]*):(.*)$/.exec(line);
      return match === null ? [] : [[match[1] ?? "", match[2] ?? "/"] as const];
    }),
  );
  const systemd = readText("/proc/1/comm")?.trim() === "systemd";
  const folders: string[] = [];
  let delegated: string | undefined;
  for (const { root, point, type, options } of mounts) {
    const controller = type === "cgroup2" ? "" : type === "cgroup" && options.includes("pids") ? "pids" : undefined;
    const path = controller === undefined ? undefined : own.get(controller);
    if (path === undefined || (systemd && process.getuid?.() === 0 && !/\/remoteagent[^/]*\.service/.test(path)))
      continue;
    const ours = controller === "" ? delegatedPath(path) : undefined;
    const folder = join(point, posix.relative(root, ours ?? path));
    if (ours !== undefined) delegated = folder;
    if (controller === "") folders.unshift(folder);
    else folders.push(folder);
  }
  return { folders, ...(delegated === undefined ? {} : { delegated }) };
}

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
function parseMount(line: string): { root: string; point: string; type: string; options: string[] } | undefined {
  const match = /^\d+ \d+ \S+ (\S+) (\S+) .* - (\S+) \S+ (\S+)$/.exec(line);
  if (match === null) return undefined;
  const [, root = "", point = "", type = "", options = ""] = match;
  return { root, point, type, options: options.split(",") };
}
