// What the running program says of itself, from the parts that know.
import process from "node:process";
import type { Config } from "../config/load.ts";
import { protocolVersion } from "../core/frame.ts";
import type { StatusReport } from "../core/status.ts";
import type { SandboxDriver, SandboxHealth } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import type { Redactor } from "../vault/redact.ts";
import type { Gateway } from "./gateway.ts";
import { isDemo } from "./view.ts";

/** What the report is made from. */
export interface StatusDeps {
  config: Config;
  version: string;
  alone: boolean;
  startedAt: number;
  store: Store;
  gateway: Gateway;
  driver: SandboxDriver;
  model: string;
  health: SandboxHealth | undefined;
  redactor: Redactor;
  adapters: StatusReport["adapters"];
  notices: readonly string[];
}

/** The report of this moment. */
export function statusReport(deps: StatusDeps): StatusReport {
  const { config, store } = deps;
  return {
    version: deps.version,
    protocol: protocolVersion,
    pid: process.pid,
    startedAt: deps.startedAt,
    alone: deps.alone,
    stateDir: config.stateDir,
    workspace: config.workspace,
    model: deps.model,
    demo: isDemo(deps.model),
    sandbox: { kind: config.settings.sandbox, ...(deps.health ?? { isolation: "being checked", works: true }) },
    adapters: deps.adapters,
    turns: deps.gateway.running().map((turn) => ({
      turn: turn.row.id,
      session: turn.row.session,
      title: deps.redactor.exact(store.sessions.get(turn.row.session)?.title ?? ""),
      startedAt: turn.row.startedAt,
      doing: turn.doing(),
    })),
    waiting: store.inputs.waitingCount(),
    commands: deps.driver.running().map((found) => ({ ...found, command: deps.redactor.exact(found.command) })),
    memoryBytes: process.memoryUsage.rss(),
    notices: [...config.problems.map(({ path, message }) => `${path}: ${message}`), ...deps.notices],
  };
}

/** Settings that are accepted and that no part of this version obeys: said, never swallowed. */
export function idleSettings({ settings }: Config): string[] {
  const set: [string, boolean][] = [
    ["budget", settings.budget !== undefined],
    ["sentry.dsn", settings.sentry.dsn !== undefined],
  ];
  return set.filter(([, isSet]) => isSet).map(([name]) => `${name} is set, and this version does nothing with it`);
}
