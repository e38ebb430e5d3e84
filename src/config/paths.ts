// Where everything is: the state folder and what stands in it. Loads nothing, so that `status` is quick.
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** Environment variables, as the caller got them from `systemEnvironment`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What stands in the state folder; absolute paths. `logs`, `tools`, `backups` and `sandboxes` are folders. */
export interface StatePaths {
  settings: string;
  database: string;
  lock: string;
  socket: string;
  logs: string;
  tools: string;
  backups: string;
  key: string;
  sandboxes: string;
}

/** The state folder's absolute path: `--state-dir`, then the environment, then `~/.remoteagent`. Nothing is touched. */
export function stateDirectory(flags: { stateDir?: string }, env: Environment): string {
  const named = flags.stateDir || env.REMOTEAGENT_STATE_DIR || env.MAMA_STATE_DIR || env.MOM_STATE_DIR;
  return expand(named || join("~", ".remoteagent"), env);
}

/** The paths in a state folder. */
export function statePaths(stateDir: string): StatePaths {
  return {
    settings: join(stateDir, "settings.json"),
    database: join(stateDir, "remoteagent.db"),
    lock: join(stateDir, "remoteagent.lock"),
    socket: join(stateDir, "remoteagent.sock"),
    logs: join(stateDir, "logs"),
    tools: join(stateDir, "tools"),
    backups: join(stateDir, "backups"),
    key: join(stateDir, "key"),
    sandboxes: join(stateDir, "sandboxes"),
  };
}

/** An absolute path from what a person wrote: `~` is the home folder, a relative path is below `from` or the current folder. */
export function expand(path: string, env: Environment, from = "."): string {
  const home = homeDirectory(env);
  if (path === "~") return home;
  if (path.startsWith("~/")) return resolve(home, path.slice(2));
  return resolve(from, path);
}

/** HOME where it is a path, else the one that the system knows (a service may run without HOME). */
function homeDirectory(env: Environment): string {
  return env.HOME !== undefined && isAbsolute(env.HOME) ? env.HOME : homedir();
}
