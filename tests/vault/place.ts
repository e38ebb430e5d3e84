// A vault over a real database and a real key file, which can be closed and opened again as after a crash.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import type { VaultOwner } from "../../src/store/vaults.ts";
import { type KeyFiles, openKeyFiles } from "../../src/vault/key-file.ts";
import { createKeyring } from "../../src/vault/keyring.ts";
import { createVault } from "../../src/vault/vault.ts";

export const ann: VaultOwner = { kind: "user", adapter: "tg", name: "57" };
export const bob: VaultOwner = { kind: "user", adapter: "tg", name: "58" };
export const work: VaultOwner = { kind: "profile", adapter: "", name: "work" };

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** How a vault is opened. */
export interface Opening {
  credential?: Uint8Array;
  /** In the place of the real key files and transactions: what breaks on purpose. */
  files?: (files: KeyFiles) => KeyFiles;
  transaction?: (run: <Result>(work: () => Result) => Result) => <Result>(work: () => Result) => Result;
}

/** A folder with a database and a key. */
export function createPlace() {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-vault-"));
  let store = createStore(openStore(join(folder, "remoteagent.db")));
  let now = 1_700_000_000_000;
  return {
    folder,
    get store() {
      return store;
    },
    pass(ms: number): void {
      now += ms;
    },
    /** The vault as another life of the program finds it. */
    open({ credential, files = (same) => same, transaction = (same) => same }: Opening = {}) {
      store.close();
      store = createStore(openStore(join(folder, "remoteagent.db")));
      const deps = {
        store: store.vaults,
        transaction: transaction(store.transaction),
        now: () => now,
      };
      const keyring = createKeyring({
        ...deps,
        files: files(openKeyFiles(join(folder, "key"))),
        credential: () => credential,
        passphraseWork: 10,
      });
      return createVault({ ...deps, keyring, conversationName: store.moves.folder });
    },
    /** Every byte that lies in the folder. */
    disk: (): Buffer => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name)))),
    /** SQL as somebody with access to the file would write it. */
    tamper(sql: string): void {
      store.close();
      const db = openStore(join(folder, "remoteagent.db"));
      db.exec(sql);
      db.close();
      store = createStore(openStore(join(folder, "remoteagent.db")));
    },
    [Symbol.dispose]() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
