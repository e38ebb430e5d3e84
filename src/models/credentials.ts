// Which key a request goes out with: vault, then settings, then environment; asked at each use, kept nowhere.
import { existsSync } from "node:fs";
import type { AuthContext, AuthResult, Provider } from "@earendil-works/pi-ai";
import { Failure } from "../core/failure.ts";
import type { KeyOwner } from "./model.ts";
import { own } from "./own.ts";
import { providers } from "./providers.ts";
import type { ProviderSettings } from "./routes.ts";
import { noKey } from "./wire.ts";

/** What a request carries to be let in. */
export interface Access {
  apiKey?: string;
  headers?: Record<string, string | null>;
  baseUrl?: string;
  /** Regions, accounts and the like. */
  env?: Record<string, string>;
  /** True for a server that wants no key: the client libraries must not invent one. */
  keyless: boolean;
}

export interface CredentialDeps {
  environment(name: string): string | undefined;
  /** The vault: a key that the requester, where one is named, or the instance stored for `provider`. */
  credential?: (provider: string, requester?: KeyOwner) => Promise<string | undefined>;
}

/** The name under which the vault keeps the key of a provider. */
export function keyName(provider: string): string {
  return own(providers, provider)?.env[0] ?? `${provider.toUpperCase().replaceAll("-", "_")}_API_KEY`;
}

/**
 * The access for one request, or `undefined` when nothing is configured. `provider` is the library's own,
 * absent for a server that only settings know, which may go without a key.
 */
export async function findAccess(
  name: string,
  options: {
    settings: ProviderSettings;
    provider?: Provider;
    deps: CredentialDeps;
    /** Whose own key comes first. */
    requester?: KeyOwner;
    signal?: AbortSignal;
  },
): Promise<Access | undefined> {
  const { provider, settings, deps } = options;
  const key = (await deps.credential?.(name, options.requester)) || settings.apiKey?.() || undefined;
  const env = extraEnvironment(name, deps);
  const headers = settings.headers?.() ?? {};
  if (provider === undefined || settings.api !== undefined) {
    const found = key ?? fromEnvironment(name, deps);
    return { apiKey: found ?? noKey, headers, keyless: found === undefined };
  }
  if (provider.auth.apiKey === undefined) {
    return key === undefined ? undefined : { apiKey: key, headers, keyless: false };
  }
  const result: AuthResult | undefined = await provider.auth.apiKey.resolve({
    ctx: authContext(deps),
    ...(key === undefined ? {} : { credential: { type: "api_key", key } }),
    signal: options.signal ?? new AbortController().signal,
  });
  if (result === undefined) {
    // An own address of a known provider is often a local server without keys.
    return settings.baseUrl === undefined ? undefined : { apiKey: noKey, headers, keyless: true };
  }
  return {
    ...result.auth,
    headers: { ...result.auth.headers, ...headers },
    env: { ...env, ...result.env },
    keyless: false,
  };
}

/** True when `name` could be used now; loads no library. Cloud accounts may still turn out to be incomplete. */
export async function hasAccess(
  name: string,
  options: { settings: ProviderSettings | undefined; deps: CredentialDeps },
): Promise<boolean> {
  const { settings, deps } = options;
  if (settings !== undefined && (settings.baseUrl !== undefined || settings.apiKey?.() !== undefined)) return true;
  if (fromEnvironment(name, deps) !== undefined) return true;
  return Boolean(await deps.credential?.(name));
}

/** The failure of a request for which there is no key at all. */
export function missingAccess(name: string): Failure {
  return new Failure("provider.auth.final", `Cannot ask model provider "${name}": no key is configured`, {
    hint: keyHint(name),
  });
}

/** Where a person puts the key of `name`. */
export function keyHint(name: string): string {
  const variable = own(providers, name)?.env[0];
  const settings = `models.${name}.apiKey in settings.json`;
  return variable === undefined ? `Set ${settings}` : `Set ${variable} or ${settings}`;
}

function fromEnvironment(name: string, deps: CredentialDeps): string | undefined {
  for (const variable of own(providers, name)?.env ?? []) {
    const value = deps.environment(variable);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

function extraEnvironment(name: string, deps: CredentialDeps): Record<string, string> {
  const entry = own(providers, name);
  const found = [...(entry?.env ?? []), ...(entry?.extraEnv ?? [])]
    .map((variable) => [variable, deps.environment(variable)] as const)
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined && pair[1] !== "");
  return Object.fromEntries(found);
}

function authContext(deps: CredentialDeps): AuthContext {
  return {
    env: async (name) => deps.environment(name) || undefined,
    fileExists: async (path) =>
      existsSync(path.startsWith("~") ? `${deps.environment("HOME") ?? ""}${path.slice(1)}` : path),
  };
}
