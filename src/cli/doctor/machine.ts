// Checks of the machine: the program itself, the state folder, the disk, the clock.
import { accessSync, chmodSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { systemEnvironment } from "../../config/load.ts";
import { checkStateDirectory } from "../../config/state.ts";
import { failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { byteSize } from "../../core/words.ts";
import { freeBytes } from "../../sys/disk.ts";
import { versionLine } from "../program.ts";
import type { Check, Finding } from "./finding.ts";

/** Which program this is, and whether the shell finds it. */
export const checkProgram: Check = async () => {
  const text = versionLine();
  const folders = (systemEnvironment().PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const at = folders.map((folder) => join(folder, "remoteagent")).find(isProgram);
  if (at !== undefined) return [{ area: "program", level: "ok", text: `${text}, found as ${at}` }];
  const mend = 'Add its folder to PATH, such as: export PATH="$HOME/.local/bin:$PATH"';
  return [{ area: "program", level: "warn", text: `${text}; no "remoteagent" is on PATH`, mend }];
};

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Absent or not ours to run: then it is not the one that the shell would take.
    return false;
  }
}

/** Owner and mode of the state folder. */
export const checkStateFolder: Check = async ({ places }) => {
  const area = "state";
  const stats = statSync(places.stateDir, { throwIfNoEntry: false });
  if (stats === undefined) {
    const text = `${places.stateDir} does not exist yet; the first start makes it`;
    return [{ area, level: "ok", text }];
  }
  try {
    checkStateDirectory(places.stateDir);
  } catch (error) {
    const { message, hint } = failureData(error);
    const own = stats.isDirectory() && stats.uid === process.getuid?.();
    return [{ area, level: "bad", text: message, mend: hint, ...(own ? { fix: narrow(places.stateDir) } : {}) }];
  }
  const mode = stats.mode & 0o777;
  if (mode === 0o700) return [{ area, level: "ok", text: `${places.stateDir} is yours alone` }];
  const text = `Others can look into ${places.stateDir} (mode ${mode.toString(8)})`;
  return [{ area, level: "warn", text, mend: `chmod 0700 '${places.stateDir}'`, fix: narrow(places.stateDir) }];
};

function narrow(path: string): () => Promise<string> {
  return async () => {
    chmodSync(path, 0o700);
    return "mode is 0700 now";
  };
}

/** Room for the database and the log. */
export const checkDisk: Check = async ({ places }) => {
  const folder = statSync(places.stateDir, { throwIfNoEntry: false }) ? places.stateDir : dirname(places.stateDir);
  let bytes: number;
  try {
    bytes = await freeBytes(folder);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return [{ area: "disk", level: "warn", text: `Cannot tell how much room there is: ${words}` }];
  }
  const text = `${byteSize(bytes)} are free for ${folder}`;
  if (bytes >= limits.diskFreeBytesLow) return [{ area: "disk", level: "ok", text }];
  const level = bytes < limits.diskFreeBytesBad ? "bad" : "warn";
  return [{ area: "disk", level, text, mend: "Free some space" }];
};

/** This program was written after this moment; a clock before it is wrong. */
const earliest = Date.UTC(2026, 0, 1);
const latest = Date.UTC(2100, 0, 1);

/** A clock that is years off breaks certificates and schedules. */
export const checkClock: Check = async ({ places }) => {
  const now = Date.now();
  const area = "clock";
  const findings: Finding[] = [];
  const shown = new Date(now).toISOString();
  if (now < earliest || now > latest)
    findings.push({ area, level: "bad", text: `It says ${shown}`, mend: "Set it: timedatectl set-ntp true" });
  const database = statSync(places.database, { throwIfNoEntry: false });
  if (database !== undefined && database.mtimeMs > now + limits.clockSkewMs) {
    const text = `The database was written at ${database.mtime.toISOString()}, which is still to come: the clock went back`;
    findings.push({ area, level: "warn", text, mend: "Set it: timedatectl set-ntp true" });
  }
  return findings.length > 0 ? findings : [{ area, level: "ok", text: shown }];
};
