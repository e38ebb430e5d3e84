// `vault import` and `vault export`: values come from an older program's folder, or go into one of the same form.
import { Buffer } from "node:buffer";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { VaultKind } from "../../store/vaults.ts";
import { makeDir, writeAtomic } from "../../sys/atomic.ts";
import { ownerText } from "../../vault/owner.ts";
import type { Stored } from "../../vault/vault.ts";
import type { Io } from "../io.ts";
import type { AskVault } from "./ask.ts";
import { type FoundVaults, readVaults } from "./folder.ts";

/** How an import goes. */
export interface ImportOptions {
  folder: string;
  /** Only says what would happen. */
  dry: boolean;
  /** Puts the folder's value in the place of another one. */
  replace: boolean;
  /** Adapters of the settings by name, with their types; and the one that was named for all. */
  adapters: Readonly<Record<string, string>>;
  adapter: string | undefined;
}

const words: Record<Stored, string> = {
  new: "stored",
  changed: "replaced",
  same: "already there",
  differs: "left alone: another value is there, --replace takes this one",
};

/** Takes a folder over; done again it changes nothing. */
export async function importVaults(ask: AskVault, io: Io, options: ImportOptions): Promise<void> {
  const found = readVaults(resolve(options.folder));
  const { dry, replace } = options;
  let failed = 0;
  for (const { owner, kind, name, bytes } of found.entries) {
    const value = Buffer.from(bytes).toString("base64");
    const args = { of: owner.kind, who: owner.name, kind, name, value, keep: !replace, dry };
    try {
      const { stored } = await ask<{ stored: Stored }>("set", args);
      io.out(
        `${ownerText(owner)}  ${name}  ${dry && stored !== "same" ? `would be ${words[stored]}` : words[stored]}\n`,
      );
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "usage") throw error;
      failed += 1;
      io.out(`${ownerText(owner)}  ${name}  not taken: ${error.message}\n`);
    }
  }
  await importBindings(ask, io, { ...options, found });
  for (const note of found.notes) io.out(`${note}\n`);
  if (found.entries.length === 0) io.out("There is nothing to take\n");
  if (failed > 0) throw new Failure("internal", `${failed} of ${found.entries.length} values were not taken`);
}

async function importBindings(
  ask: AskVault,
  io: Io,
  { found, dry, adapters, adapter }: ImportOptions & { found: FoundVaults },
): Promise<void> {
  const known = await ask<{ bound: string; profile: string }[]>("bindings", {});
  for (const { platform, user, profile } of found.bindings) {
    const candidates = Object.keys(adapters).filter((name) => adapters[name] === platform);
    const where = adapter ?? (candidates.length === 1 ? candidates[0] : undefined);
    if (where === undefined) {
      const why = candidates.length === 0 ? "settings have no such adapter" : `it may be ${candidates.join(" or ")}`;
      io.out(`${platform} ${user} is not bound to ${profile}: ${why}; --adapter <name> says which\n`);
      continue;
    }
    const bound = `user ${where}/${user}`;
    const there = known.find((one) => one.bound === bound);
    if (there !== undefined) {
      const same = there.profile === profile;
      io.out(`${bound}  ${same ? `already bound to ${profile}` : `left alone: it is bound to ${there.profile}`}\n`);
      continue;
    }
    if (!dry) await ask("bind", { of: "user", who: `${where}/${user}`, profile });
    io.out(`${bound}  ${dry ? "would be bound" : "bound"} to ${profile}\n`);
  }
}

interface ListedRow {
  of: VaultKind;
  adapter: string;
  who: string;
  kind: "env" | "file";
  name: string;
  removed?: true;
}

/** Writes every vault in the clear into a new folder, for its owner alone. @throws Failure `usage` when it is not empty. */
export async function exportVaults(ask: AskVault, io: Io, folder: string): Promise<void> {
  const root = resolve(folder);
  if (existsSync(root) && readdirSync(root).length > 0)
    throw new Failure("usage", `Cannot export into ${JSON.stringify(root)}: it is not empty`);
  makeDir(root);
  const rows = (await ask<ListedRow[]>("list", {})).filter(({ removed }) => removed !== true);
  const vaults = new Map(
    rows.map(({ of, adapter, who }) => [JSON.stringify([of, adapter, who]), { of, adapter, who }]),
  );
  let values = 0;
  for (const { of, adapter, who } of vaults.values()) {
    const whose = adapter === "" ? { of, ...(who === "" ? {} : { who }) } : { of, who: `${adapter}/${who}` };
    const entries = await ask<{ kind: string; name: string; value: string }[]>("export", whose);
    const place = join(root, folderOf({ of, adapter, who }));
    makeDir(place);
    const lines: string[] = [];
    for (const { kind, name, value } of entries) {
      const bytes = Buffer.from(value, "base64");
      // A line holds no line end: such a variable becomes a file beside the others, and the report says so.
      const text = kind === "env" ? bytes.toString() : undefined;
      const path = text === undefined ? name : /[\r\n]/.test(text) ? `env.${name}` : undefined;
      if (path === undefined) lines.push(`${name}=${quoted(text ?? "")}`);
      else {
        makeDir(dirname(join(place, path)));
        await writeAtomic(join(place, path), bytes);
        if (kind === "env")
          io.out(`${name} has several lines: it stands in ${folderOf({ of, adapter, who })}/${path}\n`);
      }
      values += 1;
    }
    if (lines.length > 0) await writeAtomic(join(place, "env"), `${lines.join("\n")}\n`);
  }
  const bindings = await ask<{ bound: string; profile: string }[]>("bindings", {});
  await writeAtomic(join(root, "bindings.json"), `${JSON.stringify({ bindings: boundRows(bindings) }, null, 2)}\n`);
  io.out(`Wrote ${values} value${values === 1 ? "" : "s"} in the clear into ${root}: remove it when you are done\n`);
}

/** Quotes are what keeps blanks at the ends and quotes of the value's own. */
function quoted(text: string): string {
  return /^\s|\s$|^["'#]|["']$/.test(text) ? `"${text}"` : text;
}

/** A folder's name that no two vaults share; a container's is as an import reads it. */
function folderOf({ of, adapter, who }: { of: VaultKind; adapter: string; who: string }): string {
  const plain = (text: string) =>
    text.replace(/[^A-Za-z0-9._-]/g, (letter) => `_${letter.codePointAt(0)?.toString(16)}_`);
  if (of === "profile") return who;
  if (of === "container") return `container-${who}`;
  return of === "instance" ? "instance" : `${of}-${plain(adapter)}-${plain(who)}`.slice(0, limits.vaultPathCharsMax);
}

function boundRows(bindings: readonly { bound: string; profile: string }[]) {
  return bindings.flatMap(({ bound, profile }) => {
    const [, platform, platformUserId] = /^user ([^/]+)\/(.+)$/.exec(bound) ?? [];
    return platform === undefined ? [] : [{ platform, platformUserId, vaultId: profile, status: "active" }];
  });
}
