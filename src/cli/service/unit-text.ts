// The text of a unit: templates, and values written the way systemd.syntax(7) and systemd.service(5) read them.
import { assert } from "../../core/assert.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import systemTemplate from "./system.unit.txt" with { type: "text" };
import userTemplate from "./user.unit.txt" with { type: "text" };

/** Whose manager runs the unit: the machine's, or that of one user. */
export type Scope = "system" | "user";

/** What a unit is written from. Paths are absolute. */
export interface UnitPlan {
  scope: Scope;
  /** `remoteagent.service`. */
  name: string;
  /** The argv that starts this program. */
  program: readonly string[];
  version: string;
  stateDir: string;
  /** Absent: as the settings say. */
  workspace?: string;
  /** Who it runs as; for a system unit. */
  user: { name: string; uid: number };
  /** PATH of the program and of what it runs. */
  path: string;
  /** The user has no home folder: then nobody's is shown. */
  homeless: boolean;
}

/**
 * What a service of root keeps: what isolated commands of root have (see bubblewrap.ts), and what bubblewrap needs to
 * make their sandbox. Any other user makes it in a user namespace, with no capability at all.
 */
const rootCapabilities = [
  ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"],
  ["CAP_SYS_ADMIN", "CAP_SETPCAP"],
].flat();

/** Folders that `ProtectSystem=full` makes read-only. */
const protectedFolders = /^\/(?:usr|boot|efi|etc)(?:\/|$)/;
const stateRoot = "/var/lib/";

/** The unit as it stands in its file. @throws Failure `usage` for a path that no unit can hold. */
export function unitText(plan: UnitPlan): string {
  const { scope, program, stateDir, workspace, user } = plan;
  const [executable = "", ...rest] = program;
  if (executable.includes("$"))
    throw new Failure(
      "usage",
      `Cannot write a unit: ${JSON.stringify(executable)} has a "$" in it, which systemd refuses`,
    );
  const places = [stateDir, ...(workspace === undefined ? [] : [workspace])];
  const argv = ["run", `--state-dir=${stateDir}`, ...(workspace === undefined ? [] : ["--", workspace])];
  const managed = scope === "system" && stateDir.startsWith(stateRoot);
  const writable = places.filter((place) => protectedFolders.test(place));
  const seconds = (ms: number) => String(Math.ceil(ms / 1000));
  return fill(scope === "system" ? systemTemplate : userTemplate, {
    name: plan.name,
    mounts: places.map((place) => quoted(place)).join(" "),
    command: [quoted(executable), ...[...rest, ...argv].map((word) => quoted(word, { argument: true }))].join(" "),
    user: user.name,
    path: quoted(`PATH=${plan.path}`),
    environmentFile: bare(`${stateDir}/environment`),
    stateDirectory: managed ? quoted(stateDir.slice(stateRoot.length)) : undefined,
    stateDirectoryMode: managed ? "0700" : undefined,
    startSeconds: seconds(limits.serviceStartMs),
    watchdogSeconds: seconds(limits.serviceWatchdogMs),
    restartSeconds: seconds(limits.serviceRestartMs),
    drainSeconds: seconds(limits.drainMs),
    stopSeconds: seconds(limits.serviceStopMs),
    capabilities: user.uid === 0 ? rootCapabilities.join(" ") : "",
    writable: writable.length === 0 ? undefined : writable.map((place) => quoted(`-${place}`)).join(" "),
    protectHome: plan.homeless ? "yes" : undefined,
    version: JSON.stringify(plan.version),
    program: JSON.stringify(program),
    stateDir: JSON.stringify(stateDir),
  });
}

/** Puts values for `{names}`. A line whose value is undefined is left out. */
function fill(template: string, values: Record<string, string | undefined>): string {
  const lines = template.split("\n").flatMap((line) => {
    const names = [...line.matchAll(/\{([a-zA-Z]+)\}/g)].map(([, name = ""]) => name);
    for (const name of names) assert(Object.hasOwn(values, name), `the unit's template has an unknown {${name}}`);
    if (names.some((name) => values[name] === undefined)) return [];
    return [line.replaceAll(/\{([a-zA-Z]+)\}/g, (_whole, name: string) => values[name] ?? "")];
  });
  return lines.join("\n");
}

/**
 * One word of a list or a command line. `argument`: of a command, where systemd also puts in variables.
 * @throws Failure `usage` when it has control characters.
 */
export function quoted(text: string, { argument = false }: { argument?: boolean } = {}): string {
  const escaped = bare(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${argument ? escaped.replaceAll("$", "$$$$") : escaped}"`;
}

/** A value that systemd takes as it is, but for its specifiers. @throws as {@link quoted}. */
function bare(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new Failure("usage", `Cannot write a unit: ${JSON.stringify(text)} has control characters in it`, {
      hint: "Rename the folder, or choose another one",
    });
  return text.replaceAll("%", "%%");
}

/** What a unit of ours says of itself; undefined for a unit of somebody else. */
export interface UnitFacts {
  version: string;
  program: string[];
  stateDir: string;
}

/** Reads the facts back out of a unit's text. */
export function parseUnit(text: string): UnitFacts | undefined {
  const section = /^\[X-RemoteAgent\]$([\s\S]*)/m.exec(text)?.[1];
  if (section === undefined) return undefined;
  const value = (name: string): unknown => {
    const written = new RegExp(`^${name}=(.*)$`, "m").exec(section)?.[1];
    try {
      return written === undefined ? undefined : JSON.parse(written);
    } catch {
      return undefined; // Changed by hand: then it is none that we wrote.
    }
  };
  const [version, program, stateDir] = [value("Version"), value("Program"), value("StateDir")];
  if (typeof version !== "string" || typeof stateDir !== "string" || !Array.isArray(program)) return undefined;
  return { version, stateDir, program: program.filter((word) => typeof word === "string") };
}
