// Control groups of version 2 in memory, with the kernel's rules (cgroups(7)): for what no test machine can offer.
import { posix } from "node:path";
import type { GroupFiles } from "../../src/sandbox/host/group-files.ts";

interface Group {
  processes: Set<number>;
  /** `cgroup.subtree_control`. */
  given: Set<string>;
  values: Map<string, string>;
}

/** A delegated group at `top`, whose parent gives it `offered`, with some processes in it; this one is `process.pid`. */
export class PlayedGroups implements GroupFiles {
  /** What was changed, in order: `make`, `remove`, or `write`, and on what. */
  readonly changes: string[] = [];
  /** Controllers that the kernel refuses although they are offered. */
  readonly refused = new Set<string>();
  readOnly = false;
  readonly #groups = new Map<string, Group>();
  readonly #top: string;
  readonly #offered: ReadonlySet<string>;

  constructor(top: string, { offered, processes }: { offered: string[]; processes: number[] }) {
    this.#top = top;
    this.#offered = new Set(offered);
    this.#groups.set(top, { processes: new Set(processes), given: new Set(), values: new Map() });
  }

  read(group: string, file: string): string {
    const found = this.#groups.get(group);
    if (found === undefined) return "";
    const files: Record<string, Iterable<string | number>> = {
      "cgroup.controllers": this.#controllers(group),
      "cgroup.subtree_control": found.given,
    };
    if (file === "cgroup.procs") return [...found.processes].map((pid) => `${pid}\n`).join("");
    const list = files[file];
    return list === undefined ? (found.values.get(file) ?? "") : `${[...list].join(" ")}\n`;
  }

  write(group: string, file: string, value: string): boolean {
    const found = this.#groups.get(group);
    if (found === undefined || this.readOnly || !this.#take(found, { group, file, value })) return false;
    this.changes.push(`write ${posix.relative(this.#top, group) || "."} ${file} ${value}`);
    return true;
  }

  make(group: string): boolean {
    if (this.readOnly || this.#groups.has(group) || !this.#groups.has(posix.dirname(group))) return false;
    this.#groups.set(group, { processes: new Set(), given: new Set(), values: new Map() });
    this.changes.push(`make ${posix.relative(this.#top, group)}`);
    return true;
  }

  remove(group: string): boolean {
    const found = this.#groups.get(group);
    if (found === undefined) return true;
    if (found.processes.size > 0 || this.list(group).length > 0) return false;
    this.#groups.delete(group);
    this.changes.push(`remove ${posix.relative(this.#top, group)}`);
    return true;
  }

  exists(group: string): boolean {
    return this.#groups.has(group);
  }

  list(group: string): string[] {
    return [...this.#groups.keys()].filter((one) => posix.dirname(one) === group).map((one) => posix.basename(one));
  }

  /** What happens in the kernel, such as `max 1` in `pids.events`. */
  happens(group: string, { file, text }: { file: string; text: string }): void {
    this.#groups.get(group)?.values.set(file, text);
  }

  #controllers(group: string): ReadonlySet<string> {
    return group === this.#top ? this.#offered : (this.#groups.get(posix.dirname(group))?.given ?? new Set());
  }

  #take(found: Group, { group, file, value }: { group: string; file: string; value: string }): boolean {
    if (file === "cgroup.procs") {
      // No internal processes: a group whose children have controllers takes none (EBUSY).
      if (found.given.size > 0) return false;
      for (const one of this.#groups.values()) one.processes.delete(process.pid);
      found.processes.add(process.pid);
      return true;
    }
    if (file === "cgroup.subtree_control") {
      const name = value.slice(1);
      if (found.processes.size > 0 || this.refused.has(name) || !this.#controllers(group).has(name)) return false;
      found.given.add(name);
      return true;
    }
    // A control file is there only where its controller is on.
    if (!this.#controllers(group).has(file.split(".")[0] ?? "")) return false;
    found.values.set(file, value);
    return true;
  }
}
