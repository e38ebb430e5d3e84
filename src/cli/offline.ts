// An admin request: answered by the running instance, else by the store itself while this process holds the lock.
import { namedAdapters } from "../adapters/index.ts";
import { createDispatch } from "../admin/dispatch.ts";
import { resources, vaultNoun } from "../admin/index.ts";
import type { AdminRequest, AdminResponse } from "../admin/resource.ts";
import { systemEnvironment } from "../config/load.ts";
import { checkStateDirectory } from "../config/state.ts";
import { programVersion } from "../core/build.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { acquireLock } from "../sys/lock.ts";
import { openVault } from "../vault/open.ts";
import type { Vault } from "../vault/vault.ts";
import { alreadyRunning, call, findInstance } from "./instance.ts";
import { findPlaces, loadLaunchConfig, type Places } from "./places.ts";

/** @throws Failure when the instance cannot be asked, or the state folder or the store cannot be used. */
export async function askAdmin(
  request: AdminRequest,
  { stateDir }: { stateDir: string | undefined },
): Promise<AdminResponse> {
  const places = findPlaces({ "state-dir": stateDir });
  const found = await findInstance(places);
  if (found.state === "deaf") throw alreadyRunning(found.holder);
  if (found.state === "up")
    return (await call(places, "/v1/admin", { json: request, timeoutMs: limits.adminMs })) as AdminResponse;
  return await answerOffline(request, places);
}

async function answerOffline(request: AdminRequest, places: Places): Promise<AdminResponse> {
  checkStateDirectory(places.stateDir);
  const facts = { pid: process.pid, startedAt: Date.now(), alone: false, version: programVersion };
  const lock = acquireLock(places.lock, facts);
  if (!lock.held) throw alreadyRunning(lock.holder);
  try {
    const [{ openStore }, { createStore }] = await Promise.all([import("../store/db.ts"), import("../store/store.ts")]);
    const adapters = await configuredAdapters(places);
    const store = createStore(openStore(places.database, { copies: places.backups }));
    try {
      const credentials = systemEnvironment().CREDENTIALS_DIRECTORY;
      const vault = openVault({ store, keyPath: places.key, credentials, now: Date.now });
      if (request.command.startsWith("vault-")) await openQuietly(vault);
      let thrown: unknown;
      const dispatch = createDispatch({
        resources: [...resources(() => ({ ...store, adapters })), vaultNoun(() => vault)],
        onError: (_command, error) => (thrown = error),
      });
      const answer = await dispatch(request, { kind: "host" });
      // Here the person at the terminal is the log: what broke inside is theirs to see with --verbose.
      if (thrown !== undefined) throw thrown;
      return answer;
    } finally {
      store.close();
    }
  } finally {
    lock.release();
  }
}

/** As far as that needs nobody; what stays locked is told by what needs it. */
async function openQuietly(vault: Vault): Promise<void> {
  try {
    await vault.open();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

/** What settings name. Where they are wrong, that is said by what asks for it: much can be done without. */
async function configuredAdapters(places: Places): Promise<() => ReturnType<typeof namedAdapters>> {
  try {
    const { settings } = await loadLaunchConfig({ "state-dir": places.stateDir });
    return () => namedAdapters(settings.adapters);
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
