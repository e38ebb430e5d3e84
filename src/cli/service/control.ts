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
  // Without a bus only root reaches the machine's manager.
  const isRefusal = ({ err }: Ran) => refused.test(err) || (unit.scope === "system" && /connect to bus/i.test(err));
  /** `verb`: what the person wants, which may be more than this step of it. */
  const manage = async (
    verb: Managing,
    words: string[],
    { ms = limits.serviceAskMs }: { ms?: number } = {},
  ): Promise<Ran> => {
    let ran: Ran = { code: undefined, out: "", err: "" };
    for (const way of ways) {
      const next = await host.run([...way, ...words], { ms });
      // A machine without sudo: the first refusal tells more.
      if (next.code === undefined && ran.err !== "") break;
      ran = next;
      if (ran.code === 0 || !isRefusal(ran)) break;
    }
    if (ran.code !== 0 && isRefusal(ran)) throw forbidden(unit, verb);
    return ran;
  };
  return {
    unit,
    state: () => unitState(host, unit),
    async allowed() {
      // Changes nothing: there is no failure to forget while it runs, and forgetting one is harmless.
      await manage("restart", ["reset-failed", unit.name]);
    },
    async start() {
      // Starts by hand are not what the limit of starts is for. Of a unit that never ran there is nothing to forget.
      await manage("start", ["reset-failed", unit.name]);
      const ms = limits.serviceStartMs + limits.serviceAskMs;
      const ran = await manage("start", ["start", unit.name], { ms });
      if (ran.code !== 0) throw await notStarted(unit, { host, ran });
    },
    async stop({ wait } = { wait: true }) {
      const words = ["stop", ...(wait ? [] : ["--no-block"]), unit.name];
      const ran = await manage("stop", words, { ms: limits.serviceStopMs + limits.serviceAskMs });
      if (ran.code !== 0) throw managerFailure(`Cannot stop ${unit.name}`, { scope: unit.scope, ran });
    },
  };
}

type Managing = "start" | "stop" | "restart";

function forbidden({ scope, name }: Unit, verb: Managing): Failure {
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
