// Paths on their way between the host and the inside of a sandbox; every one from a turn is untrusted.
import { lstatSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { Failure } from "../core/failure.ts";
import { isWithin } from "../core/folder.ts";
import { limits } from "../core/limits.ts";

/** One folder or file of the host as the inside sees it. `inside` equals `host` where nothing is remapped. */
export interface Bind {
  host: string;
  inside: string;
  access: "ro" | "rw";
}

/**
 * Checks one path from a turn and makes it absolute against `cwd` (an absolute path inside). Nothing is resolved: `..`
 * and links mean inside what the sandbox's own kernel makes of them.
 * @throws Failure `sandbox` for an empty or too long path, and for one with a NUL.
 */
export function insidePath(path: string, cwd: string): string {
  if (path === "") throw new Failure("sandbox", 'Cannot use path "": it is empty');
  if (path.includes("\0")) throw new Failure("sandbox", `Cannot use path ${shown(path)}: it has a NUL character`);
  const absolute = path.startsWith("/") ? path : `${cwd === "/" ? "" : cwd}/${path}`;
  if (Buffer.byteLength(absolute) > limits.pathBytesMax) {
    throw new Failure("sandbox", `Cannot use path ${shown(path)}: it is longer than ${limits.pathBytesMax} bytes`);
  }
  return absolute;
}

/** A path as messages show it: quoted, on one line, not endless. */
export function shown(path: string): string {
  const text = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return JSON.stringify(text);
}

/** Where a host path is inside; `undefined` when it is not bound. The deepest bind decides. */
export function toInside(binds: readonly Bind[], host: string): string | undefined {
  return translate(binds, host, { from: "host", to: "inside" });
}

/** Where a path inside is on the host; `undefined` when no bind holds it. Links inside are not followed. */
export function toHost(binds: readonly Bind[], inside: string): string | undefined {
  return translate(binds, inside, { from: "inside", to: "host" });
}

/**
 * Follows a path as the inside will, link by link, and answers the host path of what is there; `undefined` when there
 * is nothing, or only what no bind holds. Good for a clear message before a command starts, not as a guard: the
 * sandbox itself is that.
 */
export function lookInside(binds: readonly Bind[], path: string): string | undefined {
  let left = path.split("/").filter((part) => part !== "" && part !== ".");
  let at = "/";
  let links = 0;
  while (left.length > 0) {
    const [part = "", ...rest] = left;
    left = rest;
    const next = posix.join(at, part);
    const host = toHost(binds, next);
    const target = host === undefined ? undefined : linkTarget(host);
    if (target === undefined) at = next;
    else {
      links += 1;
      if (links > linksMax) return undefined;
      left = [...target.split("/").filter((one) => one !== "" && one !== "."), ...left];
      if (target.startsWith("/")) at = "/";
    }
  }
  const host = toHost(binds, at);
  return host !== undefined && lstatSync(host, { throwIfNoEntry: false }) !== undefined ? host : undefined;
}

/** As many as Linux follows (path_resolution(7)). */
const linksMax = 40;

function linkTarget(host: string): string | undefined {
  try {
    return readlinkSync(host);
  } catch {
    return undefined; // No link, or nothing there at all.
  }
}

function translate(
  binds: readonly Bind[],
  path: string,
  way: { from: "host" | "inside"; to: "host" | "inside" },
): string | undefined {
  const normal = stripSlash(posix.normalize(path));
  let best: Bind | undefined;
  for (const bind of binds) {
    if (isWithin(normal, bind[way.from]) && (!best || bind[way.from].length > best[way.from].length)) best = bind;
  }
  return best === undefined ? undefined : stripSlash(posix.join(best[way.to], normal.slice(best[way.from].length)));
}

function stripSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
