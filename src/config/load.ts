// The one reader of the environment, and the way from flags, environment and settings.json to one value.
import process from "node:process";
import type { Flags } from "./overrides.ts";
import { type Environment, type StatePaths, stateDirectory, statePaths } from "./paths.ts";
import type { Problem } from "./problems.ts";
import type { Parts, Settings } from "./schema.ts";
import type { SecretRef } from "./secret.ts";

/** Everything that is configured, handed down in slices. */
export interface Config {
  stateDir: string;
  paths: StatePaths;
  /** Absolute; it may not exist yet. */
  workspace: string;
  /** Checked, with defaults; secrets are references, `folders` are absolute. */
  settings: Settings;
  /** The secret itself, looked up at each use. @throws Failure `settings` when it is not there. */
  secret(ref: SecretRef): string;
  /** Values that were text in settings or that `secret` and `environment` gave out, for the redactor. */
  secretValues(): Iterable<string>;
  /** Adds what is secret and does not stand in settings (the vault), for the redactor. */
  addSecrets(source: () => Iterable<string>): void;
  /** The variables that a child may have; no secrets among them. */
  env: Readonly<Record<string, string>>;
  /** One variable, for those who know its name (the keys of model providers). Empty is absent. */
  environment(name: string): string | undefined;
  /** What is not as it should be and yet no reason not to start. */
  problems: Problem[];
}

export interface LoadOptions {
  flags?: Flags;
  /** The environment; the program's own by default. */
  env?: Environment;
  parts: Parts;
}

/** Variables that would change what our own executable runs when it is started again. */
const unsafeVariables = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "NODE_OPTIONS"];

/** A copy of the program's environment, for those who need it before or without settings, and for `start`. */
export function systemEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !unsafeVariables.includes(entry[0]),
  );
  return Object.fromEntries(entries);
}

/** What children may have of the environment: the person's place and language, and addresses. */
const passedVariables = [
  ["HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"],
  ["TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "EDITOR", "VISUAL"],
  ["LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME"],
  ["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS"],
  ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "INVOCATION_ID", "CREDENTIALS_DIRECTORY"],
  ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "DOCKER_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"],
].flat();

/**
 * Reads and checks everything that is configured. Each setting comes from its flag, else the environment, else the
 * file, else its default. The state folder is made when it is absent.
 * @throws Failure `state` for an unsafe state folder; Failure `settings` with every problem of the settings.
 */
export async function loadConfig({ flags = {}, env = systemEnvironment(), parts }: LoadOptions): Promise<Config> {
  // Only who reads settings pays for the schema; `status` does not.
  const [{ prepareStateDirectory }, { readSettings }, { resolveSecret }] = await Promise.all([
    import("./state.ts"),
    import("./settings.ts"),
    import("./secret.ts"),
  ]);
  const stateDir = stateDirectory(flags, env);
  prepareStateDirectory(stateDir);
  const paths = statePaths(stateDir);
  const { settings, workspace, warnings, secrets } = readSettings(paths.settings, { flags, env, parts, stateDir });
  // Whoever asks for them or not: what looks like a secret in our environment must not come out again.
  const inherited = Object.entries(env).flatMap(([name, value]) => (value && looksSecret(name) ? [value] : []));
  const values = new Set([...secrets, ...inherited]);
  const sources: (() => Iterable<string>)[] = [() => values];
  const remember = (value: string) => {
    values.add(value);
    return value;
  };
  return {
    stateDir,
    paths,
    workspace,
    settings,
    secret: (ref) => remember(resolveSecret(ref, { env, from: stateDir })),
    secretValues: () => sources.flatMap((source) => [...source()]),
    addSecrets: (source) => void sources.push(source),
    env: Object.fromEntries(passedVariables.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))),
    environment(name) {
      const value = env[name];
      if (value === undefined || value === "") return undefined;
      return looksSecret(name) ? remember(value) : value;
    },
    problems: warnings,
  };
}

function looksSecret(name: string): boolean {
  return /KEY|TOKEN|SECRET|PASS|CREDENTIAL/.test(name) && !/(?:FILE|PATH|DIRECTORY)$/.test(name);
}
