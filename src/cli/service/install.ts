// `service install` and `service uninstall`: the unit's file, and the manager told of it.
import { existsSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { makeDir, writeAtomic } from "../../sys/atomic.ts";
import { codeOf } from "../../sys/errno.ts";
import { halt, stopText } from "../halt.ts";
import { findInstance } from "../instance.ts";
import type { Io } from "../io.ts";
import { placesIn } from "../places.ts";
import { openService } from "./control.ts";
import type { Host } from "./host.ts";
import type { InstallPlan } from "./plan.ts";
import { managerFailure, systemctl, type Unit, unitState } from "./units.ts";

/** The refusal where systemd is not what runs the machine. */
export function noSystemd(host: Host, doing: string): Failure {
  return new Failure("state", `Cannot ${doing}: systemd does not run this machine`, {
    hint: [
      "remoteagent start keeps it running until the next boot. To start it then as well, put this line into crontab -e:",
      `  @reboot ${host.program.map(shellWord).join(" ")} start`,
      "In a container, make its main process: remoteagent run",
    ].join("\n"),
  });
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Writes the unit, has it begin at boot, and starts it. Says each step on stderr. @throws Failure */
export async function install(
  plan: InstallPlan,
  { host, io, start }: { host: Host; io: Io; start: boolean },
): Promise<void> {
  if (!host.booted) throw noSystemd(host, "install a service");
  const { scope, name, unitPath, text } = plan;
  if (scope === "system" && host.uid !== 0)
    throw new Failure("forbidden", "Cannot install a service of the machine: only root may", {
      hint: `sudo ${host.program.map(shellWord).join(" ")} service install --system, or without root: remoteagent service install --user`,
    });
  await writeUnit(plan);
  io.err(`Wrote ${unitPath}\n`);
  await tell(host, { scope, words: ["daemon-reload"], cannot: "Cannot reload the service manager" });
  const unit: Unit = { ...plan, program: [...plan.program], path: unitPath };
  if (!(await unitState(host, unit)).loaded)
    throw new Failure("state", `Cannot use ${unitPath}: the service manager does not find or understand it`, {
      hint: `systemd-analyze${scope === "user" ? " --user" : ""} verify ${shellWord(unitPath)}`,
      detail: text,
    });
  await tell(host, { scope, words: ["enable", name], cannot: `Cannot enable ${name}` });
  if (scope === "user") await linger(plan, { host, io });
  else io.err("It begins at boot\n");
  if (start) await begin(unit, { host, io });
}

async function writeUnit({ scope, unitPath, text }: InstallPlan): Promise<void> {
  try {
    if (scope === "user") makeDir(unitPath.slice(0, unitPath.lastIndexOf("/")));
    await writeAtomic(unitPath, text, { mode: 0o644 });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("state", `Cannot write ${JSON.stringify(unitPath)}: ${codeOf(error) ?? "it is refused"}`, {
      cause: error,
    });
  }
}

/** A user's own services end with the last session, unless the user lingers. */
async function linger({ user }: InstallPlan, { host, io }: { host: Host; io: Io }): Promise<void> {
  const already = existsSync(`${host.lingers}/${user.name}`);
  if (already || (await host.run(["loginctl", "enable-linger", user.name])).code === 0) {
    io.err(`It begins at boot, and goes on while ${user.name} is not logged in\n`);
    return;
  }
  io.err(`It begins when ${user.name} logs in, and ends with the last logout\n`);
  io.err(`To have it begin at boot and go on: sudo loginctl enable-linger ${user.name}\n`);
}

/** Starts the service; whatever runs the state folder now makes way, be it the service itself with an older unit. */
async function begin(unit: Unit, { host, io }: { host: Host; io: Io }): Promise<void> {
  const service = openService(unit, host);
  const places = placesIn(unit.stateDir);
  const found = await findInstance(places);
  if (found.state !== "none") {
    const { pid } = found.state === "up" ? found.status : found.holder;
    io.err(`${stopText(pid, await halt(places, found, { drainMs: limits.drainMs, io }))}\n`);
  }
  await service.stop();
  await service.start();
  io.err(`Started ${unit.name}\n`);
}

/** Stops and removes a unit of ours; the state folder stays. @throws Failure */
export async function uninstall(unit: Unit, { host, io }: { host: Host; io: Io }): Promise<void> {
  const { scope, name, path } = unit;
  if (scope === "system" && host.uid !== 0)
    throw new Failure("forbidden", `Cannot remove ${path}: only root may`, {
      hint: `sudo ${host.program.map(shellWord).join(" ")} service uninstall --system --name ${basename(name, ".service")}`,
    });
  if (host.booted) {
    await openService(unit, host).stop();
    await tell(host, { scope, words: ["disable", name], cannot: `Cannot disable ${name}` });
  }
  rmSync(path, { force: true });
  io.err(`Removed ${path}\n`);
  if (host.booted) {
    await tell(host, { scope, words: ["daemon-reload"], cannot: "Cannot reload the service manager" });
    // A failure of a unit that is gone would be shown for ever; of one without a failure there is nothing to forget.
    await host.run([...systemctl(scope), "reset-failed", name]);
  }
  if (existsSync(`${path}.d`)) io.err(`Your own changes stay in ${path}.d\n`);
}

async function tell(
  host: Host,
  { scope, words, cannot }: { scope: Unit["scope"]; words: string[]; cannot: string },
): Promise<void> {
  const ran = await host.run([...systemctl(scope), ...words]);
  if (ran.code !== 0) throw managerFailure(cannot, { scope, ran });
}
