// Checks of what an instance is made of: settings, sandbox, model.
import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig, systemEnvironment } from "../../config/load.ts";
import { problemText } from "../../config/problems.ts";
import { Failure, failureData } from "../../core/failure.ts";
import { formatModelName } from "../../core/model-name.ts";
import { byteSize } from "../../core/words.ts";
import { providers } from "../../models/providers.ts";
import { openDriver } from "../../sandbox/index.ts";
import { systemClock } from "../../sys/clock.ts";
import { processTable } from "../../sys/process-tree.ts";
import { systemSpawn } from "../../sys/spawn.ts";
import { createLayout } from "../../workspace/layout.ts";
import { attachmentBytes } from "../../workspace/quota.ts";
import { type Places, settingsParts } from "../places.ts";
import { modelsOf, silent, tryModel } from "../try-model.ts";
import type { Check, Finding } from "./finding.ts";
import { keysOfVault } from "./vault.ts";

/** The settings, or the failure that they end in. Reads only what is there: a check makes no state folder. */
async function settingsOf({ stateDir }: Places): Promise<Config | Failure | undefined> {
  if (statSync(stateDir, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return await loadConfig({ flags: { stateDir }, parts: await settingsParts() });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Shape of settings.json, with every problem's path and value. */
export const checkSettings: Check = async ({ places }) => {
  const area = "settings";
  const config = await settingsOf(places);
  if (config === undefined) return [{ area, level: "ok", text: "There are none yet; every setting has its default" }];
  if (config instanceof Failure) {
    const mend = config.hint ?? `Change it in ${places.settings}`;
    return config.message.split("\n").map((line, index) => ({
      area,
      level: "bad",
      text: line.trim(),
      ...(index === 0 ? { mend } : {}),
    }));
  }
  if (config.problems.length === 0) return [{ area, level: "ok", text: places.settings }];
  const fix = async () => {
    chmodSync(places.settings, 0o600);
    return "mode is 0600 now";
  };
  return config.problems.map((problem): Finding => {
    const about = problem.path === "settings.json" ? { fix } : {};
    return { area, level: "warn", text: problemText(problem), ...about };
  });
};

/** What separates commands from the machine. */
export const checkSandbox: Check = async ({ places }) => {
  const area = "sandbox";
  const config = await settingsOf(places);
  const { isolation, sandbox } =
    config === undefined || config instanceof Failure
      ? ({ isolation: "auto", sandbox: "host" } as const)
      : config.settings;
  const driver = await openDriver(sandbox, {
    spawn: systemSpawn,
    clock: systemClock,
    log: silent,
    table: processTable(),
    isolation,
    stateDir: places.stateDir,
    environment: systemEnvironment(),
  });
  try {
    const health = await driver.check();
    const text = `${sandbox}, isolation ${health.isolation}${health.reason === undefined ? "" : `: ${health.reason}`}`;
    const level = health.works ? (health.reason === undefined ? "ok" : "warn") : "bad";
    return [{ area, level, text, mend: health.hint }];
  } finally {
    await driver.close();
  }
};

/** Whether the model has a key, and with `--online` whether it answers. */
export const checkModel: Check = async ({ places, online }) => {
  const area = "model";
  const config = await settingsOf(places);
  if (config === undefined || config instanceof Failure)
    return [
      { area, level: "warn", text: "Not looked at, because there are no settings to go by", mend: "remoteagent setup" },
    ];
  const models = modelsOf(config, keysOfVault(places));
  try {
    const name = formatModelName(await models.fallback());
    const known = await models.available();
    const provider = name.slice(0, name.indexOf("/"));
    if (provider === "demo")
      return [
        { area, level: "warn", text: `${name}, the offline demo`, mend: "Connect a real one: remoteagent setup" },
      ];
    if (!known.some((model) => model.provider === provider)) {
      const mend = `Put a key into models.${provider}.apiKey of ${places.settings}, or run remoteagent setup`;
      return [{ area, level: "bad", text: `${name} has no key`, mend }];
    }
    if (!online) {
      const key = needsKey(config, provider) ? "has a key" : "needs no key";
      return [{ area, level: "ok", text: `${name} ${key}; remoteagent doctor --online asks it` }];
    }
    const failure = await tryModel(models, name);
    if (failure === undefined) return [{ area, level: "ok", text: `${name} answers` }];
    return [{ area, level: "bad", text: failure.message, mend: failure.hint }];
  } catch (error) {
    const { message, hint } = failureData(error);
    return [{ area, level: "bad", text: message, mend: hint }];
  }
};

/** A server of one's own may go without. */
function needsKey({ settings }: Config, provider: string): boolean {
  return Object.hasOwn(providers, provider) || settings.models?.[provider]?.apiKey !== undefined;
}

/** How much room the files of conversations take, of what they may. */
export const checkAttachments: Check = async ({ places }) => {
  const config = await settingsOf(places);
  // What is wrong with the settings is said above.
  if (config === undefined || config instanceof Failure) return [];
  const area = "attachments";
  const bytesMax = config.settings.limits.attachmentsMb * 1_048_576;
  const bytes = await attachmentBytes(createLayout(config.workspace).channels);
  const text = `Conversations keep ${byteSize(bytes)} of files, of at most ${byteSize(bytesMax)}`;
  if (bytes < bytesMax * 0.8) return [{ area, level: "ok", text }];
  const mend = `Remove old ones from ${join(config.workspace, "channels")}/*/*/attachments, or raise limits.attachmentsMb in settings`;
  return [{ area, level: bytes < bytesMax ? "warn" : "bad", text, mend }];
};
