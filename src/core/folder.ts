// Which folders of a person an agent may be given; pure, for settings, sessions and sandboxes alike.

/** Is `path` the folder itself or below it? Both absolute and normal. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The program's own places that no folder of a person may contain or lie in; real paths. */
export interface OwnPlaces {
  state: string;
  workspace: string;
}

/** Whose content decides what the machine runs as root, or lets everybody in. */
const systemTrees = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var",
];

/** Below these people keep files of their own: disks that were plugged in, sources, web sites, homes of some systems. */
const peoplesTrees = [
  "/run/media",
  "/usr/local/src",
  "/usr/src",
  "/var/home",
  "/var/mnt",
  "/var/opt",
  "/var/srv",
  "/var/tmp",
  "/var/www",
];

/** As a whole they hold everybody's homes or root's own; a folder below them is one person's project. */
const wholes = ["/", "/home", "/root", ...peoplesTrees];

/**
 * Why the folder with the real path `real` may not be given to an agent, as the end of a sentence; `undefined` when it
 * may. A folder that can only be read may be one of the system's.
 */
export function grantProblem(
  real: string,
  { access, state, workspace }: OwnPlaces & { access: "ro" | "rw" },
): string | undefined {
  if (isWithin(real, state)) return "it is inside the state folder";
  if (isWithin(state, real)) return "it holds the state folder";
  if (isWithin(real, workspace)) return "it is inside the workspace";
  if (isWithin(workspace, real)) return "it holds the workspace";
  if (access === "ro") return undefined;
  const peoples = peoplesTrees.some((folder) => isWithin(real, folder));
  if (wholes.includes(real) || (!peoples && systemTrees.some((folder) => isWithin(real, folder)))) {
    return "it belongs to the system, so it cannot be writable";
  }
  return undefined;
}
