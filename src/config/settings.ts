// From the settings file to checked settings: overlay, schema, folders; every problem is told at once.
import * as v from "valibot";
import { readSettingsFile } from "./file.ts";
import { placeFolders } from "./folders.ts";
import { type Flags, isObject, overlay } from "./overrides.ts";
import type { Environment } from "./paths.ts";
import { type Problem, problemsOf, settingsFailure } from "./problems.ts";
import { type Parts, type Settings, settingsSchema } from "./schema.ts";

export interface ReadSettings {
  settings: Settings;
  workspace: string;
  warnings: Problem[];
  /** Secrets that stand in the settings as text. */
  secrets: string[];
}

/** @throws Failure `settings` that lists every problem with its path and value. */
export function readSettings(
  path: string,
  { flags, env, parts, stateDir }: { flags: Flags; env: Environment; parts: Parts; stateDir: string },
): ReadSettings {
  const file = readSettingsFile(path);
  const { raw, origins } = overlay(file.raw, { flags, env });
  const schema = settingsSchema(parts);
  const parsed = v.safeParse(schema, raw);
  const problems = problemsOf(parsed.issues ?? [], { schema, raw, origins });
  if (!parsed.success || problems.length > 0) throw settingsFailure(path, problems);
  const placed = placeFolders(parsed.output, { stateDir, env, from: origins.has("workspace") ? "." : stateDir });
  if (placed.problems.length > 0) throw settingsFailure(path, placed.problems);
  return { settings: placed.settings, workspace: placed.workspace, warnings: file.warnings, secrets: textSecrets(raw) };
}

/** Texts in places where secrets stand. Too many are taken rather than too few: they are only looked for. */
function textSecrets(value: unknown, key = ""): string[] {
  if (typeof value === "string") return /key|token|secret|pass|dsn|auth/i.test(key) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => textSecrets(item, key));
  if (!isObject(value)) return [];
  const names = Object.keys(value);
  if (names.length === 1 && (names[0] === "env" || names[0] === "file")) return [];
  return Object.entries(value).flatMap(([name, item]) => textSecrets(item, /header/i.test(key) ? "auth" : name));
}
