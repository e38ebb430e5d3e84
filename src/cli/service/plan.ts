// What `service install` would do, worked out before anything is touched.
import { statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { expand, stateDirectory } from "../../config/paths.ts";
import { programVersion } from "../../core/build.ts";
import { Failure } from "../../core/failure.ts";
import type { Host, User } from "./host.ts";
import { type Scope, type UnitPlan, unitText } from "./unit-text.ts";
import { findUnits, readText, unitName } from "./units.ts";

/** The options of `service install`. */
export interface InstallArgs {
  "state-dir"?: string;
  user?: boolean;
  system?: boolean;
  "run-as"?: string;
  workspace?: string;
  name?: string;
}

/** An install, ready to be carried out. */
export interface InstallPlan extends Omit<UnitPlan, "user"> {
  user: User;
  /** The unit file and what it will hold. */
  unitPath: string;
  text: string;
}

/** The scope that is meant; absent: root means the machine's, anybody else their own. */
export function scopeOf(host: Host, { user, system }: Pick<InstallArgs, "user" | "system">): Scope {
  if (user === true && system === true)
    throw new Failure("usage", "Cannot take both --user and --system: a service is one or the other");
  if (system === true || user === true) return system === true ? "system" : "user";
  return host.uid === 0 ? "system" : "user";
}

/** The unit's file name. @throws Failure `usage`. */
export function unitFile(name = "remoteagent"): string {
  const stem = basename(name, ".service");
  if (name.includes("/") || !unitName.test(stem))
    throw new Failure("usage", `Wrong value of --name: ${JSON.stringify(name)} is no name of a service`, {
      hint: 'It begins with "remoteagent" and has letters, digits, "-" and "_", such as remoteagent-work',
    });
  return `${stem}.service`;
}

/** @throws Failure `usage`, `forbidden` or `state` with the reason why there can be no such service. */
export async function planInstall(args: InstallArgs, host: Host): Promise<InstallPlan> {
  const scope = scopeOf(host, args);
  const name = unitFile(args.name);
  const user = await runner(scope, { runAs: args["run-as"], host });
  const home = hasHome(user);
  const stateDir = stateDirOf(args, { user, scope, name, host });
  const workspace = args.workspace === undefined ? undefined : expand(args.workspace, host.env);
  const program = host.program.map((word, index) => (index === 0 ? resolve(word) : word));
  const plan: UnitPlan = {
    scope,
    name,
    program,
    version: programVersion,
    stateDir,
    ...(workspace === undefined ? {} : { workspace }),
    user,
    path: pathOf(user, host),
    homeless: !home,
  };
  if (scope === "system") {
    for (const place of [stateDir, workspace ?? stateDir]) refuseTemporary(place);
    refuseUnreachable(program, user);
  }
  const unitPath = join(host.folders[scope], name);
  refuseForeign(host, { unitPath, stateDir });
  return { ...plan, user, unitPath, text: unitText(plan) };
}

async function runner(scope: Scope, { runAs, host }: { runAs: string | undefined; host: Host }): Promise<User> {
  if (scope === "user" && runAs !== undefined)
    throw new Failure("usage", "Cannot take --run-as with --user: a user's own service runs as that user", {
      hint: "Log in as that user, or take --system",
    });
  // Who types sudo means the machine's service, and hardly the agent as root.
  const sudoer = host.uid === 0 && scope === "system" ? host.env.SUDO_USER : undefined;
  const wanted = runAs ?? (sudoer || String(host.uid));
  const found = await host.user(wanted);
  if (found === undefined)
    throw new Failure("usage", `Cannot run as ${JSON.stringify(wanted)}: there is no such user`, {
      hint: `Make it: useradd --system --create-home ${/^[a-z_][a-z0-9_-]*$/.test(wanted) ? wanted : "remoteagent"}`,
    });
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(found.name))
    throw new Failure("usage", `Cannot run as ${JSON.stringify(found.name)}: systemd takes no user of that name`);
  return found;
}

function hasHome({ home }: User): boolean {
  return home !== "/" && home !== "" && statSync(home, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The folder that is named, else the user's own, else one of the system's for a user without a home folder. */
function stateDirOf(
  args: InstallArgs,
  { user, scope, name, host }: { user: User; scope: Scope; name: string; host: Host },
): string {
  if (args["state-dir"] !== undefined || scope === "user" || user.uid === host.uid)
    return stateDirectory({ stateDir: args["state-dir"] }, host.env);
  return hasHome(user) ? join(user.home, ".remoteagent") : `/var/lib/${basename(name, ".service")}`;
}

/** PATH as it is here, so that the service finds what the person finds; another user's is made of the usual folders. */
function pathOf(user: User, host: Host): string {
  const own = user.uid === host.uid ? (host.env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/")) : [];
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const folders = own.length > 0 ? own : [...(hasHome(user) ? [join(user.home, ".local/bin")] : []), ...usual];
  return [...new Set(folders)].join(":");
}

/** The unit has a /tmp of its own; and what is in /tmp is gone after a boot. */
function refuseTemporary(place: string): void {
  if (!/^\/(?:var\/)?tmp(?:\/|$)/.test(place)) return;
  throw new Failure(
    "usage",
    `Cannot keep ${JSON.stringify(place)} in a service: temporary folders are emptied at boot`,
    {
      hint: "Choose another one with --state-dir or --workspace",
    },
  );
}

/** A program in one user's home folder is often closed to others. */
function refuseUnreachable(program: readonly string[], user: User): void {
  if (user.uid === 0) return;
  for (const file of program.filter((word) => word.startsWith("/"))) {
    const closed = [file, ...foldersAbove(file)].find((path) => !mayPass(path, user));
    if (closed === undefined) continue;
    throw new Failure(
      "usage",
      `Cannot run ${JSON.stringify(file)} as ${user.name}: ${JSON.stringify(closed)} is closed to that user`,
      {
        hint: "Install the program for all: sh install.sh --prefix /usr/local, then use /usr/local/bin/remoteagent",
      },
    );
  }
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

/** Whether a user may enter a folder, or read a file; further groups are not looked at. */
function mayPass(path: string, { uid, gid }: User): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return true;
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0;
  const needed = stats.isDirectory() ? 1 : 4;
  return ((stats.mode >> shift) & needed) === needed;
}

/** What another unit has, or somebody else wrote, is left alone. */
function refuseForeign(host: Host, { unitPath, stateDir }: { unitPath: string; stateDir: string }): void {
  const units = findUnits(host);
  const same = units.find(({ path }) => path === unitPath);
  if (same === undefined && readText(unitPath) !== undefined)
    throw new Failure("state", `Cannot write ${JSON.stringify(unitPath)}: it is there, and not ours`, {
      hint: "Move it away, or choose another name with --name remoteagent-…",
    });
  if (same !== undefined && same.stateDir !== stateDir)
    throw new Failure(
      "state",
      `Cannot write ${JSON.stringify(unitPath)}: it runs another state folder, ${same.stateDir}`,
      {
        hint: "Choose another name with --name remoteagent-…",
      },
    );
  const other = units.find((unit) => unit.path !== unitPath && unit.stateDir === stateDir);
  if (other !== undefined)
    throw new Failure("state", `Cannot install: ${other.path} runs this state folder already`, {
      hint: `Remove it first: remoteagent service uninstall --${other.scope} --name ${basename(other.name, ".service")}`,
    });
}
