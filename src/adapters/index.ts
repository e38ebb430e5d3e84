// The table of the family. The terminal is always there; the platforms join by their type in settings.
import * as v from "valibot";
import type { AdapterSchema, AdapterSettings, Parts } from "../config/schema.ts";
import { Failure } from "../core/failure.ts";
import type { Adapter, AdapterDeps } from "./adapter.ts";
import { telegramSchema } from "./telegram/config.ts";

export { openTerminal, type Terminal, terminalTraits } from "./terminal/index.ts";

interface Member {
  schema: AdapterSchema;
  open(settings: AdapterSettings, deps: AdapterDeps): Promise<Adapter>;
}

/** A type with its own keys; the rest of it is loaded when a configuration asks for it. */
function member<Schema extends AdapterSchema>(
  schema: Schema,
  load: () => Promise<(settings: v.InferOutput<Schema>, deps: AdapterDeps) => Adapter>,
): Member {
  // The keys that all adapters have are the gateway's.
  const own = v.object(schema.entries);
  return { schema, open: async (settings, deps) => (await load())(v.parse(own, settings), deps) };
}

const table: Readonly<Record<string, Member>> = {
  telegram: member(telegramSchema, async () => (await import("./telegram/index.ts")).openTelegram),
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
