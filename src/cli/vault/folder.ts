// A folder of vaults as an older program keeps it: `bindings.json`, `vault.json`, and one folder with `env` and files each.
import { Buffer } from "node:buffer";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { VaultOwner } from "../../store/vaults.ts";
import { checkPath, checkProfile, checkVariable, placeOf } from "../../vault/names.ts";
import { readBytes } from "./input.ts";

/** One value that was found. */
export interface FoundEntry {
  owner: VaultOwner;
  kind: "env" | "file";
  name: string;
  bytes: Uint8Array;
}

/** What a folder holds, and one sentence for everything in it that is not taken. */
export interface FoundVaults {
  entries: FoundEntry[];
  /** Whom a profile is for; `platform` is the older program's word for where. */
  bindings: { platform: string; user: string; profile: string }[];
  notes: string[];
}

const bindingsForm = v.object({
  bindings: v.array(
    v.object({
      platform: v.string(),
      platformUserId: v.union([v.string(), v.number()]),
      vaultId: v.string(),
      status: v.optional(v.string(), "active"),
    }),
  ),
});
const vaultsForm = v.object({
  vaults: v.record(v.string(), v.object({ envFile: v.optional(v.string()), mounts: v.optional(v.unknown()) })),
});
const depthMax = limits.vaultPathPartsMax;

/**
 * Reads such a folder; links in it are not followed.
 * @throws Failure `usage` when it is no folder, or its two lists have another form.
 */
export function readVaults(folder: string): FoundVaults {
  if (!isFolder(folder)) throw new Failure("usage", `Cannot import ${JSON.stringify(folder)}: it is no folder`);
  const notes: string[] = [];
  const { bindings } = readList(join(folder, "bindings.json"), bindingsForm) ?? { bindings: [] };
  const about = readList(join(folder, "vault.json"), vaultsForm)?.vaults ?? {};
  const active = bindings.filter(({ status, vaultId, platform }) => {
    if (status === "active") return true;
    notes.push(`The binding of ${platform} to ${vaultId} is ${status}: it is not taken`);
    return false;
  });
  const entries: FoundEntry[] = [];
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    if (name === "bindings.json" || name === "vault.json") continue;
    if (!isFolder(path)) {
      notes.push(`${name} is no folder: it is not taken`);
      continue;
    }
    const owner = ownerOf(name, notes);
    if (owner === undefined) continue;
    const details = Object.hasOwn(about, name) ? about[name] : undefined;
    if (details?.mounts !== undefined)
      notes.push(`${name}: own mounts in vault.json are not taken; files go where their names say`);
    entries.push(...readVault(path, { owner, envFile: details?.envFile ?? "env", notes }));
    const bound = active.some(({ vaultId }) => vaultId === name);
    if (owner.kind === "profile" && !bound)
      notes.push(`${name} is bound to nobody: remoteagent vault bind --user <adapter/id> --profile ${name}`);
  }
  const wanted = active.map(({ platform, platformUserId, vaultId }) => ({
    platform,
    user: String(platformUserId),
    profile: vaultId,
  }));
  const there = new Set(entries.map(({ owner }) => owner.name));
  for (const { profile } of wanted) if (!there.has(profile)) notes.push(`${profile} is bound and has no folder`);
  return { entries, bindings: wanted.filter(({ profile }) => there.has(profile)), notes };
}

/** `container-dev` is that container's; everything else becomes a profile, which counts for whom it is bound to. */
function ownerOf(name: string, notes: string[]): VaultOwner | undefined {
  const container = /^container-([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(name)?.[1];
  if (container !== undefined) return { kind: "container", adapter: "", name: container };
  try {
    return { kind: "profile", adapter: "", name: checkProfile(name) };
  } catch (error) {
    notes.push(`${sentenceOf(error)}: the folder is not taken`);
    return undefined;
  }
}

function readVault(
  folder: string,
  { owner, envFile, notes }: { owner: VaultOwner; envFile: string; notes: string[] },
): FoundEntry[] {
  const found: FoundEntry[] = [];
  const skip = (path: string, error: unknown) => notes.push(`${owner.name}/${path} is not taken: ${sentenceOf(error)}`);
  for (const path of filesIn(folder, notes)) {
    try {
      const bytes = readBytes(join(folder, path), limits.vaultFileBytesMax);
      if (path !== envFile) {
        found.push({ owner, kind: "file", name: placeOf(checkPath(path)), bytes });
        continue;
      }
      for (const [line, { name, value }] of parseEnv(Buffer.from(bytes).toString()).entries()) {
        try {
          if (value === undefined) throw new Failure("usage", `line ${line + 1} is no KEY=VALUE`);
          found.push({ owner, kind: "env", name: checkVariable(name), bytes: Buffer.from(value) });
        } catch (error) {
          skip(path, error);
        }
      }
    } catch (error) {
      skip(path, error);
    }
  }
  return found;
}

/** `KEY=VALUE` lines, the quotes around a value stripped, nothing expanded (MA-081). Comments and `export` are passed over. */
export function parseEnv(text: string): { name: string; value: string | undefined }[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", value = ""] = /^(?:export\s+)?([^=\s]+)\s*=(.*)$/s.exec(line) ?? [];
      if (name === "") return { name: "", value: undefined };
      const plain = value.trim();
      return { name, value: /^(["'])(.*)\1$/s.exec(plain)?.[2] ?? plain };
    });
}

/** Regular files below a folder, as paths relative to it. */
function filesIn(folder: string, notes: string[], below = ""): string[] {
  const paths: string[] = [];
  for (const name of namesIn(join(folder, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    const stats = lstatSync(join(folder, path));
    if (stats.isFile()) paths.push(path);
    else if (stats.isDirectory() && path.split("/").length < depthMax) paths.push(...filesIn(folder, notes, path));
    else notes.push(`${path} is not taken: it is ${stats.isSymbolicLink() ? "a link" : "no file, or too deep"}`);
    if (paths.length > limits.vaultImportFilesMax)
      throw new Failure("usage", `Cannot import: a vault has more than ${limits.vaultImportFilesMax} files`);
  }
  return paths;
}

function namesIn(folder: string): string[] {
  const names = readdirSync(folder).sort();
  if (names.length <= limits.vaultImportFilesMax) return names;
  throw new Failure(
    "usage",
    `Cannot import: ${JSON.stringify(folder)} has more than ${limits.vaultImportFilesMax} entries`,
  );
}

function readList<Schema extends v.GenericSchema>(path: string, schema: Schema): v.InferOutput<Schema> | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readBytes(path, limits.adminBodyBytesMax)).toString());
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("usage", `Cannot import ${JSON.stringify(path)}: it is not JSON`);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Failure("usage", `Cannot import ${JSON.stringify(path)}: wrong at ${v.getDotPath(issue) ?? "its top"}`);
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A failure's sentence; names are in it, values never. */
function sentenceOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}
