// The person's own folders and the workspace, beside the state folder that nothing may contain.
import { realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
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
  const workspace =
    settings.workspace === undefined ? join(stateDir, "workspace") : expand(settings.workspace, env, from);
  if (contains(realPath(workspace), state)) {
    problems.push({ path: "workspace", value: JSON.stringify(workspace), message: "it contains the state folder" });
  }
  const agents = Object.entries(settings.agents).map(([name, agent]) => {
    const folders = agent.folders.map((folder, index) => {
      const path = expand(folder.path, env);
      const real = realPath(path);
      if (contains(real, state) || contains(state, real)) {
        const message = "it contains the state folder, or is a part of it";
        problems.push({ path: `agents.${name}.folders[${index}].path`, value: JSON.stringify(folder.path), message });
      }
      return { ...folder, path };
    });
    return [name, { ...agent, folders }] as const;
  });
  return { settings: { ...settings, agents: Object.fromEntries(agents) }, workspace, problems };
}

/** True when `inner` is `outer` or below it. */
function contains(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === "" || (way !== ".." && !way.startsWith("../") && !way.startsWith("/"));
}

/** The path without links, as far as it exists. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPath(above), path.slice(above.length).replace(/^\//, ""));
  }
}
