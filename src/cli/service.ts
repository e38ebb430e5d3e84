// `service`: RemoteAgent under systemd, which starts it at boot and again after a crash or a hang.
import { basename } from "node:path";
import { Failure } from "../core/failure.ts";
import { ago } from "../core/words.ts";
import { exit } from "./exit.ts";
import { hang, homely, lookOf } from "./hang.ts";
import type { Io } from "./io.ts";
import { findPlaces } from "./places.ts";
import { reasons } from "./service/control.ts";
import { type Host, systemHost } from "./service/host.ts";
import { install, noSystemd, uninstall } from "./service/install.ts";
import { type InstallArgs, planInstall, scopeOf, unitFile } from "./service/plan.ts";
import { findUnits, owningUnit, type Unit, type UnitState, unitState } from "./service/units.ts";
import { localTime } from "./table.ts";
import { cleanLine } from "./terminal/text.ts";
import { jsonArg, verb } from "./verb.ts";

interface ServiceArgs extends InstallArgs {
  start?: boolean;
  json?: boolean;
  "dry-run"?: boolean;
}

export const service = verb({
  name: "service",
  summary: "Run under systemd, from boot on",
  args: {
    action: { type: "positional", required: true, description: "install, uninstall or status" },
    user: { type: "boolean", description: "A service of your own (unless you are root)" },
    system: { type: "boolean", description: "A service of the machine (when you are root)" },
    "run-as": { type: "string", valueHint: "user", description: "Who a service of the machine runs as" },
    workspace: { type: "string", valueHint: "folder", description: "Folder that the agent works in" },
    name: { type: "string", valueHint: "name", description: "Another name than remoteagent, for a second one" },
    "dry-run": { type: "boolean", description: "Print the unit and the steps, and change nothing" },
    start: { type: "boolean", default: true, description: "Do not start it now" },
    ...jsonArg,
  },
  notes: [
    "install writes a unit, has it begin at boot and starts it; uninstall removes it and never the state folder.",
    "Exit code: 0 when it is done, or when status finds it active, 3 when status does not, 1 when it failed",
  ].join("\n"),
  async run(args, io) {
    return await serve(args.action, { args, io, host: systemHost() });
  },
});

/** Carries out one action. @throws Failure */
export async function serve(
  action: string,
  { args, io, host }: { args: ServiceArgs; io: Io; host: Host },
): Promise<number> {
  if (action === "install") return await runInstall(args, { io, host });
  if (action === "uninstall") return await runUninstall(args, { io, host });
  if (action === "status") return await runStatus(args, { io, host });
  throw new Failure("usage", `Unknown action ${JSON.stringify(action)} of "service"`, {
    hint: "It is one of install, uninstall and status",
  });
}

interface Context {
  io: Io;
  host: Host;
}

async function runInstall(args: ServiceArgs, { io, host }: Context): Promise<number> {
  if (!host.booted && args["dry-run"] !== true) throw noSystemd(host, "install a service");
  const plan = await planInstall(args, host);
  const start = args.start !== false;
  if (args["dry-run"] === true) {
    io.out(plan.text);
    const steps = ["daemon-reload", `enable ${plan.name}`, ...(start ? [`start ${plan.name}`] : [])];
    const systemctl = plan.scope === "user" ? "systemctl --user" : "systemctl";
    io.err(`Would be written to ${plan.unitPath}, then: ${steps.map((step) => `${systemctl} ${step}`).join("; ")}\n`);
    if (plan.scope === "user") io.err(`Then: loginctl enable-linger ${plan.user.name}\n`);
    return exit.done;
  }
  await install(plan, { host, io, start });
  const user = plan.scope === "user" ? " --user" : "";
  const name = basename(plan.name, ".service");
  io.out(
    [
      `${plan.name} ${start ? "runs" : "is installed"} as ${plan.user.name}, with the state folder ${plan.stateDir}`,
      ...(start ? [] : [`Start it:    systemctl${user} start ${name}`]),
      "How it is:   remoteagent service status",
      `Its log:     journalctl${user} --unit ${name} --follow`,
      `Its secrets: NAME=value lines in ${plan.stateDir}/environment, for settings that name a variable`,
      "Remove it:   remoteagent service uninstall",
      "",
    ].join("\n"),
  );
  return exit.done;
}

async function runUninstall(args: ServiceArgs, { io, host }: Context): Promise<number> {
  const unit = chosenUnit(args, host);
  if (unit === undefined) {
    io.out("There is no service to remove\n");
    return exit.done;
  }
  if (args["dry-run"] === true) {
    io.out(`Would be stopped and removed: ${unit.path}\n`);
    return exit.done;
  }
  await uninstall(unit, { host, io });
  io.out(`Settings and conversations are still in ${unit.stateDir}\n`);
  return exit.done;
}

/** The unit that is named, else the one of this state folder. */
function chosenUnit(args: ServiceArgs, host: Host): Unit | undefined {
  const units = findUnits(host);
  if (args.name !== undefined || args.user === true || args.system === true) {
    const [scope, name] = [scopeOf(host, args), unitFile(args.name)];
    return units.find((unit) => unit.scope === scope && unit.name === name);
  }
  const { stateDir } = findPlaces(args);
  const own = owningUnit({ ...host, booted: true }, stateDir);
  // Of a single one it is plain which is meant, and its state folder may be another user's.
  return own ?? (args["state-dir"] === undefined && units.length === 1 ? units[0] : undefined);
}

async function runStatus(args: ServiceArgs, { io, host }: Context): Promise<number> {
  const unit = chosenUnit(args, host);
  const state = unit === undefined || !host.booted ? undefined : await unitState(host, unit);
  if (args.json === true) io.out(`${JSON.stringify(facts(unit, { host, state }), null, 2)}\n`);
  else io.out(`${statusText(unit, { host, state, io })}\n`);
  return state?.active === "active" ? exit.done : exit.notRunning;
}

interface Seen {
  host: Host;
  state: UnitState | undefined;
}

function facts(unit: Unit | undefined, { host, state }: Seen): Record<string, unknown> {
  if (unit === undefined) return { installed: false, systemd: host.booted };
  const { scope, name, path, stateDir, program, version } = unit;
  return { installed: true, systemd: host.booted, scope, unit: name, path, stateDir, program, version, ...state };
}

function statusText(unit: Unit | undefined, { host, state, io }: Seen & { io: Io }): string {
  if (unit === undefined) {
    const mend = host.booted ? "\nInstall it: remoteagent service install" : ", and systemd does not run this machine";
    return `No service is installed${mend}`;
  }
  const look = lookOf(io.columns, host.env.HOME);
  const lines: [string, string][] = [
    ["unit", `${unit.name}, ${unit.scope === "user" ? "your own" : "the machine's"}, ${unit.path}`],
    ["state", unit.stateDir],
    ...(state === undefined
      ? [["service", "systemd does not run this machine"] as [string, string]]
      : stateLines(state)),
  ];
  return lines.map(([name, text]) => hang(name.padEnd(10), homely(cleanLine(text), look.home), look.cells)).join("\n");
}

function stateLines(state: UnitState): [string, string][] {
  const { active, sub, since, pid, enabled, restarts, result, status } = state;
  const began = since === undefined ? "" : `, since ${localTime(since)} (${ago(Date.now() - since)})`;
  const why = result === "success" ? "" : `: ${reasons[result] ?? result}`;
  return [
    [
      "service",
      `${active} (${sub})${pid === undefined ? "" : `, process ${pid}`}${began}${active === "active" ? "" : why}`,
    ],
    ["at boot", enabled ? "it begins" : "it does not begin"],
    ...(restarts > 0 ? [["restarts", `${restarts} by itself`] as [string, string]] : []),
    ...(status === undefined ? [] : [["says", status] as [string, string]]),
  ];
}
