// The units that are ours, found in systemd's folders, and what the manager says of one.
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { codeOf } from "../../sys/errno.ts";
import type { Host, Ran } from "./host.ts";
import { parseUnit, type Scope, type UnitFacts } from "./unit-text.ts";

/** A unit file of ours. */
export interface Unit extends UnitFacts {
  scope: Scope;
  /** `remoteagent.service`. */
  name: string;
  path: string;
}

/** Without ours at the beginning, nothing would find it again. */
export const unitName = /^remoteagent[A-Za-z0-9_-]{0,60}$/;

/** Every unit of ours that this user can have to do with. */
export function findUnits(host: Host): Unit[] {
  const scopes: Scope[] = ["system", "user"];
  return scopes.flatMap((scope) =>
    filesIn(host.folders[scope])
      .filter((file) => file.endsWith(".service") && unitName.test(basename(file, ".service")))
      .flatMap((name) => readUnit(join(host.folders[scope], name), { scope, name }) ?? []),
  );
}

/** The unit that runs this state folder; undefined where there is none, or no systemd to run it. */
export function owningUnit(host: Host, stateDir: string): Unit | undefined {
  if (!host.booted) return undefined;
  const wanted = realPath(stateDir);
  return findUnits(host).find((unit) => realPath(unit.stateDir) === wanted);
}

function readUnit(path: string, { scope, name }: { scope: Scope; name: string }): Unit | undefined {
  const facts = parseUnit(readText(path) ?? "");
  return facts === undefined ? undefined : { ...facts, scope, name, path };
}

/** A file's text; undefined when it is not there or not for us. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "EACCES", "ELOOP", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "EACCES", "ENOTDIR"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It does not exist yet, or is not ours to look into: then its name must do.
  }
}

/** What the manager says of a unit. */
export interface UnitState {
  loaded: boolean;
  /** `active`, `inactive`, `failed`, `activating`, `deactivating`. */
  active: string;
  /** `running`, `auto-restart`, `dead`, … */
  sub: string;
  /** Begins at boot. */
  enabled: boolean;
  pid?: number;
  /** Since when it is active, in Unix milliseconds. */
  since?: number;
  /** Starts by the manager itself since the last one by hand. */
  restarts: number;
  /** Why it ended: `success`, `exit-code`, `watchdog`, `start-limit-hit`, … */
  result: string;
  /** Its own last word. */
  status?: string;
}

const properties = [
  ["LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID"],
  ["ActiveEnterTimestamp", "NRestarts", "Result", "StatusText"],
].flat();

/** Asks the manager. @throws Failure `state` when it does not answer. */
export async function unitState(host: Host, { scope, name }: Pick<Unit, "scope" | "name">): Promise<UnitState> {
  const ran = await host.run([...systemctl(scope), "show", name, `--property=${properties.join(",")}`]);
  if (ran.code !== 0) throw managerFailure(`Cannot ask for ${name}`, { scope, ran });
  const values = Object.fromEntries(
    ran.out
      .split("\n")
      .flatMap((line) =>
        line.includes("=") ? [[line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]] : [],
      ),
  ) as Record<string, string | undefined>;
  const active = values.ActiveState ?? "unknown";
  const pid = Number(values.MainPID ?? 0);
  const since = moment(values.ActiveEnterTimestamp);
  const status = values.StatusText ?? "";
  return {
    loaded: values.LoadState === "loaded",
    active,
    sub: values.SubState ?? "unknown",
    enabled: ["enabled", "enabled-runtime"].includes(values.UnitFileState ?? ""),
    restarts: Number(values.NRestarts ?? 0),
    result: values.Result ?? "unknown",
    ...(pid > 0 ? { pid } : {}),
    ...(active === "active" && since !== undefined ? { since } : {}),
    // Of a service that has ended it is yesterday's word.
    ...(status === "" || active !== "active" ? {} : { status }),
  };
}

/** `Sat 2026-11-21 10:31:53 UTC`, as systemctl writes it where TZ is UTC. */
function moment(text = ""): number | undefined {
  const [, day, time] = /^\S+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/.exec(text) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}

/** The command for the manager of a scope, which never asks for a password. */
export function systemctl(scope: Scope): string[] {
  return ["systemctl", ...(scope === "user" ? ["--user"] : []), "--no-ask-password"];
}

/** What a command of the manager said, as a failure. */
export function managerFailure(cannot: string, { scope, ran }: { scope: Scope; ran: Ran }): Failure {
  const { err, out } = ran;
  const said = [err, out].map((text) => text.trim()).find((text) => text !== "") ?? "systemctl said nothing";
  const [line = ""] = said.slice(0, limits.logFieldCharsMax).split("\n");
  const noBus = scope === "user" && /Failed to connect to bus/i.test(line);
  return new Failure("state", `${cannot}: ${line.replace(/\.$/, "")}`, {
    detail: said,
    ...(noBus
      ? { hint: "Your own service manager does not run: log in with a session of your own (ssh or a terminal, not su)" }
      : {}),
  });
}
