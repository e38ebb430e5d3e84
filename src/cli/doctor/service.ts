// Checks of the service: what the unit starts, whether it begins at boot, and whether it outlives a logout.
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { programVersion } from "../../core/build.ts";
import { failureData } from "../../core/failure.ts";
import { versionLine } from "../program.ts";
import { reasons } from "../service/control.ts";
import { type Host, systemHost } from "../service/host.ts";
import { owningUnit, systemctl, type Unit, type UnitState, unitState } from "../service/units.ts";
import type { Check, Finding } from "./finding.ts";

const area = "service";

/** The unit that runs this state folder, when there is one. */
export const checkService: Check = ({ places }) => serviceFindings(systemHost(), places.stateDir);

/** What there is to say of the unit of a state folder, on this machine or a played one. */
export async function serviceFindings(host: Host, stateDir: string): Promise<Finding[]> {
  const unit = owningUnit(host, stateDir);
  if (unit === undefined) {
    const text = host.booted
      ? "None is installed; remoteagent service install has it begin at boot"
      : "None, because systemd does not run this machine";
    return [{ area, level: "ok", text }];
  }
  let state: UnitState;
  try {
    state = await unitState(host, unit);
  } catch (error) {
    const { message, hint } = failureData(error);
    return [{ area, level: "warn", text: message, mend: hint }];
  }
  const findings = [
    ...(await checkProgramOf(unit, host)),
    ...checkState(unit, state),
    ...(await checkLinger(unit, host)),
  ];
  if (findings.length > 0) return findings;
  return [{ area, level: "ok", text: `${unit.name} is ${state.active} and begins at boot` }];
}

/** The program of the unit, compared with the one that looks. */
async function checkProgramOf({ program, version, path, scope }: Unit, host: Host): Promise<Finding[]> {
  const mend = `Write the unit anew: remoteagent service install --${scope}`;
  const missing = program.find((word) => word.startsWith("/") && !existsSync(word));
  if (missing !== undefined)
    return [{ area, level: "bad", text: `${path} starts ${missing}, which does not exist`, mend }];
  const [executable = ""] = program;
  if (!isExecutable(executable))
    return [{ area, level: "bad", text: `${path} starts ${executable}, which is not executable`, mend }];
  if (program.join("\0") !== host.program.join("\0")) {
    const { out } = await host.run([...program, "--version"]);
    if (out.trim() !== versionLine()) {
      const other = out.trim() === "" ? "a program that does not tell its version" : out.trim();
      return [{ area, level: "warn", text: `${path} starts ${other}; this is ${versionLine()}`, mend }];
    }
  }
  if (version === programVersion) return [];
  return [{ area, level: "warn", text: `${path} was written by version ${version}; this is ${programVersion}`, mend }];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // Missing, or not for us: both are the same to whoever starts it.
  }
}

function checkState({ name, scope }: Unit, { loaded, active, sub, result, enabled }: UnitState): Finding[] {
  const [manager, user] = [
    systemctl(scope)
      .filter((word) => !word.includes("password"))
      .join(" "),
    scope === "user",
  ];
  const found: Finding[] = [];
  if (!loaded)
    found.push({
      area,
      level: "bad",
      text: `${name} is not loaded by the service manager`,
      mend: `${manager} daemon-reload`,
    });
  if (active === "failed" || sub === "auto-restart")
    found.push({
      area,
      level: "bad",
      text: `${name} failed: ${reasons[result] ?? result}`,
      mend: `Look at: journalctl${user ? " --user" : ""} --unit ${name}, then: remoteagent start`,
    });
  else if (active !== "active")
    found.push({ area, level: "warn", text: `${name} is ${active}`, mend: "Start it: remoteagent start" });
  if (!enabled)
    found.push({
      area,
      level: "warn",
      text: `${name} does not begin at boot`,
      mend: `${manager} enable ${name}`,
    });
  return found;
}

/** Without lingering a user's services end at logout and begin at login. */
async function checkLinger({ scope, name }: Unit, host: Host): Promise<Finding[]> {
  if (scope !== "user") return [];
  const user = (await host.user(String(host.uid)))?.name ?? "";
  if (user === "" || existsSync(join(host.lingers, user))) return [];
  const text = `${name} ends when ${user} logs out`;
  return [{ area, level: "warn", text, mend: `sudo loginctl enable-linger ${user}` }];
}
