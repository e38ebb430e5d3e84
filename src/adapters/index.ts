// The table of the family. The terminal is always there; the platforms join by their type in settings.
import * as v from "valibot";
import type { AdapterSchema, AdapterSettings, Parts } from "../config/schema.ts";
import { Failure } from "../core/failure.ts";
import type { Adapter, AdapterDeps } from "./adapter.ts";
import { discordSchema } from "./discord/config.ts";
import { discordPlatform } from "./discord/guide.ts";
import type { HistoryDeps, HistoryLine } from "./history.ts";
import type { InspectDeps, Inspection, Platform } from "./inspection.ts";
import { slackSchema } from "./slack/config.ts";
import { slackPlatform } from "./slack/guide.ts";
import { telegramSchema } from "./telegram/config.ts";
import { telegramPlatform } from "./telegram/guide.ts";

export { openTerminal, type Terminal, terminalTraits } from "./terminal/index.ts";

interface Member {
  schema: AdapterSchema;
  platform: Platform;
  open(settings: AdapterSettings, deps: AdapterDeps): Promise<Adapter>;
  inspect(settings: AdapterSettings, deps: InspectDeps): Promise<Inspection>;
  /** Absent where a platform lets a bot read no past. */
  history?(settings: AdapterSettings, deps: HistoryDeps): Promise<AsyncIterable<HistoryLine>>;
}

/** A type with its own keys; the rest of it is loaded when it is asked for. */
function member<Schema extends AdapterSchema>(
  schema: Schema,
  parts: {
    platform: Platform;
    open: () => Promise<(settings: v.InferOutput<Schema>, deps: AdapterDeps) => Adapter>;
    inspect: () => Promise<(settings: v.InferOutput<Schema>, deps: InspectDeps) => Promise<Inspection>>;
    history?: () => Promise<(settings: v.InferOutput<Schema>, deps: HistoryDeps) => AsyncIterable<HistoryLine>>;
  },
): Member {
  // The keys that all adapters have are the gateway's.
  const own = v.object(schema.entries);
  const { history } = parts;
  return {
    schema,
    platform: parts.platform,
    open: async (settings, deps) => (await parts.open())(v.parse(own, settings), deps),
    inspect: async (settings, deps) => (await parts.inspect())(v.parse(own, settings), deps),
    ...(history === undefined
      ? {}
      : {
          history: async (settings: AdapterSettings, deps: HistoryDeps) =>
            (await history())(v.parse(own, settings), deps),
        }),
  };
}

/** In the order in which people are offered them. */
const table: Readonly<Record<string, Member>> = {
  telegram: member(telegramSchema, {
    platform: telegramPlatform,
    open: async () => (await import("./telegram/index.ts")).openTelegram,
    inspect: async () => (await import("./telegram/inspect.ts")).inspectTelegram,
  }),
  slack: member(slackSchema, {
    platform: slackPlatform,
    open: async () => (await import("./slack/index.ts")).openSlack,
    inspect: async () => (await import("./slack/inspect.ts")).inspectSlack,
    history: async () => (await import("./slack/history.ts")).historyOfSlack,
  }),
  discord: member(discordSchema, {
    platform: discordPlatform,
    open: async () => (await import("./discord/index.ts")).openDiscord,
    inspect: async () => (await import("./discord/inspect.ts")).inspectDiscord,
    history: async () => (await import("./discord/history.ts")).historyOfDiscord,
  }),
};

/** What the family brings to the settings' schema. */
export const adapterParts: Parts = {
  adapters: Object.fromEntries(Object.entries(table).map(([type, { schema }]) => [type, schema])),
};

/**
 * Opens one configured adapter; it connects by itself, and says by its health how that goes.
 * @throws Failure `settings` for a type that this program does not have.
 */
export async function openAdapter(settings: AdapterSettings, deps: AdapterDeps): Promise<Adapter> {
  const known = Object.hasOwn(table, settings.type) ? table[settings.type] : undefined;
  if (known !== undefined) return await known.open(settings, deps);
  const type = JSON.stringify(settings.type);
  throw new Failure("settings", `Cannot open adapter ${JSON.stringify(deps.name)}: there is no type ${type}`);
}

/** What the wizard knows of each type, by its name in settings. */
export const platforms: Readonly<Record<string, Platform>> = Object.fromEntries(
  Object.entries(table).map(([type, { platform }]) => [type, platform]),
);

/** Looks at a configured bot from outside; undefined for a type that cannot be looked at. */
export async function inspectAdapter(settings: AdapterSettings, deps: InspectDeps): Promise<Inspection | undefined> {
  return Object.hasOwn(table, settings.type) ? await table[settings.type]?.inspect(settings, deps) : undefined;
}

/** A conversation's past as its platform has it; undefined for a type that tells none. */
export async function readHistory(
  settings: AdapterSettings,
  deps: HistoryDeps,
): Promise<AsyncIterable<HistoryLine> | undefined> {
  return Object.hasOwn(table, settings.type) ? await table[settings.type]?.history?.(settings, deps) : undefined;
}

/** The doors that settings name, and the terminal, each with what can be a person's id there. */
export function namedAdapters(
  configured: Readonly<Record<string, Pick<AdapterSettings, "type">>>,
): { name: string; isPerson?(id: string): boolean }[] {
  const others = Object.entries(configured).map(([name, { type }]) => {
    const platform = Object.hasOwn(platforms, type) ? platforms[type] : undefined;
    return { name, ...(platform === undefined ? {} : { isPerson: platform.isPerson }) };
  });
  return [...others, { name: "terminal" }];
}
