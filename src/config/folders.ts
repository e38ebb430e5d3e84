// The person's own folders and the workspace, beside the state folder that nothing may contain.
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { grantProblem, isWithin } from "../core/folder.ts";
import { type Environment, expand } from "./paths.ts";
import type { Problem } from "./problems.ts";
import type { Settings } from "./schema.ts";

/** Settings with absolute folders, the workspace's path (a relative one is below `from`), and what is wrong with either. */
export function placeFolders(
  settings: Settings,
  { stateDir, env, from }: { stateDir: string; env: Environment; from: string },
): { settings: Settings; workspace: string; problems: Problem[] } {
  const problems: Problem[] = [];
  const state = realPath(stateDir);
  // A service has no current folder worth the name, so that only flags and variables count from there.
  const written =
    settings.workspace === undefined ? join(stateDir, "workspace") : expand(settings.workspace, env, from);
  const workspace = realPath(written);
  if (isWithin(state, workspace)) {
    problems.push({ path: "workspace", value: JSON.stringify(written), message: "it contains the state folder" });
  }
  const agents = Object.entries(settings.agents).map(([name, agent]) => {
    const folders = agent.folders.map((folder, index): PlacedFolder => {
      const link = expand(folder.path, env);
      const path = realPath(link);
      const message = grantProblem(path, { access: folder.access, state, workspace });
      if (message !== undefined) {
        problems.push({ path: `agents.${name}.folders[${index}].path`, value: JSON.stringify(folder.path), message });
      }
      return { ...folder, path, ...(path === link ? {} : { link }) };
    });
    return [name, { ...agent, folders }] as const;
  });
  return { settings: { ...settings, agents: Object.fromEntries(agents) }, workspace, problems };
}

/** The real path, as it is now: a link that somebody puts there later is not followed. `link`: as it was written. */
type PlacedFolder = Settings["agents"][string]["folders"][number] & { link?: string };

/** The path without links, as far as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPath(above), path.slice(above.length).replace(/^\//, ""));
  }
}
