// settings.json on the disk: read with care, written as a whole.
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats } from "node:fs";
import { TextDecoder } from "node:util";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { writeAtomic } from "../sys/atomic.ts";
import { parseJson } from "./json.ts";
import { isObject } from "./overrides.ts";
import type { Problem } from "./problems.ts";

/** What is in the file, before it is checked; `{}` when there is no file. Warnings do not hinder a start. */
export interface SettingsFile {
  raw: unknown;
  text: string | undefined;
  warnings: Problem[];
}

/** @throws Failure `settings` when the file is unreadable, too long, no UTF-8, no JSON, or writable by others. */
export function readSettingsFile(path: string): SettingsFile {
  const read = readText(path);
  if (read === undefined) return { raw: {}, text: undefined, warnings: [] };
  const { text, stats } = read;
  // An empty file is what `touch` makes.
  const raw = text.trim() === "" ? {} : parseJson(text, path);
  return { raw, text, warnings: modeWarnings(path, stats) };
}

function modeWarnings(path: string, { mode }: Stats): Problem[] {
  if ((mode & 0o022) !== 0) {
    throw new Failure("settings", `Cannot use settings ${JSON.stringify(path)}: other users may write to the file`, {
      hint: `Mend it with: chmod 0600 '${path}'`,
    });
  }
  if ((mode & 0o044) === 0) return [];
  const value = (mode & 0o777).toString(8).padStart(4, "0");
  return [{ path: "settings.json", value, message: `other users can read it, mend it with: chmod 0600 '${path}'` }];
}

function readText(path: string): { text: string; stats: Stats } | undefined {
  const cannot = (reason: string, cause?: unknown) =>
    new Failure("settings", `Cannot read settings ${JSON.stringify(path)}: ${reason}`, { cause });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === "ENOENT") return undefined;
    throw cannot(code === "EACCES" ? "permission denied" : code, error);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw cannot("it is not a file");
    if (stats.size > limits.settingsBytesMax) throw cannot(`it is longer than ${limits.settingsBytesMax} bytes`);
    const bytes = Buffer.alloc(stats.size);
    const length = readSync(fd, bytes, 0, stats.size, 0);
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length)), stats };
  } catch (error) {
    if (error instanceof TypeError) throw cannot("it is not UTF-8 text", error);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Keys to set; an object is merged key by key, `undefined` removes a key, everything else replaces. */
export interface SettingsPatch {
  [key: string]: unknown;
}

/**
 * Merges `patch` into the settings file (0600), which is made when absent. The other keys, their order and the
 * indentation stay. Nothing is checked against the schema.
 * @throws Failure `settings` when the file that is there cannot be understood.
 */
export async function writeSettings(path: string, patch: SettingsPatch): Promise<void> {
  const { raw, text } = readSettingsFile(path);
  if (!isObject(raw))
    throw new Failure("settings", `Cannot change settings ${JSON.stringify(path)}: expected an object`);
  const indent = /^\{\r?\n([ \t]+)/.exec(text?.trimStart() ?? "")?.[1] ?? "  ";
  const merged = `${JSON.stringify(merge(raw, patch), null, indent)}\n`;
  // A link, as dotfile managers make them, stays a link.
  const target = text === undefined ? path : realpathSync(path);
  await writeAtomic(target, text?.includes("\r\n") ? merged.replaceAll("\n", "\r\n") : merged, { mode: 0o600 });
}

function merge(into: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const merged = new Map(Object.entries(into));
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key);
    if (value === undefined) merged.delete(key);
    else merged.set(key, isObject(value) ? merge(isObject(before) ? before : {}, value) : value);
  }
  return Object.fromEntries(merged);
}
