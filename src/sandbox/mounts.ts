// What one request lets its commands see of the host's folders, checked when the sandbox opens; for kinds that bind them.
import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { Failure } from "../core/failure.ts";
import { grantProblem, isWithin, type OwnPlaces } from "../core/folder.ts";
import { limits } from "../core/limits.ts";
import { type Bind, shown } from "./paths.ts";
import type { FolderGrant, SandboxRequest } from "./sandbox.ts";

/** Where the workspace and the home are inside, when they are remapped. */
export const insideRoot = "/workspace";
export const insideHome = "/home/agent";

/** Below the `home` of a request: what commands have as their home, and as /tmp. */
export const folderOf = {
  home: (home: string) => join(home, "home"),
  temporary: (home: string) => join(home, "tmp"),
};

/** The folders of one open sandbox. */
export interface Mounts {
  binds: Bind[];
  /** Where the owner's folders were named by a link: the link, and what it means. */
  links: { path: string; target: string }[];
  /** Real paths of the host. */
  workspace: string;
  home: string;
  temporary: string;
}

/**
 * Makes the home and works out every bind of `request`, with real paths. `remap`: workspace and home get their places
 * inside; else every path is the host's own.
 * @throws Failure `sandbox` for a folder outside the workspace, one that leads elsewhere by a link, and a grant that
 * would show the state folder.
 */
export function planMounts(request: SandboxRequest, options: { stateDir: string; remap: boolean }): Mounts {
  const state = realPath(options.stateDir) ?? options.stateDir;
  const workspace = realPath(request.workspace);
  if (workspace === undefined) throw refusal(request.workspace, "it does not exist");
  const home = makeFolder(folderOf.home(request.home));
  const temporary = makeFolder(folderOf.temporary(request.home));
  // As every /tmp; what is above it lets nobody else come here.
  chmodSync(temporary, 0o1777);
  const place = (host: string, inside: string) => (options.remap ? inside : host);
  const binds: Bind[] = [
    { host: home, inside: place(home, insideHome), access: "rw" },
    { host: temporary, inside: place(temporary, "/tmp"), access: "rw" },
  ];
  for (const [folders, access] of [[request.readable, "ro"] as const, [request.writable, "rw"] as const]) {
    for (const folder of folders) {
      const host = workspaceFolder(request.workspace, { workspace, folder, state });
      const inside = join(insideRoot, relative(workspace, host));
      binds.push({ host, inside: place(host, inside), access });
    }
  }
  const links: Mounts["links"] = [];
  for (const grant of request.folders) {
    const host = ownFolder(grant, { state, workspace });
    binds.push({ host, inside: host, access: grant.access });
    if (grant.link !== undefined) links.push({ path: grant.link, target: host });
  }
  if (binds.length > limits.bindsMax) {
    throw new Failure("sandbox", `Cannot open the sandbox: more than ${limits.bindsMax} folders are bound`);
  }
  return { binds, links, workspace, home, temporary };
}

/** A folder of the workspace: below it without any link on the way, since agents can write there. */
function workspaceFolder(
  given: string,
  { workspace, folder, state }: { workspace: string; folder: string; state: string },
): string {
  const below = relative(given, folder);
  const expected = join(workspace, below);
  if (below.startsWith("..") || below.includes("\0")) throw refusal(folder, "it is outside the workspace");
  if (isWithin(state, expected)) throw refusal(folder, "it holds the state folder");
  return expected;
}

/**
 * A folder of the owner's. Its grant has the real path: one that leads elsewhere now was put there by whoever may write
 * above it, such as another session that was given the folder around it.
 */
function ownFolder({ path, access }: FolderGrant, places: OwnPlaces): string {
  if (!path.startsWith("/")) throw refusal(path, "it is not an absolute path");
  const host = realPath(path);
  if (host === undefined || !isFolder(host)) throw refusal(path, "it is not a folder that exists");
  if (host !== path) throw refusal(path, "a link leads elsewhere since it was given");
  const problem = grantProblem(host, { access, ...places });
  if (problem !== undefined) throw refusal(path, problem);
  if (taken.some((folder) => isWithin(host, folder))) throw refusal(path, "the sandbox has its own there");
  return host;
}

/** Places that every sandbox has for itself. */
const taken = ["/proc", "/dev", "/sys", "/tmp/.X11-unix", insideRoot, insideHome];

function refusal(path: string, reason: string): Failure {
  return new Failure("sandbox", `Cannot bind folder ${shown(path)}: ${reason}`);
}

/** The real path; `undefined` when there is none. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // Missing and unreadable are the same here: nothing to bind.
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return realpathSync(path);
}
