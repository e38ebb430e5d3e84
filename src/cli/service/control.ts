// Starting and stopping by the service manager, for the verbs of the program and for install and uninstall.
import { basename } from "node:path";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { cleanLine } from "../terminal/text.ts";
import { type Host, type Ran, systemHost } from "./host.ts";
import { managerFailure, owningUnit, systemctl, type Unit, type UnitState, unitState } from "./units.ts";

/** A unit of ours and what can be done with it. */
export interface Service {
  unit: Unit;
  state(): Promise<UnitState>;
  /**
   * Makes sure that this user may start and stop it. @throws Failure `forbidden` with the command for somebody who may;
   * to be asked before anything is stopped that could not be started again.
   */
  allowed(): Promise<void>;
  /** Resolves when it has said that it is ready. @throws Failure with what the journal tells. */
  start(): Promise<void>;
  /** `wait: false`: from now on the manager starts it no more by itself; it may still run. */
  stop(options?: { wait: boolean }): Promise<void>;
}

/** The service that runs a state folder, if one does. */
export function serviceOf(stateDir: string, host: Host = systemHost()): Service | undefined {
  const unit = owningUnit(host, stateDir);
  return unit === undefined ? undefined : openService(unit, host);
}

/** What systemctl and sudo say when somebody else would have to do it. */
const refused =
  /Access denied|authentication (?:is )?required|not permitted|a password is required|not allowed|may not run sudo|Permission denied/i;

/** A service by its unit. */
export function openService(unit: Unit, host: Host): Service {
  const direct = systemctl(unit.scope);
  // Polkit or root need no help; where neither is, sudo may do without a password (RA-110).
  const ways = unit.scope === "user" || host.uid === 0 ? [direct] : [direct, ["sudo", "-n", ...direct]];
  const manage = async (words: string[], ms: number): Promise<Ran> => {
    let ran: Ran = { code: undefined, out: "", err: "" };
    for (const way of ways) {
      const next = await host.run([...way, ...words], { ms });
      // A machine without sudo: the first refusal tells more.
      if (next.code === undefined && ran.err !== "") break;
      ran = next;
      if (ran.code === 0 || !refused.test(ran.err)) break;
    }
    if (ran.code !== 0 && refused.test(ran.err)) throw forbidden(unit, words);
    return ran;
  };
  return {
    unit,
    state: () => unitState(host, unit),
    async allowed() {
      // Changes nothing: there is no failure to forget while it runs, and forgetting one is harmless.
      await manage(["reset-failed", unit.name], limits.serviceAskMs);
    },
    async start() {
      // Starts by hand are not what the limit of starts is for. Of a unit that never ran there is nothing to forget.
      await manage(["reset-failed", unit.name], limits.serviceAskMs);
      const ran = await manage(["start", unit.name], limits.serviceStartMs + limits.serviceAskMs);
      if (ran.code !== 0) throw await notStarted(unit, { host, ran });
    },
    async stop({ wait } = { wait: true }) {
      const words = ["stop", ...(wait ? [] : ["--no-block"]), unit.name];
      const ran = await manage(words, limits.serviceStopMs + limits.serviceAskMs);
      if (ran.code !== 0) throw managerFailure(`Cannot stop ${unit.name}`, ran);
    },
  };
}

function forbidden({ scope, name }: Unit, words: string[]): Failure {
  const verb = words[0] === "reset-failed" ? "restart" : words[0];
  return new Failure("forbidden", `Cannot ${verb} ${name}: it is the machine's, and you may not`, {
    hint: `sudo systemctl${scope === "user" ? " --user" : ""} ${verb} ${basename(name, ".service")}`,
  });
}

/** Why it ended, in its own words where the journal has them. */
async function notStarted(unit: Unit, { host, ran }: { host: Host; ran: Ran }): Promise<Failure> {
  const look = ["journalctl", ...(unit.scope === "user" ? ["--user"] : []), "--unit", unit.name];
  const { out } = await host.run([
    ...look,
    "--lines",
    String(limits.serviceJournalLinesMax),
    "--output=cat",
    "--no-pager",
  ]);
  const lines = out
    .split("\n")
    .map((line) => cleanLine(line))
    .filter((line) => line !== "" && !line.startsWith("-- "));
  const { result } = await unitState(host, unit).catch(() => ({ result: "unknown" }));
  const why = reasons[result] ?? ran.err.trim().split("\n")[0] ?? result;
  const hint = [...(lines.length === 0 ? [] : ["The end of the journal:", ...lines]), `More of it: ${look.join(" ")}`];
  return new Failure("internal", `Cannot start ${unit.name}: ${why}`, { hint: hint.join("\n"), detail: ran.err });
}

/** systemd's words for how a service ended. */
export const reasons: Readonly<Record<string, string>> = {
  "exit-code": "the program ended with an error",
  signal: "the program was killed",
  "core-dump": "the program crashed",
  watchdog: "its main loop hung",
  timeout: "it was not ready in time",
  protocol: "it did not say that it was ready",
  resources: "the system had no room for it, or its folders are missing",
  "oom-kill": "it ran out of memory",
  "start-limit-hit": "it was started too often in a short time",
};
