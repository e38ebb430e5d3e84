// The table of the family. The terminal is always there; the platforms join by their type in settings.
import * as v from "valibot";
import type { AdapterSchema, AdapterSettings, Parts } from "../config/schema.ts";
import { Failure } from "../core/failure.ts";
import type { Adapter, AdapterDeps } from "./adapter.ts";
import type { InspectDeps, Inspection, Platform } from "./inspection.ts";
import { telegramSchema } from "./telegram/config.ts";
import { telegramPlatform } from "./telegram/guide.ts";

export { openTerminal, type Terminal, terminalTraits } from "./terminal/index.ts";

interface Member {
  schema: AdapterSchema;
  platform: Platform;
  open(settings: AdapterSettings, deps: AdapterDeps): Promise<Adapter>;
  inspect(settings: AdapterSettings, deps: InspectDeps): Promise<Inspection>;
}

/** A type with its own keys; the rest of it is loaded when it is asked for. */
function member<Schema extends AdapterSchema>(
  schema: Schema,
  parts: {
    platform: Platform;
    open: () => Promise<(settings: v.InferOutput<Schema>, deps: AdapterDeps) => Adapter>;
    inspect: () => Promise<(settings: v.InferOutput<Schema>, deps: InspectDeps) => Promise<Inspection>>;
  },
): Member {
  // The keys that all adapters have are the gateway's.
  const own = v.object(schema.entries);
  return {
    schema,
    platform: parts.platform,
    open: async (settings, deps) => (await parts.open())(v.parse(own, settings), deps),
    inspect: async (settings, deps) => (await parts.inspect())(v.parse(own, settings), deps),
  };
}

const table: Readonly<Record<string, Member>> = {
  telegram: member(telegramSchema, {
    platform: telegramPlatform,
    open: async () => (await import("./telegram/index.ts")).openTelegram,
    inspect: async () => (await import("./telegram/inspect.ts")).inspectTelegram,
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
