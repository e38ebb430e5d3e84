// Sealing: what was changed, moved or sealed by another key does not open.
import { expect, test } from "bun:test";
import { newKey, seal, unseal } from "../../src/vault/seal.ts";
import { unwrapKey, wrapKey } from "../../src/vault/wrap.ts";
import { bytesOf } from "./place.ts";

const place = ["vault", "user", "tg", "57", "env", "NAME", 1];

test("a value opens under its key and place alone", () => {
  const [key, other] = [newKey(), newKey()];
  for (const text of ["", "x", "ä\n\0", "y".repeat(100_000)]) {
    const sealed = seal(key, bytesOf(text), place);
    expect(Buffer.from(unseal(key, sealed, place) ?? []).toString()).toBe(text);
    expect(unseal(other, sealed, place)).toBeUndefined();
    expect(unseal(key, sealed, [...place.slice(0, -1), 2])).toBeUndefined();
    // No two places are the same bytes, however their words are cut.
    expect(unseal(key, sealed, ["vault", "user", "tg57", "", "env", "NAME", 1])).toBeUndefined();
  }
});

test("each changed bit and each cut is found, and no two seals are alike", () => {
  const key = newKey();
  const sealed = seal(key, bytesOf("correct horse"), place);
  expect(Buffer.compare(sealed, seal(key, bytesOf("correct horse"), place))).not.toBe(0);
  for (let bit = 0; bit < sealed.byteLength * 8; bit++) {
    const changed = Uint8Array.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(unseal(key, changed, place)).toBeUndefined();
  }
  for (let length = 0; length < sealed.byteLength; length++)
    expect(unseal(key, sealed.subarray(0, length), place)).toBeUndefined();
});

test("a data key opens by its secret and as what it was wrapped", async () => {
  const key = newKey();
  for (const source of ["file", "credential", "passphrase"] as const) {
    const wrapped = await wrapKey(key, { source, secret: bytesOf("the secret") });
    expect(await unwrapKey(wrapped, bytesOf("the secret"))).toEqual(Buffer.from(key));
    expect(await unwrapKey(wrapped, bytesOf("the secreT"))).toBeUndefined();
    const other = source === "file" ? "credential" : "file";
    expect(await unwrapKey({ ...wrapped, source: other }, bytesOf("the secret"))).toBeUndefined();
    // A row that asks for more memory than there is, or for no work at all, is not tried.
    expect(await unwrapKey({ ...wrapped, source: "passphrase", cost: 60 }, bytesOf("the secret"))).toBeUndefined();
    expect(await unwrapKey({ ...wrapped, source: "passphrase", cost: 0 }, bytesOf("the secret"))).toBeUndefined();
  }
});
