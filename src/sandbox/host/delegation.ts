// Our service's own control group, made ready to be divided: this process in a leaf, and controllers for the others.
import { join } from "node:path";
import type { Log } from "../../sys/log.ts";
import type { GroupFiles } from "./group-files.ts";

/** What delegating needs of the world. */
export interface DelegationDeps {
  files: GroupFiles;
  log: Log;
  /** Controllers that the groups of commands get where they are offered. */
  wanted?: readonly string[];
}

/** The leaf of this process. Groups of commands have other names (`remoteagent-…`). */
const leafName = "main";

/**
 * The delegated group that `path` (as /proc/self/cgroup has it) lies in: that of our own unit, whose file says
 * `Delegate=yes`. Undefined anywhere else, where dividing is the business of somebody else.
 */
export function delegatedPath(path: string): string | undefined {
  return new RegExp(`^((?:/.*)?/remoteagent[^/]*\\.service)(?:/${leafName})?$`).exec(path)?.[1];
}

/**
 * Lets the groups below `group` have controllers. A group whose children have some may hold no process itself ("no
 * internal processes", cgroups(7)), so this process goes into a leaf first; when another one is there, or nothing is
 * offered, or the kernel refuses, all stays as it was.
 */
export function delegate(group: string, { files, log, wanted = ["pids", "memory"] }: DelegationDeps): void {
  const listed = (file: string) => files.read(group, file).split(/\s+/);
  const given = listed("cgroup.subtree_control");
  const missing = listed("cgroup.controllers").filter((one) => wanted.includes(one) && !given.includes(one));
  if (missing.length === 0) return;
  const leaf = join(group, leafName);
  const inside = listed("cgroup.procs").filter(Boolean);
  if (inside.some((pid) => pid !== String(process.pid))) {
    log.debug("Cannot divide our control group: another process is in it", { group, processes: inside.length });
    return;
  }
  // "0" is whoever writes, whatever its number is in the group's eyes.
  const moves = inside.length > 0;
  if (moves && !((files.exists(leaf) || files.make(leaf)) && files.write(leaf, "cgroup.procs", "0"))) {
    log.debug("Cannot divide our control group: no leaf can be made for this process", { group });
    files.remove(leaf);
    return;
  }
  // One at a time: a controller that is refused must not cost the other.
  const enabled = missing.filter((one) => files.write(group, "cgroup.subtree_control", `+${one}`));
  log.debug("Divided our control group", { group, enabled, refused: missing.filter((one) => !enabled.includes(one)) });
  if (enabled.length > 0 || !moves) return;
  files.write(group, "cgroup.procs", "0");
  files.remove(leaf);
}
