// Checks of the chat platforms: what each says of its bot, how the running instance is connected, and who owns it.
import { statSync } from "node:fs";
import { inspectAdapter } from "../../adapters/index.ts";
import { loadConfig } from "../../config/load.ts";
import { programVersion } from "../../core/build.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { StatusReport } from "../../core/status.ts";
import { knownOwners } from "../../store/owners.ts";
import { systemClock } from "../../sys/clock.ts";
import { acquireLock } from "../../sys/lock.ts";
import { type Found, findInstance } from "../instance.ts";
import { type Places, settingsParts } from "../places.ts";
import { createAsk } from "../setup/ask.ts";
import type { Check, Finding } from "./finding.ts";

/** Every bot of the settings. Another poller is looked for with `--online` alone, since looking disturbs it. */
export const checkAdapters: Check = async ({ places, online }) => {
  if (statSync(places.stateDir, { throwIfNoEntry: false }) === undefined) return [];
  let config: Awaited<ReturnType<typeof loadConfig>>;
  try {
    config = await loadConfig({ flags: { stateDir: places.stateDir }, parts: await settingsParts() });
  } catch (error) {
    // What is wrong with the settings is told by their own check.
    if (error instanceof Failure) return [];
    throw error;
  }
  const status = await running(places);
  const bots = Object.entries(config.settings.adapters).slice(0, limits.setupBotsMax);
  const found = bots.map(async ([name, settings]): Promise<Finding[]> => {
    const listen = online && status === undefined;
    const deps = { name, secret: config.secret, fetch: globalThis.fetch, clock: systemClock, listen };
    const inspection = await inspectAdapter(settings, deps);
    const remarks = (inspection?.remarks ?? []).map(({ about: _about, token: _token, ...remark }) => remark);
    const line = status === undefined ? [] : [lineOf(name, status)];
    // What the platform itself has told is not told again as the instance's trouble.
    const told = remarks.some(({ level }) => level === "bad") ? line.filter(({ level }) => level === "ok") : line;
    const owner = await ownerOf(name, { places, status, admins: settings.admins });
    return [...remarks, ...told, owner].map((one) => ({ area: name, ...one }));
  });
  return (await Promise.all(found)).flat();
};

async function running(places: Places): Promise<StatusReport | undefined> {
  try {
    const found: Found = await findInstance(places);
    return found.state === "up" && !found.status.alone ? found.status : undefined;
  } catch (error) {
    // That it does not answer as it should is told by the check of the instance.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

type Remark = Omit<Finding, "area">;

/** How the running instance is connected to it. */
function lineOf(name: string, { adapters }: StatusReport): Remark {
  const one = adapters.find((adapter) => adapter.name === name);
  if (one === undefined)
    return {
      level: "warn",
      text: "The running instance does not know it: it was started with other settings",
      mend: "remoteagent restart",
    };
  const { state, reason, self } = one;
  if (state === "connected") return { level: "ok", text: `Connected${self === undefined ? "" : ` as ${self}`}` };
  if (state === "connecting") return { level: "warn", text: "It is still connecting", mend: "Look again in a minute" };
  return { level: "bad", text: reason ?? "It is not connected", mend: "See more: remoteagent logs" };
}

/** Without an owner nobody is let in. */
async function ownerOf(
  name: string,
  { places, status, admins }: { places: Places; status: StatusReport | undefined; admins: readonly string[] },
): Promise<Remark> {
  const owners = status === undefined ? stored(places, name) : await asked(places, name);
  if (owners === undefined) return { level: "warn", text: "Cannot tell who owns it: the database is in use" };
  const shown = owners
    .slice(0, 3)
    .map(({ id, name: called }) => (called === undefined ? `id ${id}` : `${called} (${id})`));
  if (shown.length > 0) return { level: "ok", text: `Its owner is ${shown.join(", ")}` };
  if (admins.length > 0) return { level: "ok", text: `Settings name its admins: ${admins.slice(0, 3).join(", ")}` };
  const mend = "remoteagent setup connects you; or remoteagent pair prints a code that you send to the bot";
  return { level: "warn", text: "Nobody has paired with it, so it answers nobody", mend };
}

async function asked(
  places: Places,
  adapter: string,
): Promise<{ id: string; name?: string | undefined }[] | undefined> {
  try {
    return await createAsk(places).owners(adapter, []);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** While nothing runs, the database is looked at without changing it, by the holder of the lock alone. */
function stored(places: Places, adapter: string): { id: string; name?: string | undefined }[] | undefined {
  if (statSync(places.database, { throwIfNoEntry: false }) === undefined) return [];
  const facts = { pid: process.pid, startedAt: Date.now(), alone: false, version: programVersion };
  try {
    const lock = acquireLock(places.lock, facts);
    if (!lock.held) return undefined;
    try {
      return knownOwners(places.database, adapter);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
