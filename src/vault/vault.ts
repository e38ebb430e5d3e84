// The vault: what it holds and for whom, sealed on the disk, opened for each use.
import { Buffer } from "node:buffer";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { BindingRow, EntryKind, SealedRow, VaultOwner, VaultRow, Vaults } from "../store/vaults.ts";
import { secretCharsMin } from "./forms.ts";
import type { Keyring, Rotation } from "./keyring.ts";
import { createKnown } from "./known.ts";
import { checkPath, checkValue, checkVariable, textOf } from "./names.ts";
import { ownerText, placeFor } from "./owner.ts";
import { seal, unseal } from "./seal.ts";

/** What the vault works with. */
export interface VaultDeps {
  store: Vaults;
  transaction<Result>(work: () => Result): Result;
  keyring: Keyring;
  /** The name under which a conversation is kept, whatever id the platform gives it later. */
  conversationName(adapter: string, id: string): string;
  now(): number;
}

/** One entry by its name. */
export interface EntryName {
  kind: EntryKind;
  name: string;
}

/** An entry with its value, for the moment of its use. */
export interface OpenEntry extends EntryName {
  bytes: Uint8Array;
}

/** An entry as people see it. Times are Unix milliseconds. */
export interface ListedEntry extends EntryName {
  owner: VaultOwner;
  bytes: number;
  setBy: string;
  setAt: number;
  /** Until when the value before it, or the removed one, can be brought back. */
  undoUntil?: number;
  /** It is removed and can be brought back. */
  removed?: true;
}

/** What became of a value. `differs`: another one is there, and it was to stay. */
export type Stored = "new" | "changed" | "same" | "differs";

/** How a value is stored. */
export interface Setting extends OpenEntry {
  by: string;
  /** Leaves another value as it is. */
  keep?: boolean;
  /** Only says what would become of it. */
  dry?: boolean;
}

export type Vault = ReturnType<typeof createVault>;

/** The vault over a store. Nothing is opened before `open`. */
export function createVault(deps: VaultDeps) {
  const { store, keyring, transaction } = deps;
  const known = createKnown();
  const ownerOf = (owner: VaultOwner): VaultOwner =>
    owner.kind === "conversation" ? { ...owner, name: deps.conversationName(owner.adapter, owner.name) } : owner;
  const find = (owner: VaultOwner): VaultRow | undefined => store.find(ownerOf(owner));
  const need = (owner: VaultOwner): VaultRow => {
    const found = find(owner);
    if (found !== undefined) return found;
    throw new Failure("not-found", `Cannot find a vault of ${ownerText(owner)}: nothing is stored there`, {
      hint: "remoteagent vault list shows what there is",
    });
  };
  /** @throws Failure `state` for a value that was changed, or put there from another place. */
  const openRow = (row: SealedRow, vault: VaultOwner): Uint8Array => {
    const bytes = unseal(keyring.key(), row.sealed, placeFor(vault, row));
    if (bytes !== undefined) return bytes;
    throw new Failure("state", `Cannot open ${row.name} of ${ownerText(vault)}: its row was changed or moved`, {
      hint: "Store it anew with remoteagent vault set, and look who could write to the database",
    });
  };
  /** Tells the redactor of everything that is there; what cannot be opened is used by nobody either. */
  const learn = (): void => {
    const vaults = new Map(store.list().map((row) => [row.id, row]));
    for (const row of [...store.allEntries("live"), ...store.allEntries("past")]) {
      const vault = vaults.get(row.vault);
      const bytes = vault === undefined ? undefined : unseal(keyring.key(), row.sealed, placeFor(vault, row));
      if (bytes !== undefined) known.live(row, bytes);
    }
  };
  /** A new version; what lived before is what can be brought back. */
  const write = (vault: VaultRow, { kind, name, bytes, by }: Setting): void => {
    const row = store.entry(vault.id, { kind, name });
    const past = store.entry(vault.id, { kind, name, state: "past" });
    const version = Math.max(row?.version ?? 0, past?.version ?? 0) + 1;
    const sealed = seal(keyring.key(), bytes, placeFor(vault, { kind, name, version }));
    const setAt = deps.now();
    const fresh = { vault: vault.id, kind, name, version, sealed, bytes: bytes.byteLength, setBy: by, setAt };
    store.put(fresh);
    known.live(fresh, bytes);
  };

  return {
    state: () => keyring.state(),
    /** Opens what is there and tells the redactor. @throws Failure `state` when it stays locked. */
    async open(passphrase?: string): Promise<void> {
      await keyring.open(passphrase);
      if (keyring.state().state !== "open") return;
      store.expire(deps.now() - limits.vaultPastMs);
      learn();
    },
    /** @throws Failure `usage` when it has no passphrase. */
    lock: () => keyring.lock(),
    /** Every secret that lives here or was used since the start, for the redactor. */
    secretValues: known.values,
    find,
    /** Everything, or what one vault holds. @throws Failure `not-found`. */
    list(owner?: VaultOwner): ListedEntry[] {
      const rows = owner === undefined ? store.list() : [need(owner)];
      return rows.flatMap((vault) => listed(store, vault));
    },
    /**
     * Stores a value; the one before it can be brought back for a while.
     * @throws Failure `usage` for a name, value or number of entries that cannot be, `state` while it is locked.
     */
    async set(owner: VaultOwner, wanted: Setting): Promise<{ stored: Stored; warning?: string }> {
      const { kind, bytes } = wanted;
      const name = kind === "env" ? checkVariable(wanted.name) : checkPath(wanted.name);
      checkValue({ kind, name, bytes });
      if (wanted.dry === true) await keyring.open();
      else await keyring.ensure();
      const stored = transaction((): Stored => {
        store.expire(deps.now() - limits.vaultPastMs);
        const found = find(owner);
        const row = found === undefined ? undefined : store.entry(found.id, { kind, name });
        if (found !== undefined && row !== undefined) {
          if (Buffer.compare(openRow(row, found), bytes) === 0) return "same";
          if (wanted.keep === true) return "differs";
        }
        checkRoom(store, { ...wanted, vault: found, name });
        if (wanted.dry === true) return row === undefined ? "new" : "changed";
        const vault = found ?? added(store, { owner: ownerOf(owner), at: deps.now() });
        write(vault, { ...wanted, name });
        return row === undefined ? "new" : "changed";
      });
      const text = textOf(bytes);
      const short = kind === "env" && text !== undefined && text.length < secretCharsMin;
      const warning = `It is shorter than ${secretCharsMin} characters, so it is not removed from what the agent says`;
      return { stored, ...(short ? { warning } : {}) };
    },
    /** @throws Failure `not-found`. `forget`: it cannot be brought back. */
    remove(owner: VaultOwner, { kind, name, forget }: EntryName & { forget: boolean }): void {
      transaction(() => {
        const row = { vault: need(owner).id, kind, name };
        const there =
          store.entry(row.vault, row) ?? (forget ? store.entry(row.vault, { ...row, state: "past" }) : undefined);
        if (there === undefined) throw missing(owner, name);
        if (forget) store.forget(row);
        else store.retire(row, deps.now());
        if (forget) known.gone(row);
      });
    },
    /** Brings the value before this one back, or the removed one. @throws Failure `not-found`, `state`. */
    undo(owner: VaultOwner, { kind, name, by }: EntryName & { by: string }): void {
      const vault = need(owner);
      transaction(() => {
        store.expire(deps.now() - limits.vaultPastMs);
        const past = store.entry(vault.id, { kind, name, state: "past" });
        if (past === undefined)
          throw new Failure("not-found", `Cannot bring ${name} of ${ownerText(owner)} back: no value before is kept`);
        const bytes = openRow(past, vault);
        write(vault, { kind, name, bytes, by });
      });
    },
    /** Takes out a whole vault with what is bound to it. @throws Failure `not-found`. */
    drop(owner: VaultOwner): void {
      const vault = need(owner);
      for (const row of store.entries(vault.id)) known.gone(row);
      transaction(() => store.remove(vault.id));
    },
    need,
    /** The values of one vault, for the moment of their use. @throws Failure `state` while it is locked or when one was changed. */
    entries: (vault: VaultRow): OpenEntry[] =>
      store.entries(vault.id).map((row) => {
        const bytes = openRow(row, vault);
        known.used(row);
        return { kind: row.kind, name: row.name, bytes };
      }),
    /** One value of a vault, if it is there. @throws Failure as {@link entries}. */
    entry(vault: VaultRow, which: EntryName): Uint8Array | undefined {
      const row = store.entry(vault.id, which);
      if (row === undefined) return undefined;
      known.used(row);
      return openRow(row, vault);
    },
    bindings: (): (BindingRow & { owner: VaultOwner })[] =>
      store.bindings(limits.vaultBindingsMax).flatMap((row) => {
        const vault = store.get(row.vault);
        return vault === undefined ? [] : [{ ...row, owner: vault }];
      }),
    /** The profile counts for a person or in a room from now on; it is made when there is none. */
    bind(whose: VaultOwner, profile: VaultOwner, by: string): void {
      transaction(() => {
        const at = deps.now();
        if (store.bindings(limits.vaultBindingsMax).length >= limits.vaultBindingsMax)
          throw new Failure("usage", `Cannot bind: there are ${limits.vaultBindingsMax} bindings already`);
        const vault = find(profile) ?? added(store, { owner: profile, at });
        store.bind({ ...boundOf(ownerOf(whose)), vault: vault.id, setBy: by, setAt: at });
      });
    },
    /** @throws Failure `not-found`. */
    unbind(whose: VaultOwner): void {
      if (transaction(() => store.unbind(boundOf(ownerOf(whose))))) return;
      throw new Failure("not-found", `Cannot unbind ${ownerText(whose)}: it is bound to no profile`);
    },
    /** The profile that counts for somebody or somewhere, if one does. */
    boundTo(whose: VaultOwner): VaultRow | undefined {
      const row = store.binding(boundOf(ownerOf(whose)));
      return row === undefined ? undefined : store.get(row.vault);
    },
    /** Seals everything anew with a new key. @returns how many values. @throws Failure; then all is as it was. */
    rotate: (rotation: Rotation): Promise<number> =>
      keyring.rotate(rotation, (from, to) => {
        const vaults = new Map(store.list().map((row) => [row.id, row]));
        const rows = [...store.allEntries("live"), ...store.allEntries("past")];
        for (const row of rows) {
          const vault = vaults.get(row.vault);
          if (vault === undefined) continue;
          const bytes = unseal(from, row.sealed, placeFor(vault, row));
          if (bytes === undefined)
            throw new Failure("state", `Cannot rotate the key: ${row.name} of ${ownerText(vault)} was changed`, {
              hint: "Remove it with --forget, or store it anew, and try again",
            });
          store.reseal(row, seal(to, bytes, placeFor(vault, row)));
        }
        return rows.length;
      }),
    reset: () => keyring.reset(),
  };
}

function listed(store: Vaults, vault: VaultRow): ListedEntry[] {
  const { kind, adapter, name } = vault;
  const owner = { kind, adapter, name };
  const past = new Map(store.entries(vault.id, "past").map((row) => [`${row.kind} ${row.name}`, row]));
  const undo = (row: SealedRow | undefined) =>
    row?.endedAt == null ? {} : { undoUntil: row.endedAt + limits.vaultPastMs };
  const live = store.entries(vault.id).map((row): ListedEntry => {
    const before = past.get(`${row.kind} ${row.name}`);
    past.delete(`${row.kind} ${row.name}`);
    const { bytes, setBy, setAt } = row;
    return { owner, kind: row.kind, name: row.name, bytes, setBy, setAt, ...undo(before) };
  });
  const removed = [...past.values()].map(
    (row): ListedEntry => ({
      owner,
      kind: row.kind,
      name: row.name,
      bytes: row.bytes,
      setBy: row.setBy,
      setAt: row.setAt,
      ...undo(row),
      removed: true,
    }),
  );
  return [...live, ...removed];
}

/** @throws Failure `usage` when a bound of the vault is reached, or two files want the same place. */
function checkRoom(store: Vaults, { vault, kind, name, bytes }: { vault: VaultRow | undefined } & OpenEntry): void {
  const cannot = (reason: string) => new Failure("usage", `Cannot store ${name}: ${reason}`);
  const others = (vault === undefined ? [] : store.entries(vault.id)).filter(
    (row) => row.kind !== kind || row.name !== name,
  );
  const sum = (rows: readonly { bytes: number }[]) => rows.reduce((total, row) => total + row.bytes, bytes.byteLength);
  const alike = others.filter((row) => row.kind === kind);
  if (others.length >= limits.vaultEntriesMax) throw cannot(`the vault has ${limits.vaultEntriesMax} entries already`);
  if (store.entryCount() >= limits.vaultEntriesTotalMax)
    throw cannot(`all vaults together have ${limits.vaultEntriesTotalMax} entries already`);
  if (sum(others) > limits.vaultBytesMax) throw cannot(`the vault would have more than ${limits.vaultBytesMax} bytes`);
  if (kind === "env" && sum(alike) > limits.vaultEnvironmentBytesMax)
    throw cannot(`its variables would have more than ${limits.vaultEnvironmentBytesMax} bytes`);
  if (kind === "env") return;
  if (alike.length >= limits.vaultFilesMax) throw cannot(`the vault has ${limits.vaultFilesMax} files already`);
  const clash = alike.find((row) => row.name.startsWith(`${name}/`) || name.startsWith(`${row.name}/`));
  if (clash !== undefined) throw cannot(`the file ${clash.name} is in its way`);
}

function added(store: Vaults, { owner, at }: { owner: VaultOwner; at: number }): VaultRow {
  if (store.list().length >= limits.vaultsMax)
    throw new Failure("usage", `Cannot make a vault: there are ${limits.vaultsMax} already`);
  return { ...owner, id: store.add(owner, at), madeAt: at };
}

function missing(owner: VaultOwner, name: string): Failure {
  return new Failure("not-found", `Cannot find ${name} of ${ownerText(owner)}: it is not stored there`, {
    hint: "remoteagent vault list shows what there is",
  });
}

function boundOf({ kind, adapter, name }: VaultOwner): Pick<BindingRow, "kind" | "adapter" | "name"> {
  if (kind === "user" || kind === "conversation") return { kind, adapter, name };
  throw new Failure(
    "usage",
    `Cannot bind ${ownerText({ kind, adapter, name })}: only people and conversations are bound`,
  );
}
