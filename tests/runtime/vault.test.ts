// The vault answers alike under Bun and Deno: sealing, each kind of key, rotation, and a key file that others can read.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import type { VaultOwner } from "../../src/store/vaults.ts";
import { openVault } from "../../src/vault/open.ts";
import { newKey, seal, unseal } from "../../src/vault/seal.ts";
import { withFolder } from "./folder.ts";

const ann: VaultOwner = { kind: "user", adapter: "tg", name: "57" };
const bytes = new Uint8Array([0, 255, 10, 13, 65]);

test("what one runtime sealed, both open", () => {
  // Sealed once and kept: what is on a disk today must open for ever.
  const key = new Uint8Array(32).fill(7);
  const sealed = Buffer.from("AWgHh2d7L47tkyRK0PTmlM2Rx6Bywt2D7eLDNnymHuUP+A==", "base64");
  assert.deepEqual([...(unseal(key, sealed, ["place", 1]) ?? [])], [...bytes]);
  const own = newKey();
  assert.deepEqual([...(unseal(own, seal(own, bytes, ["place", 1]), ["place", 1]) ?? [])], [...bytes]);
  assert.equal(unseal(own, seal(own, bytes, ["place", 1]), ["place", 2]), undefined);
});

test("a vault is filled, rotated to a passphrase and back, and opened by the next life", () =>
  withFolder(async (folder) => {
    const open = () => {
      const store = createStore(openStore(join(folder, "a.db")));
      const vault = openVault({ store, keyPath: join(folder, "key"), credentials: undefined, now: Date.now });
      return { store, vault };
    };
    const first = open();
    await first.vault.set(ann, { kind: "file", name: "a/b", bytes, by: "test" });
    assert.equal(await first.vault.rotate({ to: "passphrase", passphrase: "four words and more" }), 1);
    first.store.close();
    const second = open();
    await assert.rejects(second.vault.open(), /needs its passphrase/);
    await assert.rejects(second.vault.open("four words and less"), /the passphrase is wrong/);
    await second.vault.open("four words and more");
    assert.equal(await second.vault.rotate({ to: "file" }), 1);
    second.store.close();
    chmodSync(join(folder, "key"), 0o644);
    const third = open();
    await assert.rejects(third.vault.open(), /others can read it/);
    chmodSync(join(folder, "key"), 0o600);
    await third.vault.open();
    const [entry] = third.vault.entries(third.vault.need(ann));
    assert.deepEqual([...(entry?.bytes ?? [])], [...bytes]);
    third.store.close();
  }));
