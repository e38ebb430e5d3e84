// Seals values for the disk: AES-256-GCM, each bound to the place in which it stands.
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Bytes of a key. */
export const keyBytes = 32;

const cipherName = "aes-256-gcm";
/** Of the sealed form: the first byte says which one it is. */
const form = 1;
/** NIST SP 800-38D, 8.2: with random nonces of 96 bits a key may seal 2^32 values; a vault seals a few thousand. */
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes + tagBytes;

/** What a value is bound to: it opens under exactly the same words, in the same order. */
export type Place = readonly (string | number)[];

/** A new random key. */
export function newKey(): Uint8Array {
  return randomBytes(keyBytes);
}

/** The sealed form of `plain`, `headBytes` longer than it: form, nonce, tag, ciphertext. */
export function seal(key: Uint8Array, plain: Uint8Array, place: Place): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(placeBytes(place));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Uint8Array.of(form), nonce, cipher.getAuthTag(), text]);
}

/** What was sealed; undefined when it was changed, stands in another place, or another key sealed it. */
export function unseal(key: Uint8Array, sealed: Uint8Array, place: Place): Uint8Array | undefined {
  if (sealed.byteLength < headBytes || sealed[0] !== form) return undefined;
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(placeBytes(place));
  decipher.setAuthTag(sealed.subarray(1 + nonceBytes, headBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(headBytes)), decipher.final()]);
  } catch {
    return undefined; // The tag does not fit. The engine's words say no more than that.
  }
}

/** JSON keeps the words apart: no two places give the same bytes. */
function placeBytes(place: Place): Uint8Array {
  return Buffer.from(JSON.stringify([form, ...place]));
}
