// Flags and environment variables that stand before the settings file, each for one setting.
import type { Environment } from "./paths.ts";

/** What the command line says; names as in the program. */
export interface Flags {
  stateDir?: string;
  workspace?: string;
  model?: string;
  harness?: string;
  sandbox?: string;
  isolation?: string;
  logFormat?: string;
  logLevel?: string;
}

interface Override {
  /** The setting's path. */
  path: readonly string[];
  flag?: { name: keyof Flags; shown: string };
  /** Variables, the first that is set counts. The later ones are those of the programs that this one follows. */
  variables: readonly string[];
  number?: boolean;
}

const overrides: readonly Override[] = [
  { path: ["workspace"], flag: { name: "workspace", shown: "workspace" }, variables: ["REMOTEAGENT_WORKSPACE"] },
  { path: ["model"], flag: { name: "model", shown: "--model" }, variables: ["REMOTEAGENT_MODEL"] },
  { path: ["harness"], flag: { name: "harness", shown: "--harness" }, variables: ["REMOTEAGENT_HARNESS"] },
  { path: ["sandbox"], flag: { name: "sandbox", shown: "--sandbox" }, variables: ["REMOTEAGENT_SANDBOX"] },
  { path: ["isolation"], flag: { name: "isolation", shown: "--isolation" }, variables: ["REMOTEAGENT_ISOLATION"] },
  {
    path: ["log", "format"],
    flag: { name: "logFormat", shown: "--log-format" },
    variables: ["REMOTEAGENT_LOG_FORMAT"],
  },
  { path: ["log", "level"], flag: { name: "logLevel", shown: "--log-level" }, variables: ["REMOTEAGENT_LOG_LEVEL"] },
  { path: ["toolOutput"], variables: ["REMOTEAGENT_TOOL_OUTPUT"] },
  { path: ["web", "url"], variables: ["REMOTEAGENT_WEB_URL", "MAMA_LINK_URL", "MOM_LINK_URL"] },
  { path: ["web", "port"], variables: ["REMOTEAGENT_WEB_PORT", "MAMA_LINK_PORT", "MOM_LINK_PORT"], number: true },
  { path: ["web", "host"], variables: ["REMOTEAGENT_WEB_HOST"] },
  { path: ["sentry", "dsn"], variables: ["REMOTEAGENT_SENTRY_DSN"] },
];

/** A raw settings value with what stands before it laid over, and where each laid-over value came from. */
export interface Overlaid {
  raw: unknown;
  origins: Map<string, string>;
}

/** Lays flags and environment over `raw`, which is left as it is. A `raw` that is no object is handed back. */
export function overlay(raw: unknown, { flags, env }: { flags: Flags; env: Environment }): Overlaid {
  const origins = new Map<string, string>();
  if (!isObject(raw)) return { raw, origins };
  let result = raw;
  for (const override of overrides) {
    const found = findOverride(override, { flags, env });
    if (found === undefined) continue;
    const number = override.number === true && /^[0-9]+$/.test(found.text) ? Number(found.text) : undefined;
    result = withValue(result, override.path, number ?? found.text);
    origins.set(override.path.join("."), found.origin);
  }
  return { raw: result, origins };
}

function findOverride(
  { path, flag, variables }: Override,
  { flags, env }: { flags: Flags; env: Environment },
): { text: string; origin: string } | undefined {
  const flagged = flag === undefined ? undefined : flags[flag.name];
  if (flag !== undefined && flagged !== undefined) return { text: flagged, origin: flag.shown };
  for (const origin of variables) {
    const text = env[origin];
    if (text !== undefined && text !== "") return { text, origin };
  }
  // The forerunners named provider and model apart.
  const model = env.MAMA_AI_MODEL || env.MOM_AI_MODEL;
  if (path[0] !== "model" || model === undefined || model === "") return undefined;
  const provider = env.MAMA_AI_PROVIDER || env.MOM_AI_PROVIDER || "anthropic";
  return { text: `${provider}/${model}`, origin: env.MAMA_AI_MODEL ? "MAMA_AI_MODEL" : "MOM_AI_MODEL" };
}

/** A copy of `object` with `value` at `path`. Something else than an object on the way is left for the schema to name. */
function withValue(object: Record<string, unknown>, path: readonly string[], value: unknown): Record<string, unknown> {
  const [key = "", ...rest] = path;
  if (rest.length === 0) return { ...object, [key]: value };
  const inner = object[key] ?? {};
  return isObject(inner) ? { ...object, [key]: withValue(inner, rest, value) } : object;
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
