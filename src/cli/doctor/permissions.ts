// Checks of what only this user may reach, and of the folder that the agent works in.
import { accessSync, chmodSync, constants, lstatSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { byteSize } from "../../core/words.ts";
import { freeBytes } from "../../sys/disk.ts";
import { settingsParts } from "../places.ts";
import type { Check, Finding } from "./finding.ts";

/** Owner and mode of what is in the state folder. Once run with sudo, files in it belong to root. */
export const checkPermissions: Check = async ({ places }) => {
  const area = "files";
  const files = [
    [places.database, `${places.database}-wal`, `${places.database}-shm`, places.lock, places.socket],
    [places.key, places.logs, places.log, places.console, places.tools, places.backups, places.sandboxes],
    [`${places.stateDir}/environment`],
  ].flat();
  const found = files.flatMap((path): Finding[] => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined || stats.isSymbolicLink() ? [] : judge(path, stats);
  });
  if (found.length > 0) return found;
  const there = statSync(places.stateDir, { throwIfNoEntry: false }) !== undefined;
  return there ? [{ area, level: "ok", text: "What is in the state folder is yours alone" }] : [];
};

function judge(path: string, stats: Stats): Finding[] {
  const area = "files";
  const uid = process.getuid?.() ?? stats.uid;
  if (stats.uid !== uid)
    return [
      {
        area,
        level: "bad",
        text: `${path} belongs to another user (${stats.uid})`,
        mend: `sudo chown -R "$(id -un)" '${dirname(path)}'`,
      },
    ];
  // The folder above is closed; it is the second door.
  if ((stats.mode & 0o077) === 0) return [];
  const mode = stats.isDirectory() ? 0o700 : 0o600;
  const fix = async () => {
    chmodSync(path, mode);
    return `mode is 0${mode.toString(8)} now`;
  };
  const text = `Others may use ${path} (mode ${(stats.mode & 0o777).toString(8)})`;
  return [{ area, level: "warn", text, mend: `chmod 0${mode.toString(8)} '${path}'`, fix }];
}

/** Rights and room of the workspace, where it is a place of its own. */
export const checkWorkspace: Check = async ({ places }) => {
  const area = "workspace";
  const folder = await workspaceOf(places.stateDir);
  if (folder === undefined) return [];
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined)
    return [{ area, level: "ok", text: `${folder} does not exist yet; the first start makes it` }];
  if (!stats.isDirectory())
    return [
      { area, level: "bad", text: `${folder} is not a folder`, mend: "Choose another workspace in the settings" },
    ];
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      { area, level: "bad", text: `You may not write to ${folder}`, mend: `sudo chown -R "$(id -un)" '${folder}'` },
    ];
  }
  const bytes = await freeBytes(folder).catch(() => undefined);
  const text = bytes === undefined ? folder : `${folder}, ${byteSize(bytes)} are free`;
  if (bytes !== undefined && bytes < limits.diskFreeBytesLow)
    return [{ area, level: bytes < limits.diskFreeBytesBad ? "bad" : "warn", text, mend: "Free some space" }];
  if ((stats.mode & 0o002) !== 0)
    return [{ area, level: "warn", text: `Everybody may write to ${folder}`, mend: `chmod o-w '${folder}'` }];
  return [{ area, level: "ok", text }];
};

/** The workspace of the settings; undefined where there are none, or wrong ones, which is said elsewhere. */
async function workspaceOf(stateDir: string): Promise<string | undefined> {
  if (statSync(stateDir, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return (await loadConfig({ flags: { stateDir }, parts: await settingsParts() })).workspace;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
