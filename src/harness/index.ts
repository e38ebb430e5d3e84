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
function isHarnessName(name: string): name is HarnessName {
  return Object.hasOwn(harnesses, name);
}

/** @throws Failure `settings` for a name that this program does not have. */
export function checkHarness(name: string): void {
  if (isHarnessName(name)) return;
  throw new Failure("settings", `Cannot use harness ${JSON.stringify(name)}: this program has no such harness`, {
    hint: `Harnesses: ${Object.keys(harnesses).join(", ")}`,
  });
}

async function openHarness(name: string, deps: HarnessDeps): Promise<Harness> {
  checkHarness(name);
  return harnesses[name as HarnessName].load(deps);
}

/** Opens each harness once, when it is first asked for. @throws Failure `settings` for an unknown name. */
export function createHarnesses(deps: (name: string) => HarnessDeps): (name: string) => Promise<Harness> {
  const opened = new Map<string, Promise<Harness>>();
  return (name) => {
    const found = opened.get(name) ?? openHarness(name, deps(name));
    opened.set(name, found);
    return found;
  };
}
