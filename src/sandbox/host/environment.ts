// The environment of commands on the host: a few variables by name, then the request's and the command's own.
import { Failure } from "../../core/failure.ts";

/** Taken from the host when set. Everything else of ours stays with us. */
const passed =
  /^(LANG|LANGUAGE|LC_[A-Z]+|TERM|COLORTERM|TZ|USER|LOGNAME|SHELL|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)$/;

/**
 * Never set, whoever asks: these make our own program, Node or the dynamic loader run something else before the
 * command.
 */
const refused = /^(BUN_|NODE_OPTIONS$|LD_|DYLD_|GCONV_PATH$|GLIBC_TUNABLES$|REMOTEAGENT_SANDBOX$)/;

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where the pieces of an environment come from; later ones win. */
export interface EnvironmentSources {
  host: Readonly<Record<string, string | undefined>>;
  home: string;
  temporary: string;
  /** Whether a folder of the host is at the same place inside; the others are left out of PATH. */
  visible(folder: string): boolean;
  request: Readonly<Record<string, string>>;
  command: Readonly<Record<string, string>>;
}

/** @throws Failure `sandbox` for a name or value that no process can have. */
export function commandEnvironment(sources: EnvironmentSources): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(sources.host)) {
    // A proxy's address may hold a login; then it is the owner's to hand on.
    if (value !== undefined && passed.test(name) && !(/proxy$/i.test(name) && value.includes("@")))
      result[name] = value;
  }
  result.TERM ??= "dumb";
  result.PATH = searchPath(sources.host.PATH ?? "", sources.visible);
  result.HOME = sources.home;
  result.TMPDIR = sources.temporary;
  for (const [name, value] of [...Object.entries(sources.request), ...Object.entries(sources.command)]) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new Failure("sandbox", `Cannot set variable ${JSON.stringify(name)}: it is not a variable's name`);
    }
    if (value.includes("\0")) {
      throw new Failure("sandbox", `Cannot set variable ${JSON.stringify(name)}: its value has a NUL character`);
    }
    if (!refused.test(name)) result[name] = value;
  }
  return result;
}

function searchPath(host: string, visible: (folder: string) => boolean): string {
  const folders = host.split(":").filter((folder) => folder.startsWith("/") && visible(folder));
  return [...new Set([...folders, ...defaultPath.split(":")])].join(":");
}
