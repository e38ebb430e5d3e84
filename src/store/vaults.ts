// Vaults as they lie on the disk: owners and names in the clear, values sealed before they come here.
import type { Database } from "../sys/sqlite.ts";

export type VaultKind = "user" | "conversation" | "container" | "profile" | "instance";

/** Whose a vault is. `adapter` is empty for what belongs to none, `name` for the instance. */
export interface VaultOwner {
  kind: VaultKind;
  adapter: string;
  name: string;
}

/** A vault. Times are Unix milliseconds. */
export interface VaultRow extends VaultOwner {
  id: number;
  madeAt: number;
}

export type EntryKind = "env" | "file";

/** What is in the vault without its value. */
export interface EntryRow {
  vault: number;
  kind: EntryKind;
  name: string;
  /** Rises with each value, also over a removal. */
  version: number;
  bytes: number;
  setBy: string;
  setAt: number;
}

/** The same with the value, sealed. */
export interface SealedRow extends EntryRow {
  sealed: Uint8Array;
  /** Set for a value that was replaced or removed and can be brought back. */
  endedAt: number | null;
}

/** Which profile counts for a person or a room. */
export interface BindingRow {
  kind: "user" | "conversation";
  adapter: string;
  name: string;
  vault: number;
  setBy: string;
  setAt: number;
}

/** The data key, sealed. */
export interface KeyRow {
  source: "file" | "passphrase" | "credential";
  salt: Uint8Array;
  cost: number;
  wrapped: Uint8Array;
}

interface StoredEntry {
  vault: number;
  kind: EntryKind;
  name: string;
  version: number;
  sealed: Uint8Array;
  bytes: number;
  set_by: string;
  set_at: number;
  ended_at: number | null;
}

export type Vaults = ReturnType<typeof openVaults>;

/** The vaults of a store. */
export function openVaults(db: Database) {
  return { ...openKeys(db), ...openOwners(db), ...openEntries(db), ...openBindings(db), ...openPlaced(db) };
}

function openKeys(db: Database) {
  const get = db.prepare("SELECT source, salt, cost, wrapped FROM vault_keys ORDER BY id DESC LIMIT 1");
  const add = db.prepare("INSERT INTO vault_keys (source, salt, cost, wrapped, made_at) VALUES (?, ?, ?, ?, ?)");
  const clear = db.prepare("DELETE FROM vault_keys");
  const wipe = db.prepare("DELETE FROM vaults");
  return {
    key: (): KeyRow | undefined => get.get<KeyRow>(),
    /** The one key from now on; in the transaction that seals everything with it. */
    setKey({ source, salt, cost, wrapped }: KeyRow, at: number): void {
      clear.run();
      add.run(source, salt, cost, wrapped, at);
    },
    /** Gives up every value, vault and binding, and the key. */
    wipe(): void {
      wipe.run();
      clear.run();
    },
  };
}

function openOwners(db: Database) {
  const columns = "id, kind, adapter, name, made_at AS madeAt";
  const find = db.prepare(`SELECT ${columns} FROM vaults WHERE kind = ? AND adapter = ? AND name = ?`);
  const byId = db.prepare(`SELECT ${columns} FROM vaults WHERE id = ?`);
  const list = db.prepare(`SELECT ${columns} FROM vaults ORDER BY kind, adapter, name`);
  const add = db.prepare("INSERT INTO vaults (kind, adapter, name, made_at) VALUES (?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM vaults WHERE id = ?");
  return {
    find: ({ kind, adapter, name }: VaultOwner): VaultRow | undefined => find.get<VaultRow>(kind, adapter, name),
    get: (id: number): VaultRow | undefined => byId.get<VaultRow>(id),
    list: (): VaultRow[] => list.all<VaultRow>(),
    add: ({ kind, adapter, name }: VaultOwner, at: number): number => add.run(kind, adapter, name, at).lastId,
    /** With its entries and bindings. */
    remove: (id: number): boolean => remove.run(id).changes > 0,
  };
}

function openEntries(db: Database) {
  const columns = "vault, kind, name, version, sealed, bytes, set_by, set_at, ended_at";
  const one = db.prepare(
    `SELECT ${columns} FROM vault_entries WHERE vault = ? AND kind = ? AND name = ? AND state = ?`,
  );
  const of = db.prepare(`SELECT ${columns} FROM vault_entries WHERE vault = ? AND state = ? ORDER BY kind, name`);
  const all = db.prepare(`SELECT ${columns} FROM vault_entries WHERE state = ? ORDER BY vault, kind, name`);
  const drop = db.prepare("DELETE FROM vault_entries WHERE vault = ? AND kind = ? AND name = ? AND state = ?");
  const put = db.prepare(
    `INSERT INTO vault_entries (vault, kind, name, state, version, sealed, bytes, set_by, set_at)
     VALUES (?, ?, ?, 'live', ?, ?, ?, ?, ?)`,
  );
  const age = db.prepare(
    "UPDATE vault_entries SET state = 'past', ended_at = ? WHERE vault = ? AND kind = ? AND name = ? AND state = 'live'",
  );
  const reseal = db.prepare(
    "UPDATE vault_entries SET sealed = ? WHERE vault = ? AND kind = ? AND name = ? AND state = ?",
  );
  const expire = db.prepare("DELETE FROM vault_entries WHERE state = 'past' AND ended_at < ?");
  const count = db.prepare("SELECT count(*) AS n FROM vault_entries WHERE state = 'live'");
  /** What lived becomes past, in the place of what was past before. */
  const retire = ({ vault, kind, name }: Pick<EntryRow, "vault" | "kind" | "name">, at: number): boolean => {
    if (one.get(vault, kind, name, "live") === undefined) return false;
    drop.run(vault, kind, name, "past");
    return age.run(at, vault, kind, name).changes > 0;
  };
  return {
    entry: (
      vault: number,
      { kind, name, state = "live" }: { kind: EntryKind; name: string; state?: "live" | "past" },
    ): SealedRow | undefined => {
      const row = one.get<StoredEntry>(vault, kind, name, state);
      return row === undefined ? undefined : entryOf(row);
    },
    entries: (vault: number, state: "live" | "past" = "live"): SealedRow[] =>
      of.all<StoredEntry>(vault, state).map(entryOf),
    allEntries: (state: "live" | "past" = "live"): SealedRow[] => all.all<StoredEntry>(state).map(entryOf),
    entryCount: (): number => count.get<{ n: number }>()?.n ?? 0,
    /** The value from now on; the one that lived becomes past. */
    put(row: Omit<SealedRow, "endedAt">): void {
      const { vault, kind, name } = row;
      retire(row, row.setAt);
      put.run(vault, kind, name, row.version, row.sealed, row.bytes, row.setBy, row.setAt);
    },
    /** @returns false when it did not live. */
    retire,
    /** Takes a value out for good, with the one before it. */
    forget({ vault, kind, name }: Pick<EntryRow, "vault" | "kind" | "name">): void {
      for (const state of ["live", "past"]) drop.run(vault, kind, name, state);
    },
    reseal({ vault, kind, name, endedAt }: SealedRow, sealed: Uint8Array): void {
      reseal.run(sealed, vault, kind, name, endedAt === null ? "live" : "past");
    },
    /** Takes out past values that ended before a moment. */
    expire: (before: number): number => expire.run(before).changes,
  };
}

function entryOf(row: StoredEntry): SealedRow {
  const { set_by: setBy, set_at: setAt, ended_at: endedAt, ...rest } = row;
  return { ...rest, setBy, setAt, endedAt };
}

function openBindings(db: Database) {
  const columns = "kind, adapter, name, vault, set_by AS setBy, set_at AS setAt";
  const get = db.prepare(`SELECT ${columns} FROM vault_bindings WHERE kind = ? AND adapter = ? AND name = ?`);
  const list = db.prepare(`SELECT ${columns} FROM vault_bindings ORDER BY kind, adapter, name LIMIT ?`);
  const set = db.prepare(
    `INSERT INTO vault_bindings (kind, adapter, name, vault, set_by, set_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET vault = excluded.vault, set_by = excluded.set_by, set_at = excluded.set_at`,
  );
  const remove = db.prepare("DELETE FROM vault_bindings WHERE kind = ? AND adapter = ? AND name = ?");
  type Whose = Pick<BindingRow, "kind" | "adapter" | "name">;
  return {
    binding: ({ kind, adapter, name }: Whose): BindingRow | undefined => get.get<BindingRow>(kind, adapter, name),
    bindings: (limit: number): BindingRow[] => list.all<BindingRow>(limit),
    bind({ kind, adapter, name, vault, setBy, setAt }: BindingRow): void {
      set.run(kind, adapter, name, vault, setBy, setAt);
    },
    /** @returns false when there was none. */
    unbind: ({ kind, adapter, name }: Whose): boolean => remove.run(kind, adapter, name).changes > 0,
  };
}

function openPlaced(db: Database) {
  const get = db.prepare("SELECT paths FROM vault_placed WHERE place = ?");
  const list = db.prepare("SELECT place, paths FROM vault_placed ORDER BY place LIMIT 10000");
  const set = db.prepare(
    "INSERT INTO vault_placed (place, paths) VALUES (?, ?) ON CONFLICT DO UPDATE SET paths = excluded.paths",
  );
  const remove = db.prepare("DELETE FROM vault_placed WHERE place = ?");
  const pathsOf = (text: string): string[] => JSON.parse(text) as string[];
  return {
    /** Paths, relative to the home, that may still lie there. */
    placed: (place: string): string[] => pathsOf(get.get<{ paths: string }>(place)?.paths ?? "[]"),
    allPlaced: (): { place: string; paths: string[] }[] =>
      list.all<{ place: string; paths: string }>().map(({ place, paths }) => ({ place, paths: pathsOf(paths) })),
    notePlaced(place: string, paths: readonly string[]): void {
      if (paths.length === 0) remove.run(place);
      else set.run(place, JSON.stringify(paths));
    },
  };
}
