// Holds the folders of one command open, so that nobody can put a link in the place of one before it is mounted.
import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import type { HeldBind } from "../bubblewrap.ts";
import type { Bind } from "../paths.ts";

/** The binds of one command, held open so that nobody can put a link in a folder's place before it is mounted. */
export interface Held {
  binds: HeldBind[];
  /** Descriptors in the order in which bwrap gets them. */
  descriptors: number[];
  /** Folders that are not there now, or are links now: nothing is bound for them. */
  missing: string[];
  release(): void;
}

/** Opens each bind's folder without following a link, and checks where it really is. `firstFd`: bwrap's number of the first. */
export function holdBinds(binds: readonly Bind[], firstFd: number): Held {
  const held: Held = {
    binds: [],
    descriptors: [],
    missing: [],
    release: () => {
      for (const fd of held.descriptors.splice(0)) closeSync(fd);
    },
  };
  for (const bind of binds) {
    const fd = openFolder(bind.host);
    if (fd === undefined) {
      held.missing.push(bind.host);
      continue;
    }
    held.binds.push({ ...bind, fd: firstFd + held.descriptors.length });
    held.descriptors.push(fd);
  }
  return held;
}

function openFolder(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EMFILE" || code === "ENFILE") throw error;
    return undefined; // Not there, not a folder, or a link: not bound.
  }
  if (readlinkSync(`/proc/self/fd/${fd}`) === path) return fd;
  closeSync(fd);
  return undefined;
}
