// The table of the family: which harnesses there are. A member is loaded when its name is asked for.
import { Failure } from "../core/failure.ts";
import type { Harness, HarnessDeps } from "./harness.ts";

interface HarnessType {
  load(deps: HarnessDeps): Promise<Harness>;
}

export const harnesses = {
  native: { load: async (deps) => (await import("./native/index.ts")).createNativeHarness(deps) },
} satisfies Record<string, HarnessType>;
export type HarnessName = keyof typeof harnesses;

/** True for the name of a harness. */
export function isHarnessName(name: string): name is HarnessName {
  return Object.hasOwn(harnesses, name);
}

/** Loads a harness. @throws Failure `settings` for an unknown name. */
export async function openHarness(name: string, deps: HarnessDeps): Promise<Harness> {
  if (isHarnessName(name)) return harnesses[name].load(deps);
  throw new Failure("settings", `Cannot open harness ${JSON.stringify(name)}: there is no such harness`, {
    hint: `Harnesses: ${Object.keys(harnesses).join(", ")}`,
  });
}
