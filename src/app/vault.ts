// The vault in the instance: opened at the start, told to the redactor, given to turns and to models.
import { join } from "node:path";
import { errorText, Failure, failureText } from "../core/failure.ts";
import type { TurnRow } from "../core/session.ts";
import type { TurnDeps } from "../gateway/turns/turn.ts";
import { keyName } from "../models/credentials.ts";
import type { ModelsDeps } from "../models/models.ts";
import { openLater } from "../sandbox/later.ts";
import { placing } from "../sandbox/placed.ts";
import type { SandboxDriver, SandboxRequest } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import { isMissing, openBeneath, removeBeneath } from "../sys/beneath.ts";
import type { Log } from "../sys/log.ts";
import { type Given, givenTo, modelKey } from "../vault/given.ts";
import { openVault } from "../vault/open.ts";
import type { Vault } from "../vault/vault.ts";
import type { StartOptions } from "./options.ts";

/** The vault, opened as far as that needs nobody. A vault that stays locked is no reason not to start. */
export async function startVault({ config, log, clock }: StartOptions, store: Store): Promise<Vault> {
  const credentials = config.env.CREDENTIALS_DIRECTORY;
  const vault = openVault({ store, keyPath: config.paths.key, credentials, now: () => clock.now() });
  config.addSecrets(vault.secretValues);
  try {
    await vault.open();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.warn("The vault stays locked", { error: errorText(error) });
  }
  return vault;
}

/** The keys of models that are in the vault. */
export function keysOf(vault: Vault): NonNullable<ModelsDeps["credential"]> {
  return async (provider, requester) => modelKey(vault, { name: keyName(provider), ...(requester && { requester }) });
}

/** What the owner should know of it, for `status`. */
export function vaultNotices(vault: Vault): string[] {
  const now = vault.state();
  return now.state === "locked" ? [failureText(now.why).replaceAll("\n", ": ")] : [];
}

/** What of the vault a turn gets where commands run as settings say. */
export function secretsOf({ config }: StartOptions, { vault }: { vault: Vault }) {
  const { injectOnHost } = config.settings.vault;
  const [kind = "", ...name] = config.settings.sandbox.split(":");
  const sandbox = { kind: kind === "docker" ? "container" : kind, name: name.join(":") };
  return ({ replyTo, requester }: TurnRow, { guest }: { guest: boolean }): Given =>
    givenTo(
      vault,
      { adapter: replyTo.adapter, requester: requester.id, conversation: replyTo.conversation.id, guest, sandbox },
      { injectOnHost },
    );
}

/** What turns ask of it: sandboxes that hold the vault's files while a turn has them open, and whose model keys count. */
export function vaultServices(
  { config, log }: StartOptions,
  { driver, store }: { driver: SandboxDriver; store: Store },
): Pick<TurnDeps, "openSandbox" | "ownKeys"> {
  const { sandbox, agents } = config.settings;
  // The turns of one container share its home; everywhere else the home is the request's.
  const place = ({ home }: SandboxRequest) => (/^(?:container|docker):/.test(sandbox) ? sandbox : home);
  const { placed, notePlaced } = store.vaults;
  const filled = placing(driver, { place, placed, notePlaced, log });
  return {
    openSandbox: (request) => openLater(filled, request),
    ownKeys: ({ agent }) => agents[agent]?.ownKeys === true,
  };
}

/**
 * Takes out of homes on this machine what a life that was cut off left there. A home is written to by commands: nothing
 * is followed in it. Homes inside of containers are looked after by the next turn there.
 */
export async function sweepFiles({ store, log }: { store: Store; log: Log }): Promise<void> {
  for (const { place, paths } of store.vaults.allPlaced()) {
    if (!place.startsWith("/")) continue;
    for (const path of paths) {
      const home = join(place, "home");
      try {
        const file = await openBeneath(home, path, { for: "read" });
        try {
          await removeBeneath(home, { path, file });
        } finally {
          await file.close();
        }
      } catch (error) {
        // A link or a folder there is not what was placed.
        if (!isMissing(error))
          log.warn("A file of the vault could not be taken out", { path, error: errorText(error) });
      }
    }
    store.vaults.notePlaced(place, []);
  }
}
