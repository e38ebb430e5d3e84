// The family's table: every kind of sandbox, loaded only when settings ask for it.
import { Failure } from "../core/failure.ts";
import type { HostDeps } from "./host/index.ts";
import type { SandboxDriver } from "./sandbox.ts";

/** What any driver may need; each takes what it uses. */
export type DriverDeps = HostDeps;

interface DriverType {
  /** `name` is what stands behind the kind: `debian` in `image:debian`. */
  load(deps: DriverDeps, name: string): Promise<SandboxDriver & { sweep(): Promise<unknown> }>;
}

/** Kind → its member. */
export const drivers = {
  host: { load: async (deps) => (await import("./host/index.ts")).createHostDriver(deps) },
  container: {
    load: async (deps, name) => (await import("./container/index.ts")).createContainerDriver({ ...deps, name }),
  },
  image: { load: async (deps, name) => (await import("./image/index.ts")).createImageDriver({ ...deps, name }) },
} satisfies Record<string, DriverType>;

/** Other words for a kind, as settings of other programs have them. */
const synonyms: Record<string, string> = { docker: "container" };

/** The kind that a setting names (`host`, `image:debian`). @throws Failure `settings` for one that there is not. */
export function sandboxKind(setting: string): keyof typeof drivers {
  const word = setting.split(":", 1)[0] ?? "";
  const kind = synonyms[word] ?? word;
  if (Object.hasOwn(drivers, kind)) return kind as keyof typeof drivers;
  throw new Failure("settings", `Cannot use sandbox ${JSON.stringify(setting)}: this program has no such kind`, {
    hint: `Kinds: ${Object.keys(drivers).join(", ")}`,
  });
}

/** Loads the driver that a setting names. @throws Failure `settings` for an unknown kind. */
export async function openDriver(setting: string, deps: DriverDeps): ReturnType<DriverType["load"]> {
  const colon = setting.indexOf(":");
  return drivers[sandboxKind(setting)].load(deps, colon === -1 ? "" : setting.slice(colon + 1));
}
