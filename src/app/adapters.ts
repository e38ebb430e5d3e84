// Opens the configured adapters, each by itself: one that fails leaves the others working.
import { atLeast } from "../access/roles.ts";
import { openAdapter as openOfTable } from "../adapters/index.ts";
import { errorText, failureData, failureText } from "../core/failure.ts";
import { commands } from "../gateway/commands/index.ts";
import type { Doors } from "./doors.ts";
import type { Middle } from "./middle.ts";
import type { StartOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { quietly } from "./quietly.ts";
import { createViews, placesOf } from "./views.ts";

/**
 * Opens every adapter of the settings and attaches it to gateway and deliveries.
 * @returns the function that closes them all.
 */
export async function openAdapters(
  { config, log, clock, openAdapter = openOfTable }: StartOptions,
  { parts, middle, doors }: { parts: Parts; middle: Middle; doors: Doors },
): Promise<() => Promise<void>> {
  const { store } = parts;
  const closers: (() => Promise<void>)[] = [];
  const open = async (name: string, settings: (typeof config.settings.adapters)[string]): Promise<void> => {
    const own = log.child({ adapter: name });
    const adapter = await openAdapter(settings, {
      name,
      receive: (inbound, behind) => middle.gateway.receive(inbound, doors.traits(name), behind),
      admins: () => doors.admins(name, store.roles),
      secret: config.secret,
      commands: commands
        .filter(({ hidden }) => hidden !== true)
        .map(({ name: command, summary, args, ownerOnly = false, least = "none" }) => ({
          name: command,
          summary,
          ...(args === undefined ? {} : { args }),
          ownerOnly: ownerOnly || atLeast(least, "admin"),
        })),
      memory: {
        get: (key) => store.facts.get(`adapter/${name}/${key}`),
        set: (key, value) => store.facts.set(`adapter/${name}/${key}`, value),
      },
      moved: (from, to) => middle.gateway.moved(name, { from, to }),
      places: () => placesOf(store, name),
      views: createViews({ parts, doors, gateway: middle.gateway }, name),
      clock,
      log: own,
      fetch: globalThis.fetch,
    });
    closers.push(adapter.close);
    doors.attach(adapter);
    middle.outbox.attach(adapter);
  };
  await Promise.all(
    Object.entries(config.settings.adapters).map(async ([name, settings]) => {
      try {
        await open(name, settings);
      } catch (error) {
        log.error("Cannot open an adapter", { adapter: name, error: errorText(error) });
        doors.refuse(name, failureText(failureData(error)));
      }
    }),
  );
  return async () => void (await Promise.all(closers.map((close) => quietly(log, close))));
}
