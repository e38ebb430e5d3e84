// How one command becomes a process: checked, given its environment, and wrapped in bubblewrap where that works.
import { accessSync, constants, statSync } from "node:fs";
import { join, posix } from "node:path";
import { Failure } from "../../core/failure.ts";
import { isWithin } from "../../core/folder.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../sys/log.ts";
import { bubblewrapOptions, optionBytes, type SystemEntry } from "../bubblewrap.ts";
import type { Launch } from "../exec.ts";
import { insideHome, insideRoot, type Mounts } from "../mounts.ts";
import { markerName } from "../ownership.ts";
import { type Bind, insidePath, lookInside, shown, toInside } from "../paths.ts";
import type { Command, SandboxRequest } from "../sandbox.ts";
import type { Fences } from "./cgroup.ts";
import type { BubblewrapState } from "./check.ts";
import { commandEnvironment } from "./environment.ts";
import { type Held, holdBinds } from "./held.ts";

/** What is known once bubblewrap has been tried. */
export interface Wrapper {
  bubblewrap: BubblewrapState;
  system: SystemEntry[];
  procReadOnly: string[];
  /** The filter of kernel calls; absent on an architecture without one. */
  seccomp: Uint8Array | undefined;
}

/** A wrapper that can be used. */
export type WorkingWrapper = Wrapper & { bubblewrap: { works: true } };

/** Narrows a {@link Wrapper}. */
export function isWorking(wrapper: Wrapper): wrapper is WorkingWrapper {
  return wrapper.bubblewrap.works;
}

/** One open sandbox, as its commands need it. */
export interface Place {
  request: SandboxRequest;
  mounts: Mounts;
  /** Absent: without bubblewrap, as the owner. */
  wrapper?: WorkingWrapper;
  /** Inside. */
  cwd: string;
}

/** What belongs to one command. */
export interface LaunchInput {
  command: Command;
  marker: string;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
  fences: Fences;
}

/** @throws Failure `sandbox` when the folder or the program is not there, or the environment cannot be. */
export function launch(place: Place, input: LaunchInput): Launch {
  const { command } = input;
  const { wrapper, mounts, request } = place;
  const cwd = posix.resolve(insidePath(command.cwd ?? place.cwd, place.cwd));
  const sources = { host: input.environment, request: request.env ?? {}, command: command.env ?? {} };
  if (wrapper === undefined) {
    const everything: Bind[] = [{ host: "/", inside: "/", access: "rw" }];
    requireFolder(command, { binds: everything, cwd });
    const env = commandEnvironment({
      ...sources,
      home: mounts.home,
      temporary: mounts.temporary,
      visible: () => true,
    });
    requireProgram(command, { binds: everything, cwd, path: env.PATH ?? "" });
    return {
      argv: command.argv,
      cwd,
      env: { ...env, [markerName]: input.marker },
      extra: [],
      contained: false,
      ...fenced(input),
      release: () => undefined,
    };
  }
  const binds = visibleBinds(wrapper, mounts);
  const visible = (folder: string) => toInside(binds, folder) === folder;
  const env = commandEnvironment({ ...sources, home: insideHome, temporary: "/tmp", visible });
  requireFolder(command, { binds, cwd });
  requireProgram(command, { binds, cwd, path: env.PATH ?? "" });
  return wrap({ ...place, wrapper }, { ...input, cwd, env });
}

function fenced({ fences, marker, command }: LaunchInput): Pick<Launch, "fence"> {
  const fence = fences.make(marker, {
    processesMax: command.limits?.processes ?? limits.processesMax,
    memoryBytesMax: command.limits?.memoryBytes ?? limits.memoryBytesMax,
  });
  return fence === undefined ? {} : { fence };
}

/** Everything that can be looked at from the host to know what is inside. */
function visibleBinds(wrapper: Wrapper, mounts: Mounts): Bind[] {
  const binds = [...mounts.binds];
  for (const { path } of wrapper.system) binds.push({ host: path, inside: path, access: "ro" });
  for (const { path } of mounts.links) binds.push({ host: path, inside: path, access: "ro" });
  return binds;
}

/** Folders that exist inside though no bind makes them. */
const alwaysThere = new Set(["/", insideRoot, "/home", "/run", "/var", "/var/tmp", "/proc", "/dev", "/dev/shm"]);

interface Sight {
  binds: readonly Bind[];
  cwd: string;
}

function requireFolder(command: Command, { binds, cwd }: Sight): void {
  if (alwaysThere.has(cwd) || binds.some(({ inside }) => inside.startsWith(`${cwd}/`))) return;
  const host = lookInside(binds, cwd);
  if (host !== undefined && statSync(host).isDirectory()) return;
  const reason = host === undefined ? "the folder does not exist" : "it is not a folder";
  throw new Failure("sandbox", `Cannot run ${shown(command.argv[0] ?? "")} in ${shown(cwd)}: ${reason}`);
}

function requireProgram(command: Command, { binds, cwd, path }: Sight & { path: string }): void {
  const name = command.argv[0] ?? "";
  const candidates = name.includes("/") ? [posix.resolve(cwd, name)] : path.split(":").map((one) => join(one, name));
  const files = candidates.flatMap((candidate) => lookInside(binds, candidate) ?? []);
  if (files.some(isExecutable)) return;
  const reason = files.length === 0 ? "program not found" : "it is not executable";
  throw new Failure("sandbox", `Cannot run ${shown(name)}: ${reason}`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // Not executable for us, or gone since it was looked up.
  }
}

/** The descriptors of bwrap: its options at 3, the filter at 4, then one for each bind. */
const optionsFd = 3;

function wrap(
  place: Place & { wrapper: WorkingWrapper },
  input: LaunchInput & { cwd: string; env: Record<string, string> },
): Launch {
  const { wrapper, mounts } = place;
  const { program, userNamespace, bindsByDescriptor } = wrapper.bubblewrap;
  const filter = wrapper.seccomp === undefined ? [] : [wrapper.seccomp];
  const held = holdBinds(mounts.binds, optionsFd + 1 + filter.length);
  if (held.missing.length > 0) input.log.warn("Folders are not bound: missing, or links", { folders: held.missing });
  const options = bubblewrapOptions({
    system: [...wrapper.system, ...freeLinks(wrapper, mounts)],
    binds: bindsByDescriptor ? held.binds : withoutDescriptors(held),
    procReadOnly: wrapper.procReadOnly,
    cwd: input.cwd,
    env: input.env,
    userNamespace,
    ...(filter.length === 0 ? {} : { seccompFd: optionsFd + 1 }),
  });
  return {
    argv: [program, "--args", String(optionsFd), "--", ...input.command.argv],
    cwd: "/",
    // bwrap itself gets nothing but the marker: what a variable could make it load would run outside.
    env: { [markerName]: input.marker },
    extra: [optionBytes(options), ...filter, ...held.descriptors],
    contained: true,
    ...fenced(input),
    release: held.release,
  };
}

/** Links of the owner where nothing else is bound: a link is never written into a folder of the host. */
function freeLinks(wrapper: Wrapper, mounts: Mounts): SystemEntry[] {
  const bound = [...mounts.binds.map(({ inside }) => inside), ...wrapper.system.map(({ path }) => path)];
  const free = mounts.links.filter(({ path }) => !bound.some((folder) => isWithin(path, folder)));
  return free.map(({ path, target }) => ({ kind: "link", path, target }));
}

function withoutDescriptors(held: Held): Bind[] {
  const binds = held.binds.map(({ host, inside, access }) => ({ host, inside, access }));
  held.release();
  return binds;
}
