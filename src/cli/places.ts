// Where the state folder is, and what the command line says about settings.
import { join } from "node:path";
import { type Config, loadConfig, systemEnvironment } from "../config/load.ts";
import type { Flags } from "../config/overrides.ts";
import { type StatePaths, stateDirectory, statePaths } from "../config/paths.ts";
import type { Parts } from "../config/schema.ts";

/** Every path that the command line uses. */
export interface Places extends StatePaths {
  stateDir: string;
  /** The instance's log, JSON lines. */
  log: string;
  /** What an instance in the background writes to its streams: hardly more than the reason of its end. */
  console: string;
}

/** Options about settings, which stand before the file. */
export const settingsArgs = {
  model: { type: "string", valueHint: "provider/name", description: "Language model instead of the settings' one" },
  sandbox: { type: "string", valueHint: "kind", description: "Where commands run: host, image:…, container:…" },
  isolation: { type: "string", valueHint: "how", description: "auto, bubblewrap or none" },
} as const;

/** `args` of a verb, as far as they say where and how. */
export interface LaunchArgs {
  "state-dir"?: string;
  workspace?: string;
  model?: string;
  sandbox?: string;
  isolation?: string;
}

/** The places of the state folder that is meant. Touches nothing. */
export function findPlaces(args: Pick<LaunchArgs, "state-dir">): Places {
  const stateDir = stateDirectory({ stateDir: args["state-dir"] }, systemEnvironment());
  return placesIn(stateDir);
}

/** The places in a state folder. */
export function placesIn(stateDir: string): Places {
  const paths = statePaths(stateDir);
  return {
    ...paths,
    stateDir,
    log: join(paths.logs, "remoteagent.log"),
    console: join(paths.logs, "console.log"),
  };
}

/** What the families bring to the settings' schema; only who reads settings pays for it. */
export async function settingsParts(): Promise<Parts> {
  const { adapterParts } = await import("../adapters/index.ts");
  return adapterParts;
}

/** The configuration; makes the state folder. @throws Failure `state` or `settings`. */
export async function loadLaunchConfig(args: LaunchArgs): Promise<Config> {
  return await loadConfig({ flags: flagsOf(args), parts: await settingsParts() });
}

function flagsOf(args: LaunchArgs): Flags {
  const { "state-dir": stateDir, workspace, model, sandbox, isolation } = args;
  return { stateDir, workspace, model, sandbox, isolation };
}

/** The arguments by which another process gets the same configuration, whatever its current folder is. */
export function launchArguments(args: LaunchArgs, config: Config): string[] {
  const { model, sandbox, isolation } = args;
  const flags = { "state-dir": config.stateDir, model, sandbox, isolation };
  const given = Object.entries(flags).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return [...given.map(([name, value]) => `--${name}=${value}`), "--", config.workspace];
}

/** The arguments of verbs that start an instance. */
export const launchArgs = {
  workspace: { type: "positional", required: false, description: "Folder that the agent works in" },
  ...settingsArgs,
} as const;
