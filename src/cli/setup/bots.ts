// The bots that settings name, one more of them, and what the platform says of it.
import { inspectAdapter, platforms } from "../../adapters/index.ts";
import type { Inspection, Platform, Remark } from "../../adapters/inspection.ts";
import { readSettingsFile, writeSettings } from "../../config/file.ts";
import type { Config } from "../../config/load.ts";
import { isObject } from "../../config/overrides.ts";
import type { SecretRef } from "../../config/secret.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { systemClock } from "../../sys/clock.ts";
import { findInstance } from "../instance.ts";
import type { Places } from "../places.ts";

/** What is to be written of a bot. */
export interface BotAnswers {
  type: string;
  /** By their keys in settings; those that are not given yet are looked for in their variables. */
  tokens: Readonly<Record<string, SecretRef>>;
  /** The bot's own token itself, by which it is known again. */
  value: string;
  /** Another server than the platform's own. */
  address?: string;
}

/** @throws Failure `internal` for a type that is none. */
export function platformOf(type: string): Platform {
  const platform = Object.hasOwn(platforms, type) ? platforms[type] : undefined;
  if (platform === undefined) throw new Failure("internal", `There is no platform ${JSON.stringify(type)}`);
  return platform;
}

/** Names of the adapters that have a platform the wizard knows. */
export function botNames(config: Config): string[] {
  return Object.entries(config.settings.adapters)
    .filter(([, { type }]) => Object.hasOwn(platforms, type))
    .map(([name]) => name)
    .slice(0, limits.setupBotsMax);
}

/** The name under which a bot stands in settings already, or a free one. */
export function nameOf({ type, value }: Pick<BotAnswers, "type" | "value">, config: Config): string {
  const same = Object.entries(config.settings.adapters).filter((entry) => entry[1].type === type);
  const bot = platformOf(type).botOf(value);
  const known = same.find(([, settings]) => {
    const token = tokenOf(settings[platformOf(type).tokens[0].key], config);
    // A token that is nowhere to be found is what is being mended, when it is the only one.
    return token === undefined ? same.length === 1 : platformOf(type).botOf(token) === bot;
  });
  if (known !== undefined) return known[0];
  const names = [type, ...Array.from({ length: limits.setupBotsMax }, (_, index) => `${type}-${index + 2}`)];
  const free = names.find((name) => !Object.hasOwn(config.settings.adapters, name));
  if (free === undefined) throw new Failure("usage", `Cannot add a bot: there are ${limits.setupBotsMax} already`);
  return free;
}

function tokenOf(ref: unknown, config: Config): string | undefined {
  try {
    return config.secret(ref as SecretRef);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The settings for a bot; everything else that stands there of it stays. */
export function botPatch(answers: BotAnswers, config: Config): { adapter: string; patch: Record<string, unknown> } {
  const { type, tokens, address } = answers;
  const platform = platformOf(type);
  const adapter = nameOf(answers, config);
  const known = config.settings.adapters[adapter] ?? {};
  const refs = platform.tokens.flatMap(({ key, variables }): [string, SecretRef][] => {
    const given = tokens[key];
    if (given !== undefined) return [[key, given]];
    return key in known ? [] : [[key, { env: variables[0] }]];
  });
  const settings = {
    type,
    ...Object.fromEntries(refs),
    ...(address === undefined ? {} : { [platform.addressKey]: address }),
  };
  return { adapter, patch: { adapters: { [adapter]: settings } } };
}

/** The secret itself, or why there is none. */
export function secretOf(token: SecretRef, config: Pick<Config, "secret">): string | Failure {
  try {
    return config.secret(token).trim();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Writes settings unless they say so already. @returns whether anything changed. */
export async function keepSettings(path: string, patch: Record<string, unknown>): Promise<boolean> {
  const { raw, text } = readSettingsFile(path);
  if (text !== undefined && holds(raw, patch)) return false;
  await writeSettings(path, patch);
  return true;
}

function holds(raw: unknown, patch: unknown): boolean {
  if (!isObject(patch)) return JSON.stringify(raw) === JSON.stringify(patch);
  return isObject(raw) && Object.entries(patch).every(([key, value]) => holds(raw[key], value));
}

/** Looks at a bot as `config` has it. Another poller is looked for unless it would be our own instance. */
export async function inspectBot(
  config: Config,
  { adapter, places, listen = true, only }: { adapter: string; places: Places; listen?: boolean; only?: string },
): Promise<Inspection> {
  const settings = config.settings.adapters[adapter];
  if (settings === undefined) throw new Failure("internal", `Settings have no adapter ${JSON.stringify(adapter)}`);
  const found = await findInstance(places);
  const ours =
    found.state === "up" ? found.status.adapters.some(({ name }) => name === adapter) : found.state === "deaf";
  const deps = { name: adapter, secret: config.secret, fetch: globalThis.fetch, clock: systemClock };
  const one = only === undefined ? {} : { only };
  return (await inspectAdapter(settings, { ...deps, ...one, listen: listen && !ours })) ?? { remarks: [] };
}

/** What stands in the way, worst first; clock and groups are worth a word and hinder nothing. */
export function hindrances({ remarks }: Inspection): Remark[] {
  return remarks.filter(({ level }) => level === "bad");
}

/** What is worth a word and hinders nothing; that nobody has let the bot in yet is a step of its own. */
export function notes({ remarks }: Inspection): string[] {
  return remarks
    .filter(({ level, about }) => level === "warn" && about !== "invitation")
    .map((remark) => `Note: ${remarkText(remark)}`);
}

/** A remark with its mend, as lines. */
export function remarkText({ text, mend }: Pick<Remark, "text" | "mend">): string {
  return mend === undefined ? text : `${text}\n${mend}`;
}
