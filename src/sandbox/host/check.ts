// Tries bubblewrap as commands will use it, and says in one sentence what is wrong and what to do about it.
import { existsSync, readFileSync } from "node:fs";
import { text as collectText } from "node:stream/consumers";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Child, Spawn } from "../../sys/spawn.ts";
import { bubblewrapOptions } from "../bubblewrap.ts";
import { procReadOnly, systemEntries } from "./system.ts";

/** What is known of bubblewrap on this machine. */
export type BubblewrapState =
  | { works: true; program: string; bindsByDescriptor: boolean; userNamespace: boolean }
  | { works: false; reason: string; hint: string };

/** What the check needs of the world. `readText` reads a small file of the host. */
export interface CheckDeps {
  spawn: Spawn;
  clock: Clock;
  platform: string;
  root: boolean;
  /** Where bwrap is; absent: looked for in the system's folders. */
  program?: string;
  readText(path: string): string | undefined;
}

/** Reads a small file; `undefined` when it is not there or not for us. */
export function readSmallText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // An absent setting of the kernel is an answer of its own.
  }
}

/** Runs a shell inside a sandbox over the real system. Takes some 10 ms. */
export async function checkBubblewrap(deps: CheckDeps): Promise<BubblewrapState> {
  if (deps.platform !== "linux") {
    return { works: false, reason: "bubblewrap exists for Linux only", hint: noneHint };
  }
  const program = findProgram(deps.program);
  const help = program === undefined ? undefined : await runProgram(deps, [program, "--help"]);
  if (program === undefined || help === undefined) {
    return { works: false, reason: "bubblewrap is missing", hint: installHint(deps) };
  }
  let said = "it says nothing";
  // Root needs no user namespace, but root of a container without rights does.
  for (const userNamespace of deps.root ? [false, true] : [true]) {
    const options = bubblewrapOptions({
      system: systemEntries(),
      binds: [],
      procReadOnly: userNamespace ? [] : procReadOnly(),
      cwd: "/",
      env: {},
      userNamespace,
    });
    const tried = await runProgram(deps, [program, ...options, "--", "/bin/sh", "-c", ":"]);
    if (tried?.ok === true) {
      return { works: true, program, userNamespace, bindsByDescriptor: help.text.includes("--ro-bind-fd") };
    }
    said = tried?.text.trim().split("\n").at(-1) || said;
  }
  return { works: false, reason: `bubblewrap does not work here (${said})`, hint: mendHint(deps) };
}

function findProgram(given: string | undefined): string | undefined {
  const candidates = given === undefined ? programFolders.map((folder) => `${folder}/bwrap`) : [given];
  return candidates.find((path) => existsSync(path));
}

async function runProgram(
  { spawn, clock }: CheckDeps,
  argv: string[],
): Promise<{ ok: boolean; text: string } | undefined> {
  let child: Child;
  try {
    child = await spawn(argv, { cwd: "/", env: {}, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    return /not found/.test(errorText(error)) ? undefined : { ok: false, text: errorText(error) };
  }
  const over = new AbortController();
  void clock.sleep(limits.sandboxCheckMs, over.signal).then(() => child.kill("SIGKILL"));
  const streams = [child.stdout, child.stderr].map((stream) =>
    stream === null ? Promise.resolve("") : collectText(stream),
  );
  const texts = await Promise.all(streams);
  const exit = await child.exited;
  over.abort();
  return { ok: "code" in exit && exit.code === 0, text: texts.join("") };
}

const programFolders = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

const noneHint = 'Write "isolation": "none" in settings.json to run commands without isolation';

/** The command that installs bubblewrap, by the distribution's own name for itself. */
function installHint({ readText }: CheckDeps): string {
  const release = readText("/etc/os-release") ?? "";
  const names = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap(([, ids = ""]) => ids.split(" "));
  const commands: Record<string, string> = {
    debian: "apt-get install bubblewrap",
    ubuntu: "apt-get install bubblewrap",
    fedora: "dnf install bubblewrap",
    rhel: "dnf install bubblewrap",
    arch: "pacman -S bubblewrap",
    alpine: "apk add bubblewrap",
    suse: "zypper install bubblewrap",
    opensuse: "zypper install bubblewrap",
    nixos: "nix-env -iA nixos.bubblewrap",
  };
  const known = names.map((name) => commands[name]).find((command) => command !== undefined);
  return known === undefined ? "Install the package bubblewrap" : `Install it as root: ${known}`;
}

/** Why the kernel refuses namespaces, from what it says of itself. */
function mendHint({ readText, root }: CheckDeps): string {
  const setting = (path: string) => readText(path)?.trim();
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") === "0" && !root) {
    return "As root: sysctl -w kernel.unprivileged_userns_clone=1 (and the same line in /etc/sysctl.d/)";
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1" && !root) {
    return "As root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give /usr/bin/bwrap an AppArmor profile with the right userns";
  }
  if (setting("/proc/sys/user/max_user_namespaces") === "0") {
    return "As root: sysctl -w user.max_user_namespaces=15000";
  }
  if (readText("/.dockerenv") !== undefined || readText("/run/.containerenv") !== undefined) {
    return `Inside a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN, or take the container as the boundary: write "isolation": "none" in settings.json`;
  }
  return noneHint;
}
