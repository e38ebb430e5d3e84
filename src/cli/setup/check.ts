// Tries settings on a copy before they are written: by the schema, and by one word from the model.
import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeSettings } from "../../config/file.ts";
import { type Config, loadConfig } from "../../config/load.ts";
import { statePaths } from "../../config/paths.ts";
import type { FailureData } from "../../core/failure.ts";
import type { JsonObject } from "../../core/transcript.ts";
import { type Places, settingsParts } from "../places.ts";
import { modelsOf, tryModel } from "../try-model.ts";
import type { Imported } from "./import.ts";

/**
 * The configuration as it would be with `patch` in the settings; the settings themselves stay as they are.
 * @throws Failure `settings` with every problem that they would have.
 */
export async function rehearse(places: Places, patch: Record<string, unknown>): Promise<Config> {
  const stateDir = mkdtempSync(join(places.stateDir, ".rehearsal-"));
  try {
    const { settings } = statePaths(stateDir);
    if (statSync(places.settings, { throwIfNoEntry: false }) !== undefined) copyFileSync(places.settings, settings);
    await writeSettings(settings, patch);
    return await loadConfig({ flags: { stateDir }, parts: await settingsParts() });
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** Asks the model that the configuration names; undefined when it answered. */
export async function askModel(config: Config): Promise<FailureData | undefined> {
  const { model } = config.settings;
  return model === undefined ? undefined : await tryModel(modelsOf(config), model);
}

/** Adapters of platforms that this program does not have would hinder its start: they are left out and told. */
export async function withoutUnknownAdapters(imported: Imported): Promise<Imported> {
  const { adapters, ...settings } = imported.settings;
  if (adapters === undefined) return imported;
  const parts = await settingsParts();
  const notes = [...imported.notes];
  const kept = Object.entries(adapters as JsonObject).filter(([name, adapter]) => {
    const { type } = adapter as { type: string };
    const known = Object.hasOwn(parts.adapters, type);
    if (!known) notes.push(`Left out "adapters.${name}": this program has no adapter of type ${JSON.stringify(type)}`);
    return known;
  });
  const left: JsonObject = kept.length === 0 ? settings : { ...settings, adapters: Object.fromEntries(kept) };
  return { ...imported, settings: left, notes };
}
